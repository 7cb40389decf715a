"""Figures of words: the map, the bars of similarity and their histogram, and the matrix of labels and findings."""

import base64
import io
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from fdcore.report.figures.labels import GAP_PX, LINE_PX, PLACES, place_labels
from fdcore.report.figures.style import CATEGORICAL, CIVIDIS, NOTHING, standalone_html
from fdcore.report.figures.word_map import MAX_LABELS, MAX_LOOKS, MAX_SVG_POINTS, word_map
from fdcore.report.figures.words import (
    MAX_ROWS,
    SimilarityRow,
    agreement_matrix,
    n_pages,
    similarity_bars,
    similarity_histogram,
)
from fdcore.words.points import MapPoint

IMAGE = "<img src=x onerror=alert(1)>"


def crowd(n_classes: int, n: int, *, seed: int = 0) -> tuple[list[MapPoint], Any]:
    """A claim and two found words for each class, and other words up to n."""
    points = []
    for target in range(n_classes):
        points.append(MapPoint(f"claim {target}", "claim", target, None))
        points += [MapPoint(f"found {target} {i}", "found", target, f"n{target}") for i in range(2)]
    points += [MapPoint(f"word {i}", "background", None, None) for i in range(n - len(points))]
    return points, np.random.default_rng(seed).normal(size=(len(points), 2)).astype(np.float32)


def seen(figure: go.Figure) -> list[Any]:
    """The traces with words, without their names, lines and the legend."""
    return [trace for trace in figure.data if trace.hovertext is not None]


def test_claims_are_diamonds_linked_to_what_was_found_for_them() -> None:
    """Three words: a named diamond, two dots of its colour, and a line to each."""
    points = [MapPoint("cat", "claim", 3, None), MapPoint("tabby", "found", 3, "n02"), MapPoint(IMAGE, "found", 3, "x")]
    figure = word_map(points, np.array([[0, 0], [1, 1], [2, 5]]))
    found, claim = seen(figure)
    assert (claim.marker.symbol, claim.marker.color, found.marker.color) == ("diamond", *[CATEGORICAL[0]] * 2)
    assert claim.hovertext == ("<b>cat</b><br>claimed for class 3",)
    assert found.hovertext[0] == "<b>tabby</b><br>n02<br>found for class 3"
    lines = next(trace for trace in figure.data if trace.mode == "lines")
    assert lines.x == (0, 1, None, 0, 2, None)
    assert lines.y == (0, 1, None, 0, 5, None)
    assert "<b>cat</b>" in [name for trace in figure.data for name in trace.text or ()]


def test_a_found_word_is_linked_to_the_nearest_claim_of_its_own_class() -> None:
    """A class may be claimed in several words; those of other classes do not matter."""
    points = [MapPoint(name, "claim", target, None) for name, target in (("a", 0), ("b", 0), ("c", 1))]
    figure = word_map([*points, MapPoint("d", "found", 0, None)], np.array([[0, 0], [5, 0], [9, 0], [8.0, 0]]))
    assert next(trace for trace in figure.data if trace.mode == "lines").x == (5, 8, None)


def test_classes_have_a_look_each_while_there_are_enough() -> None:
    """Seven colours in three shapes; with more classes all look the same until some are chosen."""
    looks = {
        (t.marker.color, t.marker.symbol) for t in seen(word_map(*crowd(MAX_LOOKS, 0))) if "found" in t.hovertext[0]
    }
    assert len(looks) == MAX_LOOKS
    many = crowd(MAX_LOOKS + 1, 0)
    assert len({trace.marker.color for trace in seen(word_map(*many))}) == 1
    chosen = word_map(*many, chosen=[4, 20])
    assert {trace.marker.color for trace in seen(chosen)} >= set(CATEGORICAL[:2])
    assert [t.name for t in chosen.data if t.name] == ["claimed word", "found word", "4 claim 4", "20 claim 20"]


def test_five_thousand_words_are_all_there_and_few_are_named() -> None:
    """A crowd is drawn by WebGL; every word keeps its hover text; names have a limit."""
    figure = word_map(*crowd(1_000, 5_000), chosen=[3])
    assert sum(len(trace.x) for trace in seen(figure)) == 5_000
    assert {trace.type for trace in seen(figure)} == {"scatter", "scattergl"}
    names = [name for trace in figure.data for name in trace.text or ()]
    assert "<b>claim 3</b>" in names
    assert 0 < len(names) <= MAX_LABELS
    assert "scattergl" not in {trace.type for trace in word_map(*crowd(10, MAX_SVG_POINTS)).data}


@pytest.mark.parametrize("at", [np.zeros((2, 2)), np.array([[-1.0, 0], [1, 0]]), np.array([[1e30, 0], [-1e30, 1]])])
def test_words_on_one_spot_or_on_a_line_have_room(at: Any) -> None:
    """The axes reach beyond the words on all sides."""
    figure = word_map([MapPoint("a", "claim", 0, None), MapPoint("b", "found", 0, None)], at)
    for axis, values in ((figure.layout.xaxis, at[:, 0]), (figure.layout.yaxis, at[:, 1])):
        assert axis.range[0] < values.min()
        assert values.max() < axis.range[1]


