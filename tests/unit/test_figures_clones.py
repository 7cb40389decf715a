"""Figures of clones: their curves, their rates, the confusion matrix, the density of classes, agreement by cost."""

import json
import re
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from fdcore.cloning.evaluation import Rate
from fdcore.cloning.run import EpochResult
from fdcore.cloning.settings import Source, SourceKind
from fdcore.report.figures.clones import (
    MAX_DRAWN_EPOCHS,
    ClassRates,
    CloneCurve,
    ClonePrice,
    CloneRate,
    agreement_by_cost,
    agreement_curves,
    clone_rates,
    loss_curves,
    rate_density,
    source_color,
)
from fdcore.report.figures.confusion import MAX_WRITTEN, confusion_matrix
from fdcore.report.figures.style import NOTHING, standalone_html

IMAGE = "<img src=x onerror=alert(1)>"
FOUND, ONE, RANDOM = (Source(kind) for kind in (SourceKind.FOUND, SourceKind.ONE_TERM, SourceKind.RANDOM))
FOLDERS = [Source(SourceKind.FOLDER, f"/data/{role or 'other'}", role) for role in ("same", "similar", "distant", "")]


def history(n: int, *, held_out: bool = True) -> tuple[EpochResult, ...]:
    return tuple(
        EpochResult(i, 3 / i, i / (n + 1), i / (n + 2) if held_out else -1.0, 0.1, 1.0, 100) for i in range(1, n + 1)
    )


def curve(n: int, source: Source = FOUND, *, name: str = "a", best: int = 0, held_out: bool = True) -> CloneCurve:
    return CloneCurve(name, source, history(n, held_out=held_out), best)


def rate(value: float, n: int = 100) -> Rate:
    return Rate(value, max(value - 0.05, 0), min(value + 0.05, 1), n)


def valid(figure: go.Figure) -> go.Figure:
    """The same figure, checked by Plotly: these are put together unchecked."""
    return go.Figure(figure.to_plotly_json())


def lines(figure: go.Figure) -> list[Any]:
    return [trace for trace in figure.data if "lines" in (trace.mode or "")]


# Curves


def test_a_line_for_each_clone_and_a_diamond_where_its_weights_are_kept() -> None:
    """Loss and held-out agreement are those of the history, epoch by epoch."""
    curves = [curve(4, best=3), curve(2, RANDOM, name="b")]
    loss, agreement = valid(loss_curves(curves)), valid(agreement_curves(curves))
    for figure, field in ((loss, "loss"), (agreement, "held_out_agreement")):
        drawn = lines(figure)
        assert [list(line.x) for line in drawn] == [[1, 2, 3, 4], [1, 2]]
        assert [list(line.y) for line in drawn] == [[getattr(one, field) for one in c.history] for c in curves]
        best = [trace for trace in figure.data if trace.mode == "markers"]
        assert [(mark.x, mark.y[0]) for mark in best] == [((3,), getattr(curves[0].history[2], field))]


def test_a_source_has_one_colour_and_its_clones_a_dash_each() -> None:
    """So that random images are the same grey in every figure, and two clones of a source are told apart."""
    sources = [FOUND, ONE, RANDOM, *FOLDERS]
    assert len({source_color(source) for source in sources}) == len(sources)
    drawn = lines(loss_curves([curve(2, FOUND, name=str(i)) for i in range(3)] + [curve(2, RANDOM, name="r")]))
    assert [line.line.color for line in drawn] == [source_color(FOUND)] * 3 + [source_color(RANDOM)]
    assert [line.line.dash for line in drawn] == ["solid", "dash", "dot", "solid"]


def test_without_held_out_images_the_curve_says_that_it_is_of_those_trained_on() -> None:
    """A flattering number must not pass for a test."""
    figure = agreement_curves([curve(3, held_out=False)])
    assert "(trained on)" in figure.data[0].name
    assert list(figure.data[0].y) == [1 / 4, 2 / 4, 3 / 4]


def test_a_long_training_is_thinned_out_and_keeps_its_ends() -> None:
    """10,000 epochs are more than a screen shows; first, last and best are there."""
    figure = valid(loss_curves([curve(10_000, best=7_777)]))
    line, best = figure.data
    assert len(line.x) <= MAX_DRAWN_EPOCHS + 1
    assert (line.x[0], line.x[-1], best.x) == (1, 10_000, (7_777,))


