"""The second half of an investigation: from the answers in a case to its findings. Asks nothing, needs no model.

`load_scored` reads a case once, `weigh` draws the conclusions in memory, `analyse` does both and writes them down.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fdcore import __version__, artefacts
from fdcore.artefacts import ClassFinding, ImageTable
from fdcore.case import Case, to_json
from fdcore.choices import Choice, apply_choices, choices_from_json, choices_to_json, leaves_needed
from fdcore.closeness import distances
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.store import find_pixels
from fdcore.errors import CaseError, SettingsError
from fdcore.filtering import filter_images
from fdcore.naming import name_selection
from fdcore.progress import Progress, silent
from fdcore.report import Record, render_report
from fdcore.scores import Scores, score_leaves
from fdcore.selection import Overall, SelectionSettings, overall, select, weaknesses
from fdcore.storage import sha256_file
from fdcore.suspect.ledger import Ledger, LedgerHeader

Pictures = npt.NDArray[np.uint8]

WRITTEN = ("scores.csv", "scores.json", "selection.csv", "selection.json", "images.csv", "report.html")
MAX_KNOWN = 3_000  # leaves whose distances are all kept in memory (36 MB)


@dataclass(frozen=True)
class Scored:
    """What a case holds once its suspect was asked: all that a conclusion can rest on. Read only.

    Attributes:
        scores: functional scores of every class and leaf.
        images: the images that were asked about.
        answers: (n_images, n_views) int32, -1 where not asked; a copy in memory.
        image_ids: (n_images,) uint64.
        hierarchy: the corpus' hierarchy.
        header: what the answers belong to.
        n_sent: queries ever sent to the suspect.
    """

    scores: Scores
    images: ImageTable
    answers: npt.NDArray[np.int32]
    image_ids: npt.NDArray[np.uint64]
    hierarchy: Hierarchy
    header: LedgerHeader
    n_sent: int

    @property
    def complete(self) -> bool:
        """Whether every planned query was answered; False when the budget ended first."""
        return bool((self.answers >= 0).all())

    @cached_property
    def _all_distances(self) -> npt.NDArray[np.float32]:
        return distances(self.hierarchy, self.scores.nodes)

    def distances(self, leaves: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """The distances (n, n) among some leaves, in steps; remembered where the corpus is small enough."""
        if len(self.scores.nodes) <= MAX_KNOWN:
            among: npt.NDArray[np.float32] = self._all_distances[np.ix_(leaves, leaves)]
            return among
        return distances(self.hierarchy, [self.scores.nodes[leaf] for leaf in leaves])

    def label(self, leaf: int) -> str:
        """What a leaf is called."""
        return self.hierarchy.label(self.scores.nodes[leaf])

    def labels(self, leaves: Any) -> list[str]:
        """What some leaves are called."""
        return [self.label(int(leaf)) for leaf in leaves]


@dataclass(frozen=True)
class Findings:
    """Everything that an analysis found.

    Attributes:
        scored: what it rests on.
        settings: how it was weighed.
        classes: one answer per class, in the order of the classes.
        overall: the whole model's L and S.
    """

    scored: Scored
    settings: SelectionSettings
    classes: tuple[ClassFinding, ...]
    overall: Overall


def analyse(
    folder: Path,
    settings: SelectionSettings | None = None,
    *,
    cache: Path | None = None,
    by: str = "",
    progress: Progress = silent,
) -> Findings:
    """Draw the conclusions again from a case's answers, with other settings or the case's own, and write them down.

    Args:
        folder: the case's folder.
        settings: alpha, eta, tau, k; None for those of the last analysis.
        cache: where decoded images are kept, for the pictures in the report.
        by: who asks for it, for the audit log.
        progress: told how far the work is.

    Raises:
        CaseError: the case is damaged, or was not scored yet.
    """
    case = Case.open(folder)
    with case.exclusively():
        return conclude(case, settings or selection_settings(case), pixels_of(case, cache), by=by, progress=progress)


def conclude(
    case: Case,
    settings: SelectionSettings,
    pixels: Pictures | None,
    *,
    by: str = "",
    progress: Progress = silent,
) -> Findings:
    """Weigh a case's answers and write all tables and the report; the caller holds the case's lock."""
    if case.facts().get("evidence"):
        case.evidence()  # its hash is verified before every export
    scored = load_scored(case)
    findings = weigh(scored, settings, read_choices(case))
    written = _write_findings(case, findings, pixels, progress)
    case.record(selection=asdict(settings), state="analysed", written=written)
    details = {"settings": asdict(settings), "n_found": findings.overall.n_found, "written": written}
    case.log("analysed", details | ({"by": by} if by else {}))
    return findings


def load_scored(case: Case) -> Scored:
    """Read what a case's conclusions rest on.

    Raises:
        CaseError: nothing was answered yet, or parts of the case do not belong together.
    """
    ledger = Ledger.open(case.path("ledger"))
    if not ledger.n_answered:
        raise CaseError(f"The case {case.folder} holds no answer yet: run the investigation again to go on.")
    images, hierarchy = _read_corpus(case)
    corpus, suspect = case.facts().get("corpus"), case.facts().get("suspect")
    if suspect is None or suspect["fingerprint"] != ledger.header.suspect:
        raise CaseError(f"The answers in the case {case.folder} are not those of the suspect that it names.")
    same = corpus is not None and corpus["fingerprint"] == ledger.header.corpus
    if not same or len(images.names) != ledger.header.n_images:
        raise CaseError(
            f"The case {case.folder} was stopped between two corpora: run the investigation again to finish it."
        )
    answers = np.array(ledger.answers)
    return Scored(
        scores=score_leaves(answers, images.node_index, images.nodes, ledger.header.n_classes),
        images=images,
        answers=answers,
        image_ids=np.array(ledger.image_ids),
        hierarchy=hierarchy,
        header=ledger.header,
        n_sent=ledger.n_sent,
    )


def weigh(
    scored: Scored, settings: SelectionSettings, choices: Mapping[int, Choice] = MappingProxyType({})
) -> Findings:
    """Closeness, selection, the analyst's choices, filtering and naming. Reads and writes nothing.

    Raises:
        CaseError: a choice is about leaves or classes that the case does not have.
    """
    classes = _weigh(scored, settings, choices, None)
    return Findings(scored, settings, classes, overall(tuple(found.selection for found in classes)))


def weigh_class(
    scored: Scored,
    settings: SelectionSettings,
    target_class: int,
    choices: Mapping[int, Choice] = MappingProxyType({}),
) -> ClassFinding:
    """One class's answer, the same that `weigh` gives it, without the work for the others.

    Raises:
        CaseError: the choice for this class is about leaves that the case does not have.
    """
    own = {target_class: choices[target_class]} if target_class in choices else {}
    return _weigh(scored, settings, own, (target_class,))[0]


def _weigh(
    scored: Scored, settings: SelectionSettings, choices: Mapping[int, Choice], classes: Sequence[int] | None
) -> tuple[ClassFinding, ...]:
    """The answers of some classes, or of all."""
    scores, hierarchy = scored.scores, scored.hierarchy
    leaves = leaves_needed(scores, settings, choices, classes)
    among = scored.distances(leaves)
    selections = select(scores, leaves, among, settings, classes)
    selections = apply_choices(selections, choices, scores, leaves, among, settings)
    filtered = filter_images(selections, scored.answers, scored.images.node_index)
    names = [
        name_selection(hierarchy, [scores.nodes[leaf] for leaf in s.winner.members], scores.nodes) if s.winner else None
        for s in selections
    ]
    return tuple(
        ClassFinding(selection, images_of_it, name, weaknesses(selection, scores, settings))
        for selection, images_of_it, name in zip(selections, filtered, names, strict=True)
    )


# What the analyst decided


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


def read_choices(case: Case) -> dict[int, Choice]:
    """The answers that the analyst locked by hand, by class.

    Raises:
        CaseError: they are damaged.
    """
    return choices_from_json(case.read_json("choices.json")) if case.has("choices.json") else {}


def lock_class(folder: Path, choice: Choice) -> None:
    """Lock one class's answer; the next analysis takes it over.

    Raises:
        CaseError: the case is in use, or the choice is about leaves or a class that it does not have.
    """
    case = Case.open(folder)
    with case.exclusively():
        choices = read_choices(case) | {choice.target_class: choice}
        weigh(load_scored(case), selection_settings(case), choices)
        case.write_json("choices.json", choices_to_json(choices))
        case.log("class locked", asdict(choice))


def unlock_class(folder: Path, target_class: int, *, by: str = "") -> None:
    """Give a class back to the method.

    Raises:
        CaseError: the case is in use.
    """
    case = Case.open(folder)
    with case.exclusively():
        choices = read_choices(case)
        if choices.pop(target_class, None):
            case.write_json("choices.json", choices_to_json(choices))
            case.log("class unlocked", {"target_class": target_class, "by": by})


# Files


def pixels_of(case: Case, cache: Path | None) -> Pictures | None:
    """The case's decoded images (n_images, height, width, channels), or None where the cache has lost them."""
    corpus = case.facts().get("corpus")
    return find_pixels(cache, corpus.get("store", ""), corpus["n_images"]) if cache and corpus else None


