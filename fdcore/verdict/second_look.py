"""A second look without what was found: does the rest of the corpus still get consistent answers?

The found leaves, all leaves closer than eta to one of them, and all of the source where most classes were found are
taken away: a network that was trained on photos answers other photos consistently too. The suspect is then compared
with untrained networks on the pictures of each source that remains, from the same answers and the same networks'
outputs. If it is still clearly more consistent on one of them, it knows more than was found: it was trained on more, or
was hardened with a planted back-door (paper section 6.2). Measured when the querying ends (`fdcore.verdict.chance`),
with the settings of that run. What the classes answer there, `groups_left`, follows the settings of the analysis.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fdcore.method.closeness import MAX_KNOWN
from fdcore.method.clustering import Indices
from fdcore.method.findings import Findings
from fdcore.method.removal import Rest, rest_of
from fdcore.method.scores import Scores
from fdcore.method.selection import select
from fdcore.method.weaknesses import share_elsewhere
from fdcore.verdict.background import find_background

STRONG = 1.25  # multiple of the null's highest; clean networks of digits and signs reach 1.03, planted ones 0.5 to 2.4
STANDS_OUT = 2.0  # times a class's share of the other leaves, at least, of an answer in a second domain
MIN_IMAGES = 20  # of a leaf; with fewer, leaves are found by chance
MIN_KINDS = 3  # different things found in a second domain that the comparison alone does not show
N_STRONGEST = 5  # leaves that are named


@dataclass(frozen=True)
class SecondLook:
    """How consistent the answers to the rest of the corpus are.

    Attributes:
        consistency, highest: as in `fdcore.verdict.chance.Chance`, over the leaves that remain.
        n_pictures, n_leaves: pictures that were compared, and their leaves.
        n_removed: compared leaves that are not among them.
        leaves: ids of the leaves with the strongest answers among them, strongest first.
        classes: the classes that these leaves get, in increasing order.
        folder: the corpus folder that all of these leaves are from; "" for those of the hierarchy. None in cases of
            earlier versions, which compared all sources together.
    """

    consistency: float
    highest: float
    n_pictures: int
    n_leaves: int
    n_removed: int
    leaves: tuple[str, ...]
    classes: tuple[int, ...]
    folder: str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.consistency + self.highest):
            raise ValueError("its numbers are impossible")

    @property
    def times(self) -> float:
        """The consistency as a multiple of the null's highest; inf where that is not positive but this is."""
        if self.highest > 0:
            return self.consistency / self.highest
        return math.inf if self.consistency > 0 else 0.0

    @property
    def strong(self) -> bool:
        """Whether the rest is clearly more consistent than in any of the untrained networks."""
        return self.times > STRONG


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
    sources = sources_of(scored.scores)
    names, counts = np.unique(sources[[each.winner.medoid for each in selections if each.winner]], return_counts=True)
    left: Indices = np.setdiff1d(leaves[sources[leaves] != names[counts.argmax()]], pool[near])
    return left


def sources_of(scores: Scores) -> npt.NDArray[np.str_]:
    """The source of each leaf (n_leaves,): its corpus folder, or "" for the hierarchy."""
    return np.array([node.rpartition("/")[0] for node in scores.nodes])


def groups_left(findings: Findings, look: SecondLook | None) -> dict[int, Rest]:
    """What classes are found to be in a second domain, by class; empty without one.

    That is where a second look was strong; or in the hierarchy, if different things are found there, at least
    `MIN_KINDS` and one for ten classes, with `MIN_IMAGES` of most leaves. The leaves that are left are weighed by
    themselves: a second domain may be answered less clearly than the first, so what an answer needs is learned from
    them alone. An answer counts if the lower bound of its L is at least `STANDS_OUT` times the class's share of the
    other leaves there.
    """
    strong = look is not None and look.strong
    folder = (look.folder if look is not None and look.strong else None) or ""
    scored, scores = findings.scored, findings.scored.scores
    left = leaves_left(findings, np.arange(len(scores.nodes)))
    left = left[sources_of(scores)[left] == folder]
    if not len(left):
        return {}
    part = scores.part(left)
    groups = {
        target: rest_of(scored, winner, left, len(scores.nodes) - len(left))
        for each in select(part, np.arange(len(left)), scored.distances(left), findings.settings)
        if (winner := each.winner)
        and winner.low >= STANDS_OUT * share_elsewhere(part, target := each.target_class, winner.members)
    }
    kinds = {rest.name.label for rest in groups.values() if rest.name}
    several = len(kinds) >= max(MIN_KINDS, scores.n_classes / 10) and np.median(part.n_images) >= MIN_IMAGES
    return groups if strong or several else {}


def strongest(scores: Scores, left: Indices) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Ids of the leaves (n,) that stand out most in one class, and these classes.

    A leaf stands out by how much higher it scores than the mean of all these leaves in that class.
    """
    functional: npt.NDArray[np.float32] = scores.functional[:, left]
    above = functional - functional.mean(axis=1, keepdims=True)
    top = np.argsort(-above.max(axis=0), kind="stable")[:N_STRONGEST]
    classes = sorted(set(above.argmax(axis=0)[top].tolist()))
    return tuple(scores.nodes[left[place]] for place in top), tuple(classes)
