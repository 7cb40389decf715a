"""The figures of the Selection page, made of what the page holds."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from fdcore.analysis import Scored
from fdcore.artefacts import ClassFinding
from fdcore.case import Case
from fdcore.figures.selection import ClusterBar, cluster_bars, filter_counts, move_cross_hair, stability_map
from fdcore.selection import SelectionSettings
from fdcore.stability import StabilityMap
from ui import cached
from ui.selection.tables import cluster_name


def draw_map(scored: Scored, stability: StabilityMap, settings: SelectionSettings) -> go.Figure:
    """Which cluster wins at each eta and alpha, and where the settings stand."""
    return stability_map(
        stability.winner,
        names=[cluster_name(scored, winner.members) for winner in stability.winners],
        etas=stability.etas,
        alphas=stability.alphas,
        eta=settings.eta,
        alpha=settings.alpha,
        revision=str(stability.target_class),
    )


def follow_on_map(case: Case, scored: Scored, stability: StabilityMap, settings: SelectionSettings) -> go.Figure:
    """`draw_map` while a slider moves: drawn once for each answer, then only the cross-hair moves."""
    here = stability.winner[stability.nearest(settings.eta, settings.alpha)]
    anywhere = replace(settings, eta=0.0, alpha=1.0)
    what = f"stability map {stability.target_class} {anywhere!r} {here}"
    drawn = cached.figure(case, what, lambda: draw_map(scored, stability, settings))
    return move_cross_hair(drawn, settings.eta, settings.alpha)


def draw_clusters(scored: Scored, found: ClassFinding, settings: SelectionSettings) -> go.Figure:
    """What each cluster's objective is made of."""
    winner = found.selection.winner
    bars = [
        ClusterBar(
            cluster_name(scored, cluster.members), cluster.functional, cluster.semantic, cluster.objective,
            cluster is winner, len(cluster.members),
        )
        for cluster in found.selection.clusters
    ]  # fmt: skip
    return cluster_bars(bars, alpha=settings.alpha, revision=str(found.selection.target_class))


def draw_counts(scored: Scored, found: ClassFinding) -> go.Figure:
    """How many images of each selected leaf stay."""
    leaves = list(found.selection.winner.members) if found.selection.winner else []
    leaf_of, n_leaves = scored.images.node_index, len(scored.scores.nodes)
    kept = np.bincount(leaf_of[found.filtered.kept], minlength=n_leaves)[leaves]
    dropped = np.bincount(leaf_of[found.filtered.dropped], minlength=n_leaves)[leaves]
    return filter_counts(
        scored.labels(leaves),
        ids=[scored.scores.nodes[leaf] for leaf in leaves],
        before=kept + dropped,
        after=kept,
        revision=str(found.selection.target_class),
    )
