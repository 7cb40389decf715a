"""Which normalisation a suspect was trained with, judged by its answers alone.

A network that is fed values in another range than it was trained on answers with few classes, over and over. So of
several normalisations, the one under which natural pictures are spread most evenly over the classes is likeliest.
This needs no labels and no soft outputs; it is a hint for the analyst, who decides.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fdcore.suspect.suspect import Labels, Pictures, Suspect

CANDIDATES = ("unit", "imagenet", "signed", "bytes")


class Spread(NamedTuple):
    """How evenly one normalisation spreads pictures over classes: entropy in nats, and how many classes are used."""

    preset: str
    entropy: float
    n_used: int


def rank_presets(
    open_with: Callable[[str], Suspect], pictures: Pictures, *, presets: Sequence[str] = CANDIDATES
) -> tuple[Spread, ...]:
    """Compare normalisations, the likeliest first.

    Args:
        open_with: opens the suspect with a named preset, as `open_suspect(path, preset=...)` does.
        pictures: (N, H, W, C) uint8 natural pictures at the suspect's input size, some hundreds of many kinds. Each is
            asked once for every preset.
        presets: the names to compare.
    """
    spreads = [_spread(preset, open_with(preset).labels(pictures)) for preset in presets]
    return tuple(sorted(spreads, key=lambda spread: -spread.entropy))


def _spread(preset: str, labels: Labels) -> Spread:
    _, counts = np.unique(labels, return_counts=True)
    shares = counts / counts.sum()
    return Spread(preset, float(-(shares * np.log(shares)).sum()), len(counts))
