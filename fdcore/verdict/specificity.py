"""Whether the answers follow what the pictures show. An untrained network, or one that learned noise, answers too; the
method then still finds classes with a high L, but they mean nothing.

Answers are meaningful in either of two ways; docs/decisions/0007 explains how the limits were measured:

- *by kinds*: the suspect uses its classes evenly, and related leaves get related answers;
- *by distinct classes*: the found classes are given for their own leaves and hardly any others, as by a suspect that
  distinguishes what no hierarchy relates, such as digits.

Where one class takes most of the answers, it is set aside as background, and all this is measured on the rest.

An untrained network puts nearly everything in few of its classes. One that learned noise uses them evenly, but related
leaves do not get related answers, and its classes are spread all over the corpus.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fdcore.method.clustering import Indices, Matrix
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores
from fdcore.verdict.background import Background, find_background, set_aside

LEAST_EVENNESS = 0.6
LEAST_KINSHIP = 0.25
NEARLY = 0.05  # this far below the limit, kinship is too close to it to conclude noise
LEAST_KIN_ODDS = 3.0
SOME_KIN_ODDS, LEAST_KIN_SHARE = 1.45, 0.4  # lower odds suffice where relatives share most of a leaf's difference
LEAST_MARGIN = 0.5
MOST_STRAYS = 0.06
MIN_DISTINCT = 2  # found classes needed before they can be distinct from each other

LEAST_HELD = 0.5  # of the answers beside those of a background class
LEAST_REST = 2  # independent answers per leaf, beside those of a background class, for measuring kinship
STANDARD_ANSWERS = 12  # independent answers per leaf at which kinship is stated
MAX_LEAVES = 2_000  # for measuring kinship; of more, this many at even steps

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Specificity:
    """How far the answers follow what is shown; all but `n_classes` is without the background class and its answers.

    Attributes:
        n_used: the number of equally used classes that would give the same entropy as the answers (the exponential of
            that entropy, all leaves weighted equally); 1 to n_judged.
        evenness: log(n_used) / log(n_judged), 0 for one class only, 1 for all equally.
        kinship: the correlation of a leaf's answers with those of its nearest relatives (Moran's I over the nearest
            leaves), scaled to `STANDARD_ANSWERS` independent answers per leaf; nan where no two leaves are related.
        kin_odds: the odds of the same answer for a leaf and its nearest relatives, as a multiple of those for any two
            leaves; nan where no two leaves are related.
        kin_share: how much of a leaf's difference from the average answers its nearest relatives share; near 1 where
            relatives are alike, near 0 where they are independent, below 0 where they are unlike; nan where no leaf
            differs.
        margin: mean over the found classes of L minus the class's share of the answers in all other leaves; nan
            without any.
        strays: mean over the found classes of the share of other leaves that score at least half of L; nan without
            any.
        background: the class that is set aside, if any.
        held: the share of the answers that the found classes give for their own leaves, all leaves weighted equally.
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
    background: Background | None = None
    held: float = 1.0

    @property
    def n_judged(self) -> int:
        """The classes that are judged: all but the background class."""
        return self.n_classes - (self.background is not None)

    @property
    def by_kinds(self) -> bool:
        """Whether the classes are used evenly and related things get related answers."""
        shared = self.kin_odds >= SOME_KIN_ODDS and self.kin_share >= LEAST_KIN_SHARE
        related = self.kinship >= LEAST_KINSHIP or self.kin_odds >= LEAST_KIN_ODDS or shared
        return self.evenness >= LEAST_EVENNESS and related

    @property
    def by_distinct_classes(self) -> bool:
        """Whether the found classes, at least two, are given for their own leaves and hardly any others.

        Beside a background class every class is rare elsewhere, so the found ones must hold most of the other answers.
        """
        rare = self.background is not None and self.held < LEAST_HELD
        return self.n_found >= MIN_DISTINCT and self.keeps_apart and not rare

    @property
    def keeps_apart(self) -> bool:
        """The same for any number of classes. For a single one it says little, because it has no rival."""
        return self.margin >= LEAST_MARGIN and self.strays <= MOST_STRAYS

    def in_words(self) -> str:
        """The measurements in one to three sentences."""
        related = "no two leaves are related"
        if not math.isnan(self.kinship):
            odds = f"{self.kin_odds:,.1f}" if self.kin_odds <= 1_000 else "over 1,000"
            related = (
                f"answers to the nearest relatives correlate by {self.kinship:.2f}, with {odds} times the odds of the "
                "same answer for any two leaves"
            )
        which, aside = "The answers", ""
        if self.background:
            which, aside = "The other answers", f"{self.background.in_words().capitalize()}. "
        spread = f"{which} are spread as if over {self.n_used:.1f} of {self.n_judged:,} classes"
        first = f"{aside}{spread if self.n_classes > 1 else 'All answers are the only class'}; {related}."
        if math.isnan(self.margin):
            return first
        return (
            f"{first} On average, a found class scores {self.margin:.2f} higher in its own leaves than elsewhere, and "
            f"{self.strays:.0%} of the other leaves score at least half as high."
        )


