"""Distances and closeness in the hierarchy, and how much of a subtree is chosen."""

import random
import tracemalloc

import networkx
import numpy as np
import pytest
from raising import raises

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import CorpusError
from fdcore.method import closeness as closeness_module
from fdcore.method.closeness import closeness, coverage, distances

AIRLINER, WARPLANE, WING, HAMMERHEAD = "n02690373", "n04552348", "n04592741", "n01494475"


def tree_of(*links: str) -> Hierarchy:
    """A hierarchy from "child: parents" lines."""
    rows = [(child, tuple(parents.split()), ()) for child, _, parents in (link.partition(": ") for link in links)]
    return Hierarchy.from_rows(rows)


def test_the_papers_airplane_class() -> None:
    """Airliner, warplane and wing are close to one another; the hammerhead is far from all three (paper, Table 1)."""
    nodes = [AIRLINER, WARPLANE, WING, HAMMERHEAD]
    links = distances(load_wordnet(), nodes)
    assert links.dtype == np.float32
    assert links[0, 1] == 3  # airliner - airplane - heavier-than-air craft - warplane
    assert links[2, :2].tolist() == [9, 7]  # the wing of an aeroplane is an airfoil
    assert links[3, :3].tolist() == [19, 16, 15]
    near = closeness(links)
    assert near[:3, :3][near[:3, :3] > 0].min() > near[3, :3].max()


def test_real_distances_agree_with_networkx() -> None:
    """For a sample of leaves of the shipped table the distances are those of networkx's breadth-first search."""
    tree = load_wordnet()
    graph = networkx.Graph((parent, node) for node in tree.ids for parent in tree.parents(node))
    leaves = random.Random(3).sample([node for node in tree.ids if not tree.children(node)], 700)
    links = distances(tree, leaves)
    for i in (0, 123, 555, 699):
        from_i = networkx.single_source_shortest_path_length(graph, leaves[i])
        assert links[i].tolist() == [from_i[leaf] for leaf in leaves]
    assert np.array_equal(links, links.T)


def test_a_way_may_lead_through_nodes_below() -> None:
    """The shortest way between two nodes may run through a child that they share, and turn several times."""
    tree = tree_of("r: ", "a1: r", "a2: a1", "a3: a2", "b1: r", "b2: b1", "b3: b2", "shared: a3 b3", "dead end: shared")
    assert distances(tree, ["a3", "b3"])[0, 1] == 2
    zigzag = tree_of(*(f"p{i}: " for i in range(6)), *(f"c{i}: p{i} p{i + 1}" for i in range(5)))
    assert distances(zigzag, ["p0", "p5", "c4"]).tolist() == [[0, 10, 9], [10, 0, 1], [9, 1, 0]]


def test_a_node_and_its_ancestor() -> None:
    """Between a node and its ancestor the distance is the shortest chain of parents."""
    tree = tree_of("r: ", "a: r", "b: a", "c: b a")
    assert distances(tree, ["c", "r", "b"]).tolist() == [[0, 2, 1], [2, 0, 2], [1, 2, 0]]


def test_no_way_between_components() -> None:
    """Nodes of different components are infinitely far, and their closeness is 0."""
    tree = tree_of("r: ", "a: r", "other: ")
    links = distances(tree, ["a", "other", "r"])
    assert links.tolist() == [[0, np.inf, 1], [np.inf, 0, np.inf], [1, np.inf, 0]]
    assert closeness(links).tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_few_and_repeated_nodes() -> None:
    """No node, one node and the same node twice are all answered."""
    tree = tree_of("r: ", "a: r", "b: r")
    assert distances(tree, []).shape == (0, 0)
    assert distances(tree, ["a"]).tolist() == [[0]]
    assert distances(tree, ["a", "b", "a"]).tolist() == [[0, 2, 0], [2, 0, 2], [0, 2, 0]]


def test_an_unknown_node_is_an_error() -> None:
    """An id that is no node is a CorpusError."""
    with raises(CorpusError, "unknown node", "'x'"):
        distances(tree_of("r: "), ["r", "x"])


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result does not depend on how many columns are walked at once."""
    tree = load_wordnet()
    leaves = random.Random(4).sample(tree.ids, 200)
    at_once = distances(tree, leaves)
    monkeypatch.setattr(closeness_module, "N_COLUMNS", 64)
    assert np.array_equal(distances(tree, leaves), at_once)


def test_memory_is_the_matrix_and_small_change() -> None:
    """Among 3,000 leaves the peak stays below the float32 matrix and three blocks of columns."""
    tree = load_wordnet()
    leaves = random.Random(5).sample([node for node in tree.ids if not tree.children(node)], 3000)
    tracemalloc.start()
    links = distances(tree, leaves)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    block = 3000 * closeness_module.N_COLUMNS * 4
    assert links.nbytes == 36_000_000
    assert peak < links.nbytes + 3 * block


def test_closeness_is_one_over_distance() -> None:
    """CL = 1 / D off the diagonal, 0 on it, in float32, and the distances stay as they were."""
    links = np.array([[0, 4], [4, 0]], dtype=np.float32)
    near = closeness(links)
    assert near.dtype == np.float32
    assert near.tolist() == [[0, 0.25], [0.25, 0]]
    assert links.tolist() == [[0, 4], [4, 0]]


def test_coverage_counts_leaves_at_and_under_the_ancestor() -> None:
    """Only leaves of the corpus at or under the ancestor count, each once, whatever else is chosen."""
    tree = tree_of("r: ", "a: r", "a1: a", "a2: a", "a3: a2", "b: r")
    leaves = ["a", "a1", "a3", "b"]
    assert coverage(tree, "a", ["a1", "b", "a2", "a1"], leaves) == (1, 3)
    assert coverage(tree, "a", ["a", "a1", "a3"], leaves) == (3, 3)
    assert coverage(tree, "r", ["b"], leaves) == (1, 4)
    assert coverage(tree, "a1", ["a1"], leaves) == (1, 1)
    assert coverage(tree, "a2", [], ["b"]) == (0, 0)
