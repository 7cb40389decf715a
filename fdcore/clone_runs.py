"""The clones that a case holds: their records, and how they did on pictures that were held back from them.

    cloning/runs/<id>/               see fdcore.cloning.run
    cloning/asked/<key>/             pictures beside the corpus, and the suspect's answers (a ledger)
    cloning/asked/<key>/set.json     what a set for testing is called, and which of its folders is which class
    cloning/asked/<key>/truth.npy    (n_images,) int32, the true class of each of its pictures; -1 where nothing says

Nothing here imports torch or asks the suspect; `fdcore.clone_lab` makes what is read here.
"""

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.case import Case
from fdcore.claims import read_claims
from fdcore.cloning.comparison import Column, Comparison
from fdcore.cloning.evaluation import Evaluation
from fdcore.cloning.run import CloneRun, run_from_dict, run_to_dict
from fdcore.cloning.settings import CloneRequest, SourceKind
from fdcore.cloning.sources import reserved_images
from fdcore.errors import CaseError, SettingsError
from fdcore.report import ClonesSection
from fdcore.selection import SelectionSettings
from fdcore.suspect.ledger import NOT_ASKED, Ledger

FOLDER = "cloning"
RUNS, ASKED = f"{FOLDER}/runs", f"{FOLDER}/asked"
CORPUS_SET = "corpus"  # beginning of the key of the set of reserved images; the share follows
MAX_SET_IMAGES = 1_000_000


class EvaluationSetFacts(NamedTuple):
    """A set of pictures that clones are tested on.

    Attributes:
        key: names it within the case.
        name: for people.
        n_images: pictures that the suspect answered.
        labelled: whether their true classes are known; else only agreement with the suspect is measured.
        how: how folders were matched with classes; see `fdcore.cloning.evaluation_sets`.
        note: what should be known about it, as a sentence; may be empty.
        n_sent: queries that were sent for it.
    """

    key: str
    name: str
    n_images: int
    labelled: bool
    how: str
    note: str
    n_sent: int


class AnsweredSet(NamedTuple):
    """The pictures of an evaluation set, without their pixels.

    Attributes:
        facts: what it is.
        images: (n,) places in its image store.
        image_ids: (n,) uint64.
        suspect: (n,) int32, what the suspect says.
        truth: (n,) int32, -1 where nothing says; None for a set without labels.
    """

    facts: EvaluationSetFacts
    images: npt.NDArray[np.intp]
    image_ids: npt.NDArray[np.uint64]
    suspect: npt.NDArray[np.int32]
    truth: npt.NDArray[np.int32] | None


# Runs


def run_folder(run_id: str) -> str:
    """Where a run lies within its case.

    Raises:
        CaseError: the id is none; it may come from a link.
    """
    if not run_id or not run_id.replace("-", "").replace("_", "").isalnum() or not run_id.isascii():
        raise CaseError(f"There is no clone called {run_id[:80]!r} in this case.")
    return f"{RUNS}/{run_id}"


def read_run(case: Case, run_id: str) -> CloneRun:
    """One run's record.

    Raises:
        CaseError: there is none, or it is damaged.
    """
    return run_from_dict(case.read_json(f"{run_folder(run_id)}/run.json"))


def write_run(case: Case, run: CloneRun) -> None:
    """Write a run's record, in place of an earlier one."""
    case.write_json(f"{run_folder(run.id)}/run.json", run_to_dict(run))


def read_runs(case: Case) -> tuple[CloneRun, ...]:
    """Every clone whose record can be read, the oldest first; `damaged_runs` names the others."""
    return tuple(sorted((run for _, run in _records(case) if isinstance(run, CloneRun)), key=lambda run: run.created))


def damaged_runs(case: Case) -> dict[str, str]:
    """Why a run's record cannot be read, by the run's id."""
    return {run_id: str(error) for run_id, error in _records(case) if isinstance(error, CaseError)}


def _records(case: Case) -> Iterator[tuple[str, CloneRun | CaseError]]:
    for path in sorted(case.path(RUNS).glob("*/run.json")):
        try:
            run = read_run(case, path.parent.name)
            if run.id != path.parent.name:
                raise CaseError(f"{path} is the record of another clone. Restore it from a copy of the case.")
            yield run.id, run
        except CaseError as error:
            yield path.parent.name, error


def last_request(case: Case) -> CloneRequest | None:
    """What was last asked for in this case, to begin the next request with; None where nothing was, or it is damaged.

    It may have come with an imported case: a server checks that its folders lie inside its own.
    """
    values = case.facts().get("cloning")
    try:
        return CloneRequest.from_dict(values) if isinstance(values, dict) else None
    except SettingsError:
        return None


# Evaluation sets


def corpus_set_key(reserved: float) -> str:
    """The key of the set of reserved images of the corpus."""
    return f"{CORPUS_SET}-{reserved:g}"


