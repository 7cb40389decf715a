"""Stability: how a class's answer changes with eta and alpha, so that an analyst sees whether it is close to a change.

Each point of the map is what `selection.select` would answer there. The medoids depend on k alone, the order of the
merges on the medoids, and a group's L and S on its leaves, so only the few distinct partitions are measured, and each
alpha costs one multiplication. Nothing here queries the suspect.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError
from fdcore.method.clustering import Indices, KnownDistances, Matrix, MergeTree, medoids_of
from fdcore.method.scores import Scores
from fdcore.method.selection import (
    ClassSelection,
    Cluster,
    SelectionSettings,
    Shares,
    candidates,
    exclusive_leaf,
    lacking_of,
    least_to_win,
    limits_of,
    objectives,
    outscoring,
    weigh_groups,
)

DEFAULT_ETAS = tuple(step / 2 for step in range(41))  # 0 to 20 steps in the hierarchy
DEFAULT_ALPHAS = tuple(step / 20 for step in range(1, 21))  # 0.05 to 1
NEAR_ETA, NEAR_ALPHA = 2.0, 0.15  # the largest small change
FIRM = 0.7  # share of the neighbouring settings that must agree for an answer to count as firm

_MAX_POINTS = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Winner:
    """A cluster that wins somewhere on the map.

    Attributes:
        medoid: the member nearest to all others, an index of a leaf.
        members: indices of leaves, best score first.
        functional: L.
        semantic: S.
        share: of the map's points at which it wins.
    """

    medoid: int
    members: tuple[int, ...]
    functional: float
    semantic: float
    share: float


@dataclass(frozen=True)
class StabilityMap:
    """Which cluster of one class wins at each eta and alpha.

    Attributes:
        etas: (n_eta,) float64, increasing, in steps.
        alphas: (n_alpha,) float64, increasing.
        winner: (n_eta, n_alpha) int16, index into `winners`; -1 where nothing is found.
        winners: the largest share first; empty when nothing is found anywhere.
    """

    target_class: int
    etas: Shares
    alphas: Shares
    winner: npt.NDArray[np.int16]
    winners: tuple[Winner, ...]

    def at(self, eta: float, alpha: float) -> Winner | None:
        """The winner at the map's point nearest to eta and alpha; None for "not found"."""
        return self.winner_of(self.winner[self.nearest(eta, alpha)])

    def winner_of(self, number: int | np.integer[Any]) -> Winner | None:
        """The winner that a number of the map stands for; None for "not found"."""
        return self.winners[int(number)] if number >= 0 else None

    def nearest(self, eta: float, alpha: float) -> tuple[int, int]:
        """The row and column of the map's point nearest to eta and alpha."""
        return int(np.abs(self.etas - eta).argmin()), int(np.abs(self.alphas - alpha).argmin())


@dataclass(frozen=True)
class Flip:
    """The nearest point along one axis at which another cluster wins.

    Attributes:
        axis: "eta" or "alpha".
        value: where the other cluster first wins.
        n_points: the number of the map's points from the start up to and including this one.
        winner: the other cluster; None where nothing is found there.
    """

    axis: str
    value: float
    n_points: int
    winner: Winner | None


def map_stability(
    scores: Scores,
    leaves: Indices,
    distances: Matrix,
    settings: SelectionSettings,
    target_class: int,
    *,
    etas: Sequence[float] = DEFAULT_ETAS,
    alphas: Sequence[float] = DEFAULT_ALPHAS,
) -> StabilityMap:
    """Map one class's winner over eta and alpha, with everything else as in the settings.

    Args:
        scores: functional scores of every class and leaf.
        leaves: (n,) increasing indices of the leaves whose distances are known, at least the class's candidates.
        distances: (n, n) steps in the hierarchy among them; inf where unrelated.
        settings: its eta and alpha are ignored.
        target_class: the class's number.
        etas: the map's rows, increasing.
        alphas: the map's columns, increasing.

    Raises:
        SettingsError: eta or alpha is out of range or not increasing, or distances are missing.
    """
    _check_grid(etas, alphas)
    rows, columns = np.array(etas, np.float64), np.array(alphas, np.float64)
    split = scores.split(settings.held_out)
    other = exclusive_leaf(scores, target_class, settings)
    otherwise = [] if other is None else [other.clusters[0]]  # where no cluster is found, whatever eta and alpha
    chosen = candidates(split.choosing.functional[target_class], settings)
    if not len(chosen):
        no_winner = np.full((len(rows), len(columns)), len(otherwise) - 1, np.intp)
        return _by_share(target_class, rows, columns, no_winner, otherwise)
    among = KnownDistances(scores.nodes, leaves, distances).among(chosen)
    tree = MergeTree(among, medoids_of(among, settings.k))
    partition, first, row_of = np.unique([tree.n_merged(eta) for eta in etas], return_index=True, return_inverse=True)
    met: dict[tuple[int, ...], int] = {}  # the number of each cluster that wins somewhere
    winning: list[Cluster] = []
    number = np.full((len(partition), len(columns)), -1, np.intp)
    limits = limits_of(scores, settings)
    least = least_to_win(split.choosing.functional[target_class], settings)
    for n, row in enumerate(first.tolist()):
        # At alpha 1 the clusters are in the order in which `select` breaks ties: by score, then by id.
        clusters = weigh_groups(split, target_class, chosen, tree.groups(etas[row]), among, alpha=1.0)
        best = _best_at(clusters, columns, least)
        for place in np.unique(best).tolist():
            cluster = clusters[place]
            if lacking_of(split, target_class, cluster, limits):
                better = outscoring(split, target_class, [cluster, *clusters], limits, least)
                if better is None:
                    continue
                cluster = better
            if cluster.members not in met:
                met[cluster.members] = len(winning)
                winning.append(cluster)
            number[n, best == place] = met[cluster.members]
    if otherwise and (number < 0).any():
        number[number < 0] = met.get(otherwise[0].members, len(winning))
        winning += [] if otherwise[0].members in met else otherwise
    return _by_share(target_class, rows, columns, number[row_of], winning)


