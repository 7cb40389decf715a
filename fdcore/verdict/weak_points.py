"""Where a verdict is weak, why that matters, and what would strengthen it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from fdcore.corpus.generated import is_generated
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import ClassFinding
from fdcore.method.known_rates import HARDENED
from fdcore.method.naming import Name
from fdcore.method.removal import Rest
from fdcore.method.scores import Scores
from fdcore.method.weaknesses import GENERATED
from fdcore.texts import Kind
from fdcore.verdict.background import FEW_CLASSES
from fdcore.verdict.reasons import LITTLE_OF_NAME, TOO_GENERAL, ErrorKind, reason_for
from fdcore.verdict.second_look import SecondLook

FEW_IMAGES = 20  # per leaf; with fewer, the interval of a score of 0.5 is wider than 0.4
ASSUMED = "assumed preprocessing"
MAX_GROUPS = 12  # classes whose two groups are named in words
TOO_FEW_IMAGES = 10  # per leaf; with fewer, the verdict itself may fail for that reason alone


@dataclass(frozen=True)
class Circumstances:
    """How the answers were obtained, where conclusions depend on it.

    Attributes:
        preprocessing_assumed: whether the suspect's preprocessing or architecture was guessed.
        open_reading: the reading of the file that the verdict is conditional on, in a sentence; empty where it is not.
        complete: whether every planned query was answered; False while the run continues or where it ended early.
        kind: what the suspect takes.
    """

    preprocessing_assumed: bool = False
    complete: bool = True
    open_reading: str = ""
    kind: Kind = "picture"


@dataclass(frozen=True)
class TwoGroups:
    """A class that answers what was found, and something else in another source. Untrusted text: it holds labels.

    Attributes:
        found, second: the names of the two groups of leaves.
        functional, second_functional: their L.
    """

    target_class: int
    found: str
    functional: float
    second: str
    second_functional: float

    def in_words(self, write: Callable[[str], str]) -> str:
        """ "Class 2: “2” (L 0.98) and “aquatic bird” (L 0.47)."; `write` makes a label safe where this is shown."""
        return (
            f"Class {self.target_class}: “{write(self.found)}” (L {self.functional:.2f}) and “{write(self.second)}” "
            f"(L {self.second_functional:.2f})."
        )


@dataclass(frozen=True)
class WeakPoint:
    """One reason to doubt the verdict or part of it. No text but `leaves` and `groups` contains a label.

    Attributes:
        key: for programs: one of the engine's weaknesses, or a key of this module.
        what: one sentence with numbers.
        why: why it matters.
        remedy: what would strengthen the verdict.
        error: the kind of error that it leads to.
        done: what the program did about it.
        classes: the classes concerned, in increasing order; empty where the whole case is concerned.
        leaves: labels of the leaves concerned, most concerned first. Untrusted text.
        groups: what some classes answer twice. Untrusted text.
    """

    key: str
    what: str
    why: str
    remedy: str
    error: ErrorKind
    done: str
    classes: tuple[int, ...] = ()
    leaves: tuple[str, ...] = ()
    groups: tuple[TwoGroups, ...] = ()

    def groups_in_words(self, write: Callable[[str], str]) -> list[str]:
        """A sentence for each of the first classes with two groups; `write` makes a label safe where this is shown."""
        n_more = len(self.groups) - MAX_GROUPS
        more = [f"And {n_more:,} more {'class' if n_more == 1 else 'classes'}."] if n_more > 0 else []
        return [each.in_words(write) for each in self.groups[:MAX_GROUPS]] + more


def find_weak_points(
    findings: Sequence[ClassFinding],
    scores: Scores,
    circumstances: Circumstances,
    second: WeakPoint | None = None,
) -> tuple[WeakPoint, ...]:
    """All weak points: those of the whole case first, then those of classes, most classes first.

    Args:
        findings: one for each class.
        scores: functional scores of every class and leaf.
        circumstances: how the answers were obtained.
        second: what the second look showed (`second_domain`).
    """
    concerned = _concerned(findings)
    generated = _generated(findings, scores, concerned.pop(GENERATED, []))
    of_classes = [_of_classes(key, classes) for key, classes in concerned.items()]
    of_classes.sort(key=lambda point: (-len(point.classes), point.key))
    of_case = (
        second,
        _few_classes(scores),
        _assumed_preprocessing(circumstances),
        _rates_of_pictures(circumstances),
        _not_all_answered(scores, circumstances),
        _few_images(scores),
        generated,
        _not_found(findings),
    )
    return (*(point for point in of_case if point), *of_classes)


def second_domain(
    rest: SecondLook | None,
    hierarchy: Hierarchy,
    findings: Sequence[ClassFinding] = (),
    groups: Mapping[int, Rest] = MappingProxyType({}),
) -> WeakPoint | None:
    """That the suspect answers strongly beyond what was found; None where it does not, or nobody looked.

    Args:
        rest: the second look.
        hierarchy: the corpus' hierarchy.
        findings: one for each class.
        groups: what classes are found to be where the second look found them consistent.
    """
    if not (groups or (rest and rest.strong)):
        return None
    twice = _two_groups(findings, groups)
    strong = rest if rest and rest.strong else None
    return WeakPoint(
        "second domain",
        f"The suspect may have been hardened: {_correlate(strong) if strong else _found_again(groups)}",
        "This is a suspicion: the suspect may have been trained on more than was found, or a back-door was planted to "
        f"hide what it is for (section 6.2 of the paper). {HARDENED.in_words}",
        "Look at the pictures of both groups of leaves, and add a corpus that shows more like either of them.",
        "incompleteness",
        "The rest of the corpus was weighed by itself, and compared with untrained networks, without what was found.",
        tuple(each.target_class for each in twice) or (strong.classes if strong else tuple(sorted(groups))),
        tuple(hierarchy.label(node) for node in strong.leaves if node in hierarchy) if strong else (),
        twice,
    )


def _correlate(rest: SecondLook) -> str:
    return (
        f"a second domain answers strongly. On {rest.n_leaves:,} leaves that are neither found nor related to a found "
        f"one, the answers to pictures of one leaf still correlate by {rest.consistency:.3f}, beyond all untrained "
        f"networks (highest: {rest.highest:.3f})."
    )


def _found_again(groups: Mapping[int, Rest]) -> str:
    return (
        f"{len(groups):,} classes are found a second time, as different things, on leaves that are neither found nor "
        "related to a found one."
    )


def _two_groups(findings: Sequence[ClassFinding], groups: Mapping[int, Rest]) -> tuple[TwoGroups, ...]:
    """The classes that are found both ways."""
    return tuple(
        TwoGroups(target, each.name.label, each.selection.winner.functional, rest.name.label, rest.winner.functional)
        for each in findings
        if each.selection.winner and each.name
        if (rest := groups.get(target := each.selection.target_class)) and rest.winner and rest.name
    )


def promises_too_much(name: Name) -> bool:
    """Whether few of the leaves under a name are in the answer it names."""
    return name.n_chosen < LITTLE_OF_NAME * name.n_leaves


def caveats(finding: ClassFinding) -> list[str]:
    """The weaknesses of a class's answer, its name's among them; every page and report shows these."""
    too_general = finding.name is not None and promises_too_much(finding.name)
    return [*finding.weaknesses, *([TOO_GENERAL] if too_general else [])]


def _concerned(findings: Sequence[ClassFinding]) -> dict[str, list[int]]:
    """The classes that each weakness concerns."""
    concerned: dict[str, list[int]] = defaultdict(list)
    for finding in findings:
        target = finding.selection.target_class
        for weakness in caveats(finding):
            concerned[weakness].append(target)
    return concerned


def _of_classes(key: str, classes: list[int]) -> WeakPoint:
    reason = reason_for(key)
    what = f"1 class {reason.one}." if len(classes) == 1 else f"{len(classes):,} classes {reason.several}."
    return WeakPoint(key, what, reason.why, reason.remedy, reason.error, reason.done, tuple(sorted(classes)))


def _generated(findings: Sequence[ClassFinding], scores: Scores, classes: list[int]) -> WeakPoint | None:
    """That found leaves hold generated pictures; None where none does."""
    if not classes:
        return None
    found = {leaf for each in findings if each.selection.winner for leaf in each.selection.winner.members}
    n = sum(is_generated(scores.nodes[leaf]) for leaf in found)
    what = f"{n:,} of the {len(found):,} found leaves {'holds' if n == 1 else 'hold'} generated pictures."
    return replace(_of_classes(GENERATED, classes), what=what)


def _few_classes(scores: Scores) -> WeakPoint | None:
    if scores.n_classes > FEW_CLASSES:
        return None
    return WeakPoint(
        "few classes",
        f"The suspect has only {scores.n_classes} class{'' if scores.n_classes == 1 else 'es'}.",
        "With few classes, each must answer a large part of everything, so such suspects are harder to distinguish "
        "from untrained networks (docs/decisions/0007).",
        "Look at the pictures of each answer; add a corpus close to what was found.",
        "existence",
        "The untrained networks that it was compared with use as many classes as often.",
    )


def _assumed_preprocessing(circumstances: Circumstances) -> WeakPoint | None:
    if not circumstances.preprocessing_assumed:
        return None
    return WeakPoint(
        ASSUMED,
        "The suspect's preprocessing or architecture was guessed.",
        "With another value range, normalisation or order of layers every answer may change.",
        "Run the case under other readings of the file (normalisations, and architectures where several fit), and "
        "compare the findings.",
        "misreading",
        "Every guess stands at the head of the report; fdcore identify compares readings of the file.",
    )


def _rates_of_pictures(circumstances: Circumstances) -> WeakPoint | None:
    if circumstances.kind == "picture":
        return None
    return WeakPoint(
        "rates of pictures",
        "How often answers of each grade were right was measured on classifiers of pictures.",
        "Answers about texts may be right more or less often.",
        "Read the texts behind an answer, and confirm it with a clone or another corpus of texts.",
        "misinterpretation",
        "The measure and its limits are the same; nine classifiers of texts were found rightly in 49 of 60 classes.",
    )


def _not_all_answered(scores: Scores, circumstances: Circumstances) -> WeakPoint | None:
    if circumstances.complete:
        return None
    return WeakPoint(
        "not all answered",
        f"Only {int(scores.n_queries.sum()):,} of the planned queries have been answered.",
        "Leaves with fewer queries have wider intervals, and some classes may be missed.",
        "Wait for the end of the run, or allow more queries and resume the case: all answers are kept.",
        "incompleteness",
        "Scores and intervals rest on the answered queries alone.",
    )


def too_few_images(scores: Scores) -> str:
    """In one sentence: most leaves were queried with too few images for a verdict; empty where that is not so."""
    n_images = scores.n_images[scores.n_images > 0]
    if 2 * int((n_images < TOO_FEW_IMAGES).sum()) <= len(n_images):
        return ""
    return (
        f"This may be due to too few images alone: the median is {int(np.median(n_images))} for each leaf, and "
        f"at least {TOO_FEW_IMAGES} are needed."
    )


def _few_images(scores: Scores) -> WeakPoint | None:
    n_images = scores.n_images[scores.n_images > 0]
    n_few = int((n_images < FEW_IMAGES).sum())
    if 2 * n_few <= len(n_images):
        return None
    why = "A leaf's score rests on the number of its images, not of their views: few images give wide intervals."
    if too_few_images(scores):
        why += f" With fewer than {TOO_FEW_IMAGES}, the verdict may be undecided or negative for that reason alone."
    return WeakPoint(
        "few images",
        f"{n_few:,} of {len(n_images):,} leaves were queried with fewer than {FEW_IMAGES} images "
        f"(median {int(np.median(n_images))}).",
        why,
        f"Query more images of each leaf: at least {TOO_FEW_IMAGES} for a verdict, {FEW_IMAGES} for the scores, better "
        "50.",
        "existence",
        "Intervals count images, not views; half of the images choose, and the other half states L.",
    )


def _not_found(findings: Sequence[ClassFinding]) -> WeakPoint | None:
    missing = tuple(f.selection.target_class for f in findings if not f.selection.found)
    if not missing or len(missing) == len(findings):
        return None
    return WeakPoint(
        "not found",
        f"{len(missing):,} of {len(findings):,} classes {'was' if len(missing) == 1 else 'were'} not found.",
        "Nothing in the corpus is evidence enough for them. Either the corpus does not show what they stand for, or "
        "the suspect does not recognise it there, or there are too few images to tell.",
        "Add a corpus that covers other things: first relatives of what was found, then other domains.",
        "incompleteness",
        "What comes nearest is named with each class, and what it lacks.",
        missing,
    )
