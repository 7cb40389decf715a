"""The part of the hierarchy with the candidates, as a tree from left to right."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from fdcore.report.figures.style import (
    BORDER,
    LINE,
    OTHER,
    colorscale,
    full_name,
    new_figure,
    nothing_to_draw,
    shortened,
)

_ROW_PX = 20
_DRAWN_PX, _LETTER_PX = 700, 6.2  # the least width of all levels together, and the width of a letter
_BEND = 0.1  # an edge turns this far right of its parent, in levels


class TreeNode(NamedTuple):
    """A node of the drawn part; further rows with the same id name its further parents."""

    id: str
    label: str
    parent: str | None  # id; a parent that is not among the nodes counts as None
    score: float | None  # functional score in 0..1
    is_leaf: bool  # has images of its own
    selected: bool  # belongs to the class's answer


class _Layout(NamedTuple):
    x: dict[str, float]  # level, 0 at the left
    y: dict[str, float]  # row, 0 on top
    skipped: dict[str, list[str]]  # labels between a node and its drawn parent, the highest first
    parent: dict[str, str]  # the drawn parent of each drawn node except roots
    inner: set[str]  # nodes with drawn children, and groups: their names are at their left


def hierarchy_tree(nodes: Sequence[TreeNode], *, revision: str = "") -> go.Figure:
    """Draw the tree, coloured by score; selected leaves are diamonds with an orange border and bold names.

    A node with one child and no role of its own is left out; its name is in the hover text of the next drawn node. The
    first parent of a node places it; links to others are dashed. `nodes` may come in any order; for `revision` see
    `style.new_figure`.
    """
    if not nodes:
        return nothing_to_draw("hierarchy_tree", "There are no candidates to show in the hierarchy.")
    first: dict[str, TreeNode] = {}
    for node in nodes:
        first.setdefault(node.id, node)
    further = [(n.parent, n.id) for n in nodes if n is not first[n.id] and n.parent in first and n.parent is not None]
    layout = _lay_out(first, {node for edge in further for node in edge})
    n_rows, n_levels = max(layout.y.values()) + 1, max(layout.x.values()) + 1
    figure = new_figure("hierarchy_tree", height=round(_ROW_PX * n_rows) + 112, revision=revision)
    _draw_edges(figure, layout, ((above, below) for below, above in layout.parent.items()), dash="solid")
    _draw_edges(figure, layout, (e for e in further if layout.parent.get(e[1]) != e[0]), dash="dot")
    _draw_nodes(figure, first, layout, length=max(8, int(_DRAWN_PX / n_levels / _LETTER_PX)))
    figure.update_xaxes(visible=False, range=[-0.9, n_levels - 0.9])
    figure.update_yaxes(visible=False, range=[n_rows, -1])
    longest = max((min(len(first[node].label), 32) for node in layout.x if node not in layout.inner), default=0)
    figure.update_layout(
        margin={"l": 8, "r": 24 + 7 * longest, "t": 84, "b": 8}, hovermode="closest", dragmode="pan",
        legend={"itemclick": False, "itemdoubleclick": False}, showlegend=True,
    )  # fmt: skip
    return figure


def _lay_out(first: dict[str, TreeNode], kept: set[str]) -> _Layout:
    """Ends of the tree in rows of equal height at the right, everything else in the middle of its children."""
    children: dict[str | None, list[str]] = defaultdict(list)
    for row in first.values():
        children[row.parent if row.parent in first else None].append(row.id)
    layout = _Layout({}, {}, {}, {}, set())
    stack: list[tuple[str, str | None, int]] = [(root, None, 0) for root in reversed(children[None])]
    drawn: list[str] = []
    while stack:
        node, above, level = stack.pop()
        skipped = []
        while len(children[node]) == 1 and not _has_role(first[node]) and node not in kept:
            skipped.append(first[node].label)
            node = children[node][0]
        layout.x[node], layout.skipped[node] = level, skipped
        if above is not None:
            layout.parent[node] = above
        drawn.append(node)
        stack.extend((child, node, level + 1) for child in reversed(children[node]))
    _place(layout, drawn, {node for node in drawn if _has_role(first[node])})
    return layout


def _place(layout: _Layout, drawn: Sequence[str], leaves: set[str]) -> None:
    """Rows for the ends of the tree, with leaves at the right; everything else is placed between its children."""
    below: dict[str, list[str]] = defaultdict(list)
    for node, above in layout.parent.items():
        below[above].append(node)
    layout.inner.update(below, set(drawn) - leaves)
    last = max(layout.x.values())
    for row, node in enumerate(node for node in drawn if node not in below):
        layout.y[node], layout.x[node] = row, last if node in leaves else layout.x[node]
    for node in reversed(drawn):
        if node in below:
            layout.y[node] = (layout.y[below[node][0]] + layout.y[below[node][-1]]) / 2


def _has_role(node: TreeNode) -> bool:
    return node.is_leaf or node.selected


def _draw_edges(figure: go.Figure, layout: _Layout, edges: Iterable[tuple[str, str]], *, dash: str) -> None:
    """Lines from parents to children that turn just right of the parent; dashed ones go straight."""
    x: list[float | None] = []
    y: list[float | None] = []
    for above, below in edges:
        turn = [layout.x[above] + _BEND] * 2 if dash == "solid" else []
        x += [layout.x[above], *turn, layout.x[below], None]
        y += [layout.y[above], *([layout.y[above], layout.y[below]] if turn else []), layout.y[below], None]
    if x:
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": LINE, "width": 1.2, "dash": dash}, hoverinfo="skip",
            name="further parent" if dash != "solid" else "", showlegend=dash != "solid",
        )  # fmt: skip


def _draw_nodes(figure: go.Figure, first: dict[str, TreeNode], layout: _Layout, *, length: int) -> None:
    """Markers and names, a trace for each kind of node, with and without a score."""
    kinds: dict[tuple[str, bool], list[str]] = {}
    for node in layout.x:
        kind = "Selected leaf" if first[node].selected else "Other leaf" if first[node].is_leaf else "Group"
        kinds.setdefault((kind, first[node].score is not None), []).append(node)
    named: set[str] = set()
    for (kind, scored), members in sorted(kinds.items(), reverse=True):
        figure.add_scatter(
            x=[layout.x[node] for node in members], y=[layout.y[node] for node in members], mode="markers+text",
            name=kind, text=[_name(first[node], layout, length) for node in members], cliponaxis=False,
            textposition=["middle right" if node not in layout.inner else "top left" for node in members],
            textfont={"size": 11 if kind == "Group" else 12}, marker=_marker(kind),
            hovertext=[_explain(first[node], layout) for node in members], hovertemplate="%{hovertext}<extra></extra>",
            showlegend=kind != "Group" and kind not in named,
        )  # fmt: skip
        named.add(kind)
        if scored:
            figure.data[-1].marker.update(
                color=[first[node].score for node in members], cmin=0, cmax=1, colorscale=colorscale()
            )
            _add_color_bar(figure)


def _marker(kind: str) -> dict[str, Any]:
    if kind == "Selected leaf":
        return {"symbol": "diamond", "size": 13, "color": OTHER, "line": {"color": BORDER, "width": 2}}
    size = 10 if kind == "Other leaf" else 6
    return {"symbol": "circle", "size": size, "color": OTHER, "line": {"color": LINE, "width": 1}}


def _add_color_bar(figure: go.Figure) -> None:
    """One colour bar for all traces that are coloured by score, attached to the first of them."""
    *earlier, newest = figure.data
    if not any(trace.marker.showscale for trace in earlier):
        newest.marker.showscale = True
        newest.marker.colorbar = {
            "title": {"text": "Score", "side": "top"}, "orientation": "h", "thickness": 10, "len": 0.3, "x": 1,
            "xanchor": "right", "y": 1, "yanchor": "bottom", "tickformat": ".0%", "outlinewidth": 0, "nticks": 3,
        }  # fmt: skip


def _name(node: TreeNode, layout: _Layout, length: int) -> str:
    name = shortened(node.label, 32 if node.id not in layout.inner else length)
    name = f"<b>{name}</b>" if node.selected else name
    return f" {name}" if node.id not in layout.inner else name


def _explain(node: TreeNode, layout: _Layout) -> str:
    lines = [full_name(node.label, node.id)]
    if node.score is not None:
        lines.append(f"Score: {node.score:.1%}")
    if node.selected:
        lines.append("Selected")
    if layout.skipped[node.id]:
        lines.append(f"Above it, not drawn: {shortened(' > '.join(layout.skipped[node.id]), 110)}")
    return "<br>".join(lines)
