"""Clones side by side: Table 5, Figure 4 and what an agreement costs."""

import csv
import io
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raising import raises
from sklearn.neighbors import KernelDensity

from fdcore.cloning.comparison import (
    ALL,
    CLAIMED_NAMES,
    MEAN,
    Column,
    Comparison,
    CostPoint,
    Lead,
    comparison_to_csv,
    cost_points,
    cost_to_reach,
    density,
    leads,
    made_alike,
    one_class_clones,
    table,
    what_carried,
)
from fdcore.cloning.evaluation import Evaluation, Rate, lead
from fdcore.cloning.naming import clone_titles, source_names
from fdcore.cloning.run import ClassTransfer, CloneRun, TransferFacts
from fdcore.cloning.settings import Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.errors import CaseError
from fdcore.report.sections import MAX_CLONE_CLASSES, ClonesSection

FOUND, ONE_TERM, RANDOM, BALANCED, CONSISTENT = (
    Source(kind)
    for kind in (SourceKind.FOUND, SourceKind.ONE_TERM, SourceKind.RANDOM, SourceKind.BALANCED, SourceKind.CONSISTENT)
)


def folder(name: str, role="") -> Source:
    return Source(SourceKind.FOLDER, f"/data/{name}", role)


def make_run(
    source: Source, total=500, run_id="", created="2026-01-01", n_answers=0, epochs=50, drawn=(100, 100)
) -> CloneRun:
    """A finished clone; `drawn` are the images that it has of each class."""
    classes = tuple(ClassTransfer(i, "", n, n, 0, 0) for i, n in enumerate(drawn))
    return CloneRun(
        id=run_id or f"{source.name}-{total}", created=created, source=source, transfer=TransferSettings(total),
        training=TrainingSettings(epochs=epochs), selection={}, stage="done",
        drawn=TransferFacts(classes, n_answers, 0, ()), n_answers=n_answers,
    )  # fmt: skip


def make_column(source: Source, agreeing=0.7, labelled=True, n=300, n_classes=3, **about) -> Column:
    """A clone of one and the same suspect that agrees with it about as often as told."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, n_classes, n).astype(np.int32)
    suspect = np.where(rng.random(n) < 0.9, truth, rng.integers(0, n_classes, n)).astype(np.int32)
    clone = np.where(rng.random(n) < agreeing, suspect, rng.integers(0, n_classes, n)).astype(np.int32)
    return Column(make_run(source, **about), Evaluation(n_classes, suspect, clone, truth if labelled else None))


def compare(*columns: Column, names=("dog", "cat", "ship"), n=300, labelled=True) -> Comparison:
    return Comparison("test pictures", n, labelled, names, columns)


def test_columns_stand_as_in_table_5():
    """Same, similar, distant, other folders, random, one term, two terms, however they came; smaller totals first."""
    given = [FOUND, folder("z"), RANDOM, folder("d", "distant"), ONE_TERM, folder("c", "similar"), folder("s", "same")]
    columns = [make_column(source) for source in given]
    later = make_column(FOUND, total=100)
    ordered = compare(*columns, later).columns
    assert [column.run.source.name for column in ordered] == [
        "same: s", "similar: c", "distant: d", "z", "random", "one term", "two terms", "two terms",
    ]  # fmt: skip
    assert [column.run.transfer.total for column in ordered[-2:]] == [100, 500]


def test_clones_of_other_pictures_or_classes_do_not_stand_side_by_side():
    """What a case holds may have been changed: the sentence names the clone."""
    with raises(CaseError, "tested on others", "random-500", 20):
        compare(make_column(FOUND), make_column(RANDOM, n=20))
    with raises(CaseError, "tested on others", 3, "300 and 2"):
        compare(make_column(FOUND), names=("dog", "cat"))


def test_the_baseline_is_the_random_clone_that_was_made_alike():
    """Of those trained alike the one that drew the most similar number of images, else the last; None without any."""
    small, large = make_column(RANDOM, total=100, drawn=(100,)), make_column(RANDOM, total=900, drawn=(450, 450))
    found = make_column(FOUND, total=900, drawn=(90,))
    middle, odd = make_column(FOUND, total=600, drawn=(600,)), make_column(FOUND, total=100, drawn=(100,), epochs=7)
    comparison = compare(large, small, found, middle, odd)
    assert comparison.baseline() is large
    assert comparison.baseline(found) is small
    assert comparison.baseline(middle) is large
    assert comparison.baseline(odd) is large
    assert compare(found).baseline(found) is None


def test_the_table_holds_what_the_evaluations_say():
    """A row for each class, all pictures and the mean, the suspect's own accuracy beside each clone's rate."""
    found, random = make_column(FOUND, 0.8), make_column(RANDOM, 0.3)
    comparison = compare(found, random)
    for measure in ("agreement", "accuracy"):
        rows = table(comparison, measure)
        assert [row.name for row in rows] == ["dog", "cat", "ship", ALL, MEAN]
        assert [row.title for row in rows] == ["0 dog", "1 cat", "2 ship", ALL, MEAN]
        for place, column in enumerate(comparison.columns):
            told = column.evaluation
            per_class = told.agreement_per_class() if measure == "agreement" else told.accuracy_per_class()
            mean = told.mean_agreement if measure == "agreement" else told.mean_accuracy
            every = told.agreement if measure == "agreement" else told.accuracy
            assert [row.clones[place] for row in rows] == [*per_class, every, mean]
            own = [*told.suspect_accuracy_per_class(), told.suspect_accuracy, told.suspect_mean_accuracy]
            assert [row.suspect for row in rows] == own


def test_a_table_without_labels_is_told_as_such():
    """No accuracy, not even the suspect's."""
    rows = table(compare(make_column(FOUND, labelled=False), labelled=False), "accuracy")
    assert [(row.suspect, row.clones) for row in rows] == [(None, (None,))] * 5


