"""The ledger: every answer the suspect ever gave, on disk.

It is the array of answers (n_images, n_views), -1 where not yet asked. It is cache, budget, replay and resume in one: a
query answered once is never sent again, a budget of N never sends query N + 1, a killed run goes on where it stopped,
and a finished case is analysed again with no model at hand.

On disk it is one header, ledger.json, which names the arrays that belong to it. A ledger that is given another shape
gets new arrays under new names before the header is swapped, so that readers always find a whole one. Only who holds
the lock writes.

Answers are written through a memory map: once written they outlive the process, even under SIGKILL. Before a batch is
sent, its size is added to the count of sent queries, so a run killed in the middle of a batch has counted it.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.answers.views import ViewSpec
from fdcore.errors import CaseError, SuspectError
from fdcore.records import from_plain, to_plain
from fdcore.storage import disk_errors, only_one, touch, write_atomically
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Labels, Pictures, Suspect

FORMAT = 2
NOT_ASKED = -1
MAX_CLASSES = 1_000_000

_HEADER, _LOCK = "ledger.json", "lock"


@dataclass(frozen=True)
class LedgerHeader:
    """What the answers belong to.

    Attributes:
        suspect: the suspect's fingerprint.
        n_classes: how many classes it answers.
        spec: what it expects at its input.
        corpus: the image store's fingerprint.
        seed: the seed of the views.
        views: how far views depart from the image.
        n_images, n_views: the shape of the answers.
        format: of the files; it says nothing of the answers, and nor does the generation.
        generation: which of the arrays in the folder are the ledger's; see `_array_names`.
    """

    suspect: str
    n_classes: int
    spec: PreprocessSpec
    corpus: str
    seed: int
    views: ViewSpec
    n_images: int
    n_views: int
    format: int = field(default=FORMAT, compare=False)
    generation: int = field(default=0, compare=False)

    def same_queries(self, other: "LedgerHeader") -> bool:
        """Whether an answer in one is the answer to the same question in the other, whatever the shape."""
        return replace(self, corpus="", n_images=0, n_views=0) == replace(other, corpus="", n_images=0, n_views=0)


class Ledger:
    """The answers of one suspect about one image store; see the module's text.

    Attributes:
        header: what the answers belong to.
        answers: (n_images, n_views) int32, -1 where not yet asked.
    """

    def __init__(
        self,
        header: LedgerHeader,
        image_ids: npt.NDArray[np.uint64],
        answers: npt.NDArray[np.int32],
        sent: npt.NDArray[np.int64],
        folder: Path | None = None,
    ) -> None:
        self.header, self.image_ids, self.answers, self._sent, self._folder = header, image_ids, answers, sent, folder
        self._check()

    def _check(self) -> None:
        """Whether header, answers, images and count are what they must be; they may come from anywhere."""
        header, answers = self.header, self.answers
        wrong = {
            "the shape of its answers": answers.shape != (header.n_images, header.n_views) or answers.dtype != np.int32,
            "the list of its images": self.image_ids.shape != (header.n_images,) or self.image_ids.dtype != np.uint64,
            "its count of queries": self._sent.shape != (1,) or self._sent.dtype != np.int64,
            "its number of classes": not 1 <= header.n_classes <= MAX_CLASSES,
        }
        wrong["an answer"] = (
            not any(wrong.values())
            and answers.size > 0
            and (answers.min() < NOT_ASKED or answers.max() >= header.n_classes)
        )
        if found := [what for what, is_wrong in wrong.items() if is_wrong]:
            raise CaseError(f"The ledger {self._folder} is damaged: {found[0]} is wrong. Restore it from a copy.")

    @classmethod
    def in_memory(cls, header: LedgerHeader, image_ids: npt.NDArray[np.uint64]) -> "Ledger":
        """A ledger that lasts as long as the process: it has no folder, so that flushing and locking do nothing."""
        answers = np.full((header.n_images, header.n_views), NOT_ASKED, np.int32)
        return cls(header, image_ids, answers, np.zeros(1, np.int64))

    @property
    def folder(self) -> Path:
        """Where the ledger lies."""
        if self._folder is None:
            raise CaseError("This ledger is kept in memory only. Copy it to a folder first.")
        return self._folder

    @classmethod
    def open(cls, folder: Path) -> "Ledger":
        """Open a ledger to read or go on; nothing on disk is changed.

        Raises:
            CaseError: there is none, it is damaged, or another version wrote it.
        """
        header, arrays = _read_header(folder)
        while True:
            try:
                answers, image_ids, sent = arrays
                return cls(header, np.load(image_ids, allow_pickle=False), _mapped(answers), _mapped(sent), folder)
            except FileNotFoundError as error:  # a run has put others in their place: the header names them by now
                missing, (header, arrays) = arrays, _read_header(folder)
                if arrays == missing:
                    raise CaseError(f"The ledger {folder} is damaged ({error}). Restore it from a copy.") from error
            except (ValueError, TypeError, EOFError, AttributeError, MemoryError) as error:
                raise CaseError(f"The ledger {folder} is damaged ({error}). Restore it from a copy.") from error

    @classmethod
    def open_or_create(
        cls,
        folder: Path,
        header: LedgerHeader,
        image_ids: npt.NDArray[np.uint64],
        *,
        may_drop: bool = False,
    ) -> "Ledger":
        """Open the ledger that fits `header`; more images or views carry over all answers that are known.

        Args:
            folder: the ledger's folder.
            header: what the answers belong to.
            image_ids: (n_images,) the images, in the order of the answers.
            may_drop: whether answers that have no place in the new shape may be left out.

        Raises:
            CaseError: the folder's ledger belongs to another suspect, preprocessing, seed or kind of view, or holds
                answers that would be lost; or it has to be reshaped while another process asks.
        """
        if (folder / _HEADER).exists():
            existing = cls.open(folder)
            if existing.fits(header, image_ids):
                return existing
        with _locked(folder):
            _recover(folder)
            if not (folder / _HEADER).exists():
                answers = np.full((header.n_images, header.n_views), NOT_ASKED, np.int32)
                _write(folder, header, image_ids, answers, sent=0)
            elif not (existing := cls.open(folder)).fits(header, image_ids):
                answers = _carry_over(existing, header, image_ids, may_drop=may_drop)
                _write(folder, header, image_ids, answers, sent=existing.n_sent)
            return cls.open(folder)

    def fits(self, header: LedgerHeader, image_ids: npt.NDArray[np.uint64]) -> bool:
        """Whether the ledger's answers are to these questions about these images, in this shape and order."""
        return self.header == header and np.array_equal(self.image_ids, image_ids)

    @property
    def n_sent(self) -> int:
        """How many queries were ever sent, those included whose answer a crash swallowed."""
        return int(self._sent[0])

    @property
    def n_answered(self) -> int:
        """How many answers are there."""
        return int((self.answers != NOT_ASKED).sum())

    def missing(self, images: npt.NDArray[np.intp], view: int = 0) -> npt.NDArray[np.intp]:
        """Those of some images whose `view` is not answered yet."""
        missing: npt.NDArray[np.intp] = images[np.asarray(self.answers[images, view]) == NOT_ASKED]
        return missing

    def pending(self, view: int, batch_size: int) -> Iterator[npt.NDArray[np.intp]]:
        """The images whose `view` is not answered yet, in order, in batches."""
        missing = np.flatnonzero(self.answers[:, view] == NOT_ASKED)
        for start in range(0, len(missing), batch_size):
            yield missing[start : start + batch_size]

    def ask(self, suspect: Suspect, images: npt.NDArray[np.intp], view: int, pictures: Pictures) -> Labels:
        """Send one view of some images, and record the answers.

        Raises:
            SuspectError: the suspect is another one than the ledger's, or fails.
        """
        if suspect.fingerprint != self.header.suspect:
            raise SuspectError("This ledger belongs to another suspect; its answers cannot be mixed.")
        self._sent[0] += len(images)
        labels = suspect.labels(pictures)
        self.answers[images, view] = labels
        return labels

    def flush(self) -> None:
        """Make everything durable against a power cut too, and give the header a new time of change."""
        if self._folder is None:
            return
        with disk_errors(self.folder):
            for array in (self._sent, self.answers):
                if isinstance(array, np.memmap):
                    array.flush()
            if isinstance(self.answers, np.memmap) and self.answers.mode == "r+":
                touch(self.folder / _HEADER)

    def copy_to(self, folder: Path) -> None:
        """Write a copy, to be replayed where the suspect is not at hand."""
        with _locked(folder):
            _write(folder, self.header, self.image_ids, np.asarray(self.answers), sent=self.n_sent)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the ledger's lock: only one process at a time asks the suspect.

        Raises:
            CaseError: another process is asking, or has given the ledger another shape since this one was opened.
        """
        if self._folder is None:
            yield
            return
        with _locked(self.folder):
            if _read_header(self.folder)[0].generation != self.header.generation:
                raise CaseError(f"The ledger {self.folder} was changed by another process. Run this again.")
            yield


def _mapped(path: Path) -> Any:
    """An array on disk, to be changed where the file may be written.

    Mapping a file for writing makes a short one longer, and its zeros would pass for answers: mapping it for reading
    first fails on one (ValueError).
    """
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.load(path, mmap_mode="r+", allow_pickle=False) if os.access(path, os.W_OK) else array


def _array_names(generation: int) -> tuple[str, ...]:
    """The files of one shape of a ledger: answers, image ids and the count of queries sent."""
    number = f".{generation:d}" if generation else ""
    return tuple(f"{name}{number}.npy" for name in ("answers", "image_ids", "sent"))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a ledger's lock. One that is not there yet can only be in the making, which takes no time: that is awaited.

    Raises:
        CaseError: another process is asking.
    """
    busy = f"Another process is scoring this case ({folder.parent}). Wait for it, or stop it and run again."
    with only_one(folder / _LOCK, busy if (folder / _HEADER).exists() else None):
        yield


