"""How close two nodes are in the hierarchy (paper, section 4): distances, closeness, and coverage of a subtree."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.corpus.hierarchy import Hierarchy

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.float32]

MAX_KNOWN = 3_000  # up to this many leaves, all distances are kept in memory (36 MB)
N_COLUMNS = 512  # sources processed at once, one bit each; a multiple of 64


def distances(hierarchy: Hierarchy, nodes: Sequence[str]) -> FloatArray:
    """The number of links on a shortest path between each two nodes, up or down, through any node of the hierarchy.

    Exact for every DAG. Apart from the result, at most `N_COLUMNS` columns are held in memory at a time.

    Returns:
        float32 (n, n) in links, symmetric; 0 on the diagonal, inf between components.

    Raises:
        CorpusError: a node is unknown.
    """
    terminals = np.array([hierarchy.index(node) for node in nodes], dtype=np.int64)
    graph, places = _compact(*_prune(*hierarchy.edges(), terminals, len(hierarchy)), terminals)
    result = np.empty((len(nodes), len(nodes)), dtype=np.float32)
    for start in range(0, len(nodes), N_COLUMNS):
        block = slice(start, start + N_COLUMNS)
        result[:, block] = _walk(graph, places[block], places)
    return result


def closeness(distances: FloatArray) -> FloatArray:
    """CL = 1 / D (paper, section 4), from distances (n, n) in links.

    Returns:
        float32 (n, n); 0 on the diagonal, where D has no inverse, and between components.
    """
    inverse = np.zeros_like(distances, dtype=np.float32)
    return np.divide(1.0, distances, out=inverse, where=distances > 0)


def coverage(hierarchy: Hierarchy, ancestor: str, chosen: Sequence[str], leaves: Sequence[str]) -> tuple[int, int]:
    """How many of the leaves at or under `ancestor` are chosen, and how many there are.

    `leaves` are the ids of all nodes of the corpus that have images.
    """
    within = hierarchy.descendants(ancestor).intersection(leaves) | {ancestor}.intersection(leaves)
    return len(within.intersection(chosen)), len(within)


class _Graph(NamedTuple):
    """Undirected links: the neighbours of node i are `neighbours[starts[i] : starts[i + 1]]`, i itself first."""

    starts: IntArray
    neighbours: IntArray


def _prune(child: IntArray, parent: IntArray, terminals: IntArray, n_nodes: int) -> tuple[IntArray, IntArray]:
    """The links that remain after dead ends other than terminals are removed repeatedly: no path leads through them."""
    while True:
        degree = np.bincount(child, minlength=n_nodes) + np.bincount(parent, minlength=n_nodes)
        degree[terminals] = 2
        used = (degree[child] > 1) & (degree[parent] > 1)
        if used.all():
            return child, parent
        child, parent = child[used], parent[used]


def _compact(child: IntArray, parent: IntArray, terminals: IntArray) -> tuple[_Graph, IntArray]:
    """The graph of the nodes that matter, numbered from 0, and the new numbers of the terminals."""
    kept, numbers = np.unique(np.concatenate([terminals, child, parent]), return_inverse=True)
    places, child, parent = np.split(numbers, [len(terminals), len(terminals) + len(child)])
    itself = np.arange(len(kept))
    node, neighbour = np.concatenate([itself, child, parent]), np.concatenate([itself, parent, child])
    order = np.argsort(node, kind="stable")
    return _Graph(np.searchsorted(node[order], itself), neighbour[order]), places


def _walk(graph: _Graph, sources: IntArray, targets: IntArray) -> FloatArray:
    """Steps (n_targets, n_sources), searching from all sources at once; inf where there is no path.

    In each round, whatever has reached a node reaches its neighbours. A distance is the number of rounds in which the
    target has not been reached yet.
    """
    reached = np.zeros((len(graph.starts), N_COLUMNS), dtype=bool)
    reached[sources, np.arange(len(sources))] = True
    bits = np.packbits(reached, axis=1).view(np.uint64)
    steps = np.zeros((len(targets), len(sources)), dtype=np.float32)
    while True:
        missing = np.unpackbits(~bits[targets].view(np.uint8), axis=1, count=len(sources))
        further = np.bitwise_or.reduceat(bits[graph.neighbours], graph.starts, axis=0)
        if np.array_equal(further, bits):
            steps[missing.view(bool)] = np.inf
            return steps
        steps += missing
        bits = further
