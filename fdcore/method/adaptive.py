"""Fewer queries: which image is sent next, given the answers so far. A `Strategy` for `fdcore.answers.asking`.

1. *Exploring.* A few images of every leaf, then rounds over different images of the leaves that are still open: those
   with a class that may be an answer there, and is neither above tau nor below (`fdcore.method.betting`). Next is the
   leaf with the smallest |p - tau| sqrt(n) (APT, Locatelli, Gutzeit and Carpentier 2016, "An optimal algorithm for the
   thresholding bandit problem"); a tenth of each round goes to siblings, in the hierarchy, of leaves that answer.
2. *Levelling.* The candidates are compared with each other, so they get the same number of images.
3. *Stating.* A leaf whose asking ended because it looked good looks better than it is. So 1 and 2 use one half of each
   leaf's images only, that which chooses (`fdcore.method.scores`); then the leaves of each class's answer get a fixed
   number of images of the other half, and L is stated on these.

Every step is a function of the ledger's header and the answers asked for in earlier steps. A killed run goes through
the same steps again, finds their answers in the ledger and continues where it stopped.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fdcore.answers.asking import Batch
from fdcore.answers.ledger import NOT_ASKED, Ledger
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import SettingsError
from fdcore.method.betting import Bets, Flags, Floats, Judged, Places
from fdcore.method.closeness import MAX_KNOWN, distances
from fdcore.method.clustering import Matrix
from fdcore.method.scores import Scores, score_leaves, stating_half, wilson_interval
from fdcore.method.selection import WINNER_TIMES, Cluster, SelectionSettings, candidate_leaves, select

FIRST = 4  # images of each leaf's choosing half before anything is decided
FIRST_STATING = 2  # and of its stating half: what share of a class's answers the answer holds rests on all leaves
STEP = 5  # images of a leaf that are sent at once
MIN_ROUND = 32  # queries
ROUNDS = 4  # a round holds at most this part of the leaves, unless that is less than `MIN_ROUND`
SIBLINGS = 0.1  # the part of a round
LEADERS = 12  # images of the leaf that leads in a class, by which the class's other leaves are measured
CHASED = 0.84  # a leaf is not chased for a class whose limit lies this many standard errors above its score
LEAST = 10  # images of the stating half
EXPLORED, LEVELLED = 0.55, 0.75  # the parts of what is left of a budget that exploring may spend, and levelling with it


@dataclass(frozen=True)
class Adaptive:
    """How queries are saved.

    Attributes:
        error: of the statements that a leaf is above tau, the expected share that are wrong; and the probability that a
            leaf that reaches tau is stated to be below it. In (0, 1).
        most: images of a leaf after which "near tau" is accepted.
        common: images that each candidate gets of the choosing half, and each leaf of an answer of the stating half.
        selection: tau, and how answers will be weighed.
    """

    error: float = 0.05
    most: int = 25
    common: int = 25
    selection: SelectionSettings = field(default_factory=SelectionSettings)

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("error", 0 < self.error < 1, "between 0 and 1"),
            ("most", self.most >= 1, "at least 1"),
            ("common", self.common >= 1, "at least 1"),
        ):
            if not good:
                raise SettingsError(f"{name} must be {wanted}, not {getattr(self, name)}.", key=f"{name} range")


@dataclass(frozen=True)
class Outcome:
    """What adaptive asking decided.

    Attributes:
        error: the error level of what is said to be above or below tau.
        finished: whether it ended by itself, before its budget did.
        n_planned: queries.
        n_above: pairs of a class and a leaf stated to be above tau.
        n_below: pairs stated to be below.
        near: (class, leaf) of the pairs that may still be an answer and are too near tau to tell.
    """

    error: float
    finished: bool
    n_planned: int
    n_above: int
    n_below: int
    near: tuple[tuple[int, int], ...]


class AdaptiveSweep:
    """The strategy for one suspect and one store of images.

    Attributes:
        outcome: what was decided; None until the last batch was answered.
    """

    def __init__(
        self,
        plan: Adaptive,
        node_index: npt.NDArray[np.int32],
        nodes: Sequence[str],
        hierarchy: Hierarchy,
        budget: int | None = None,
    ) -> None:
        """Take what does not depend on answers.

        Args:
            plan: how queries are saved.
            node_index: (n_images,) the leaf of each image.
            nodes: (n_leaves,) node ids.
            hierarchy: of these nodes.
            budget: the most queries; None for as many as needed.
        """
        self._plan, self._node_index, self._nodes = plan, node_index, tuple(nodes)
        self._hierarchy, self._budget = hierarchy, budget
        self._siblings = _siblings(hierarchy, self._nodes)
        self.outcome: Outcome | None = None

    def __call__(self, ledger: Ledger, batch_size: int) -> Iterator[Batch]:
        """Batches in order; a batch is drawn once all earlier ones are answered."""
        run = _Run(self._plan, self._node_index, self._nodes, self._distances, self._siblings, self._budget,
                   ledger, batch_size)  # fmt: skip
        yield from run.batches()
        self.outcome = run.outcome()

    def replay(self, ledger: Ledger) -> Outcome | None:
        """What a ledger's answers decide, without any query; None where some are missing."""
        for batch in self(ledger, len(ledger.answers)):
            if len(ledger.missing(batch.images, batch.view)):
                return None
        return self.outcome

    def _distances(self, leaves: Places) -> Matrix:
        """The distances (n, n) among some leaves, in steps."""
        if len(self._nodes) > MAX_KNOWN:
            return distances(self._hierarchy, [self._nodes[leaf] for leaf in leaves])
        among: Matrix = self._all_distances[np.ix_(leaves, leaves)]
        return among

    @cached_property
    def _all_distances(self) -> Matrix:
        return distances(self._hierarchy, self._nodes)


