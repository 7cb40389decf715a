"""Functional scores and their intervals."""

import numpy as np
import pytest
from scipy.stats import binomtest

from fdcore.method.scores import score_leaves, stating_half, wilson_interval

NODES = ("a", "b", "c")


def test_scores_are_the_share_of_views_put_in_each_class():
    """Counting by hand and by the module agree, unanswered views left out."""
    answers = np.array([[0, 0, 1], [0, 1, 1], [1, 1, -1], [-1, -1, -1]], np.int32)
    scores = score_leaves(answers, np.array([0, 0, 1, 2], np.int32), NODES, 2)
    assert scores.hits.tolist() == [[3, 0, 0], [3, 2, 0]]
    assert scores.n_queries.tolist() == [6, 2, 0]
    assert scores.n_images.tolist() == [2, 1, 0]
    assert np.allclose(scores.functional, [[0.5, 0, 0], [0.5, 1, 0]])


def test_scores_agree_with_a_plain_loop_on_random_answers():
    """A brute-force count over every view gives the same table."""
    rng = np.random.default_rng(0)
    answers = rng.integers(-1, 7, (200, 5)).astype(np.int32)
    leaf = rng.integers(0, 3, 200).astype(np.int32)
    scores = score_leaves(answers, leaf, NODES, 7)
    for c in range(7):
        for j in range(3):
            assert scores.hits[c, j] == sum(int(a == c) for row in answers[leaf == j] for a in row)


def test_wilson_agrees_with_scipy():
    """Without a design effect the interval is scipy's Wilson interval."""
    for hits, trials in [(0, 10), (3, 10), (10, 10), (57, 400), (399, 400)]:
        expected = binomtest(hits, trials).proportion_ci(0.95, method="wilson")
        low, high = wilson_interval(hits, trials)
        assert np.allclose([low, high], [expected.low, expected.high], atol=1e-9)


def test_nothing_asked_means_nothing_known():
    """With no trial the interval is everything."""
    low, high = wilson_interval(0, 0)
    assert (float(low), float(high)) == (0.0, 1.0)


def test_views_that_always_agree_count_as_one():
    """Eight identical answers for each image weigh as one: the design effect is the number of views."""
    rng = np.random.default_rng(0)
    answers = np.repeat(rng.integers(0, 2, (100, 1)), 8, axis=1).astype(np.int32)
    scores = score_leaves(answers, np.zeros(100, np.int32), ("a",), 2)
    assert abs(scores.design_effect - 8) < 1e-6


def test_independent_views_count_in_full():
    """Answers that do not depend on the image have a design effect near 1."""
    answers = np.random.default_rng(0).integers(0, 2, (2000, 8)).astype(np.int32)
    scores = score_leaves(answers, np.zeros(2000, np.int32), ("a",), 2)
    assert scores.design_effect < 1.15


def test_a_single_view_needs_no_correction():
    """With one view an image there is nothing to correct."""
    answers = np.random.default_rng(0).integers(0, 2, (50, 1)).astype(np.int32)
    assert score_leaves(answers, np.zeros(50, np.int32), ("a",), 2).design_effect == 1


def test_one_image_alone_tells_nothing_about_agreement():
    """With one image per leaf each image counts as one trial, the careful choice."""
    answers = np.array([[0, 0, 1, 0]], np.int32)
    assert score_leaves(answers, np.zeros(1, np.int32), ("a",), 2).design_effect == 4


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Where views of an image agree more than chance, 95 % intervals hold the true score in 92 to 98 of 100 leaves;
    counting every view as a trial of its own would hold it in far fewer."""
    rng = np.random.default_rng(0)
    n_leaves, n_images, n_views = 400, 50, 8
    truth = rng.uniform(0.2, 0.8, n_leaves)
    per_image = rng.beta(truth[:, None] * 2, (1 - truth[:, None]) * 2, (n_leaves, n_images))
    answers = (rng.random((n_leaves, n_images, n_views)) > per_image[..., None]).astype(np.int32)
    leaf = np.repeat(np.arange(n_leaves), n_images).astype(np.int32)
    scores = score_leaves(answers.reshape(-1, n_views), leaf, tuple(map(str, range(n_leaves))), 2)
    low, high = scores.interval(0)
    covered = ((low <= truth) & (truth <= high)).mean()
    naive_low, naive_high = wilson_interval(scores.hits[0], scores.n_queries)
    naive = ((naive_low <= truth) & (truth <= naive_high)).mean()
    assert 0.92 <= covered <= 0.98
    assert naive < 0.8


def test_halves_that_were_asked_in_different_numbers_of_views_have_their_own_design_effects():
    """One view of an image is one trial; two views weigh as much as their likeness leaves, measured on pairs alone."""
    rng, n_images = np.random.default_rng(0), 4_000
    own = rng.random((n_images, 1)) < 0.4
    answers = np.where(rng.random((n_images, 2)) < 0.6, own, rng.random((n_images, 2)) < 0.4).astype(np.int32)
    node_index, ids = np.repeat(np.arange(40, dtype=np.int32), 100), np.arange(n_images, dtype=np.uint64)
    both = score_leaves(answers, node_index, tuple(map(str, range(40))), 2, ids)
    states = stating_half(node_index, ids)
    answers[~states, 1] = -1
    some = score_leaves(answers, node_index, tuple(map(str, range(40))), 2, ids)
    assert some.halves.choosing.design_effect == 1
    assert some.halves.stating.design_effect == pytest.approx(both.design_effect, abs=0.03)
    assert both.design_effect == pytest.approx(1.36, abs=0.03)
    assert 1 < some.design_effect < both.design_effect