def _write(
    folder: Path, header: LedgerHeader, image_ids: npt.NDArray[np.uint64], answers: npt.NDArray[np.int32], *, sent: int
) -> None:
    """Write a ledger's arrays beside those it has, and then the header that names them; the caller holds the lock.

    Until the header is swapped the old ledger is whole, from then on the new one. The old arrays are removed: whoever
    has opened them keeps them, and whoever was about to reads the header again.
    """
    generation = _read_header(folder)[0].generation + 1 if (folder / _HEADER).exists() else 0
    names = _array_names(generation)
    arrays: tuple[npt.NDArray[Any], ...] = (answers, image_ids, np.array([sent], np.int64))
    with disk_errors(folder):
        for name, array in zip(names, arrays, strict=True):
            with (folder / name).open("wb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        pointer = to_plain(replace(header, format=FORMAT, generation=generation))
        write_atomically(folder / _HEADER, json.dumps(pointer, indent=2).encode())
        for path in folder.glob("*.npy"):
            if path.name not in names:
                path.unlink()


def _place(folder: Path) -> Path:
    """Where a ledger's files are: in its folder, or where a killed run of the earlier version had put them aside."""
    aside = folder.with_name(f".{folder.name}.old")
    return aside if (aside / _HEADER).exists() and not (folder / _HEADER).exists() else folder


def _read_header(folder: Path) -> tuple[LedgerHeader, tuple[Path, ...]]:
    """A ledger's header, and the arrays that it names."""
    place = _place(folder)
    try:
        header = from_plain(LedgerHeader, json.loads((place / _HEADER).read_bytes()), what=f"the ledger {folder}")
        arrays = tuple(place / name for name in _array_names(header.generation))
    except FileNotFoundError as error:
        raise CaseError(f"There is no ledger in {folder}: the suspect was not asked anything yet.") from error
    except (ValueError, RecursionError) as error:
        raise CaseError(f"The ledger {folder} is damaged ({error}). Restore it from a copy.") from error
    if header.format not in (1, FORMAT):
        raise CaseError(f"The ledger {folder} has format {header.format}; this version reads formats 1 and {FORMAT}.")
    return header, arrays


def _recover(folder: Path) -> None:
    """End the swap of whole folders that a killed run of the earlier version left; the caller holds the lock."""
    if (aside := _place(folder)) != folder:
        for name in (*_array_names(0), _HEADER):  # the header last: until then the next run finds it here again
            if (aside / name).exists():
                os.replace(aside / name, folder / name)
    for leftover in ("old", "new"):
        shutil.rmtree(folder.with_name(f".{folder.name}.{leftover}"), ignore_errors=True)


def _carry_over(
    existing: Ledger, header: LedgerHeader, image_ids: npt.NDArray[np.uint64], *, may_drop: bool
) -> npt.NDArray[np.int32]:
    """The answers in the new shape: known images keep their answers, views beyond the old ones are not asked."""
    if not existing.header.same_queries(header):
        raise CaseError(describe_difference(existing.header, header))
    answers = np.full((header.n_images, header.n_views), NOT_ASKED, np.int32)
    _, new, old = np.intersect1d(image_ids, existing.image_ids, return_indices=True)
    n_views = min(header.n_views, existing.header.n_views)
    answers[new, :n_views] = existing.answers[old, :n_views]
    n_lost = existing.n_answered - int((answers != NOT_ASKED).sum())
    if n_lost and not may_drop:
        raise CaseError(
            f"{n_lost} answers of this case have no place in this run: it has fewer views, fewer images or "
            "another corpus. Give at least the earlier ones, or another folder for a new case."
        )
    return answers


def describe_difference(found: LedgerHeader, wanted: LedgerHeader) -> str:
    """Say which part of the question changed."""
    names = {"suspect": "suspect", "n_classes": "number of classes", "spec": "preprocessing", "seed": "seed",
             "views": "kind of views"}  # fmt: skip
    changed = [text for field, text in names.items() if getattr(found, field) != getattr(wanted, field)]
    if "preprocessing" in changed and "suspect" in changed:
        changed.remove("suspect")  # the preprocessing is part of the suspect's fingerprint
    return (
        f"This case was scored with another {' and '.join(changed) or 'format'}. "
        "Go on with the earlier settings, or give another folder for a new case."
    )
