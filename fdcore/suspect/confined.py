"""A suspect in a cell: every byte of it is read, and every picture answered, in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fdcore.errors import SuspectError
from fdcore.suspect.cell.cell import SHARED, Cell, CellError, Limits
from fdcore.suspect.preprocess import Assumption, Origins, PreprocessSpec
from fdcore.suspect.suspect import Labels, Pictures, Suspect

LABEL = np.dtype(np.int64)


@dataclass(frozen=True)
class Opened:
    """What the reader inside a cell says about the suspect that it has opened.

    Attributes:
        arch: the architecture's name, part of the suspect's identity.
        batch_size, description, title, notes, origins, spec, n_classes, class_names, assumptions, weights: as of
            `Suspect`.
    """

    arch: str
    n_classes: int
    spec: PreprocessSpec
    batch_size: int
    description: str
    title: str
    notes: tuple[str, ...]
    origins: Origins
    class_names: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    weights: str = ""


class ConfinedSuspect(Suspect):
    """Sends pictures into a cell and takes class numbers out, both through shared memory.

    A cell that hangs or dies is replaced once, and the batch is sent again; if the second cell fails at the same batch,
    the suspect has failed. What was answered before stays valid.
    """

    def __init__(
        self, open_cell: Callable[[], tuple[Cell, Opened]], identify: Callable[[Opened], str], limits: Limits
    ) -> None:
        self._open, self._limits = open_cell, limits
        self._inside, opened = open_cell()
        self.fingerprint = identify(opened)
        self.n_classes, self.spec, self.batch_size = opened.n_classes, opened.spec, opened.batch_size
        self.description, self.title, self.notes = opened.description, opened.title, opened.notes
        self.origins, self.class_names, self.assumptions = opened.origins, opened.class_names, opened.assumptions
        self.cell, self.weights = self._inside.report, opened.weights
        self._check()

    def close(self) -> None:
        """End its cell."""
        self._inside.end()

    def _answer(self, pictures: Pictures) -> Labels:
        try:
            return self._labels(pictures)
        except CellError as first:
            self._inside.end()
            self._inside, _ = self._open()
            self._sent_again(len(pictures))
            try:
                return self._labels(pictures)
            except CellError as second:
                raise SuspectError(
                    f"The suspect failed twice at the same {len(pictures)} pictures: {second} Its earlier answers are "
                    "kept.",
                    key=second.key,
                ) from first

    def _labels(self, pictures: Pictures) -> Labels:
        n, shared = len(pictures), self._inside.shared
        np.frombuffer(shared, np.uint8, pictures.size)[:] = pictures.reshape(-1)
        self._inside.ask("label", int, timeout_s=self._limits.batch_s, n=n)
        return np.frombuffer(shared, LABEL, n, offset=len(shared) - n * LABEL.itemsize).copy()

    def _check(self) -> None:
        if self.n_classes < 2 or self.batch_size < 1:
            raise SuspectError(f"A suspect has at least two classes, not {self.n_classes}.", key="too few classes")
        size = self.batch_size * (self.spec.height * self.spec.width * self.spec.channels + LABEL.itemsize)
        if size > SHARED:
            raise SuspectError(
                f"The suspect takes {self.batch_size:,} pictures of {self.spec.height} x {self.spec.width} at once, "
                f"which is more than {SHARED >> 20} MiB.",
                key="batch too large",
            )