def test_while_epochs_are_added_the_zoom_stays() -> None:
    """The revision names what the figure is about, not how far it is."""
    assert (
        loss_curves([curve(3)], revision="c").layout.uirevision
        == loss_curves([curve(9)], revision="c").layout.uirevision
    )
    assert (
        loss_curves([curve(3)], revision="c").layout.uirevision
        != loss_curves([curve(3)], revision="d").layout.uirevision
    )


def test_before_the_first_epoch_a_sentence_stands_in_the_figure() -> None:
    """Also when some clones have begun and others have not, only those that have are drawn."""
    assert "No epoch" in loss_curves([curve(0)]).layout.annotations[0].text
    assert len(lines(agreement_curves([curve(0), curve(1, name="b")]))) == 1


# Rates


def test_each_clone_is_a_point_with_its_interval() -> None:
    """Value and both ends, read back from the figure; those without a rate are left out."""
    rows = [
        CloneRate("two", FOUND, Rate(0.7, 0.6, 0.75, 50)),
        CloneRate("none", ONE, None),
        CloneRate("r", RANDOM, rate(0.4)),
    ]
    figure = valid(clone_rates(rows, "agreement"))
    points = [trace for trace in figure.data if trace.mode == "markers"]
    assert [(p.x[0], p.y[0]) for p in points] == [(0.7, 0), (0.4, 1)]
    assert (points[0].error_x.array[0], points[0].error_x.arrayminus[0]) == pytest.approx((0.05, 0.1))
    assert figure.layout.yaxis.ticktext == ("two", "r")
    assert "70.0% of 50 pictures" in points[0].hovertext[0]


def test_the_best_random_images_and_the_suspect_stand_as_lines() -> None:
    """What a clone is held against."""
    rows = [CloneRate("a", FOUND, rate(0.7)), CloneRate("r", RANDOM, rate(0.4)), CloneRate("s", RANDOM, rate(0.45))]
    figure = valid(clone_rates(rows, "accuracy", suspect=rate(0.95)))
    assert [shape.x0 for shape in figure.layout.shapes] == [0.45, 0.95]
    assert [said.text for said in figure.layout.annotations] == ["random images", "the suspect itself"]
    assert not clone_rates(rows[:1], "agreement").layout.shapes


def test_no_measured_clone_is_a_sentence() -> None:
    """Such as accuracy on a set without labels."""
    assert "accuracy" in clone_rates([CloneRate("a", FOUND, None)], "accuracy").layout.annotations[0].text


# Matrix


@pytest.mark.parametrize("n", [2, 10, 43])
def test_the_confusion_matrix_is_in_percent_of_its_rows(n: int) -> None:
    """Against NumPy, cell by cell; a class that the suspect never answered is grey and says so."""
    counts = np.random.default_rng(n).integers(0, 9, (n, n))
    counts[1] = 0
    figure = confusion_matrix(counts, [f"c{i}" for i in range(n)])
    z = np.asarray(figure.data[0].z)
    for i in range(n):
        expected = [101] * n if i == 1 else np.rint(100 * counts[i] / counts[i].sum()).tolist()
        assert z[i].tolist() == expected
    assert figure.data[0].colorscale[-1] == (1.0, NOTHING)
    assert figure.data[0].hovertext[1][0] == "no picture"
    assert figure.data[0].hovertext[0][0].startswith(f"{counts[0, 0]} of {counts[0].sum()} picture")
    assert (figure.data[0].texttemplate is None) == (n > MAX_WRITTEN)


def test_every_share_can_be_read_on_its_cell() -> None:
    """A contrast of at least 4.2 in every cell, by the definition of WCAG 2."""
    for start in range(1, 100, 11):  # all shares from 1 to 99 %, eleven in each matrix
        counts = np.zeros((11, 11), dtype=np.int64)
        counts[:, 0] = np.arange(start, start + 11)
        counts[:, 1] = 100 - counts[:, 0]
        figure = confusion_matrix(counts, [f"c{i}" for i in range(11)])
        scale = figure.data[0].colorscale
        at, colors = [place for place, _ in scale], np.array([rgb(color) for _, color in scale])
        for row, percents in zip(figure.data[0].text, figure.data[0].z, strict=True):
            for said, percent in zip(row, percents, strict=True):
                if said:
                    cell = [np.interp(percent / 100, at, colors[:, k]) for k in range(3)]
                    ink = re.search(r"#[0-9A-F]{6}", said)
                    assert ink
                    assert contrast(rgb(ink[0]), cell) > 4.2


