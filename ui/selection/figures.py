"""The figures of the Selection page: as Plotly figures for download, and as data for a canvas."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fdcore.case.case import Case
from fdcore.method.findings import ClassFinding, Scored
from fdcore.method.selection import SelectionSettings
from fdcore.method.stability import StabilityMap
from fdcore.report.figures.selection import (
    ALPHA_AXIS,
    ETA_AXIS,
    FUNCTIONAL,
    LEGEND_LENGTH,
    SEMANTIC,
    ClusterBar,
    Counts,
    cluster_bars,
    color_winners,
    filter_counts,
    legend_text,
    made_of,
    most_important,
    objective_axis,
    stability_map,
)
from fdcore.report.figures.style import ACCENT, GRID, LABEL_LENGTH, MAX_TICKS, MUTED, NOTHING, OTHER
from ui import cached
from ui.selection.tables import cluster_name
from ui.text import counted, shortened

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MAX_NAME = 300  # characters of a name in a tooltip


def plain(text: str) -> str:
    """A string for a canvas: on one line, without invisible characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def draw_map(scored: Scored, stability: StabilityMap, settings: SelectionSettings) -> "go.Figure":
    """The winning cluster at each eta and alpha, and the current settings."""
    return stability_map(
        stability.winner,
        names=[cluster_name(scored, winner.members) for winner in stability.winners],
        etas=stability.etas,
        alphas=stability.alphas,
        eta=settings.eta,
        alpha=settings.alpha,
        revision=str(stability.target_class),
    )


def map_to_follow(case: Case, scored: Scored, stability: StabilityMap, settings: SelectionSettings) -> dict[str, Any]:
    """`draw_map` for `live_figure.live_map`: built once for each answer, then only the cross-hair moves."""
    here = int(stability.winner[stability.nearest(settings.eta, settings.alpha)])
    anywhere = replace(settings, eta=0.0, alpha=1.0)
    what = f"stability map {stability.target_class} {anywhere!r} {here}"
    drawn = cached.made(case, what, lambda: _whole_map(scored, stability, here))
    name = drawn["names"][here] if here >= 0 else "not found"
    where = f"eta {settings.eta:.1f} steps, alpha {settings.alpha:.2f}"
    return drawn | {
        "eta": settings.eta,
        "alpha": settings.alpha,
        "current": f"{where}: {name}",
        "alt": f"The winning cluster at each eta and alpha. At the current point, {where}: {name}",
    }


def _whole_map(scored: Scored, stability: StabilityMap, here: int) -> dict[str, Any]:
    names = [plain(cluster_name(scored, winner.members)) for winner in stability.winners]
    short = [shortened(name, LEGEND_LENGTH) for name in names]
    patches = color_winners(stability.winner, here)
    colors = {patch.winner: patch.color for patch in patches}
    return {
        "etas": stability.etas.tolist(),
        "alphas": stability.alphas.tolist(),
        "winner": stability.winner.ravel().tolist(),
        "names": [shortened(name, _MAX_NAME) for name in names],
        "colors": [colors.get(winner, OTHER) for winner in range(len(names))],
        "nobody": NOTHING,
        "outline": OTHER,
        "legend": [(legend_text(patch, short), patch.color) for patch in patches],
        "across": ETA_AXIS,
        "up": ALPHA_AXIS,
        "file": "stability",
    }


def draw_clusters(scored: Scored, found: ClassFinding, settings: SelectionSettings) -> "go.Figure":
    """The parts of each cluster's objective."""
    return cluster_bars(_bars(scored, found), alpha=settings.alpha, revision=str(found.selection.target_class))


def bars_to_follow(scored: Scored, found: ClassFinding, settings: SelectionSettings) -> dict[str, Any]:
    """`draw_clusters` for `live_figure.live_bars`."""
    bars, n_left_out = most_important(_bars(scored, found))
    no_winner = not any(bar.is_winner for bar in bars)
    best = max(bars, key=lambda bar: bar.objective)
    return {
        "rows": [_cluster_row(bar, settings.alpha, faint=not (bar.is_winner or no_winner)) for bar in bars],
        "row": 30,
        "most": 1,
        "ticks": [(fifth / 5, f"{fifth / 5:.1f}") for fifth in range(6)],
        "parts": [("alpha · apparent L", FUNCTIONAL), ("(1 - alpha) · S", SEMANTIC)],
        "grid": GRID,
        "across": objective_axis(settings.alpha, n_left_out),
        "alt": f"L, S and objective of {counted(len(bars), 'cluster')}. The highest objective is {best.objective:.3f}, "
        f"of {plain(best.name)}",
        "file": "clusters",
    }


