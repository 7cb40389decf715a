"""The verdict in one picture: a head that no row exceeds, and a row for each class. Pages and reports draw the same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

import numpy as np

from fdcore.method.filtering import filter_leaves
from fdcore.method.findings import ClassFinding, Findings, Scored
from fdcore.method.grades import MEASURED, SCALE
from fdcore.method.removal import Rest
from fdcore.method.weaknesses import GENERATED
from fdcore.texts import Kind
from fdcore.verdict.background import Background
from fdcore.verdict.domains import Domain
from fdcore.verdict.reach import Verdict, quoted, uncertain_classes
from fdcore.verdict.weak_points import caveats
from fdcore.words.agreement import Agreement

Seal = Literal["identified", "described", "undecided", "nothing"]
Certainty = Literal["certain", "likely", "weak", "by hand", "ungraded", "not found"]

CERTAINTIES: tuple[Certainty, ...] = ("by hand", "certain", "likely", "ungraded", "weak", "not found")  # surest first
MAX_WORDS = 8  # of the title of a suspect that no label set identifies
MAX_TIED = 3  # label sets in a title
N_PICTURES = 6  # of a class


@dataclass(frozen=True)
class Head:
    """What the suspect is, in a title of a few words. Untrusted text: it holds labels.

    Attributes:
        seal: "identified" where a known label set agrees class for class; "described" where the answers are meaningful
            but no set agrees; "undecided"; "nothing" where the answers are meaningless.
        title: what it is.
        because: what the title rests on.
        open: every guess that could change all of it, in a few words each.
    """

    seal: Seal
    title: str
    because: str
    open: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One class. Untrusted text: it holds labels.

    Attributes:
        name: what was found; of a class that was not found, what comes nearest, and "" where no picture is put in it.
        leaves: labels of the leaves of the answer, or of what comes nearest.
        matched: the class's name in the label set that agrees; "" without one.
        agrees: whether no other label of the set fits what was found as well as `matched`; None without a match or a
            finding.
        functional, low, high: L and its 95 % interval; nan where there is neither an answer nor a nearest one.
        domain: the domain that the class lies in; "" for none.
        caveats: as in the weak points.
        without: what is found without the answer, and its L; "" where nothing is.
        why_not: why the class was not found; "" for one that was.
        grade_rests_on: why the answer has its grade; "" without one.
    """

    target_class: int
    certainty: Certainty
    name: str
    leaves: tuple[str, ...]
    matched: str
    agrees: bool | None
    functional: float
    low: float
    high: float
    domain: str
    caveats: tuple[str, ...]
    without: str
    why_not: str
    grade_rests_on: str = ""

    @property
    def found(self) -> bool:
        """Whether the class has an answer."""
        return self.certainty != "not found"

    @property
    def support(self) -> str:
        """Its answer on the verbal scale, such as "strong support (certain)"."""
        scale = next((words for grade, words in SCALE.items() if grade == self.certainty), "")
        return f"{scale} ({self.certainty})" if scale else self.certainty


@dataclass(frozen=True)
class Overview:
    """The head, the rows in the order of the classes, and tau, which every row's bar is marked with."""

    head: Head
    rows: tuple[Row, ...]
    tau: float

    @property
    def counts(self) -> Counter[Certainty]:
        """How many classes have each certainty."""
        return Counter(row.certainty for row in self.rows)


def overview_of(findings: Findings, verdict: Verdict, open_guesses: Sequence[str] = ()) -> Overview:
    """The verdict in one picture.

    Args:
        open_guesses: what about the suspect is guessed or assumed, in a few words each.
    """
    agreed = next((one for one in verdict.agreements if one.agrees), None)
    domains = {target: domain.label for domain in verdict.domains for target in domain.classes}
    background = verdict.specificity.background
    rows = tuple(
        _set_aside(background)
        if background and each.selection.target_class == background.target_class and not each.selection.winner
        else _row(findings.scored, each, agreed, domains.get(each.selection.target_class, ""),
                  verdict.rests.get(each.selection.target_class))
        for each in findings.classes
    )  # fmt: skip
    return Overview(_head(findings, verdict, agreed, rows, open_guesses), rows, findings.settings.tau)


def pictures_of(scored: Scored, finding: ClassFinding, n: int = N_PICTURES) -> list[int]:
    """The images that show a class best, at most `n`: from each leaf in turn, the most consistent first.

    For a class that was not found, those of what comes nearest.
    """
    filtered = finding.filtered
    if finding.miss:
        target = finding.selection.target_class
        filtered = filter_leaves(target, finding.miss.members, scored.answers, scored.images.node_index)
    leaf_of = scored.images.node_index[filtered.kept]
    order = dict.fromkeys(leaf_of.tolist())  # leaves, the one with the most consistent image first
    turns = zip_longest(*(filtered.kept[leaf_of == leaf][:n].tolist() for leaf in order))
    return [image for image in chain.from_iterable(turns) if image is not None][:n]


def found_in_words(overview: Overview, n_sent: int) -> str:
    """ "10 of 10 classes found: 2 certain, 6 likely, 2 weak; 262,816 queries sent"."""
    counts = overview.counts
    n_found = len(overview.rows) - counts["not found"]
    grades = ", ".join(f"{counts[word]:,} {word}" for word in (*MEASURED, "by hand") if counts[word])  # type: ignore[index]
    found = f"{n_found:,} of {len(overview.rows):,} classes found"
    return f"{found}{f': {grades}' if grades else ''}; {n_sent:,} {'query' if n_sent == 1 else 'queries'} sent"