def test_titles_tell_clones_of_one_source_apart():
    """By what differs among them, and where nothing does by their id."""
    found = make_column(FOUND, run_id="a1"), make_column(FOUND, run_id="a2", created="2026-02-02")
    assert compare(make_column(RANDOM), make_column(FOUND, total=100), *found).titles() == (
        "random", "two terms, 100 images", "two terms, 500 images, a1", "two terms, 500 images, a2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"transfer": TransferSettings(total=500, not_found="random")}, ("not found left out", "not found filled")),
        ({"selection": {"alpha": 0.5}}, ("alpha None", "alpha 0.5")),
        ({"selection": {"locked": {"3": {}}}}, ("none locked", "1 locked")),
        ({"training": TrainingSettings(arch="lenet")}, ("resnet20", "lenet")),
        ({"training": TrainingSettings(augment=False)}, ("augmented", "not augmented")),
        ({"training": TrainingSettings(seed=4)}, ("seed 0", "seed 4")),
    ],
)
def test_titles_say_only_what_differs(changes, told):
    """What two clones share is not repeated in their titles."""
    first = replace(make_run(FOUND), training=TrainingSettings(), transfer=TransferSettings(total=500))
    second = replace(first, id="other", **changes)
    assert list(clone_titles([first, second]).values()) == [f"two terms, {one}" for one in told]


def test_the_csv_holds_every_rate_with_its_interval():
    """Read back, each cell is what the evaluations say; no name is a formula."""
    comparison = compare(make_column(RANDOM, 0.3), make_column(folder("=cmd()"), 0.6), names=("=dog", "cat", "ship"))
    rows = list(csv.DictReader(io.StringIO(comparison_to_csv(comparison).decode())))
    assert [row["class"] for row in rows] == ["0", "1", "2", "", ""]
    assert [row["name"] for row in rows] == ["'=dog", "cat", "ship", ALL, MEAN]
    for title, column in zip(("'=cmd()", "random"), comparison.columns, strict=True):
        told = column.evaluation
        for measure, rates in (
            ("agreement", [*told.agreement_per_class(), told.agreement, told.mean_agreement]),
            ("accuracy", [*told.accuracy_per_class(), told.accuracy, told.mean_accuracy]),
        ):
            heading = f"{title}: {measure}"
            read = [[float(row[name]) for name in (heading, f"{heading} low", f"{heading} high")] for row in rows]
            assert read == [pytest.approx(rate[:3], abs=1e-6) for rate in rates]
    told = comparison.columns[0].evaluation
    assert float(rows[4]["suspect accuracy"]) == pytest.approx(told.suspect_mean_accuracy.value, abs=1e-6)


def test_the_csv_leaves_what_was_not_measured_empty():
    """A class without a picture has no rate, which is not the rate 0."""
    column = make_column(FOUND, labelled=False)
    evaluation = replace(column.evaluation, n_classes=4)
    comparison = compare(replace(column, evaluation=evaluation), names=("dog", "cat", "ship", "frog"))
    rows = list(csv.DictReader(io.StringIO(comparison_to_csv(comparison).decode())))
    assert rows[3]["two terms: agreement"] == rows[0]["two terms: accuracy"] == rows[0]["suspect accuracy"] == ""
    assert rows[0]["two terms: agreement"]


