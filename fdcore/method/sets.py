"""The corpus's sets side by side: which of the folders hung below a node does the suspect answer most clearly?

A set without a hierarchy of its own has no closeness, so only its functional scores speak. The paper compares a set of
flowers (.36) with one of leaves (.83) in this way (section 5.5, second example).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED
from fdcore.method.findings import Scored

HIERARCHY = "hierarchy"  # the set of all leaves that are nodes of the hierarchy themselves


@dataclass(frozen=True)
class SetScores:
    """How the suspect answers one set.

    Attributes:
        name: the folder's name; untrusted text.
        leaves: indices of its leaves.
        n_images: those that were queried.
        agreement: the mean over its leaves of the share of views in the leaf's own class, which the other half of its
            images chose: near 1 where every leaf is one class to the suspect, 1 / n_classes where answers are blind.
        best: (n_classes,) the leaf that one half of its images put most in each class.
        score: (n_classes,) that leaf's functional score on the other half.
        low, high: (n_classes,) its 95 % interval.
    """

    name: str
    leaves: npt.NDArray[np.intp]
    n_images: int
    agreement: float
    best: npt.NDArray[np.intp]
    score: npt.NDArray[np.float32]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def compare_sets(scored: Scored) -> tuple[SetScores, ...]:
    """Each set of the corpus that was queried, the clearest first."""
    names = sets_of(scored.scores.nodes)
    asked = scored.scores.n_queries > 0
    sets = (_score(scored, name, np.flatnonzero((names == name) & asked)) for name in np.unique(names[asked]).tolist())
    return tuple(sorted(sets, key=lambda one: (-one.agreement, one.name)))


def sets_of(nodes: Sequence[str]) -> npt.NDArray[np.str_]:
    """The set that each leaf (n_leaves,) belongs to, by its id: without a hierarchy, its folder's name and a slash."""
    return np.array([node.partition("/")[0] if "/" in node else HIERARCHY for node in nodes])


def best_pictures(scored: Scored, one: SetScores, target_class: int, n: int = 4) -> npt.NDArray[np.intp]:
    """The set's pictures with the most views in a class, as the paper's figure 5; fewer where fewer have any."""
    images = np.flatnonzero(np.isin(scored.images.node_index, one.leaves))
    answers = scored.answers[images]
    n_hits, n_views = (answers == target_class).sum(axis=1), (answers != NOT_ASKED).sum(axis=1)
    order = np.lexsort((images, -n_hits / np.maximum(n_views, 1)))
    best: npt.NDArray[np.intp] = images[order[: min(n, int((n_hits > 0).sum()))]]
    return best


def _score(scored: Scored, name: str, leaves: npt.NDArray[np.intp]) -> SetScores:
    part = scored.scores.part(leaves)
    halves = part.split(held_out=True)
    every, classes = np.arange(len(leaves)), np.arange(part.n_classes)
    own = halves.choosing.functional.argmax(axis=0)
    stated = halves.stating.n_queries > 0  # a leaf of a single image states nothing
    agreement = float(halves.stating.functional[own, every][stated].mean()) if stated.any() else 0.0
    best = halves.choosing.functional.argmax(axis=1)
    bounds = [halves.stating.interval_of(number, [leaf]) for number, leaf in zip(classes, best, strict=True)]
    low, high = np.array(bounds).T
    return SetScores(name, leaves, int(part.n_images.sum()), agreement, leaves[best],
                     halves.stating.functional[classes, best], low, high)  # fmt: skip
