"""How far an answer can be relied on: certain, likely or weak, as often as such answers were right where it is known.

docs/error-rates.md describes the suspects that this was measured on, and what else was tried.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from fdcore.method.clustering import Indices, Matrix
from fdcore.method.evidence import support
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings

Word = Literal["certain", "likely", "weak"]

CERTAIN, LIKELY = 0.16, 0.02  # the lowest support of an answer without a rival
LIKELY_DESPITE = 0.08  # and of one with a rival
RIVALS = 400  # of the leaves that score above the answer's lower bound, the best are looked at
# benchmarks/grades.csv: how many such answers were right, and how many there were, each class counted once over a whole
# corpus and once with what it was trained on taken away. A test compares.
MEASURED: dict[Word, tuple[int, int]] = {"certain": (41, 42), "likely": (187, 241), "weak": (175, 479)}
GRADES_IN_WORDS = (
    "; ".join(f"{word}: {n_right} of {n} such answers were right" for word, (n_right, n) in MEASURED.items())
    + ", over corpora of at least 200 leaves, half of which lacked the truth (docs/error-rates.md)."
)


class Grade(NamedTuple):
    """One answer's grade.

    Attributes:
        word: the grade.
        support: the lower bound of L times the part of the class's answers that falls in the answer's leaves, 0..1.
    """

    word: Word
    support: float

    @property
    def measured(self) -> str:
        """How often such answers were right."""
        n_right, n = MEASURED[self.word]
        return f"{n_right} of {n} such answers were right, where half of the corpora lacked the truth"


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
    held = support(scores.halves.stating, selection.target_class, winner.members, winner.low)
    if held < LIKELY:
        return Grade("weak", held)
    if _has_rival(selection, scores, distances, settings.eta):
        return Grade("likely" if held >= LIKELY_DESPITE else "weak", held)
    return Grade("certain" if held >= CERTAIN else "likely", held)


def _has_rival(selection: ClassSelection, scores: Scores, distances: Callable[[Indices], Matrix], eta: float) -> bool:
    """Whether a leaf unrelated to the answer's leaves scores as high as the answer's lower bound."""
    winner, functional = selection.winner, scores.functional[selection.target_class]
    if winner is None:
        return False
    high = np.setdiff1d(np.flatnonzero(functional >= winner.low), winner.members)
    high = high[np.argsort(-functional[high], kind="stable")][:RIVALS]
    if not len(high):
        return False
    n = len(winner.members)
    among = distances(np.concatenate([np.array(winner.members, np.intp), high]))
    return bool((among[:n, n:] >= eta).all(axis=0).any())
