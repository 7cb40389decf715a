"""Sequential evidence holds however often one looks, and finds what is there."""

import itertools
import math

import numpy as np
import pytest

from fdcore.method.betting import FRACTIONS, Bets, exceed, log_growth, log_mixture

RUNS, ALPHA = 2_000, 0.05
AT_MOST = ALPHA * RUNS + 2.33 * math.sqrt(RUNS * ALPHA * (1 - ALPHA))  # one in a hundred would exceed it by chance


def populations(rng: np.random.Generator, size: int, mean: float, kind: str) -> np.ndarray:
    """(RUNS, size) values in [0, 1] whose mean is `mean` or a little less, in random order."""
    if kind == "labels":
        values = np.zeros((RUNS, size))
        values[:, : int(size * mean + 1e-9)] = 1
    else:  # shares of four views, correlated within an image
        shares = rng.binomial(4, rng.beta(0.5, 0.5, (RUNS, size))) / 4
        excess = np.maximum(shares.mean(axis=1, keepdims=True) / mean, 1)
        values = shares / excess
    return rng.permuted(values, axis=1)


def highest(values: np.ndarray, mean: float, n_images: float, n_draws: int) -> np.ndarray:
    """The highest log e-value of each population at any time."""
    capital = np.zeros((len(values), len(FRACTIONS)))
    total, best = np.zeros(len(values)), np.full(len(values), -np.inf)
    size = np.full(len(values), n_images)
    for t in range(n_draws):
        capital += log_growth(values[:, t], total, np.full(len(values), float(t)), size, mean)
        total += values[:, t]
        best = np.maximum(best, log_mixture(capital))
    return best


@pytest.mark.parametrize("kind", ["labels", "shares"])
@pytest.mark.parametrize("size", [10, 300])
@pytest.mark.parametrize("mean", [0.2, 0.5])
def test_a_true_hypothesis_is_rejected_at_any_time_in_few_runs_without_replacement(kind, size, mean):
    """Looking after every image, at most alpha of 2,000 true hypotheses are ever rejected, both ways."""
    rng = np.random.default_rng(size)
    values = populations(rng, size, mean, kind)
    assert (values.mean(axis=1) <= mean + 1e-9).all()
    limit = math.log(1 / ALPHA)
    assert (highest(values, mean, size, size) >= limit).sum() <= AT_MOST
    if kind == "labels":  # the mean is the limit itself, so the mirror is true as well
        assert (highest(1 - values, 1 - mean, size, size) >= limit).sum() <= AT_MOST


@pytest.mark.parametrize("mean", [0.2, 0.5, 0.8])
def test_a_true_hypothesis_is_rejected_at_any_time_in_few_runs_with_replacement(mean):
    """A population without end is the limit of a large one: independent draws, 600 looks."""
    values = (np.random.default_rng(7).random((RUNS, 600)) < mean).astype(float)
    assert (highest(values, mean, 1e12, 600) >= math.log(1 / ALPHA)).sum() <= AT_MOST


@pytest.mark.parametrize("values", [[1, 1, 0, 0, 0, 0], [0.5, 1, 0.25, 0.25, 0, 0.1]])
def test_over_all_orders_of_a_population_the_bet_is_fair_after_every_draw(values):
    """Where the score is the limit itself, the mean capital over all 720 orders stays exactly 1."""
    orders = np.array(list(itertools.permutations(values)), float)
    mean, size = sum(values) / 6, np.full(720, 6.0)
    capital, total = np.zeros((720, len(FRACTIONS))), np.zeros(720)
    for t in range(6):
        capital += log_growth(orders[:, t], total, np.full(720, float(t)), size, mean)
        total += orders[:, t]
        assert np.exp(log_mixture(capital)).mean() == pytest.approx(1)


def test_without_replacement_proves_more_than_with():
    """Seeing half of a small population says more than seeing as many of an endless one."""
    values = np.array([[1.0, 1, 0, 1, 0, 1, 1, 0, 1, 1]])
    assert highest(values, 0.4, 20, 10) > highest(values, 0.4, 1e12, 10)


def test_a_whole_population_is_certain():
    """Once every image is answered, the score is known, and the e-value against the other side is infinite."""
    values = np.array([[0.0, 1, 0, 0, 0, 0, 1, 0, 1, 0]])
    assert highest(values, 0.2, 10, 10) == math.inf
    assert np.isfinite(highest(1 - values, 0.8, 10, 10))
    assert highest(1 - values, 0.6, 10, 10) == math.inf  # below 0.4