class _Half:
    """The images of one half of each leaf, in the order in which they are sent."""

    def __init__(self, images: Places, node_index: npt.NDArray[np.int32], n_leaves: int) -> None:
        self._images = images
        self.n_images = np.bincount(node_index[images], minlength=n_leaves)
        self._start = np.cumsum(self.n_images) - self.n_images
        self.n_sent = np.zeros(n_leaves, np.int64)

    def take(self, leaves: Places) -> Places:
        """The next image of each of some leaves, which have one."""
        images = self._images[self._start[leaves] + self.n_sent[leaves]]
        self.n_sent[leaves] += 1
        return images

    def lacking(self, leaves: Places, n_images: int) -> Places:
        """Those of the leaves that have an unsent image and fewer sent ones than `n_images`."""
        return leaves[self.n_sent[leaves] < np.minimum(self.n_images[leaves], n_images)]


class _Run:
    """One pass of the strategy over a ledger."""

    def __init__(
        self,
        plan: Adaptive,
        node_index: npt.NDArray[np.int32],
        nodes: tuple[str, ...],
        apart: Callable[[Places], Matrix],
        siblings: tuple[Places, Places],
        budget: int | None,
        ledger: Ledger,
        batch_size: int,
    ) -> None:
        self._plan, self._node_index, self._nodes, self._apart = plan, node_index, nodes, apart
        self._siblings, self._budget, self._ledger, self._batch_size = siblings, budget, ledger, batch_size
        states = stating_half(node_index, ledger.image_ids)
        # Ids come from the images' content, so their order is a random one, which nobody chose.
        order = np.lexsort((ledger.image_ids, node_index))
        self._choosing, self._stating = (
            _Half(order[half[order]], node_index, len(nodes)) for half in (~states, states)
        )
        self._known = np.full(ledger.answers.shape, NOT_ASKED, np.int32)
        # The choosing half is itself a random part of the leaf's images, so its draws are draws from all of them.
        n_images = np.bincount(node_index, minlength=len(nodes))
        self._bets = Bets(n_images, ledger.header.n_classes, plan.selection.tau)
        self._n_planned = 0
        self._cut = False  # whether a step of this pass needed more than the budget leaves it

    def batches(self) -> Iterator[Batch]:
        yield from self._begin()
        while True:  # what stating leaves of the budget is spent in a further pass
            before, left, self._cut = self._n_planned, self._left(), False
            yield from self._explore(before + EXPLORED * left)
            yield from self._level(before + LEVELLED * left)
            yield from self._state(before + left)
            if not self._cut or before == self._n_planned:
                return

    def outcome(self) -> Outcome:
        judged = self._bets.judge(self._plan.error)
        n_below = int(judged.below.sum() + self._bets.n_rest[judged.rest_below].sum())
        pairs, _ = self._open(judged)
        near = tuple(zip(self._bets.target[pairs].tolist(), self._bets.leaf[pairs].tolist(), strict=True))
        return Outcome(self._plan.error, not self._cut, self._n_planned, int(judged.above.sum()), n_below, near)

    # The steps, each within a limit to all queries

    def _begin(self) -> Iterator[Batch]:
        """A few images of every leaf; fewer where the budget is small."""
        every, left = np.arange(len(self._nodes)), self._left()
        if self._within(len(every), left):
            yield from self._draw(every, 1, FIRST)
        for n in range(1, FIRST_STATING + 1):
            if self._within(len(every), LEVELLED * left):
                yield from self._send(self._stating.take(self._stating.lacking(every, n)), 1)
        times = FIRST - 1 if self._within((FIRST - 1) * len(every), EXPLORED * left) else 1
        if self._within(times * len(every), LEVELLED * left):
            yield from self._draw(every, times, FIRST)

    def _explore(self, limit: float) -> Iterator[Batch]:
        size, most = max(MIN_ROUND, len(self._nodes) // ROUNDS), self._plan.most
        while len(leaves := self._next(size)):
            times = max(1, min(STEP, size // len(leaves)))
            if not self._within(times * len(leaves), limit):
                return
            yield from self._draw(leaves, times, most)

    def _level(self, limit: float) -> Iterator[Batch]:
        """Bring the leaves of the first two clusters of every class to the same number of images.

        Others may come first meanwhile.
        """
        common = self._plan.common
        while len(leaves := self._choosing.lacking(self._clusters(2), common)):
            if not self._within(STEP * len(leaves), limit):
                return
            yield from self._draw(leaves, STEP, common)

    def _state(self, limit: float) -> Iterator[Batch]:
        """Bring the leaves of each class's answer to the same number of images of the half that chose nothing.

        The number follows from the half that chose. Which cluster comes first depends on how many images were answered,
        not on these answers, so it is looked up again until all of its leaves are there.
        """
        n_views = self._ledger.header.n_views
        goal = np.zeros(len(self._nodes), np.int64)
        while True:
            np.maximum(goal, self._goal(), out=goal)
            most = int(goal.max())
            while most and not self._within(int(self._missing(goal, most).sum()) * n_views, limit):
                most -= 1
            missing = self._missing(goal, most)
            if not missing.any():
                return
            waves = [self._stating.take(np.flatnonzero(missing > wave)) for wave in range(int(missing.max()))]
            yield from self._send(np.concatenate(waves), n_views)

    # Parts of the steps

    def _left(self) -> float:
        """What is left of the budget; inf without one."""
        return math.inf if self._budget is None else self._budget - self._n_planned

    def _within(self, n_queries: int, limit: float) -> bool:
        """Whether this many further queries stay within a limit to all; where not, the pass is cut short."""
        self._cut |= self._n_planned + n_queries > limit
        return self._n_planned + n_queries <= limit

    def _missing(self, goal: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
        """(n_leaves,) images of the stating half still to be sent to reach a goal, and at most `most`."""
        wanted = np.minimum(np.minimum(self._stating.n_images, goal), most)
        missing: npt.NDArray[np.int64] = np.maximum(wanted - self._stating.n_sent, 0)
        return missing

    def _goal(self) -> npt.NDArray[np.int64]:
        """(n_leaves,) how many images of the stating half the leaves of each class's answer need; 0 for all others."""
        goal = np.zeros(len(self._nodes), np.int64)
        for cluster, low in self._firsts(1):
            p = min(max(low, 0.5), cluster.apparent)  # of what its score may be, that which needs most images
            n = max(LEAST, round(self._plan.common * min(1, 4 * p * (1 - p))))
            leaves = list(cluster.members)
            goal[leaves] = np.maximum(goal[leaves], n)
        return goal

    def _draw(self, leaves: Places, times: int, most: int) -> Iterator[Batch]:
        """Send the next images of some leaves, up to `most` of each, and bet on the answers."""
        waves = []
        for _ in range(times):
            lacking = self._choosing.lacking(leaves, most)
            waves.append((lacking, self._choosing.take(lacking)))
        yield from self._send(np.concatenate([images for _, images in waves]), 1)
        for lacking, images in waves:
            self._bets.draw(lacking, self._known[images])

    def _send(self, images: Places, n_views: int) -> Iterator[Batch]:
        for view in range(n_views):
            for start in range(0, len(images), self._batch_size):
                end = start + self._batch_size
                yield Batch(images[start:end], view, next_is_independent=end < len(images))
            self._known[images, view] = self._ledger.answers[images, view]
        self._n_planned += len(images) * n_views

    def _next(self, size: int) -> Places:
        """The leaves of the next round."""
        judged = self._bets.judge(self._plan.error)
        pairs, rest = self._open(judged)
        bets, tau = self._bets, self._plan.selection.tau
        index = np.where(rest, tau, np.inf)
        np.minimum.at(index, bets.leaf[pairs], np.abs(bets.total[pairs] / bets.n_drawn[bets.leaf[pairs]] - tau))
        index *= np.sqrt(bets.n_drawn)
        leaders = self._leaders()
        index[leaders[bets.n_drawn[leaders] < LEADERS]] = 0.0
        index[self._choosing.n_sent >= np.minimum(self._choosing.n_images, self._plan.most)] = np.inf
        order = np.argsort(index, kind="stable")
        order = order[np.isfinite(index[order])]
        n_siblings = int(size * SIBLINGS)
        first, others = order[: size - n_siblings], order[size - n_siblings :]
        near = np.zeros(len(self._nodes), bool)
        parents, leaves = self._siblings
        answering = np.isin(leaves, bets.leaf[judged.above])
        near[leaves[np.isin(parents, parents[answering])]] = True
        return np.concatenate([first, np.concatenate([others[near[others]], others[~near[others]]])[:n_siblings]])

    def _leaders(self) -> Places:
        """The leaf that leads in each class: the highest lower bound."""
        bets = self._bets
        low, _ = wilson_interval(bets.total, bets.n_drawn[bets.leaf])
        order = np.lexsort((-low, bets.target))
        _, first = np.unique(bets.target[order], return_index=True)
        leaders: Places = np.unique(bets.leaf[order[first]])
        return leaders

    def _open(self, judged: Judged) -> tuple[Flags, Flags]:
        """Which pairs may be an answer and are undecided; and at which leaves the classes that never came may."""
        bets, settings = self._bets, self._plan.selection
        low = 1 - _upper(bets.n_drawn[bets.leaf] - bets.total, bets.n_drawn[bets.leaf])
        best: Floats = np.zeros(bets.n_classes)
        np.maximum.at(best, bets.target, low)
        limit = np.maximum(WINNER_TIMES * settings.relative * best, settings.tau)
        high = _upper(bets.total, bets.n_drawn[bets.leaf])
        pairs = ~judged.above & ~judged.below & (high >= limit[bets.target])
        rest = ~judged.rest_below & (bets.n_rest > 0) & (_upper(0 * bets.n_drawn, bets.n_drawn) >= limit.min())
        return pairs, rest

    def _scores(self) -> Scores:
        header, ids = self._ledger.header, self._ledger.image_ids
        return score_leaves(self._known, self._node_index, self._nodes, header.n_classes, ids)

    def _clusters(self, n_first: int) -> Places:
        """The leaves of each class's first clusters, as chosen so far."""
        members = [np.array(cluster.members, np.intp) for cluster, _ in self._firsts(n_first)]
        leaves: Places = np.unique(np.concatenate([np.empty(0, np.intp), *members]))
        return leaves

    def _firsts(self, n_first: int) -> list[tuple[Cluster, float]]:
        """Each class's first clusters, as chosen so far, and the lower bound of their apparent scores."""
        scores, settings = self._scores(), self._plan.selection
        leaves = candidate_leaves(scores, settings)
        choosing = scores.split(held_out=True).choosing
        return [
            (cluster, choosing.interval_of(found.target_class, cluster.members)[0])
            for found in select(scores, leaves, self._apart(leaves), settings)
            for cluster in found.clusters[:n_first]
        ]


def _siblings(hierarchy: Hierarchy, nodes: Sequence[str]) -> tuple[Places, Places]:
    """Each leaf with each of its parents: (n,) positions of parents in the hierarchy, and (n,) leaves."""
    links = [(hierarchy.index(parent), leaf) for leaf, node in enumerate(nodes) for parent in hierarchy.parents(node)]
    table = np.array(links, np.intp).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _upper(hits: Floats, trials: Floats) -> Floats:
    """The upper bound of a proportion by Wilson's interval, `CHASED` standard errors wide."""
    n, z = np.maximum(trials, 1e-12), CHASED
    p = hits / n
    upper: Floats = (p + z**2 / (2 * n) + z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))) / (1 + z**2 / n)
    return np.where(trials > 0, upper, 1.0)
