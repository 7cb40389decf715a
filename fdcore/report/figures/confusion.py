"""Where a clone and the suspect differ, as a heatmap."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.matrix import MISSING, block_names, block_starts, draw_matrix, percent_colors
from fdcore.report.figures.style import counted, full_name, new_figure, nothing_to_draw, shortened, tell_apart

Counts = npt.NDArray[np.integer[Any]]

MAX_WRITTEN = 15  # up to this number of classes, cells contain their number
MAX_MATRIX = 100  # up to this number of classes, a cell can be found
_TEXT_PX = 11  # fixed: Plotly would include the markup in the measurement and shrink the text
_LIGHT, _DARK = "#FFFFFF", "#101418"
_LAST_LIGHT = 49  # up to this percentage, white has the higher contrast with the cell


def confusion_matrix(counts: Counts, class_names: Sequence[str], *, revision: str = "") -> go.Figure:
    """Of the pictures that the suspect puts in a class, the share that the clone puts in each, in percent.

    Beyond `matrix.MAX_CELLS` classes, neighbours are drawn as one block; up to `MAX_MATRIX` can be read.

    Args:
        counts: (n, n) pictures; rows are the suspect's classes, columns the clone's.
        class_names: (n,).
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
    bar = {
        "title": {"text": "Share of row"}, "thickness": 12, "outlinewidth": 0,
        "tickvals": [0, 50, 100], "ticktext": ["0 %", "50 %", "100 %"],
    }  # fmt: skip
    figure.data[0].update(hovertext=_explain_cells(blocks), colorbar=bar, **percent_colors(missing=bool(empty.any())))
    if len(starts) <= MAX_WRITTEN:
        figure.data[0].update(text=_written(blocks), texttemplate="%{text}", textfont={"size": _TEXT_PX})
    grey = "; grey: the suspect puts no picture in the class" if empty.any() else ""
    figure.update_xaxes(title_text=f"The clone's class{grey}")
    figure.update_yaxes(title_text="The suspect's class")
    return figure


def _in_percent(counts: Counts) -> npt.NDArray[np.uint8]:
    """Each row as shares of its own sum; `MISSING` for an empty row."""
    rows = counts.sum(axis=1, keepdims=True)
    percent = np.rint(100 * counts / np.maximum(rows, 1))
    return np.where(rows > 0, percent, MISSING).astype(np.uint8)


def _written(counts: Counts) -> list[list[str]]:
    """The texts in the cells: whole percents, empty for 0."""
    return [[_share(value) if 0 < value < MISSING else "" for value in row] for row in _in_percent(counts).tolist()]


def _share(percent: int) -> str:
    """A share in a colour that is legible on its cell; Plotly's own is too pale in the middle of the scale."""
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
