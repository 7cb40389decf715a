"""Figures of clones: their training, how well each source copies the suspect, and at what cost (paper section 5.4).

A source has the same colour in every figure; random images are always grey.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.cloning.evaluation import Measure, Rate
from fdcore.cloning.naming import Called, own_name, source_names
from fdcore.cloning.run import EpochResult
from fdcore.cloning.settings import Source, SourceKind
from fdcore.report.figures.style import (
    BORDER,
    CATEGORICAL,
    LINE,
    MUTED,
    OTHER,
    assemble,
    counted,
    full_name,
    nothing_to_draw,
    room_for,
    row_axis,
    shortened,
)

Values = npt.NDArray[np.floating[Any]]

MAX_DRAWN_EPOCHS = 1_000  # points of one curve; a screen cannot show more
_ROW_PX = 34
_CURVE_PX, _COST_PX = 320, 360
_TOP_PX = 34  # margin for the toolbar
_BELOW = {"y": -0.24, "yanchor": "top"}  # above, a legend of many clones would cover the toolbar
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")  # of further clones of one source
_SOURCES = {
    SourceKind.FOUND: CATEGORICAL[0], SourceKind.ONE_TERM: CATEGORICAL[4], SourceKind.RANDOM: OTHER,
    SourceKind.BALANCED: MUTED, SourceKind.CONSISTENT: CATEGORICAL[5], SourceKind.ALL_ANSWERS: LINE,
}  # fmt: skip
_ROLES = {"same": CATEGORICAL[2], "similar": CATEGORICAL[1], "distant": BORDER, "": CATEGORICAL[3]}
_TITLES: dict[Measure, str] = {
    "agreement": "Agreement: share of the pictures that the clone puts where the suspect does",
    "accuracy": "Accuracy: share of the pictures that are put in their true class",
}


class CloneCurve(NamedTuple):
    """One clone's training."""

    name: str  # unique among the curves
    source: Source
    history: Sequence[EpochResult]
    best_epoch: int  # whose weights are kept; 0 for none yet


class CloneRate(NamedTuple):
    """One clone's rate over all pictures."""

    name: str
    source: Source
    rate: Rate | None  # None where nothing could be measured


class ClassRates(NamedTuple):
    """One network's rates in the classes."""

    name: str
    source: Source | None  # None for the suspect itself
    values: Values  # (n,) shares in 0..1 of the classes in which something was measured
    density: Values  # (m,) of the values, at the places of the figure


class ClonePrice(NamedTuple):
    """One clone's cost and agreement."""

    name: str
    source: Source
    n_answers: int  # answers of the suspect that the clone rests on
    agreement: Rate


def source_color(source: Source) -> str:
    """The colour of a source's clones."""
    return _ROLES[source.role] if source.kind is SourceKind.FOLDER else _SOURCES[source.kind]


def loss_curves(curves: Sequence[CloneCurve], *, revision: str = "") -> go.Figure:
    """The loss of each clone by epoch.

    Args:
        curves: in any order.
        revision: see `style.new_figure`; the zoom stays while epochs are added.
    """
    drawn = [(curve, [one.loss for one in curve.history]) for curve in curves]
    axis = {"title": {"text": "Loss on the images trained on"}, "rangemode": "tozero"}
    return _curves("loss_curves", drawn, axis, "%{y:.3f}", revision)


def agreement_curves(curves: Sequence[CloneCurve], *, revision: str = "") -> go.Figure:
    """How often each clone agrees with the suspect by epoch, on held-out images.

    A clone without held-out images is measured on its training images, which is too favourable; its name says so.

    Args:
        curves: in any order.
        revision: see `loss_curves`.
    """
    drawn = [_agreements(curve) for curve in curves]
    axis = {
        "title": {"text": "Agreement on held-out images"}, "tickformat": ".0%", "rangemode": "tozero",
        "autorangeoptions": {"clipmax": 1.02},
    }  # fmt: skip
    return _curves("agreement_curves", drawn, axis, "%{y:.1%}", revision)