def test_thousands_of_draws_leave_no_float():
    """Capital of 10 to the power of thousands is still a finite logarithm, and compares."""
    ones = np.ones((1, 5_000))
    grown = highest(ones, 0.2, 1e9, 5_000)
    assert np.isfinite(grown).all()
    assert grown > 5_000


def test_a_class_that_is_hit_late_has_the_capital_of_one_watched_from_the_start():
    """Keeping only the pairs with a hit changes no number."""
    rng = np.random.default_rng(3)
    answers = rng.choice(6, (30, 2), p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]).astype(np.int32)
    bets = Bets(np.array([40]), 7, 0.2)
    for row in answers:
        bets.draw(np.array([0]), row[None])
    assert len(bets.target) == len(set(answers.ravel().tolist()))
    for place, target in enumerate(bets.target):
        values = (answers == target).mean(axis=1)[None]
        capital, total = np.zeros((1, len(FRACTIONS))), np.zeros(1)
        mirror = np.zeros((1, len(FRACTIONS)))
        for t in range(30):
            drawn, size = np.array([float(t)]), np.array([40.0])
            capital += log_growth(values[:, t], total, drawn, size, 0.2)
            mirror += log_growth(1 - values[:, t], t - total, drawn, size, 0.8)
            total = total + values[:, t]
        assert bets.log_above[place] == pytest.approx(log_mixture(capital)[0])
        assert bets.log_below[place] == pytest.approx(log_mixture(mirror)[0])
        assert bets.total[place] == pytest.approx(total[0])
    assert bets.n_rest.tolist() == [7 - len(bets.target)]


def test_e_bh_rejects_the_largest_whose_rank_allows_it():
    """Worked by hand: of five values at 10 %, the third needs 50 / 3 and the fourth 50 / 4."""
    log_e = np.log([60.0, 1.0, 20.0, 26.0, 12.0])
    assert exceed(log_e, 0.1, n_hypotheses=5).tolist() == [True, False, True, True, False]
    assert exceed(log_e, 0.1, n_hypotheses=4).tolist() == [True, False, True, True, True]  # 40 / 4 is 10
    assert not exceed(log_e, 0.1, n_hypotheses=50).any()
    assert exceed(log_e, 0.1, n_hypotheses=1, each=True).tolist() == [True, False, True, True, True]
    assert exceed(np.empty(0), 0.1, n_hypotheses=5).tolist() == []


def test_a_value_may_stand_for_many_hypotheses():
    """One value that stands for 30 equal hypotheses is judged like 30 values."""
    one = exceed(np.log([4.0, 2.0]), 0.2, n_hypotheses=20, weights=np.array([30, 5]))
    many = exceed(np.log([4.0] * 30 + [2.0] * 5), 0.2, n_hypotheses=20)
    assert one.tolist() == [many[0], many[-1]] == [True, False]


def test_all_pairs_together_err_as_rarely_as_stated_at_the_moment_one_likes_most():
    """200 leaves, asked until any pair looks decided: few of the statements are wrong, in either direction."""
    rng, wrong_above, n_above, missed, n_true = np.random.default_rng(11), 0, 0, 0, 0
    for _ in range(20):
        shares = rng.dirichlet([0.25] * 8, size=60)
        whole = np.stack([rng.choice(8, 40, p=p) for p in shares]).astype(np.int32)
        truth = np.stack([(whole == c).mean(axis=1) for c in range(8)], axis=1)
        bets = Bets(np.full(60, 40), 8, 0.3)
        for t in range(25):
            judged = bets.judge(0.1)
            decided = np.zeros((60, 8), bool)
            decided[bets.leaf, bets.target] = judged.above | judged.below
            waiting = ~(judged.rest_below & (decided.sum(axis=1) == np.bincount(bets.leaf, minlength=60)))
            leaves = np.flatnonzero(waiting & (bets.n_drawn == t))
            if len(leaves):
                bets.draw(leaves, whole[leaves, t][:, None])
        judged = bets.judge(0.1)
        above, below = np.zeros((60, 8), bool), np.repeat(judged.rest_below[:, None], 8, axis=1)
        above[bets.leaf, bets.target], below[bets.leaf, bets.target] = judged.above, judged.below
        wrong_above, n_above = wrong_above + (above & (truth <= 0.3)).sum(), n_above + above.sum()
        missed, n_true = missed + (below & (truth >= 0.3)).sum(), n_true + (truth >= 0.3).sum()
    assert n_above > 0.3 * n_true  # it does find
    assert wrong_above <= 0.1 * n_above
    assert missed <= 0.1 * n_true
