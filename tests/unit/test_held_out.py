"""One half of the images chooses a class's leaves and the other half states their score."""

from dataclasses import replace

import numpy as np
import pytest

from fdcore.method.scores import Scores, Split, score_leaves, stating_half
from fdcore.method.selection import SelectionSettings, select

SETTINGS = SelectionSettings(evidence=0, share=0)
N_IMAGES, N_VIEWS, LIKENESS = 50, 2, 0.5  # likeness: the correlation of an image's views


def suspects(truth: np.ndarray, seed: int = 0) -> Scores:
    """Answers of independent classes whose leaves have these true scores (n_classes, n_leaves)."""
    rng = np.random.default_rng(seed)
    weight = (1 - LIKENESS) / LIKENESS
    per_image = rng.beta(*(np.maximum(share * weight, 1e-6)[..., None] for share in (truth, 1 - truth)),
                         (*truth.shape, N_IMAGES))  # fmt: skip
    hits = rng.binomial(N_VIEWS, per_image).astype(np.int32)
    nodes = tuple(f"n{leaf:03}" for leaf in range(truth.shape[1]))

    def scores(counts: np.ndarray) -> Scores:
        images = np.full(len(nodes), counts.shape[2])
        return Scores(nodes, counts.sum(axis=2), images * N_VIEWS, images, 1 + (N_VIEWS - 1) * LIKENESS)

    return replace(scores(hits), halves=Split(scores(hits[..., ::2]), scores(hits[..., 1::2])))


def covered(truth: np.ndarray, apart: np.ndarray, settings: SelectionSettings) -> tuple[float, float]:
    """How often the interval of the answer contains its true score, and how much too high L is on average."""
    inside, excess = [], []
    for selection in select(suspects(truth), np.arange(truth.shape[1]), apart, settings):
        if winner := selection.winner:
            true = truth[selection.target_class, list(winner.members)].mean()
            inside.append(winner.low <= true <= winner.high)
            excess.append(winner.functional - true)
    assert len(inside) > 900
    return float(np.mean(inside)), float(np.mean(excess))


@pytest.mark.parametrize(("shape", "n_leaves"), [("equal", 5), ("equal", 40), ("unequal", 20), ("related", 20)])
def test_the_interval_contains_the_true_score_as_often_as_it_says(shape, n_leaves):
    """In 93 to 97 of 100 answers, and L is unbiased, however many leaves there are to choose from."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.2, 0.7, (1000, n_leaves)) if shape == "unequal" else np.full((1000, n_leaves), 0.5)
    apart = np.full((n_leaves, n_leaves), np.inf, np.float32)
    if shape == "related":  # in families of five
        family = np.arange(n_leaves) // 5
        apart[family[:, None] == family[None, :]] = 2
    np.fill_diagonal(apart, 0)
    share, excess = covered(truth, apart, SETTINGS)
    assert 0.93 <= share <= 0.97
    assert abs(excess) < 0.01


def test_without_the_division_the_best_of_many_equal_leaves_is_overrated():
    """The answer was chosen because it scored high, so L is too high and its interval misses the truth."""
    apart = np.full((50, 50), np.inf, np.float32)
    np.fill_diagonal(apart, 0)
    share, excess = covered(np.full((1000, 50), 0.5), apart, replace(SETTINGS, held_out=False))
    assert share < 0.6
    assert excess > 0.1


def test_every_second_image_of_a_leaf_states():
    """The halves of a leaf differ by at most one image, and do not depend on the order of the images."""
    rng = np.random.default_rng(0)
    leaf = rng.integers(0, 7, 200).astype(np.int32)
    ids = rng.permutation(200).astype(np.uint64)
    states = stating_half(leaf, ids)
    for one in range(7):
        n, n_stating = (leaf == one).sum(), states[leaf == one].sum()
        assert n_stating == n // 2
    order = rng.permutation(200)
    assert (stating_half(leaf[order], ids[order]) == states[order]).all()


def test_the_halves_add_up():
    """Every answer is counted in exactly one half."""
    rng = np.random.default_rng(0)
    answers, leaf = rng.integers(-1, 4, (90, 3)).astype(np.int32), rng.integers(0, 5, 90).astype(np.int32)
    scores = score_leaves(answers, leaf, tuple("abcde"), 4, np.arange(90, dtype=np.uint64))
    choosing, stating = scores.halves.choosing, scores.halves.stating
    assert (choosing.hits + stating.hits == scores.hits).all()
    assert (choosing.n_queries + stating.n_queries == scores.n_queries).all()
    assert (scores.part([1, 3], [2]).halves.stating.hits == stating.hits[2:3][:, [1, 3]]).all()


def test_a_single_image_cannot_confirm_itself():
    """With one image a leaf, there is no other image to state a score: nothing is found, and the interval says so."""
    leaf = np.arange(4, dtype=np.int32)
    scores = score_leaves(np.zeros((4, 2), np.int32), leaf, tuple("abcd"), 2, leaf.astype(np.uint64))
    (selection, _) = select(scores, np.arange(4), np.zeros((4, 4), np.float32), SelectionSettings())
    assert (selection.found, selection.lacking) == (False, "evidence")
    assert (selection.nearest.functional, selection.nearest.low, selection.nearest.high) == (0, 0, 1)