def measure_specificity(
    findings: Sequence[ClassFinding], scores: Scores, distances: Callable[[Indices], Matrix]
) -> Specificity:
    """Measure how far the answers follow what is shown; `distances` gives the steps (n, n) among leaves (n,)."""
    asked: Indices = np.flatnonzero(scores.n_queries > 0)
    shares = scores.functional[:, asked].sum(axis=1, dtype=np.float64)
    rest, background = scores, find_background(scores)
    if background:
        rest, shares = set_aside(scores, background), np.delete(shares, background.target_class)
        findings = [finding for finding in findings if finding.selection.target_class != background.target_class]
    enough = LEAST_REST * rest.design_effect if background else 1
    n_used = min(math.exp(_entropy(shares)), float(rest.n_classes))  # rounding may exceed the limit a little
    margin, strays = _contrast(findings, scores, asked)
    kinship, kin_odds, kin_share = _kinship(rest, _some(np.flatnonzero(rest.n_queries >= enough)), distances)
    return Specificity(
        n_classes=scores.n_classes,
        n_found=sum(finding.selection.winner is not None for finding in findings),
        n_used=n_used,
        evenness=math.log(n_used) / math.log(rest.n_classes) if rest.n_classes > 1 else 0.0,
        kinship=kinship,
        kin_odds=kin_odds,
        kin_share=kin_share,
        margin=margin,
        strays=strays,
        background=background,
        held=_held(findings, scores) / max(float(shares.sum()), 1e-12),
    )


def why_meaningless(specificity: Specificity) -> str:
    """Why the findings are meaningless, as the rest of a sentence; empty where they are meaningful."""
    if not specificity.n_found:
        return _nothing_found(specificity.background)
    if specificity.by_kinds or specificity.by_distinct_classes:
        return ""
    if specificity.n_classes == 1:
        return (
            "the suspect has a single class, so it gives the same answer to every picture, and its answers cannot "
            "distinguish anything."
        )
    if specificity.evenness < LEAST_EVENNESS:
        return (
            f"the suspect puts nearly everything in few of its classes, regardless of the picture (as if it had "
            f"{specificity.n_used:.1f} classes instead of {specificity.n_judged:,}), as untrained networks do. "
            "Alternatively, this corpus shows nothing that it was trained to distinguish."
        )
    kinship = 0.0 if math.isnan(specificity.kinship) else specificity.kinship
    measured = f"(correlation {kinship:.3f}, at least {LEAST_KINSHIP} is expected), and {_apart_in_words(specificity)}"
    if kinship >= LEAST_KINSHIP - NEARLY:
        return (
            f"related things get related answers nearly, but not quite, as often as required {measured}. That is too "
            "close to call: query more images of each leaf, or use a corpus that shows more of what was found."
        )
    return (
        f"related things do not get related answers {measured}, as with networks that learned noise. Alternatively, "
        "this corpus shows too little of what the suspect was trained on."
    )


