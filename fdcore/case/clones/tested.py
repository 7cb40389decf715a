"""The results of clones on held-back pictures, side by side."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.case.case import Case
from fdcore.case.claims import read_claims
from fdcore.case.clones.answered_sets import read_answered_set
from fdcore.case.clones.arrays import DAMAGED, read_array
from fdcore.case.clones.records import read_run, read_runs, run_folder, trained_on
from fdcore.cloning.comparison import Column, Comparison
from fdcore.cloning.evaluation import Evaluation
from fdcore.cloning.run import CloneRun
from fdcore.errors import CaseError

MAX_SET_IMAGES = 1_000_000


def answers_file(run_id: str, key: str) -> str:
    """The file of a clone's answers to a set, within the case."""
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
        raise CaseError(f"The clone {run_id} has not been tested on this set yet.", key="not tested") from error
    except DAMAGED as error:
        raise CaseError(f"{path} is damaged ({error}). Test the clone again.", key="answers damaged") from error
    if image_ids.shape != labels.shape or not labels.size or labels.min() < 0:
        raise CaseError(f"{path} is damaged: it has no answers. Test the clone again.", key="answers damaged")
    return image_ids, labels


def _read_member(archive: zipfile.ZipFile, name: str, dtype: type[np.generic]) -> Any:
    with archive.open(f"{name}.npy") as file:
        return read_array(file, dtype, MAX_SET_IMAGES)


def read_evaluations(case: Case, run_id: str) -> dict[str, Evaluation]:
    """One clone's results on every set that it was tested on, by the set's name; damaged sets are left out."""
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
    """All finished clones that were tested on a set, on pictures that all of them answered and none was trained on.

    A clone whose answers or transfer set are damaged is left out; the others are still compared.

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
        claimed=any(number < tested.n_classes for number in _claimed_names(case)),
    )


def left_out(case: Case, key: str) -> int:
    """How many pictures of a set are left out of its comparison because one of the clones was trained on them.

    Raises:
        CaseError: the set is unknown or damaged.
    """
    return _Tested(case, key, [run for run in read_runs(case) if run.finished]).n_left_out


class _Tested:
    """The answers of several clones to one set, on the pictures that count for all of them."""

    def __init__(self, case: Case, key: str, runs: Iterable[CloneRun]) -> None:
        self.answered = read_answered_set(case, key)
        self.n_classes = case.facts().n_classes
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
        """The results of one of the clones."""
        own = _places(self.answered.image_ids, self.common)
        ids, labels = self._answers[number]
        truth = self.answered.truth
        return Evaluation(
            self.n_classes,
            self.answered.suspect[own],
            labels[_places(ids, self.common)],
            None if truth is None else truth[own],
        )


def _places(ids: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """The place of each wanted id in `ids`, which contains all of them."""
    order = np.argsort(ids, kind="stable")
    places: npt.NDArray[np.intp] = order[np.searchsorted(ids, wanted, sorter=order)]
    return places


def class_names(case: Case, n_classes: int) -> tuple[str, ...]:
    """Display names of the suspect's classes: as claimed, otherwise as found, otherwise the number only."""
    claimed, found = _claimed_names(case), _found_names(case)
    return tuple(claimed.get(i) or found.get(i) or f"Class {i}" for i in range(n_classes))


def _claimed_names(case: Case) -> Mapping[int, str]:
    try:
        return read_claims(case).names
    except CaseError:
        return {}


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
