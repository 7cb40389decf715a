"""From classes to domains: the few parts of the hierarchy that the found classes lie in.

How fine the parts are ("animal" for all, or "dog", "cat" and "bird") is decided by minimum description length (Rissanen
1978): naming a domain costs log2(leaves of the corpus) bits, and locating a class in its domain costs log2(leaves under
the domain) bits. The cheapest description of where all classes lie is chosen.

One general class must not swallow the others. A domain must be informative: nodes that hold more than half of the whole
hierarchy ("entity") are not domains, and a class with such a name is too general to be placed. A class whose name
covers far more than its leaves ("artifact" for three of a hundred) has no influence on where the others lie. The node
that names any other class may hold that class alone, while those below it belong to other domains.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from fdcore.corpus.generated import is_generated
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import ClassFinding
from fdcore.method.naming import Name
from fdcore.method.neighbourhood import tree_above
from fdcore.method.scores import Scores
from fdcore.method.weaknesses import is_catch_all, share_elsewhere
from fdcore.verdict.weak_points import promises_too_much

MANY = 100  # classes: with so many, an even split of everything does not explain a large share
MAX_SHARE = 0.5  # of the hierarchy's nodes that a domain may hold

Kind = Literal["node", "folder", "leaves", "too general"]
Cover = Mapping[str, tuple[str, ...]]  # the nodes that each domain holds, by the domain's node


@dataclass(frozen=True)
class Domain:
    """What some of the found classes have in common.

    Attributes:
        kind: "node" for a part of the hierarchy; "folder" for classes outside any hierarchy, named by their corpus
            folder; "leaves" for a class of unrelated leaves, chosen by hand; "too general" for a class whose name
            covers more than `MAX_SHARE` of the hierarchy.
        node: id of the node that names it; None for "folder" and "leaves".
        label: its name. Untrusted text.
        classes: numbers of the found classes in it, in increasing order. Each is in one domain only: where a domain
            lies under another, its classes are not among the other's.
        n_leaves: leaves of the corpus at or under it.
        n_selected: how many of these are in the answer of any of its classes.
        above_others: whether another domain lies under it, so that its name alone would cover too much.
        n_placed: how many of `n_leaves` the analyst placed directly below the node, with a folder of the corpus.
        n_generated: how many of `n_selected` hold generated pictures.
    """

    kind: Kind
    node: str | None
    label: str
    classes: tuple[int, ...]
    n_leaves: int
    n_selected: int
    above_others: bool = False
    n_placed: int = 0
    n_generated: int = 0


def find_domains(findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> tuple[Domain, ...]:
    """The domains of the found classes, most classes first; those that are too general come last.

    A class that `takes_in_much` is in none.
    """
    groups: dict[tuple[Kind, str], list[ClassFinding]] = defaultdict(list)
    named: list[ClassFinding] = []
    for finding in findings:
        if finding.selection.winner is None or finding.name is None or takes_in_much(finding, scores):
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
    found = [replace(each, above_others=bool(each.node and nodes & hierarchy.descendants(each.node))) for each in found]
    return tuple(sorted(found, key=lambda each: (each.kind == "too general", -len(each.classes), each.classes)))


def takes_in_much(finding: ClassFinding, scores: Scores) -> bool:
    """Whether a class is found but names no domain: one of two classes, and given for much of everything.

    Each of two classes must answer what the other does not, so that alone is no weakness of its L. But where it answers
    a quarter of everything else, many leaves score as high as its answer, and which of them won is an accident. So the
    limits are those that a catch-all among many classes is known by.
    """
    winner, target_class = finding.selection.winner, finding.selection.target_class
    if winner is None or scores.n_classes != 2:
        return False
    return is_catch_all(winner.functional, share_elsewhere(scores, target_class, winner.members), n_classes=MANY)


def says_nothing(hierarchy: Hierarchy, node: str) -> bool:
    """Whether a node covers so much of the hierarchy that its name is uninformative."""
    below = hierarchy.descendants(node)
    return bool(below) and len(below) + 1 > MAX_SHARE * len(hierarchy)


def _kind_of(name: Name, hierarchy: Hierarchy) -> tuple[Kind, str]:
    """The kind of domain for a found class, and the node, folder or label that names it."""
    node = name.ancestor
    if node is None:  # unrelated leaves, chosen by hand
        return "leaves", name.label
    if folder := _folder_of(hierarchy, node):
        above = hierarchy.parents(node)
        if not above or says_nothing(hierarchy, above[0]):
            return "folder", folder
        node = above[0]
    return ("too general" if says_nothing(hierarchy, node) else "node"), node


def _placed(named: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> dict[str, list[ClassFinding]]:
    """The classes of each domain that is a node.

    Classes whose names cover too much come second: they join an existing domain, or else form their own.
    """
    narrow = _by_node((finding for finding in named if not _promises_too_much(finding)), hierarchy)
    broad = _by_node((finding for finding in named if _promises_too_much(finding)), hierarchy)
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


def _by_node(findings: Iterable[ClassFinding], hierarchy: Hierarchy) -> dict[str, list[ClassFinding]]:
    groups: dict[str, list[ClassFinding]] = defaultdict(list)
    for finding in findings:
        if finding.name:
            groups[_kind_of(finding.name, hierarchy)[1]].append(finding)
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
    """The tree above some nodes, and the cost of describing where they lie.

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
        """The children of each node, in the order in which they were found."""
        below: dict[str, list[str]] = {node: [] for node in self.parent}
        for node, above in self.parent.items():
            if above is not None:
                below[above].append(node)
        return below

    def n_leaves(self, node: str) -> int:
        """Leaves of the corpus at or under a node, by any path."""
        if node not in self._n_leaves:
            under = self._hierarchy.descendants(node)
            self._n_leaves[node] = len(self._leaves & under) + (node in self._leaves)
        return self._n_leaves[node]

    def may_be_domain(self, node: str) -> bool:
        """Whether a node may hold other classes than its own."""
        return not says_nothing(self._hierarchy, node)

    def cost(self, node: str, n_classes: int) -> float:
        """Bits for a domain at this node with this many classes."""
        return math.log2(max(len(self._leaves), 2)) + n_classes * math.log2(max(self.n_leaves(node), 1))

    def cheapest_cover(self) -> Cover:
        """The domains that hold all classes at the lowest cost; of equal covers, the more general.

        A domain holds all classes at or under it that no domain below it holds. Domains lie below another only where
        that one holds nothing but the classes it names.

        Exact, by dynamic programming from the bottom of the tree upwards: a node either holds everything below it, or
        keeps its own classes, if any, and the best covers of its children.
        """
        total: dict[str, int] = {}  # the classes at and below each node
        bits: dict[str, float] = {}
        whole: set[str] = set()  # nodes that cost less as one domain than split
        for node in reversed(self._under(*self._tops)):
            total[node] = self.n_classes.get(node, 0) + sum(total[child] for child in self.children[node])
            own = self.cost(node, self.n_classes[node]) if node in self.n_classes else 0.0
            split = own + sum(bits[child] for child in self.children[node])
            together = self.cost(node, total[node]) if self.may_be_domain(node) else math.inf
            bits[node] = min(split, together)
            if together <= split * (1 + 1e-12):
                whole.add(node)
        return self._cover_of(whole)

    def _cover_of(self, whole: set[str]) -> Cover:
        """The domains, walking down from the top to each node that is a domain as a whole."""
        cover: dict[str, tuple[str, ...]] = {}
        waiting = self._tops
        while waiting:
            node = waiting.pop()
            if node in whole:
                named = tuple(below for below in self._under(node) if below in self.n_classes)
                cover[_lowest(node, self.children, self.n_classes)] = named
                continue
            if node in self.n_classes:
                cover[node] = (node,)
            waiting += self.children[node]
        return cover

    @property
    def _tops(self) -> list[str]:
        return [node for node, above in self.parent.items() if above is None]

    def _under(self, *tops: str) -> list[str]:
        """The nodes at or under some, parents first."""
        inside = list(tops)
        for node in inside:  # grows during the loop
            inside += self.children[node]
        return inside