def _cluster_row(bar: ClusterBar, alpha: float, *, faint: bool) -> dict[str, Any]:
    name = plain(bar.name)
    return {
        "name": shortened(name, LABEL_LENGTH),
        "parts": (alpha * bar.apparent, (1 - alpha) * bar.semantic),
        "end": f"{bar.objective:.2f}{' winner' if bar.is_winner else ''}",
        "strong": bar.is_winner,
        "faint": faint,
        "words": (
            shortened(name, _MAX_NAME),
            counted(bar.n_leaves, "leaf", "leaves"),
            f"Apparent L {bar.apparent:.3f}, S {bar.semantic:.3f}",
            made_of(bar, alpha),
        ),
    }


def _bars(scored: Scored, found: ClassFinding) -> list[ClusterBar]:
    winner = found.selection.winner
    return [
        ClusterBar(
            cluster_name(scored, cluster.members), cluster.apparent, cluster.semantic, cluster.objective,
            cluster is winner, len(cluster.members),
        )
        for cluster in found.selection.clusters
    ]  # fmt: skip


def draw_counts(scored: Scored, found: ClassFinding) -> "go.Figure":
    """How many images of each selected leaf are kept."""
    leaves, kept, dropped = _counts(scored, found)
    return filter_counts(
        scored.labels(leaves),
        ids=[scored.scores.nodes[leaf] for leaf in leaves],
        before=kept + dropped,
        after=kept,
        revision=str(found.selection.target_class),
    )


def counts_to_follow(case: Case, scored: Scored, found: ClassFinding) -> dict[str, Any]:
    """`draw_counts` for `live_figure.live_bars`, limited to the first `MAX_TICKS` leaves."""
    selection = found.selection
    what = f"filter counts {selection.target_class} {selection.winner.members if selection.winner else ()}"
    return cached.made(case, what, lambda: _whole_counts(scored, found))


def _whole_counts(scored: Scored, found: ClassFinding) -> dict[str, Any]:
    leaves, kept, dropped = _counts(scored, found)
    most = max([1, *(kept + dropped)[:MAX_TICKS].tolist()])
    step = max(1, round_up(most / 4))
    not_drawn = f"; {counted(len(leaves) - MAX_TICKS, 'leaf', 'leaves')} not drawn" if len(leaves) > MAX_TICKS else ""
    return {
        "rows": [
            _leaf_row(plain(scored.label(leaf)), scored.scores.nodes[leaf], int(stay), int(go))
            for leaf, stay, go in zip(leaves[:MAX_TICKS], kept, dropped, strict=False)
        ],
        "row": 24,
        "most": most,
        "ticks": [(n, f"{n:,}") for n in range(0, most + 1, step)],
        "parts": [("Kept", ACCENT), ("Dropped", MUTED)],
        "grid": GRID,
        "across": f"Images{not_drawn}",
        "alt": "Images of each selected leaf before and after filtering: "
        f"{int(kept.sum()):,} of {int((kept + dropped).sum()):,} are kept",
        "file": "filtering",
    }


def round_up(value: float) -> int:
    """The next number that is 1, 2 or 5 times a power of ten: the distance between ticks."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return math.ceil(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value))


def _leaf_row(name: str, node: str, kept: int, dropped: int) -> dict[str, Any]:
    total = kept + dropped
    return {
        "name": shortened(name, LABEL_LENGTH),
        "parts": (kept, dropped),
        "end": f"{kept:,} of {total:,}",
        "strong": False,
        "faint": False,
        "words": (
            shortened(name, _MAX_NAME),
            *((shortened(plain(node), _MAX_NAME),) if node != name else ()),
            f"{kept:,} of {counted(total, 'image')} kept, {dropped:,} dropped",
        ),
    }


def _counts(scored: Scored, found: ClassFinding) -> tuple[list[int], Counts, Counts]:
    """The winner's leaves, and how many images of each are kept and dropped."""
    leaves = list(found.selection.winner.members) if found.selection.winner else []
    leaf_of, n_leaves = scored.images.node_index, len(scored.scores.nodes)
    kept = np.bincount(leaf_of[found.filtered.kept], minlength=n_leaves)[leaves]
    dropped = np.bincount(leaf_of[found.filtered.dropped], minlength=n_leaves)[leaves]
    return leaves, kept, dropped
