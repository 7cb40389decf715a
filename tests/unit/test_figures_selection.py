"""Figures of a class's answer, and the tree of its candidates."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from fdcore.report.figures.hierarchy import TreeNode, hierarchy_tree
from fdcore.report.figures.selection import (
    MAX_CLUSTERS,
    MAX_WINNERS,
    ClusterBar,
    cluster_bars,
    filter_counts,
    stability_map,
)

IMAGE = "<img src=x onerror=alert(1)>"


def test_a_cluster_is_stacked_from_its_weighted_parts() -> None:
    """alpha * L and (1 - alpha) * S add up to the objective, which is written at the end."""
    functional, semantic, total = cluster_bars(
        [ClusterBar("cars", 0.8, 0.5, 0.71, True, 3), ClusterBar(IMAGE, 0.9, 0.0, 0.63, False, 1)], alpha=0.7
    ).data
    assert np.allclose(functional.x, [0.56, 0.63])
    assert np.allclose(semantic.x, [0.15, 0])
    assert total.text == (" <b>0.71 winner</b>", " 0.63")
    assert functional.marker.opacity[0] > functional.marker.opacity[1]


def test_a_clusters_hover_shows_the_sum() -> None:
    """An analyst can check the arithmetic."""
    bars = cluster_bars([ClusterBar("cars", 0.8, 0.5, 0.71, True, 1)], alpha=0.7).data[0]
    assert bars.hovertext[0] == (
        "<b>cars</b><br>1 leaf<br>Apparent L 0.800, S 0.500<br>0.70 · 0.800 + 0.30 · 0.500 = 0.710 (winner)"
    )


def test_many_clusters_end_with_a_count_and_keep_the_winner() -> None:
    """A winner chosen by hand may stand anywhere in the list."""
    clusters = [ClusterBar(f"c{i}", 0.5, 0.1, 0.4, i == 49, 2) for i in range(50)]
    figure = cluster_bars(clusters, alpha=0.7)
    assert len(figure.data[0].x) == MAX_CLUSTERS
    assert figure.layout.yaxis.ticktext[-1] == "<b>c49</b>"
    assert figure.layout.xaxis.title.text.endswith("20 weaker clusters not drawn")


def test_what_is_drawn_without_validation_is_valid() -> None:
    """Plotly would refuse a misspelt property; the page does not pay for asking it."""
    bars = cluster_bars(
        [ClusterBar("cars", 0.8, 0.5, 0.71, True, 3), ClusterBar(IMAGE, 0.9, 0, 0.6, False, 1)], alpha=1
    )
    counts = filter_counts(["car"], ids=["n1"], before=np.array([9]), after=np.array([2]))
    for figure in (bars, counts):
        validated = go.Figure(figure.to_plotly_json())
        assert json.loads(validated.to_json()) == json.loads(figure.to_json(validate=False))


def test_no_cluster_is_not_found() -> None:
    """Not found is an answer."""
    assert "not found" in cluster_bars([], alpha=0.7).layout.annotations[0].text


ETAS, ALPHAS = np.arange(4.0), np.array([0.5, 1.0])


def test_the_map_has_eta_across_alpha_up_and_a_cross_hair() -> None:
    """Colours rank by how often a cluster wins; the legend says which wins at the current point."""
    winner = np.array([[1, 1], [1, 1], [0, 1], [0, -1]])
    figure = stability_map(winner, names=[IMAGE, "cars"], etas=ETAS, alphas=ALPHAS, eta=2.2, alpha=0.5)
    heatmap = figure.data[0]
    assert heatmap.z.tolist() == [[0, 0, 1, 1], [0, 0, 0, 2]]
    assert [trace.name for trace in figure.data[1:-1]] == [
        "cars (62% of the map)",
        "&lt;img src=x onerror=alert(1)&gt; (25% of the map)",
        "not found (12% of the map)",
    ]
    assert (figure.data[-1].x, figure.data[-1].y) == ((2.2,), (0.5,))
    assert {(s.x0, s.y0) for s in figure.layout.shapes} == {(2.2, 0), (0, 0.5)}
    assert heatmap.text[0][0] == "<b>cars</b>"
    assert heatmap.text[1][3] == "<b>not found</b>"


def test_the_map_names_seven_winners_the_current_one_among_them() -> None:
    """The others share a colour."""
    winner = np.repeat(np.arange(20), 2)[:, None] * np.ones((1, 2), int)
    figure = stability_map(
        winner, names=[f"c{i}" for i in range(20)], etas=np.arange(40.0), alphas=ALPHAS, eta=39, alpha=1
    )
    names = [trace.name for trace in figure.data[1:-1]]
    assert len(names) == MAX_WINNERS + 1
    assert names[MAX_WINNERS - 1].startswith("c19")
    assert names[-1] == "other clusters (65% of the map)"


def test_a_map_without_winners_says_so() -> None:
    """Not found at any eta and alpha."""
    figure = stability_map(np.full((4, 2), -1), names=[], etas=ETAS, alphas=ALPHAS, eta=1, alpha=1)
    assert "not found" in figure.layout.annotations[0].text


def test_filtering_is_drawn_as_kept_and_dropped() -> None:
    """The bars add up to what there was."""
    figure = filter_counts(["car", IMAGE], ids=["n1", "n2"], before=np.array([1000, 5]), after=np.array([900, 0]))
    kept, dropped, counts = figure.data
    assert (kept.x, dropped.x) == ((900, 0), (100, 5))
    assert counts.text == (" 900 of 1,000", " 0 of 5")
    assert kept.hovertext[0] == "<b>car</b><br>n1<br>900 of 1,000 images kept, 100 dropped"
    assert figure.layout.xaxis.title.text == "Images"


# entity > object > {animal > {bird > {crane, hen}, pet}, pet > hen}: entity and object form a chain.
NODES = [
    TreeNode("e", "entity", None, None, False, False),
    TreeNode("o", "object", "e", None, False, False),
    TreeNode("a", "animal", "o", None, False, False),
    TreeNode("b", "bird", "a", None, False, False),
    TreeNode("p", "pet", "a", None, False, False),
    TreeNode("c", "crane", "b", 0.9, True, True),
    TreeNode("h", IMAGE, "b", 0.4, True, False),
    TreeNode("h", IMAGE, "p", 0.4, True, False),
]


def test_the_tree_names_every_leaf_and_marks_the_selected_by_shape() -> None:
    """Leaves stand at the right in rows of their own; colour is not the only sign."""
    traces = {trace.name: trace for trace in hierarchy_tree(NODES).data}
    selected, other = traces["Selected leaf"], traces["Other leaf"]
    assert (selected.marker.symbol, other.marker.symbol) == ("diamond", "circle")
    assert selected.x == other.x == (2,)
    assert (selected.y, other.y) == ((0,), (1,))
    assert selected.text == (" <b>crane</b>",)
    assert other.text == (" &lt;img src=x onerror=alert(1)&gt;",)
    assert selected.hovertext[0] == "<b>crane</b><br>c<br>Score: 90.0%<br>Selected"


def test_chains_are_left_out_of_the_tree_and_told_in_a_hover() -> None:
    """entity and object have one child each and nothing of their own."""
    groups = {trace.name: trace for trace in hierarchy_tree(NODES).data}["Group"]
    assert groups.text == ("animal", "bird", "pet")
    assert groups.hovertext[0].endswith("Above it, not drawn: entity &gt; object")
    assert groups.y[1] == 0.5  # bird stands in the middle of its leaves


def test_a_further_parent_is_dashed() -> None:
    """A DAG's node stands once; its second parent is linked by a dashed line."""
    traces = {trace.name: trace for trace in hierarchy_tree(NODES).data}
    assert traces["further parent"].line.dash == "dot"
    assert traces["further parent"].x == (1, 2, None)


@pytest.mark.parametrize("n", [1, 100, 1000])
def test_the_tree_is_high_enough_for_its_leaves_and_small(n: int) -> None:
    """Twenty pixels for a leaf, one colour bar at all."""
    leaves = [TreeNode(f"n{i}", "x" * 80, "r", i / n, True, i == 0) for i in range(n)]
    figure = hierarchy_tree([TreeNode("r", "root", None, None, False, False), *leaves])
    assert figure.layout.height == 20 * n + 112
    assert sum(bool(trace.marker.showscale) for trace in figure.data) == 1
    assert len(figure.to_json()) < 1e6
    assert max(len(name) for trace in figure.data for name in trace.text or ()) < 50


def test_no_candidates_make_no_tree() -> None:
    """Not found is an answer."""
    assert "no candidates" in hierarchy_tree([]).layout.annotations[0].text
