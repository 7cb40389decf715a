"""Agreement and accuracy of a clone, and how far they may be off."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raising import raises
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix

from fdcore.cloning.evaluation import MAX_CONFUSION, Evaluation, Rate, lead
from fdcore.errors import CaseError, SettingsError


def labels(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def make_evaluation(seed=0, n=400, n_classes=6, right=0.7, agreeing=0.6, unlabelled=0.1, unasked=0.1) -> Evaluation:
    """A suspect and a clone of it that are right and agree about as often as told."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n)
    suspect = np.where(rng.random(n) < right, truth, rng.integers(0, n_classes, n))
    clone = np.where(rng.random(n) < agreeing, suspect, rng.integers(0, n_classes, n))
    truth[rng.random(n) < unlabelled] = -1
    suspect[rng.random(n) < unasked] = -1
    return Evaluation(n_classes, *(one.astype(np.int32) for one in (suspect, clone, truth)))


def test_rates_agree_with_scikit_learn():
    """Over the pictures that both answered: agreement, accuracy, their means over classes, and the matrix."""
    tested = make_evaluation()
    asked = tested.suspect >= 0
    labelled = asked & (tested.truth >= 0)
    suspect, clone, truth = tested.suspect, tested.clone, tested.truth
    assert tested.agreement.value == pytest.approx(accuracy_score(suspect[asked], clone[asked]))
    assert tested.agreement.n == asked.sum()
    assert tested.accuracy.value == pytest.approx(accuracy_score(truth[labelled], clone[labelled]))
    assert tested.suspect_accuracy.value == pytest.approx(accuracy_score(truth[labelled], suspect[labelled]))
    assert tested.mean_agreement.value == pytest.approx(balanced_accuracy_score(suspect[asked], clone[asked]))
    assert tested.mean_accuracy.value == pytest.approx(balanced_accuracy_score(truth[labelled], clone[labelled]))
    assert tested.suspect_mean_accuracy.value == pytest.approx(
        balanced_accuracy_score(truth[labelled], suspect[labelled])
    )
    expected = confusion_matrix(suspect[asked], clone[asked], labels=range(6))
    assert np.array_equal(tested.confusion(), expected)
    assert tested.confusion().dtype == np.int64


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 9), st.integers(0, 60))
def test_rates_per_class_agree_with_scipy(seed, n_classes, n):
    """By the suspect's class for agreement, by the true one for accuracy; None where a class has no picture."""
    tested = make_evaluation(seed, n=n, n_classes=n_classes)
    asked = tested.suspect >= 0
    labelled = asked & (tested.truth >= 0)
    for rates, by, said, counted in (
        (tested.agreement_per_class(), tested.suspect, tested.clone, asked),
        (tested.accuracy_per_class(), tested.truth, tested.clone, labelled),
        (tested.suspect_accuracy_per_class(), tested.truth, tested.suspect, labelled),
    ):
        assert len(rates) == n_classes
        for target, rate in enumerate(rates):
            own = counted & (by == target)
            if not own.any():
                assert rate is None
                continue
            n_hits, n_own = int((said[own] == target).sum()), int(own.sum())
            interval = binomtest(n_hits, n_own).proportion_ci(method="wilson")
            assert rate == pytest.approx((n_hits / n_own, interval.low, interval.high, n_own), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 12), st.integers(1, 80))
def test_every_rate_lies_in_its_interval_and_every_interval_between_0_and_1(seed, n_classes, n):
    """However few pictures and however many classes."""
    tested = make_evaluation(seed, n=n, n_classes=n_classes, right=0.95, agreeing=0.95)
    rates = [
        tested.agreement, tested.mean_agreement, tested.accuracy, tested.mean_accuracy, tested.suspect_accuracy,
        tested.suspect_mean_accuracy, *tested.agreement_per_class(), *tested.accuracy_per_class(),
    ]  # fmt: skip
    for rate in filter(None, rates):
        assert 0 <= rate.low <= rate.value <= rate.high <= 1
        assert rate.high - rate.low > 0
        assert rate.n >= 1


def test_a_mean_over_one_class_has_the_interval_of_a_plain_share():
    """There is nothing to average: Wilson's interval comes out of both."""
    suspect, clone = np.zeros(50, np.int32), np.repeat([0, 1], [35, 15]).astype(np.int32)
    tested = Evaluation(2, suspect, clone)
    # The class's share leans on the mean of all classes, which is its own.
    assert tested.mean_agreement == pytest.approx(tested.agreement)


