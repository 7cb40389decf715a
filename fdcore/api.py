"""The Python API: an investigation in memory, or kept as a case. `import fdcore` exports what is public here."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from fdcore.answers.asking import ask_suspect, dense_sweep
from fdcore.answers.ledger import Ledger
from fdcore.case.case import Case
from fdcore.case.places import Places
from fdcore.case.plan import Plan, Settings, open_hierarchy
from fdcore.corpus import corpus as corpora
from fdcore.corpus.corpus import Corpus
from fdcore.errors import SettingsError
from fdcore.method.adaptive import Adaptive
from fdcore.method.findings import ImageTable, score
from fdcore.method.findings import Scored as Answered
from fdcore.method.selection import SelectionSettings
from fdcore.notebook import Findings, Scored
from fdcore.progress import Progress, silent
from fdcore.suspect.hub import bring
from fdcore.suspect.suspect import Suspect, spec_given
from fdcore.texts import Kind
from fdcore.verdict import ask_untrained
from fdcore.work import investigate as work

Folders = str | Path | Sequence[str | Path]


def open_corpus(
    folders: Folders,
    *,
    input_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    kind: Kind = "picture",
    images_per_leaf: int | None = Settings.images_per_leaf,
    seed: int = Settings.seed,
    hierarchy: str | Path | None = None,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Corpus:
    """Read folders of images, to look at them or to query several suspects with them.

    Args:
        folders: image folders, each "DIR" or "DIR@NODE".
        input_size: side of the pictures in pixels, or their height and width; of texts, the most bytes in UTF-8.
        channels: 3 for RGB, 1 for grey.
        kind: what the folders hold, "picture" or "text".
        images_per_leaf: the most images sampled from each leaf; None for all.
        seed: of the sampling.
        hierarchy: a CSV or JSON file of the nodes that the folders name; None for WordNet.
        cache: where decoded images are kept; None for the user's cache.
        progress: a listener.

    Raises:
        FdError: something that the user has to fix.
    """
    spec = spec_given(kind, input_size, channels)
    return corpora.open_corpus(
        _listed(folders), hierarchy=open_hierarchy(hierarchy), height=spec.height, width=spec.width,
        channels=spec.channels,
        per_leaf=images_per_leaf, seed=seed, cache=_cache(cache), progress=progress,
    )  # fmt: skip


def investigate(
    suspect: Suspect | str | Path,
    corpus: Folders | Corpus,
    *,
    settings: Settings | None = None,
    adaptive: bool = False,
    case: str | Path | None = None,
    hierarchy: str | Path | None = None,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Findings:
    """Find what each class of a suspect stands for. Only decoded images are written, unless a case is named.

    Args:
        suspect: the suspect, or its file, which a case keeps as evidence; "hf:OWNER/NAME" is downloaded.
        corpus: image folders, each "DIR" or "DIR@NODE", or an open corpus.
        settings: what is queried and how the answers are weighed.
        adaptive: whether queries are saved, as `settings.adaptive` says in detail.
        case: a folder that keeps everything, created if it does not exist; a case that was stopped is continued.
        hierarchy: a CSV or JSON file of the nodes that the folders name; None for WordNet.
        cache: where decoded images are kept; None for the user's cache.
        progress: a listener.

    Raises:
        FdError: something that the user has to fix; a case stays readable and the same call continues it.
    """
    settings = settings or Settings()
    if adaptive and settings.adaptive is None:
        settings = replace(settings, adaptive=Adaptive(selection=settings.selection))
    if not isinstance(suspect, Suspect):
        suspect = bring(suspect, _cache(cache), progress)
    if case is not None:
        return _kept(Path(case), suspect, corpus, settings, hierarchy, _cache(cache), progress)
    if not isinstance(suspect, Suspect):
        suspect = work.open_planned_suspect(Plan(), progress)(suspect)
    if not isinstance(corpus, Corpus):
        spec = suspect.spec
        corpus = open_corpus(
            corpus, input_size=spec.width if spec.kind == "text" else (spec.height, spec.width), kind=spec.kind,
            channels=spec.channels, seed=settings.seed, images_per_leaf=settings.images_per_leaf, hierarchy=hierarchy,
            cache=cache, progress=progress,
        )  # fmt: skip
    store = corpus.store
    work.require_budget(settings, store)
    header = work.ledger_header(suspect.fingerprint, suspect.n_classes, suspect.spec, store, settings)
    ledger = Ledger.in_memory(header, store.image_ids)
    sweep = work.adaptive_sweep(corpus, settings, settings.budget)
    ask_suspect(suspect, ledger, store.pixels, budget=settings.budget, strategy=sweep or dense_sweep, progress=progress)
    saved = sweep is not None and sweep.outcome is not None and sweep.outcome.finished
    scored = replace(score(ledger, ImageTable.of(store), corpus.hierarchy), saved=saved)
    found = Findings.weighed(Scored.of(scored, assumed=suspect.origins.guess_decides), settings.selection)
    return replace(found, scored=replace(found.scored, chance=ask_untrained(found, store.pixels, progress)))


def weigh(scored: Answered, settings: SelectionSettings | None = None, **changed: Any) -> Findings:
    """Draw the conclusions again with other settings; the suspect is not queried.

    Args:
        scored: the answers, as `findings.scored` holds them.
        settings: how they are weighed; None for the defaults, `SelectionSettings.paper()` for the paper's rule.
        changed: single settings by name, such as `eta=5`; see `SelectionSettings`.

    Raises:
        SettingsError: a setting is out of range, or there is none of that name.
    """
    own = scored if isinstance(scored, Scored) else Scored.of(scored)
    if unknown := changed.keys() - {field.name for field in fields(SelectionSettings)}:
        raise SettingsError(f"There is no setting {', '.join(sorted(unknown))}.", key="unknown setting")
    return Findings.weighed(own, replace(settings or SelectionSettings(), **changed))


def _kept(
    folder: Path,
    suspect: Suspect | Path,
    corpus: Folders | Corpus,
    settings: Settings,
    hierarchy: str | Path | None,
    cache: Path,
    progress: Progress,
) -> Findings:
    if isinstance(corpus, Corpus):
        raise SettingsError(
            "A case records which folders its images come from. Give the folders instead of a corpus.",
            key="case of a corpus",
        )
    folders = tuple(map(str, _listed(corpus)))
    plan = Plan(corpora=folders, hierarchy=None if hierarchy is None else str(hierarchy), settings=settings)
    work.investigate(
        folder, suspect, folders, settings=settings, plan=plan,
        hierarchy=open_hierarchy(hierarchy), open_suspect=work.open_planned_suspect(plan, progress), cache=cache,
        progress=progress,
    )  # fmt: skip
    return Findings.of(Case.open(folder))


def _listed(folders: Folders) -> Sequence[str | Path]:
    return [folders] if isinstance(folders, str | Path) else folders


def _cache(folder: str | Path | None) -> Path:
    return Places.from_environment().cache if folder is None else Path(folder)
