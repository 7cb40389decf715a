"""Querying the suspect for what the ledger lacks, in the order of a strategy, within a budget.

While the suspect answers, the next views are drawn by threads of this process, a few batches ahead.
"""

import os
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import Ledger
from fdcore.answers.views import Pictures, make_views
from fdcore.progress import Progress, silent
from fdcore.suspect.suspect import Suspect

MAX_THREADS = 8  # that draw views; each holds a batch of pictures

FLUSH_EVERY_S = 5.0


class Batch(NamedTuple):
    """Queries that are sent together: one view of some images, given by their positions in the ledger.

    Attributes:
        images: (n,) positions.
        view: the view's number.
        next_is_independent: whether the strategy's next batch does not depend on the answers to this one, so that it
            may be drawn before they are there.
    """

    images: npt.NDArray[np.intp]
    view: int
    next_is_independent: bool = False


class Pixels(Protocol):
    """Pictures by their positions in the ledger."""

    def __getitem__(self, images: npt.NDArray[np.intp], /) -> npt.NDArray[np.uint8]:
        """(n, H, W, C) uint8."""
        ...


class Strategy(Protocol):
    """The order of queries.

    Batches are drawn one by one: when one is drawn, the ledger has the answers to all earlier ones, except to those
    directly before it that say that the next one is independent. When the strategy ends, queries that were not sent
    stay NOT_ASKED, and the scores leave them out.
    """

    def __call__(self, ledger: Ledger, batch_size: int) -> Iterator[Batch]:
        """Batches of any size, best `batch_size` images; what is already answered is not sent again."""
        ...


def dense_sweep(ledger: Ledger, batch_size: int) -> Iterator[Batch]:
    """Every view of every image: view 0 of all of them first, then view 1, and so on."""
    for view in range(ledger.header.n_views):
        for images in ledger.pending(view, batch_size):
            yield Batch(images, view, next_is_independent=True)


def ask_suspect(
    suspect: Suspect,
    ledger: Ledger,
    pixels: Pixels,
    *,
    budget: int | None = None,
    strategy: Strategy = dense_sweep,
    n_after: int = 0,
    progress: Progress = silent,
) -> bool:
    """Send the strategy's queries that the ledger has not answered, and record the answers in it.

    Args:
        pixels: (n_images, H, W, C) uint8, may be a memory map, or anything that gives the pictures at some places.
        budget: the most queries that may ever be sent in this ledger; None for no limit.
        n_after: about how many queries the suspect will get for other ledgers afterwards.

    Returns:
        Whether the strategy is finished; False if the budget was exhausted first.
    """
    done = ledger.n_answered
    total = done + n_queries_left(ledger, budget)
    flushed = time.monotonic()
    try:
        with closing(_ahead(_pieces(strategy, ledger, suspect.batch_size), ledger, pixels)) as prepared:
            for images, view, pictures in prepared:
                n_allowed = len(images) if budget is None else max(budget - ledger.n_sent, 0)
                if asked := min(len(images), n_allowed):
                    suspect.expect(total - done + n_after)
                    done += len(ledger.ask(suspect, images[:asked], view, pictures[:asked]))
                    progress("Querying the suspect", done, total)
                if asked < len(images):
                    return False
                if time.monotonic() - flushed > FLUSH_EVERY_S:
                    ledger.flush()
                    flushed = time.monotonic()
    finally:
        ledger.flush()
    return True


class _Piece(NamedTuple):
    """As much of a batch as the suspect takes at once, without what is answered; `Batch` explains the rest."""

    images: npt.NDArray[np.intp]
    view: int
    next_is_independent: bool


def _pieces(strategy: Strategy, ledger: Ledger, size: int) -> Iterator[_Piece]:
    """The strategy's batches in pieces, at least one each."""
    for images, view, next_is_independent in strategy(ledger, size):
        wanted = ledger.missing(images, view)
        starts = range(0, max(1, len(wanted)), size)
        for start in starts:
            yield _Piece(wanted[start : start + size], view, next_is_independent or start != starts[-1])


def _ahead(
    pieces: Iterator[_Piece], ledger: Ledger, pixels: Pixels
) -> Generator[tuple[npt.NDArray[np.intp], int, Pictures]]:
    """The pieces with their pictures, which are drawn in other threads while the caller handles earlier pieces."""
    spec, seed = ledger.header.views, ledger.header.seed

    def draw(images: npt.NDArray[np.intp], view: int) -> Pictures:
        return make_views(pixels[images], ledger.image_ids[images], view=view, seed=seed, spec=spec)

    n_threads = min(MAX_THREADS, max(1, (os.cpu_count() or 1) - 1))
    waiting: deque[tuple[_Piece, Future[Pictures]]] = deque()
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="views")
    try:
        while True:
            while len(waiting) <= n_threads and (not waiting or waiting[-1][0].next_is_independent):
                piece = next(pieces, None)
                if piece is None:
                    break
                waiting.append((piece, pool.submit(draw, piece.images, piece.view)))
            if not waiting:
                return
            piece, pictures = waiting.popleft()
            yield piece.images, piece.view, pictures.result()
    finally:
        pool.shutdown(cancel_futures=True)


def n_queries_left(ledger: Ledger, budget: int | None) -> int:
    """The query cost of a run: the most queries that it would send."""
    missing = ledger.answers.size - ledger.n_answered
    return missing if budget is None else max(0, min(missing, budget - ledger.n_sent))
