"""Leaves that an analyst placed below a node: one domain, whatever else the corpus holds."""

import numpy as np
import pytest
from verdict_world import finding, make_scores, verdict_on

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.selection import ClassSelection, Cluster
from fdcore.verdict import find_domains, verdict_in_words

SIGNS = tuple(f"signs/{i:02}" for i in range(12))
KINDS = ("dog", "cat", "van")
NATIVE = Hierarchy.from_rows(
    [("thing", (), ("thing",)), ("sign", ("thing",), ("street sign",))]
    + [(kind, ("thing",), (kind,)) for kind in (*KINDS, *(f"other{i}" for i in range(30)))]
)


def placed(under: str | None, leaves: tuple[str, ...] = SIGNS) -> Hierarchy:
    """The world with a folder's leaves below a node, as `fdcore.corpus.layouts` places them; None makes them roots."""
    return NATIVE.with_children((leaf, under, leaf.split("/")[1]) for leaf in leaves)


def one_leaf_each(n_found: int = 12, n_classes: int = 12):
    """Scores in which each of the first classes answers one sign, and no other leaf gets an answer often."""
    shares = np.full((n_classes, len(SIGNS)), 0.1 / n_classes)
    shares[range(n_found), range(n_found)] += 0.9
    return make_scores(shares, nodes=SIGNS)


def test_leaves_placed_below_a_node_are_one_domain():
    """Also where the corpus holds nothing else, so that naming each leaf would be cheaper."""
    verdict = verdict_on(one_leaf_each(10), placed("sign"))
    [domain] = verdict.domains
    assert (domain.kind, domain.node, domain.label, len(domain.classes)) == ("node", "sign", "street sign", 10)
    assert (domain.n_selected, domain.n_leaves, domain.n_placed) == (10, 12, 12)
    assert "data from street sign (10 of 12 classes); 2 classes were not found" in verdict.headline
    assert "12 of which were placed there by hand" in verdict_in_words(verdict)


def test_a_class_named_by_the_node_itself_is_in_the_same_domain():
    """Several signs of one class have the node as their name."""
    scores, world = one_leaf_each(), placed("sign")
    several = ClassSelection(11, (10, 11), (Cluster(10, (10, 11), 0.5, 0.4, 0.6, 0.5, 0.5, 0.5),))
    single = [ClassSelection(i, (i,), (Cluster(i, (i,), 0.9, 0.8, 1.0, 0.9, 0.0, 0.6),)) for i in range(3)]
    found = [finding(each, scores, world) for each in (*single, several)]
    assert [(each.label, each.classes) for each in find_domains(found, scores, world)] == [
        ("street sign", (0, 1, 2, 11))
    ]


def test_native_leaves_keep_their_own_domains():
    """Only what was placed by hand lies at its node; a dog beside the signs is a dog."""
    nodes = (*SIGNS[:3], *KINDS)
    scores = make_scores(np.eye(6) * 0.9, nodes=nodes)
    found = [
        finding(ClassSelection(i, (i,), (Cluster(i, (i,), 0.9, 0.8, 1.0, 0.9, 0.0, 0.6),)), scores, placed("sign"))
        for i in (0, 1, 2, 3)
    ]
    domains = find_domains(found, scores, placed("sign"))
    assert [(each.label, each.classes, each.n_placed) for each in domains] == [
        ("street sign", (0, 1, 2), 3), ("dog", (3,), 0),
    ]  # fmt: skip


@pytest.mark.parametrize("under", [None, "thing"])
def test_leaves_below_a_node_that_says_nothing_are_called_after_their_folder(under):
    """As those that were placed nowhere."""
    [domain] = verdict_on(one_leaf_each(), placed(under)).domains
    assert (domain.kind, domain.label, len(domain.classes), domain.n_placed) == ("folder", "signs", 12, 0)


def test_ids_that_are_paths_are_not_taken_for_placed_leaves():
    """In a hierarchy of the analyst's own, "pets/dog" below "pets" is a kind like any other."""
    nodes = ("pets/cat", "pets/dog", "pets/fish")
    rows = [("all", (), ("all",)), ("pets", ("all",), ("pets",)), *((f"x{i}", ("all",), ()) for i in range(9))]
    world = Hierarchy.from_rows([*rows, *((node, ("pets",), (node[5:],)) for node in nodes)])
    domains = verdict_on(make_scores(np.eye(3) * 0.9, nodes=nodes), world).domains
    assert [domain.label for domain in domains] == ["cat", "dog", "fish"]
