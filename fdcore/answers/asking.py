"""Asking: what the ledger does not know yet is sent to the suspect, in a strategy's order, within a budget."""

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
    """What is asked at once: one view of some images, given by their places in the ledger."""

    images: npt.NDArray[np.intp]
    view: int


class Strategy(Protocol):
    """What is asked next.

    Batches are drawn one by one: when the next is drawn, the ledger holds the answers to all before it. A strategy
    that ends wants no more; answers it did without stay NOT_ASKED, and the scores do without them.
    """

    def __call__(self, ledger: Ledger, batch_size: int) -> Iterator[Batch]:
        """The batches, each of as many images as are asked at once; what is answered already is not sent."""
        ...


def dense_sweep(ledger: Ledger, batch_size: int) -> Iterator[Batch]:
    """Every view of every image: view 0 of all of them first, then view 1, and so on."""
    for view in range(ledger.header.n_views):
        for images in ledger.pending(view, batch_size):
            yield Batch(images, view)


def ask_suspect(
    suspect: Suspect,
    ledger: Ledger,
    pixels: npt.NDArray[np.uint8],
    *,
    budget: int | None = None,
    strategy: Strategy = dense_sweep,
    progress: Progress = silent,
) -> bool:
    """Ask the suspect what the ledger does not know yet and the strategy wants to know.

    Args:
        suspect: the black box.
        ledger: where answers go; it says which are missing.
        pixels: (n_images, H, W, C) uint8, may be a memory map.
        budget: the most queries that may ever be sent in this ledger; None for no limit.
        strategy: what is asked next.

    Returns:
        Whether the strategy wants no more; False when the budget ended first.
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
                progress("Asking the suspect", done, total)
            if len(asked) < len(wanted):
                return False
            if time.monotonic() - flushed > _FLUSH_EVERY_S:
                ledger.flush()
                flushed = time.monotonic()
    finally:
        ledger.flush()
    return True


def n_queries_left(ledger: Ledger, budget: int | None) -> int:
    """How many queries a run would send at most: the cost, told beforehand."""
    missing = ledger.answers.size - ledger.n_answered
    return missing if budget is None else max(0, min(missing, budget - ledger.n_sent))
