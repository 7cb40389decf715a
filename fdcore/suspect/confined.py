"""A suspect in a cell: every byte of it is read, and every picture answered, in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fdcore.errors import SuspectError
from fdcore.suspect.cell.cell import SHARED, Cell, CellError, Limits, printable
from fdcore.suspect.preprocess import Assumption, Origins, PreprocessSpec
from fdcore.suspect.runtimes import EAGER, N_PROBED, TITLES, RuntimeTrial
from fdcore.suspect.suspect import Labels, Pictures, Suspect

LABEL = np.dtype(np.int64)


@dataclass(frozen=True)
class Opened:
    """What the reader inside a cell says about the suspect that it has opened.

    Attributes:
        arch: the architecture's name, part of the suspect's identity.
        batch_size, description, title, notes, origins, spec, n_classes, class_names, assumptions, weights, trial: as
            of `Suspect`.
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
    trial: RuntimeTrial | None = None


@dataclass(frozen=True)
class Answered:
    """What a cell says when it has labelled pictures: the runtime, once it was chosen."""

    trial: RuntimeTrial | None = None


class ConfinedSuspect(Suspect):
    """Sends pictures into a cell and takes class numbers out, both through shared memory.

    A cell that hangs or dies is replaced once, and the batch is sent again; if the second cell fails at the same batch,
    the suspect has failed. What was answered before stays valid.
    """

    _n_in_runtime = 0  # pictures answered since the cell was opened or its runtime chosen

    def __init__(
        self, open_cell: Callable[[], tuple[Cell, Opened]], identify: Callable[[Opened], str], limits: Limits,
        machine: str,
    ) -> None:  # fmt: skip
        self._open, self._limits, self._machine = open_cell, limits, machine
        self._inside, opened = open_cell()
        self.fingerprint = identify(opened)
        self.n_classes, self.spec, self.batch_size = opened.n_classes, opened.spec, opened.batch_size
        self.description, self.title, self.notes = opened.description, opened.title, opened.notes
        self.origins, self.class_names, self.assumptions = opened.origins, opened.class_names, opened.assumptions
        self.cell, self.weights = self._inside.report, opened.weights
        self._check()
        self._take(opened.trial)

    def recall(self, trial: RuntimeTrial) -> None:
        """Have the cell use what an earlier trial has chosen, if it was this suspect's and on this machine."""
        if trial.tried and (trial.fingerprint, trial.machine) == (self.fingerprint, self._machine):
            self._recall(trial)
            self.trial = self.trial or trial

    def close(self) -> None:
        """End its cell."""
        self._inside.end()

    def _answer(self, pictures: Pictures) -> Labels:
        try:
            return self._labels(pictures)
        except CellError as first:
            self._inside.end()
            if self._n_in_runtime < N_PROBED:
                self.trial = None  # it may have been the runtime that failed
            self._inside, opened = self._open()
            self._take(opened.trial)
            self._sent_again(len(pictures))
            try:
                self._recall(self.trial or RuntimeTrial(EAGER))
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
        answered = self._inside.ask("label", Answered, timeout_s=self._limits.batch_s, n=n, n_expected=self._n_expected)
        self._n_in_runtime += n
        self._take(answered.trial)
        return np.frombuffer(shared, LABEL, n, offset=len(shared) - n * LABEL.itemsize).copy()

    def _recall(self, trial: RuntimeTrial) -> None:
        self._inside.ask("recall", type(None), timeout_s=self._limits.batch_s, trial=trial)
        self._n_in_runtime = 0

    def _take(self, trial: RuntimeTrial | None) -> None:
        """Keep what the cell says about its runtimes, as far as it may be true."""
        if trial is not None:
            tried = tuple(replace(one, not_tried=printable(one.not_tried)) for one in trial.tried[: len(TITLES)])
            self.trial = RuntimeTrial(trial.chosen, tried, self.fingerprint, self._machine)
            self._n_in_runtime = 0

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