def test_no_words_say_why_there_is_no_map() -> None:
    """An empty figure is a sentence."""
    assert "vocabulary" in word_map([], np.zeros((0, 2))).layout.annotations[0].text


def test_hostile_words_are_inert_in_every_figure() -> None:
    """No markup of a label reaches the page."""
    row = SimilarityRow(0, IMAGE, IMAGE, 0.4, 0.5)
    for figure in (
        word_map([MapPoint(IMAGE, "claim", 0, IMAGE), MapPoint(IMAGE, "found", 0, IMAGE)], np.eye(2)),
        similarity_bars([row]),
        agreement_matrix(np.eye(2), found_names=[IMAGE, IMAGE], label_names=[IMAGE, IMAGE]),
    ):
        assert "<img" not in json.dumps(figure.to_plotly_json(), default=str)
        assert standalone_html(figure, "t")


def test_names_cover_neither_each_other_nor_a_point() -> None:
    """Checked pair by pair on random points, in and beyond a crowd."""
    points = np.random.default_rng(0).uniform(0, 500, (60, 2))
    placed = place_labels(points, [40.0] * 60, order=range(60), n_always=0, max_labels=60, frame=(500, 500))
    assert 10 < len(placed) < 60
    side = {"top": 1, "bottom": -1, "middle": 0, "center": 0, "left": -1, "right": 1}
    half = np.array([20, LINE_PX / 2])
    boxes = []
    for point, place in placed.items():
        up, along = (side[word] for word in place.split())
        middle = points[point] + np.array([along, up]) * (half + GAP_PX)
        boxes.append([*(middle - half), *(middle + half)])
        left, bottom, right, top = boxes[-1]
        assert min(left, bottom) >= 0
        assert max(right, top) <= 500
        assert not any(left < x < right and bottom < y < top for x, y in points)
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]


def test_a_name_that_must_be_there_is_there() -> None:
    """Claims are named whatever stands in the way, in the order given, up to the limit."""
    points = np.full((9, 2), 50.0)
    placed = place_labels(points, [90.0] * 9, order=[8, 7, 6, 5], n_always=3, max_labels=2, frame=(60, 60))
    assert list(placed) == [8, 7]
    assert set(placed.values()) <= set(PLACES)


def row(target: int, percentile: float | None, similarity: float | None = 0.5) -> SimilarityRow:
    """A class with a claim."""
    return SimilarityRow(target, f"c{target}", "a, b", similarity, percentile)


def test_the_classes_that_agree_least_stand_on_top() -> None:
    """Ordered by percentile, those without one last; the names of those that do not agree are bold."""
    figure = similarity_bars([row(0, 0.99), row(1, None, None), row(2, 0.1, -0.2), row(3, 0.9), row(4, 1.0)])
    assert figure.layout.yaxis.ticktext == ("<b>2 c2</b>", "3 c3", "0 c0", "4 c4", "1 c1")
    assert [trace.name for trace in figure.data[:3]] == [
        "agrees: the same word, or closer than 95 % of random selections (2)",
        "unclear: closer than 80 % (1)",
        "does not agree (1)",
    ]
    assert figure.data[2].y == (0,)
    assert figure.data[3].text[0] == " -0.20, closer than 10 %"
    assert figure.data[3].text[-1] == " no word in the vocabulary"


def test_a_similarity_without_a_percentile_is_drawn() -> None:
    """There may be no random nodes to hold it against."""
    figure = similarity_bars([row(0, None, 0.7)])
    assert 0.7 in [x for trace in figure.data if trace.type == "bar" for x in trace.x]
    assert figure.data[-1].text == (" 0.70",)


def test_the_same_word_is_drawn_as_agreeing_wherever_chance_puts_it() -> None:
    """In bars it stands with those that agree, and in the histogram it has their colour."""
    rows = [row(0, 0.5, 1.0), row(1, 0.9), row(2, 0.5), row(3, None, 1.0)]
    bars = similarity_bars(rows)
    assert bars.layout.yaxis.ticktext == ("<b>2 c2</b>", "1 c1", "0 c0", "3 c3")
    assert bars.data[0].y == (2, 3)
    histogram = similarity_histogram(rows)
    assert histogram.layout.barmode == "stack"
    assert [trace.y for trace in histogram.data] == [(1,), (1,), (1,)]
    assert histogram.data[0].x == histogram.data[2].x


