"""The pictures that clones are tested on, with the suspect's answers."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED, Ledger
from fdcore.case.case import Case
from fdcore.case.clones.arrays import DAMAGED, read_array
from fdcore.case.clones.records import RUNS
from fdcore.case.layout import ASKED
from fdcore.cloning.sources import reserved_images
from fdcore.errors import CaseError
from fdcore.records import from_plain

CORPUS_SET = "corpus"  # prefix of the key of the set of reserved images, followed by the share


_Text = Annotated[str, msgspec.Meta(max_length=2_000)]


@dataclass(frozen=True)
class SetRecord:
    """The content of set.json for a set outside the corpus: name, how and note of its `EvaluationSetFacts`."""

    name: _Text = ""
    how: _Text = ""
    note: _Text = ""


class EvaluationSetFacts(NamedTuple):
    """A set of pictures that clones are tested on."""

    key: str  # identifies it within the case
    name: str
    n_images: int  # pictures that the suspect answered
    labelled: bool  # whether true classes are known; otherwise only agreement with the suspect is measured
    how: str  # how folders were matched with classes; see `fdcore.cloning.evaluation_sets`
    note: str  # a caveat as a sentence; may be empty
    n_sent: int  # queries that were sent for it


class AnsweredSet(NamedTuple):
    """The n pictures of an evaluation set, without their pixels."""

    facts: EvaluationSetFacts
    images: npt.NDArray[np.intp]  # (n,) places in the set's image store
    image_ids: npt.NDArray[np.uint64]  # (n,)
    suspect: npt.NDArray[np.int32]  # (n,) the suspect's answers
    truth: npt.NDArray[np.int32] | None  # (n,) -1 if unknown; None for a set without labels


def corpus_set_key(reserved: float) -> str:
    """The key of the set of reserved images of the corpus."""
    return f"{CORPUS_SET}-{reserved:g}"


def reserved_share(key: str) -> float:
    """The inverse of `corpus_set_key`.

    Raises:
        CaseError: the key is not one of these.
    """
    try:
        share = float(key.removeprefix(f"{CORPUS_SET}-"))
    except ValueError:
        share = math.nan
    if not 0 < share <= 0.5:
        raise CaseError(f"There is no evaluation set called {key[:80]!r} in this case.", key="no evaluation set")
    return share


def read_evaluation_sets(case: Case) -> tuple[EvaluationSetFacts, ...]:
    """The sets that clones of this case were tested on: those with true classes first, then the largest first."""
    tested = {path.stem for path in case.path(RUNS).glob("*/answers/*.npz")}
    found = []
    for key in sorted(tested):
        try:
            found.append(read_answered_set(case, key).facts)
        except CaseError:  # a set that is damaged or missing; clones keep their answers to it
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
        raise CaseError(f"There is no evaluation set called {key[:80]!r} in this case.", key="no evaluation set")
    record = from_plain(SetRecord, case.read_json(f"{ASKED}/{key}/set.json"), what=f"set.json of the set {key}")
    ledger = Ledger.open(folder / "ledger")
    truth = _read_truth(folder / "truth.npy", ledger)
    answers = np.array(ledger.answers[:, 0])
    images = np.flatnonzero(answers != NOT_ASKED)
    labelled = bool((truth[images] >= 0).any())
    facts = EvaluationSetFacts(key, record.name, len(images), labelled, record.how, record.note, ledger.n_sent)
    return AnsweredSet(facts, images, ledger.image_ids[images], answers[images], truth[images] if labelled else None)


def _corpus_set(case: Case, key: str) -> AnsweredSet:
    ledger = Ledger.open(case.path("ledger"))
    answers, reserved = np.array(ledger.answers[:, 0]), reserved_images(ledger.image_ids, reserved_share(key))
    images = np.flatnonzero((answers != NOT_ASKED) & reserved)
    note = (
        "These are pictures of the corpus that no clone was trained on. They resemble the corpus rather than the "
        "suspect's training data, which favours clones from random images."
    )
    facts = EvaluationSetFacts(key, "Held-back images of the corpus", len(images), False, "", note, 0)
    return AnsweredSet(facts, images, ledger.image_ids[images], answers[images], None)


def asked_folder(case: Case, key: str) -> Path:
    """The folder of a set of pictures outside the corpus, and of the answers to them.

    Raises:
        CaseError: the key is not valid; it may come from a link.
    """
    if not key.isalnum() or not key.isascii():
        raise CaseError(f"There is no set of pictures called {key[:80]!r} in this case.", key="no evaluation set")
    return case.path(f"{ASKED}/{key}")


def _read_truth(path: Path, ledger: Ledger) -> npt.NDArray[np.int32]:
    n_classes, n_images = ledger.header.n_classes, ledger.header.n_images
    try:
        with path.open("rb") as file:
            truth: npt.NDArray[np.int32] = read_array(file, np.int32, n_images)
    except (*DAMAGED, FileNotFoundError) as error:
        raise CaseError(f"{path} is damaged ({error}). Test the clones again.", key="truth damaged") from error
    if len(truth) != n_images or (truth.size and not -1 <= truth.min() <= truth.max() < n_classes):
        raise CaseError(f"{path} does not match its pictures. Test the clones again.", key="truth damaged")
    return truth
