"""The verdict: what all classes together say about the suspect, in numbers and in plain words."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from fdcore.artefacts import ClassFinding
from fdcore.closeness import distances as distances_among
from fdcore.clustering import Indices, Matrix
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.scores import Scores
from fdcore.selection import SelectionSettings, overall
from fdcore.verdict.domains import Domain, find_domains
from fdcore.verdict.specificity import Specificity, measure_specificity, why_meaningless
from fdcore.verdict.weak_points import Circumstances, MatrixOf, WeakPoint, find_weak_points

if TYPE_CHECKING:
    from fdcore.verification.agreement import Agreement

MAX_NAMED = 4  # domains in the headline
MAX_LABEL = 60  # characters of a label in a sentence
MAX_LISTED = 12  # classes listed after a weak point
MAX_AGREEMENTS = 5  # label sets that are kept, the best first


@dataclass(frozen=True)
class Answers:
    """How the found classes were answered.

    Attributes:
        n_single_leaf: by a single leaf.
        n_named_by_node: by several leaves with a common ancestor, whose name they bear.
        n_unrelated: by several leaves that have nothing in common; only by hand.
        n_by_hand: chosen by an analyst, whether found or not.
        n_weak: found classes with at least one weakness of their own.
    """

    n_single_leaf: int
    n_named_by_node: int
    n_unrelated: int
    n_by_hand: int
    n_weak: int


@dataclass(frozen=True)
class Verdict:
    """What all classes together say. Labels in it come from outside; nothing here is markup.

    Attributes:
        meaningful: whether the answers follow what the pictures show, so that the rest may be believed at all.
        why_not: one sentence where they do not; empty otherwise.
        headline: one sentence.
        n_found, n_classes: found classes, of how many.
        domains: the parts of the hierarchy that the found classes lie in, that with the most classes first. They are
            there even when nothing is meaningful, as what the method would have said.
        mean_functional, mean_semantic: L and S, on average over the found classes; nan where none was found.
        overall_functional, overall_semantic: their sums (paper section 4.1.3).
        answers: how the found classes were answered.
        specificity: what `meaningful` rests on.
        weak_points: what speaks against the verdict.
        agreements: known label sets and how they agree, the best first, at most `MAX_AGREEMENTS`; often none.
    """

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
    weak_points: tuple[WeakPoint, ...]
    agreements: tuple["Agreement", ...]


def reach_verdict(
    findings: Sequence[ClassFinding],
    scores: Scores,
    hierarchy: Hierarchy,
    settings: SelectionSettings,
    *,
    distances: MatrixOf | None = None,
    agreements: Sequence["Agreement"] = (),
    circumstances: Circumstances | None = None,
) -> Verdict:
    """Draw the conclusion over all classes.

    Args:
        findings: one for each class, in the order of the classes.
        scores: functional scores of every class and leaf.
        hierarchy: the corpus' hierarchy.
        settings: alpha, eta, tau, k of the findings.
        distances: gives the steps (n, n) among leaves (n,), where they are known already; None computes them.
        agreements: known label sets and how they agree with the findings, the best first.
        circumstances: how the answers came about; None for nothing to complain of.
    """
    known = distances or _distances(scores, hierarchy)
    total = overall(tuple(finding.selection for finding in findings))
    specificity = measure_specificity(findings, scores, known)
    domains = find_domains(findings, scores, hierarchy)
    points = find_weak_points(findings, scores, settings, known, circumstances or Circumstances())
    if specificity.by_distinct_classes:  # such suspects answer one leaf a class, and rightly so (docs/decisions/0007)
        points = tuple(point for point in points if point.key != "a single leaf")
    why_not = why_meaningless(specificity, total.n_found)
    n = total.n_found
    return Verdict(
        meaningful=not why_not,
        why_not=why_not,
        headline=_headline(why_not, domains, n, total.n_classes, _uncertain(points)),
        n_found=n,
        n_classes=total.n_classes,
        domains=domains,
        mean_functional=total.functional / n if n else math.nan,
        mean_semantic=total.semantic / n if n else math.nan,
        overall_functional=total.functional,
        overall_semantic=total.semantic,
        answers=_count_answers(findings, points),
        specificity=specificity,
        weak_points=points,
        agreements=tuple(agreements[:MAX_AGREEMENTS]),
    )


def verdict_as_dict(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON: lists for tuples, null for what could not be measured."""
    content = asdict(replace(verdict, agreements=()))
    content["agreements"] = [_agreement_as_dict(agreement) for agreement in verdict.agreements]
    return {key: _json_ready(value) for key, value in content.items()}


