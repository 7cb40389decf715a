"""The corpus's images over the hierarchy as a treemap, and the node that a click chooses."""

from typing import Any

import plotly.graph_objects as go

from fdcore.case.intake import Surveyed
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.report.figures.corpus import corpus_treemap
from ui.survey_tables import tree_rows

MAX_NODES = 1_200


def draw_map(surveyed: Surveyed, node: str | None, *, revision: str) -> go.Figure:
    """The treemap of the images at or below a node; of all for None."""
    rows = tree_rows(surveyed, node)
    return corpus_treemap(
        rows.ids, labels=rows.labels, parents=rows.parents, values=rows.values, max_nodes=MAX_NODES, max_depth=6,
        n_images=sum(surveyed.n_files.values()), revision=f"{revision} {node}",
    )  # fmt: skip


def root_of_map(surveyed: Surveyed, node: str | None) -> str | None:
    """The root of the treemap for a chosen node: the node, or its parent if it is a leaf."""
    if node is None or surveyed.hierarchy.children(node):
        return node
    return next(iter(surveyed.hierarchy.path_to_root(node)[1:]), None)


def clicked_node(hierarchy: Hierarchy, selection: Any) -> str | None:
    """The node that a click on the treemap chose; None for the whole, or if it is not a node."""
    try:
        text = str(selection["selection"]["points"][0]["id"])
    except (KeyError, IndexError, TypeError):
        return None
    node = text.partition("\N{NULL}")[0]  # the rest names the folded part of the node
    return node if node in hierarchy else None