def _lowest(node: str, children: Mapping[str, list[str]], n_classes: Mapping[str, int]) -> str:
    """The lowest node for the same domain: down while all of its classes lie below a single child."""
    while node not in n_classes and len(children[node]) == 1:
        node = children[node][0]
    return node


def _folder_of(hierarchy: Hierarchy, node: str) -> str:
    """The corpus folder of a leaf that no hierarchy names; empty for all other nodes.

    Its id is "<folder>/<class>" (see `fdcore.corpus.layouts`), and it is a root, or a child of the node below which the
    analyst placed the folder. In a hierarchy whose own ids are paths, the parent's id begins with the folder too.
    """
    folder, slash, _ = node.partition("/")
    named = any(parent.split("/")[0] == folder for parent in hierarchy.parents(node))
    return folder if slash and not named and not hierarchy.children(node) else ""


def _domain(kind: Kind, called: str, inside: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> Domain:
    """The domain of some classes, named by its node, folder or label."""
    winners = [finding.selection.winner for finding in inside if finding.selection.winner]
    selected = {scores.nodes[leaf] for winner in winners for leaf in winner.members}
    if kind == "folder":
        leaves = {node for node in scores.nodes if node.startswith(f"{called}/")}
    elif kind == "leaves":
        leaves = selected
    else:
        leaves = ({called} | hierarchy.descendants(called)) & set(scores.nodes)
    by_node = kind in ("node", "too general")
    generated = set(filter(is_generated, leaves))
    own = {leaf for leaf in leaves - generated if _folder_of(hierarchy, leaf)}
    placed = {leaf for leaf in own if by_node and called in hierarchy.parents(leaf)}
    return Domain(
        kind=kind,
        node=called if by_node else None,
        label=hierarchy.label(called) if by_node else called,
        classes=tuple(sorted(finding.selection.target_class for finding in inside)),
        n_leaves=len(leaves),
        n_selected=len(leaves & selected),
        n_placed=len(placed),
        n_generated=len(generated & selected),
    )
