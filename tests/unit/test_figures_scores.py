"""Figures of scores, and of the distances among leaves."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from fdcore.report.figures.distances import distance_heatmap
from fdcore.report.figures.scores import MAX_ANSWERS, answer_bars, classes_by_leaves, leaf_ranking

IMAGE = "<img src=x onerror=alert(1)>"
LONG = "a label that goes on and on until it has some eighty characters, and then a few more"


def rank(**changed: Any) -> go.Figure:
    given: dict[str, Any] = {
        "labels": ["airliner", "crane", "crane", IMAGE],
        "ids": ["n1", "n2", "n3", "n4"],
        "functional": np.array([0.9, 0.6, 0.4, 0.1]),
        "low": np.array([0.8, 0.5, 0.3, 0.0]),
        "high": np.array([0.95, 0.7, 0.55, 0.2]),
        "n_queries": np.array([1200, 100, 100, 100]),
        "tau": 0.3,
        "selected": {"n1", "n3"},
    }
    given |= changed
    return leaf_ranking(given.pop("labels"), **given)


def test_the_ranking_draws_selected_leaves_apart_at_their_own_rows() -> None:
    """Two leaves of one name keep their rows; the answer's leaves are bold and have the accent."""
    selected, others = rank().data[:2]
    assert (selected.y.tolist(), others.y.tolist()) == ([0, 2], [1, 3])
    assert (selected.x.tolist(), others.x.tolist()) == ([0.9, 0.4], [0.6, 0.1])
    assert selected.marker.color != others.marker.color
    names = ("<b>airliner</b>", "crane", "<b>crane</b>", "&lt;img src=x onerror=alert(1)&gt;")
    assert rank().layout.yaxis.ticktext == names


def test_the_ranking_has_whiskers_tau_and_units() -> None:
    """The interval is drawn around each score, tau as a line, shares as percent."""
    figure = rank()
    whiskers = figure.data[0].error_x
    assert np.allclose(whiskers.array, [0.05, 0.15])
    assert np.allclose(whiskers.arrayminus, [0.1, 0.1])
    line = figure.layout.shapes[0]
    assert (line.x0, line.x1, line.line.dash) == (0.3, 0.3, "dash")
    assert figure.layout.annotations[0].text == "tau 30%"
    assert figure.layout.xaxis.tickformat == ".0%"
    assert "95 % interval" in figure.layout.xaxis.title.text


def test_the_rankings_hover_says_name_id_and_numbers() -> None:
    """Ids stand in the hover, where names are whole."""
    assert rank().data[0].hovertext[0] == (
        "<b>airliner</b><br>n1<br>90.0% of 1,200 views<br>95 % interval: 80.0% to 95.0%"
    )


def test_a_ranking_without_leaves_says_so() -> None:
    """An empty page of a ranking is no error."""
    none = np.empty(0)
    figure = rank(labels=[], ids=[], functional=none, low=none, high=none, n_queries=none.astype(int))
    assert not figure.data
    assert figure.layout.annotations[0].text == "No leaf has a score here."


def matrix(n_classes: int, n_leaves: int) -> go.Figure:
    functional = np.zeros((n_classes, n_leaves))
    functional[-1, 0] = 0.876
    return classes_by_leaves(
        functional,
        class_names=[f"Class {i}" for i in range(n_classes)],
        leaf_labels=["crane"] * n_leaves,
        leaf_ids=[f"n{i}" for i in range(n_leaves)],
    )


def test_the_overview_is_whole_percent_in_bytes() -> None:
    """A float matrix takes a browser twice as long."""
    heatmap = matrix(2, 3).data[0]
    assert heatmap.z.dtype == np.uint8
    assert heatmap.z.tolist() == [[0, 0, 0], [88, 0, 0]]
    assert (heatmap.zmin, heatmap.zmax) == (0, 100)


def test_the_overviews_columns_stay_apart_where_labels_repeat() -> None:
    """The axis counts whole names with ids; the ticks are short and stand a little aside, so that hovers are whole."""
    figure = matrix(1, 3)
    assert len(set(figure.data[0].x)) == 3
    assert figure.data[0].x[1] == "<b>crane</b><br>n1"
    assert figure.layout.xaxis.ticktext == ("crane",) * 3
    assert figure.layout.xaxis.type == "category"
    assert all(0 < tick - round(tick) < 0.5 for tick in figure.layout.xaxis.tickvals)


def test_a_huge_overview_is_drawn_in_blocks_of_the_highest_score() -> None:
    """1,000 classes by 1,000 leaves stay small, and no high score is lost."""
    figure = matrix(1000, 1000)
    heatmap = figure.data[0]
    assert heatmap.z.shape == (250, 250)
    assert heatmap.z[249, 0] == 88
    assert heatmap.y[249] == "<b>Class 996</b><br>to <b>Class 999</b><br>(4 classes)"
    assert "blocks of 4" in figure.layout.yaxis.title.text
    assert len(figure.layout.yaxis.ticktext) <= 60
    assert len(figure.to_json()) < 1e6


