"""Querying the suspect for what the ledger lacks, in the order of a strategy, within a budget."""

import time
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import Ledger
from fdcore.answers.views import make_views
from fdcore.progress import Progress, silent
from fdcore.suspect.suspect import Suspect

_FLUSH_EVERY_S = 5.0


class Batch(NamedTuple):
    """Queries that are sent together: one view of some images, given by their positions in the ledger."""

    images: npt.NDArray[np.intp]
    view: int


class Pixels(Protocol):
    """Pictures by their positions in the ledger."""

    def __getitem__(self, images: npt.NDArray[np.intp], /) -> npt.NDArray[np.uint8]:
        """(n, H, W, C) uint8."""
        ...


class Strategy(Protocol):
    """The order of queries.

    Batches are drawn one by one: when one is drawn, the ledger has the answers to all earlier ones. When the strategy
    ends, queries that were not sent stay NOT_ASKED, and the scores leave them out.
    """

    def __call__(self, ledger: Ledger, batch_size: int) -> Iterator[Batch]:
        """Batches of any size, best `batch_size` images; what is already answered is not sent again."""
        ...


def dense_sweep(ledger: Ledger, batch_size: int) -> Iterator[Batch]:
    """Every view of every image: view 0 of all of them first, then view 1, and so on."""
    for view in range(ledger.header.n_views):
        for images in ledger.pending(view, batch_size):
            yield Batch(images, view)


def ask_suspect(
    suspect: Suspect,
    ledger: Ledger,
    pixels: Pixels,
    *,
    budget: int | None = None,
    strategy: Strategy = dense_sweep,
    progress: Progress = silent,
) -> bool:
    """Send the strategy's queries that the ledger has not answered, and record the answers in it.

    Args:
        pixels: (n_images, H, W, C) uint8, may be a memory map, or anything that gives the pictures at some places.
        budget: the most queries that may ever be sent in this ledger; None for no limit.

    Returns:
        Whether the strategy is finished; False if the budget was exhausted first.
    """
    spec, seed = ledger.header.views, ledger.header.seed
    done = ledger.n_answered
    total = done + n_queries_left(ledger, budget)
    flushed = time.monotonic()
    try:
        for images, view in strategy(ledger, suspect.batch_size):
            wanted = ledger.missing(images, view)
            asked = wanted if budget is None else wanted[: max(budget - ledger.n_sent, 0)]
            if len(asked):
                pictures = make_views(pixels[asked], ledger.image_ids[asked], view=view, seed=seed, spec=spec)
                done += len(ledger.ask(suspect, asked, view, pictures))
                progress("Querying the suspect", done, total)
            if len(asked) < len(wanted):
                return False
            if time.monotonic() - flushed > _FLUSH_EVERY_S:
                ledger.flush()
                flushed = time.monotonic()
    finally:
        ledger.flush()
    return True


def n_queries_left(ledger: Ledger, budget: int | None) -> int:
    """The query cost of a run: the most queries that it would send."""
    missing = ledger.answers.size - ledger.n_answered
    return missing if budget is None else max(0, min(missing, budget - ledger.n_sent))
