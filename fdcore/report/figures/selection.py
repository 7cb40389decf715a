"""Figures of a class's answer: its clusters, the stability of the winner, and the images that filtering kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.style import (
    ACCENT,
    CATEGORICAL,
    MUTED,
    NOTHING,
    OTHER,
    assemble,
    counted,
    full_name,
    new_figure,
    nothing_to_draw,
    room_for,
    row_axis,
    shortened,
)

Counts = npt.NDArray[np.integer[Any]]
Shares = npt.NDArray[np.floating[Any]]

MAX_WINNERS = len(CATEGORICAL)
MAX_CLUSTERS = 30
LEGEND_LENGTH = 44  # characters of a name in the legend of a map
FUNCTIONAL, SEMANTIC = ACCENT, "#E69F00"  # colours of L and of S
OTHERS, NOBODY = -2, -1  # a winner without a colour of its own, and none
ETA_AXIS, ALPHA_AXIS = "eta: how far clusters grow (steps in the hierarchy)", "alpha: weight of the score"
_FAINT = 0.45


class ClusterBar(NamedTuple):
    """One cluster: its name, apparent L, S, objective, whether it is the class's answer, and its number of leaves."""

    name: str
    apparent: float
    semantic: float
    objective: float
    is_winner: bool
    n_leaves: int


class Patch(NamedTuple):
    """Points of a stability map with one colour: their winner (or `OTHERS`, `NOBODY`) and their share of the map."""

    winner: int
    color: str
    share: float


def cluster_bars(clusters: Sequence[ClusterBar], *, alpha: float, revision: str = "") -> go.Figure:
    """The parts of each cluster's objective: alpha * apparent L and (1 - alpha) * S, in the order given.

    Beyond `MAX_CLUSTERS` the rest is only counted; a winner among the rest replaces the last row.

    Args:
        clusters: best first.
        alpha: weight of L.
    """
    if not clusters:
        return nothing_to_draw("cluster_bars", "There are no clusters: no leaf reaches tau, so the class is not found.")
    shown, n_left_out = most_important(clusters)
    strength = [1.0 if cluster.is_winner or not any(c.is_winner for c in shown) else _FAINT for cluster in shown]
    hover = [_describe(cluster, alpha) for cluster in shown]
    parts = [
        _row_bars("alpha · apparent L", FUNCTIONAL, [alpha * c.apparent for c in shown], hover, 0.66),
        _row_bars("(1 - alpha) · S", SEMANTIC, [(1 - alpha) * c.semantic for c in shown], hover, 0.66),
    ]
    for part in parts:
        part["marker"]["opacity"] = strength
    ends = [f" <b>{c.objective:.2f} winner</b>" if c.is_winner else f" {c.objective:.2f}" for c in shown]
    names = [f"<b>{shortened(c.name)}</b>" if c.is_winner else shortened(c.name) for c in shown]
    return assemble(
        "cluster_bars",
        [*parts, _row_ends([c.objective for c in shown], ends)],
        height=30 * len(shown) + 112,
        revision=revision,
        xaxis={
            "title": {"text": objective_axis(alpha, n_left_out)}, "range": [0, 1.14],
            "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1], "tickformat": ".1f", "fixedrange": True, "automargin": False,
        },
        yaxis=row_axis(names) | {"automargin": False},
        **_stacked(names),
    )  # fmt: skip


