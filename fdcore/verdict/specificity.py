"""Whether the answers follow what the pictures show. A network that was never trained answers too, and so does one that
learned noise; the method then finds classes with a high L all the same, and they mean nothing.

Two ways of being meaningful, either is enough; docs/decisions/0007 says how the limits were measured:

- *by kinds*: the suspect uses its classes evenly, and related leaves get related answers;
- *by distinct classes*: the found classes answer their own leaves and hardly any others. So a suspect shows that tells
  apart what no hierarchy relates, such as digits.

An untrained network puts nearly everything in few of its classes. One that learned noise uses them evenly, but what is
related does not get related answers, and its classes answer all over the corpus.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fdcore.method.clustering import Indices, Matrix
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores

LEAST_EVENNESS = 0.6
LEAST_KINSHIP = 0.25
NEARLY = 0.05  # below it, kinship is too close to the limit to speak of noise
LEAST_KIN_ODDS = 3.0
SOME_KIN_ODDS, LEAST_KIN_SHARE = 1.45, 0.4  # lower odds count where relatives share most of what a leaf has
LEAST_MARGIN = 0.5
MOST_STRAYS = 0.06
MIN_DISTINCT = 2  # found classes from which on they can be distinct from each other

STANDARD_ANSWERS = 12  # independent answers per leaf at which kinship is stated
MAX_LEAVES = 2_000  # that kinship is measured on; of more, as many at even steps

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Specificity:
    """How far the answers follow what is shown.

    Attributes:
        n_classes: classes of the suspect.
        n_found: how many of them were found.
        n_used: the number of classes that, used equally, would spread as the answers do (the exponential of their
            entropy, each leaf counting the same); 1 to n_classes.
        evenness: log(n_used) / log(n_classes), 0 for one class only, 1 for all alike.
        kinship: the correlation of a leaf's answers with those of its nearest relatives (Moran's I over the nearest
            leaves), stated as for `STANDARD_ANSWERS` independent answers per leaf whatever the real number; nan where
            no two leaves are related.
        kin_odds: the odds of the same answer for a leaf and its nearest relatives, as a multiple of those for any two
            leaves; nan where no two leaves are related.
        kin_share: how much of what tells a leaf's answers from the average is shared by its nearest relatives; near 1
            where relatives are alike, near 0 where each leaf goes its own way, below 0 where relatives are unlike. nan
            where there is nothing to share.
        margin: L less the class's share of the answers in all other leaves, on average over the found classes; nan
            where none is found.
        strays: the share of all other leaves that score at least half of L, on average over the found classes; nan
            where none is found.
    """

    n_classes: int
    n_found: int
    n_used: float
    evenness: float
    kinship: float
    kin_odds: float
    kin_share: float
    margin: float
    strays: float

    @property
    def by_kinds(self) -> bool:
        """Whether related things get related answers, over classes that are used."""
        shared = self.kin_odds >= SOME_KIN_ODDS and self.kin_share >= LEAST_KIN_SHARE
        related = self.kinship >= LEAST_KINSHIP or self.kin_odds >= LEAST_KIN_ODDS or shared
        return self.evenness >= LEAST_EVENNESS and related

    @property
    def by_distinct_classes(self) -> bool:
        """Whether the found classes, two at least, answer their own leaves and hardly any others."""
        return self.n_found >= MIN_DISTINCT and self.keeps_apart

    @property
    def keeps_apart(self) -> bool:
        """The same for any number of classes. Of a single one it says little: nobody need answer the rest."""
        return self.margin >= LEAST_MARGIN and self.strays <= MOST_STRAYS

    def in_words(self) -> str:
        """What was measured, in two sentences."""
        related = "no two leaves are related"
        if not math.isnan(self.kinship):
            odds = f"{self.kin_odds:,.1f}" if self.kin_odds <= 1_000 else "over 1,000"
            related = (
                f"answers to the nearest relatives correlate by {self.kinship:.2f}, with {odds} times the odds of the "
                "same answer that any two leaves have"
            )
        spread = f"The answers spread as over {self.n_used:.1f} of {self.n_classes:,} classes"
        first = f"{spread if self.n_classes > 1 else 'All answers are the only class there is'}; {related}."
        if math.isnan(self.margin):
            return first
        return (
            f"{first} On average a found class scores {self.margin:.2f} higher in its own leaves than elsewhere, and "
            f"{self.strays:.0%} of the other leaves come near it."
        )


def measure_specificity(
    findings: Sequence[ClassFinding], scores: Scores, distances: Callable[[Indices], Matrix]
) -> Specificity:
    """Measure how far the answers follow what is shown.

    Args:
        findings: one for each class.
        scores: functional scores of every class and leaf.
        distances: gives the steps (n, n) among leaves (n,).
    """
    asked: Indices = np.flatnonzero(scores.n_queries > 0)
    shares = scores.functional[:, asked].sum(axis=1, dtype=np.float64)
    n_used = min(math.exp(_entropy(shares)), float(scores.n_classes))  # rounding may add a little to the limit
    margin, strays = _contrast(findings, scores, asked)
    kinship, kin_odds, kin_share = _kinship(scores, _some(asked), distances)
    return Specificity(
        n_classes=scores.n_classes,
        n_found=sum(finding.selection.winner is not None for finding in findings),
        n_used=n_used,
        evenness=math.log(n_used) / math.log(scores.n_classes) if scores.n_classes > 1 else 0.0,
        kinship=kinship,
        kin_odds=kin_odds,
        kin_share=kin_share,
        margin=margin,
        strays=strays,
    )


def why_meaningless(specificity: Specificity) -> str:
    """Why the findings mean nothing, as the rest of a sentence; empty where they do mean something."""
    if not specificity.n_found:
        return "no class was found in this corpus."
    if specificity.by_kinds or specificity.by_distinct_classes:
        return ""
    if specificity.n_classes == 1:
        return (
            "the suspect has a single class, so it answers the same whatever it is shown, and there is nothing that "
            "its answers could tell apart."
        )
    if specificity.evenness < LEAST_EVENNESS:
        return (
            f"the suspect puts nearly everything in few of its classes, whatever it is shown (as if it had "
            f"{specificity.n_used:.1f} classes instead of {specificity.n_classes:,}), as untrained networks do. "
            "Or this corpus shows nothing that it was trained to tell apart."
        )
    kinship = 0.0 if math.isnan(specificity.kinship) else specificity.kinship
    measured = f"(correlation {kinship:.3f}, at least {LEAST_KINSHIP} is expected), and {_apart_in_words(specificity)}"
    if kinship >= LEAST_KINSHIP - NEARLY:
        return (
            f"related things get related answers nearly, but not quite, as often as must be {measured}. That is too "
            "close to tell: ask about more images of each leaf, or over a corpus that shows more of what was found."
        )
    return (
        f"what is related does not get related answers {measured}, as with networks that learned noise. Or this corpus "
        "shows too little of what the suspect was trained on."
    )


def _apart_in_words(specificity: Specificity) -> str:
    """Why keeping to their own leaves does not save the found classes."""
    if specificity.n_found >= MIN_DISTINCT:
        return "the found classes do not keep to their own leaves"
    if specificity.keeps_apart:
        return "a single found class proves nothing by keeping to its own leaves"
    return "the only found class does not keep to its own leaves"


def _entropy(shares: Floats) -> float:
    """In nats; 0 where nothing was answered."""
    used = shares[shares > 0] / max(float(shares.sum()), 1e-12)
    return float(-(used * np.log(used)).sum())


def _contrast(findings: Sequence[ClassFinding], scores: Scores, asked: Indices) -> tuple[float, float]:
    """Margin and strays (see `Specificity`), nan where no class was found."""
    margins, strays = [], []
    for finding in findings:
        winner = finding.selection.winner
        elsewhere = np.setdiff1d(asked, winner.members) if winner else asked[:0]
        if winner is None or not len(elsewhere):
            continue
        other = scores.functional[finding.selection.target_class, elsewhere]
        margins.append(winner.functional - float(other.mean()))
        strays.append(float((other >= winner.functional / 2).mean()))
    return (float(np.mean(margins)), float(np.mean(strays))) if margins else (math.nan, math.nan)


def _some(leaves: Indices) -> Indices:
    """At most `MAX_LEAVES` of the leaves, at even steps."""
    if len(leaves) <= MAX_LEAVES:
        return leaves
    return leaves[np.linspace(0, len(leaves) - 1, MAX_LEAVES).round().astype(np.intp)]


def _kinship(scores: Scores, leaves: Indices, distances: Callable[[Indices], Matrix]) -> tuple[float, float, float]:
    """Kinship, kin odds and kin share (see `Specificity`), nan where no two leaves are related.

    Kinship is Moran's I of the answer profiles with the nearest leaves as neighbours. The variance that comes from
    having few answers is taken out and put back as it would be for `STANDARD_ANSWERS`, so that the figure does not grow
    with the number of pictures.
    """
    nearest = _nearest(distances(leaves)) if len(leaves) > 1 else np.zeros((len(leaves), len(leaves)), bool)
    related = nearest.any(axis=1)
    if not related.any():
        return math.nan, math.nan, math.nan
    profiles = scores.functional[:, leaves].T
    weights = nearest[related].astype(np.float32)
    neighbours = (weights @ profiles) / weights.sum(axis=1, keepdims=True)
    own, mean = profiles[related].astype(np.float64), profiles.mean(axis=0, dtype=np.float64)
    shared = float(((own - mean) * (neighbours - mean)).sum(axis=1).mean())
    n_answers = scores.n_queries[leaves[related]] / scores.design_effect
    within = _within_leaf((own**2).sum(axis=1), n_answers)
    between = float(((own - mean) ** 2).sum(axis=1).mean() - (within / n_answers).mean())
    total = max(between, 0.0) + float(within.mean()) / STANDARD_ANSWERS
    same, same_at_random = float((own * neighbours).sum(axis=1).mean()), _agreement_of_any(profiles)
    return (
        _within_one(shared / total) if total > 0 else 0.0,
        _odds(same) / max(_odds(same_at_random), 1e-12),
        _within_one(shared / between) if between > 0 else math.nan,
    )


def _within_one(ratio: float) -> float:
    """A ratio of estimates from -1 to 1: of few answers the variance below the line may come out less than what is
    shared, which no correlation can be."""
    return min(max(ratio, -1.0), 1.0)


def _agreement_of_any(profiles: npt.NDArray[np.float32]) -> float:
    """The chance that a picture of one leaf and a picture of another get the same answer."""
    n, wide = len(profiles), profiles.astype(np.float64)
    return float(((wide.sum(axis=0) ** 2).sum() - (wide**2).sum()) / (n * (n - 1)))


def _odds(chance: float) -> float:
    return min(max(chance, 0.0), 1 - 1e-9) / (1 - min(max(chance, 0.0), 1 - 1e-9))


def _nearest(among: Matrix) -> npt.NDArray[np.bool_]:
    """Which leaves are nearest to each (n, n): all at the least finite distance, never itself."""
    apart = among.copy()
    np.fill_diagonal(apart, np.inf)
    least = apart.min(axis=1, keepdims=True)
    nearest: npt.NDArray[np.bool_] = (apart == least) & np.isfinite(apart)
    return nearest


def _within_leaf(squares: Floats, n_answers: Floats) -> Floats:
    """The chance (n,) that two independent answers in a leaf differ, without bias (Simpson 1949).

    Args:
        squares: (n,) sums of the squared shares of the classes.
        n_answers: (n,) independent answers; leaves with one or fewer take the mean of the others, or the worst case.
    """
    enough = n_answers > 1.5
    differ = np.ones(len(squares))
    differ[enough] = (1 - squares[enough]) * n_answers[enough] / (n_answers[enough] - 1)
    if enough.any():
        differ[~enough] = differ[enough].mean()
    return np.clip(differ, 0, 1)
