"""Laws of distances, closeness and common ancestors on random graphs, with networkx as the oracle."""

import networkx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.closeness import closeness, coverage, distances


@st.composite
def hierarchies(draw: st.DrawFn) -> Hierarchy:
    """Random DAGs of up to 16 nodes with any number of parents and roots; ids are in no special order."""
    n = draw(st.integers(1, 16))
    names = draw(st.permutations([f"n{i:02d}" for i in range(n)]))
    above = [draw(st.lists(st.sampled_from(names[:i]), max_size=3, unique=True)) if i else [] for i in range(n)]
    return Hierarchy.from_rows(zip(names, above, ((name,) for name in names), strict=True))


def directed(tree: Hierarchy) -> networkx.DiGraph:
    graph = networkx.DiGraph((parent, node) for node in tree.ids for parent in tree.parents(node))
    graph.add_nodes_from(tree.ids)
    return graph


@settings(deadline=None, max_examples=150)
@given(hierarchies(), st.data())
def test_distances_are_shortest_paths(tree: Hierarchy, data: st.DataObject) -> None:
    """Distances among some nodes are networkx's shortest paths in the whole undirected graph."""
    nodes = data.draw(st.lists(st.sampled_from(tree.ids), max_size=6))
    lengths = dict(networkx.all_pairs_shortest_path_length(directed(tree).to_undirected()))
    expected = [[lengths[a].get(b, np.inf) for b in nodes] for a in nodes]
    assert distances(tree, nodes).tolist() == expected


@settings(deadline=None, max_examples=60)
@given(hierarchies())
def test_distances_are_a_metric(tree: Hierarchy) -> None:
    """Distances are symmetric, 0 only on the diagonal, and obey the triangle inequality; closeness is their inverse."""
    links = distances(tree, tree.ids)
    assert np.array_equal(links, links.T)
    assert np.array_equal(links == 0, np.eye(len(tree), dtype=bool))
    assert (links[:, :, None] <= links[:, None, :] + links.T[None, :, :]).all()
    near = closeness(links)
    apart = np.isfinite(links) & (links > 0)
    assert np.allclose(near[apart] * links[apart], 1)
    assert not near[~apart].any()


@settings(deadline=None, max_examples=150)
@given(hierarchies(), st.data())
def test_the_lowest_common_ancestor_is_lowest(tree: Hierarchy, data: st.DataObject) -> None:
    """Of the common ancestors with no other below them it is the one with fewest descendants, then the smallest id."""
    nodes = data.draw(st.lists(st.sampled_from(tree.ids), min_size=1, max_size=4))
    graph = directed(tree)
    common = set.intersection(*(networkx.ancestors(graph, node) | {node} for node in nodes))
    lowest = [a for a in common if not networkx.descendants(graph, a) & common]
    expected = min(lowest, key=lambda a: (len(networkx.descendants(graph, a)), a)) if lowest else None
    assert tree.lowest_common_ancestor(nodes) == expected


@settings(deadline=None, max_examples=60)
@given(hierarchies(), st.data())
def test_a_selection_lies_within_its_common_ancestor(tree: Hierarchy, data: st.DataObject) -> None:
    """All chosen leaves count in the coverage of their common ancestor."""
    chosen = data.draw(st.lists(st.sampled_from(tree.ids), min_size=1, max_size=4, unique=True))
    ancestor = tree.lowest_common_ancestor(chosen)
    if ancestor is not None:
        n_chosen, n_leaves = coverage(tree, ancestor, chosen, tree.ids)
        assert n_chosen == len(chosen)
        assert n_leaves == 1 + len(tree.descendants(ancestor))
