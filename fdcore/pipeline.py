"""An investigation from end to end. START HERE.

`investigate` asks the suspect; `analyse` draws the conclusions from what lies in the case. Analysing again, with other
settings and no model at hand, is the same second half.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fdcore import __version__, artefacts
from fdcore.artefacts import ClassFinding, ImageTable
from fdcore.case import Case, to_json
from fdcore.closeness import distances
from fdcore.corpus.corpus import Corpus, open_corpus
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.store import find_pixels
from fdcore.errors import CaseError, SettingsError, SuspectError
from fdcore.filtering import filter_images
from fdcore.naming import name_selection
from fdcore.progress import Progress, silent
from fdcore.report import render_report
from fdcore.scores import Scores, ask_suspect, n_queries_left, score_leaves
from fdcore.selection import (
    Overall,
    SelectionSettings,
    candidate_leaves,
    overall,
    select,
    weaknesses,
)
from fdcore.suspect.ledger import Ledger, LedgerHeader, describe_difference
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Suspect
from fdcore.views import ViewSpec

OpenSuspect = Callable[[Path], Suspect]


@dataclass(frozen=True)
class Settings:
    """What an investigation asks, and how its answers are weighed.

    Attributes:
        n_views: views of each image, the image itself included.
        images_per_leaf: the most images asked about in each leaf; None for all.
        seed: of the views and of which images are taken.
        budget: the most queries that may ever be sent to the suspect in this case; None for no limit.
        views: how far views depart from the image.
        selection: alpha, eta, tau, k.
    """

    n_views: int = 8
    images_per_leaf: int | None = 50
    seed: int = 0
    budget: int | None = None
    views: ViewSpec = field(default_factory=ViewSpec)
    selection: SelectionSettings = field(default_factory=SelectionSettings)

    def __post_init__(self) -> None:
        if not 1 <= self.n_views <= 1000:
            raise SettingsError(f"The number of views must lie between 1 and 1000, not {self.n_views}.")
        if self.images_per_leaf is not None and self.images_per_leaf < 1:
            raise SettingsError(f"At least one image per leaf is needed, not {self.images_per_leaf}.")
        if not 0 <= self.seed < 2**63:
            raise SettingsError(f"The seed must lie between 0 and 2^63 - 1, not {self.seed}.")
        if self.budget is not None and self.budget < 1:
            raise SettingsError(f"A budget must allow at least one query, not {self.budget}.")


@dataclass(frozen=True)
class Findings:
    """Everything that an analysis found.

    Attributes:
        scores: functional scores of every class and leaf.
        classes: one answer per class, in the order of the classes.
        overall: the whole model's L and S.
        hierarchy: the corpus' hierarchy.
        complete: whether every planned query was answered; False when the budget ended first.
        n_sent: queries ever sent to the suspect.
    """

    scores: Scores
    classes: tuple[ClassFinding, ...]
    overall: Overall
    hierarchy: Hierarchy
    complete: bool
    n_sent: int


def investigate(
    folder: Path,
    suspect: Path | Suspect,
    corpora: Sequence[str | Path],
    *,
    hierarchy: Hierarchy,
    open_suspect: OpenSuspect,
    cache: Path,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> Findings:
    """Find what a suspect was trained on, or go on where an earlier run of the same case stopped.

    Args:
        folder: the case's folder, made if it is not there.
        suspect: the suspect's file, a case or ledger folder that holds its answers already, or a suspect in memory.
        corpora: image folders, each `DIR` or `DIR@NODE`.
        hierarchy: the nodes that the corpora's folders name.
        open_suspect: how a file becomes a suspect (see `fdcore.suspect.open`).
        cache: where decoded images are kept between runs.
        settings: what is asked and how it is weighed.
        progress: told how far the work is.

    Raises:
        FdError: whatever the user has to mend; the case stays readable and the same call goes on.
    """
    settings = settings or Settings()
    case = Case.open_or_create(folder)
    with case.exclusively():
        model, spec = _take_suspect(case, suspect, open_suspect)
        corpus = open_corpus(
            corpora,
            hierarchy=hierarchy,
            height=spec.height,
            width=spec.width,
            channels=spec.channels,
            per_leaf=settings.images_per_leaf,
            seed=settings.seed,
            cache=cache,
            progress=progress,
        )
        ledger = _prepare_ledger(case, model, corpus, settings)
        if model is not None:
            _ask(case, model, ledger, corpus, settings, progress)
        return _analyse(case, settings.selection, corpus.store.pixels, progress)


def analyse(
    folder: Path,
    settings: SelectionSettings | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Findings:
    """Draw the conclusions again from a case's ledger, with other settings or the case's own. Asks nothing.

    Args:
        folder: the case's folder.
        settings: alpha, eta, tau, k; None for those of the last analysis.
        cache: where decoded images are kept, for the pictures in the report.
        progress: told how far the work is.

    Raises:
        CaseError: the case is damaged, or was not scored yet.
    """
    case = Case.open(folder)
    with case.exclusively():
        return _analyse(case, settings or selection_settings(case), _pixels(case, cache), progress)


def _pixels(case: Case, cache: Path | None) -> npt.NDArray[np.uint8] | None:
    corpus = case.facts().get("corpus")
    return find_pixels(cache, corpus.get("store", ""), corpus["n_images"]) if cache and corpus else None


def selection_settings(case: Case) -> SelectionSettings:
    """The settings of the case's last analysis.

    Raises:
        CaseError: the case does not hold settings of this version.
    """
    try:
        return SelectionSettings(**case.facts().get("selection", {}))
    except (TypeError, SettingsError) as error:
        raise CaseError(
            f"The settings in {case.path('case.json')} are damaged ({error}). Restore it from a copy."
        ) from error


def weigh(
    scores: Scores,
    images: ImageTable,
    answers: npt.NDArray[np.int32],
    hierarchy: Hierarchy,
    settings: SelectionSettings,
) -> tuple[ClassFinding, ...]:
    """Closeness, selection, filtering and naming: from scores to one answer per class. Reads and writes nothing."""
    leaves = candidate_leaves(scores, settings)
    among = distances(hierarchy, [scores.nodes[leaf] for leaf in leaves])
    selections = select(scores, leaves, among, settings)
    filtered = filter_images(selections, answers, images.node_index)
    names = [
        name_selection(hierarchy, [scores.nodes[leaf] for leaf in s.winner.members], scores.nodes) if s.winner else None
        for s in selections
    ]
    return tuple(
        ClassFinding(selection, images_of_it, name, weaknesses(selection, scores, settings))
        for selection, images_of_it, name in zip(selections, filtered, names, strict=True)
    )


# Asking


def _take_suspect(
    case: Case, suspect: Path | Suspect, open_suspect: OpenSuspect
) -> tuple[Suspect | None, PreprocessSpec]:
    """The suspect to ask (None when only its ledger is at hand) and what it expects at its input."""
    if isinstance(suspect, Suspect):
        _record_suspect(case, suspect)
        return suspect, suspect.spec
    if suspect.is_dir():
        header = _take_ledger(case, suspect)
        return None, PreprocessSpec.from_dict(header.spec)
    if case.has("ledger/ledger.json") and "evidence" not in case.facts():
        raise CaseError("This case holds recorded answers and no suspect's file. Give another folder for a new case.")
    evidence = case.take_evidence(suspect)
    try:
        model = open_suspect(evidence.path)
    except SuspectError as error:
        case.log("suspect not opened", {"reason": str(error)})
        raise
    _record_suspect(case, model)
    return model, model.spec


def _record_suspect(case: Case, suspect: Suspect) -> None:
    if case.has("ledger/ledger.json"):
        header = Ledger.open(case.path("ledger")).header
        if header.suspect != suspect.fingerprint:
            raise CaseError(
                describe_difference(header, replace(header, suspect=suspect.fingerprint, spec=_spec(suspect)))
            )
    facts = json.loads(to_json(_suspect_facts(suspect)))
    if case.facts().get("suspect") != facts:
        case.record(suspect=facts)
        case.log("suspect opened", facts)


def _spec(suspect: Suspect) -> dict[str, Any]:
    """The preprocessing as it stands in JSON, where tuples are lists."""
    spec: dict[str, Any] = json.loads(json.dumps(suspect.spec.as_dict()))
    return spec


def _suspect_facts(suspect: Suspect) -> dict[str, Any]:
    return {
        "description": suspect.description,
        "fingerprint": suspect.fingerprint,
        "n_classes": suspect.n_classes,
        "preprocessing": suspect.spec.as_dict(),
        "scan": suspect.scan,
    }


def _take_ledger(case: Case, source: Path) -> LedgerHeader:
    """Bring another case's answers into this one, so that they are replayed and nothing is asked."""
    folder = source / "ledger" if (source / "ledger").is_dir() else source
    if not (folder / "ledger.json").is_file():
        raise SuspectError(
            f"{source} is a folder without recorded answers. Give the suspect's file, or a finished case."
        )
    finished = Ledger.open(folder)
    if not case.has("ledger/ledger.json"):
        finished.copy_to(case.path("ledger"))
    elif not Ledger.open(case.path("ledger")).header.same_queries(finished.header):
        raise CaseError(f"This case holds other answers than {source}. Give another folder for a new case.")
    facts = {"description": "answers recorded earlier", "fingerprint": finished.header.suspect,
             "n_classes": finished.header.n_classes, "preprocessing": finished.header.spec}  # fmt: skip
    if case.facts().get("suspect") is None:
        case.record(suspect=facts)
        case.log("ledger taken", facts | {"n_answered": finished.n_answered})
    return finished.header