def _row(scored: Scored, finding: ClassFinding, agreed: Agreement | None, domain: str, rest: Rest | None) -> Row:
    selection, miss = finding.selection, finding.miss
    target, winner = selection.target_class, selection.winner
    answer = winner or miss
    name = finding.name or (miss.name if miss else None)
    matched, agrees = _matched(agreed, target, found=winner is not None)
    without = f"{rest.name.label} {rest.winner.functional:.2f}" if rest and rest.winner and rest.name else ""
    nothing = "No picture of the corpus is put in this class." if not selection.choice else "Decided by hand."
    return Row(
        target_class=target,
        certainty=_certainty(finding),
        name=name.label if name else "",
        leaves=tuple(scored.labels(answer.members)) if answer else (),
        matched=matched,
        agrees=agrees,
        functional=answer.functional if answer else np.nan,
        low=answer.low if answer else np.nan,
        high=answer.high if answer else np.nan,
        domain=domain,
        caveats=tuple(caveats(finding)),
        without=without,
        why_not="" if winner else miss.why if miss else nothing,
        grade_rests_on=finding.grade.rests_on(scored.label) if finding.grade else "",
    )


def _set_aside(background: Background) -> Row:
    """A class that takes most of everything: no leaf comes near it more than another."""
    why = background.in_words()
    return Row(background.target_class, "not found", "", (), "", None, np.nan, np.nan, np.nan, "", (), "",
               f"{why[0].upper()}{why[1:]}.")  # fmt: skip


def _certainty(finding: ClassFinding) -> Certainty:
    if finding.selection.winner is None:
        return "not found"
    if finding.selection.choice:
        return "by hand"
    return finding.grade.word if finding.grade else "ungraded"


def _matched(agreed: Agreement | None, target: int, *, found: bool) -> tuple[str, bool | None]:
    """The class's name in the set that agrees, and whether the finding agrees with it."""
    place = target - agreed.offset if agreed else -1
    if agreed is None or not 0 <= place < len(agreed.label_set):
        return "", None
    compared = found and np.isfinite(agreed.per_class[target])
    return agreed.label_set.names[place][0], bool(agreed.nearest[target]) if compared else None


def _head(
    findings: Findings, verdict: Verdict, agreed: Agreement | None, rows: Sequence[Row], guesses: Sequence[str]
) -> Head:
    whole = () if findings.scored.complete else ("not all queries answered",)
    generated = ("rests in part on generated pictures",) if any(p.key == GENERATED for p in verdict.weak_points) else ()
    open_points = (*guesses, *whole, *generated)
    if verdict.outcome == "meaningless":
        return Head("nothing", "No meaningful answers", verdict.why_not, open_points)
    domains = _domains_in_words(verdict.domains, uncertain_classes(findings.classes, verdict.weak_points))
    if verdict.outcome == "undecided":
        return Head("undecided", f"Undecided; perhaps {domains}" if domains else "Undecided", verdict.why_not,
                    open_points)  # fmt: skip
    if agreed:
        return Head("identified", f"{_set_in_words(agreed)}, class for class", _agreement_in_words(agreed, rows),
                    open_points)  # fmt: skip
    title = f"{domains[0].upper()}{domains[1:]}" if domains else "It distinguishes things, but no domain can be named"
    return Head("described", title, verdict.label_set_sentence or _follows(verdict, findings.scored.header.spec.kind),
                open_points)  # fmt: skip


_SAYING: dict[Kind, tuple[str, str]] = {
    "picture": ("what the pictures show", "networks"), "text": ("what the texts say", "classifiers"),
}  # fmt: skip


def _follows(verdict: Verdict, kind: Kind) -> str:
    """Why the answers are meaningful, in one sentence."""
    if (chance := verdict.chance) is None:
        return verdict.specificity.in_words()
    what, untrained = _SAYING[kind]
    return (
        f"The answers follow {what}: their consistency is {chance.consistency:.3f}, that of untrained {untrained} at "
        f"most {max(chance.highest, 0.0):.3f}"
    )


def _set_in_words(agreed: Agreement) -> str:
    """The set that agrees, with those that have the same labels in the same order."""
    names = [agreed.title, *agreed.tied_with]
    if len(names) > MAX_TIED:
        names = [*names[: MAX_TIED - 1], f"{len(names) - MAX_TIED + 1} other sets"]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _agreement_in_words(agreed: Agreement, rows: Sequence[Row]) -> str:
    n_agree = sum(row.agrees is True for row in rows)
    n_compared = sum(row.agrees is not None for row in rows)
    n_missing = len(rows) - n_compared
    rest = f"; {n_missing:,} could not be compared" if n_missing else ""
    return f"{n_agree:,} of {n_compared:,} classes are nearest to their own label, p = {agreed.p_value:.2g}{rest}"


def _domains_in_words(domains: Sequence[Domain], uncertain: set[int]) -> str:
    """The surest domains with the most classes, in at most `MAX_WORDS` words; "" without any."""
    placed = [domain for domain in domains if domain.kind != "too general"]
    sure = [domain for domain in placed if not uncertain.issuperset(domain.classes)]
    names: list[str] = []
    n_words = 0
    for domain in sure or placed:
        name = quoted(domain.label)
        if domain.kind == "folder":
            name = f"folders of {name} ({domain.n_selected:,} of {domain.n_leaves:,})"
        n_words += len(name.split())
        if names and n_words > MAX_WORDS - 2:  # two for "more domains"
            break
        names.append(name)
    if not names:
        return ""
    n_more = len(placed) - len(names)
    listed = [*names, f"{n_more} more"] if n_more else names
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
