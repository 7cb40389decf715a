"""The ledger: every answer that the suspect ever gave, on disk.

It is an array of answers (n_images, n_views), -1 where a query has not been sent. It serves as cache, budget, replay
and resume: an answered query is never sent again, a budget of N never sends query N + 1, a killed run resumes where it
stopped, and a finished case can be analysed again without the model.

On disk it is one header, ledger.json, which names the arrays that belong to it. When the shape changes, new arrays are
written under new names before the header is swapped, so that readers always find a complete ledger. Only the holder of
the lock writes.

Answers are written through a memory map, so they outlive the process, even after SIGKILL. The size of a batch is added
to the count of sent queries before the batch is sent, so a run killed in the middle of a batch has counted it.
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
        n_classes, spec: the suspect's classes and input.
        corpus: the image store's fingerprint.
        seed, views: which views were sent.
        n_images, n_views: the shape of the answers.
        format: of the files.
        generation: which arrays in the folder are current; see `_array_names`.
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
        """Whether the same image and view is the same query in both, even if their shapes differ."""
        return replace(self, corpus="", n_images=0, n_views=0) == replace(other, corpus="", n_images=0, n_views=0)


class Ledger:
    """The answers of one suspect about one image store; see the module's docstring.

    Attributes:
        answers: (n_images, n_views) int32, -1 where a query has not been sent.
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
        """Check that header, answers, images and count are consistent; they may come from anywhere."""
        header, answers = self.header, self.answers
        if answers.shape != (header.n_images, header.n_views) or answers.dtype != np.int32:
            raise _damaged(self._folder, "wrong shape of the answers")
        if self.image_ids.shape != (header.n_images,) or self.image_ids.dtype != np.uint64:
            raise _damaged(self._folder, "wrong list of images")
        if self._sent.shape != (1,) or self._sent.dtype != np.int64:
            raise _damaged(self._folder, "wrong count of queries")
        if not 1 <= header.n_classes <= MAX_CLASSES:
            raise _damaged(self._folder, "wrong number of classes")
        if answers.size and (answers.min() < NOT_ASKED or answers.max() >= header.n_classes):
            raise _damaged(self._folder, "an answer is not a class")

    @classmethod
    def in_memory(cls, header: LedgerHeader, image_ids: npt.NDArray[np.uint64]) -> "Ledger":
        """A ledger without a folder, which ends with the process; flushing and locking do nothing."""
        answers = np.full((header.n_images, header.n_views), NOT_ASKED, np.int32)
        return cls(header, image_ids, answers, np.zeros(1, np.int64))

    @property
    def folder(self) -> Path:
        """The ledger's folder."""
        if self._folder is None:
            raise CaseError("This ledger exists in memory only. Copy it to a folder first.", key="ledger in memory")
        return self._folder

    @classmethod
    def open(cls, folder: Path) -> "Ledger":
        """Open a ledger to read or continue; nothing on disk is changed.

        Raises:
            CaseError: there is none, it is damaged, or another version wrote it.
        """
        header, arrays = _read_header(folder)
        while True:
            try:
                answers, image_ids, sent = arrays
                return cls(header, np.load(image_ids, allow_pickle=False), _mapped(answers), _mapped(sent), folder)
            except FileNotFoundError as error:  # a run has replaced the arrays: the header now names others
                missing, (header, arrays) = arrays, _read_header(folder)
                if arrays == missing:
                    raise _damaged(folder, error) from error
            except (ValueError, TypeError, EOFError, AttributeError, MemoryError) as error:
                raise _damaged(folder, error) from error

    @classmethod
    def open_or_create(
        cls, folder: Path, header: LedgerHeader, image_ids: npt.NDArray[np.uint64], *, may_drop: bool = False
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
        """Whether the ledger answers these queries about these images, in this shape and order."""
        return self.header == header and np.array_equal(self.image_ids, image_ids)

    @property
    def n_sent(self) -> int:
        """How many queries were ever sent, including those whose answers were lost in a crash."""
        return int(self._sent[0])

    @property
    def n_answered(self) -> int:
        """How many queries are answered."""
        return int((self.answers != NOT_ASKED).sum())

    def missing(self, images: npt.NDArray[np.intp], view: int = 0) -> npt.NDArray[np.intp]:
        """Those of `images` whose `view` is not answered yet."""
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
            SuspectError: the suspect is not the ledger's, or fails.
        """
        if suspect.fingerprint != self.header.suspect:
            raise SuspectError(
                "This ledger belongs to another suspect; answers of two suspects cannot be mixed.",
                key="another suspect",
            )
        self.count(len(images))
        suspect.count_repeats(self.count)
        labels = suspect.labels(pictures)
        self.record(images, view, labels)
        return labels

    def ask_again(self, suspect: Suspect, pictures: Pictures) -> Labels:
        """Send pictures whose answers are known; they count as sent, and what is recorded stays."""
        self.count(len(pictures))
        return suspect.labels(pictures)

    def count(self, n_sent: int) -> None:
        """Count queries, before they are sent."""
        self._sent[0] += n_sent

    def record(self, images: npt.NDArray[np.intp], view: int, labels: npt.NDArray[np.integer[Any]]) -> None:
        """Keep the answers (n,) to one view of some images."""
        self.answers[images, view] = labels

    def flush(self) -> None:
        """Make everything durable against a power cut, and update the header's modification time."""
        if self._folder is None:
            return
        with disk_errors(self.folder):
            for array in (self._sent, self.answers):
                if isinstance(array, np.memmap):
                    array.flush()
            if isinstance(self.answers, np.memmap) and self.answers.mode == "r+":
                touch(self.folder / _HEADER)

    def copy_to(self, folder: Path) -> None:
        """Write a copy, which can be replayed without the suspect."""
        with _locked(folder):
            _write(folder, self.header, self.image_ids, np.asarray(self.answers), sent=self.n_sent)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the ledger's lock, so that only one process at a time queries the suspect.

        Raises:
            CaseError: another process holds it, or has changed the ledger's shape since this one was opened.
        """
        if self._folder is None:
            yield
            return
        with _locked(self.folder):
            if _read_header(self.folder)[0].generation != self.header.generation:
                raise CaseError(
                    f"The ledger {self.folder} was changed by another process. Run this again.", key="ledger changed"
                )
            yield


def _damaged(folder: Path | None, reason: object) -> CaseError:
    return CaseError(f"The ledger {folder} is damaged ({reason}). Restore it from a copy.", key="ledger damaged")


def _mapped(path: Path) -> Any:
    """An array on disk, writable if the file is.

    Mapping a truncated file for writing would extend it with zeros, which look like answers; mapping it for reading
    first fails (ValueError).
    """
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.load(path, mmap_mode="r+", allow_pickle=False) if os.access(path, os.W_OK) else array


def _array_names(generation: int) -> tuple[str, ...]:
    """The files of one generation of a ledger: answers, image ids and the count of queries sent."""
    number = f".{generation:d}" if generation else ""
    return tuple(f"{name}{number}.npy" for name in ("answers", "image_ids", "sent"))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a ledger's lock: refused while it is held for an existing ledger, awaited while a new one is created."""
    busy = f"Another process is scoring this case ({folder.parent}). Wait for it, or stop it and run again."
    with only_one(folder / _LOCK, busy if (folder / _HEADER).exists() else None):
        yield


def _write(
    folder: Path, header: LedgerHeader, image_ids: npt.NDArray[np.uint64], answers: npt.NDArray[np.int32], *, sent: int
) -> None:
    """Write a ledger's arrays beside the existing ones, then the header that names them; the caller holds the lock.

    Until the header is swapped the old ledger is complete, afterwards the new one. The old arrays are then removed: a
    process that has opened them keeps them, and one that is about to open them reads the header again.
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
    """Where a ledger's files are: in its folder, or where a killed run of the earlier version had moved them."""
    aside = folder.with_name(f".{folder.name}.old")
    return aside if (aside / _HEADER).exists() and not (folder / _HEADER).exists() else folder


def _read_header(folder: Path) -> tuple[LedgerHeader, tuple[Path, ...]]:
    """A ledger's header, and the arrays that it names."""
    place = _place(folder)
    try:
        header = from_plain(LedgerHeader, json.loads((place / _HEADER).read_bytes()), what=f"the ledger {folder}")
        arrays = tuple(place / name for name in _array_names(header.generation))
    except FileNotFoundError as error:
        raise CaseError(
            f"There is no ledger in {folder}: the suspect has not been queried yet.", key="no ledger"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, error) from error
    if header.format not in (1, FORMAT):
        raise CaseError(f"The ledger {folder} has format {header.format}; this version reads formats 1 and {FORMAT}.")
    return header, arrays


def _recover(folder: Path) -> None:
    """Complete a swap of folders that a killed run of the earlier version left; the caller holds the lock."""
    if (aside := _place(folder)) != folder:
        for name in (*_array_names(0), _HEADER):  # the header last, so that a killed recovery can be repeated
            if (aside / name).exists():
                os.replace(aside / name, folder / name)
    for leftover in ("old", "new"):
        shutil.rmtree(folder.with_name(f".{folder.name}.{leftover}"), ignore_errors=True)


def _carry_over(
    existing: Ledger, header: LedgerHeader, image_ids: npt.NDArray[np.uint64], *, may_drop: bool
) -> npt.NDArray[np.int32]:
    """The answers in the new shape: known images keep their answers, new images and views are NOT_ASKED."""
    if not existing.header.same_queries(header):
        raise CaseError(describe_difference(existing.header, header), key="other queries")
    answers = np.full((header.n_images, header.n_views), NOT_ASKED, np.int32)
    _, new, old = np.intersect1d(image_ids, existing.image_ids, return_indices=True)
    n_views = min(header.n_views, existing.header.n_views)
    answers[new, :n_views] = existing.answers[old, :n_views]
    n_lost = existing.n_answered - int((answers != NOT_ASKED).sum())
    if n_lost and not may_drop:
        raise CaseError(
            f"This run would discard {n_lost} answers of this case: it has fewer views, fewer images or another "
            "corpus. Give at least the earlier ones, or another folder for a new case.",
            key="answers would be lost",
        )
    return answers


def describe_difference(found: LedgerHeader, wanted: LedgerHeader) -> str:
    """State which part of the queries changed."""
    names = {"suspect": "suspect", "n_classes": "number of classes", "spec": "preprocessing", "seed": "seed",
             "views": "kind of views"}  # fmt: skip
    changed = [text for field, text in names.items() if getattr(found, field) != getattr(wanted, field)]
    if "preprocessing" in changed and "suspect" in changed:
        changed.remove("suspect")  # the preprocessing is part of the suspect's fingerprint
    return (
        f"This case was scored with another {' and '.join(changed) or 'format'}. "
        "Continue with the earlier settings, or give another folder for a new case."
    )