def _nothing_found(background: Background | None) -> str:
    if background is None:
        return "no class was found in this corpus."
    return (
        f"the suspect puts nearly everything in few of its classes, as untrained networks do: {background.in_words()}, "
        "and no other class was found. Alternatively, this corpus shows nothing that it was trained to distinguish."
    )


def _apart_in_words(specificity: Specificity) -> str:
    """Why the found classes do not count as distinct."""
    if specificity.n_found >= MIN_DISTINCT:
        if specificity.keeps_apart:  # beside a background class
            return f"the found classes hold only {specificity.held:.0%} of the other answers in their own leaves"
        return "the found classes do not keep to their own leaves"
    if specificity.keeps_apart:
        return "a single found class that keeps to its own leaves proves nothing"
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


def _held(findings: Sequence[ClassFinding], scores: Scores) -> float:
    """The sum of the found classes' scores over their own leaves."""
    winners = [(each.selection.target_class, each.selection.winner) for each in findings]
    return sum(float(scores.functional[number, list(winner.members)].sum()) for number, winner in winners if winner)


def _some(leaves: Indices) -> Indices:
    """At most `MAX_LEAVES` of the leaves, at even steps."""
    if len(leaves) <= MAX_LEAVES:
        return leaves
    return leaves[np.linspace(0, len(leaves) - 1, MAX_LEAVES).round().astype(np.intp)]


def _kinship(scores: Scores, leaves: Indices, distances: Callable[[Indices], Matrix]) -> tuple[float, float, float]:
    """Kinship, kin odds and kin share (see `Specificity`), nan where no two leaves are related.

    Kinship is Moran's I of the answer profiles with the nearest leaves as neighbours. The variance due to few answers
    is replaced by that of `STANDARD_ANSWERS` answers, so that the figure does not grow with the number of pictures.
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
    # With few answers, the estimated variance may come out below the shared part, but no correlation exceeds 1.
    kinship = min(max(shared / total, -1.0), 1.0) if total > 0 else 0.0
    kin_share = min(max(shared / between, -1.0), 1.0) if between > 0 else math.nan
    return kinship, _odds(same) / max(_odds(same_at_random), 1e-12), kin_share


def _agreement_of_any(profiles: npt.NDArray[np.float32]) -> float:
    """The chance that a picture of one leaf and a picture of another get the same answer."""
    n, wide = len(profiles), profiles.astype(np.float64)
    return float(((wide.sum(axis=0) ** 2).sum() - (wide**2).sum()) / (n * (n - 1)))


def _odds(chance: float) -> float:
    chance = min(max(chance, 0.0), 1 - 1e-9)
    return chance / (1 - chance)


def _nearest(among: Matrix) -> npt.NDArray[np.bool_]:
    """Which leaves are nearest to each (n, n): all others at the smallest finite distance."""
    apart = among.copy()
    np.fill_diagonal(apart, np.inf)
    least = apart.min(axis=1, keepdims=True)
    nearest: npt.NDArray[np.bool_] = (apart == least) & np.isfinite(apart)
    return nearest


def _within_leaf(squares: Floats, n_answers: Floats) -> Floats:
    """Unbiased estimates (n,) of the chance that two independent answers in a leaf differ (Simpson 1949).

    Args:
        squares: (n,) sums of the squared shares of the classes.
        n_answers: (n,) independent answers; leaves with one or fewer get the mean of the others, or 1.
    """
    enough = n_answers > 1.5
    differ = np.ones(len(squares))
    differ[enough] = (1 - squares[enough]) * n_answers[enough] / (n_answers[enough] - 1)
    if enough.any():
        differ[~enough] = differ[enough].mean()
    return np.clip(differ, 0, 1)
