"""How a class's candidates relate: their order on screen, the common ancestor of each two, and the part of the
hierarchy above them. The distances themselves come from `closeness`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.clustering import Indices, Matrix
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection
from fdcore.tables import to_csv

MatrixOf = Callable[[Indices], Matrix]


class Pair(NamedTuple):
    """Two leaves, as positions in the order shown, their steps (inf where unrelated) and lowest common ancestor."""

    first: int
    second: int
    steps: float
    ancestor: str | None


@dataclass(frozen=True)
class Neighbourhood:
    """Some leaves and how they relate, in the order in which they are shown.

    Attributes:
        leaves: (n,) indices into the scores' nodes.
        nodes: (n,) ids.
        labels: (n,) names; a name that occurs twice is followed by the id.
        paths: (n,) names on the path from the root to each leaf, its own name last.
        among: (n, n) float32 steps.
        pairs: every two leaves once, the nearest first.
        ancestor: id of the lowest common ancestor of all, or None.
        selected: (n,) whether each belongs to the class's answer.
        groups: (n,) the number of each leaf's cluster; empty where the order is not by cluster.
        group_names: the name of each cluster's medoid.
    """

    leaves: tuple[int, ...]
    nodes: tuple[str, ...]
    labels: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]
    among: Matrix
    pairs: tuple[Pair, ...]
    ancestor: str | None
    selected: tuple[bool, ...]
    groups: tuple[int, ...] = ()
    group_names: tuple[str, ...] = ()

    @property
    def nearest(self) -> Pair | None:
        """The two leaves with the fewest steps between them; None for fewer than two leaves."""
        return self.pairs[0] if self.pairs else None

    @property
    def median(self) -> float | None:
        """The median of all pairs' steps; None for fewer than two leaves."""
        return float(np.median([pair.steps for pair in self.pairs])) if self.pairs else None

    @property
    def n_unrelated(self) -> int:
        """Pairs without any path between them."""
        return sum(np.isinf(pair.steps) for pair in self.pairs)

    def common_ancestors(self) -> tuple[Indices, tuple[str, ...]]:
        """The lowest common ancestor of each two leaves: (n, n) indices into the ids returned, -1 for none."""
        place: dict[str, int] = {}
        index = np.full(self.among.shape, -1, dtype=np.intp)
        for i, node in enumerate(self.nodes):
            index[i, i] = place.setdefault(node, len(place))
        for pair in self.pairs:
            if pair.ancestor is not None:
                index[pair.first, pair.second] = place.setdefault(pair.ancestor, len(place))
                index[pair.second, pair.first] = place[pair.ancestor]
        return index, tuple(place)


def neighbourhood(
    selection: ClassSelection, scores: Scores, hierarchy: Hierarchy, distances: MatrixOf, *, by_cluster: bool
) -> Neighbourhood:
    """The neighbourhood of one class's candidates and of leaves chosen by hand.

    Args:
        selection: the class.
        scores: functional scores; they name the leaves.
        hierarchy: the corpus' hierarchy.
        distances: gives the steps (n, n) among leaves (n,).
        by_cluster: order by cluster, the best first; otherwise in the hierarchy's order.
    """
    cluster_of: dict[int, int] = {}
    for number, cluster in enumerate(selection.clusters):
        for leaf in cluster.members:
            cluster_of.setdefault(leaf, number)
    leaves = [*cluster_of, *(leaf for leaf in selection.candidates if leaf not in cluster_of)]
    winner = selection.winner
    selected = set(winner.members) if winner else set()
    if not by_cluster:
        return _shown(_in_hierarchy(leaves, scores, hierarchy), scores, hierarchy, distances, selected)
    return replace(
        _shown(leaves, scores, hierarchy, distances, selected),
        groups=tuple(cluster_of.get(leaf, -1) for leaf in leaves),
        group_names=tuple(hierarchy.label(scores.nodes[cluster.medoid]) for cluster in selection.clusters),
    )


def all_candidates(
    selections: Sequence[ClassSelection], scores: Scores, hierarchy: Hierarchy, distances: MatrixOf, *, limit: int
) -> tuple[Neighbourhood, int]:
    """The candidates of all classes, in the hierarchy's order, and how many there were.

    Of more than `limit`, those with the highest score in any class are kept.
    """
    selected = {m for s in selections if s.winner for m in s.winner.members}
    found = {leaf for s in selections for leaf in s.candidates} | selected
    best = scores.functional.max(axis=0)
    kept = sorted(found, key=lambda leaf: (-best[leaf], leaf))[:limit]
    return _shown(_in_hierarchy(kept, scores, hierarchy), scores, hierarchy, distances, selected), len(found)


