"""Figures: data in, Plotly figure out. Pages, report and benchmarks share them.

scores        leaf_ranking, classes_by_leaves, answer_bars
distances     distance_heatmap
hierarchy     hierarchy_tree
selection     cluster_bars, stability_map, filter_counts
corpus        corpus_treemap, domain_treemap, prune_tree
word_map      word_map
words         similarity_bars, similarity_histogram, agreement_matrix
clones        loss_curves, agreement_curves, clone_rates, rate_density, agreement_by_cost
confusion     confusion_matrix
style         the common style, the toolbar, and a standalone page for a figure
matrix        a matrix of any size
labels        places of names beside points
"""

from fdcore.report.figures.clones import (
    ClassRates,
    CloneCurve,
    ClonePrice,
    CloneRate,
    agreement_by_cost,
    agreement_curves,
    clone_rates,
    loss_curves,
    rate_density,
)
from fdcore.report.figures.confusion import confusion_matrix
from fdcore.report.figures.corpus import FoundClass, corpus_treemap, domain_treemap, prune_tree
from fdcore.report.figures.distances import distance_heatmap
from fdcore.report.figures.hierarchy import TreeNode, hierarchy_tree
from fdcore.report.figures.scores import answer_bars, classes_by_leaves, leaf_ranking
from fdcore.report.figures.selection import ClusterBar, cluster_bars, filter_counts, stability_map
from fdcore.report.figures.style import config, inert, on_white, standalone_html
from fdcore.report.figures.treemap import Tree
from fdcore.report.figures.word_map import word_map
from fdcore.report.figures.words import SimilarityRow, agreement_matrix, similarity_bars, similarity_histogram

__all__ = [
    "ClassRates",
    "CloneCurve",
    "ClonePrice",
    "CloneRate",
    "ClusterBar",
    "FoundClass",
    "SimilarityRow",
    "Tree",
    "TreeNode",
    "agreement_by_cost",
    "agreement_curves",
    "agreement_matrix",
    "answer_bars",
    "classes_by_leaves",
    "clone_rates",
    "cluster_bars",
    "config",
    "confusion_matrix",
    "corpus_treemap",
    "distance_heatmap",
    "domain_treemap",
    "filter_counts",
    "hierarchy_tree",
    "inert",
    "leaf_ranking",
    "loss_curves",
    "on_white",
    "prune_tree",
    "rate_density",
    "similarity_bars",
    "similarity_histogram",
    "stability_map",
    "standalone_html",
    "word_map",
]
