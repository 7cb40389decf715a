"""Laws of the cheapest cover, with every cover there is as the oracle."""

import math
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.verdict.domains import CoverTree


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Hierarchy, list[str], dict[str, int]]:
    """A tree (or several) of up to 9 nodes, some of them leaves of the corpus, and classes at some nodes."""
    n = draw(st.integers(2, 9))
    parents = [draw(st.integers(-1 if draw(st.booleans()) else 0, i - 1)) if i else -1 for i in range(n)]
    names = [f"n{i}" for i in range(n)]
    hierarchy = Hierarchy.from_rows(
        (name, () if above < 0 else (names[above],), (name,)) for name, above in zip(names, parents, strict=True)
    )
    inner = {names[above] for above in parents if above >= 0}
    leaves = [name for name in names if name not in inner or draw(st.booleans())]
    classes = {
        name: draw(st.integers(1, 4)) for name in draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    }
    return hierarchy, leaves, classes


def above(hierarchy: Hierarchy, node: str) -> set[str]:
    return {node, *hierarchy.ancestors(node)}


def bits(hierarchy: Hierarchy, leaves: list[str], classes: dict[str, int], cover: tuple[str, ...]) -> float:
    """What a cover costs, said without the tree; inf where it is none."""
    total = 0.0
    for domain in cover:
        if any(other != domain and other in above(hierarchy, domain) for other in cover):
            return math.inf
        inside = sum(n for node, n in classes.items() if domain in above(hierarchy, node))
        size = sum(domain in above(hierarchy, node) for node in hierarchy.ids)
        if not inside or (domain not in classes and 2 * size > len(hierarchy)):
            return math.inf
        n_leaves = sum(domain in above(hierarchy, leaf) for leaf in leaves)
        total += math.log2(max(len(leaves), 2)) + inside * math.log2(max(n_leaves, 1))
    covered = all(any(domain in above(hierarchy, node) for domain in cover) for node in classes)
    return total if covered else math.inf


@settings(deadline=None, max_examples=300)
@given(worlds())
def test_no_cover_is_cheaper(world) -> None:
    """The cover found costs as little as the best of all sets of nodes, and is a cover."""
    hierarchy, leaves, classes = world
    every = chain.from_iterable(combinations(hierarchy.ids, n) for n in range(1, len(classes) + 1))
    best = min(bits(hierarchy, leaves, classes, cover) for cover in every)
    found = CoverTree(hierarchy, leaves, classes).cheapest_cover()
    assert bits(hierarchy, leaves, classes, found) == pytest.approx(best)
