"""Selection: candidates, clusters, merging and the objective."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from paper_example import DISTANCES, HITS, NODES, make_scores
from raising import raises

from fdcore.errors import SettingsError
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, candidate_leaves, candidates, overall, select, semantic_scores
from fdcore.method.weaknesses import BELOW_TAU, weaknesses


def select_all(scores: Scores, distances: np.ndarray, settings: SelectionSettings):
    return select(scores, np.arange(len(scores.nodes)), distances, settings)


def test_the_semantic_term_rejects_the_false_friend():
    """With alpha 0.5 the aircraft win over the better scored hammerhead; with alpha 1 the hammerhead wins."""
    scores = make_scores([HITS])
    [both] = select_all(scores, DISTANCES, SelectionSettings(alpha=0.5))
    assert [NODES[j] for j in both.winner.members] == ["airliner", "wing", "warplane"]
    [functional] = select_all(scores, DISTANCES, SelectionSettings(alpha=1.0))
    assert [NODES[j] for j in functional.winner.members] == ["hammerhead"]


def test_the_objective_is_the_weighted_sum_computed_by_hand():
    """L is the share of the members' views, S the mean closeness of images in different leaves."""
    [selection] = select_all(make_scores([HITS]), DISTANCES, SelectionSettings(alpha=0.25))
    winner = selection.winner
    semantic = (1 / 4 + 1 / 3 + 1 / 4) / 3
    assert winner.functional == pytest.approx(0.9)
    assert winner.semantic == pytest.approx(semantic)
    assert winner.objective == pytest.approx(0.25 * 0.9 + 0.75 * semantic)


def test_a_single_leaf_has_no_semantic_score():
    """A selection of one leaf has no pair and scores 0, not the highest S."""
    assert semantic_scores(np.zeros((1, 1), np.float32), np.array([50]), np.zeros(1, int)).tolist() == [0]


def test_semantic_score_weighs_leaves_by_their_images():
    """The mean runs over pairs of images, as brute force over single images confirms."""
    distances = np.array([[0, 2, 6], [2, 0, 4], [6, 4, 0]], np.float32)
    n_images = np.array([1, 3, 2])
    leaf_of = np.repeat(np.arange(3), n_images)
    pairs = [1 / distances[a, b] for a, b in itertools.permutations(leaf_of, 2) if a != b]
    assert semantic_scores(distances, n_images, np.zeros(3, int))[0] == pytest.approx(np.mean(pairs))


def test_unrelated_leaves_have_no_closeness_and_never_merge():
    """Leaves of a set without hierarchy stand alone, whatever eta is."""
    distances = np.full((3, 3), np.inf, np.float32)
    np.fill_diagonal(distances, 0)
    assert semantic_scores(distances, np.array([5, 5, 5]), np.zeros(3, int))[0] == 0
    [selection] = select_all(make_scores([[90, 80, 70]], nodes=("x", "y", "z")), distances, SelectionSettings(eta=1000))
    assert [c.members for c in selection.clusters] == [(0,), (1,), (2,)]


def test_no_candidate_is_an_answer():
    """A class that no leaf reaches is "not found" and adds nothing to the whole model's scores."""
    selections = select_all(make_scores([HITS, [0] * 5]), DISTANCES, SelectionSettings())
    assert [s.found for s in selections] == [True, False]
    assert selections[1].winner is None
    total = overall(selections)
    assert (total.n_found, total.n_classes) == (1, 2)
    assert total.functional == pytest.approx(0.9)
    assert total.semantic == pytest.approx(selections[0].winner.semantic)


def test_tau_is_inclusive_and_k_max_keeps_the_best():
    """A leaf exactly at tau is a candidate; of too many, the highest stay."""
    functional = np.array([0.3, 0.9, 0.29, 0.5], np.float32)
    assert candidates(functional, SelectionSettings(tau=0.3, relative=0)).tolist() == [1, 3, 0]
    assert candidates(functional, SelectionSettings(tau=0.3, relative=0, k_max=2)).tolist() == [1, 3]


def test_a_candidate_scores_at_least_a_part_of_the_best_leaf():
    """Beside a leaf at 0.9, one at 0.35 is none; beside one at 0.5 it is."""
    settings = SelectionSettings(tau=0.2, relative=0.4)
    assert candidates(np.array([0.9, 0.35, 0.36], np.float32), settings).tolist() == [0, 2]
    assert candidates(np.array([0.5, 0.35, 0.2, 0.19], np.float32), settings).tolist() == [0, 1, 2]


def test_ties_go_to_the_higher_score_and_then_the_smaller_id():
    """Equal objectives are settled the same way every time."""
    apart = np.array([[0, 20], [20, 0]], np.float32)
    [selection] = select_all(make_scores([[80, 80]], nodes=("b", "c")), apart, SelectionSettings())
    assert selection.winner.members == (0,)


def test_the_result_does_not_depend_on_the_order_of_the_leaves():
    """Shuffled leaves give the same names."""
    scores = make_scores([HITS])
    order = np.array([3, 0, 4, 2, 1])
    shuffled = make_scores([[HITS[i] for i in order]], nodes=tuple(NODES[i] for i in order))
    [a] = select_all(scores, DISTANCES, SelectionSettings())
    [b] = select_all(shuffled, DISTANCES[np.ix_(order, order)], SelectionSettings())
    assert [NODES[j] for j in a.winner.members] == [shuffled.nodes[j] for j in b.winner.members]
    assert a.winner.objective == pytest.approx(b.winner.objective)


def test_only_the_candidates_distances_are_needed():
    """Selecting with the distances of `candidate_leaves` alone gives the same, and fewer are refused."""
    scores = make_scores([[94, 92, 10, 97, 10], [0, 0, 0, 0, 50]])
    settings = SelectionSettings()
    leaves = candidate_leaves(scores, settings)
    assert leaves.tolist() == [0, 1, 3, 4]
    assert select(scores, leaves, DISTANCES[np.ix_(leaves, leaves)], settings) == select_all(
        scores, DISTANCES, settings
    )
    with raises(SettingsError, "unknown distance", "hammerhead"):
        select(scores, leaves[:2], DISTANCES[:2, :2], settings)


def test_an_answer_that_may_be_none_says_so():
    """A score whose interval reaches below tau is marked, a clear one is not."""
    weak = make_scores([[0, 0, 0, 25, 0]], n_queries=100)
    settings = SelectionSettings(evidence=0)
    [selection] = select_all(weak, DISTANCES, settings)
    assert weaknesses(selection, weak, settings) == (BELOW_TAU,)
    strong = make_scores([[94, 92, 84, 0, 0]])
    [selection] = select_all(strong, DISTANCES, SelectionSettings())
    assert weaknesses(selection, strong, SelectionSettings()) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("alpha", 0), ("alpha", 1.01), ("alpha", float("nan")), ("tau", 0), ("tau", 2), ("eta", -1),
     ("eta", float("nan")), ("k", 0), ("k_max", 0)],
)  # fmt: skip
def test_settings_out_of_range_are_refused(field, value):
    """Each setting is checked when it is set, and the message names it and the value."""
    with raises(SettingsError, f"{field} range", value):
        replace(SelectionSettings(), **{field: value})
