"""From classes to domains: the few parts of the hierarchy that the found classes lie in.

Which parts is a question of how finely to speak: "animal" for all, or "dog", "cat" and "bird" each. It is answered by
minimum description length (Rissanen 1978): naming a domain costs log2(leaves of the corpus) bits, and saying where in
its domain a class lies costs log2(leaves under the domain) bits. The cheapest way of saying where all classes lie is
the answer. A domain must say something: nodes that hold more than half of the whole hierarchy ("entity") are none.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fdcore.artefacts import ClassFinding
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.neighbourhood import tree_above
from fdcore.scores import Scores

MAX_SHARE = 0.5  # of the hierarchy's nodes that a domain may hold


@dataclass(frozen=True)
class Domain:
    """A part of the hierarchy that some of the found classes lie in.

    Attributes:
        node: its id; None for classes that no hierarchy holds, which go by their corpus folder.
        label: what it is called. Text from outside.
        classes: numbers of the found classes at or under it, in increasing order.
        n_leaves: leaves of the corpus at or under it.
        n_selected: how many of these are in the answer of any of its classes.
    """

    node: str | None
    label: str
    classes: tuple[int, ...]
    n_leaves: int
    n_selected: int


@dataclass(frozen=True)
class Part:
    """A node of the hierarchy above the corpus' leaves and how much of it the answers cover, as for a treemap.

    Attributes:
        node: its id.
        parent: id of the part that holds it; None at the top.
        label: what it is called. Text from outside.
        n_leaves: leaves of the corpus at or under it.
        n_selected: how many of them are in the answer of any class.
        n_classes: found classes that are named by it or by something under it.
    """

    node: str
    parent: str | None
    label: str
    n_leaves: int
    n_selected: int
    n_classes: int


def find_domains(findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> tuple[Domain, ...]:
    """The domains of the found classes, that with the most classes first; none where nothing was found."""
    named: dict[str, list[int]] = defaultdict(list)
    elsewhere: dict[str, list[int]] = defaultdict(list)
    for finding in findings:
        if finding.selection.winner is None or finding.name is None:
            continue
        target, node = finding.selection.target_class, finding.name.ancestor
        if node is None:  # chosen by hand: leaves that have nothing in common
            elsewhere[finding.name.label].append(target)
        elif (folder := _folder_of(hierarchy, node)) is not None:
            elsewhere[folder].append(target)
        else:
            named[node].append(target)
    tree = CoverTree(hierarchy, scores.nodes, {node: len(classes) for node, classes in named.items()})
    selected = _selected_leaves(findings, scores)
    found = [_domain_at(node, tree, named, hierarchy, selected) for node in tree.cheapest_cover()]
    found += [_domain_of_folder(label, classes, scores, selected) for label, classes in elsewhere.items()]
    return tuple(sorted(found, key=lambda domain: (-len(domain.classes), domain.classes)))


def cover_parts(findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> tuple[Part, ...]:
    """Every node above the corpus' leaves and the found classes' names, and how much of it is covered; parents first.

    Each node hangs where its shortest way to a root leads, so that the parts of one node do not overlap.
    """
    names = [finding.name.ancestor for finding in findings if finding.name and finding.name.ancestor]
    parent = tree_above(hierarchy, [*scores.nodes, *names])
    leaves = _sums_upwards(parent, dict.fromkeys(scores.nodes, 1))
    selected = _sums_upwards(parent, dict.fromkeys(_selected_leaves(findings, scores), 1))
    classes: dict[str, int] = defaultdict(int)
    for node in names:
        classes[node] += 1
    n_classes = _sums_upwards(parent, classes)
    return tuple(
        Part(node, parent[node], hierarchy.label(node), leaves[node], selected[node], n_classes[node])
        for node in _parents_first(parent)
    )


class CoverTree:
    """The tree above some nodes, and what it costs to say where they lie.

    Args:
        hierarchy: the corpus' hierarchy.
        leaves: ids of all leaves of the corpus.
        n_classes: how many classes lie at each of the nodes to be covered.
    """

    def __init__(self, hierarchy: Hierarchy, leaves: Sequence[str], n_classes: Mapping[str, int]) -> None:
        self._hierarchy, self._leaves, self.n_classes = hierarchy, frozenset(leaves), n_classes
        self.parent = tree_above(hierarchy, list(n_classes))
        self._n_leaves: dict[str, int] = {}

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """The nodes right below each, in the order in which they were met."""
        below: dict[str, list[str]] = {node: [] for node in self.parent}
        for node, above in self.parent.items():
            if above is not None:
                below[above].append(node)
        return below

    def n_leaves(self, node: str) -> int:
        """Leaves of the corpus at or under a node, on any way."""
        if node not in self._n_leaves:
            under = self._hierarchy.descendants(node)
            self._n_leaves[node] = len(self._leaves & under) + (node in self._leaves)
        return self._n_leaves[node]

    def may_be_domain(self, node: str) -> bool:
        """Whether a node says something: it holds at most half of the hierarchy, or it is itself what a class is."""
        return node in self.n_classes or len(self._hierarchy.descendants(node)) + 1 <= MAX_SHARE * len(self._hierarchy)

    def cost(self, node: str, n_classes: int) -> float:
        """Bits for a domain at this node with so many classes in it."""
        return math.log2(max(len(self._leaves), 2)) + n_classes * math.log2(max(self.n_leaves(node), 1))

    def cheapest_cover(self) -> tuple[str, ...]:
        """The nodes, none above another, that hold all classes at the least cost; of equal covers the more general.

        Exact, by dynamic programming from the leaves of the tree upwards: below a node, either it is a domain itself or
        the best covers of its children stay.
        """
        total = _sums_upwards(self.parent, self.n_classes)
        bits: dict[str, float] = {}
        stays: set[str] = set()  # nodes that are better as a domain than split
        for node in reversed(_parents_first(self.parent)):
            below = self.children[node]
            split = sum(bits[child] for child in below) if node not in self.n_classes else math.inf
            whole = self.cost(node, total[node]) if self.may_be_domain(node) else math.inf
            bits[node] = min(split, whole)
            if whole <= split * (1 + 1e-12):
                stays.add(node)
        cover: list[str] = []
        waiting = [node for node, above in self.parent.items() if above is None]
        while waiting:
            node = waiting.pop()
            if node in stays:
                cover.append(node)
            else:
                waiting += self.children[node]
        return tuple(_lowest(node, self.children, self.n_classes) for node in cover)


def _lowest(node: str, children: Mapping[str, list[str]], n_classes: Mapping[str, int]) -> str:
    """The same domain as low as it goes: down while all of its classes lie below a single child."""
    while node not in n_classes and len(children[node]) == 1:
        node = children[node][0]
    return node


def _parents_first(parent: Mapping[str, str | None]) -> list[str]:
    below: dict[str | None, list[str]] = defaultdict(list)
    for node, above in parent.items():
        below[above].append(node)
    order = list(below[None])
    for node in order:  # grows while it is walked through
        order += below[node]
    return order


def _sums_upwards(parent: Mapping[str, str | None], values: Mapping[str, int]) -> dict[str, int]:
    """The sum of values at and below each node of a tree."""
    total = {node: values.get(node, 0) for node in parent}
    for node in reversed(_parents_first(parent)):
        above = parent[node]
        if above is not None:
            total[above] += total[node]
    return total


def _folder_of(hierarchy: Hierarchy, node: str) -> str | None:
    """The corpus folder of a node that no hierarchy holds; None for all others.

    Such a node has neither parents nor children, and its id is "<folder>/<class>" (see `fdcore.corpus.layouts`).
    """
    folder, slash, _ = node.partition("/")
    alone = slash and not hierarchy.parents(node) and not hierarchy.children(node)
    return folder if alone else None


def _selected_leaves(findings: Sequence[ClassFinding], scores: Scores) -> set[str]:
    winners = (finding.selection.winner for finding in findings)
    return {scores.nodes[leaf] for winner in winners if winner for leaf in winner.members}


def _domain_at(
    node: str, tree: CoverTree, named: Mapping[str, list[int]], hierarchy: Hierarchy, selected: set[str]
) -> Domain:
    below, classes = [node], []
    for inner in below:  # grows while it is walked through
        below += tree.children[inner]
        classes += named.get(inner, [])
    n_selected = len(selected & hierarchy.descendants(node)) + (node in selected)
    return Domain(node, hierarchy.label(node), tuple(sorted(classes)), tree.n_leaves(node), n_selected)


def _domain_of_folder(label: str, classes: list[int], scores: Scores, selected: set[str]) -> Domain:
    inside = {node for node in scores.nodes if node.startswith(f"{label}/")}
    return Domain(None, label, tuple(sorted(classes)), len(inside), len(inside & selected))
