"""How often a suspect is right about the training and the test split of a data set (paper section 5.5)."""

from collections.abc import Sequence

import plotly.graph_objects as go

from fdcore.report.figures.style import CATEGORICAL, OTHER, assemble, counted, full_name, room_for, row_axis, shortened
from fdcore.verdict.gap import Gap

_ROW_PX = 30


def split_bars(gaps: Sequence[Gap], *, revision: str = "") -> go.Figure:
    """A pair of bars for each comparison: the share of right answers with its 95 % interval.

    Args:
        gaps: from top to bottom, at least one.
        revision: see `style.new_figure`.
    """
    splits = [split for gap in gaps for split in (gap.train, gap.test)]
    names = [shortened(split.name) for split in splits]
    trace = {
        "type": "bar", "orientation": "h", "x": [split.right for split in splits], "y": list(range(len(splits))),
        "marker": {"color": [CATEGORICAL[0], OTHER] * len(gaps)}, "width": 0.7,
        "error_x": {
            "type": "data", "symmetric": False, "thickness": 1.5, "width": 3, "color": "#52606d",
            "array": [split.interval[1] - split.right for split in splits],
            "arrayminus": [split.right - split.interval[0] for split in splits],
        },
        "customdata": [full_name(split.name) for split in splits],
        "hovertemplate": [
            f"%{{customdata}}<br>{100 * split.right:.1f} % right of {counted(split.n_images, 'picture')}<extra></extra>"
            for split in splits
        ],
    }  # fmt: skip
    values = {
        "type": "scatter", "mode": "text", "x": [1.02] * len(splits), "y": list(range(len(splits))),
        "text": [f"{100 * split.right:.1f} %" for split in splits], "textposition": "middle right", "hoverinfo": "skip",
        "cliponaxis": False,
    }  # fmt: skip
    return assemble(
        "split_bars", [trace, values], height=_ROW_PX * len(splits) + 80, revision=revision,
        xaxis={"range": [0, 1.12], "tickvals": [0, 0.25, 0.5, 0.75, 1], "tickformat": ".0%", "fixedrange": True,
               "title": {"text": "Pictures put in their folder's class; lines: 95 % intervals"}},
        yaxis=row_axis(names) | {"automargin": False},
        margin={"l": room_for(names), "t": 32}, showlegend=False,
    )  # fmt: skip