def _prepare_ledger(case: Case, suspect: Suspect | None, corpus: Corpus, settings: Settings) -> Ledger:
    """The case's ledger in the shape of this run, and on disk all that an analysis needs beside it."""
    store = corpus.store
    facts = case.facts()["suspect"]
    if settings.budget is not None and settings.budget < len(store.nodes) and suspect is not None:
        raise SettingsError(
            f"A budget of {settings.budget} queries cannot ask one image of each of the {len(store.nodes)} leaves. "
            f"Give at least {len(store.nodes)}, or a smaller corpus."
        )
    header = LedgerHeader(
        suspect=facts["fingerprint"],
        n_classes=facts["n_classes"],
        spec=facts["preprocessing"],
        corpus=store.fingerprint,
        seed=settings.seed,
        views=asdict(settings.views),
        n_images=len(store.pixels),
        n_views=settings.n_views,
    )
    ledger = Ledger.open_or_create(case.path("ledger"), header, store.image_ids, may_drop=suspect is None)
    _record_corpus(case, corpus)
    return ledger


def _record_corpus(case: Case, corpus: Corpus) -> None:
    store = corpus.store
    facts = {
        "sources": list(corpus.sources),
        "fingerprint": store.fingerprint,
        "store": store.key,
        "n_leaves": len(store.nodes),
        "n_images": len(store.pixels),
        "n_problems": len(corpus.problems),
    }
    images = ImageTable(store.nodes, store.node_index, store.names, store.sha256)
    case.write("hierarchy.parquet", artefacts.hierarchy_to_parquet(corpus.hierarchy))
    case.write("corpus_problems.csv", artefacts.problems_to_csv(corpus.problems))
    case.write("corpus.parquet", artefacts.image_table_to_parquet(images))
    if case.facts().get("corpus") != facts:
        case.record(corpus=facts)
        case.log("corpus read", facts)


