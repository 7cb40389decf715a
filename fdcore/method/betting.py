"""Sequential evidence: which leaves score above tau, and which below, at any moment at which asking may stop.

The unit is an image, not a view: several views of an image are averaged into one value x in [0, 1] (its share of views
in the class). A leaf's N images are a finite population, drawn in random order without replacement.

For each class and leaf, two bets are placed, against "the leaf's score is at most tau" and against its mirror, "at
least tau". The first: had the leaf the score m = tau, the next of its images would be worth on average what is left,

    m_t = (N m - (x_1 + ... + x_(t-1))) / (N - t + 1)

so the capital K_t = prod_(i<=t) (1 - c + c x_i / m_i), with any fraction c in [0, 1), is a nonnegative supermartingale
from 1 wherever the score is at most m: an e-process. By Ville's inequality it ever exceeds 1/alpha with probability at
most alpha, however often one looks (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by
betting", section 5; Ville 1939). A mean over several fractions is an e-process as well, and need not know the score.
The mirror is the same bet on 1 - x against 1 - tau.

`exceed` judges all pairs together by e-BH (Wang and Ramdas 2022, "False discovery rate control with e-values"), which
holds for e-values that depend on each other in any way, as those of one image's classes do.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

FRACTIONS = np.array([0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])  # of the largest bet that cannot lose everything
_TOLERANCE = 1e-9  # N * tau and sums of shares are not exact


def log_growth(x: Floats, total: Floats, n_drawn: Floats, n_images: Floats, mean: float) -> Floats:
    """The growth of the capital that bets against "the mean of the population is at most `mean`" at one more draw.

    Args:
        x: (n,) the next value of each population, in [0, 1].
        total: (n,) the sum of the values drawn before.
        n_drawn: (n,) how many were drawn before.
        n_images: (n,) the size of each population, more than were drawn.
        mean: the limit, in (0, 1).

    Returns:
        (n, n_fractions) natural logarithms: products of hundreds of factors would leave the range of a float. inf where
        the values alone prove a higher mean.
    """
    left = (n_images * mean - total) / (n_images - n_drawn)
    # Where nothing is left, the null hypothesis expects zeros only: a zero changes nothing, all else refutes it.
    ratio = np.divide(x, left, out=np.ones_like(left), where=left > _TOLERANCE)
    growth: Floats = np.log1p(FRACTIONS * (ratio[:, None] - 1))  # no fraction is 1, so the logarithm is finite
    growth[total + x > n_images * mean + _TOLERANCE] = np.inf
    return growth


def log_mixture(log_capital: Floats) -> Floats:
    """The logarithm of the mean capital over the fractions, (n, n_fractions) to (n,).

    `logaddexp` takes the larger of two out of their sum, so that no exponential overflows.
    """
    mixed: Floats = np.logaddexp.reduce(log_capital, axis=1, initial=-np.inf) - math.log(len(FRACTIONS))
    return mixed


class Bets:
    """The bets of every class and leaf, as images are answered.

    Only pairs of a leaf and a class that it was put in at least once are kept one by one. All other classes of a leaf
    have lost and won the same bets, so that one row speaks for them: memory grows with the answers, not with classes
    times leaves.

    Attributes:
        tau: the score that is bet on.
        n_classes: the suspect's classes.
        n_images: (n_leaves,) the size of each leaf's population.
        n_drawn: (n_leaves,) images drawn so far.
        leaf, target: (n_pairs,) the kept pairs, by leaf and then by class.
        total: (n_pairs,) sum of their values.
        log_above: (n_pairs,) log e-values against "at most tau"; those of all other pairs never exceed 0.
        log_below: (n_pairs,) log e-values against "at least tau".
        log_rest_below: (n_leaves,) the same of each class in which the leaf was never put.
    """

    def __init__(self, n_images: npt.NDArray[np.int64], n_classes: int, tau: float) -> None:
        self.tau, self.n_classes, self.n_images = tau, n_classes, n_images.astype(np.float64)
        n_leaves, n_fractions = len(n_images), len(FRACTIONS)
        self.n_drawn = np.zeros(n_leaves)
        self._keys = np.empty(0, np.int64)
        self.total = np.empty(0)
        self._above, self._below = (np.empty((0, n_fractions)) for _ in range(2))
        self._rest_above, self._rest_below = (np.zeros((n_leaves, n_fractions)) for _ in range(2))
        self.log_above, self.log_below, self.log_rest_below = np.empty(0), np.empty(0), np.zeros(n_leaves)

    @property
    def leaf(self) -> Places:
        """(n_pairs,) the leaf of each kept pair."""
        return (self._keys // self.n_classes).astype(np.intp)

    @property
    def target(self) -> Places:
        """(n_pairs,) the class of each kept pair."""
        return (self._keys % self.n_classes).astype(np.intp)

    @property
    def n_rest(self) -> npt.NDArray[np.int64]:
        """(n_leaves,) classes in which the leaf was never put."""
        return self.n_classes - np.bincount(self.leaf, minlength=len(self.n_images))

    def draw(self, leaves: Places, answers: npt.NDArray[np.int32]) -> None:
        """Take in the answers about one further image of some leaves.

        Args:
            leaves: (n,) each at most once.
            answers: (n, n_views) the class of each view of the image; -1 where a view was not sent, at least one was.
        """
        shares = _shares(leaves, answers, self.n_classes)
        self._keep(shares.keys)
        drawn = np.zeros(len(self.n_images), bool)
        drawn[leaves] = True
        rows = np.flatnonzero(drawn[self.leaf])
        x = np.zeros(len(self._keys))
        x[np.searchsorted(self._keys, shares.keys)] = shares.values
        x, total, leaf = x[rows], self.total[rows], self.leaf[rows]
        n_drawn, size = self.n_drawn[leaf], self.n_images[leaf]
        self._above[rows] += log_growth(x, total, n_drawn, size, self.tau)
        self._below[rows] += log_growth(1 - x, n_drawn - total, n_drawn, size, 1 - self.tau)
        self.log_above[rows], self.log_below[rows] = log_mixture(self._above[rows]), log_mixture(self._below[rows])
        self.total[rows] += x
        n_drawn, size, zero = self.n_drawn[leaves], self.n_images[leaves], np.zeros(len(leaves))
        self._rest_above[leaves] += log_growth(zero, zero, n_drawn, size, self.tau)
        self._rest_below[leaves] += log_growth(zero + 1, n_drawn, n_drawn, size, 1 - self.tau)
        self.log_rest_below[leaves] = log_mixture(self._rest_below[leaves])
        self.n_drawn[leaves] += 1

    def _keep(self, keys: npt.NDArray[np.int64]) -> None:
        """Keep further pairs one by one, with the capital of their leaf's other classes."""
        new = np.setdiff1d(keys, self._keys)
        leaf, place = new // self.n_classes, np.searchsorted(self._keys, new)
        self._above = np.insert(self._above, place, self._rest_above[leaf], axis=0)
        self._below = np.insert(self._below, place, self._rest_below[leaf], axis=0)
        self.total, self.log_above, self.log_below = (
            np.insert(each, place, 0.0) for each in (self.total, self.log_above, self.log_below)
        )
        self._keys = np.insert(self._keys, place, new)

    def judge(self, error: float) -> "Judged":
        """What is known at this error level; may be called at any time, and asking may depend on what it says.

        Of the pairs said to be above tau, at most `error` are not, in expectation. A pair that does reach tau is said
        to be below with probability at most `error`; and of all pairs said to be below, at most `error` reach it. That
        last rate alone would mean little: with a thousand classes, nearly all pairs are below. An image is in one class
        only, so of each leaf's pairs at most 1/tau reach tau, and e-BH need correct for so many.
        """
        n_leaves, n_rest = len(self.n_images), self.n_rest
        above = exceed(self.log_above, error, n_hypotheses=n_leaves * self.n_classes)
        most = n_leaves * min(self.n_classes, math.floor(1 / self.tau + _TOLERANCE))
        values = np.concatenate([self.log_below, self.log_rest_below])
        weights = np.concatenate([np.ones(len(self._keys), np.int64), n_rest])
        below = exceed(values, error, n_hypotheses=most, weights=weights, each=True)
        return Judged(above, below[: len(above)], below[len(above) :])


