"""The lab: a case while its clones are worked on, and its suspect, which is opened before its first query."""

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
from fdcore.work.investigate import open_planned_suspect, recall_runtime


class Lab:
    """Work on a case's clones: `with Lab(case, cache) as lab` excludes everyone else from them.

    Other work in the case continues. Exhausted memory becomes a `SettingsError` at the end of the block.

    Attributes:
        cache: the folder of decoded images.
        by: who works, for the audit log.
        progress: called as the work advances; training stops if it raises.
    """

    def __init__(self, case: Case, cache: Path, *, by: str = "", progress: Progress = silent) -> None:
        self.case, self.cache, self.by, self.progress = case, cache, by, progress
        self._held = ExitStack()
        self._turn = threading.Lock()  # clones on several GPUs take turns

    def __enter__(self) -> Self:
        busy = "Other work with this case's clones or splits is running. Wait for it, or pause it first."
        self._held.enter_context(only_one(self.case.path(FOLDER) / ".lock", busy))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._held.close()
        if isinstance(error, MemoryError):
            raise SettingsError(
                "This machine has not enough memory. Choose a smaller total; finished work is kept.",
                key="not enough memory",
            ) from error

    @cached_property
    def header(self) -> LedgerHeader:
        """How the case's suspect was queried.

        Raises:
            CaseError: it never was.
        """
        return Ledger.open(self.case.path("ledger")).header

    @cached_property
    def spec(self) -> PreprocessSpec:
        """The input of the case's suspect, and of its clones."""
        return self.header.spec

    @cached_property
    def suspect(self) -> Suspect:
        """The suspect itself.

        Raises:
            CaseError: the case does not hold it, or it differs from the one that was queried.
            SuspectError: it cannot be opened.
        """
        if not self.case.facts().evidence:
            raise CaseError(
                "This case replays recorded answers and has no suspect's file, so new pictures cannot be sent. Use "
                "sources and pictures of its corpus.",
                key="no suspect file",
            )
        suspect = open_planned_suspect(self.case.plan(), silent)(self.case.evidence().path)
        if suspect.fingerprint != self.header.suspect:
            raise CaseError(
                "The suspect's options differ from those of the earlier queries. Restore the options on the Suspect "
                "page, or begin a new case.",
                key="other suspect options",
            )
        recall_runtime(self.case, suspect)
        return suspect

    def log(self, event: str, **details: Any) -> None:
        """Record in the audit log what was done, and by whom."""
        self.case.log(event, details | ({"by": self.by} if self.by else {}))

    def progress_as(self, title: str) -> Progress:
        """The same progress, with this title for every stage."""
        return lambda _stage, done, total: self.progress(title, done, total)

    def ask(
        self, ledger: Ledger, images: npt.NDArray[np.intp], pictures: Pictures, *, stage: str
    ) -> npt.NDArray[np.int32]:
        """The suspect's labels of some images, (n,) int32; the missing ones are queried.

        Args:
            ledger: of one view.
            images: (n,) places in it.
            pictures: (n_images, H, W, C) uint8, all of the ledger's.
            stage: the title for the progress.

        Raises:
            SettingsError: the budget does not allow it; nothing was sent.
            CaseError, SuspectError: the suspect cannot be opened or fails.
        """
        with self._turn:
            if len(ledger.missing(images)):
                ask_about(self.case, self.suspect, ledger, images, pictures, stage=stage, progress=self.progress)
        labels: npt.NDArray[np.int32] = np.array(ledger.answers[images, 0])
        return labels