def reserved_share(key: str) -> float:
    """The inverse of `corpus_set_key`.

    Raises:
        CaseError: it is no such key.
    """
    try:
        share = float(key.removeprefix(f"{CORPUS_SET}-"))
    except ValueError:
        share = math.nan
    if not 0 < share <= 0.5:
        raise CaseError(f"There is no evaluation set called {key[:80]!r} in this case.")
    return share


def read_evaluation_sets(case: Case) -> tuple[EvaluationSetFacts, ...]:
    """The sets that clones of this case were tested on: those with true classes first, the largest first."""
    tested = {path.stem for path in case.path(RUNS).glob("*/answers/*.npz")}
    found = []
    for key in sorted(tested):
        try:
            found.append(read_answered_set(case, key).facts)
        except CaseError:  # a set that is damaged or gone; clones keep what they answered to it
            continue
    return tuple(sorted(found, key=lambda facts: (not facts.labelled, -facts.n_images, facts.key)))


def read_answered_set(case: Case, key: str) -> AnsweredSet:
    """One set's pictures that the suspect answered.

    Raises:
        CaseError: there is none, or it is damaged.
    """
    if key.startswith(f"{CORPUS_SET}-"):
        return _corpus_set(case, key)
    folder = asked_folder(case, key)
    if not (folder / "set.json").is_file():
        raise CaseError(f"There is no evaluation set called {key[:80]!r} in this case.")
    facts, ledger = case.read_json(f"{ASKED}/{key}/set.json"), Ledger.open(folder / "ledger")
    truth = _read_truth(folder / "truth.npy", ledger)
    answers = np.array(ledger.answers[:, 0])
    images = np.flatnonzero(answers != NOT_ASKED)
    labelled = bool((truth[images] >= 0).any())
    about = EvaluationSetFacts(
        key, _text(facts, "name"), len(images), labelled, _text(facts, "how"), _text(facts, "note"), ledger.n_sent
    )
    return AnsweredSet(about, images, ledger.image_ids[images], answers[images], truth[images] if labelled else None)


def _corpus_set(case: Case, key: str) -> AnsweredSet:
    ledger = Ledger.open(case.path("ledger"))
    answers, reserved = np.array(ledger.answers[:, 0]), reserved_images(ledger.image_ids, reserved_share(key))
    images = np.flatnonzero((answers != NOT_ASKED) & reserved)
    note = (
        "These are pictures of the corpus that no clone was trained on. They show what the corpus shows, not what the "
        "suspect was trained on, which favours clones from random images."
    )
    about = EvaluationSetFacts(key, "Held-back images of the corpus", len(images), False, "", note, 0)
    return AnsweredSet(about, images, ledger.image_ids[images], answers[images], None)


def asked_folder(case: Case, key: str) -> Path:
    """Where pictures beside the corpus, and the answers to them, are recorded.

    Raises:
        CaseError: the key is none; it may come from a link.
    """
    if not key.isalnum() or not key.isascii():
        raise CaseError(f"There is no set of pictures called {key[:80]!r} in this case.")
    return case.path(f"{ASKED}/{key}")


def _read_truth(path: Path, ledger: Ledger) -> npt.NDArray[np.int32]:
    try:
        truth: npt.NDArray[np.int32] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CaseError(f"{path} is damaged ({error}). Test the clones again.") from error
    n_classes = ledger.header.n_classes
    if truth.shape != (ledger.header.n_images,) or truth.dtype != np.int32:
        raise CaseError(f"{path} does not belong to its pictures. Test the clones again.")
    if truth.size and not -1 <= truth.min() <= truth.max() < n_classes:
        raise CaseError(f"{path} names classes that the suspect does not have. Test the clones again.")
    return truth


def _text(facts: Mapping[str, Any], name: str) -> str:
    return str(facts.get(name, ""))[:500]


# How clones did


def answers_file(run_id: str, key: str) -> str:
    """Where a clone's answers to a set lie within the case."""
    return f"{run_folder(run_id)}/answers/{key}.npz"