def rgb(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def contrast(one, other) -> float:
    channels = np.array([one, other]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (high + 0.05) / (low + 0.05)


def test_a_large_confusion_matrix_adds_up_its_blocks() -> None:
    """1,000 classes: brute force on some blocks, and the figure stays small."""
    counts = np.random.default_rng(0).integers(0, 3, (1_000, 1_000))
    figure = confusion_matrix(counts, [f"c{i}" for i in range(1_000)])
    z = np.asarray(figure.data[0].z)
    assert z.shape == (250, 250)
    for i, j in ((0, 0), (3, 99), (249, 249)):
        block, row = counts[4 * i : 4 * i + 4, 4 * j : 4 * j + 4].sum(), counts[4 * i : 4 * i + 4].sum()
        assert z[i, j] == round(100 * block / row)
    assert len(figure.to_json()) < 6_000_000


def test_no_pictures_are_a_sentence() -> None:
    """A clone may have been tested on nothing."""
    assert "No picture" in confusion_matrix(np.zeros((3, 3), int), list("abc")).layout.annotations[0].text


# Density and cost


def test_a_density_for_each_network_names_its_mean() -> None:
    """Figure 4: the suspect's first, then the clones'; those without a measured class are left out."""
    at = np.linspace(0, 1, 5)
    rows = [
        ClassRates("The suspect itself", None, np.array([0.9, 1.0]), at),
        ClassRates("two", FOUND, np.array([0.5]), at * 2),
        ClassRates("none", ONE, np.array([]), at),
    ]
    figure = valid(rate_density(rows, at, "accuracy", n_classes=43))
    assert [trace.name for trace in figure.data] == ["The suspect itself (mean 95%)", "two (mean 50%)"]
    assert list(figure.data[1].y) == (at * 2).tolist()
    assert "43 classes" in figure.layout.xaxis.title.text
    assert "accuracy" in rate_density([], at, "accuracy", n_classes=43).layout.annotations[0].text


def test_clones_of_one_source_are_joined_by_their_cost() -> None:
    """In the order of their answers; seeds that cost the same are points around their mean."""
    points = [
        ClonePrice("a", FOUND, 5_000, rate(0.7)), ClonePrice("r", RANDOM, 5_000, rate(0.4)),
        ClonePrice("b", FOUND, 1_000, rate(0.5)), ClonePrice("c", FOUND, 5_000, rate(0.8)),
    ]  # fmt: skip
    figure = valid(agreement_by_cost(points))
    lines, each = figure.data[::2], figure.data[1::2]
    assert [list(trace.x) for trace in lines] == [[1_000, 5_000], [5_000]]
    assert [list(trace.y) for trace in lines] == [[0.5, pytest.approx(0.75)], [pytest.approx(0.4)]]
    assert [list(trace.y) for trace in each] == [[0.7, 0.5, 0.8], [0.4]]
    assert agreement_by_cost([]).layout.annotations


def test_hostile_names_are_inert_in_every_figure() -> None:
    """Neither labels, hover texts, legends nor the page of its own carry markup."""
    source = Source(SourceKind.FOLDER, f"/x/{IMAGE.replace('/', '')}", "similar")
    figures = [
        loss_curves([curve(2, source, name=IMAGE)]),
        agreement_curves([curve(2, source, name=IMAGE, held_out=False)]),
        clone_rates([CloneRate(IMAGE, source, rate(0.3))], "agreement"),
        confusion_matrix(np.eye(2, dtype=int), [IMAGE, IMAGE]),
        rate_density([ClassRates(IMAGE, source, np.ones(2), np.ones(3))], np.arange(3.0), "agreement", n_classes=2),
        agreement_by_cost([ClonePrice(IMAGE, source, 10, rate(0.3))]),
    ]
    for figure in figures:
        assert "<img" not in json.dumps(figure.to_plotly_json(), default=str)
        assert standalone_html(figure, "t")