def _ask(case: Case, suspect: Suspect, ledger: Ledger, corpus: Corpus, settings: Settings, progress: Progress) -> None:
    asked = {"n_views": settings.n_views, "images_per_leaf": settings.images_per_leaf, "seed": settings.seed,
             "budget": settings.budget, "views": asdict(settings.views)}  # fmt: skip
    case.record(asking=asked)
    if not n_queries_left(ledger, settings.budget):
        return
    case.log("asking started", asked | {"n_sent_before": ledger.n_sent})
    try:
        with ledger.exclusively():
            ask_suspect(suspect, ledger, corpus.store.pixels, budget=settings.budget, progress=progress)
    finally:
        case.log("asking ended", {"n_sent": ledger.n_sent, "n_answered": ledger.n_answered})


# Analysing


def _analyse(
    case: Case, settings: SelectionSettings, pixels: npt.NDArray[np.uint8] | None, progress: Progress
) -> Findings:
    if case.facts().get("evidence"):
        case.evidence()  # its hash is verified before every export
    ledger = Ledger.open(case.path("ledger"))
    if not ledger.n_answered:
        raise CaseError(f"The case {case.folder} holds no answer yet: run the investigation again to go on.")
    images, hierarchy = _read_corpus(case)
    corpus = case.facts().get("corpus")
    suspect = case.facts().get("suspect")
    if suspect is None or suspect["fingerprint"] != ledger.header.suspect:
        raise CaseError(f"The answers in the case {case.folder} are not those of the suspect that it names.")
    same = corpus is not None and corpus["fingerprint"] == ledger.header.corpus
    if not same or len(images.names) != ledger.header.n_images:
        raise CaseError(
            f"The case {case.folder} was stopped between two corpora: run the investigation again to finish it."
        )
    scores = score_leaves(ledger.answers, images.node_index, images.nodes, ledger.header.n_classes)
    classes = weigh(scores, images, ledger.answers, hierarchy, settings)
    findings = Findings(
        scores=scores,
        classes=classes,
        overall=overall(tuple(c.selection for c in classes)),
        hierarchy=hierarchy,
        complete=ledger.n_answered == ledger.answers.size,
        n_sent=ledger.n_sent,
    )
    _write_findings(case, findings, images, settings, pixels, progress)
    return findings


