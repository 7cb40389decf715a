"""The clones that a case holds: their records, and how they did on pictures that were held back from them.

    cloning/runs/<id>/               see fdcore.cloning.run
    cloning/asked/<key>/             pictures beside the corpus, and the suspect's answers (a ledger)
    cloning/asked/<key>/set.json     what a set for testing is called, and which of its folders is which class
    cloning/asked/<key>/truth.npy    (n_images,) int32, the true class of each of its pictures; -1 where nothing says

Nothing here imports torch or asks the suspect; `fdcore.clone_lab` makes what is read here.
"""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.case import Case
from fdcore.choices import Choice
from fdcore.claims import read_claims
from fdcore.cloning.comparison import Column, Comparison
from fdcore.cloning.evaluation import Evaluation
from fdcore.cloning.run import TRANSFER, CloneRun, run_from_dict, run_to_dict
from fdcore.cloning.settings import CloneRequest, SourceKind
from fdcore.cloning.sources import reserved_images
from fdcore.errors import CaseError, SettingsError
from fdcore.report import ClonesSection
from fdcore.selection import SelectionSettings
from fdcore.spending import ASKED
from fdcore.suspect.ledger import NOT_ASKED, Ledger

FOLDER = "cloning"
RUNS = f"{FOLDER}/runs"
CORPUS_SET = "corpus"  # beginning of the key of the set of reserved images; the share follows
MAX_SET_IMAGES = 1_000_000
_DAMAGED = (OSError, ValueError, KeyError, EOFError, TypeError, MemoryError, OverflowError, RuntimeError,
            NotImplementedError, zipfile.BadZipFile, zlib.error)  # fmt: skip


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
    n_classes, n_images = ledger.header.n_classes, ledger.header.n_images
    try:
        with path.open("rb") as file:
            truth: npt.NDArray[np.int32] = _read_array(file, np.int32, n_images)
    except (*_DAMAGED, FileNotFoundError) as error:
        raise CaseError(f"{path} is damaged ({error}). Test the clones again.") from error
    if len(truth) != n_images or (truth.size and not -1 <= truth.min() <= truth.max() < n_classes):
        raise CaseError(f"{path} does not belong to its pictures. Test the clones again.")
    return truth


def _read_array(file: IO[bytes], dtype: type[np.generic], most: int) -> Any:
    """A one-dimensional array of an .npy file, which may come from anywhere: its header is checked before it is read.

    Raises:
        ValueError: it is something else, or longer than `most`.
    """
    if np.lib.format.read_magic(file) != (1, 0):  # type: ignore[no-untyped-call]  # numpy 1.26 has no type for it
        raise ValueError("another version of the format")
    shape, fortran_order, found = np.lib.format.read_array_header_1_0(file)  # type: ignore[no-untyped-call]  # the same
    if len(shape) != 1 or fortran_order or found != np.dtype(dtype) or shape[0] > most:
        raise ValueError(f"an array of {found} with shape {shape}")
    content = file.read(shape[0] * found.itemsize)
    return np.frombuffer(content, dtype=found, count=shape[0]).copy()


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
        with zipfile.ZipFile(path) as archive:
            image_ids, labels = (
                _read_member(archive, name, dtype) for name, dtype in (("image_ids", np.uint64), ("labels", np.int32))
            )
    except FileNotFoundError as error:
        raise CaseError(f"The clone {run_id} was not tested on this set yet.") from error
    except _DAMAGED as error:
        raise CaseError(f"{path} is damaged ({error}). Test the clone again.") from error
    if image_ids.shape != labels.shape or not labels.size or labels.min() < 0:
        raise CaseError(f"{path} is damaged: it holds no answers. Test the clone again.")
    return image_ids, labels


def _read_member(archive: zipfile.ZipFile, name: str, dtype: type[np.generic]) -> Any:
    with archive.open(f"{name}.npy") as file:
        return _read_array(file, dtype, MAX_SET_IMAGES)


def read_evaluations(case: Case, run_id: str) -> dict[str, Evaluation]:
    """How one clone did on every set that it was tested on, by the set's name; sets that are damaged are left out."""
    found: dict[str, Evaluation] = {}
    for path in sorted(case.path(f"{run_folder(run_id)}/answers").glob("*.npz")):
        try:
            tested = _Tested(case, path.stem, [read_run(case, run_id)])
            name = tested.answered.facts.name
            found[f"{name} ({path.stem})" if name in found else name] = tested.evaluation(0)
        except (CaseError, IndexError):
            continue
    return found