def test_every_clone_is_held_to_the_random_one_that_was_made_alike():
    """Folders and findings are; random clones themselves, and clones made in another way, are not."""
    random, found = make_column(RANDOM, 0.3), make_column(FOUND, 0.8)
    similar, odd = make_column(folder("c", "similar"), 0.5), make_column(ONE_TERM, 0.6, epochs=7)
    told = leads(compare(random, found, similar, odd), "agreement")
    assert [(one.run_id, one.title) for one in told] == [
        ("similar: c-500", "similar: c"), ("two terms-500", "two terms"),
    ]  # fmt: skip
    assert told[1].rate == lead(found.evaluation, random.evaluation, "agreement")
    assert leads(compare(found), "agreement") == ()


def test_what_carried_is_said_step_by_step():
    """Balance, then consistency, then the found leaves, each on top of the one before, with its interval."""
    shares = {RANDOM: 0.3, BALANCED: 0.5, CONSISTENT: 0.8, FOUND: 0.8}
    columns = [make_column(source, agreeing=share, n=2_000) for source, share in shares.items()]
    steps = what_carried(compare(*columns, n=2_000), "agreement")
    assert [step.what for step in steps] == ["balance", "consistent images", "the found leaves"]
    balance, consistent, leaves = (step.rate for step in steps)
    assert 0.05 < balance.low < balance.high
    assert consistent.low > 0.1
    assert leaves.value == 0
    assert "may be chance" in steps[2].in_words()
    assert "chance" not in steps[0].in_words()
    other = make_column(CONSISTENT, agreeing=0.8, n=2_000, epochs=9)  # trained otherwise
    assert [step.what for step in what_carried(compare(*columns[:2], other, n=2_000), "agreement")] == ["balance"]


def test_a_lead_of_clones_from_other_numbers_of_images_says_the_numbers():
    """In the same sentence; up to a tenth counts as as many, and says nothing."""
    random, most = make_column(RANDOM, drawn=(50,) * 12), make_column(FOUND, drawn=(45,) * 12)
    few = make_column(folder("d", "distant"), drawn=(2_400, 97, 0))
    said = {one.title: one.in_words() for one in leads(compare(random, most, few), "accuracy")}
    assert said["distant: d"].endswith(
        "; it learned from 2,497 images of 2 classes, the one from random images from 600 of 12"
    )
    assert "learned" not in said["two terms"]
    assert all(one.startswith("is right about ") for one in said.values())


def test_a_clone_that_answers_with_one_class_is_told_of():
    """From 90 % of the pictures on, where the suspect does not put them; pictures without an answer do not count."""
    suspect = np.array([0] * 30 + [1] * 30 + [2] * 40 + [2], np.int32)
    one, nearly = np.full(101, 2, np.int32), np.where(np.arange(101) < 11, suspect, 2).astype(np.int32)
    one[-1] = nearly[-1] = -1
    columns = [
        Column(make_run(source), Evaluation(3, suspect, clone))
        for source, clone in ((RANDOM, one), (FOUND, nearly), (ONE_TERM, suspect))
    ]
    told = one_class_clones(compare(*columns, n=101, labelled=False))
    assert [(found.title, found.target_class, found.share, found.suspect) for found in told] == [
        ("random", 2, 1.0, 0.4)
    ]
    assert told[0].in_words().startswith("puts 100 % of the pictures in class 2, where the suspect puts 40 %")
    same = Column(make_run(RANDOM), Evaluation(3, np.full(9, 1, np.int32), np.full(9, 1, np.int32)))
    assert one_class_clones(compare(same, n=9, labelled=False)) == ()


def test_names_that_are_only_claimed_are_said_to_be():
    """Nothing is said of names that were found."""
    found = make_column(FOUND)
    assert compare(found).about_names == ""
    assert replace(compare(found), claimed=True).about_names == CLAIMED_NAMES


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        (Rate(0.052, 0.031, 0.074, 500), "5.2 percentage points more of all pictures"),
        (Rate(-0.238, -0.25, -0.22, 500), "23.8 percentage points fewer of all pictures"),
        (Rate(-0.012, -0.028, 0.003, 500), "(95 % interval -2.8 to +0.3); that may be chance"),
    ],
)
def test_a_lead_is_told_with_its_direction_and_doubt(rate, told):
    """Fewer is not "minus so many more", and an interval across nothing may be chance."""
    said = Lead("a", "two terms", rate).in_words()
    assert told in said
    assert ("chance" in said) == (rate.low <= 0 <= rate.high)