def test_answers_come_most_frequent_first_and_unused_classes_are_left_out() -> None:
    """A test query shows what came."""
    figure = answer_bars(["a", IMAGE, "c"], counts=np.array([1, 3, 0]))
    assert figure.data[0].x == (3, 1)
    assert figure.layout.yaxis.ticktext == ("&lt;img src=x onerror=alert(1)&gt;", "a")
    assert figure.data[0].hovertext[0].endswith("3 answers of 4 (75.0%)")


def test_many_answered_classes_are_counted_below_the_bars() -> None:
    """1,000 classes do not make a page of bars."""
    figure = answer_bars([f"Class {i}" for i in range(1000)], counts=np.full(1000, 2))
    assert len(figure.data[0].x) == MAX_ANSWERS
    assert figure.layout.xaxis.title.text.endswith("; 980 other classes: 1,960")
    assert "not been queried" in answer_bars(["a"], counts=np.array([0])).layout.annotations[0].text


DISTANCES = np.array([[0, 2, 7, np.inf], [2, 0, 9, np.inf], [7, 9, 0, np.inf], [np.inf, np.inf, np.inf, 0]])


def distances(**changed: Any) -> go.Figure:
    given: dict[str, Any] = {"labels": ["crane", "crane", LONG, IMAGE], "ids": ["n1", "n2", "n3", "n4"]}
    return distance_heatmap(changed.pop("matrix", DISTANCES), **(given | changed))


def test_distances_are_bytes_and_unrelated_has_a_colour_of_its_own() -> None:
    """inf is one above the largest distance, and the colour bar names it."""
    heatmap = distances().data[0]
    assert heatmap.z.dtype == np.uint8
    assert heatmap.z[0].tolist() == [0, 2, 7, 10]
    assert heatmap.zmax == 10
    assert heatmap.colorscale[-1][1] not in [color for _, color in heatmap.colorscale[:-2]]
    assert heatmap.colorbar.ticktext[-1] == "unrelated"
    assert heatmap.colorbar.title.text == "Steps in the hierarchy"


def test_related_leaves_need_no_colour_for_unrelated() -> None:
    """The scale ends with the largest distance."""
    heatmap = distances(matrix=np.minimum(DISTANCES, 9)).data[0]
    assert heatmap.zmax == 9
    assert "unrelated" not in heatmap.colorbar.ticktext


def test_each_cell_says_steps_and_common_ancestor() -> None:
    """One step is singular; the unrelated have no ancestor; a hostile ancestor is text."""
    common = np.array([[0, 1, 1, -1], [1, 0, 1, -1], [1, 1, 0, -1], [-1, -1, -1, 0]])
    text = distances(common_index=common, common_labels=["bird", IMAGE], paths=["bird > animal"] * 4).data[0].text
    assert text[0][1] == "2 steps<br>Common ancestor: &lt;img src=x onerror=alert(1)&gt;"
    assert text[0][3] == "unrelated"
    one = distances(matrix=np.minimum(DISTANCES, 1)).data[0]
    assert one.text[0][1] == "1 step"


def test_the_distances_rows_keep_namesakes_apart_and_name_the_way_up() -> None:
    """Hovers have the whole name, id and path; ticks an ellipsis."""
    figure = distances(paths=["bird > animal"] * 4)
    assert figure.data[0].y[0] == "<b>crane</b><br>n1<br>bird &gt; animal"
    assert len(set(figure.data[0].y)) == 4
    assert figure.layout.xaxis.ticktext[2].endswith("…")


def test_clusters_get_borders_and_names() -> None:
    """A border runs around each run of one group."""
    figure = distances(groups=[0, 0, 1, 2], group_names=["birds", IMAGE, "other"])
    assert [(s.x0, s.x1, s.y0, s.y1) for s in figure.layout.shapes] == [
        (-0.5, 1.5, -0.5, 1.5), (1.5, 2.5, 1.5, 2.5), (2.5, 3.5, 2.5, 3.5),
    ]  # fmt: skip
    assert figure.layout.annotations[1].text.startswith("&lt;img")


@pytest.mark.parametrize("n", [1, 300, 1000])
def test_distances_of_any_number_of_leaves_stay_small(n: int) -> None:
    """No message to the browser above 5 MB."""
    names = [f"leaf {i}" for i in range(n)]
    common = {"common_index": np.zeros((n, n), int), "common_labels": ["x"]}
    figure = distance_heatmap(np.ones((n, n)), labels=names, ids=names, groups=[0] * n, **common)
    assert len(figure.to_json()) < 2e6
    assert len(figure.layout.xaxis.ticktext) <= 60


def test_no_candidates_have_no_distances() -> None:
    """Not found is an answer."""
    assert "no candidates" in distance_heatmap(np.empty((0, 0)), labels=[], ids=[]).layout.annotations[0].text
