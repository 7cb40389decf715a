"""Figures: data in, Plotly figure out. Pages, report and benchmarks share them. For `revision` see `style.new_figure`.

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