def test_a_report_of_many_classes_keeps_the_last_two_rows():
    """The first classes, then all pictures and the mean; few classes are all shown, and none is nothing."""
    names = tuple(f"class {i}" for i in range(MAX_CLONE_CLASSES + 3))
    many = ClonesSection(compare(make_column(FOUND, n_classes=len(names)), names=names))
    assert [row.name for row in many.shown] == [*names[:MAX_CLONE_CLASSES], ALL, MEAN]
    few = ClonesSection(compare(make_column(FOUND)))
    assert few.shown == few.rows
    assert ClonesSection().shown == ()


# Figure 4


@pytest.mark.parametrize("shape", [(2, 3), (0.6, 0.5), (30, 2)])
def test_a_density_agrees_with_scikit_learn_on_mirrored_values(shape):
    """The values, mirrored at both ends again and again, under the same bandwidth."""
    values = np.random.default_rng(0).beta(*shape, 100)
    at = np.linspace(0, 1, 101)
    quarters = np.percentile(values, [25, 75])
    bandwidth = 0.9 * min(values.std(ddof=1), (quarters[1] - quarters[0]) / 1.34) * 100**-0.2
    mirrored = np.concatenate([sign * values + turn for turn in (-4, -2, 0, 2, 4) for sign in (-1, 1)])
    oracle = KernelDensity(bandwidth=bandwidth).fit(mirrored[:, None])
    assert density(values, at) == pytest.approx(10 * np.exp(oracle.score_samples(at[:, None])), rel=1e-6, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_a_densitys_mass_stays_between_0_and_1(values):
    """Whatever the values, ends and ties included: the area is 1, and nothing lies outside."""
    at = np.linspace(0, 1, 801)
    heights = density(values, at)
    assert np.trapz(heights, at) == pytest.approx(1, abs=2e-3)
    assert (heights >= 0).all()
    assert not density(values, [-0.01, 1.01]).any()


def test_a_density_of_equal_or_missing_values_is_still_drawn():
    """All the same is a narrow peak, whatever was not measured is left out, and nothing at all is flat."""
    at = np.linspace(0, 1, 201)
    peak = density([0.5] * 50, at)
    assert at[peak.argmax()] == 0.5
    assert peak[np.abs(at - 0.5) > 0.06].max() < 1e-3
    assert np.array_equal(density([0.2, np.nan, 0.9], at), density([0.2, 0.9], at))
    assert np.array_equal(density([], at), np.zeros(201))
    mostly = density([0.9] * 40 + [0.1], at)  # its quartiles are equal
    assert 0 < mostly[20] < mostly[180]


# Cost


def point(source: str, n_answers: int, agreement: float) -> CostPoint:
    return CostPoint(f"{source}-{n_answers}", source, n_answers, Rate(agreement, 0.0, 1.0, 100))


def test_the_cost_of_an_agreement_is_interpolated_between_clones_of_a_source():
    """Along a straight line, rounded up; below it the cheapest clone's own cost; None where none agrees so often."""
    points = [point("found", 3_000, 0.8), point("random", 1_000, 0.4), point("found", 1_000, 0.6)]
    assert cost_to_reach(points, 0.7) == {"found": 2_000, "random": None}
    assert cost_to_reach(points, 0.601) == {"found": 1_010, "random": None}
    assert cost_to_reach(points, 0.8)["found"] == 3_000
    assert cost_to_reach(points, 0.3) == {"found": 1_000, "random": 1_000}
    assert cost_to_reach(points, 0.81)["found"] is None
    assert cost_to_reach([], 0.5) == {}


def test_a_dearer_clone_that_is_worse_does_not_make_an_agreement_dearer():
    """What a cheaper clone has reached stays reached, and clones of the same cost count by the best of them."""
    points = [point("found", 100, 0.5), point("found", 200, 0.3), point("found", 400, 0.7), point("found", 400, 0.2)]
    assert cost_to_reach(points, 0.5)["found"] == 100
    assert cost_to_reach(points, 0.6)["found"] == 250
    assert cost_to_reach([point("a", 400, 0.2), point("a", 400, 0.7)], 0.5) == {"a": 400}


def test_cost_points_are_what_the_runs_rest_on():
    """One for each clone that was measured, in the table's order."""
    columns = make_column(FOUND, n_answers=900), make_column(RANDOM, n_answers=500)
    told = cost_points(compare(*columns))
    assert [(one.run_id, one.source, one.n_answers) for one in told] == [
        ("random-500", "random", 500), ("two terms-500", "two terms", 900),
    ]  # fmt: skip
    assert told[1].agreement == columns[0].evaluation.agreement
    assert cost_points(compare(make_column(FOUND, n=0), n=0)) == ()


def test_folders_of_one_name_are_not_one_source():
    """The "train" of two sets each has its own cost, and is called by as much of its path as tells them apart."""
    flowers, caltech = folder("flowers/train"), folder("caltech/train")
    columns = (
        make_column(flowers, 0.2, n_answers=100, run_id="f1"),
        make_column(caltech, 0.9, n_answers=100, run_id="c1"),
        make_column(flowers, 0.8, n_answers=900, run_id="f9", total=900),
    )
    comparison = compare(*columns)
    told = {one.run_id: one for one in cost_points(comparison)}
    assert {run_id: one.source for run_id, one in told.items()} == {
        "f1": "flowers/train", "f9": "flowers/train", "c1": "caltech/train",
    }  # fmt: skip
    wanted = told["f9"].agreement.value
    assert cost_to_reach(list(told.values()), wanted) == {"flowers/train": 900, "caltech/train": 100}
    assert set(comparison.titles()) == {
        "flowers/train, 500 images", "flowers/train, 900 images", "caltech/train",
    }  # fmt: skip


def test_a_folder_is_one_source_whatever_it_is_said_to_be():
    """Another role, or a slash at the end, makes no other pictures of the same ones."""
    columns = (
        make_column(folder("a", "same"), 0.2, n_answers=100, run_id="1"),
        make_column(folder("a/"), 0.9, n_answers=300, run_id="2"),
    )
    assert len({one.source for one in cost_points(compare(*columns))}) == 1


def test_sources_are_called_apart():
    """By their own names where those differ, by the ends of their paths where not; a role stays in front."""
    sources = [
        RANDOM, folder("random"), folder("x/train", "same"), folder("y/train", "same"), folder("y/train", "similar"),
        folder("z/x/dogs"), folder("w/x/dogs"), folder("v/y/dogs"), Source(SourceKind.FOLDER, "/dogs"),
    ]  # fmt: skip
    assert list(source_names(sources).values()) == [
        "random", "folder random", "same: x/train", "same: y/train", "similar: train",
        "z/x/dogs", "w/x/dogs", "y/dogs", "/dogs",
    ]  # fmt: skip
    assert source_names([]) == {}


def test_clones_are_made_alike_whatever_the_seed_and_the_device():
    """What decides is how many images were drawn, up to a tenth, and everything else of the training."""
    one = make_run(FOUND)
    alike = replace(make_run(RANDOM), training=replace(one.training, seed=5, device="cuda:1"))
    assert made_alike(one, alike)
    assert made_alike(alike, one)
    assert made_alike(one, make_run(RANDOM, total=900, drawn=(180,)))
    for drawn in ((179,), (100, 123), (238, 600)):
        assert not made_alike(one, make_run(RANDOM, drawn=drawn))
    for change in ({"epochs": 49}, {"arch": "lenet"}, {"jacobian_rounds": 1}, {"precision": "float32"}):
        assert not made_alike(one, replace(alike, training=replace(alike.training, **change)))


def test_a_comparison_of_no_clone_is_empty_everywhere():
    """A set may be known that no clone was tested on yet."""
    nothing = compare(n=0, labelled=False)
    assert (nothing.baseline(), nothing.titles(), cost_points(nothing)) == (None, (), ())
    assert nothing.baseline(make_column(FOUND)) is None
    for measure in ("agreement", "accuracy"):
        assert (table(nothing, measure), leads(nothing, measure)) == ((), ())
    assert comparison_to_csv(nothing).count(b"\n") == 1
    assert cost_to_reach(cost_points(nothing), 0.5) == {}


def test_a_thousand_classes_are_compared_fast():
    """Six clones over 50,000 pictures of 1,000 classes take less than two seconds for table, CSV and densities."""
    sources = [FOUND, ONE_TERM, RANDOM, folder("a"), folder("b"), folder("c")]
    columns = [make_column(source, n=50_000, n_classes=1_000) for source in sources]
    names = tuple(f"class {i}" for i in range(1_000))
    comparison, at = compare(*columns, names=names, n=50_000), np.linspace(0, 1, 201)
    started = time.process_time()
    assert comparison_to_csv(comparison).count(b"\n") == 1_003
    rows = table(comparison, "accuracy")
    for place in range(6):
        assert density([row.clones[place].value for row in rows[:-2]], at).any()
    assert time.process_time() - started < 2
