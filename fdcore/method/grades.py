"""How far an answer can be relied on: certain, likely or weak, as often as such answers were right where it is known.

docs/error-rates.md describes the suspects that this was measured on, and what else was tried.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from fdcore.method.clustering import Indices, Matrix
from fdcore.method.evidence import share_of_answers
from fdcore.method.scores import Scores, wilson_interval
from fdcore.method.selection import ClassSelection, Cluster, SelectionSettings

Word = Literal["certain", "likely", "weak"]

CERTAIN, LIKELY = 0.16, 0.02  # the lowest support of an answer without a rival
LIKELY_DESPITE = 0.08  # and of one with a rival
RIVALS = 400  # of the leaves that score above the answer's lower bound, the best are looked at
# benchmarks/grades.csv: how many such answers were right, and how many there were, each class counted once over a whole
# corpus and once with what it was trained on taken away. A test compares.
MEASURED: dict[Word, tuple[int, int]] = {"certain": (41, 42), "likely": (269, 338), "weak": (176, 483)}
SCALE: dict[Word, str] = {"certain": "strong support", "likely": "moderate support", "weak": "limited support"}
"""The fixed verbal scale. Its words stand for the measured shares and for nothing else; they are not likelihood ratios.
"""


SCALE_NOTE = (
    "Counted over corpora of at least 200 leaves, half of which lacked the truth (docs/error-rates.md). These are "
    "shares of answers, not likelihood ratios; of those with limited support, more were wrong than right."
)


def measured(word: Word) -> tuple[int, int, float, float]:
    """Right answers and all answers of a grade where the truth is known, and the 95 % interval of their share."""
    n_right, n = MEASURED[word]
    low, high = wilson_interval(n_right, n)
    return n_right, n, float(low), float(high)


def measured_in_words(word: Word) -> str:
    """ "41 of 42 such answers were right (98%; 95% interval 88% to 100%)"."""
    n_right, n, low, high = measured(word)
    return f"{n_right} of {n} such answers were right ({n_right / n:.0%}; 95% interval {low:.0%} to {high:.0%})"


class Grade(NamedTuple):
    """One answer's grade.

    Attributes:
        word: the grade.
        low: the lower bound of L.
        share: the part of the class's answers that falls in the answer's leaves, 0..1.
        rival: index of the best unrelated leaf that scores as high as `low`; None where none does, or where the
            support alone is too low.
        exclusive: the lower bound of `share`, where the answer rests on that.
    """

    word: Word
    low: float
    share: float
    rival: int | None = None
    exclusive: float | None = None

    @property
    def support(self) -> float:
        """`low` times `share`."""
        return self.low * self.share

    @property
    def measured(self) -> str:
        """How often such answers were right."""
        return f"{measured_in_words(self.word)}, where half of the corpora lacked the truth"

    @property
    def scale(self) -> str:
        """The grade on the verbal scale."""
        return SCALE[self.word]

    def statement(self, target_class: int, name: str) -> str:
        """The answer in words that may be quoted. Holds a label."""
        return (
            f"{self.scale.capitalize()}: the answers of class {target_class} are consistent with training data from "
            f"“{name}”. {self.measured}."
        )

    def rests_on(self, label_of: Callable[[int], str]) -> str:
        """Why it is this grade, in words; `label_of` gives the label of a leaf. Holds a label."""
        if self.exclusive is not None:
            return (
                f"Its score is low, but {self.share:.0%} of the class's answers are there, at least "
                f"{self.exclusive:.0%}. Such an answer is likely."
            )
        support = (
            f"Support {self.support:.3f}: the lower bound of L, {self.low:.2f}, times {self.share:.0%} of the class's "
            "answers"
        )
        if self.support < LIKELY:
            return f"{support}. Below {LIKELY:g} an answer is weak."
        if self.rival is not None:
            return (
                f"{support}. The unrelated leaf {label_of(self.rival)} scores as high, so this cannot be certain; "
                f"likely needs {LIKELY_DESPITE:g}."
            )
        return f"{support}, and no unrelated leaf scores as high. Certain needs {CERTAIN:g}."


def grade_of(
    selection: ClassSelection, scores: Scores, distances: Callable[[Indices], Matrix], settings: SelectionSettings
) -> Grade | None:
    """The grade of an answer; None where nothing is found, by hand, without limits, or where L is not held out.

    Args:
        distances: gives the steps (n, n) among leaves (n,).
    """
    winner = selection.winner
    if winner is None or selection.choice or settings.without_limits or not (settings.held_out and scores.halves):
        return None
    share = share_of_answers(scores.halves.stating, selection.target_class, winner.members)
    if selection.exclusive is not None:
        return Grade("likely", winner.low, share, exclusive=selection.exclusive)
    held = winner.low * share
    if held < LIKELY:
        return Grade("weak", winner.low, share)
    rival = _rival(selection, winner, scores, distances, settings.eta)
    if rival is not None:
        return Grade("likely" if held >= LIKELY_DESPITE else "weak", winner.low, share, rival)
    return Grade("certain" if held >= CERTAIN else "likely", winner.low, share)


def _rival(
    selection: ClassSelection, winner: Cluster, scores: Scores, distances: Callable[[Indices], Matrix], eta: float
) -> int | None:
    """The best leaf unrelated to the answer's leaves that scores as high as the answer's lower bound."""
    functional = scores.functional[selection.target_class]
    high = np.setdiff1d(np.flatnonzero(functional >= winner.low), winner.members)
    high = high[np.argsort(-functional[high], kind="stable")][:RIVALS]
    if not len(high):
        return None
    n = len(winner.members)
    among = distances(np.concatenate([np.array(winner.members, np.intp), high]))
    unrelated = high[(among[:n, n:] >= eta).all(axis=0)]
    return int(unrelated[0]) if len(unrelated) else None
