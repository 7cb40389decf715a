"""Clustering: medoids, and the merging of clusters as eta grows."""

import kmedoids
import numpy as np
import pytest
from paper_example import DISTANCES
from raising import raises

from fdcore.errors import SettingsError
from fdcore.method.clustering import KnownDistances, MergeTree, medoids_of, merge_groups


def partition(group: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(group == g).tolist()) for g in set(group.tolist())}


def test_eta_merges_what_lies_strictly_closer_and_does_not_chain():
    """Medoids closer than eta merge, at exactly eta they do not, and a third in between does not join two far ones."""
    line = np.abs(np.subtract.outer([0, 2, 5, 14], [0, 2, 5, 14])).astype(np.float32)
    own = np.arange(4)
    assert partition(merge_groups(line, own, 2.0)) == {frozenset([i]) for i in range(4)}
    assert partition(merge_groups(line, own, 2.1)) == {frozenset([0, 1]), frozenset([2]), frozenset([3])}
    assert partition(merge_groups(line, own, 5.0)) == {frozenset([0, 1]), frozenset([2]), frozenset([3])}
    assert partition(merge_groups(line, own, 5.1)) == {frozenset([0, 1, 2]), frozenset([3])}
    assert partition(merge_groups(line, own, 14.1)) == {frozenset(range(4))}


def test_in_a_group_all_medoids_lie_closer_than_eta():
    """What eta promises holds for random points at every eta, where single linkage would chain."""
    points = np.random.default_rng(4).random((60, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2).astype(np.float32)
    for eta in np.linspace(0.05, 1.5, 15):
        for members in partition(merge_groups(distances, np.arange(60), eta)):
            places = list(members)
            assert distances[np.ix_(places, places)].max() < eta


def test_a_larger_eta_never_splits_a_cluster():
    """Clusters at a smaller eta lie inside those at a larger one."""
    rng = np.random.default_rng(3)
    points = rng.random((30, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2).astype(np.float32)
    last = {frozenset([i]) for i in range(30)}
    for eta in np.linspace(0.05, 1, 12):
        now = partition(merge_groups(distances, np.arange(30), eta))
        assert all(any(small <= large for large in now) for small in last)
        last = now


@pytest.mark.parametrize("k", [2, 3, 5])
def test_medoids_reach_the_loss_of_an_independent_implementation(k):
    """PAM's total distance is as low as that of the `kmedoids` package's PAM, within a percent."""
    rng = np.random.default_rng(k)
    points = rng.random((40, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2).astype(np.float32)
    ours = distances[np.arange(40), medoids_of(distances, k)].sum()
    best = kmedoids.pam(distances, k, init="build").loss
    assert ours <= best * 1.01


def test_as_many_medoids_as_candidates_is_the_automatic_choice():
    """k None and any k of at least n make every candidate its own medoid."""
    assert medoids_of(DISTANCES, None).tolist() == medoids_of(DISTANCES, 5).tolist() == [0, 1, 2, 3, 4]
    assert medoids_of(DISTANCES, 9).tolist() == [0, 1, 2, 3, 4]


def test_medoids_with_unrelated_leaves():
    """Infinite distances are survived: unrelated leaves end in different groups when k allows it."""
    distances = np.array([[0, 2, np.inf], [2, 0, np.inf], [np.inf, np.inf, 0]], np.float32)
    medoid_of = medoids_of(distances, 2)
    assert medoid_of[0] == medoid_of[1] != medoid_of[2]


def test_etas_with_the_same_number_of_merges_have_the_same_groups():
    """What `n_merged` counts tells the cuts of one tree apart, at whole, half and random etas."""
    rng = np.random.default_rng(6)
    apart = np.triu(rng.integers(1, 9, (20, 20)), 1).astype(np.float32)
    tree = MergeTree(apart + apart.T, np.arange(20))
    met: dict[int, set[frozenset[int]]] = {}
    for eta in [*np.arange(0, 10, 0.5), *rng.uniform(0, 10, 20)]:
        groups = partition(tree.groups(eta))
        assert len(groups) == 20 - tree.n_merged(eta)
        assert met.setdefault(tree.n_merged(eta), groups) == groups


def test_distances_that_are_not_known_are_named():
    """Looking up a leaf that was left out says which; a matrix of another size is refused at once."""
    known = KnownDistances(("a", "b", "c"), np.array([0, 2]), DISTANCES[:2, :2])
    assert known.among(np.array([2, 0])).tolist() == DISTANCES[:2, :2][::-1, ::-1].tolist()
    with raises(SettingsError, "unknown distance", "leaf b"):
        known.among(np.array([0, 1]))
    with raises(SettingsError, "other leaves", DISTANCES.shape):
        KnownDistances(("a", "b", "c"), np.array([0, 2]), DISTANCES)
