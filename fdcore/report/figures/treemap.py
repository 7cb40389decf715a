"""Drawing a treemap: as many levels as are legible, and a colour for each large branch."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from fdcore.report.figures.style import CATEGORICAL, new_figure, shortened

_HEIGHT_PX = 520
_GROUP_COLOR = "#6B7280"  # dark enough for white names
_LIGHT, _ON_LIGHT = {"#E69F00", "#CC79A7", "#56B4E9"}, "#1B1B1B"  # on these tiles white names are hard to read
_ENOUGH_TILES, _MOST_TILES = 24, 120
_LEAST_COLORED = 0.01  # of the whole: smaller branches get no colour of their own


@dataclass(frozen=True)
class Tree:
    """Nodes of a treemap, parents before children; the first is the root.

    Attributes:
        ids: (n,) identities; added ones, for folded nodes and for a group's own images, contain a NUL character.
        labels: (n,) names, not yet inert.
        parents: (n,) the parent's id; "" for the root.
        values: (n,) the node's value, including everything below it.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    parents: tuple[str, ...]
    values: tuple[int, ...]


def draw_treemap(
    kind: str, tree: Tree, text: Sequence[str], hover: Sequence[str], *, max_depth: int | None, revision: str
) -> go.Figure:
    """Draw a tree; a click opens a group, and the bar on top leads back.

    Args:
        kind: see `style.new_figure`.
        tree: what to draw.
        text: (n,) a second line for each node, inert.
        hover: (n,) hover texts, inert.
        max_depth: levels shown at once; None for as many as are legible.
    """
    figure = new_figure(kind, height=min(_HEIGHT_PX, 130 + 60 * len(tree.ids)), revision=revision)
    n_levels = max_depth or _readable_depth(tree)
    colors = _branch_colors(tree, n_levels)
    figure.add_treemap(
        ids=tree.ids, labels=[shortened(label, 40) for label in tree.labels], parents=tree.parents, values=tree.values,
        branchvalues="total", maxdepth=n_levels, text=text, textinfo="label+text",
        hovertext=hover, hovertemplate="%{hovertext}<extra></extra>", tiling={"pad": 2},
        marker={
            "colors": colors, "line": {"width": 1}, "pad": {"t": 20, "l": 2, "r": 2, "b": 2},
        },
        textfont={"color": [_ON_LIGHT if color in _LIGHT else "white" for color in colors]},
        outsidetextfont={"color": "white"}, pathbar={"visible": True, "thickness": 22},
    )  # fmt: skip
    figure.update_layout(margin_t=36, uniformtext={"minsize": 10, "mode": "hide"})
    return figure


def _depths(tree: Tree) -> dict[str, int]:
    """The level of each node; the root has 1."""
    depth = {"": 0}
    for node, parent in zip(tree.ids, tree.parents, strict=True):
        depth[node] = depth[parent] + 1
    return depth


def _readable_depth(tree: Tree) -> int:
    """How many levels to show at once: the fewest with `_ENOUGH_TILES`, but at most `_MOST_TILES`."""
    depth = _depths(tree)
    ends = [depth[node] for node in set(tree.ids).difference(tree.parents)]
    at_level = Counter(depth[node] for node in tree.ids)
    chosen = 1
    for level in sorted(at_level):
        n_tiles = at_level[level] + sum(end < level for end in ends)
        if n_tiles > _MOST_TILES and chosen > 1:
            break
        chosen = level
        if n_tiles >= _ENOUGH_TILES:
            break
    return chosen


def _branch_colors(tree: Tree, n_levels: int) -> list[str]:
    """A colour for each large visible branch, splitting the largest while colours last; everything else is grey."""
    size, depth = dict(zip(tree.ids, tree.values, strict=True)), _depths(tree)
    enough = _LEAST_COLORED * tree.values[0]
    large: dict[str, list[str]] = defaultdict(list)
    for node, parent in zip(tree.ids, tree.parents, strict=True):
        if size[node] >= enough and depth[node] <= n_levels:
            large[parent].append(node)
    branches = [tree.ids[0]]
    while split := _split_largest(branches, large):
        branches = sorted(split, key=lambda node: -size[node])
    color = dict(zip(branches, CATEGORICAL, strict=False))
    for node, parent in zip(tree.ids, tree.parents, strict=True):
        color.setdefault(node, color.get(parent, _GROUP_COLOR))
    return [color[node] for node in tree.ids]


def _split_largest(branches: Sequence[str], large: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The branches, with the first that can be split replaced by its large children; None if colours run out.

    A single branch is always split, because one colour says nothing.
    """
    for i, node in enumerate(branches):
        below = large.get(node, ())
        if below and (len(branches) == 1 or len(branches) - 1 + len(below) <= len(CATEGORICAL)):
            return [*branches[:i], *branches[i + 1 :], *below]
    return None