def read_comparison(case: Case, key: str) -> Comparison:
    """All finished clones that were tested on a set, over pictures that all of them answered and none was trained on.

    A clone whose answers or transfer set are damaged is left out, and spoils no other.

    Raises:
        CaseError: the set is unknown or damaged.
    """
    tested = _Tested(case, key, [run for run in read_runs(case) if run.finished])
    return Comparison(
        set_name=tested.answered.facts.name,
        n_images=len(tested.common),
        labelled=tested.answered.truth is not None,
        names=class_names(case, tested.n_classes),
        columns=tuple(Column(run, tested.evaluation(i)) for i, run in enumerate(tested.runs)),
    )


def left_out(case: Case, key: str) -> int:
    """How many pictures of a set are left out of its comparison because one of the clones was trained on them.

    Raises:
        CaseError: the set is unknown or damaged.
    """
    return _Tested(case, key, [run for run in read_runs(case) if run.finished]).n_left_out


class _Tested:
    """What several clones answered to one set, over the pictures that count for all of them."""

    def __init__(self, case: Case, key: str, runs: Iterable[CloneRun]) -> None:
        self.answered = read_answered_set(case, key)
        self.n_classes = int(case.facts()["suspect"]["n_classes"])
        self.runs: list[CloneRun] = []
        self._answers: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]] = []
        common, trained = np.unique(self.answered.image_ids), []
        for run in runs:
            try:
                ids, labels = read_answers(case, run.id, key)
                taken = trained_on(case, run.id)
            except CaseError:
                continue
            if labels.max() < self.n_classes:
                self.runs.append(run)
                self._answers.append((ids, labels))
                trained.append(taken)
                common = np.intersect1d(common, ids)
        self.common = common[~np.isin(common, np.concatenate([*trained, np.empty(0, np.uint64)]))]
        self.n_left_out = len(common) - len(self.common)

    def evaluation(self, number: int) -> Evaluation:
        """How one of the clones did."""
        own = _places(self.answered.image_ids, self.common)
        ids, labels = self._answers[number]
        truth = self.answered.truth
        return Evaluation(
            self.n_classes,
            self.answered.suspect[own],
            labels[_places(ids, self.common)],
            None if truth is None else truth[own],
        )


def trained_on(case: Case, run_id: str) -> npt.NDArray[np.uint64]:
    """The ids of the images that a clone's transfer set is made of.

    Raises:
        CaseError: the table is missing or damaged.
    """
    import pandas as pd

    path = case.path(f"{run_folder(run_id)}/{TRANSFER}")
    try:
        images = pd.read_parquet(path, columns=["image"])["image"]
        return np.array([int(image, 16) for image in images.unique()], dtype=np.uint64)
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise CaseError(f"{path} is damaged ({error}). Remove this clone and train it anew.") from error


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


def clones_for_report(case: Case, settings: SelectionSettings, choices: Mapping[int, Choice]) -> ClonesSection | None:
    """The case's clones as the report tells of them: on the set that says most. None where no clone was tested.

    Args:
        case: the case.
        settings, choices: of the finding that is reported; clones that were made from another are said to be.
    """
    for facts in read_evaluation_sets(case):
        try:
            comparison, n_left_out = read_comparison(case, facts.key), left_out(case, facts.key)
        except CaseError as error:
            return ClonesSection(problem=f"What the case keeps of its clones cannot be read: {error}")
        if comparison.columns and comparison.n_images:
            break
    else:
        return None
    pairs = zip(comparison.titles(), comparison.columns, strict=True)
    stale = tuple(title for title, column in pairs if made_from_another_finding(column.run, settings, choices))
    return ClonesSection(comparison, facts.note, n_left_out, stale)


def made_from_another_finding(run: CloneRun, settings: SelectionSettings, choices: Mapping[int, Choice]) -> bool:
    """Whether a clone was made from a finding with other settings, or other locked answers, than these."""
    if run.source.kind is SourceKind.ONE_TERM:
        return run.selection != asdict(settings) | {"alpha": 1.0}
    locked = {str(i): asdict(choice) for i, choice in choices.items()}
    wanted = json.loads(json.dumps(asdict(settings) | {"locked": locked}))
    return run.source.kind is SourceKind.FOUND and json.loads(json.dumps(run.selection)) != wanted
