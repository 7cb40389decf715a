"""The verdict: what all classes together reveal about the suspect, in numbers and in plain words."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.closeness import distances as distances_among
from fdcore.method.clustering import Indices, Matrix
from fdcore.method.findings import ClassFinding, Findings
from fdcore.method.grades import SCALE, Word, measured_in_words
from fdcore.method.neighbourhood import MatrixOf
from fdcore.method.removal import Rest, rests_of
from fdcore.method.scores import Scores
from fdcore.method.selection import overall
from fdcore.method.weaknesses import MAY_BE_NONE
from fdcore.verdict.chance import Chance
from fdcore.verdict.decision import Decision, Outcome, decide
from fdcore.verdict.domains import Domain, find_domains
from fdcore.verdict.second_look import groups_left
from fdcore.verdict.specificity import Specificity, measure_specificity
from fdcore.verdict.weak_points import Circumstances, WeakPoint, find_weak_points, second_domain, too_few_images
from fdcore.words.agreement import TOO_FEW, Agreement
from fdcore.words.comparison import label_set_agreements
from fdcore.words.vectors import WordVectors, builtin_vectors

MAX_NAMED = 4  # domains in the headline
MAX_LABEL = 60  # characters of a label in a sentence
MAX_LISTED = 12  # classes listed after a weak point
MAX_AGREEMENTS = 5  # label sets kept, the best first
GUESSED = "The preprocessing or the architecture was guessed; another one can change all of this."
OF_CASE = ("not found", "second domain")  # weak points that do not weaken the answers they name
NOT_COMPARED = "No untrained networks were queried with the same pictures; fixed limits decide."

CONSISTENT = "The suspect's answers are consistent with training data from "

_CAUTIONS = {
    "undecided": "The answers of the classes are still listed. They count only if the verdict is meaningful.",
    "meaningless": "The answers of the classes are still listed. According to this verdict, they mean nothing.",
}


@dataclass(frozen=True)
class Answers:
    """How the found classes were answered.

    Attributes:
        n_single_leaf: by a single leaf.
        n_named_by_node: by several leaves with a common ancestor, whose name they bear.
        n_unrelated: by several unrelated leaves; only by hand.
        n_by_hand: chosen by an analyst, whether found or not.
        n_weak: found classes with at least one weakness of their own.
        grades: how many classes have each grade.
    """

    n_single_leaf: int
    n_named_by_node: int
    n_unrelated: int
    n_by_hand: int
    n_weak: int
    grades: dict[Word, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What all classes together reveal. Its labels are untrusted text; nothing here is markup.

    Attributes:
        outcome: whether the answers follow what the pictures show; "undecided" where that cannot be determined.
        meaningful: whether they certainly do; only then can the rest be relied on.
        why_not: one to four sentences where they do not or where it is undecided; empty otherwise.
        headline: one sentence.
        domains: the parts of the hierarchy that the found classes lie in, most classes first. They are filled in even
            where the verdict is not meaningful, as what the method would have reported.
        mean_functional, mean_semantic: mean L and S of the found classes; nan where none was found.
        overall_functional, overall_semantic: their sums (paper section 4.1.3).
        specificity: what the outcome rests on, by fixed limits.
        chance: how the suspect compares with untrained networks on the same pictures; None where that is unknown.
        weak_points: the reasons for doubt.
        agreements: known label sets and how they agree, the best first, at most `MAX_AGREEMENTS`; often none.
        rests: what each found class is found to be without its answer; empty where it was not looked at.
    """

    outcome: Outcome
    meaningful: bool
    why_not: str
    headline: str
    n_found: int
    n_classes: int
    domains: tuple[Domain, ...]
    mean_functional: float
    mean_semantic: float
    overall_functional: float
    overall_semantic: float
    answers: Answers
    specificity: Specificity
    chance: Chance | None
    weak_points: tuple[WeakPoint, ...]
    agreements: tuple[Agreement, ...]
    rests: Mapping[int, Rest]

    def __repr__(self) -> str:
        return verdict_in_words(self).rstrip()

    @property
    def measured_in_words(self) -> str:
        """What the outcome rests on, in two to four sentences."""
        compared = self.chance.in_words() if self.chance else NOT_COMPARED
        return f"{self.specificity.in_words()} {compared}"

    @property
    def support_in_words(self) -> str:
        """How many answers have which support on the verbal scale, with what was measured; empty without grades.

        Where the verdict is not meaningful, none has any.
        """
        if not self.meaningful:
            return f"All answers together are {self.outcome}, so that no class's answer has support."
        return " ".join(
            f"{scale.capitalize()} for {counted(n, 'class', 'classes')}: {measured_in_words(word)}."
            for word, scale in SCALE.items()
            if (n := self.answers.grades.get(word))
        )

    @property
    def removal_in_words(self) -> str:
        """How many answers survive their own removal, in a sentence; empty where it was not looked at."""
        if not self.rests:
            return ""
        taken = "With the leaves of its answer and their relatives taken away,"
        n_other = sum(rest.winner is not None for rest in self.rests.values())
        if not n_other:
            return f"{taken} no class has an answer by the same limits."
        n_alone = len(self.rests) - n_other
        rest = f", {counted(n_alone, 'class has', 'classes have')} none" if n_alone else ""
        return f"{taken} {counted(n_other, 'class has', 'classes have')} another answer by the same limits{rest}."

    @property
    def caution(self) -> str:
        """A caveat to show before the classes' answers; empty where the verdict is meaningful."""
        return _CAUTIONS.get(self.outcome, "")

    @property
    def label_set_sentence(self) -> str:
        """Which known label set agrees with the findings, class for class, or fits but is too small to rule out chance.

        One to three sentences without markup; empty where there is no such set. What the headline says already is left
        out.
        """
        if agreed := _agreed(self.agreements):
            return agreed.tie_in_words if agreed.claim in self.headline else agreed.in_words
        alike = (one for one in self.agreements if one.fits or one.numbered)
        fitting = (one.in_words for one in alike if self.outcome != "meaningless")
        return next(fitting, "")


