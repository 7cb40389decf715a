"""How a class's candidates lie to each other."""

import csv
import io

import numpy as np
import pytest
import tiny_world

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.closeness import distances
from fdcore.method.neighbourhood import (
    Neighbourhood,
    all_candidates,
    distinct_labels,
    matrix_to_csv,
    neighbourhood,
    pairs_to_csv,
    path_from_root,
    tree_above,
)
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings, select

AIRLINER, WARPLANE, WING, SHARK = "n02690373", "n04552348", "n04592741", "n01494475"
NODES = tuple(sorted(tiny_world.LEAVES))
HIERARCHY = tiny_world.hierarchy()


def scores_of(hierarchy: Hierarchy, nodes: tuple[str, ...], shares: np.ndarray) -> Scores:
    n = np.full(len(nodes), 100, dtype=np.int64)
    return Scores(nodes, (shares * 100).astype(np.int32), n, n // 10, 1.0)


CLASS_OF = np.array([tiny_world.LEAVES[node][1] for node in NODES])
SCORES = scores_of(HIERARCHY, NODES, (np.arange(4)[:, None] == CLASS_OF) * (0.9 - np.arange(len(NODES)) / 50))
ALL = distances(HIERARCHY, NODES)


def among(leaves: np.ndarray) -> np.ndarray:
    return ALL[np.ix_(leaves, leaves)]


def selections() -> tuple[ClassSelection, ...]:
    return select(SCORES, np.arange(len(NODES)), ALL, SelectionSettings())


def shown(target: int, by_cluster: bool = True) -> Neighbourhood:
    return neighbourhood(selections()[target], SCORES, HIERARCHY, among, by_cluster=by_cluster)


def test_clusters_stand_together_with_the_winner_first():
    """The order of the heatmap is that of the clusters, and says where each begins."""
    selection, found = selections()[0], shown(0)
    assert found.leaves == tuple(m for c in selection.clusters for m in c.members)
    assert found.groups == tuple(number for number, c in enumerate(selection.clusters) for _ in c.members)
    assert found.group_names[found.groups[0]] in {HIERARCHY.label(node) for node in found.nodes}
    assert [found.nodes[i] for i, chosen in enumerate(found.selected) if chosen] == [
        NODES[m] for m in selection.winner.members
    ]


def test_in_the_hierarchys_order_relatives_stand_side_by_side():
    """The two aeroplanes are neighbours, the shark is not between them; there are no clusters to mark."""
    found = shown(0, by_cluster=False)
    assert abs(found.nodes.index(AIRLINER) - found.nodes.index(WARPLANE)) == 1
    assert found.groups == ()
    assert set(found.leaves) == set(shown(0).leaves)


def test_distances_follow_the_order():
    """Cell (a, b) is the distance of the leaves shown there, by an independent count."""
    found = shown(0, by_cluster=False)
    for a, first in enumerate(found.nodes):
        for b, second in enumerate(found.nodes):
            assert found.among[a, b] == ALL[NODES.index(first), NODES.index(second)]


def test_pairs_are_all_pairs_nearest_first():
    """Each pair once, with the ancestor that both have."""
    found = shown(0)
    n = len(found.leaves)
    assert len(found.pairs) == n * (n - 1) // 2
    assert [pair.steps for pair in found.pairs] == sorted(pair.steps for pair in found.pairs)
    nearest = found.nearest
    assert {found.nodes[nearest.first], found.nodes[nearest.second]} == {AIRLINER, WARPLANE}
    assert HIERARCHY.label(nearest.ancestor) == "heavier-than-air craft"
    assert found.median == pytest.approx(np.median(found.among[np.triu_indices(n, 1)]))


def test_nothing_found_is_an_empty_neighbourhood():
    """No candidate, no pair, no ancestor."""
    found = shown(3)
    assert (found.leaves, found.pairs, found.nearest, found.median, found.ancestor) == ((), (), None, None, None)
    assert matrix_to_csv(found).decode() == "node,label\n"
    assert found.common_ancestors()[0].shape == (0, 0)
    assert tree_above(HIERARCHY, found.nodes) == {}


def test_unrelated_leaves_have_no_steps_and_no_ancestor():
    """A corpus without hierarchy: everything is a component of its own, and cells are empty."""
    flat = Hierarchy.from_rows([("a", (), ("a",)), ("b", (), ("b",))])
    scores = scores_of(flat, ("a", "b"), np.array([[0.9, 0.8]]))
    matrix = distances(flat, ("a", "b"))
    selection = select(scores, np.arange(2), matrix, SelectionSettings())[0]
    found = neighbourhood(selection, scores, flat, lambda leaves: matrix[np.ix_(leaves, leaves)], by_cluster=True)
    assert found.n_unrelated == 1
    assert found.ancestor is None
    assert pairs_to_csv(found, flat).decode().splitlines()[1] == "a,a,b,b,,,"
    assert found.common_ancestors()[0].tolist() == [[0, -1], [-1, 1]]
    assert tree_above(flat, found.nodes) == {"a": None, "b": None}


def test_all_classes_together_keep_the_best():
    """Above the limit the highest scores stay, and the number found is told."""
    found, n = all_candidates(selections(), SCORES, HIERARCHY, among, limit=3)
    assert n == len(NODES)
    assert set(found.leaves) == {0, 1, 2}
    whole, _ = all_candidates(selections(), SCORES, HIERARCHY, among, limit=100)
    assert len(whole.leaves) == len(NODES)


def test_tables_are_complete_and_harmless():
    """A name that a spreadsheet would compute is disarmed, in the header too."""
    rows = [("=root", (), ("=cmd()",)), ("=a", ("=root",), ("+a",)), ("b", ("=root",), ("b",))]
    hierarchy = Hierarchy.from_rows(rows)
    nodes = ("=a", "b")
    scores = scores_of(hierarchy, nodes, np.array([[0.9, 0.8]]))
    matrix = distances(hierarchy, nodes)
    selection = select(scores, np.arange(2), matrix, SelectionSettings())[0]
    found = neighbourhood(selection, scores, hierarchy, lambda leaves: matrix[np.ix_(leaves, leaves)], by_cluster=True)
    table = list(csv.reader(io.StringIO(matrix_to_csv(found).decode())))
    assert table == [["node", "label", "'=a", "b"], ["'=a", "'+a", "0", "2"], ["b", "b", "2", "0"]]
    pair = next(csv.DictReader(io.StringIO(pairs_to_csv(found, hierarchy).decode())))
    assert (pair["label_a"], pair["steps"], pair["ancestor_label"]) == ("'+a", "2", "'=cmd()")


def test_paths_lead_from_the_root_to_the_leaf():
    """By name, the leaf last."""
    path = path_from_root(HIERARCHY, AIRLINER)
    assert (path[0], path[-1]) == ("entity", "airliner")
    assert "heavier-than-air craft" in path


def test_every_cell_knows_its_common_ancestor():
    """The matrix of ancestors is symmetric, a leaf being its own."""
    found = shown(0)
    index, ids = found.common_ancestors()
    assert (index == index.T).all()
    assert [ids[i] for i in index.diagonal()] == list(found.nodes)
    for pair in found.pairs:
        assert ids[index[pair.first, pair.second]] == pair.ancestor


def test_namesakes_are_told_apart():
    """Only a label that stands there twice gets its id."""
    rows = [("r", (), ("r",)), ("c1", ("r",), ("crane",)), ("c2", ("r",), ("crane",)), ("d", ("r",), ("duck",))]
    assert distinct_labels(Hierarchy.from_rows(rows), ("c1", "c2", "d")) == ("crane (c1)", "crane (c2)", "duck")


def test_the_tree_holds_the_leaves_and_all_above_them():
    """A node with several parents hangs where the way to the root is shortest."""
    parents = {"r": (), "x": ("r",), "y": ("x",), "a": ("y", "r"), "b": ("y",), "c": ("r",)}
    rows = [(node, above, ()) for node, above in parents.items()]
    tree = tree_above(Hierarchy.from_rows(rows), ("a", "b"))
    assert tree == {"a": "r", "r": None, "b": "y", "y": "x", "x": "r"}


def test_every_parent_of_the_tree_is_in_it():
    """WordNet's many parents make a tree all the same: one root, no way round."""
    tree = tree_above(HIERARCHY, NODES)
    assert set(NODES) <= set(tree)
    assert [node for node, parent in tree.items() if parent is None] == list(HIERARCHY.roots)
    assert all(parent is None or parent in tree for parent in tree.values())
