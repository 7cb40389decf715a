"""The ledger: every answer the suspect ever gave, on disk.

It is the array of answers (n_images, n_views), -1 where not yet asked. It is cache, budget, replay and resume in one: a
query answered once is never sent again, a budget of N never sends query N + 1, a killed run goes on where it stopped,
and a finished case is analysed again with no model at hand.

Answers are written through a memory map: once written they outlive the process, even under SIGKILL. Before a batch is
sent, its size is added to the count of sent queries, so a run killed in the middle of a batch has counted it.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.errors import CaseError, SuspectError
from fdcore.storage import disk_errors, only_one, sync_folder, write_atomically
from fdcore.suspect.suspect import Labels, Pictures, Suspect

FORMAT = 1
NOT_ASKED = -1
MAX_CLASSES = 1_000_000

_HEADER, _ANSWERS, _IMAGES, _SENT, _LOCK = "ledger.json", "answers.npy", "image_ids.npy", "sent.npy", "lock"


@dataclass(frozen=True)
class LedgerHeader:
    """What the answers belong to.

    Attributes:
        suspect: the suspect's fingerprint.
        n_classes: how many classes it answers.
        spec: its PreprocessSpec as a dictionary.
        corpus: the image store's fingerprint.
        seed: the seed of the views.
        views: the ViewSpec as a dictionary.
        n_images, n_views: the shape of the answers.
    """

    suspect: str
    n_classes: int
    spec: dict[str, Any]
    corpus: str
    seed: int
    views: dict[str, Any]
    n_images: int
    n_views: int
    format: int = FORMAT

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
        """Open a ledger to read or go on.

        Raises:
            CaseError: there is none, it is damaged, or another version wrote it.
        """
        _recover(folder)
        try:
            header = LedgerHeader(**json.loads((folder / _HEADER).read_text()))
            if header.format != FORMAT:
                raise CaseError(f"The ledger {folder} has format {header.format}; this version reads format {FORMAT}.")
            image_ids = np.load(folder / _IMAGES, allow_pickle=False)
            return cls(header, image_ids, _mapped(folder / _ANSWERS), _mapped(folder / _SENT), folder)
        except FileNotFoundError as error:
            raise CaseError(f"There is no ledger in {folder}: the suspect was not asked anything yet.") from error
        except (ValueError, TypeError, EOFError, AttributeError, MemoryError, RecursionError) as error:
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
                answers that would be lost.
        """
        _recover(folder)
        if not (folder / _HEADER).exists():
            _write(folder, header, image_ids, np.full((header.n_images, header.n_views), NOT_ASKED, np.int32), sent=0)
            return cls.open(folder)
        existing = cls.open(folder)
        if not existing.header.same_queries(header):
            raise CaseError(describe_difference(existing.header, header))
        if existing.header != header or not np.array_equal(existing.image_ids, image_ids):
            answers = _carry_over(existing, header, image_ids)
            n_lost = existing.n_answered - int((answers != NOT_ASKED).sum())
            if n_lost and not may_drop:
                raise CaseError(
                    f"{n_lost} answers of this case have no place in this run: it has fewer views, fewer images or "
                    "another corpus. Give at least the earlier ones, or another folder for a new case."
                )
            _write(folder, header, image_ids, answers, sent=existing.n_sent)
            return cls.open(folder)
        return existing

    @property
    def n_sent(self) -> int:
        """How many queries were ever sent, those included whose answer a crash swallowed."""
        return int(self._sent[0])

    @property
    def n_answered(self) -> int:
        """How many answers are there."""
        return int((self.answers != NOT_ASKED).sum())

    def pending(self, view: int, batch_size: int, *, budget: int | None = None) -> Iterator[npt.NDArray[np.intp]]:
        """The images whose `view` is not answered yet, in order, in batches that fit the budget's rest."""
        missing = np.flatnonzero(self.answers[:, view] == NOT_ASKED)
        for start in range(0, len(missing), batch_size):
            left = batch_size if budget is None else min(batch_size, budget - self.n_sent)
            if left <= 0:
                return
            yield missing[start : start + left]

    def ask(self, suspect: Suspect, images: npt.NDArray[np.intp], view: int, pictures: Pictures) -> Labels:
        """Send one batch that `pending` gave, and record the answers.

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
        """Make everything durable against a power cut too, and give the files a new time of change."""
        if self._folder is None:
            return
        with disk_errors(self.folder):
            for name, array in ((_SENT, self._sent), (_ANSWERS, self.answers)):
                if isinstance(array, np.memmap):
                    array.flush()
                    if array.mode == "r+":
                        _touch(self.folder / name)

    def copy_to(self, folder: Path) -> None:
        """Write a copy, to be replayed where the suspect is not at hand."""
        _write(folder, self.header, self.image_ids, np.asarray(self.answers), sent=self.n_sent)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the ledger's lock: only one process at a time asks the suspect.

        Raises:
            CaseError: another process is asking.
        """
        if self._folder is None:
            yield
            return
        busy = f"Another process is scoring this case ({self.folder.parent}). Wait for it, or stop it and run again."
        with only_one(self.folder / _LOCK, busy):
            yield


def _mapped(path: Path) -> Any:
    """An array on disk, to be changed where the file may be written.

    Mapping a file for writing makes a short one longer, and its zeros would pass for answers: mapping it for reading
    first fails on one (ValueError).
    """
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.load(path, mmap_mode="r+", allow_pickle=False) if os.access(path, os.W_OK) else array


def _touch(path: Path) -> None:
    """Give a file a later time of change than it has.

    What is written through a memory map changes it only now and then, and the system's clock ticks in milliseconds:
    who has read the file in between could not tell that it was changed.
    """
    before = path.stat().st_mtime_ns
    os.utime(path)
    if path.stat().st_mtime_ns <= before:
        os.utime(path, ns=(before + 1, before + 1))


def _write(
    folder: Path, header: LedgerHeader, image_ids: npt.NDArray[np.uint64], answers: npt.NDArray[np.int32], *, sent: int
) -> None:
    """Write a whole ledger beside the old one and put it in its place; the header comes last."""
    fresh = folder.with_name(f".{folder.name}.new")
    with disk_errors(folder):
        fresh.mkdir(parents=True, exist_ok=True)
        for name, array in ((_ANSWERS, answers), (_IMAGES, image_ids), (_SENT, np.array([sent], np.int64))):
            with (fresh / name).open("wb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        write_atomically(fresh / _HEADER, json.dumps(asdict(header), indent=2).encode())
        _swap(fresh, folder)


def _swap(fresh: Path, folder: Path) -> None:
    """Put `fresh` where `folder` is. A kill in between leaves the old one under its `.old` name, see `_recover`."""
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        os.replace(folder, old)
    os.replace(fresh, folder)
    sync_folder(folder.parent)
    if old.exists():
        shutil.rmtree(old)


def _recover(folder: Path) -> None:
    """End a swap that was cut short: bring the old ledger back where the new one never arrived, else remove it."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        os.replace(old, folder)
    elif old.exists():
        shutil.rmtree(old)


def _carry_over(existing: Ledger, header: LedgerHeader, image_ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """The answers in the new shape: known images keep their answers, views beyond the old ones are not asked."""
    answers = np.full((header.n_images, header.n_views), NOT_ASKED, np.int32)
    _, new, old = np.intersect1d(image_ids, existing.image_ids, return_indices=True)
    n_views = min(header.n_views, existing.header.n_views)
    answers[new, :n_views] = existing.answers[old, :n_views]
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
