"""Selection: from scores and distances to one meaningful set of leaves per class (paper section 4.2, steps 2 and 3).

Per class: the leaves that score at least tau are candidates; K-medoids groups them by their distance in the hierarchy;
clusters are merged while all their medoids lie closer than eta; the cluster with the highest
`alpha * functional + (1 - alpha) * semantic` is the finding. No candidate means "not found", which is an answer.
Nothing here asks the suspect.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from fdcore.closeness import closeness
from fdcore.errors import SettingsError
from fdcore.scores import Scores, wilson_interval

Indices = npt.NDArray[np.intp]
Matrix = npt.NDArray[np.float32]

_UNRELATED = 1e12  # stands in for an infinite distance where sums are taken; above any eta


@dataclass(frozen=True)
class SelectionSettings:
    """The analyst's knobs; docs/decisions/0004 says how the defaults were measured.

    Attributes:
        alpha: weight of the functional score in the objective, in (0, 1].
        eta: clusters are merged while all their medoids lie closer than this many steps; larger is more general.
        tau: the least functional score of a candidate, in (0, 1].
        k: number of medoids; None starts with every candidate as its own medoid and lets eta generalise.
        k_max: the most candidates a class may have, best first.
    """

    alpha: float = 0.7
    eta: float = 7.5
    tau: float = 0.3
    k: int | None = None
    k_max: int = 50

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise SettingsError(f"alpha must be above 0 and at most 1, not {self.alpha}.")
        if not 0 < self.tau <= 1:
            raise SettingsError(f"tau must be above 0 and at most 1, not {self.tau}.")
        if not 0 <= self.eta <= 1e6:
            raise SettingsError(f"eta must be between 0 and 1,000,000 steps, not {self.eta}.")
        if self.k is not None and self.k < 1:
            raise SettingsError(f"k must be at least 1, or left out for the automatic choice, not {self.k}.")
        if self.k_max < 1:
            raise SettingsError(f"k_max must be at least 1, not {self.k_max}.")


@dataclass(frozen=True)
class Cluster:
    """A group of leaves and how good it is.

    Attributes:
        medoid: the member nearest to all others, an index of a leaf.
        members: indices of leaves, best score first.
        functional: L, the share of the members' views put in the class.
        semantic: S, the mean closeness over pairs of images in different leaves; 0 for a single leaf.
        objective: alpha * L + (1 - alpha) * S.
    """

    medoid: int
    members: tuple[int, ...]
    functional: float
    semantic: float
    objective: float


@dataclass(frozen=True)
class ClassSelection:
    """What was found for one class.

    Attributes:
        target_class: the class's number.
        candidates: leaves at or above tau, best first, at most k_max.
        clusters: the groups, best objective first; empty when nothing was found.
    """

    target_class: int
    candidates: tuple[int, ...]
    clusters: tuple[Cluster, ...]

    @property
    def winner(self) -> Cluster | None:
        """The selected cluster, or None for "not found"."""
        return self.clusters[0] if self.clusters else None

    @property
    def found(self) -> bool:
        """Whether any leaf reached tau."""
        return bool(self.clusters)


@dataclass(frozen=True)
class Overall:
    """The whole model's scores (paper section 4.1.3): sums over the classes."""

    functional: float
    semantic: float
    n_found: int
    n_classes: int


def select(
    scores: Scores, leaves: Indices, distances: Matrix, settings: SelectionSettings
) -> tuple[ClassSelection, ...]:
    """Select leaves for every class.

    Args:
        scores: functional scores of every class and leaf.
        leaves: (n,) increasing indices of the leaves whose distances are known: at least `candidate_leaves`.
        distances: (n, n) steps in the hierarchy among them; inf where unrelated.
        settings: alpha, eta, tau, k, k_max.

    Raises:
        SettingsError: the distances are not about `leaves`, or a candidate is missing from them.
    """
    if distances.shape != (len(leaves), len(leaves)):
        raise SettingsError(f"{len(leaves)} leaves need as many distances, not a matrix of {distances.shape}.")
    position = np.full(len(scores.nodes), -1)
    position[leaves] = np.arange(len(leaves))
    return tuple(_select_class(scores, position, distances, settings, i) for i in range(scores.n_classes))


def candidates(functional: npt.NDArray[np.float32], settings: SelectionSettings) -> Indices:
    """The leaves of one class at or above tau, highest first, at most k_max; ties in the order of the leaves."""
    above = np.flatnonzero(functional >= settings.tau)
    best_first: Indices = above[np.argsort(-functional[above], kind="stable")]
    return best_first[: settings.k_max]


def candidate_leaves(scores: Scores, settings: SelectionSettings) -> Indices:
    """The leaves that are a candidate of any class: the only ones whose distances matter, in increasing order."""
    functional = scores.functional
    every = [candidates(row, settings) for row in functional]
    return np.unique(np.concatenate(every)) if every else np.empty(0, np.intp)


def overall(selections: tuple[ClassSelection, ...]) -> Overall:
    """Sum the found classes' L and S (paper section 4.1.3)."""
    winners = [s.winner for s in selections if s.winner]
    return Overall(
        functional=sum(w.functional for w in winners),
        semantic=sum(w.semantic for w in winners),
        n_found=len(winners),
        n_classes=len(selections),
    )


