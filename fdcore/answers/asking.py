"""Asking: what the ledger does not know yet is sent to the suspect, in a fixed order, within a budget."""

import time

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import Ledger
from fdcore.answers.views import ViewSpec, make_views
from fdcore.progress import Progress, silent
from fdcore.suspect.suspect import Suspect

_FLUSH_EVERY_S = 5.0


def ask_suspect(
    suspect: Suspect,
    ledger: Ledger,
    pixels: npt.NDArray[np.uint8],
    *,
    budget: int | None = None,
    progress: Progress = silent,
) -> bool:
    """Ask the suspect what the ledger does not know yet: view 0 of every image first, then view 1, and so on.

    Args:
        suspect: the black box.
        ledger: where answers go; it says which are missing.
        pixels: (n_images, H, W, C) uint8, may be a memory map.
        budget: the most queries that may ever be sent in this ledger; None for no limit.

    Returns:
        Whether everything is answered; False when the budget ended first.
    """
    spec, seed = ViewSpec(**ledger.header.views), ledger.header.seed
    done, total = ledger.n_answered, ledger.answers.size
    if budget is not None:
        total = min(total, done + max(budget - ledger.n_sent, 0))
    flushed = time.monotonic()
    try:
        for view in range(ledger.header.n_views):
            for images in ledger.pending(view, suspect.batch_size, budget=budget):
                pictures = make_views(pixels[images], ledger.image_ids[images], view=view, seed=seed, spec=spec)
                done += len(ledger.ask(suspect, images, view, pictures))
                progress("Asking the suspect", done, total)
                if time.monotonic() - flushed > _FLUSH_EVERY_S:
                    ledger.flush()
                    flushed = time.monotonic()
    finally:
        ledger.flush()
    return ledger.n_answered == ledger.answers.size


def n_queries_left(ledger: Ledger, budget: int | None) -> int:
    """How many queries a run would send: the cost, told beforehand."""
    missing = ledger.answers.size - ledger.n_answered
    return missing if budget is None else max(0, min(missing, budget - ledger.n_sent))
