"""Treemaps over the hierarchy: the corpus's images, and the found classes.

In a hierarchy a node may have several parents. A treemap shows each node once, under its first parent.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.style import counted, full_name, nothing_to_draw, shortened
from fdcore.report.figures.treemap import Tree, draw_treemap

Counts = npt.NDArray[np.integer[Any]]

MAX_NODES = 2_000
ROOT = "all"  # above the roots of a hierarchy
_FOLDED, _ITSELF = "\N{NULL}other", "\N{NULL}itself"  # suffixes that no node's id has
_MAX_LISTED = 8  # classes in a hover text


class FoundClass(NamedTuple):
    """One class that was found."""

    number: int
    node: str  # id of the common ancestor of its leaves
    answer: str  # the leaves in words


def prune_tree(
    ids: Sequence[str],
    *,
    labels: Sequence[str],
    parents: Sequence[str | None],
    values: Sequence[int] | Counts,
    max_nodes: int = MAX_NODES,
) -> Tree:
    """A tree small enough to draw: the largest nodes stay, and under each of them the rest becomes "other (n)".

    Nodes without a value are left out, and so are those with a single child and no value of their own. A group with a
    value of its own gets an additional child for it. No value is lost.

    Args:
        ids: (n,) identities; of rows with the same id the first counts.
        labels: (n,) names.
        parents: (n,) id of the first parent; None, "" or an unknown id for a root.
        values: (n,) each node's own value, at least 0.
        max_nodes: the most nodes that stay, without the added ones: the common root, and at most two for each node.
    """
    own: dict[str, int] = {}
    names: dict[str, str] = {}
    above: dict[str, str] = {}
    for node, label, parent, value in zip(ids, labels, parents, np.asarray(values).tolist(), strict=True):
        if node not in own:
            own[node], names[node], above[node] = value, label, parent or ROOT
    roots = [node for node in own if above[node] not in own]
    if ROOT not in own:
        own[ROOT], names[ROOT] = 0, "all"
        max_nodes += 1
    for node in roots:
        above[node] = "" if node == ROOT else ROOT
    children = _children(above)
    total = _totals(own, children)
    drawn: dict[str, tuple[str, str, int]] = {}
    _collect(drawn, children, own, names, total, kept=_largest(total, max_nodes))
    rows = [(node, *row) for node, row in drawn.items()]
    return Tree(*zip(*rows, strict=True)) if rows else Tree((), (), (), ())


def corpus_treemap(
    ids: Sequence[str],
    *,
    labels: Sequence[str],
    parents: Sequence[str | None],
    values: Sequence[int] | Counts,
    n_images: int | None = None,
    max_depth: int | None = None,
    max_nodes: int = MAX_NODES,
    revision: str = "",
) -> go.Figure:
    """The corpus's images over the hierarchy; a click opens a group, the bar on top leads back.

    Small nodes are folded (see `prune_tree`).

    Args:
        ids: (n,) ids of every node with images and of everything above them.
        labels: (n,) names.
        parents: (n,) id of the first parent, or None.
        values: (n,) images of the node itself.
        n_images: of the whole corpus, if only a part of it is given.
        max_depth: levels shown at once; None for as many as can be read.
        max_nodes: see `prune_tree`.
    """
    tree = prune_tree(ids, labels=labels, parents=parents, values=values, max_nodes=max_nodes)
    if not tree.ids:
        return nothing_to_draw("corpus_treemap", "The corpus has no images yet.")
    whole = n_images or tree.values[0]
    hover = [
        f"{_whole_name(node, label)}<br>{counted(value, 'image')} ({value / whole:.1%} of the corpus)"
        for node, label, value in zip(tree.ids, tree.labels, tree.values, strict=True)
    ]
    text = [counted(value, "image") for value in tree.values]
    return draw_treemap("corpus_treemap", tree, text, hover, max_depth=max_depth, revision=revision)


def domain_treemap(
    found: Sequence[FoundClass],
    *,
    ids: Sequence[str],
    labels: Sequence[str],
    parents: Sequence[str | None],
    max_depth: int | None = None,
    max_nodes: int = 300,
    revision: str = "",
) -> go.Figure:
    """What the suspect seems to recognise: the found classes at their common ancestors, over the hierarchy.

    The area is the number of classes.

    Args:
        found: the classes that were found; a class whose node is not in `ids` is left out.
        ids: (n,) ids of the classes' nodes and of everything above them.
        labels: (n,) names.
        parents: (n,) id of the first parent, or None.
        max_depth: levels shown at once; None for as many as can be read.
        max_nodes: see `prune_tree`.
    """
    at: dict[str, list[FoundClass]] = defaultdict(list)
    for entry in found:
        at[entry.node].append(entry)
    seen: set[str] = set()
    values = [0 if node in seen or seen.add(node) else len(at[node]) for node in ids]  # type: ignore[func-returns-value]
    tree = prune_tree(ids, labels=labels, parents=parents, values=values, max_nodes=max_nodes)
    if not tree.ids:
        return nothing_to_draw("domain_treemap", "No class was found in this corpus.")
    text, hover = [], []
    for node, label, value in zip(tree.ids, tree.labels, tree.values, strict=True):
        here = at.get(node.removesuffix(_ITSELF), [])
        text.append(_class_numbers(here) if 0 < len(here) == value else counted(value, "class", "classes"))
        hover.append("<br>".join([_whole_name(node, label), counted(value, "class", "classes"), *_list_classes(here)]))
    return draw_treemap("domain_treemap", tree, text, hover, max_depth=max_depth, revision=revision)


def _children(above: Mapping[str, str]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = defaultdict(list)
    for node, parent in above.items():
        children[parent].append(node)
    return children


def _totals(own: Mapping[str, int], children: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The value of each node reached from the root with everything below it; children come before parents."""
    order, stack = [], [ROOT]
    while stack:
        order.append(stack.pop())
        stack.extend(children.get(order[-1], ()))
    total: dict[str, int] = {}
    for node in reversed(order):
        total[node] = own[node] + sum(total[child] for child in children.get(node, ()))
    return total