def path_from_root(hierarchy: Hierarchy, node: str) -> tuple[str, ...]:
    """The names on the path from the root to a node, such as ("entity", "animal", "bird")."""
    return tuple(hierarchy.label(above) for above in reversed(hierarchy.path_to_root(node)))


def matrix_to_csv(shown: Neighbourhood) -> bytes:
    """The distances as a table: a row and a column for each leaf, by id; empty where unrelated."""
    rows: Iterator[dict[str, int | str]] = (
        {"node": node, "label": label, **dict(zip(shown.nodes, map(_steps, row), strict=True))}
        for node, label, row in zip(shown.nodes, shown.labels, shown.among.tolist(), strict=True)
    )
    return to_csv(["node", "label", *shown.nodes], rows)


def pairs_to_csv(shown: Neighbourhood, hierarchy: Hierarchy) -> bytes:
    """Every two leaves with their steps and common ancestor as a table, the nearest first."""
    rows = (
        {
            "node_a": shown.nodes[pair.first],
            "label_a": hierarchy.label(shown.nodes[pair.first]),
            "node_b": shown.nodes[pair.second],
            "label_b": hierarchy.label(shown.nodes[pair.second]),
            "steps": _steps(pair.steps),
            "ancestor": pair.ancestor or "",
            "ancestor_label": hierarchy.label(pair.ancestor) if pair.ancestor else "",
        }
        for pair in shown.pairs
    )
    return to_csv(["node_a", "label_a", "node_b", "label_b", "steps", "ancestor", "ancestor_label"], rows)


def tree_above(hierarchy: Hierarchy, nodes: Sequence[str]) -> dict[str, str | None]:
    """The part of the hierarchy above some nodes: the parent of each node in it, None at the top.

    A node with several parents keeps the one on its shortest path to a root, so that the graph becomes a tree.
    """
    above: dict[str, str | None] = {}
    for start in nodes:
        node: str | None = start
        while node is not None and node not in above:
            above[node] = next(iter(hierarchy.path_to_root(node)[1:2]), None)
            node = above[node]
    return above


# The order and its parts


def _shown(
    leaves: Sequence[int],
    scores: Scores,
    hierarchy: Hierarchy,
    distances: MatrixOf,
    selected: Collection[int],
) -> Neighbourhood:
    nodes = tuple(scores.nodes[leaf] for leaf in leaves)
    among = distances(np.array(leaves, dtype=np.intp)) if leaves else np.empty((0, 0), np.float32)
    return Neighbourhood(
        leaves=tuple(leaves),
        nodes=nodes,
        labels=distinct_labels(hierarchy, nodes),
        paths=tuple(path_from_root(hierarchy, node) for node in nodes),
        among=among,
        pairs=_pairs(hierarchy, nodes, among),
        ancestor=hierarchy.lowest_common_ancestor(nodes) if nodes else None,
        selected=tuple(leaf in selected for leaf in leaves),
    )


def distinct_labels(hierarchy: Hierarchy, nodes: Sequence[str]) -> tuple[str, ...]:
    """The nodes' labels; a label that several of them share is followed by the id (ImageNet has two cranes)."""
    labels = [hierarchy.label(node) for node in nodes]
    return tuple(
        f"{label} ({node})" if labels.count(label) > 1 else label for label, node in zip(labels, nodes, strict=True)
    )


def _in_hierarchy(leaves: Sequence[int], scores: Scores, hierarchy: Hierarchy) -> list[int]:
    """The leaves in the order of a walk down from the root, so that relatives are side by side."""
    return sorted(leaves, key=lambda leaf: hierarchy.path_to_root(scores.nodes[leaf])[::-1])


def _pairs(hierarchy: Hierarchy, nodes: Sequence[str], among: Matrix) -> tuple[Pair, ...]:
    found = (
        Pair(a, b, float(among[a, b]), hierarchy.lowest_common_ancestor((nodes[a], nodes[b])))
        for a, b in combinations(range(len(nodes)), 2)
    )
    return tuple(sorted(found, key=lambda pair: (pair.steps, pair.first, pair.second)))


def _steps(value: float) -> int | str:
    return int(value) if np.isfinite(value) else ""
