"""Drawing a matrix of any size with named rows and columns, small enough for a browser."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.style import CIVIDIS, LABEL_LENGTH, MAX_TICKS, NOTHING, colorscale

MAX_CELLS = 300  # rows or columns: a browser draws a heatmap of this size in a quarter of a second
MISSING = 101  # in a matrix of percent
_OFF_CENTRE = 0.06  # of a cell: Plotly shows the tick's short text in hovers too, unless the tick is slightly off

Starts = npt.NDArray[np.intp]


def block_starts(n: int) -> Starts:
    """The first row of each block of n rows; up to `MAX_CELLS`, each row is its own block."""
    size = -(-n // MAX_CELLS)
    return np.arange(0, n, max(size, 1))


def block_names(names: Sequence[str], starts: Starts, thing: str, things: str) -> list[str]:
    """The name of each block: its row's own, or "the first to the last" of several; unique if `names` are."""
    ends = [*starts[1:].tolist(), len(names)]
    return [
        names[start] if end - start == 1 else f"{names[start]}<br>to {names[end - 1]}<br>({end - start} {things})"
        for start, end in zip(starts.tolist(), ends, strict=True)
    ]


def draw_matrix(
    figure: go.Figure,
    z: npt.NDArray[np.uint8],
    *,
    row_names: Sequence[str],
    row_ticks: Sequence[str],
    column_names: Sequence[str],
    column_ticks: Sequence[str],
    hover: str,
) -> None:
    """Add a heatmap, the first row on top, and set the figure's height.

    Args:
        figure: where to draw.
        z: (n_rows, n_columns) uint8.
        row_names, column_names: unique whole names, `%{y}` and `%{x}` in a hover.
        row_ticks, column_ticks: short names for the axes; as many are shown as can be read.
        hover: Plotly's hover template.
    """
    n_rows, n_columns = z.shape
    figure.add_heatmap(
        z=z, x=list(column_names), y=list(row_names), colorscale=colorscale(), hovertemplate=hover, hoverongaps=False,
        xgap=1 if n_columns <= MAX_TICKS else 0, ygap=1 if n_rows <= MAX_TICKS else 0,
    )  # fmt: skip
    figure.update_xaxes(**_named_axis(column_ticks), tickangle=-60 if n_columns > 6 else 0)
    figure.update_yaxes(**_named_axis(row_ticks), autorange="reversed")
    row_px = 28 if n_rows <= 12 else 20 if n_rows <= 30 else 16
    body = min(max(n_rows * row_px, 120), 960)
    longest = max(min(len(tick), LABEL_LENGTH) for tick in column_ticks)
    figure.update_layout(height=round(body + (6 * longest if n_columns > 6 else 30) + 90), margin_t=36)


def percent_colors(*, missing: bool) -> dict[str, Any]:
    """A colour scale from 0 to 100 %, and above it a flat grey for `MISSING`, if there is any."""
    last = MISSING if missing else 100
    scale = [(float(at) * 100 / last, color) for at, color in zip(np.linspace(0, 1, 10), CIVIDIS, strict=True)]
    if missing:
        scale += [(100.5 / last, CIVIDIS[-1]), (100.5 / last, NOTHING), (1.0, NOTHING)]
    return {"colorscale": scale, "zmin": 0, "zmax": last}


def _named_axis(ticks: Sequence[str]) -> dict[str, object]:
    step = -(-len(ticks) // MAX_TICKS)
    shown = range(0, len(ticks), step)
    return {
        "type": "category",
        "tickmode": "array",
        "tickvals": [i + _OFF_CENTRE for i in shown],
        "ticktext": [ticks[i] for i in shown],
        "tickfont": {"size": 12 if len(shown) <= 30 else 11},
        "ticks": "",
        "showgrid": False,
    }
