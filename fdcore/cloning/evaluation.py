"""How well a clone copies the suspect: agreement and accuracy, with 95 % intervals (paper section 5.4).

Agreement is the share of pictures that the clone puts in the suspect's class, accuracy the share that it puts in the
true one. Both are counted over the pictures that both networks answered, so all numbers refer to the same pictures.

A single share has Wilson's interval, and so does the mean over classes, for an effective number of pictures (see
`_mean_rate`). The lead of one clone over another is a paired difference (see `lead`).
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.errors import CaseError, SettingsError
from fdcore.method.scores import Z_95, wilson_interval

Labels = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Measure = Literal["agreement", "accuracy"]

UNKNOWN = -1  # a picture that was not answered, or that has no true class
MAX_CONFUSION = 5_000  # classes of a confusion matrix, which then takes 200 MB
_BORROWED = 2.0  # pictures at the mean of all classes that are added to each class for its variance


class Rate(NamedTuple):
    """A share, or a difference of two, with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int  # pictures


@dataclass(frozen=True)
class Evaluation:
    """The answers of the suspect and of a clone to the same pictures.

    Attributes:
        suspect: (n,) int32, the suspect's answers; -1 where it was not queried.
        clone: (n,) int32, the clone's answers; -1 where there is none.
        truth: (n,) int32, the true classes, -1 where unlabelled; None if no picture has a label.
    """

    n_classes: int
    suspect: Labels
    clone: Labels
    truth: Labels | None = None

    def __post_init__(self) -> None:
        for labels in (self.suspect, self.clone, self.truth):
            if labels is not None:
                _require_labels(labels, self.n_classes, self.suspect.shape)

    @cached_property
    def agreement(self) -> Rate | None:
        """Share of the pictures that the clone puts where the suspect does; None without a picture."""
        return _rate(self._same[self._answered])

    @cached_property
    def mean_agreement(self) -> Rate | None:
        """Mean of `agreement_per_class` over the classes that have a picture."""
        return _mean_rate(self._same, self.suspect, self._answered, self.n_classes)

    @cached_property
    def accuracy(self) -> Rate | None:
        """Share of the labelled pictures that the clone puts in their true class; None without labels."""
        return _rate(self._right(self.clone)[self._labelled])

    @cached_property
    def mean_accuracy(self) -> Rate | None:
        """Mean of `accuracy_per_class` over the classes that have a picture."""
        return _mean_rate(self._right(self.clone), self._true, self._labelled, self.n_classes)

    @cached_property
    def suspect_accuracy(self) -> Rate | None:
        """The suspect's own accuracy on the same pictures."""
        return _rate(self._right(self.suspect)[self._labelled])

    @cached_property
    def suspect_mean_accuracy(self) -> Rate | None:
        """Mean of `suspect_accuracy_per_class` over the classes that have a picture."""
        return _mean_rate(self._right(self.suspect), self._true, self._labelled, self.n_classes)

    def agreement_per_class(self) -> tuple[Rate | None, ...]:
        """By the suspect's class: of the pictures that it puts there, the share that the clone puts there too."""
        return _rates(self._same, self.suspect, self._answered, self.n_classes)

    def accuracy_per_class(self) -> tuple[Rate | None, ...]:
        """By true class: the share of its pictures that the clone puts there; None for a class without one."""
        return _rates(self._right(self.clone), self._true, self._labelled, self.n_classes)

    def suspect_accuracy_per_class(self) -> tuple[Rate | None, ...]:
        """By true class: the share of its pictures that the suspect puts there; None for a class without one."""
        return _rates(self._right(self.suspect), self._true, self._labelled, self.n_classes)

    def confusion(self) -> Counts:
        """(n_classes, n_classes) int64, pictures by the suspect's class (rows) and the clone's (columns).

        Raises:
            SettingsError: there are more than `MAX_CONFUSION` classes.
        """
        if self.n_classes > MAX_CONFUSION:
            raise SettingsError(
                f"A matrix of {self.n_classes:,} classes is too large; at most {MAX_CONFUSION:,} fit.",
                key="matrix too large",
            )
        suspect, clone = self.suspect[self._answered], self.clone[self._answered]
        cells = suspect.astype(np.int64) * self.n_classes + clone
        return np.bincount(cells, minlength=self.n_classes**2).reshape(self.n_classes, self.n_classes)

    def hits(self, measure: Measure) -> tuple[Flags, Flags]:
        """For each picture, (n,) bool: whether the clone hits it, and whether it counts."""
        if measure == "agreement":
            return self._same, self._answered
        return self._right(self.clone), self._labelled

    @cached_property
    def _answered(self) -> Flags:
        return (self.suspect >= 0) & (self.clone >= 0)

    @cached_property
    def _labelled(self) -> Flags:
        return self._answered & (self._true >= 0)

    @cached_property
    def _true(self) -> Labels:
        return np.full(len(self.suspect), UNKNOWN, np.int32) if self.truth is None else self.truth

    @cached_property
    def _same(self) -> Flags:
        same: Flags = self.suspect == self.clone
        return same

    def _right(self, labels: Labels) -> Flags:
        right: Flags = labels == self._true
        return right