@dataclass(frozen=True)
class Judged:
    """What the bets say at an error level.

    Attributes:
        above, below: (n_pairs,) whether a kept pair's score is stated to be above tau, or below.
        rest_below: (n_leaves,) whether all classes in which a leaf was never put are stated to be below.
    """

    above: Flags
    below: Flags
    rest_below: Flags


def exceed(
    log_e: Floats,
    error: float,
    *,
    n_hypotheses: int,
    weights: npt.NDArray[np.int64] | None = None,
    each: bool = False,
) -> Flags:
    """Which hypotheses are rejected by e-BH: the k largest, where the k-th largest is at least n / (k * error).

    The expected share of true hypotheses among the rejected is at most `error`, however the e-values depend on each
    other. n may be any number that the true hypotheses do not exceed (Wang and Ramdas 2022, theorem 2: the share is at
    most error * n_true / n).

    Args:
        log_e: (n,) logarithms of e-values.
        error: in (0, 1).
        n_hypotheses: n; those that are not given have an e-value of at most 1 and are not rejected.
        weights: (n,) how many hypotheses each value stands for; None for one.
        each: whether every single true hypothesis must be rejected with a probability of at most `error` as well.
    """
    order = np.argsort(-log_e, kind="stable")
    k = np.cumsum(np.ones(len(log_e), np.int64) if weights is None else weights[order])
    least = math.log(n_hypotheses / error) - np.log(np.maximum(k, 1))
    if each:
        least = np.maximum(least, -math.log(error))
    passing = np.flatnonzero(log_e[order] >= least)
    rejected = np.zeros(len(log_e), bool)
    if len(passing):
        rejected[order[: passing[-1] + 1]] = True
    return rejected


@dataclass(frozen=True)
class _Shares:
    keys: npt.NDArray[np.int64]  # leaf * n_classes + class, increasing
    values: Floats


def _shares(leaves: Places, answers: npt.NDArray[np.int32], n_classes: int) -> _Shares:
    """The share of an image's views in each class it was put in."""
    asked = answers >= 0
    row, view = np.nonzero(asked)
    keys = leaves[row].astype(np.int64) * n_classes + answers[row, view]
    unique, inverse = np.unique(keys, return_inverse=True)
    values: Floats = np.bincount(inverse, 1 / asked.sum(axis=1)[row], len(unique)).astype(np.float64)
    return _Shares(unique, values)
