"""The lab: a case while its clones are worked on, and its suspect, which is opened when it is first asked."""

import threading
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.case.case import Case
from fdcore.case.clones import FOLDER
from fdcore.case.spending import ask_about
from fdcore.errors import CaseError, SettingsError
from fdcore.progress import Progress, silent
from fdcore.storage import only_one
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Pictures, Suspect
from fdcore.work.investigate import open_planned_suspect


class Lab:
    """A case's clones and whoever works on them: `with Lab(case, cache) as lab` lets nobody else do so meanwhile.

    Everything else in the case goes on. Memory that does not suffice becomes a `SettingsError` as the block ends.

    Attributes:
        case: the case.
        cache: where decoded images are kept.
        by: who works, for the audit log.
        progress: told how far the work is; training stops where it raises.
    """

    def __init__(self, case: Case, cache: Path, *, by: str = "", progress: Progress = silent) -> None:
        self.case, self.cache, self.by, self.progress = case, cache, by, progress
        self._held = ExitStack()
        self._turn = threading.Lock()  # clones on several GPUs take turns

    def __enter__(self) -> Self:
        busy = "Clones of this case are being trained already. Wait for them, or pause that work first."
        self._held.enter_context(only_one(self.case.path(FOLDER) / ".lock", busy))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._held.close()
        if isinstance(error, MemoryError):
            raise SettingsError(
                "The memory of this machine does not suffice. Take a smaller total; what was finished is kept."
            ) from error

    @cached_property
    def header(self) -> LedgerHeader:
        """How the case's suspect was asked.

        Raises:
            CaseError: it never was.
        """
        return Ledger.open(self.case.path("ledger")).header

    @cached_property
    def spec(self) -> PreprocessSpec:
        """What the case's suspect expects at its input, and so what its clones expect."""
        return self.header.spec

    @cached_property
    def suspect(self) -> Suspect:
        """The suspect itself.

        Raises:
            CaseError: the case does not hold it, or it is another one than was asked.
            SuspectError: it cannot be opened.
        """
        if not self.case.facts().evidence:
            raise CaseError(
                "This case replays recorded answers and holds no suspect's file, so that nothing new can be "
                "asked. Use sources and pictures of its corpus."
            )
        suspect = open_planned_suspect(self.case.plan(), silent)(self.case.evidence().path)
        if suspect.fingerprint != self.header.suspect:
            raise CaseError(
                "The suspect is opened with other options than it was asked with before. Restore the options of the "
                "Suspect page, or begin a new case."
            )
        return suspect

    def log(self, event: str, **details: Any) -> None:
        """Note in the audit log what was done, and by whom."""
        self.case.log(event, details | ({"by": self.by} if self.by else {}))

    def progress_as(self, title: str) -> Progress:
        """The same progress, whose every stage is called so."""
        return lambda _stage, done, total: self.progress(title, done, total)

    def ask(
        self, ledger: Ledger, images: npt.NDArray[np.intp], pictures: Pictures, *, stage: str
    ) -> npt.NDArray[np.int32]:
        """The labels of some images, those that are not known yet asked for.

        Args:
            ledger: of one view.
            images: (n,) places in it.
            pictures: (n_images, H, W, C) uint8, all of the ledger's.
            stage: what it is for, for whoever watches.

        Returns:
            (n,) int32.

        Raises:
            SettingsError: the budget does not allow it; nothing was sent.
            CaseError, SuspectError: the suspect cannot be opened or fails.
        """
        with self._turn:
            if len(ledger.missing(images)):
                ask_about(self.case, self.suspect, ledger, images, pictures, stage=stage, progress=self.progress)
        labels: npt.NDArray[np.int32] = np.array(ledger.answers[images, 0])
        return labels