def test_a_thousand_classes_come_in_pages() -> None:
    """Each class stands on exactly one page, and a page beyond the last is the last."""
    rows = [row(target, target / 1_000) for target in range(1_000)]
    pages = [similarity_bars(rows, page=page).layout.yaxis.ticktext for page in range(n_pages(1_000))]
    assert sorted(int(name.strip("</b>").split()[0]) for page in pages for name in page) == list(range(1_000))
    assert all(len(page) <= MAX_ROWS for page in pages)
    assert similarity_bars(rows, page=99).layout.yaxis.ticktext == pages[-1]
    assert similarity_bars(rows).layout.xaxis.title.text.endswith("1 to 40 of 1,000 classes")


def test_the_histogram_counts_every_class_once() -> None:
    """Against NumPy's histogram; the classes that could not be compared are counted below."""
    shares = np.random.default_rng(0).beta(5, 1, 500)
    figure = similarity_histogram([*(row(i, float(share)) for i, share in enumerate(shares)), row(500, None, None)])
    drawn = np.zeros(20, int)
    for trace in figure.data:
        for x, y in zip(trace.x, trace.y, strict=True):
            if x is not None:
                drawn[int(x * 20)] += y
    assert drawn.tolist() == np.histogram(shares, bins=20, range=(0, 1))[0].tolist()
    assert figure.layout.xaxis.title.text.endswith("1 class could not be compared")
    assert "compared" in similarity_histogram([row(0, None)]).layout.annotations[0].text


def matrix(n: int, offset: int = 0) -> Any:
    """Bright where class i belongs to label i - offset, and unknown in row 2."""
    similarity = np.full((n, n), 0.2)
    for i in range(max(offset, 0), min(n, n + offset)):
        similarity[i, i - offset] = 0.9
    similarity[2] = np.nan
    return similarity


def draw(n: int, offset: int = 0) -> go.Figure:
    """Its figure."""
    names = [f"x{i}" for i in range(n)]
    return agreement_matrix(matrix(n, offset), found_names=names, label_names=names, offset=offset)


def test_the_matrix_has_a_bright_outlined_diagonal() -> None:
    """Percent as bytes, unknown told apart, and a border around each cell where class and label belong together."""
    figure = draw(5, offset=1)
    assert figure.data[0].z.tolist()[1] == [90, 20, 20, 20, 20]
    assert figure.data[0].text[2][0] == "unknown"
    assert figure.data[0].text[3][2] == "90 %"
    assert figure.layout.shapes[0].path.count("Z") == 4
    assert figure.layout.shapes[0].path.startswith("M-0.5,0.5 L0.5,0.5 L0.5,1.5")
    assert figure.data[0].colorscale[-1] == (1.0, NOTHING)


def test_a_large_matrix_is_a_picture_that_loses_no_bright_cell() -> None:
    """1,000 x 1,000: decoded again, the diagonal has the colour of 90 % and unknown rows are grey."""
    figure = draw(1_000)
    source = figure.layout.images[0].source
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB"))
    assert picture.shape == (500, 500, 3)
    assert {tuple(picture[i, i]) for i in range(500)} == {tuple(picture[0, 0])}
    brightest = [int(CIVIDIS[-1][i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(picture[0, 0].astype(int) - brightest).max() < 60
    assert tuple(picture[0, 9]) != tuple(picture[0, 0])
    assert figure.data[0].z.shape == (250, 250)
    assert "blocks of 4" in figure.layout.xaxis.title.text
    assert len(figure.to_json()) < 4_000_000


def test_blocks_show_their_highest_known_similarity() -> None:
    """Unknown cells do not hide known ones, and only what is unknown throughout is unknown: brute force."""
    random = np.random.default_rng(0)
    similarity = random.uniform(0, 1, (602, 305))
    similarity[random.random(similarity.shape) < 0.7] = np.nan
    figure = agreement_matrix(similarity, found_names=["f"] * 602, label_names=["l"] * 305)
    for i in range(0, 201, 20):
        for j in range(0, 152, 15):
            block = similarity[3 * i : 3 * i + 3, 2 * j : 2 * j + 2]
            expected = 101 if np.isnan(block).all() else int(np.rint(np.nanmax(block) * 100))
            assert figure.data[0].z[i, j] == expected


@pytest.mark.parametrize(("shape", "offset"), [((1, 1), 0), ((3, 7), 5), ((3, 7), -5), ((70, 7), 70), ((2, 400), 0)])
def test_a_matrix_of_any_shape_and_offset_is_drawn(shape: tuple[int, int], offset: int) -> None:
    """Also where no class has a label left."""
    figure = agreement_matrix(
        np.zeros(shape), found_names=["f"] * shape[0], label_names=["l"] * shape[1], offset=offset
    )
    assert len(figure.layout.shapes) == (0 if offset in (5, 70) else 1)
    assert standalone_html(figure, "t")


def test_an_empty_matrix_is_a_sentence() -> None:
    """Nothing was found."""
    assert (
        "nothing"
        in agreement_matrix(np.zeros((0, 4)), found_names=[], label_names=list("abcd")).layout.annotations[0].text
    )