def _read_corpus(case: Case) -> tuple[ImageTable, Hierarchy]:
    try:
        images = artefacts.image_table_from_parquet(case.path("corpus.parquet").read_bytes())
        return images, artefacts.hierarchy_from_parquet(case.path("hierarchy.parquet").read_bytes())
    except FileNotFoundError as error:
        raise CaseError(f"The case {case.folder} has no corpus yet: run the investigation first.") from error
    except (OSError, ValueError, KeyError) as error:
        raise CaseError(f"The corpus tables of the case {case.folder} are damaged ({error}). Run it again.") from error


def draw_report(case: Case, findings: Findings, pixels: Pictures | None, record: Record | None = None) -> str:
    """The report on findings as self-contained HTML; reads case.json and writes nothing."""
    classes = artefacts.selection_to_json(findings.classes, findings.scored.scores, findings.scored.hierarchy)
    total = asdict(findings.overall)
    return render_report(case.facts(), _head(findings), classes, total, findings.classes, pixels, record)


def agrees_with_files(case: Case, findings: Findings) -> bool:
    """Whether the case's files hold these findings: not after a choice was locked since, or a file was changed.

    selection.json is compared with the findings, and each file with the hash that was recorded when it was written;
    a case of an earlier version has no such record.
    """
    try:
        kept, written = case.read_json("selection.json").get("classes"), case.facts().get("written")
        if written is not None and written != {name: sha256_file(case.path(name)) for name in WRITTEN}:
            return False
    except (CaseError, OSError):  # a file is damaged, or missing
        return False
    classes = artefacts.selection_to_json(findings.classes, findings.scored.scores, findings.scored.hierarchy)
    return bool(kept == json.loads(json.dumps(classes)))