def _read_corpus(case: Case) -> tuple[ImageTable, Hierarchy]:
    try:
        images = artefacts.image_table_from_parquet(case.path("corpus.parquet").read_bytes())
        return images, artefacts.hierarchy_from_parquet(case.path("hierarchy.parquet").read_bytes())
    except FileNotFoundError as error:
        raise CaseError(f"The case {case.folder} has no corpus yet: run the investigation first.") from error
    except (OSError, ValueError, KeyError) as error:
        raise CaseError(f"The corpus tables of the case {case.folder} are damaged ({error}). Run it again.") from error


def _write_findings(
    case: Case,
    findings: Findings,
    images: ImageTable,
    settings: SelectionSettings,
    pixels: npt.NDArray[np.uint8] | None,
    progress: Progress,
) -> None:
    scores, hierarchy, total = findings.scores, findings.hierarchy, asdict(findings.overall)
    head = {"fdcore": __version__, "n_sent": findings.n_sent, "complete": findings.complete,
            "design_effect": scores.design_effect, "settings": asdict(settings)}  # fmt: skip
    rows = artefacts.score_rows(scores, hierarchy)
    selected = artefacts.selection_rows(findings.classes, scores, hierarchy)
    classes = artefacts.selection_to_json(findings.classes, scores, hierarchy)
    tables: dict[str, Callable[[], bytes]] = {
        "scores.csv": lambda: rows.to_csv(index=False, lineterminator="\n").encode(),
        "scores.json": lambda: _table_json(head, rows),
        "selection.csv": lambda: artefacts.selection_to_csv(selected),
        "selection.json": lambda: to_json(head | {"overall": total, "classes": classes}),
        "images.csv": lambda: artefacts.image_rows_to_csv(findings.classes, images, hierarchy),
        "report.html": lambda: render_report(case.facts(), head, classes, total, findings.classes, pixels).encode(),
    }
    for done, (name, make) in enumerate(tables.items(), start=1):
        case.write(name, make())
        progress("Writing results", done, len(tables))
    case.record(selection=asdict(settings), state="analysed")
    case.log("analysed", {"settings": asdict(settings), "n_found": findings.overall.n_found})


def _table_json(head: dict[str, Any], rows: pd.DataFrame) -> bytes:
    body = rows.to_json(orient="records", force_ascii=False)
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "scores": {body}}}\n'.encode()