def stability_map(
    winner: Counts,
    *,
    names: Sequence[str],
    etas: Shares,
    alphas: Shares,
    eta: float,
    alpha: float,
    revision: str = "",
) -> go.Figure:
    """Which cluster wins at every eta and alpha, with a cross-hair at the current point.

    At most `MAX_WINNERS` winners have a colour and a name: the current one and those that win most often.

    Args:
        winner: (n_eta, n_alpha) index into `names`; -1 where the class is not found.
        names: (n_winners,).
        etas: (n_eta,) increasing, in steps.
        alphas: (n_alpha,) increasing, in 0..1.
        eta, alpha: the current point.
    """
    if not np.size(winner) or not (np.asarray(winner) >= 0).any():
        return nothing_to_draw("stability_map", "The class is not found at any eta and alpha: no leaf reaches tau.")
    winner = np.asarray(winner)
    here = int(winner[np.abs(etas - eta).argmin(), np.abs(alphas - alpha).argmin()])
    patches = color_winners(winner, here)
    place = {patch.winner: rank for rank, patch in enumerate(patches)}
    codes = [[place[w] if w in place else place[OTHERS] for w in row] for row in winner.T.tolist()]
    figure = new_figure("stability_map", height=10, revision=revision)
    whole = [*(full_name(name) for name in names), "<b>not found</b>"]
    figure.add_heatmap(
        z=np.array(codes, np.uint8), x=etas, y=alphas, zmin=-0.5, zmax=len(patches) - 0.5, showscale=False,
        colorscale=_steps([patch.color for patch in patches]),
        text=[[whole[w] for w in row] for row in winner.T.tolist()],
        hovertemplate="%{text}<br>eta %{x:.1f} steps, alpha %{y:.2f}<extra></extra>",
    )  # fmt: skip
    _add_legend(figure, patches, [shortened(name, LEGEND_LENGTH) for name in names])
    _add_cross_hair(figure, eta, alpha)
    figure.update_xaxes(title_text=ETA_AXIS, showgrid=False, automargin=False)
    figure.update_yaxes(title_text=ALPHA_AXIS, showgrid=False, tickformat=".1f", automargin=False)
    figure.update_layout(height=320 + 22 * len(patches), margin_t=36, margin_l=56, hovermode="closest")
    return figure


def filter_counts(
    labels: Sequence[str], *, ids: Sequence[str], before: Counts, after: Counts, revision: str = ""
) -> go.Figure:
    """How many images of each selected leaf filtering kept and dropped.

    Args:
        labels, ids: (n,) of the leaves.
        before: (n,) images of each leaf.
        after: (n,) those that are kept.
    """
    if not len(labels):
        return nothing_to_draw("filter_counts", "The class is not found, so there are no images to filter.")
    kept, total = np.asarray(after).tolist(), np.asarray(before).tolist()
    hover = [
        f"{full_name(label, node)}<br>{k:,} of {counted(n, 'image')} kept, {n - k:,} dropped"
        for label, node, k, n in zip(labels, ids, kept, total, strict=True)
    ]
    dropped = [n - k for k, n in zip(kept, total, strict=True)]
    ends = [f" {k:,} of {n:,}" for k, n in zip(kept, total, strict=True)]
    most = max(*total, 1)
    names = [shortened(label) for label in labels]
    return assemble(
        "filter_counts",
        [
            _row_bars("Kept", ACCENT, kept, hover, 0.68),
            _row_bars("Dropped", MUTED, dropped, hover, 0.68),
            _row_ends(total, ends),
        ],
        height=24 * len(labels) + 112,
        revision=revision,
        xaxis={
            "title": {"text": "Images"}, "range": [0, most * 1.35], "tickformat": ",d",
            "nticks": min(most + 1, 8), "fixedrange": True, "automargin": False,
        },
        yaxis=row_axis(names) | {"automargin": False},
        **_stacked(names),
    )  # fmt: skip


def _stacked(names: Sequence[str]) -> dict[str, Any]:
    """The layout of stacked bars with these row names."""
    return {
        "barmode": "stack",
        "margin": {"l": room_for(names), "r": 24, "t": 40, "b": 48},
        "legend": {"itemclick": False, "itemdoubleclick": False, "xref": "container", "x": 0.02},
    }


