"""Where a verdict is weak, why that matters, and what would strengthen it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fdcore.method.clustering import Indices, Matrix
from fdcore.method.findings import ClassFinding
from fdcore.method.naming import Name
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, candidate_leaves
from fdcore.method.stability import FIRM, UNSTABLE, firmness, map_stability, near_grid
from fdcore.verdict.reasons import LITTLE_OF_NAME, TOO_GENERAL, reason_for

MatrixOf = Callable[[Indices], Matrix]

FEW_CLASSES = 3  # up to which an untrained network may look as if it meant something
FEW_IMAGES = 20  # of a leaf; below, the interval of a score of 0.5 is wider than 0.4


@dataclass(frozen=True)
class Circumstances:
    """How the answers came about, as far as conclusions depend on it.

    Attributes:
        preprocessing_assumed: whether the suspect's preprocessing was guessed.
        complete: whether every planned query was answered; False while the suspect is asked, or where that ended early.
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


def promises_too_much(name: Name) -> bool:
    """Whether few of the leaves under a name are in the answer that bears it."""
    return name.n_chosen < LITTLE_OF_NAME * name.n_leaves


def _concerned(
    findings: Sequence[ClassFinding], scores: Scores, settings: SelectionSettings, distances: MatrixOf
) -> dict[str, list[int]]:
    """The classes that each weakness concerns."""
    concerned: dict[str, list[int]] = defaultdict(list)
    unstable = set(unstable_classes(findings, scores, settings, distances))
    for finding in findings:
        target = finding.selection.target_class
        for weakness in finding.weaknesses:
            concerned[weakness].append(target)
        if target in unstable:
            concerned[UNSTABLE].append(target)
        if finding.name and promises_too_much(finding.name):
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
    reason = reason_for(key)
    what = f"1 class {reason.one}." if len(classes) == 1 else f"{len(classes):,} classes {reason.several}."
    return WeakPoint(key, what, reason.why, reason.remedy, tuple(sorted(classes)))


def _of_case(findings: Sequence[ClassFinding], scores: Scores, circumstances: Circumstances) -> list[WeakPoint]:
    points = (
        _few_classes(scores),
        _assumed_preprocessing(circumstances),
        _not_all_answered(scores, circumstances),
        _few_images(scores),
        _not_found(findings),
    )
    return [point for point in points if point]


def _few_classes(scores: Scores) -> WeakPoint | None:
    if scores.n_classes > FEW_CLASSES:
        return None
    return WeakPoint(
        "few classes",
        f"The suspect has only {scores.n_classes} class{'' if scores.n_classes == 1 else 'es'}.",
        "Each of few classes must answer a large part of everything: such suspects and untrained networks are "
        "told apart less surely (docs/decisions/0007).",
        "Look at the pictures of each answer; add a corpus close to what was found.",
        (),
    )


def _assumed_preprocessing(circumstances: Circumstances) -> WeakPoint | None:
    if not circumstances.preprocessing_assumed:
        return None
    return WeakPoint(
        "assumed preprocessing",
        "The suspect's preprocessing was guessed.",
        "With another value range or normalisation the suspect sees other pictures: every answer may change.",
        "Run the case with other preprocessing presets (unit, signed, imagenet) and compare what is found.",
        (),
    )


def _not_all_answered(scores: Scores, circumstances: Circumstances) -> WeakPoint | None:
    if circumstances.complete:
        return None
    return WeakPoint(
        "not all answered",
        f"Not every planned query is answered; {int(scores.n_queries.sum()):,} are.",
        "Leaves that were asked about less have wider intervals, and some classes may be missed.",
        "Wait for the end, or allow more queries and go on with the same case: what was answered is kept.",
        (),
    )


def _few_images(scores: Scores) -> WeakPoint | None:
    n_images = scores.n_images[scores.n_images > 0]
    n_few = int((n_images < FEW_IMAGES).sum())
    if 2 * n_few <= len(n_images):
        return None
    return WeakPoint(
        "few images",
        f"{n_few:,} of {len(n_images):,} leaves were asked about with fewer than {FEW_IMAGES} images "
        f"(median {int(np.median(n_images))}).",
        "A leaf's score rests on its images, not on their views: so few give wide intervals.",
        f"Ask about more images of each leaf, {FEW_IMAGES} or better 50.",
        (),
    )


def _not_found(findings: Sequence[ClassFinding]) -> WeakPoint | None:
    missing = tuple(f.selection.target_class for f in findings if not f.selection.found)
    if not missing or len(missing) == len(findings):
        return None
    return WeakPoint(
        "not found",
        f"{len(missing):,} of {len(findings):,} classes {'was' if len(missing) == 1 else 'were'} not found.",
        "Nothing in the corpus gets their answer often enough: it does not show what they stand for, or the suspect "
        "does not know it there. The verdict does not speak of them.",
        "Add a corpus that covers other things: relatives of what was found first, then other domains.",
        missing,
    )
