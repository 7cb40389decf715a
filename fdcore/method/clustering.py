"""Clustering: which leaves lie together in the hierarchy (paper section 4.2, step 3). It uses distances, not scores."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError

Indices = npt.NDArray[np.intp]
Matrix = npt.NDArray[np.float32]
Medoids = int | Literal["silhouette"] | None  # how many, or how their number is chosen

MOST_K = 20  # medoids that the silhouette is tried with
_UNRELATED = 1e12  # replaces an infinite distance in sums; above any eta


class KnownDistances:
    """The distances among some of the corpus' leaves, looked up by leaf.

    Args:
        nodes: ids of all leaves.
        leaves: (n,) increasing indices of the leaves whose distances are known.
        distances: (n, n) steps in the hierarchy among them.

    Raises:
        SettingsError: the matrix does not match `leaves`.
    """

    def __init__(self, nodes: Sequence[str], leaves: Indices, distances: Matrix) -> None:
        if distances.shape != (len(leaves), len(leaves)):
            raise SettingsError(
                f"{len(leaves)} leaves need a square matrix of distances, not one of {distances.shape}.",
                key="other leaves",
            )
        self._nodes, self._distances = nodes, distances
        self._place = np.full(len(nodes), -1)
        self._place[leaves] = np.arange(len(leaves))

    def among(self, chosen: Indices) -> Matrix:
        """The distances (n, n) among the chosen leaves, in their order.

        Raises:
            SettingsError: one of them is not known.
        """
        place = self._place[chosen]
        if (place < 0).any():
            leaf = self._nodes[chosen[place < 0][0]]
            raise SettingsError(f"The distances of leaf {leaf} are not known.", key="unknown distance")
        matrix: Matrix = self._distances[np.ix_(place, place)]
        return matrix


def medoids_of(among: Matrix, k: Medoids) -> Indices:
    """The medoid of each candidate (n,), as positions among the candidates: PAM on the distances [11].

    Where k is None or at least the number of candidates, every candidate is its own medoid. "silhouette" takes the k
    from 2 to `MOST_K` with the highest mean silhouette, the smallest in a tie; two candidates or fewer stay alone.
    """
    n = len(among)
    if k is None or (n <= 2 if k == "silhouette" else k >= n):
        return np.arange(n)
    finite = np.where(np.isfinite(among), among, 0)
    reachable = np.where(np.isfinite(among), among, 2 * finite.max() + 1)  # PAM cannot add up infinities
    if k != "silhouette":
        return _pam(reachable, k)
    from sklearn.metrics import silhouette_score

    grouped = [_pam(reachable, number) for number in range(2, min(MOST_K, n - 1) + 1)]
    return max(grouped, key=lambda medoid_of: silhouette_score(reachable, medoid_of, metric="precomputed"))


def _pam(reachable: Matrix, k: int) -> Indices:
    from sklearn_extra.cluster import KMedoids

    model = KMedoids(n_clusters=k, metric="precomputed", method="pam", init="build").fit(reachable)
    medoid_of: Indices = np.asarray(model.medoid_indices_)[model.labels_]
    return medoid_of


def merge_groups(among: Matrix, medoid_of: Indices, eta: float) -> Indices:
    """Merge clusters, nearest first, while all their medoids lie closer than eta to each other; the group of each (n,).

    This is complete linkage. Merging through a third cluster (single linkage) chains: among ILSVRC's 1,000 leaves it
    puts 475 in one group at eta 4.5 (docs/decisions/0004).
    """
    return MergeTree(among, medoid_of).groups(eta)


class MergeTree:
    """The order in which clusters merge as eta grows; `merge_groups` is one cut through it.

    Args:
        among: (n, n) distances among the candidates.
        medoid_of: (n,) the medoid of each, as `medoids_of` gives it.
    """

    def __init__(self, among: Matrix, medoid_of: Indices) -> None:
        medoids, self._cluster = np.unique(medoid_of, return_inverse=True)
        apart = among[np.ix_(medoids, medoids)].astype(np.float64)
        apart[np.isinf(apart)] = _UNRELATED
        self._links = _complete_linkage(apart) if len(medoids) > 1 else np.empty((0, 4))

    def n_merged(self, eta: float) -> int:
        """The number of merges below eta; etas with the same number give the same groups."""
        return int(np.searchsorted(self._links[:, 2], eta, side="left"))

    def groups(self, eta: float) -> Indices:
        """The group of each candidate (n,), 0 .. n_groups - 1, after all merges below eta."""
        if not len(self._links):
            return np.zeros(len(self._cluster), np.intp)
        from scipy.cluster.hierarchy import fcluster

        group_of_cluster = fcluster(self._links, np.nextafter(eta, 0), "distance") - 1
        merged: Indices = group_of_cluster.astype(np.intp)[self._cluster]
        return merged


def _complete_linkage(apart: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SciPy's links (n - 1, 4); imported here because the import would delay the first page by a third of a second."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    links: npt.NDArray[np.float64] = linkage(squareform(apart, checks=False), "complete")
    return links
