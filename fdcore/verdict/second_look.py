"""A second look without what was found: does the rest of the corpus still get consistent answers?

The found leaves, all leaves closer than eta to one of them, and all of the source where most classes were found are
taken away: a network that was trained on photos answers other photos consistently too. The suspect is then compared
with untrained networks on the pictures that remain, from the same answers and the same networks' outputs. If it is
still clearly more consistent, it knows more than was found: it was trained on more, or has a planted back-door (paper
section 6.2). Measured when the querying ends (`fdcore.verdict.chance`), with the settings of that run.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fdcore.method.closeness import MAX_KNOWN
from fdcore.method.clustering import Indices
from fdcore.method.findings import Findings
from fdcore.method.scores import Scores
from fdcore.verdict.background import find_background

STRONG = 1.25  # multiple of the null's highest; a clean digit network reaches 1.07, one with a back-door 1.58
N_STRONGEST = 5  # leaves that are named


@dataclass(frozen=True)
class SecondLook:
    """How consistent the answers to the rest of the corpus are.

    Attributes:
        consistency, highest: as in `fdcore.verdict.chance.Chance`, over the leaves that remain.
        n_pictures, n_leaves: pictures that were compared, and their leaves.
        n_removed: compared leaves that were taken away.
        leaves: ids of the leaves with the strongest answers among them, strongest first.
        classes: the classes that these leaves get, in increasing order.
    """

    consistency: float
    highest: float
    n_pictures: int
    n_leaves: int
    n_removed: int
    leaves: tuple[str, ...]
    classes: tuple[int, ...]

    def __post_init__(self) -> None:
        if not math.isfinite(self.consistency + self.highest):
            raise ValueError("its numbers are impossible")

    @property
    def strong(self) -> bool:
        """Whether the rest is clearly more consistent than in any of the untrained networks."""
        return self.consistency > STRONG * max(self.highest, 0.0)


def leaves_left(findings: Findings, leaves: Indices) -> Indices:
    """Those of the leaves (n,) that are neither found nor closer than eta to a found leaf, in other sources.

    The source where most classes were found is left out; a source is a corpus folder without a hierarchy, or the
    hierarchy. What a background class is found to be does not count. None are left if nothing was found, or where too
    many leaves are concerned for their distances to be known.
    """
    scored, background = findings.scored, find_background(findings.scored.scores)
    aside = background.target_class if background else None
    selections = [each.selection for each in findings.classes if each.selection.target_class != aside]
    found = np.unique([leaf for each in selections if each.winner for leaf in each.winner.members]).astype(np.intp)
    pool = np.union1d(leaves, found)
    if not len(found) or len(pool) > MAX_KNOWN:
        return leaves[:0]
    own = np.isin(pool, found)
    near = own | (scored.distances(pool)[own] < findings.settings.eta).any(axis=0)
    sources = np.array([node.rpartition("/")[0] for node in scored.scores.nodes])
    names, counts = np.unique(sources[[each.winner.medoid for each in selections if each.winner]], return_counts=True)
    left: Indices = np.setdiff1d(leaves[sources[leaves] != names[counts.argmax()]], pool[near])
    return left


def strongest(scores: Scores, left: Indices) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Ids of the leaves (n,) that stand out most in one class, and these classes.

    A leaf stands out by how much higher it scores than the mean of all these leaves in that class.
    """
    functional: npt.NDArray[np.float32] = scores.functional[:, left]
    above = functional - functional.mean(axis=1, keepdims=True)
    top = np.argsort(-above.max(axis=0), kind="stable")[:N_STRONGEST]
    classes = sorted(set(above.argmax(axis=0)[top].tolist()))
    return tuple(scores.nodes[left[place]] for place in top), tuple(classes)
