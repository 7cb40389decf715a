"""Filtering: which images of a selection represent the class, and why others do not (paper section 4.2, step 4)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED
from fdcore.method.selection import ClassSelection

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class FilteredClass:
    """The images of one class's selection.

    Attributes:
        kept: images whose view 0 the suspect put in the class, most consistent over the other views first.
        consistency: (len(kept),) share of each kept image's answered views put in the class.
        dropped: the others.
        invariance: the share of the kept images' transformed views that stay in the class (transformation invariance,
            paper section 3.2.1); nan where there is none.
        dropped_label: (len(dropped),) the suspect's label of each; -1 where it was never queried.
    """

    target_class: int
    kept: Indices
    consistency: npt.NDArray[np.float32]
    dropped: Indices
    dropped_label: npt.NDArray[np.int32]
    invariance: float = math.nan


def filter_images(
    selections: tuple[ClassSelection, ...], answers: npt.NDArray[np.int32], node_index: npt.NDArray[np.int32]
) -> tuple[FilteredClass, ...]:
    """Keep, for every class, the selected images that the suspect itself puts in the class.

    Args:
        selections: one for each class.
        answers: (n_images, n_views) int32, -1 where not queried; view 0 is the image itself.
        node_index: (n_images,) the leaf of each image.
    """
    return tuple(
        filter_leaves(s.target_class, s.winner.members if s.winner else (), answers, node_index) for s in selections
    )


def filter_leaves(
    target_class: int, members: Sequence[int], answers: npt.NDArray[np.int32], node_index: npt.NDArray[np.int32]
) -> FilteredClass:
    """The same for some leaves of one class, whether they are its answer or not."""
    chosen = np.zeros(node_index.max(initial=-1) + 1, dtype=bool)
    chosen[list(members)] = True
    images = np.flatnonzero(chosen[node_index])
    itself = answers[images, 0]
    in_class = itself == target_class
    kept, dropped = images[in_class], images[~in_class]
    views = answers[kept]
    share = consistency(views, np.full(len(kept), target_class)).astype(np.float32)
    order = np.argsort(-share, kind="stable")
    transformed = views[:, 1:]
    n_transformed = int((transformed != NOT_ASKED).sum())
    return FilteredClass(
        target_class=target_class,
        kept=kept[order],
        consistency=share[order],
        dropped=dropped,
        dropped_label=itself[~in_class].astype(np.int32),
        invariance=float((transformed == target_class).sum() / n_transformed) if n_transformed else math.nan,
    )


def consistency(answers: npt.NDArray[np.int32], classes: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """The share of each image's answered views (n, n_views) that the suspect puts in its class (n,); 0 without any."""
    inside = (answers == classes[:, None]).sum(axis=1)
    share: npt.NDArray[np.float64] = inside / np.maximum((answers != NOT_ASKED).sum(axis=1), 1)
    return share