def stability_of(stability: StabilityMap, members: Collection[int], *, near: SelectionSettings | None = None) -> float:
    """The share of the map's points at which the same leaves win.

    Args:
        stability: the class's map.
        members: the leaves of the winner in question, in any order.
        near: count only the points within `NEAR_ETA` and `NEAR_ALPHA` of these settings, or the nearest points where
            there are none; None counts the whole map.

    Returns:
        0..1; without `members`, the share of the points at which nothing is found.
    """
    wanted = set(members)
    same = [n for n, winner in enumerate(stability.winners) if set(winner.members) == wanted]
    hits = np.isin(stability.winner, same if wanted else [-1])
    if near is not None:
        rows = _within(stability.etas, near.eta, NEAR_ETA)
        hits = hits[np.ix_(rows, _within(stability.alphas, near.alpha, NEAR_ALPHA))]
    return float(hits.mean())


def answer_of_method(
    selection: ClassSelection, stability: StabilityMap, settings: SelectionSettings
) -> tuple[int, ...]:
    """The method's answer at exactly these settings; for a locked class, at the map's nearest point."""
    if selection.choice is None:
        return selection.winner.members if selection.winner else ()
    near = stability.at(settings.eta, settings.alpha)
    return near.members if near else ()


def firmness(selection: ClassSelection, stability: StabilityMap, settings: SelectionSettings) -> float:
    """The share of the neighbouring settings that give the same answer as these."""
    return stability_of(stability, answer_of_method(selection, stability, settings), near=settings)


def find_flips(
    stability: StabilityMap, settings: SelectionSettings, members: tuple[int, ...] | None = None
) -> tuple[Flip, ...]:
    """The nearest point in each direction at which the winner changes, when only eta or only alpha changes.

    Args:
        stability: the class's map.
        settings: eta and alpha; the search starts at the map's nearest point.
        members: the winner at exactly these settings, which may lie between the map's points; None for that of the
            nearest point.

    Returns:
        At most four, in the order eta down, eta up, alpha down, alpha up.
    """
    row, column = stability.nearest(settings.eta, settings.alpha)
    start = members or _members(stability.winner_of(stability.winner[row, column]))
    flips = []
    for axis, values, along, first in (
        ("eta", stability.etas, stability.winner[:, column], row),
        ("alpha", stability.alphas, stability.winner[row], column),
    ):
        winners = [stability.winner_of(number) for number in along]
        for places in (range(first, -1, -1), range(first, len(along))):
            changed = (place for place in places if _members(winners[place]) != start)
            if (place := next(changed, None)) is not None:
                flips.append(Flip(axis, float(values[place]), abs(place - first), winners[place]))
    return tuple(flips)


def _members(winner: Winner | None) -> tuple[int, ...]:
    return winner.members if winner else ()


def _check_grid(etas: Sequence[float], alphas: Sequence[float]) -> None:
    if not 0 < len(etas) * len(alphas) <= _MAX_POINTS:
        size = f"{len(etas)} x {len(alphas)}"
        raise SettingsError(f"A map must have between 1 and {_MAX_POINTS:,} points, not {size}.", key="map size")
    for values in (etas, alphas):
        if any(after <= before for before, after in pairwise(values)):
            raise SettingsError("The map's etas and alphas must be increasing.", key="map order")
    for eta in etas:
        SelectionSettings(eta=eta)
    for alpha in alphas:
        SelectionSettings(alpha=alpha)


def _best_at(clusters: Sequence[Cluster], alphas: Shares, least: float) -> Indices:
    """Which cluster that scores enough has the highest objective at each alpha (n_alpha,); the first in a tie."""
    apparent = np.array([cluster.apparent for cluster in clusters])
    semantic = np.array([cluster.semantic for cluster in clusters])
    weighed = objectives(apparent, semantic, alphas[:, None])
    if (apparent >= least).any():
        weighed = np.where(apparent >= least, weighed, -np.inf)
    best: Indices = weighed.argmax(axis=1)
    return best


def _by_share(
    target_class: int, etas: Shares, alphas: Shares, number: Indices, winning: Sequence[Cluster]
) -> StabilityMap:
    """The map with its winners renumbered, the most frequent first; in a tie, the one found at a smaller eta."""
    counts = np.bincount(number[number >= 0], minlength=len(winning))
    order = np.argsort(-counts, kind="stable")
    renumbered = np.full(len(order) + 1, -1, np.int16)  # the last entry is that of number -1
    renumbered[order] = np.arange(len(order))
    winners = tuple(
        Winner(c.medoid, c.members, c.functional, c.semantic, float(counts[n] / number.size))
        for n, c in ((n, winning[n]) for n in order.tolist())
    )
    return StabilityMap(target_class, etas, alphas, renumbered[number], winners)


def _within(values: Shares, centre: float, reach: float) -> npt.NDArray[np.bool_]:
    apart = np.abs(values - centre)
    near: npt.NDArray[np.bool_] = apart <= max(reach, float(apart.min())) + 1e-9
    return near