def _select_class(
    scores: Scores, position: Indices, distances: Matrix, settings: SelectionSettings, target_class: int
) -> ClassSelection:
    chosen = candidates(scores.functional[target_class], settings)
    if not len(chosen):
        return ClassSelection(target_class, (), ())
    known = position[chosen]
    if (known < 0).any():
        raise SettingsError(f"The distances of candidate {scores.nodes[chosen[known < 0][0]]} are not known.")
    among = distances[np.ix_(known, known)]
    group = merge_groups(among, medoids_of(among, settings.k), settings.eta)
    clusters = _weigh(scores, target_class, chosen, group, among, settings.alpha)
    return ClassSelection(target_class, tuple(chosen.tolist()), clusters)


def medoids_of(among: Matrix, k: int | None) -> Indices:
    """The medoid of each candidate (n,), as positions among the candidates: PAM on the distances [11].

    With k None, or at least as many as candidates, every candidate is its own medoid.
    """
    n = len(among)
    if k is None or k >= n:
        return np.arange(n)
    from sklearn_extra.cluster import KMedoids

    finite = np.where(np.isfinite(among), among, 0)
    reachable = np.where(np.isfinite(among), among, 2 * finite.max() + 1)  # PAM cannot add up infinities
    model = KMedoids(n_clusters=k, metric="precomputed", method="pam", init="build").fit(reachable)
    medoid_of: Indices = np.asarray(model.medoid_indices_)[model.labels_]
    return medoid_of


def merge_groups(among: Matrix, medoid_of: Indices, eta: float) -> Indices:
    """Merge clusters, nearest first, while all their medoids lie closer than eta to each other; the group of each (n,).

    This is complete linkage. Merging through a third cluster (single linkage) chains: among ILSVRC's 1,000 leaves it
    puts 475 into one group at eta 4.5 (docs/decisions/0004).
    """
    medoids, cluster = np.unique(medoid_of, return_inverse=True)
    if len(medoids) == 1:
        return np.zeros(len(among), np.intp)
    apart = among[np.ix_(medoids, medoids)].astype(np.float64)
    apart[np.isinf(apart)] = _UNRELATED
    tree = linkage(squareform(apart, checks=False), "complete")
    group_of_cluster = fcluster(tree, np.nextafter(eta, 0), "distance") - 1
    merged: Indices = group_of_cluster.astype(np.intp)[cluster]
    return merged


def _weigh(
    scores: Scores, target_class: int, chosen: Indices, group: Indices, among: Matrix, alpha: float
) -> tuple[Cluster, ...]:
    """L, S and the objective of every group of candidates, best first; ties go to the higher L, then the smaller id."""
    n_groups = int(group.max()) + 1
    hits = np.bincount(group, scores.hits[target_class, chosen], n_groups)
    functional = (hits / np.bincount(group, scores.n_queries[chosen], n_groups)).tolist()
    semantic = semantic_scores(among, scores.n_images[chosen], group).tolist()
    together = group[:, None] == group[None, :]
    spread = np.where(together, among, 0).sum(axis=1)
    members: list[list[int]] = [[] for _ in range(n_groups)]
    for place, g in enumerate(group.tolist()):
        members[g].append(place)
    clusters = [
        Cluster(
            medoid=int(chosen[min(places, key=spread.__getitem__)]),
            members=tuple(chosen[places].tolist()),
            functional=functional[g],
            semantic=semantic[g],
            objective=alpha * functional[g] + (1 - alpha) * semantic[g],
        )
        for g, places in enumerate(members)
    ]
    return tuple(sorted(clusters, key=lambda c: (-c.objective, -c.functional, scores.nodes[c.medoid])))


def semantic_scores(distances: Matrix, n_images: npt.NDArray[np.int64], group: Indices) -> npt.NDArray[np.float64]:
    """S of each group: the mean closeness over pairs of images in different leaves (paper section 4.1.2).

    A group of a single leaf has no such pair and scores 0.

    Args:
        distances: (n, n) among the leaves.
        n_images: (n,) images of each.
        group: (n,) the group of each, 0 .. n_groups - 1.

    Returns:
        (n_groups,) float64 in 0..1.
    """
    together = group[:, None] == group[None, :]
    n = n_images.astype(np.float64)
    closeness_of_pairs = n * (np.where(together, closeness(distances), 0) @ n)  # ordered pairs; 0 within a leaf
    total = np.bincount(group, n)
    pairs = total**2 - np.bincount(group, n**2)
    mean: npt.NDArray[np.float64] = np.bincount(group, closeness_of_pairs) / np.maximum(pairs, 1)
    return mean


def weaknesses(selection: ClassSelection, scores: Scores, settings: SelectionSettings) -> tuple[str, ...]:
    """Why the class's answer should be taken with care, in words; empty when nothing speaks against it."""
    winner = selection.winner
    if winner is None:
        return ()
    leaves = list(winner.members)
    hits, asked = scores.hits[selection.target_class, leaves].sum(), scores.n_queries[leaves].sum()
    low, high = wilson_interval(hits, asked, design_effect=scores.design_effect)
    found = []
    if len(leaves) == 1:
        found.append("a single leaf")
    if winner.functional < 0.5:
        found.append("low score")
    if low < settings.tau:
        found.append("interval reaches below tau")
    if high - low > 0.3:
        found.append("wide interval")
    runner_up = selection.clusters[1] if len(selection.clusters) > 1 else None
    if runner_up and winner.objective - runner_up.objective < 0.05:
        found.append("close runner-up")
    return tuple(found)