def lead(one: Evaluation, other: Evaluation, measure: Measure) -> Rate:
    """By how much one clone is better than another on the same pictures: `one` minus `other`, -1..1.

    The interval is Bonett and Price's adjusted Wald interval for paired proportions (2012, "Adjusted Wald Confidence
    Interval for a Difference of Binomial Proportions Based on Paired Data", Journal of Educational and Behavioral
    Statistics 37): one picture is added to each of the two kinds on which the clones differ. In simulations with 20 to
    5,000 pictures and leads of 0 to 0.6 it covered the true value 95 to 97 times in 100, more often if the clones
    hardly differ. Pictures are assumed to be independent.

    Raises:
        CaseError: the two were tested on different pictures.
        SettingsError: there is nothing to measure, such as accuracy without labels.
    """
    if not _same_pictures(one, other):
        raise CaseError(
            "Two clones were tested on different pictures. Test both again on the same set.", key="different pictures"
        )
    (hits, counts), (other_hits, other_counts) = one.hits(measure), other.hits(measure)
    both = counts & other_counts
    n = int(both.sum())
    if n == 0:
        raise SettingsError(
            f"There are no pictures on which to compare the {measure} of two clones. Name a set that has some.",
            key="nothing to compare",
        )
    won, lost = int((hits & ~other_hits & both).sum()), int((~hits & other_hits & both).sum())
    more, less = (won + 1) / (n + 2), (lost + 1) / (n + 2)
    half = Z_95 * sqrt((more + less - (more - less) ** 2) / (n + 2))
    return Rate((won - lost) / n, max(more - less - half, -1.0), min(more - less + half, 1.0), n)


def _require_labels(labels: Labels, n_classes: int, shape: tuple[int, ...]) -> None:
    right = labels.ndim == 1 and labels.shape == shape and np.issubdtype(labels.dtype, np.signedinteger)
    if not right or (labels.size and not UNKNOWN <= labels.min() <= labels.max() < n_classes):
        raise CaseError(
            f"The answers of a test do not belong together: answers of shape {shape} with {n_classes} classes were "
            f"expected, but others of shape {labels.shape} were found. Test the clone again.",
            key="answers unmatched",
        )


def _same_pictures(one: Evaluation, other: Evaluation) -> bool:
    """Judged by the suspect's answers and the labels."""
    labels = np.array_equal(one._true, other._true)
    return labels and one.n_classes == other.n_classes and np.array_equal(one.suspect, other.suspect)


def _rate(hits: Flags) -> Rate | None:
    n, n_hits = len(hits), int(hits.sum())
    if n == 0:
        return None
    low, high = wilson_interval(n_hits, n)
    return Rate(n_hits / n, float(low), float(high), n)


def _rates(hits: Flags, classes: Labels, counts: Flags, n_classes: int) -> tuple[Rate | None, ...]:
    n_hits, n = _per_class(hits, classes, counts, n_classes)
    low, high = wilson_interval(n_hits, n)
    rows = zip((n_hits / np.maximum(n, 1)).tolist(), low.tolist(), high.tolist(), n.tolist(), strict=True)
    return tuple(Rate(*row) if row[-1] else None for row in rows)


def _mean_rate(hits: Flags, classes: Labels, counts: Flags, n_classes: int) -> Rate | None:
    """The mean of the classes' shares; every class with a picture has the same weight.

    Its variance is that of a mean of independent shares, sum p (1 - p) / n over the classes, divided by their number
    squared. A class of few pictures says too little about its own p (0 of 1 would have no variance at all), so p is
    shrunk towards the mean of all classes, as if two more pictures were known. The interval is Wilson's for the number
    of pictures that gives a plain share that variance.

    In simulations with 10 to 1,000 classes of 5 to 100 pictures each it covered the true value 92 to 98 times in 100
    (more often if nearly all pictures of a class are right or wrong), and at least 88 times with 1 or 2 pictures each.
    With three classes of which one has a single picture it may be as few as 75.
    """
    n_hits, n = _per_class(hits, classes, counts, n_classes)
    n_hits, n = n_hits[n > 0], n[n > 0]
    if len(n) == 0:
        return None
    mean = float((n_hits / n).mean())
    shrunk = (n_hits + _BORROWED * mean) / (n + _BORROWED)
    variance = float((shrunk * (1 - shrunk) / n).sum()) / len(n) ** 2
    alike = len(n) ** 2 / float((1 / n).sum())  # the effective number's limit if all classes are alike
    effective = max(mean * (1 - mean) / variance, 1.0) if 0 < mean < 1 else alike
    low, high = wilson_interval(mean * effective, effective)
    return Rate(mean, float(low), float(high), int(n.sum()))


def _per_class(hits: Flags, classes: Labels, counts: Flags, n_classes: int) -> tuple[Counts, Counts]:
    """Hits and pictures of each class, each (n_classes,)."""
    n_hits = np.bincount(classes[counts & hits], minlength=n_classes)
    return n_hits, np.bincount(classes[counts], minlength=n_classes)
