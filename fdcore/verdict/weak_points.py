"""Where a verdict is weak, why that matters, and what would strengthen it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fdcore.artefacts import ClassFinding
from fdcore.clustering import Indices, Matrix
from fdcore.scores import Scores
from fdcore.selection import SelectionSettings, candidate_leaves
from fdcore.stability import FIRM, UNSTABLE, firmness, map_stability, near_grid

MatrixOf = Callable[[Indices], Matrix]

CATCH_ALL_SHARE = 0.25  # of the answers elsewhere in the corpus, from which a class of many answers too much
CATCH_ALL_TIMES = 2.0  # a class of few answers too much when L is less than so many times its share elsewhere
FEW_CLASSES = 3  # up to which an untrained network may look as if it meant something
FEW_IMAGES = 20  # of a leaf; below, the interval of a score of 0.5 is wider than 0.4
LITTLE_OF_NAME = 0.2  # share of a name's leaves that are in the answer

CATCH_ALL, TOO_GENERAL = "answers much of everything", "a small part of its name"


@dataclass(frozen=True)
class Circumstances:
    """How the answers came about, as far as conclusions depend on it.

    Attributes:
        preprocessing_assumed: whether the suspect's preprocessing was guessed.
        complete: whether every planned query was answered; False when the budget ended first.
    """

    preprocessing_assumed: bool = False
    complete: bool = True


@dataclass(frozen=True)
class WeakPoint:
    """One thing that speaks against the verdict, or part of it. All texts are ours and hold no label.

    Attributes:
        key: what it is, for programs: one of the engine's weaknesses, or a word of this module.
        what: one sentence with numbers.
        why: why it matters.
        remedy: what would strengthen the verdict.
        classes: the classes that it concerns, in increasing order; empty where it concerns the whole case.
    """

    key: str
    what: str
    why: str
    remedy: str
    classes: tuple[int, ...]


class _Reason(NamedTuple):
    """A class's weakness: the end of a sentence that begins with "1 class" or "3 classes", why, and what helps."""

    one: str
    several: str
    why: str
    remedy: str


_REASONS = {
    "a single leaf": _Reason(
        "rests on a single leaf",
        "rest on a single leaf",
        "Nothing else supports it: one leaf can attract the suspect by its background or colour alone.",
        "Add the nearest relatives of that leaf to the corpus and see whether they get the same answer.",
    ),
    "low score": _Reason(
        "has an L below 0.5",
        "have an L below 0.5",
        "The suspect puts fewer than half of these views in the class, so the corpus shows something like it at best.",
        "Add a corpus that shows more kinds of this domain, and try other preprocessing presets.",
    ),
    "interval reaches below tau": _Reason(
        "has an interval that reaches below tau",
        "have an interval that reaches below tau",
        "With so few answers, the true score may lie below tau.",
        "Ask about more images of these leaves.",
    ),
    "wide interval": _Reason(
        "has a wide interval",
        "have a wide interval",
        "There are too few answers to know the score well.",
        "Ask about more images of these leaves.",
    ),
    "close runner-up": _Reason(
        "has a second cluster that is nearly as good",
        "have a second cluster that is nearly as good",
        "The second cluster's objective is less than 0.05 lower: the answer might be the other one.",
        "Compare the two by eye, and add leaves near both of them.",
    ),
    "another cluster has the higher objective": _Reason(
        "has a cluster with a higher objective than the answer",
        "have a cluster with a higher objective than the answer",
        "The method alone would have answered otherwise.",
        "Read the note beside the choice, or give the class back to the method.",
    ),
    "chosen by hand": _Reason(
        "was chosen by hand",
        "were chosen by hand",
        "This is an analyst's decision, not the method's; the note says why.",
        "Let a second analyst decide without knowing the first one's choice.",
    ),
    UNSTABLE: _Reason(
        "changes with small moves of eta or alpha",
        "change with small moves of eta or alpha",
        f"Fewer than {FIRM:.0%} of the settings nearby give the same answer, and nothing says which setting is right.",
        "Look at the stability map, and add leaves near the clusters that take turns.",
    ),
    CATCH_ALL: _Reason(
        "answers much of the corpus outside its answer too",
        "answer much of the corpus outside their answer too",
        "A high L says little where everything else scores high as well.",
        "Compare L with the class's share elsewhere; add a corpus in which this class has something to be told from.",
    ),
    TOO_GENERAL: _Reason(
        "is named far more generally than its leaves are",
        "are named far more generally than their leaves are",
        f"Fewer than {LITTLE_OF_NAME:.0%} of the leaves under the name are in the answer: the name promises more.",
        "Read the leaves rather than the name; a smaller eta keeps apart what lies far apart.",
    ),
}


def find_weak_points(
    findings: Sequence[ClassFinding],
    scores: Scores,
    settings: SelectionSettings,
    distances: MatrixOf,
    circumstances: Circumstances,
) -> tuple[WeakPoint, ...]:
    """All weak points: those of the whole case first, then those of classes, that with the most classes first.

    Args:
        findings: one for each class.
        scores: functional scores of every class and leaf.
        settings: alpha, eta, tau, k of the findings.
        distances: gives the steps (n, n) among leaves (n,).
        circumstances: how the answers came about.
    """
    concerned = _concerned(findings, scores, settings, distances)
    of_classes = [_of_classes(key, classes) for key, classes in concerned.items()]
    of_classes.sort(key=lambda point: (-len(point.classes), point.key))
    return (*_of_case(findings, scores, circumstances), *of_classes)


