"""Where a clone answers otherwise than the suspect, as a heatmap."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.matrix import block_names, block_starts, draw_matrix
from fdcore.report.figures.style import (
    CIVIDIS,
    NOTHING,
    counted,
    full_name,
    new_figure,
    nothing_to_draw,
    shortened,
    tell_apart,
)

Counts = npt.NDArray[np.integer[Any]]

MAX_WRITTEN = 15  # classes up to which a cell has its number in it
MAX_MATRIX = 100  # classes up to which a cell can be found
_NO_ROW = 101  # in a matrix of percent
_TEXT_PX = 11  # fixed: Plotly would measure the markup too, and shrink it
_LIGHT, _DARK = "#FFFFFF", "#101418"
_LAST_LIGHT = 49  # percent up to which white has the higher contrast with the colour of the cell


def confusion_matrix(counts: Counts, class_names: Sequence[str], *, revision: str = "") -> go.Figure:
    """Of the pictures that the suspect puts in a class, the share that the clone puts in each, in percent.

    Beyond `matrix.MAX_CELLS` classes neighbours are drawn as one block; `MAX_MATRIX` is as many as can be read.

    Args:
        counts: (n, n) pictures; rows are the suspect's classes, columns the clone's.
        class_names: (n,) names.
        revision: see `style.new_figure`.
    """
    starts = block_starts(len(class_names))
    if not counts.sum():
        return nothing_to_draw("confusion_matrix", "No picture was tested.")
    blocks = np.add.reduceat(np.add.reduceat(counts, starts, axis=0), starts, axis=1)
    names = block_names(tell_apart([full_name(name) for name in class_names]), starts, "class", "classes")
    ticks = [shortened(class_names[start]) for start in starts]
    figure = new_figure("confusion_matrix", height=10, revision=revision)
    draw_matrix(
        figure, _in_percent(blocks), row_names=names, row_ticks=ticks, column_names=names, column_ticks=ticks,
        hover="<i>Suspect</i> %{y}<br><i>Clone</i> %{x}<br>%{hovertext}<extra></extra>",
    )  # fmt: skip
    empty = blocks.sum(axis=1) == 0
    figure.data[0].update(hovertext=_explain_cells(blocks), **_matrix_colors(missing=bool(empty.any())))
    if len(starts) <= MAX_WRITTEN:
        figure.data[0].update(text=_written(blocks), texttemplate="%{text}", textfont={"size": _TEXT_PX})
    grey = "; grey: the suspect puts no picture in the class" if empty.any() else ""
    figure.update_xaxes(title_text=f"The clone's class{grey}")
    figure.update_yaxes(title_text="The suspect's class")
    return figure


def _in_percent(counts: Counts) -> npt.NDArray[np.uint8]:
    """Each row as shares of its own sum; `_NO_ROW` where it has none."""
    rows = counts.sum(axis=1, keepdims=True)
    percent = np.rint(100 * counts / np.maximum(rows, 1))
    return np.where(rows > 0, percent, _NO_ROW).astype(np.uint8)


def _written(counts: Counts) -> list[list[str]]:
    """The shares as they stand in the cells: whole percents, nothing where it is 0."""
    return [[_share(value) if 0 < value < _NO_ROW else "" for value in row] for row in _in_percent(counts).tolist()]


def _share(percent: int) -> str:
    """A share in a colour that can be read on its cell: Plotly's own is too pale in the middle of the scale."""
    color = _DARK if percent > _LAST_LIGHT else _LIGHT
    return f'<span style="color:{color}">{percent} %</span>'


def _explain_cells(counts: Counts) -> list[list[str]]:
    rows = counts.sum(axis=1)
    return [
        [
            f"{value:,} of {counted(int(total), 'picture')} ({value / total:.0%})" if total else "no picture"
            for value in row
        ]
        for row, total in zip(counts.tolist(), rows.tolist(), strict=True)
    ]


def _matrix_colors(*, missing: bool) -> dict[str, Any]:
    """From 0 to 100 %, and a flat grey above it for classes that the suspect never answered."""
    last = _NO_ROW if missing else 100
    scale = [(float(at) * 100 / last, color) for at, color in zip(np.linspace(0, 1, 10), CIVIDIS, strict=True)]
    if missing:
        scale += [(100.5 / last, CIVIDIS[-1]), (100.5 / last, NOTHING), (1.0, NOTHING)]
    return {
        "colorscale": scale, "zmin": 0, "zmax": last,
        "colorbar": {
            "title": {"text": "Share of row"}, "thickness": 12, "outlinewidth": 0,
            "tickvals": [0, 50, 100], "ticktext": ["0 %", "50 %", "100 %"],
        },
    }  # fmt: skip
