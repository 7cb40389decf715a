"""The figures of the Selection page: as Plotly figures for download, and as data for a canvas."""

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
    LEGEND_LENGTH,
    ClusterBar,
    Counts,
    cluster_bars,
    color_winners,
    filter_counts,
    legend_text,
    stability_map,
)
from fdcore.report.figures.style import NOTHING, OTHER
from ui import cached
from ui.text import plain, shortened
from ui.workbench.clusters import cluster_name

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MAX_NAME = 300  # characters of a name in a tooltip


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
    """`draw_map` for `live_map.live_map`: built once for each answer, then only the cross-hair moves."""
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


def _counts(scored: Scored, found: ClassFinding) -> tuple[list[int], Counts, Counts]:
    """The winner's leaves, and how many images of each are kept and dropped."""
    leaves = list(found.selection.winner.members) if found.selection.winner else []
    leaf_of, n_leaves = scored.images.node_index, len(scored.scores.nodes)
    kept = np.bincount(leaf_of[found.filtered.kept], minlength=n_leaves)[leaves]
    dropped = np.bincount(leaf_of[found.filtered.dropped], minlength=n_leaves)[leaves]
    return leaves, kept, dropped