def _row_bars(name: str, color: str, values: list[Any], hover: list[str], width: float) -> dict[str, Any]:
    """One part of stacked bars, a row for each value."""
    return {
        "type": "bar", "orientation": "h", "name": name, "x": values, "y": list(range(len(values))), "width": width,
        "marker": {"color": color}, "hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip


def _row_ends(values: list[Any], texts: list[str]) -> dict[str, Any]:
    """The texts at the ends of the bars."""
    return {
        "type": "scatter", "mode": "text", "textposition": "middle right", "x": values, "y": list(range(len(values))),
        "text": texts, "hoverinfo": "skip", "showlegend": False, "cliponaxis": False,
    }  # fmt: skip


def most_important(clusters: Sequence[ClusterBar]) -> tuple[list[ClusterBar], int]:
    """The clusters that are drawn, always including a winner, and the number of the others."""
    shown, rest = list(clusters[:MAX_CLUSTERS]), clusters[MAX_CLUSTERS:]
    for cluster in rest:
        if cluster.is_winner:
            shown[-1] = cluster
    return shown, len(rest)


def objective_axis(alpha: float, n_left_out: int) -> str:
    """The title of the objective's axis."""
    left_out = f"; {counted(n_left_out, 'weaker cluster')} not drawn" if n_left_out else ""
    return f"Objective, 0 to 1, at alpha {alpha:.2f}{left_out}"


def made_of(cluster: ClusterBar, alpha: float) -> str:
    """A cluster's objective as a sum in words."""
    return (
        f"{alpha:.2f} · {cluster.apparent:.3f} + {1 - alpha:.2f} · {cluster.semantic:.3f}"
        f" = {cluster.objective:.3f}{' (winner)' if cluster.is_winner else ''}"
    )


def _describe(cluster: ClusterBar, alpha: float) -> str:
    return (
        f"{full_name(cluster.name)}<br>{counted(cluster.n_leaves, 'leaf', 'leaves')}"
        f"<br>Apparent L {cluster.apparent:.3f}, S {cluster.semantic:.3f}"
        f"<br>{made_of(cluster, alpha)}"
    )


def color_winners(winner: Counts, here: int) -> list[Patch]:
    """The colours of a stability map in the order of its legend: the most frequent winners, including the current one,
    then all others, then no winner.

    Winners are chosen by their share of the map, so that colours stay while the cross-hair moves.

    Args:
        winner: (n_eta, n_alpha) index of the winner; -1 where the class is not found.
        here: the winner at the current point, or -1.
    """
    found, counts = np.unique(winner[winner >= 0], return_counts=True)
    colored = [int(index) for index in found[np.argsort(-counts, kind="stable")]][:MAX_WINNERS]
    if here >= 0 and here not in colored:
        colored[-1] = here
    patches = [Patch(w, color, float((winner == w).mean())) for w, color in zip(colored, CATEGORICAL, strict=False)]
    others = float((~np.isin(winner, [*colored, NOBODY])).mean())
    nobody = float((winner == NOBODY).mean())
    rest = [Patch(OTHERS, OTHER, others), Patch(NOBODY, NOTHING, nobody)]
    return patches + [patch for patch in rest if patch.share]


def legend_text(patch: Patch, names: Sequence[str]) -> str:
    """The legend of a colour; `names` are the winners' and inert."""
    name = {OTHERS: "other clusters", NOBODY: "not found"}.get(patch.winner) or names[patch.winner]
    return f"{name} ({patch.share:.0%} of the map)"


def _steps(colors: Sequence[str]) -> list[tuple[float, str]]:
    """A colour scale of flat steps of equal width."""
    n = len(colors)
    return [(at / n, color) for i, color in enumerate(colors) for at in (i, i + 1)]


def _add_legend(figure: go.Figure, patches: Sequence[Patch], names: Sequence[str]) -> None:
    """One line for each colour, below the map, without click actions."""
    for patch in patches:
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=legend_text(patch, names), hoverinfo="skip",
            marker={"symbol": "square", "size": 12, "color": patch.color, "line": {"color": OTHER, "width": 1}},
        )  # fmt: skip
    figure.update_layout(
        showlegend=True,
        legend={
            "orientation": "v", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom",
            "itemclick": False, "itemdoubleclick": False,
        },
        margin_b=22 * len(patches) + 56,
    )  # fmt: skip


def _add_cross_hair(figure: go.Figure, eta: float, alpha: float) -> None:
    across = {"x0": 0, "x1": 1, "xref": "x domain", "y0": alpha, "y1": alpha}
    down = {"x0": eta, "x1": eta, "y0": 0, "y1": 1, "yref": "y domain"}
    pens = ({"color": "white", "width": 4}, {"color": "black", "width": 1.5})  # visible on any colour of the map
    figure.update_layout(shapes=[{"type": "line", "line": pen, **ends} for pen in pens for ends in (across, down)])
    figure.add_scatter(
        x=[eta], y=[alpha], mode="markers", showlegend=False, name="current point",
        marker={"symbol": "circle", "size": 13, "color": "white", "line": {"color": "black", "width": 3}},
        hovertemplate=f"<b>current point</b><br>eta {eta:.1f} steps, alpha {alpha:.2f}<extra></extra>",
    )  # fmt: skip