def judge(
    findings: Findings,
    *,
    preprocessing_assumed: bool = False,
    open_reading: str = "",
    chance: Chance | None = None,
    vectors: WordVectors | None = None,
) -> Verdict:
    """`reach_verdict` on findings, with the known label sets that agree with them.

    Args:
        findings: the suspect's findings.
        preprocessing_assumed: whether the suspect's preprocessing is a guess.
        open_reading: what the verdict is conditional on, where readings of the file could not be told apart.
        chance: the comparison with untrained networks, where it was made.
        vectors: for known label sets with names outside the hierarchy; None for the built-in ones.
    """
    scored, rest = findings.scored, chance.rest if chance else None
    return reach_verdict(
        findings.classes,
        scored.scores,
        scored.hierarchy,
        distances=scored.distances,
        agreements=label_set_agreements(findings, vectors or builtin_vectors()),
        circumstances=Circumstances(preprocessing_assumed, scored.complete, open_reading, scored.header.spec.kind),
        chance=chance,
        rests=rests_of(findings),
        groups=groups_left(findings, rest),
    )


def reach_verdict(
    findings: Sequence[ClassFinding],
    scores: Scores,
    hierarchy: Hierarchy,
    *,
    distances: MatrixOf | None = None,
    agreements: Sequence[Agreement] = (),
    circumstances: Circumstances | None = None,
    chance: Chance | None = None,
    rests: Mapping[int, Rest] = MappingProxyType({}),
    groups: Mapping[int, Rest] = MappingProxyType({}),
) -> Verdict:
    """Draw the conclusion over all classes.

    Args:
        findings: one for each class, in the order of the classes.
        scores: functional scores of every class and leaf.
        hierarchy: the corpus' hierarchy.
        distances: gives the steps (n, n) among leaves (n,), where they are already known; None computes them.
        agreements: known label sets and how they agree with the findings, the best first.
        circumstances: how the answers were obtained; None for known preprocessing and a complete run.
        chance: the comparison with untrained networks, where it was made.
        rests: what the found classes are found to be without their answers, where it was looked at.
        groups: what they are found to be where a second look found the suspect consistent.
    """
    known = distances or _distances(scores, hierarchy)
    total = overall(tuple(finding.selection for finding in findings))
    specificity = measure_specificity(findings, scores, known)
    background = specificity.background
    judged = [each for each in findings if not background or each.selection.target_class != background.target_class]
    domains = find_domains(judged, scores, hierarchy)
    decision, agreed = decide(specificity, chance), _agreed(agreements)
    second_answers = {} if decision.outcome == "meaningless" else groups  # answers without meaning have no second one
    second = second_domain(chance.rest if chance else None, hierarchy, judged, second_answers)
    points = find_weak_points(judged, scores, circumstances or Circumstances(), second)
    if decision.outcome == "undecided" and any(
        one.in_order for one in agreements
    ):  # no untrained network answers a known set in its order
        decision = Decision("meaningful", "")
    if decision.why and (few := too_few_images(scores)):
        decision = decision._replace(why=f"{decision.why} {few}")
    headline = _headline(decision, domains, specificity, uncertain=uncertain_classes(findings, points), agreed=agreed)
    if circumstances and circumstances.preprocessing_assumed:
        headline = f"{circumstances.open_reading or GUESSED} {headline}"
    n = total.n_found
    return Verdict(
        outcome=decision.outcome,
        meaningful=decision.outcome == "meaningful",
        why_not=decision.why,
        headline=headline,
        n_found=n,
        n_classes=total.n_classes,
        domains=domains,
        mean_functional=total.functional / n if n else math.nan,
        mean_semantic=total.semantic / n if n else math.nan,
        overall_functional=total.functional,
        overall_semantic=total.semantic,
        answers=_count_answers(findings, points),
        specificity=specificity,
        chance=chance,
        weak_points=points,
        agreements=tuple(agreements[:MAX_AGREEMENTS]),
        rests=rests,
    )


