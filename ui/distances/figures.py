"""The figures of the Distances page."""

from typing import TYPE_CHECKING

from fdcore.method.findings import Scored
from fdcore.method.neighbourhood import Neighbourhood, tree_above

if TYPE_CHECKING:
    import plotly.graph_objects as go


def draw_heatmap(scored: Scored, shown: Neighbourhood, name: str) -> "go.Figure":
    """The matrix of the distances (paper, Figure 2)."""
    from fdcore.report.figures.distances import distance_heatmap

    index, ids = shown.common_ancestors()
    return distance_heatmap(
        shown.among,
        labels=shown.labels,
        ids=shown.nodes,
        groups=shown.groups or None,
        group_names=shown.group_names or None,
        common_index=index,
        common_labels=[scored.hierarchy.label(node) for node in ids],
        paths=[" < ".join(reversed(path[:-1])) for path in shown.paths],
        revision=f"{name} {bool(shown.groups)}",
    )


def draw_tree(scored: Scored, shown: Neighbourhood, target_class: int | None, name: str) -> "go.Figure":
    """The part of the hierarchy above the leaves, coloured by score: of one class, or the best of any."""
    from fdcore.report.figures.hierarchy import TreeNode, hierarchy_tree

    shares = scored.scores.functional.max(axis=0) if target_class is None else scored.scores.functional[target_class]
    place = {node: i for i, node in enumerate(shown.nodes)}
    rows = [
        TreeNode(
            id=node,
            label=scored.hierarchy.label(node),
            parent=parent,
            score=float(shares[shown.leaves[place[node]]]) if node in place else None,
            is_leaf=node in place,
            selected=node in place and shown.selected[place[node]],
        )
        for node, parent in tree_above(scored.hierarchy, shown.nodes).items()
    ]
    return hierarchy_tree(rows, revision=name)
