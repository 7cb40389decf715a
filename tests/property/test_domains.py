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


def bits(hierarchy: Hierarchy, leaves: list[str], classes: dict[str, int], whole: tuple[str, ...]) -> float:
    """What it costs to let these nodes hold all at or under them, and what is left stand alone; inf if not allowed."""
    total = 0.0
    for domain in whole:
        size = sum(domain in above(hierarchy, node) for node in hierarchy.ids)
        if any(other != domain and other in above(hierarchy, domain) for other in whole):
            return math.inf
        if size > 1 and 2 * size > len(hierarchy):
            return math.inf
        inside = sum(n for node, n in classes.items() if domain in above(hierarchy, node))
        total += price(hierarchy, leaves, domain, inside) if inside else math.inf
    alone = {node: n for node, n in classes.items() if not above(hierarchy, node) & set(whole)}
    return total + sum(price(hierarchy, leaves, node, n) for node, n in alone.items())


def price(hierarchy: Hierarchy, leaves: list[str], domain: str, n_classes: int) -> float:
    """Bits for one domain with so many classes."""
    n_leaves = sum(domain in above(hierarchy, leaf) for leaf in leaves)
    return math.log2(max(len(leaves), 2)) + n_classes * math.log2(max(n_leaves, 1))


@settings(deadline=None, max_examples=100)
@given(worlds())
def test_no_cover_is_cheaper(world) -> None:
    """The cover found costs as little as the best of all there are."""
    hierarchy, leaves, classes = world
    every = chain.from_iterable(combinations(hierarchy.ids, n) for n in range(len(classes) + 1))
    best = min(bits(hierarchy, leaves, classes, whole) for whole in every)
    found = CoverTree(hierarchy, leaves, classes).cheapest_cover()
    cost = sum(price(hierarchy, leaves, domain, sum(classes[node] for node in held)) for domain, held in found.items())
    assert cost == pytest.approx(best)


@settings(deadline=None, max_examples=100)
@given(worlds())
def test_every_class_is_in_one_domain_at_or_above_it(world) -> None:
    """Nothing is lost or held twice, and a domain above another holds nothing but its own name's classes."""
    hierarchy, leaves, classes = world
    found = CoverTree(hierarchy, leaves, classes).cheapest_cover()
    assert sorted(node for held in found.values() for node in held) == sorted(classes)
    for domain, held in found.items():
        assert all(domain in above(hierarchy, node) for node in held)
        if any(other != domain and domain in above(hierarchy, other) for other in found):
            assert held == (domain,)


@settings(deadline=None, max_examples=100)
@given(worlds())
def test_a_node_that_says_nothing_holds_no_other(world) -> None:
    """What holds more than half of the hierarchy stands for the classes named so, and for no others."""
    hierarchy, leaves, classes = world
    for domain, held in CoverTree(hierarchy, leaves, classes).cheapest_cover().items():
        size = sum(domain in above(hierarchy, node) for node in hierarchy.ids)
        assert held == (domain,) or 2 * size <= len(hierarchy)
