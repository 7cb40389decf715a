"""Figures of scores: a class's leaves, all classes together, and the answers to the test query."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.matrix import block_names, block_starts, draw_matrix
from fdcore.report.figures.style import (
    ACCENT,
    GRID,
    LINE,
    MUTED,
    ROW_PX,
    counted,
    full_name,
    new_figure,
    nothing_to_draw,
    row_axis,
    shortened,
    tell_apart,
)

Shares = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.integer[Any]]

MAX_ANSWERS = 20


def leaf_ranking(
    labels: Sequence[str],
    *,
    ids: Sequence[str],
    functional: Shares,
    low: Shares,
    high: Shares,
    n_queries: Counts,
    tau: float,
    selected: Collection[str] = (),
    revision: str = "",
) -> go.Figure:
    """A class's leaves in the order given, each with its score and 95 % interval.

    Args:
        labels, ids: (n,) of the leaves.
        functional: (n,) shares in 0..1.
        low, high: (n,) ends of the intervals.
        n_queries: (n,) views answered.
        tau: the least share of a candidate, drawn as a dashed line.
        selected: ids of the leaves in the class's answer.
    """
    if not len(labels):
        return nothing_to_draw("leaf_ranking", "No leaf has a score here.")
    figure = new_figure("leaf_ranking", height=ROW_PX * len(labels) + 112, revision=revision)
    chosen = np.array([node in selected for node in ids])
    hover = [
        f"{full_name(*named)}<br>{share:.1%} of {counted(int(n), 'view')}"
        f"<br>95 % interval: {at_least:.1%} to {most:.1%}"
        for *named, share, n, at_least, most in zip(labels, ids, functional, n_queries, low, high, strict=True)
    ]
    for name, rows, color in (("Selected", chosen, ACCENT), ("Other leaves", ~chosen, MUTED)):
        if rows.any():
            figure.add_bar(
                x=functional[rows], y=np.flatnonzero(rows), orientation="h", name=name, marker_color=color, width=0.7,
                error_x={
                    "array": (high - functional)[rows], "arrayminus": (functional - low)[rows],
                    "color": LINE, "thickness": 1.5, "width": 4,
                },
                hovertext=[hover[row] for row in np.flatnonzero(rows)], hovertemplate="%{hovertext}<extra></extra>",
            )  # fmt: skip
    _write_values(figure, [f"{share:.0%}" for share in functional], at=1.015)
    figure.update_yaxes(row_axis([_row_name(label, bold=bool(c)) for label, c in zip(labels, chosen, strict=True)]))
    figure.update_xaxes(
        range=[0, 1.08], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".0%", fixedrange=True,
        title_text="Score: share of the leaf's views put in the class; whiskers: 95 % interval",
    )  # fmt: skip
    at_tau = {"x0": tau, "x1": tau, "y0": 0, "y1": 1, "yref": "y domain"}
    named = {"x": tau, "y": 1, "yref": "y domain", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    figure.update_layout(
        barmode="overlay",
        margin_t=44,
        showlegend=bool(chosen.any()),
        legend={"x": 0.88, "xanchor": "right", "itemclick": False},
        shapes=[{"type": "line", "line": {"dash": "dash", "width": 1.5, "color": LINE}, **at_tau}],
        annotations=[{"text": f"tau {tau:.0%}", **named}],
    )
    return figure


def classes_by_leaves(
    functional: Shares,
    *,
    class_names: Sequence[str],
    leaf_labels: Sequence[str],
    leaf_ids: Sequence[str],
    revision: str = "",
) -> go.Figure:
    """All classes by the leaves that matter, as a heatmap in percent.

    Beyond `matrix.MAX_CELLS` rows or columns, neighbours are drawn as one block that shows the highest of its scores.

    Args:
        functional: (n_classes, n_leaves) shares in 0..1.
        class_names: (n_classes,).
        leaf_labels, leaf_ids: (n_leaves,).
    """
    if not functional.size:
        return nothing_to_draw("classes_by_leaves", "No class has a leaf to show.")
    percent = np.rint(np.clip(functional, 0, 1) * 100).astype(np.uint8)
    down, across = block_starts(len(class_names)), block_starts(len(leaf_ids))
    z = np.maximum.reduceat(np.maximum.reduceat(percent, down, axis=0), across, axis=1)
    leaves = [full_name(label, node) for label, node in zip(leaf_labels, leaf_ids, strict=True)]
    figure = new_figure("classes_by_leaves", height=10, revision=revision)
    draw_matrix(
        figure,
        z,
        row_names=block_names(tell_apart([full_name(name) for name in class_names]), down, "class", "classes"),
        row_ticks=[shortened(class_names[start]) for start in down],
        column_names=block_names(tell_apart(leaves), across, "leaf", "leaves"),
        column_ticks=[shortened(leaf_labels[start]) for start in across],
        hover="%{y}<br>%{x}<br>Score: %{z} %<extra></extra>",
    )
    figure.data[0].update(
        zmin=0, zmax=100, colorbar={"title": {"text": "Score"}, "ticksuffix": " %", "thickness": 12, "outlinewidth": 0}
    )
    figure.update_xaxes(title_text=_axis_title("Leaves", len(leaf_ids), across))
    figure.update_yaxes(title_text=_axis_title("Classes of the suspect", len(class_names), down))
    return figure


def answer_bars(class_names: Sequence[str], *, counts: Counts, revision: str = "") -> go.Figure:
    """How often the suspect answered each class when queried with sample pictures, the most frequent first.

    Args:
        class_names: (n_classes,).
        counts: (n_classes,) answers; classes without any are left out, and those beyond `MAX_ANSWERS` are summed up
            below the bars.
    """
    counts = np.asarray(counts)
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i] > 0]
    if not order:
        return nothing_to_draw("answer_bars", "The suspect has not been queried yet.")
    shown, rest = order[:MAX_ANSWERS], order[MAX_ANSWERS:]
    values, total = counts[shown].tolist(), int(counts.sum())
    figure = new_figure("answer_bars", height=26 * len(shown) + 112, revision=revision)
    figure.add_bar(
        x=values, y=list(range(len(shown))), orientation="h", width=0.7, marker_color=ACCENT, cliponaxis=False,
        text=[f"{value:,}" for value in values], textposition="outside",
        hovertext=[
            f"{full_name(class_names[i])}<br>{counted(value, 'answer')} of {total:,} ({value / total:.1%})"
            for i, value in zip(shown, values, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(row_axis([shortened(class_names[i]) for i in shown]))
    others = f"; {counted(len(rest), 'other class', 'other classes')}: {counts[rest].sum():,}" if rest else ""
    figure.update_xaxes(
        title_text=f"Sample pictures answered with this class{others}",
        range=[0, values[0] * 1.1], fixedrange=True, tickformat=",d", nticks=min(values[0] + 1, 8),
    )  # fmt: skip
    figure.update_layout(margin_t=36)
    return figure


def _row_name(label: str, *, bold: bool) -> str:
    return f"<b>{shortened(label)}</b>" if bold else shortened(label)


def _write_values(figure: go.Figure, values: Sequence[str], *, at: float) -> None:
    """A column of numbers to the right of the bars."""
    figure.add_scatter(
        x=[at] * len(values), y=list(range(len(values))), text=list(values), mode="text", textposition="middle right",
        hoverinfo="skip", showlegend=False, cliponaxis=False,
    )  # fmt: skip
    figure.update_xaxes(gridcolor=GRID)


def _axis_title(what: str, n: int, starts: npt.NDArray[np.intp]) -> str:
    if len(starts) == n:
        return what
    return f"{what}: {n:,}, in blocks of {starts[1] - starts[0]} that show their highest score"