def clone_rates(
    rows: Sequence[CloneRate], measure: Measure, *, suspect: Rate | None = None, revision: str = ""
) -> go.Figure:
    """The rate of each clone as a point with its 95 % interval; a dashed line marks the best random images.

    Args:
        rows: from top to bottom.
        measure: of the rates.
        suspect: the suspect's own accuracy, drawn as a line; None for none.
    """
    shown = [(row, row.rate) for row in rows if row.rate is not None]
    if not shown:
        return nothing_to_draw("clone_rates", f"No clone has a measured {measure} yet.")
    names = [shortened(row.name) for row, _ in shown]
    traces = [_rate_point(row, rate, at) for at, (row, rate) in enumerate(shown)]
    values = [f"{rate.value:.0%}" for _, rate in shown]
    traces.append({
        "type": "scatter", "mode": "text", "x": [1.02] * len(shown), "y": list(range(len(shown))), "text": values,
        "textposition": "middle right", "hoverinfo": "skip", "showlegend": False, "cliponaxis": False,
    })  # fmt: skip
    lines = _rate_lines(shown, suspect)
    return assemble(
        "clone_rates", traces, height=_ROW_PX * len(shown) + 110, revision=revision,
        xaxis={"range": [0, 1.1], "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1], "tickformat": ".0%", "fixedrange": True,
               "title": {"text": f"{_TITLES[measure]}; lines: 95 % intervals"}},
        yaxis=row_axis(names) | {"automargin": False},
        margin={"l": room_for(names), "t": 32}, showlegend=False,
        shapes=[line for line, _ in lines], annotations=[said for _, said in lines],
    )  # fmt: skip


def rate_density(
    rows: Sequence[ClassRates], at: Values, measure: Measure, *, n_classes: int, revision: str = ""
) -> go.Figure:
    """How well the classes are copied (paper, Figure 4): a density for each network.

    Args:
        rows: the suspect first, if its accuracy is known, then the clones.
        at: (m,) shares in 0..1 at which the densities are given.
        measure: of the rates.
        n_classes: of the suspect, for the axis title.
    """
    shown = [row for row in rows if len(row.values)]
    if not shown:
        return nothing_to_draw("rate_density", f"No class has a measured {measure} yet.")
    dashes = _dashes([row.source for row in shown])
    traces = [
        {
            "type": "scatter", "mode": "lines", "x": at.tolist(), "y": row.density.tolist(),
            "name": f"{shortened(row.name, 40)} (mean {row.values.mean():.0%})",
            "line": (
                {"color": source_color(row.source), "width": 2.5, "dash": dash}
                if row.source
                else {"color": LINE, "width": 2.5, "dash": "dot"}
            ),
            "hovertemplate": "%{x:.0%}: density %{y:.2f}",
        }
        for row, dash in zip(shown, dashes, strict=True)
    ]  # fmt: skip
    return assemble(
        "rate_density", traces, height=_COST_PX, revision=revision,
        xaxis={"range": [0, 1.005], "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1], "tickformat": ".0%",
               "title": {"text": f"{measure.capitalize()} in a class, of {n_classes:,} classes"}},
        yaxis={"title": {"text": "Density of classes"}, "rangemode": "tozero"},
        margin={"t": _TOP_PX}, showlegend=True, legend=_BELOW,
    )  # fmt: skip


def agreement_by_cost(points: Sequence[ClonePrice], *, called: Called = own_name, revision: str = "") -> go.Figure:
    """Agreement against the number of the suspect's answers; clones of one source are joined.

    Args:
        points: in any order.
        called: the source's display name.
    """
    if not points:
        return nothing_to_draw("agreement_by_cost", "No clone has been tested yet.")
    traces = [
        trace
        for source, name in source_names(one.source for one in points).items()
        for trace in _cost_lines(called(source, name), [one for one in points if one.source == source])
    ]
    most = max(one.n_answers for one in points)
    return assemble(
        "agreement_by_cost", traces, height=_COST_PX, revision=revision,
        xaxis={"title": {"text": "Answers of the suspect that the clone rests on"}, "range": [0, most * 1.08 or 1],
               "tickformat": ",d"},
        yaxis={"title": {"text": "Agreement with the suspect"}, "tickformat": ".0%", "range": [0, 1.03]},
        margin={"t": _TOP_PX}, showlegend=True, legend=_BELOW,
    )  # fmt: skip


# Curves


def _curves(
    kind: str, drawn: Sequence[tuple[CloneCurve, list[float]]], axis: dict[str, Any], shown: str, revision: str
) -> go.Figure:
    begun = [(curve, values) for curve, values in drawn if values]
    if not begun:
        return nothing_to_draw(kind, "No epoch is finished yet.")
    dashes = _dashes([curve.source for curve, _ in begun])
    traces = [
        trace
        for (curve, values), dash in zip(begun, dashes, strict=True)
        for trace in _curve(curve, values, dash, shown)
    ]
    longest = max(len(values) for _, values in begun)
    return assemble(
        kind, traces, height=_CURVE_PX, revision=revision, hovermode="x unified",
        margin={"t": _TOP_PX}, showlegend=True, legend=_BELOW,
        xaxis={"title": {"text": "Epoch"}, "tickformat": ",d", "rangemode": "nonnegative",
               **({"dtick": 1} if longest <= 8 else {})},
        yaxis=axis,
    )  # fmt: skip


