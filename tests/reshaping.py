"""Processes that reshape a ledger over and over, and that read it meanwhile."""

import time
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import forked
import numpy as np

from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.errors import FdError
from fdcore.suspect.preprocess import PreprocessSpec

IDS = np.arange(1, 31).astype(np.uint64)
HEADER = LedgerHeader("f" * 64, 3, PreprocessSpec(), "corpus", 0, ViewSpec(), len(IDS), 2)


def answered(folder: Path) -> Ledger:
    """A ledger with every answer of its two views, that can be given more of them."""
    ledger = Ledger.open_or_create(folder, HEADER, IDS)
    ledger.answers[:] = np.arange(ledger.answers.size).reshape(ledger.answers.shape) % 3
    ledger.flush()
    return ledger


def is_whole(ledger: Ledger) -> bool:
    """Whether every answer that was recorded is there."""
    return np.array_equal(ledger.answers[:, :2].ravel(), np.arange(2 * len(IDS)) % 3) and ledger.n_answered == 60


def write(folder: Path, seconds: float, told: Connection) -> None:
    """Give the ledger one view more, again and again."""
    _repeat(lambda number: Ledger.open_or_create(folder, replace(HEADER, n_views=3 + number), IDS), seconds, told)


def read(folder: Path, seconds: float, told: Connection) -> None:
    """Open the ledger again and again."""
    _repeat(lambda _: Ledger.open(folder), seconds, told)


def _repeat(open_it, seconds: float, told: Connection) -> None:
    told.send("begun")
    end, n_done, failures = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        try:
            if not is_whole(open_it(n_done)):
                failures.append("answers are missing")
        except (FdError, OSError) as error:
            failures.append(repr(error))
        n_done += 1
    told.send((n_done, failures))


def start(what, folder: Path, seconds: float) -> tuple[ForkServerProcess, Connection]:
    """Start one of the two; it runs once this returns."""
    here, there = forked.SERVER.Pipe(duplex=False)
    process = forked.process(what, (folder, seconds, there))
    process.start()
    there.close()
    assert here.recv() == "begun"
    return process, here