def answers_to_npz(image_ids: npt.NDArray[np.uint64], labels: npt.NDArray[np.int32]) -> bytes:
    """A clone's answers: image_ids (n,) uint64 and labels (n,) int32."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, image_ids=image_ids, labels=labels.astype(np.int32))
    return buffer.getvalue()


def read_answers(case: Case, run_id: str, key: str) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """The inverse of `answers_to_npz`, read from the case.

    Raises:
        CaseError: there are none, or they are damaged.
    """
    path = case.path(answers_file(run_id, key))
    try:
        with np.load(path, allow_pickle=False) as content:
            image_ids, labels = content["image_ids"], content["labels"]
    except FileNotFoundError as error:
        raise CaseError(f"The clone {run_id} was not tested on this set yet.") from error
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise CaseError(f"{path} is damaged ({error}). Test the clone again.") from error
    right = image_ids.dtype == np.uint64 and labels.dtype == np.int32 and image_ids.shape == labels.shape
    if not right or image_ids.ndim != 1 or len(labels) > MAX_SET_IMAGES or (labels.size and labels.min() < 0):
        raise CaseError(f"{path} is damaged: it holds no answers. Test the clone again.")
    return image_ids, labels


def read_evaluations(case: Case, run_id: str) -> dict[str, Evaluation]:
    """How one clone did on every set that it was tested on, by the set's name.

    Raises:
        CaseError: a set or its answers are damaged.
    """
    n_classes = int(case.facts()["suspect"]["n_classes"])
    found = {}
    for path in sorted(case.path(f"{run_folder(run_id)}/answers").glob("*.npz")):
        answered = read_answered_set(case, path.stem)
        ids, labels = read_answers(case, run_id, path.stem)
        common = np.intersect1d(ids, answered.image_ids)
        own = _places(answered.image_ids, common)
        truth = None if answered.truth is None else answered.truth[own]
        clone = _checked(labels[_places(ids, common)], n_classes, run_id)
        found[answered.facts.name] = Evaluation(n_classes, answered.suspect[own], clone, truth)
    return found


def read_comparison(case: Case, key: str) -> Comparison:
    """All finished clones that were tested on a set, over the pictures that all of them answered.

    Raises:
        CaseError: the set is unknown or damaged.
    """
    answered = read_answered_set(case, key)
    n_classes = int(case.facts()["suspect"]["n_classes"])
    tested = [
        (run, *answers) for run in read_runs(case) if run.finished and (answers := _whole_answers(case, run.id, key))
    ]
    common = reduce(np.intersect1d, (ids for _, ids, _ in tested), np.unique(answered.image_ids))
    own = _places(answered.image_ids, common)
    truth = None if answered.truth is None else answered.truth[own]
    columns = []
    for run, ids, labels in tested:
        clone = _checked(labels[_places(ids, common)], n_classes, run.id)
        columns.append(Column(run, Evaluation(n_classes, answered.suspect[own], clone, truth)))
    return Comparison(
        set_name=answered.facts.name,
        n_images=len(common),
        labelled=truth is not None,
        names=class_names(case, n_classes),
        columns=tuple(columns),
    )


def _whole_answers(case: Case, run_id: str, key: str) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]] | None:
    """A clone's answers to a set; None where there are none, or damaged ones, which spoil no other clone."""
    try:
        return read_answers(case, run_id, key)
    except CaseError:
        return None


def _checked(labels: npt.NDArray[np.int32], n_classes: int, run_id: str) -> npt.NDArray[np.int32]:
    if labels.size and labels.max() >= n_classes:
        raise CaseError(f"The answers of the clone {run_id} name classes that the suspect does not have.")
    return labels


def _places(ids: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """Where each wanted id stands in `ids`, which holds all of them."""
    order = np.argsort(ids, kind="stable")
    places: npt.NDArray[np.intp] = order[np.searchsorted(ids, wanted, sorter=order)]
    return places


def class_names(case: Case, n_classes: int) -> tuple[str, ...]:
    """What people call the suspect's classes: as claimed, else as found, else by number alone."""
    try:
        claimed: Mapping[int, str] = read_claims(case).names
    except CaseError:
        claimed = {}
    found = _found_names(case)
    return tuple(claimed.get(i) or found.get(i) or f"Class {i}" for i in range(n_classes))


def _found_names(case: Case) -> dict[int, str]:
    try:
        classes = case.read_json("selection.json").get("classes")
    except CaseError:
        return {}
    names = {}
    for entry in classes if isinstance(classes, list) else []:
        if isinstance(entry, dict) and entry.get("ancestor_label") and isinstance(entry.get("target_class"), int):
            names[entry["target_class"]] = str(entry["ancestor_label"])
    return names


def clones_for_report(case: Case, settings: SelectionSettings) -> ClonesSection | None:
    """The case's clones as the report tells of them: on the set that says most. None where no clone was tested.

    Args:
        case: the case.
        settings: of the finding that is reported; clones that were made from another are said to be.
    """
    sets = read_evaluation_sets(case)
    if not sets:
        return None
    try:
        comparison = read_comparison(case, sets[0].key)
    except CaseError as error:
        return ClonesSection(problem=f"What the case keeps of its clones cannot be read: {error}")
    pairs = zip(comparison.titles(), comparison.columns, strict=True)
    stale = tuple(title for title, column in pairs if made_from_another_finding(column.run, settings))
    return ClonesSection(comparison, sets[0].note, stale)


def made_from_another_finding(run: CloneRun, settings: SelectionSettings) -> bool:
    """Whether a clone was made from a finding with other settings than these."""
    own = {name: value for name, value in run.selection.items() if name != "locked"}
    wanted = asdict(settings) | ({"alpha": 1.0} if run.source.kind is SourceKind.ONE_TERM else {})
    return bool(own) and own != wanted
