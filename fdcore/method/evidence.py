"""Found or not found: what an answer must reach, relative to how clearly this suspect answers at all.

The paper takes every leaf above a fixed tau for a candidate and the best cluster for the answer, so a class whose
training data the corpus lacks gets an answer too. A fixed limit cannot help: a strong suspect puts 90 % of the right
leaves' views in a class, a weak one 40 %. docs/decisions/0004 reports what was measured.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.method.scores import Scores, Split, wilson_interval

Lacking = Literal["", "evidence", "share"]

OF_TYPICAL = 0.6  # the part of a typical class's best score that an answer must reach
EVIDENCE_LOW, EVIDENCE_HIGH = 0.2, 0.6  # where that limit stops
TIMES_CHANCE = 60  # how much more of a class's answers a leaf holds than of all queries, at least, to be found by that
LEAST_HITS = 3  # views of the best leaf that a class must take to be found by exclusivity


class Limits(NamedTuple):
    """What an answer must reach.

    Attributes:
        evidence: L at least this.
        share: the lower bound of L, times the part of the class's answers that the selection holds, at least this.
    """

    evidence: float
    share: float


def automatic_evidence(split: Split) -> float:
    """The lowest L of an answer: 0.6 of the typical score, but at least 0.2 and at most 0.6."""
    return min(EVIDENCE_HIGH, max(EVIDENCE_LOW, OF_TYPICAL * split.typical))


def share_of_answers(scores: Scores, target_class: int, leaves: Sequence[int]) -> float:
    """The part of a class's answers that falls in some leaves, all leaves weighted equally; 0..1."""
    functional = scores.functional[target_class]
    return float(functional[list(leaves)].sum() / max(float(functional.sum()), 1e-12))


def exclusivity(scores: Scores, target_class: int, leaves: Sequence[int] | npt.NDArray[np.intp]) -> float:
    """The lower end of the 95 % interval of the part of a class's answers that falls in some leaves; 0..1."""
    hits = scores.hits[target_class]
    low, _ = wilson_interval(hits[list(leaves)].sum(), hits.sum(), design_effect=scores.design_effect)
    return float(low)


def support(scores: Scores, target_class: int, leaves: Sequence[int], low: float) -> float:
    """The lower bound of some leaves' L, times the part of the class's answers that falls in them; 0..1."""
    return low * share_of_answers(scores, target_class, leaves)


def lacking(functional: float, supported: float, limits: Limits) -> Lacking:
    """What an answer with this L and support lacks; empty where it lacks nothing."""
    if functional < limits.evidence:
        return "evidence"
    return "share" if supported < limits.share else ""