def share_elsewhere(scores: Scores, target_class: int, members: Sequence[int]) -> float:
    """The class's share of the answers in the leaves outside its answer, each leaf counting the same; 0 if none are."""
    outside = np.ones(len(scores.nodes), bool)
    outside[list(members)] = False
    outside &= scores.n_queries > 0
    return float(scores.functional[target_class, outside].mean()) if outside.any() else 0.0


def is_catch_all(functional: float, elsewhere: float, n_classes: int) -> bool:
    """Whether a class answers so much everywhere that its L says little.

    With few classes each must answer a large share of everything, so a share counts as large only from half as much
    again as an even split on.
    """
    usual = 1.5 / n_classes
    large = elsewhere >= max(CATCH_ALL_SHARE, usual)
    return large or (elsewhere >= max(CATCH_ALL_SHARE / 2, usual) and functional < CATCH_ALL_TIMES * elsewhere)


def _concerned(
    findings: Sequence[ClassFinding], scores: Scores, settings: SelectionSettings, distances: MatrixOf
) -> dict[str, list[int]]:
    """The classes that each weakness concerns."""
    concerned: dict[str, list[int]] = defaultdict(list)
    unstable = set(unstable_classes(findings, scores, settings, distances))
    for finding in findings:
        target, winner = finding.selection.target_class, finding.selection.winner
        for weakness in finding.weaknesses:
            concerned[weakness].append(target)
        if target in unstable:
            concerned[UNSTABLE].append(target)
        if winner and is_catch_all(
            winner.functional, share_elsewhere(scores, target, winner.members), scores.n_classes
        ):
            concerned[CATCH_ALL].append(target)
        if finding.name and finding.name.n_chosen < LITTLE_OF_NAME * finding.name.n_leaves:
            concerned[TOO_GENERAL].append(target)
    return concerned


def unstable_classes(
    findings: Sequence[ClassFinding], scores: Scores, settings: SelectionSettings, distances: MatrixOf
) -> tuple[int, ...]:
    """The found classes, chosen ones left out, whose answer is not firm against small moves of eta and alpha.

    The map is made of the settings nearby alone, so that a thousand classes take a second.
    """
    asked = [f.selection for f in findings if f.selection.winner and f.selection.choice is None]
    classes = [selection.target_class for selection in asked]
    if not classes:
        return ()
    leaves = candidate_leaves(scores, settings, classes)
    among, (etas, alphas) = distances(leaves), near_grid(settings)
    maps = (map_stability(scores, leaves, among, settings, i, etas=etas, alphas=alphas) for i in classes)
    return tuple(
        selection.target_class
        for selection, stability in zip(asked, maps, strict=True)
        if firmness(selection, stability, settings) < FIRM
    )


def _of_classes(key: str, classes: list[int]) -> WeakPoint:
    reason = _REASONS.get(key) or _Reason(f"has this weakness: {key}", f"have this weakness: {key}", "", "")
    what = f"1 class {reason.one}." if len(classes) == 1 else f"{len(classes):,} classes {reason.several}."
    return WeakPoint(key, what, reason.why, reason.remedy, tuple(sorted(classes)))


def _of_case(findings: Sequence[ClassFinding], scores: Scores, circumstances: Circumstances) -> list[WeakPoint]:
    points = []
    if scores.n_classes <= FEW_CLASSES:
        points.append(
            WeakPoint(
                "few classes",
                f"The suspect has only {scores.n_classes} classes.",
                "Each of few classes must answer a large part of everything: such suspects and untrained networks are "
                "told apart less surely (docs/decisions/0007).",
                "Look at the pictures of each answer; add a corpus close to what was found.",
                (),
            )
        )
    if circumstances.preprocessing_assumed:
        points.append(
            WeakPoint(
                "assumed preprocessing",
                "The suspect's preprocessing was guessed.",
                "With another value range or normalisation the suspect sees other pictures: every answer may change.",
                "Run the case with other preprocessing presets (unit, signed, imagenet) and compare what is found.",
                (),
            )
        )
    if not circumstances.complete:
        n_asked = int(scores.n_queries.sum())
        points.append(
            WeakPoint(
                "budget ended",
                f"The budget ended before every planned query was sent; {n_asked:,} were answered.",
                "Leaves that were asked about less have wider intervals, and some classes may be missed.",
                "Allow more queries and go on with the same case: what was answered is kept.",
                (),
            )
        )
    n_images = scores.n_images[scores.n_images > 0]
    n_few = int((n_images < FEW_IMAGES).sum())
    if 2 * n_few > len(n_images):
        points.append(
            WeakPoint(
                "few images",
                f"{n_few:,} of {len(n_images):,} leaves were asked about with fewer than {FEW_IMAGES} images "
                f"(median {int(np.median(n_images))}).",
                "A leaf's score rests on its images, not on their views: so few give wide intervals.",
                f"Ask about more images of each leaf, {FEW_IMAGES} or better 50.",
                (),
            )
        )
    missing = tuple(f.selection.target_class for f in findings if not f.selection.found)
    if missing and len(missing) < len(findings):
        points.append(
            WeakPoint(
                "not found",
                f"{len(missing):,} of {len(findings):,} classes {'was' if len(missing) == 1 else 'were'} not found.",
                "Nothing in the corpus gets their answer often enough: what they stand for is not covered here, "
                "and the verdict does not speak of them.",
                "Add a corpus that covers other things: relatives of what was found first, then other domains.",
                missing,
            )
        )
    return points