def _head(findings: Findings) -> dict[str, Any]:
    scored = findings.scored
    return {"fdcore": __version__, "n_sent": scored.n_sent, "complete": scored.complete,
            "design_effect": scored.scores.design_effect, "settings": asdict(findings.settings)}  # fmt: skip


def _write_findings(
    case: Case,
    findings: Findings,
    pixels: Pictures | None,
    progress: Progress,
) -> dict[str, str]:
    """Write all of `WRITTEN` and return the hex SHA-256 of each."""
    scored, total, head = findings.scored, asdict(findings.overall), _head(findings)
    scores, hierarchy = scored.scores, scored.hierarchy
    rows = artefacts.score_rows(scores, hierarchy)
    selected = artefacts.selection_rows(findings.classes, scores, hierarchy)
    classes = artefacts.selection_to_json(findings.classes, scores, hierarchy)
    tables: dict[str, Callable[[], bytes]] = {
        "scores.csv": lambda: rows.to_csv(index=False, lineterminator="\n").encode(),
        "scores.json": lambda: _table_json(head, rows),
        "selection.csv": lambda: artefacts.selection_to_csv(selected),
        "selection.json": lambda: to_json(head | {"overall": total, "classes": classes}),
        "images.csv": lambda: artefacts.image_rows_to_csv(findings.classes, scored.images, hierarchy),
        "report.html": lambda: render_report(case.facts(), head, classes, total, findings.classes, pixels).encode(),
    }
    written = {}
    for done, name in enumerate(WRITTEN, start=1):
        content = tables[name]()
        case.write(name, content)
        written[name] = hashlib.sha256(content).hexdigest()
        progress("Writing results", done, len(WRITTEN))
    return written


def _table_json(head: dict[str, Any], rows: pd.DataFrame) -> bytes:
    body = rows.to_json(orient="records", force_ascii=False)
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "scores": {body}}}\n'.encode()