def test_classes_weigh_the_same_however_many_pictures_they_have():
    """A class of a thousand pictures does not drown one of ten, and more pictures make the interval narrower."""
    suspect = np.repeat([0, 1], [1_000, 10]).astype(np.int32)
    clone = np.repeat([0, 1, 0], [900, 105, 5]).astype(np.int32)
    tested = Evaluation(2, suspect, clone)
    assert tested.mean_agreement.value == pytest.approx((0.9 + 0.5) / 2)
    assert tested.agreement.value == pytest.approx(905 / 1_010)
    widths = []
    for times in (1, 4, 16):
        rate = Evaluation(2, np.repeat(suspect, times), np.repeat(clone, times)).mean_agreement
        widths.append(rate.high - rate.low)
    assert all(one > 1.7 * other for one, other in pairwise(widths))


@pytest.mark.parametrize(
    ("n_classes", "n_pictures", "kind"),
    [(10, 20, "even"), (10, 100, "high"), (43, 5, "spread"), (43, 40, "high"), (100, 10, "spread"), (500, 5, "even")],
)
def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says(n_classes, n_pictures, kind):
    """Simulated: classes of known shares, drawn anew each time; 92 to 99 of 100 intervals hold the mean of them."""
    rng = np.random.default_rng(n_classes + n_pictures)
    shares = {
        "even": np.full(n_classes, 0.5),
        "high": np.full(n_classes, 0.95),
        "spread": np.linspace(0.05, 0.95, n_classes),
    }[kind]
    suspect = np.repeat(np.arange(n_classes), n_pictures).astype(np.int32)
    n_held = 0
    for _ in range(400):
        agreeing = rng.random(len(suspect)) < shares[suspect]
        rate = Evaluation(n_classes, suspect, np.where(agreeing, suspect, -(suspect - 1) % n_classes)).mean_agreement
        n_held += rate.low <= shares.mean() <= rate.high
    assert 0.92 <= n_held / 400 <= 0.99


def test_classes_that_all_agree_are_as_sure_as_their_smallest_ones_allow():
    """Two classes of 1,000 and of 2 pictures, all agreeing: about 8 pictures stand behind that, not 1,002."""
    suspect = np.repeat([0, 1], [1_000, 2]).astype(np.int32)
    rate = Evaluation(2, suspect, suspect).mean_agreement
    effective = 4 / (1 / 1_000 + 1 / 2)
    assert rate == pytest.approx((1.0, effective / (effective + 1.959964**2), 1.0, 1_002), abs=1e-6)
    never = Evaluation(2, suspect, 1 - suspect).mean_agreement
    assert (never.low, never.high) == pytest.approx((0.0, 1 - rate.low))


# Nothing to measure


def test_where_there_is_nothing_to_measure_there_is_no_rate():
    """No picture, no label, or a suspect that was never asked."""
    empty = Evaluation(3, labels(), labels(), labels())
    assert empty.agreement is empty.mean_agreement is empty.accuracy is empty.suspect_accuracy is None
    assert empty.agreement_per_class() == (None, None, None)
    assert not empty.confusion().any()
    unlabelled = Evaluation(3, labels(0, 1), labels(0, 0))
    assert unlabelled.accuracy is unlabelled.mean_accuracy is unlabelled.suspect_mean_accuracy is None
    assert unlabelled.accuracy_per_class() == unlabelled.suspect_accuracy_per_class() == (None, None, None)
    assert unlabelled.agreement.value == 0.5
    assert Evaluation(3, labels(-1, -1), labels(0, 1), labels(0, 1)).accuracy is None


def test_pictures_that_the_suspect_was_not_asked_about_count_for_nothing():
    """Not even for the clone's accuracy: it is compared with the suspect's own over the same pictures."""
    tested = Evaluation(2, labels(0, 1, -1, -1), labels(0, 0, 0, 0), labels(0, 0, 0, 1))
    assert tested.accuracy == Rate(1.0, pytest.approx(0.342, abs=1e-3), 1.0, 2)
    assert tested.suspect_accuracy.n == 2
    assert tested.confusion().sum() == 2


def test_a_suspect_of_one_class_can_be_evaluated():
    """Everything agrees, and nothing breaks."""
    tested = Evaluation(1, labels(0, 0), labels(0, 0), labels(0, -1))
    assert tested.agreement.value == tested.mean_agreement.value == tested.accuracy.value == 1
    assert tested.confusion().tolist() == [[2]]


@pytest.mark.parametrize(
    ("suspect", "clone", "truth"),
    [
        (labels(0, 1), labels(0), None), (labels(0, 3), labels(0, 1), None), (labels(0, 1), labels(0, 3), None),
        (labels(0, 1), labels(0, 1), labels(0, 3)), (labels(0, -2), labels(0, 1), None),
        (labels(0, 1), labels(0, 1), labels(0)), (labels(0, 1), np.array([0.0, 1.0]), None),
        (labels(0, 1)[None], labels(0, 1)[None], None),
    ],
)  # fmt: skip
def test_answers_that_do_not_belong_together_are_refused(suspect, clone, truth):
    """They come from a case's files: other lengths, classes that do not exist, other kinds of numbers."""
    with raises(CaseError, "answers unmatched"):
        Evaluation(3, suspect, clone, truth)


