"""The common style of all figures: colours, inert text, layout, the toolbar, and a standalone page.

Figures set neither text colour nor background: the dashboard's theme, light or dark, gives both, and `on_white` does
for a standalone figure. The colours here are visible on white and on near-black.
"""

import html
import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

ACCENT = "#2F6DB5"  # the dashboard's navy, light enough for a dark page
MUTED = "#9AA3AF"
LINE = "#7D8590"
GRID = "rgba(125, 133, 144, 0.25)"
BORDER = "#D55E00"
CATEGORICAL = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A6F00")
OTHER = "#8A919C"
NOTHING = "#DADDE2"  # not found or not related; lighter than any grey of the scale
CIVIDIS = (
    "#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#E1CC55", "#FEE838",
)  # fmt: skip

ROW_PX = 22
LABEL_LENGTH = 28  # characters of a name on an axis
LETTER_PX = 6.9  # mean width of a letter of a name in bold, at 12 px
MAX_TICKS = 60  # legible names on an axis
_TAG = re.compile(r"</?b>")
_HOVER_WIDTH = 56  # characters of a line
_MAX_NAME = 300  # characters of a name in a hover
_UNUSED_BUTTONS = ("select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "toggleSpikelines",
                   "sendChartToCloud")  # fmt: skip
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<style>body {{ font: 14px system-ui, sans-serif; color: #1f2933; margin: 24px; }} h1 {{ font-size: 20px; }}</style>
</head><body><h1>{title}</h1>
{figure}
</body></html>
"""


def inert(text: str) -> str:
    """A string that is safe in a label or hover text of Plotly: no markup, no control characters, one line."""
    one_line = "".join(" " if c in "\n\r\t" else c for c in text)
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in one_line)
    return html.escape(plain, quote=False)  # Plotly does not decode &quot;, and quotes are harmless outside a tag


def shortened(text: str, length: int = LABEL_LENGTH) -> str:
    """An inert string of at most `length` visible characters, ending with an ellipsis if it was cut."""
    text = " ".join(text.split())
    return inert(text if len(text) <= length else f"{text[: length - 1].rstrip()}…")


def full_name(label: str, node: str = "") -> str:
    """A whole name for a hover text, in lines that fit, with the node's id below it."""
    lines = textwrap.wrap(label[:_MAX_NAME], _HOVER_WIDTH) or ["(no name)"]
    name = "<br>".join(f"<b>{inert(line)}</b>" for line in lines)
    return f"{name}<br>{inert(node[:_HOVER_WIDTH])}" if node and node != label else name


def tell_apart(names: Sequence[str]) -> list[str]:
    """The names, with a number added to duplicates."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} [{seen[name]}]")
    return unique


def counted(n: int, thing: str, things: str | None = None) -> str:
    """A number with its noun, such as "1 leaf" or "1,200 leaves"."""
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def colorscale(colors: Sequence[str] = CIVIDIS) -> list[tuple[float, str]]:
    """Evenly spaced colours for Plotly."""
    return [(float(at), color) for at, color in zip(np.linspace(0, 1, len(colors)), colors, strict=True)]


def new_figure(kind: str, *, height: int, revision: str = "") -> go.Figure:
    """An empty figure in the common style.

    Args:
        kind: the figure's name; figures with the same `kind` and `revision` share their zoom.
        height: in pixels; the width is the page's.
        revision: the subject, such as the case and the class; while it is the same, the zoom stays.
    """
    return go.Figure(layout=_layout(kind, height, revision))  # ten times as fast as update_layout


def assemble(
    kind: str, traces: Sequence[dict[str, Any]], *, height: int, revision: str = "", **layout: Any
) -> go.Figure:
    """A figure in the common style, built from plain dictionaries without validation.

    Plotly's validation takes ten times as long as everything else, which matters for figures that are redrawn while a
    slider moves; the tests of these figures validate them.

    Args:
        kind, height, revision: see `new_figure`.
        traces: in the form of Plotly's JSON.
        layout: in the same form; added to the common style.
    """
    base = _layout(kind, height, revision)
    axes = {axis: _over(base[axis], layout.pop(axis, {})) for axis in ("xaxis", "yaxis")}
    template = pio.templates[pio.templates.default].to_plotly_json()
    return go.Figure(
        {"data": list(traces), "layout": {"template": template} | _over(base, layout) | axes}, _validate=False
    )


def _layout(kind: str, height: int, revision: str) -> dict[str, Any]:
    axis = {"gridcolor": GRID, "zeroline": False, "automargin": True, "title": {"font": {"size": 12}},
            "tickfont": {"size": 12}}  # fmt: skip
    return {
        "height": height,
        "uirevision": f"{kind}:{revision}",
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "font": {"size": 12},
        "hoverlabel": {"align": "left", "namelength": -1},
        "legend": {
            "orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"
        },
        "xaxis": axis | {"title": {"font": {"size": 12}, "standoff": 8}},
        "yaxis": axis,
    }  # fmt: skip


def _over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with the changes applied; nested dictionaries are merged."""
    return base | {
        name: _over(base[name], value) if isinstance(value, dict) and isinstance(base.get(name), dict) else value
        for name, value in changes.items()
    }


def nothing_to_draw(kind: str, sentence: str) -> go.Figure:
    """A figure that says why it is empty."""
    figure = new_figure(kind, height=140)
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.add_annotation(text=inert(sentence), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font_size=14)
    return figure


def room_for(names: Sequence[str]) -> int:
    """The margin in pixels for names on a y axis; measuring them in the browser takes as long as drawing."""
    return 16 + round(LETTER_PX * max((len(html.unescape(_TAG.sub("", name))) for name in names), default=0))


def row_axis(names: Sequence[str]) -> dict[str, Any]:
    """The y axis of a bar chart with rows 0 .. n-1, the first on top; `names` are inert."""
    return {
        "tickmode": "array", "tickvals": list(range(len(names))), "ticktext": list(names),
        "range": [len(names) - 0.4, -0.6], "showgrid": False, "fixedrange": True, "ticks": "",
    }  # fmt: skip


def config(name: str = "figure") -> dict[str, Any]:
    """The toolbar of a figure, for `st.plotly_chart(config=...)`: always visible, with a sharp PNG for download.

    Args:
        name: the stem of the PNG's file name; unsafe characters become "_".
    """
    file_name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:80] or "figure"
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "showSendToCloud": False,  # Plotly's default is a button that uploads the figure
        "plotlyServerURL": "",
        "responsive": True,
        "modeBarButtonsToRemove": list(_UNUSED_BUTTONS),
        "toImageButtonOptions": {"format": "png", "scale": 3, "filename": file_name},
    }


def on_white(figure: go.Figure) -> go.Figure:
    """A copy for use outside the dashboard: dark text on white."""
    alone = go.Figure(figure)
    alone.update_layout(
        template="plotly_white", paper_bgcolor="white", plot_bgcolor="white",
        font={"family": "system-ui, sans-serif", "color": "#1f2933"},
    )  # fmt: skip
    return alone


def standalone_html(figure: go.Figure, title: str) -> bytes:
    """A page with the figure that needs no other file and no network; equal figures give equal bytes."""
    drawn = on_white(figure).to_html(
        full_html=False, include_plotlyjs=True, include_mathjax=False, div_id="figure", config=config(title)
    )
    return _PAGE.format(title=html.escape(" ".join(title.split())), figure=drawn).encode("utf-8", "replace")