def verdict_as_dict(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON, with null for what could not be measured."""
    content = asdict(replace(verdict, agreements=(), rests={}))
    content["rests"] = [{"target_class": target, **rest.as_dict()} for target, rest in verdict.rests.items()]
    content["agreements"] = [_agreement_as_dict(agreement) for agreement in verdict.agreements]
    return {key: _json_ready(value) for key, value in content.items()}


def verdict_in_words(verdict: Verdict) -> str:
    """The verdict as plain text, one item per line; labels are shortened and hold no line breaks."""
    lines = [verdict.headline, ""]
    lines += [f"Found: {verdict.n_found:,} of {counted(verdict.n_classes, 'class', 'classes')}."]
    if verdict.n_found:
        lines += [_scores_in_words(verdict), _answers_in_words(verdict)]
        lines += [*filter(None, [verdict.support_in_words])]
    lines += [*filter(None, [verdict.removal_in_words]), verdict.measured_in_words]
    lines += [*filter(None, [verdict.label_set_sentence])]
    if verdict.domains:
        lines += ["", "Domains:", *(f"  {_domain_in_words(domain)}" for domain in verdict.domains)]
    alike = [one for one in verdict.agreements if one.in_order or one.fits or one.resembles]
    lines += ["", "Known label sets:", *(f"  {_agreement_in_words(one)}" for one in alike)] if alike else []
    if verdict.weak_points:
        lines += ["", "Weak points:"]
        for point in verdict.weak_points:
            lines += [
                f"  {point.what}{_listed(point.classes)}",
                *(f"    {each}" for each in point.groups_in_words(quoted)),
                *([f"    Strongest leaves: {', '.join(map(quoted, point.leaves))}."] if point.leaves else []),
                f"    {point.why}",
                f"    What would help: {point.remedy}",
            ]
    return "\n".join(lines) + "\n"


def counted(n: int, one: str, several: str) -> str:
    """ "1 class", "2,000 classes"."""
    return f"{n:,} {one if n == 1 else several}"


def _distances(scores: Scores, hierarchy: Hierarchy) -> MatrixOf:
    def among(leaves: Indices) -> Matrix:
        return distances_among(hierarchy, [scores.nodes[leaf] for leaf in leaves.tolist()])

    return among


def _count_answers(findings: Sequence[ClassFinding], points: Sequence[WeakPoint]) -> Answers:
    found = {f.selection.target_class: f for f in findings if f.selection.winner}
    sizes = [len(f.selection.winner.members) for f in found.values() if f.selection.winner]
    unrelated = sum(f.name is not None and f.name.ancestor is None for f in found.values())
    weak = {target for point in points if point.key not in OF_CASE for target in point.classes}
    n_single = sum(size == 1 for size in sizes)
    return Answers(
        n_single_leaf=n_single,
        n_named_by_node=len(found) - n_single - unrelated,
        n_unrelated=unrelated,
        n_by_hand=sum(f.selection.choice is not None for f in findings),
        n_weak=len(weak & found.keys()),
        grades=dict(Counter(f.grade.word for f in findings if f.grade)),
    )


# In words


def _listing(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def uncertain_classes(findings: Sequence[ClassFinding], points: Sequence[WeakPoint]) -> set[int]:
    """The classes whose answer is weak, or whose true score may lie below a limit."""
    weak = {each.selection.target_class for each in findings if each.grade and each.grade.word == "weak"}
    return weak | {target for point in points if point.key in MAY_BE_NONE for target in point.classes}


def _agreed(agreements: Sequence[Agreement]) -> Agreement | None:
    """The best of the known label sets that are convincing."""
    return next((one for one in agreements if one.agrees), None)


def _headline(
    decision: Decision,
    domains: Sequence[Domain],
    specificity: Specificity,
    *,
    uncertain: set[int],
    agreed: Agreement | None,
) -> str:
    """A label set that agrees stands first, with the domains behind it."""
    if decision.outcome == "meaningless":
        return f"No meaningful distribution: {decision.why}"
    trained = _trained_in_words(domains, specificity, uncertain)
    if decision.outcome == "undecided":
        return f"Undecided: {decision.why} If the answers mean anything, {trained[0].lower()}{trained[1:]}"
    return f"{agreed.claim} {trained}" if agreed else trained


def _trained_in_words(domains: Sequence[Domain], specificity: Specificity, uncertain: set[int]) -> str:
    """What the answers are consistent with, how many of its classes were not found, and which one is set aside."""
    n_classes, background = specificity.n_judged, specificity.background
    rest = n_classes - specificity.n_found
    placed = [domain for domain in domains if domain.kind != "too general"]
    general = [domain for domain in domains if domain.kind == "too general"]
    n_unnamed = specificity.n_found - sum(len(domain.classes) for domain in domains)
    start = f"{CONSISTENT}{_domains_in_words(placed, n_classes, uncertain)}"
    parts = [start, _general_in_words(general)] if placed else [_nowhere_in_words(general)]
    if domains and n_unnamed:
        parts.append(f"{counted(n_unnamed, 'class takes', 'classes take')} in much of everything and cannot be named")
    parts += [f"{counted(rest, 'class was', 'classes were')} not found in this corpus"] * bool(rest)
    parts += [background.in_words()] if background else []
    return f"{'; '.join(part for part in parts if part)}."


def _domains_in_words(domains: Sequence[Domain], n_classes: int, uncertain: set[int]) -> str:
    """ "animal (6 classes), street sign (38 of 43 classes) and 2 classes in 2 other domains"."""
    n_named = MAX_NAMED if len(domains) > MAX_NAMED + 1 else len(domains)  # if only one is left over, it is named too
    names = [_domain_name(domain, n_classes, uncertain) for domain in domains[:n_named]]
    if rest := domains[n_named:]:
        names.append(f"{_n_classes(rest)} in {len(rest):,} other domains")
    return _listing(names)


def _domain_name(domain: Domain, n_classes: int, uncertain: set[int]) -> str:
    doubt = "uncertain" if uncertain.issuperset(domain.classes) else ""
    if domain.kind == "folder":  # an analyst gave it this name, so it is not a finding
        like = f"{_n_classes([domain])} like those in the corpus folder “{quoted(domain.label)}”"
        return f"{like} ({doubt})" if doubt else like
    general = " in general" if domain.above_others else ""
    held = _n_classes([domain])
    if domain.n_placed:  # its kinds are those of the analyst's folder, so it matters how many of the classes are met
        held = f"{len(domain.classes):,} of {counted(n_classes, 'class', 'classes')}"
    return f"{quoted(domain.label)}{general} ({', '.join(filter(None, [held, doubt]))})"


def _general_in_words(general: Sequence[Domain]) -> str:
    """ "1 class is too general to place"; empty without any."""
    n = sum(len(domain.classes) for domain in general)
    return f"{counted(n, 'class is', 'classes are')} too general to place" if n else ""


def _nowhere_in_words(general: Sequence[Domain]) -> str:
    """The start of a headline where every class is too general to place, or takes in much of everything."""
    if not general:
        return (
            "The suspect distinguishes things, but each class that was found takes in much of everything, so no domain "
            "can be named"
        )
    return (
        "The suspect distinguishes things, but what its classes stand for cannot be placed: "
        f"{_n_classes(general)} found, with names as general as “{quoted(general[0].label)}”"
    )


def _n_classes(domains: Sequence[Domain]) -> str:
    return counted(sum(len(domain.classes) for domain in domains), "class", "classes")


def quoted(label: str) -> str:
    """A label within a sentence: on one line, printable, and at most `MAX_LABEL` characters long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in label).split()) or "(no name)"
    return plain if len(plain) <= MAX_LABEL else f"{plain[: MAX_LABEL - 1].rstrip()}…"


