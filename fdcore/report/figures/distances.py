"""The distances among the leaves of one or more answers, as a heatmap (paper, Figure 2)."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.matrix import block_names, block_starts, draw_matrix
from fdcore.report.figures.style import (
    BORDER,
    CIVIDIS,
    NOTHING,
    counted,
    full_name,
    new_figure,
    nothing_to_draw,
    shortened,
    tell_apart,
)

Matrix = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]

MAX_EXPLAINED = 150  # up to this number of leaves, every cell names the common ancestor
_MAX_STEPS = 250  # fits into a byte together with "unrelated"
_GROUP_NAME_PX = 15


def distance_heatmap(
    distances: Matrix,
    *,
    labels: Sequence[str],
    ids: Sequence[str],
    groups: Sequence[int] | Indices | None = None,
    group_names: Sequence[str] | None = None,
    common_index: Indices | None = None,
    common_labels: Sequence[str] = (),
    paths: Sequence[str] | None = None,
    revision: str = "",
) -> go.Figure:
    """How many steps apart the leaves are, in the order given; near is bright, unrelated has a colour of its own.

    Args:
        distances: (n, n) steps; inf for two unrelated leaves.
        labels: (n,) names.
        ids: (n,).
        groups: (n,) the cluster of each leaf; adjacent leaves of a cluster get a border.
        group_names: names of the clusters, by their number in `groups`; written beside the borders.
        common_index: (n, n) int, the lowest common ancestor of each pair as an index into `common_labels`; -1 for none.
            Shown up to `MAX_EXPLAINED` leaves.
        common_labels: names of ancestors.
        paths: (n,) the path from each leaf up to the root, in words.
    """
    n = len(labels)
    if not n:
        return nothing_to_draw("distance_heatmap", "There are no candidates, so there are no distances to show.")
    starts = block_starts(n)
    z, top = _in_bytes(np.minimum.reduceat(np.minimum.reduceat(distances, starts, axis=0), starts, axis=1))
    names = tell_apart(_whole_names(labels, ids, paths))
    blocks = block_names(names, starts, "leaf", "leaves")
    ticks = [shortened(labels[start]) for start in starts]
    figure = new_figure("distance_heatmap", height=10, revision=revision)
    draw_matrix(
        figure, z, row_names=blocks, column_names=blocks, row_ticks=ticks, column_ticks=ticks,
        hover="%{y}<br>and<br>%{x}<br><br>%{text}<extra></extra>",
    )  # fmt: skip
    ancestors = common_index if len(starts) == n <= MAX_EXPLAINED else None
    figure.data[0].update(
        text=_explain(z, top, ancestors, common_labels), **_colors(top, unrelated=bool((z > top).any()))
    )
    if len(starts) < n:
        figure.update_xaxes(title_text=f"{n:,} leaves, in blocks of {starts[1]} that show their smallest distance")
    if groups is not None and len(starts) == n:
        _mark_groups(figure, list(groups), group_names or ())
    figure.update_layout(margin_t=64, height=figure.layout.height + 56)
    return figure


def _whole_names(labels: Sequence[str], ids: Sequence[str], paths: Sequence[str] | None) -> list[str]:
    names = [full_name(label, node) for label, node in zip(labels, ids, strict=True)]
    if paths is None:
        return names
    return [f"{name}<br>{shortened(path, 72)}" for name, path in zip(names, paths, strict=True)]


def _in_bytes(distances: Matrix) -> tuple[npt.NDArray[np.uint8], int]:
    """Steps as uint8, and the largest of them; unrelated is one more."""
    finite = np.isfinite(distances)
    top = min(int(distances[finite].max(initial=0)), _MAX_STEPS)
    return np.where(finite, np.clip(np.where(finite, distances, 0), 0, top), top + 1).astype(np.uint8), max(top, 0)


def _colors(top: int, *, unrelated: bool) -> dict[str, Any]:
    """A scale from near (bright) to far (dark), and above it a grey for unrelated."""
    last = top + 1 if unrelated else max(top, 1)
    end = (top + 0.5) / last if unrelated else 1.0
    scale = [(float(at) * end, color) for at, color in zip(np.linspace(0, 1, 10), reversed(CIVIDIS), strict=True)]
    if unrelated:
        scale += [(end, NOTHING), (1.0, NOTHING)]
    step = max(1, -(-top // 8))
    shown = [*range(0, top + 1, step)]
    if unrelated:
        shown = [value for value in shown if last - value >= step * 0.9]
    bar = {
        "title": {"text": "Steps in the hierarchy", "side": "top"}, "orientation": "h", "thickness": 10, "len": 0.5,
        "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "outlinewidth": 0,
        "tickvals": [*shown, *([last] if unrelated else [])],
        "ticktext": [*map(str, shown), *(["unrelated"] if unrelated else [])],
    }  # fmt: skip
    return {"colorscale": scale, "zmin": 0, "zmax": last, "colorbar": bar}


def _explain(z: npt.NDArray[np.uint8], top: int, common: Indices | None, names: Sequence[str]) -> list[list[str]]:
    steps = [*(counted(value, "step") for value in range(top + 1)), "unrelated"]
    if common is None:
        return [[steps[value] for value in row] for row in z.tolist()]
    met = [f"<br>Common ancestor: {shortened(name, 50)}" for name in names]
    return [
        [
            steps[value] + (met[ancestor] if ancestor >= 0 and value <= top else "")
            for value, ancestor in zip(*rows, strict=True)
        ]
        for rows in zip(z.tolist(), np.asarray(common).tolist(), strict=True)
    ]


def _mark_groups(figure: go.Figure, groups: Sequence[int], names: Sequence[str]) -> None:
    """Borders around runs of one group, and their names at the right if there is room for them."""
    body = figure.layout.height - 120
    start, free_from = 0, -1.0
    borders, written = [], []
    at_right = {"x": 1, "xref": "paper", "xanchor": "left", "xshift": 6, "yref": "y", "showarrow": False}
    for group, run in groupby(groups):
        end = start + len(list(run))
        sides = {"x0": start - 0.5, "x1": end - 0.5, "y0": start - 0.5, "y1": end - 0.5}
        borders.append({"type": "rect", "line": {"color": BORDER, "width": 2.5}, **sides})
        middle = (start + end) / 2 / len(groups) * body
        if 0 <= group < len(names) and middle >= free_from:
            texts = {"text": shortened(names[group], 24), "hovertext": full_name(names[group])}
            written.append({"y": (start + end - 1) / 2, **texts, **at_right})
            free_from = middle + _GROUP_NAME_PX
        start = end
    figure.update_layout(shapes=borders, annotations=written)
    if names:
        figure.update_layout(margin_r=12 + 7 * max(min(len(name), 24) for name in names))