def _curve(curve: CloneCurve, values: Sequence[float], dash: str, shown: str) -> list[dict[str, Any]]:
    color, name = source_color(curve.source), shortened(curve.name, 36)
    step = -(-len(values) // MAX_DRAWN_EPOCHS)
    at = sorted({*range(0, len(values), step), len(values) - 1})
    line = {
        "type": "scatter", "mode": "lines+markers" if len(values) == 1 else "lines", "x": [i + 1 for i in at],
        "y": [values[i] for i in at], "name": name, "line": {"color": color, "width": 2, "dash": dash},
        "hovertemplate": shown, "legendgroup": name,
    }  # fmt: skip
    if not 0 < curve.best_epoch <= len(values):
        return [line]
    best = {
        "type": "scatter", "mode": "markers", "x": [curve.best_epoch], "y": [values[curve.best_epoch - 1]],
        "marker": {"color": color, "size": 9, "symbol": "diamond"}, "legendgroup": name, "showlegend": False,
        "cliponaxis": False,
        "name": f"{name}, kept", "hovertemplate": shown,
    }  # fmt: skip
    return [line, best]


def _agreements(curve: CloneCurve) -> tuple[CloneCurve, list[float]]:
    """A clone and its agreements: on held-out images or, without any, on its training images."""
    if all(one.held_out_agreement >= 0 for one in curve.history):
        return curve, [one.held_out_agreement for one in curve.history]
    return curve._replace(name=f"{curve.name} (trained on)"), [one.trained_agreement for one in curve.history]


def _dashes(sources: Sequence[Source | None]) -> list[str]:
    """A dash for each line; lines of one colour differ."""
    seen: Counter[str] = Counter()
    dashes = []
    for source in sources:
        color = source_color(source) if source else LINE
        dashes.append(_DASHES[seen[color] % len(_DASHES)])
        seen[color] += 1
    return dashes


# Rates


def _rate_point(row: CloneRate, rate: Rate, at: int) -> dict[str, Any]:
    color = source_color(row.source)
    return {
        "type": "scatter", "mode": "markers", "x": [rate.value], "y": [at], "showlegend": False,
        "marker": {"color": color, "size": 11},
        "error_x": {"type": "data", "symmetric": False, "array": [rate.high - rate.value],
                    "arrayminus": [rate.value - rate.low], "color": color, "thickness": 2.5, "width": 5},
        "hovertext": [f"{full_name(row.name)}<br>{_rate_text(rate)}"], "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip


def _rate_text(rate: Rate) -> str:
    return f"{rate.value:.1%} of {counted(rate.n, 'picture')}<br>95 % interval: {rate.low:.1%} to {rate.high:.1%}"


def _rate_lines(
    shown: Sequence[tuple[CloneRate, Rate]], suspect: Rate | None
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Lines at the best random images and at the suspect itself, with their names."""
    random = [rate.value for row, rate in shown if row.source.kind is SourceKind.RANDOM]
    marks = [("random images", max(random), "dash", OTHER)] if random else []
    marks += [("the suspect itself", suspect.value, "dot", LINE)] if suspect else []
    return [
        (
            {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "y domain", "layer": "below",
             "line": {"dash": dash, "width": 1.5, "color": color}},
            {"text": text, "x": at, "y": 1, "yref": "y domain", "yanchor": "bottom", "showarrow": False,
             "xanchor": "left" if at < 0.6 else "right", "font": {"size": 11}},
        )
        for text, at, dash, color in marks
    ]  # fmt: skip


def _cost_lines(name: str, points: Sequence[ClonePrice]) -> list[dict[str, Any]]:
    """One source's clones as points with their intervals, and a line through the mean of those that cost the same."""
    color, rates = source_color(points[0].source), [one.agreement for one in points]
    costs = sorted({one.n_answers for one in points})
    means = [float(np.mean([one.agreement.value for one in points if one.n_answers == cost])) for cost in costs]
    shown = shortened(name, 36)
    line = {
        "type": "scatter", "mode": "lines", "x": costs, "y": means, "name": shown, "legendgroup": shown,
        "line": {"color": color, "width": 2}, "hoverinfo": "skip",
    }  # fmt: skip
    each = {
        "type": "scatter", "mode": "markers", "x": [one.n_answers for one in points],
        "y": [rate.value for rate in rates], "name": shown, "legendgroup": shown, "showlegend": False,
        "marker": {"size": 8, "color": color},
        "error_y": {"type": "data", "symmetric": False, "array": [rate.high - rate.value for rate in rates],
                    "arrayminus": [rate.value - rate.low for rate in rates], "color": color, "width": 4},
        "hovertext": [f"{full_name(one.name)}<br>{counted(one.n_answers, 'answer')}<br>{_rate_text(one.agreement)}"
                      for one in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip
    return [line, each]