def _largest(total: Mapping[str, int], max_nodes: int) -> set[str]:
    """The ids that stay; a parent is never smaller than its child and comes earlier, so it stays too."""
    from_the_root = reversed(list(total))
    return set(sorted((node for node in from_the_root if total[node]), key=lambda node: -total[node])[:max_nodes])


def _collect(
    drawn: dict[str, tuple[str, str, int]],
    children: Mapping[str, Sequence[str]],
    own: Mapping[str, int],
    names: Mapping[str, str],
    total: Mapping[str, int],
    *,
    kept: set[str],
) -> None:
    """Fill `drawn`: id -> (label, parent, value), parents first."""
    stack = [(ROOT, "")] if ROOT in kept else []
    while stack:
        node, parent = stack.pop()
        below = [child for child in children.get(node, ()) if total[child]]
        while len(below) == 1 and not own[node] and below[0] in kept:
            node = below[0]
            below = [child for child in children.get(node, ()) if total[child]]
        drawn[node] = (names[node], parent, total[node])
        staying = [child for child in below if child in kept]
        folded = [child for child in below if child not in kept]
        if folded and (staying or own[node]):
            drawn[node + _FOLDED] = (f"other ({len(folded):,})", node, sum(total[child] for child in folded))
        if own[node] and below:
            drawn[node + _ITSELF] = (f"{names[node]} itself", node, own[node])
        stack.extend((child, node) for child in reversed(staying))


def _whole_name(node: str, label: str) -> str:
    return full_name(label, "" if "\N{NULL}" in node or node == ROOT else node)


def _class_numbers(classes: Sequence[FoundClass]) -> str:
    numbers = ", ".join(str(entry.number) for entry in classes[:6])
    return f"{'class' if len(classes) == 1 else 'classes'} {numbers}{', …' if len(classes) > 6 else ''}"


def _list_classes(classes: Sequence[FoundClass]) -> list[str]:
    lines = [f"Class {entry.number}: {shortened(entry.answer, 70)}" for entry in classes[:_MAX_LISTED]]
    more = len(classes) - _MAX_LISTED
    return [*lines, f"and {counted(more, 'class', 'classes')} more"] if more > 0 else lines
