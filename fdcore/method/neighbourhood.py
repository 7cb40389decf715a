"""A class's candidates among each other: in which order they are shown, what each two have in common, the part of the
hierarchy that holds them. The distances themselves come from `closeness`.
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
    """Two leaves, as positions in a neighbourhood.

    Attributes:
        first, second: positions in the order shown.
        steps: between them in the hierarchy; inf where they are unrelated.
        ancestor: id of their lowest common ancestor, or None.
    """

    first: int
    second: int
    steps: float
    ancestor: str | None


@dataclass(frozen=True)
class Neighbourhood:
    """Some leaves and how they lie to each other, in the order in which they are shown.

    Attributes:
        leaves: (n,) indices into the scores' nodes.
        nodes: (n,) ids.
        labels: (n,) names, with the id behind a name that stands here twice.
        paths: (n,) names on the way from the root to each, the leaf's own last.
        among: (n, n) float32 steps.
        pairs: every two leaves once, the nearest first.
        ancestor: id of what all have in common, or None.
        selected: (n,) whether each belongs to the class's answer.
        groups: (n,) the number of each one's cluster, or empty where the order is another.
        group_names: what each cluster's medoid is called.
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
        """The two leaves with the fewest steps between them; None where there are no two."""
        return self.pairs[0] if self.pairs else None

    @property
    def median(self) -> float | None:
        """The median of all pairs' steps; None where there are no two leaves."""
        return float(np.median([pair.steps for pair in self.pairs])) if self.pairs else None

    @property
    def n_unrelated(self) -> int:
        """Pairs without any way between them."""
        return sum(np.isinf(pair.steps) for pair in self.pairs)

    def common_ancestors(self) -> tuple[Indices, tuple[str, ...]]:
        """The lowest common ancestor of each two leaves: (n, n) indices into the ids beside it, -1 for none."""
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
    """The neighbourhood of one class's candidates, and of leaves that were chosen by hand.

    Args:
        selection: the class.
        scores: whose leaves they are.
        hierarchy: the corpus' hierarchy.
        distances: gives the steps (n, n) among leaves (n,).
        by_cluster: order by cluster, the best first; otherwise as they stand in the hierarchy.
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
    """The candidates of all classes together, in the hierarchy's order, and how many leaves there were.

    Where there are more than `limit`, those with the highest score in any class are taken.
    """
    selected = {m for s in selections if s.winner for m in s.winner.members}
    found = {leaf for s in selections for leaf in s.candidates} | selected
    best = scores.functional.max(axis=0)
    kept = sorted(found, key=lambda leaf: (-best[leaf], leaf))[:limit]
    return _shown(_in_hierarchy(kept, scores, hierarchy), scores, hierarchy, distances, selected), len(found)


def path_from_root(hierarchy: Hierarchy, node: str) -> tuple[str, ...]:
    """The names on the way from the root to a node, such as ("entity", "animal", "bird")."""
    return tuple(hierarchy.label(above) for above in reversed(hierarchy.path_to_root(node)))


def matrix_to_csv(shown: Neighbourhood) -> bytes:
    """The distances as a table: a row and a column for each leaf, by id; empty where unrelated."""
    rows: Iterator[dict[str, int | str]] = (
        {"node": node, "label": label, **dict(zip(shown.nodes, map(_steps, row), strict=True))}
        for node, label, row in zip(shown.nodes, shown.labels, shown.among.tolist(), strict=True)
    )
    return to_csv(["node", "label", *shown.nodes], rows)


def pairs_to_csv(shown: Neighbourhood, hierarchy: Hierarchy) -> bytes:
    """Every two leaves with their steps and their common ancestor, the nearest first."""
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
    """The part of the hierarchy that holds some nodes: the parent of each of its nodes, None at the top.

    Every node hangs where its shortest way to a root leads, so that a graph with several parents becomes a tree.
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
    """The nodes' labels, with the id behind those that several of them share (ImageNet has two cranes)."""
    labels = [hierarchy.label(node) for node in nodes]
    return tuple(
        f"{label} ({node})" if labels.count(label) > 1 else label for label, node in zip(labels, nodes, strict=True)
    )


def _in_hierarchy(leaves: Sequence[int], scores: Scores, hierarchy: Hierarchy) -> list[int]:
    """The leaves as they are met on a walk from the root downwards: relatives stand side by side."""
    return sorted(leaves, key=lambda leaf: hierarchy.path_to_root(scores.nodes[leaf])[::-1])


def _pairs(hierarchy: Hierarchy, nodes: Sequence[str], among: Matrix) -> tuple[Pair, ...]:
    found = (
        Pair(a, b, float(among[a, b]), hierarchy.lowest_common_ancestor((nodes[a], nodes[b])))
        for a, b in combinations(range(len(nodes)), 2)
    )
    return tuple(sorted(found, key=lambda pair: (pair.steps, pair.first, pair.second)))


def _steps(value: float) -> int | str:
    return int(value) if np.isfinite(value) else ""