def test_a_matrix_that_no_memory_holds_is_refused():
    """A million classes have a rate each, but no matrix."""
    tested = Evaluation(MAX_CONFUSION + 1, labels(0, 1), labels(0, 1))
    with raises(SettingsError, "matrix too large"):
        tested.confusion()
    assert tested.mean_agreement.value == 1


# The lead of one clone over another


def test_a_lead_is_counted_over_the_same_pictures():
    """The published example's formula by hand: 12 pictures won, 5 lost, of 40."""
    suspect = np.zeros(40, np.int32)
    one, other = np.ones((2, 40), np.int32)
    one[:12], other[12:17] = 0, 0
    one[17:], other[17:] = 0, 0
    ahead = lead(Evaluation(2, suspect, one), Evaluation(2, suspect, other), "agreement")
    more, less = 13 / 42, 6 / 42
    half = 1.959964 * np.sqrt((more + less - (more - less) ** 2) / 42)
    assert ahead == pytest.approx((7 / 40, more - less - half, more - less + half, 40), abs=1e-6)


def test_a_lead_is_the_difference_of_the_two_rates_and_turns_with_them():
    """For agreement and for accuracy; the other way round it has the other sign."""
    one = make_evaluation(1, agreeing=0.8)
    rng = np.random.default_rng(8)
    clone = np.where(rng.random(400) < 0.4, one.suspect, rng.integers(0, 6, 400)).astype(np.int32)
    other = Evaluation(6, one.suspect, np.maximum(clone, 0), one.truth)
    for measure, rates in (
        ("agreement", (one.agreement, other.agreement)),
        ("accuracy", (one.accuracy, other.accuracy)),
    ):
        ahead, behind = lead(one, other, measure), lead(other, one, measure)
        assert ahead.value == pytest.approx(rates[0].value - rates[1].value)
        assert 0 < ahead.low < ahead.value < ahead.high < 1
        assert (behind.value, behind.low, behind.high) == pytest.approx((-ahead.value, -ahead.high, -ahead.low))
        assert ahead.n == rates[0].n


@pytest.mark.parametrize(("n", "won", "lost"), [(20, 0.3, 0.1), (100, 0.25, 0.1), (500, 0.65, 0.05), (2_000, 0.1, 0.1)])
def test_the_interval_of_a_lead_holds_the_truth_as_often_as_it_says(n, won, lost):
    """Simulated: pictures that one, the other or neither of two clones alone gets right; 93 to 98 of 100 hold it."""
    rng = np.random.default_rng(n)
    suspect, n_held = np.zeros(n, np.int32), 0
    for _ in range(600):
        kind = rng.choice(3, n, p=[won, lost, 1 - won - lost])
        one, other = Evaluation(2, suspect, labels(0, 1, 0)[kind]), Evaluation(2, suspect, labels(1, 0, 0)[kind])
        ahead = lead(one, other, "agreement")
        n_held += ahead.low <= won - lost <= ahead.high
    assert 0.93 <= n_held / 600 <= 0.98


def test_two_clones_that_answer_alike_have_no_lead_and_still_an_interval():
    """Ten pictures without a difference do not prove that there is none; a single one proves nothing."""
    tested = make_evaluation(n=10, unasked=0)
    same = lead(tested, tested, "agreement")
    assert same.value == 0
    assert same.low == -same.high < -0.2
    single = Evaluation(2, labels(0), labels(0)), Evaluation(2, labels(0), labels(1))
    assert lead(*single, "agreement")[:3] == (1.0, pytest.approx(-0.733, abs=1e-3), 1.0)


def test_clones_of_different_pictures_are_not_compared():
    """Other pictures or other labels, and a set without labels, end in a sentence."""
    one, other = make_evaluation(1), make_evaluation(2)
    with raises(CaseError, "different pictures"):
        lead(one, other, "agreement")
    with raises(CaseError, "different pictures"):
        lead(one, Evaluation(6, one.suspect, one.clone), "accuracy")
    bare = Evaluation(6, one.suspect, one.clone)
    with raises(SettingsError, "nothing to compare", "accuracy"):
        lead(bare, bare, "accuracy")


def test_a_thousand_classes_and_fifty_thousand_pictures_are_measured_fast():
    """Everything that a page shows of a large evaluation takes less than a second of processor time."""
    tested = make_evaluation(n=50_000, n_classes=1_000)
    other = Evaluation(1_000, tested.suspect, np.roll(tested.clone, 1), tested.truth)
    started = time.process_time()
    assert tested.agreement
    assert tested.mean_agreement
    assert len(tested.agreement_per_class()) == len(tested.accuracy_per_class()) == 1_000
    assert tested.confusion().sum() == tested.agreement.n
    assert lead(tested, other, "accuracy").low > 0
    assert time.process_time() - started < 1