def _scores_in_words(verdict: Verdict) -> str:
    return (
        f"Over the found classes, the mean L is {verdict.mean_functional:.2f} and the mean S "
        f"{verdict.mean_semantic:.2f} (sums: {verdict.overall_functional:.2f} and {verdict.overall_semantic:.2f})."
    )


def _answers_in_words(verdict: Verdict) -> str:
    answers = verdict.answers
    by_hand = f"; {answers.n_by_hand:,} by hand" if answers.n_by_hand else ""
    return (
        f"Answered by a single leaf: {answers.n_single_leaf:,}; by several leaves under one name: "
        f"{answers.n_named_by_node:,}{by_hand}. {answers.n_weak:,} of {verdict.n_found:,} have a weakness."
    )


def _domain_in_words(domain: Domain) -> str:
    kind = {"folder": " (a corpus folder)", "too general": " (too general to place)"}.get(domain.kind, "")
    placed = f", {domain.n_placed:,} of which were placed there by hand" if domain.n_placed else ""
    if n := domain.n_generated:
        placed += f"; {n:,} of the selected {'holds' if n == 1 else 'hold'} generated pictures"
    return (
        f"{quoted(domain.label)}{kind}: {_n_classes([domain])}{_listed(domain.classes)}; {domain.n_selected:,} of its "
        f"{counted(domain.n_leaves, 'leaf', 'leaves')} in the corpus selected{placed}"
    )


def _agreement_in_words(agreement: Agreement) -> str:
    if agreement.agrees:
        judged = "convincing"
    elif agreement.numbered:
        judged = "by numbers alone"
    else:
        judged = TOO_FEW if agreement.fits else "above chance, not convincing"
    return (
        f"{quoted(agreement.title)}: mean similarity {agreement.mean:.2f} over "
        f"{counted(agreement.n_compared, 'class', 'classes')} in class order, p = {agreement.p_value:.2g}; {judged}"
    )


def _listed(classes: Sequence[int]) -> str:
    if not classes:
        return ""
    more = f" and {len(classes) - MAX_LISTED:,} more" if len(classes) > MAX_LISTED else ""
    return f" [{', '.join(map(str, classes[:MAX_LISTED]))}{more}]"


# As JSON


def _agreement_as_dict(agreement: Agreement) -> dict[str, Any]:
    return {
        "label_set": agreement.label_set.key,
        "name": agreement.label_set.name,
        "offset": agreement.offset,
        "mean": float(agreement.mean),
        "p_value": float(agreement.p_value),
        "n_compared": int(agreement.n_compared),
        "any_order": float(agreement.any_order),
    }


def _json_ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json_ready(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