def verdict_in_words(verdict: Verdict) -> str:
    """The verdict as plain text, a line for each thing; labels are shortened and hold no line breaks."""
    lines = [verdict.headline, ""]
    lines += [f"Found: {verdict.n_found:,} of {counted(verdict.n_classes, 'class', 'classes')}."]
    if verdict.n_found:
        lines += [_scores_in_words(verdict), _answers_in_words(verdict)]
    lines += [verdict.specificity.in_words()]
    if verdict.domains:
        lines += ["", "Domains:", *(f"  {_domain_in_words(domain)}" for domain in verdict.domains)]
    lines += ["", "Label sets:", *(f"  {_agreement_in_words(a)}" for a in verdict.agreements)] * bool(
        verdict.agreements
    )
    if verdict.weak_points:
        lines += ["", "Weak points:"]
        for point in verdict.weak_points:
            lines += [
                f"  {point.what}{_listed(point.classes)}",
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
    weak = {target for point in points if point.key != "not found" for target in point.classes}
    n_single = sum(size == 1 for size in sizes)
    return Answers(
        n_single_leaf=n_single,
        n_named_by_node=len(found) - n_single - unrelated,
        n_unrelated=unrelated,
        n_by_hand=sum(f.selection.choice is not None for f in findings),
        n_weak=len(weak & found.keys()),
    )


# In words


def _uncertain(points: Sequence[WeakPoint]) -> set[int]:
    """The classes whose score may in truth lie below tau, so that they may be no finding at all."""
    return {target for point in points if point.key == "interval reaches below tau" for target in point.classes}


def _headline(why_not: str, domains: Sequence[Domain], n_found: int, n_classes: int, uncertain: set[int]) -> str:
    if why_not:
        return f"No meaningful distribution: {why_not}"
    rest = n_classes - n_found
    uncovered = f"; {counted(rest, 'class is', 'classes are')} not covered by this corpus" if rest else ""
    return f"The suspect appears to have been trained to recognise {_domains_in_words(domains, uncertain)}{uncovered}."


def _domains_in_words(domains: Sequence[Domain], uncertain: set[int]) -> str:
    """ "animal (6 classes), motor vehicle (3 classes) and 2 classes in 2 other domains"."""
    names = [_domain_name(domain, uncertain) for domain in domains[:MAX_NAMED]]
    rest = domains[MAX_NAMED:]
    if rest:
        n_classes = sum(len(domain.classes) for domain in rest)
        others = counted(len(rest), "other domain", "other domains")
        names.append(f"{counted(n_classes, 'class', 'classes')} in {others}")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _domain_name(domain: Domain, uncertain: set[int]) -> str:
    doubt = ", uncertain" if uncertain.issuperset(domain.classes) else ""
    return f"{said(domain.label)} ({counted(len(domain.classes), 'class', 'classes')}{doubt})"


def said(label: str) -> str:
    """A label within a sentence: on one line, printable, and not longer than `MAX_LABEL` characters."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in label).split()) or "(no name)"
    return plain if len(plain) <= MAX_LABEL else f"{plain[: MAX_LABEL - 1].rstrip()}…"


def _scores_in_words(verdict: Verdict) -> str:
    return (
        f"L is {verdict.mean_functional:.2f} and S {verdict.mean_semantic:.2f} on average over the found classes "
        f"({verdict.overall_functional:.2f} and {verdict.overall_semantic:.2f} in sum)."
    )


def _answers_in_words(verdict: Verdict) -> str:
    answers = verdict.answers
    by_hand = f"; {answers.n_by_hand:,} by hand" if answers.n_by_hand else ""
    return (
        f"Answered by a single leaf: {answers.n_single_leaf:,}; by several leaves under one name: "
        f"{answers.n_named_by_node:,}{by_hand}. {answers.n_weak:,} of {verdict.n_found:,} have a weakness."
    )


def _domain_in_words(domain: Domain) -> str:
    return (
        f"{said(domain.label)}: {counted(len(domain.classes), 'class', 'classes')}{_listed(domain.classes)}; "
        f"of its {counted(domain.n_leaves, 'leaf', 'leaves')} in the corpus, {domain.n_selected:,} in an answer"
    )


def _agreement_in_words(agreement: "Agreement") -> str:
    shift = f", from class {agreement.offset} on" if agreement.offset else ""
    return (
        f"{said(agreement.label_set.name)}{shift}: mean similarity {agreement.mean:.2f} over "
        f"{counted(agreement.n_compared, 'class', 'classes')} in class order, p = {agreement.p_value:.2g}"
    )


def _listed(classes: Sequence[int]) -> str:
    if not classes:
        return ""
    more = f" and {len(classes) - MAX_LISTED:,} more" if len(classes) > MAX_LISTED else ""
    return f" [{', '.join(map(str, classes[:MAX_LISTED]))}{more}]"


# As JSON


def _agreement_as_dict(agreement: "Agreement") -> dict[str, Any]:
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
