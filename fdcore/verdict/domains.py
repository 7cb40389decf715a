"""From classes to domains: the few parts of the hierarchy that the found classes lie in.

Which parts is a question of how finely to speak: "animal" for all, or "dog", "cat" and "bird" each. It is answered by
minimum description length (Rissanen 1978): naming a domain costs log2(leaves of the corpus) bits, and saying where in
its domain a class lies costs log2(leaves under the domain) bits. The cheapest way of saying where all classes lie is
the answer.

One general class must not swallow the others. A domain must say something: nodes that hold more than half of the whole
hierarchy ("entity") are none, and a class that is named so is too general to be placed. A class whose name promises far
more than its leaves are ("artifact" for three of a hundred) has no say in where the others lie. And what any other
class is named by may hold that class alone, while those below it go elsewhere.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import ClassFinding
from fdcore.method.naming import Name
from fdcore.method.neighbourhood import tree_above
from fdcore.method.scores import Scores
from fdcore.verdict.weak_points import promises_too_much

MAX_SHARE = 0.5  # of the hierarchy's nodes that a domain may hold

Kind = Literal["node", "folder", "leaves", "too general"]
Cover = Mapping[str, tuple[str, ...]]  # the nodes that each domain holds, by the domain's node


@dataclass(frozen=True)
class Domain:
    """What some of the found classes have in common.

    Attributes:
        kind: "node" for a part of the hierarchy; "folder" for classes that no hierarchy holds, which go by their
            corpus folder; "leaves" for a class of unrelated leaves, chosen by hand; "too general" for a class whose
            name holds more than `MAX_SHARE` of the hierarchy.
        node: id of what it is called by; None for "folder" and "leaves".
        label: what it is called. Text from outside.
        classes: numbers of the found classes in it, in increasing order. Each is in one domain only: where a domain
            lies under another, its classes are not among the other's.
        n_leaves: leaves of the corpus at or under it.
        n_selected: how many of these are in the answer of any of its classes.
        above_others: whether another domain lies under it, so that its name alone would promise too much.
    """

    kind: Kind
    node: str | None
    label: str
    classes: tuple[int, ...]
    n_leaves: int
    n_selected: int
    above_others: bool = False


def find_domains(findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> tuple[Domain, ...]:
    """The domains of the found classes, that with the most classes first, what is too general last."""
    groups: dict[tuple[Kind, str], list[ClassFinding]] = defaultdict(list)
    named: list[ClassFinding] = []
    for finding in findings:
        if finding.selection.winner is None or finding.name is None:
            continue
        kind, called = _kind_of(finding.name, hierarchy)
        if kind == "node":
            named.append(finding)
        else:
            groups[kind, called].append(finding)
    for node, held in _placed(named, scores, hierarchy).items():
        groups["node", node] = held
    found = [_domain(kind, called, inside, scores, hierarchy) for (kind, called), inside in groups.items()]
    nodes = {domain.node for domain in found if domain.kind == "node" and domain.node}
    found = [replace(each, above_others=_is_above(each, nodes, hierarchy)) for each in found]
    return tuple(sorted(found, key=lambda each: (each.kind == "too general", -len(each.classes), each.classes)))


def _is_above(domain: Domain, nodes: set[str], hierarchy: Hierarchy) -> bool:
    """Whether any of the nodes lies under a domain."""
    return domain.node is not None and not nodes.isdisjoint(hierarchy.descendants(domain.node))


def says_nothing(hierarchy: Hierarchy, node: str) -> bool:
    """Whether a node holds so much of the hierarchy that its name tells nothing."""
    below = hierarchy.descendants(node)
    return bool(below) and len(below) + 1 > MAX_SHARE * len(hierarchy)


def _kind_of(name: Name, hierarchy: Hierarchy) -> tuple[Kind, str]:
    """How a found class is placed, and the node, folder or label by which."""
    node = name.ancestor
    if node is None:  # chosen by hand: leaves that have nothing in common
        return "leaves", name.label
    if (folder := _folder_of(hierarchy, node)) is not None:
        return "folder", folder
    return ("too general" if says_nothing(hierarchy, node) else "node"), node


def _placed(named: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> dict[str, list[ClassFinding]]:
    """The classes of each domain that is a node.

    Classes whose names promise too much come second: into a domain that is there, or else among themselves.
    """
    narrow = _by_node(finding for finding in named if not _promises_too_much(finding))
    broad = _by_node(finding for finding in named if _promises_too_much(finding))
    placed = _covered(narrow, scores, hierarchy)
    alone: dict[str, list[ClassFinding]] = {}
    for node, classes in broad.items():
        above = placed.keys() & {node, *hierarchy.ancestors(node)}
        if above:
            placed[min(above, key=lambda each: (len(hierarchy.descendants(each)), each))] += classes
        else:
            alone[node] = classes
    return placed | _covered(alone, scores, hierarchy)


def _promises_too_much(finding: ClassFinding) -> bool:
    return finding.name is not None and promises_too_much(finding.name)


def _by_node(findings: Iterable[ClassFinding]) -> dict[str, list[ClassFinding]]:
    groups: dict[str, list[ClassFinding]] = defaultdict(list)
    for finding in findings:
        if finding.name and finding.name.ancestor:
            groups[finding.name.ancestor].append(finding)
    return groups


def _covered(
    groups: Mapping[str, list[ClassFinding]], scores: Scores, hierarchy: Hierarchy
) -> dict[str, list[ClassFinding]]:
    """The classes of each domain of the cheapest cover."""
    tree = CoverTree(hierarchy, scores.nodes, {node: len(classes) for node, classes in groups.items()})
    return {
        domain: [finding for node in nodes for finding in groups[node]]
        for domain, nodes in tree.cheapest_cover().items()
    }


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
        """Whether a node may hold others than itself."""
        return not says_nothing(self._hierarchy, node)

    def cost(self, node: str, n_classes: int) -> float:
        """Bits for a domain at this node with so many classes in it."""
        return math.log2(max(len(self._leaves), 2)) + n_classes * math.log2(max(self.n_leaves(node), 1))

    def cheapest_cover(self) -> Cover:
        """The domains that hold all classes at the least cost; of equal covers the more general.

        A domain holds all classes at or under it that no domain below it holds. Domains lie below another only where
        that one holds nothing but the classes that are named by it.

        Exact, by dynamic programming from the leaves of the tree upwards: below a node, either it holds everything, or
        the best covers of its children stay and it holds its own classes, if it has any.
        """
        total = _sums_upwards(self.parent, self.n_classes)
        bits: dict[str, float] = {}
        whole: set[str] = set()  # nodes that are better as a domain than split
        for node in reversed(_parents_first(self.parent)):
            own = self.cost(node, self.n_classes[node]) if node in self.n_classes else 0.0
            split = own + sum(bits[child] for child in self.children[node])
            together = self.cost(node, total[node]) if self.may_be_domain(node) else math.inf
            bits[node] = min(split, together)
            if together <= split * (1 + 1e-12):
                whole.add(node)
        return self._cover_of(whole)

    def _cover_of(self, whole: set[str]) -> Cover:
        """The domains, walking down from the top until a node that is one as a whole."""
        cover: dict[str, tuple[str, ...]] = {}
        waiting = [node for node, above in self.parent.items() if above is None]
        while waiting:
            node = waiting.pop()
            if node in whole:
                cover[_lowest(node, self.children, self.n_classes)] = self._named_under(node)
                continue
            if node in self.n_classes:
                cover[node] = (node,)
            waiting += self.children[node]
        return cover

    def _named_under(self, top: str) -> tuple[str, ...]:
        """The nodes at or under one that classes are named by."""
        inside = [top]
        for node in inside:  # grows while it is walked through
            inside += self.children[node]
        return tuple(node for node in inside if node in self.n_classes)


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


def _domain(kind: Kind, called: str, inside: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> Domain:
    """A domain by its node, folder or label, and the classes in it."""
    winners = [finding.selection.winner for finding in inside if finding.selection.winner]
    selected = {scores.nodes[leaf] for winner in winners for leaf in winner.members}
    if kind == "folder":
        leaves = {node for node in scores.nodes if node.startswith(f"{called}/")}
    elif kind == "leaves":
        leaves = selected
    else:
        leaves = ({called} | hierarchy.descendants(called)) & set(scores.nodes)
    by_node = kind in ("node", "too general")
    return Domain(
        kind=kind,
        node=called if by_node else None,
        label=hierarchy.label(called) if by_node else called,
        classes=tuple(sorted(finding.selection.target_class for finding in inside)),
        n_leaves=len(leaves),
        n_selected=len(leaves & selected),
    )
