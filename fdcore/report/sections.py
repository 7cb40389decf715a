"""The report's sections besides the findings: the record of a case, the words, the clones."""

from dataclasses import dataclass
from typing import NamedTuple

from fdcore.cloning.comparison import (
    Comparison,
    Lead,
    OneClass,
    TableRow,
    carried_in_words,
    leads,
    one_class_clones,
    table,
)
from fdcore.cloning.evaluation import Measure
from fdcore.report.audit import AuditTrail
from fdcore.verdict.gap import Gap
from fdcore.words.agreement import Agreement
from fdcore.words.conclusion import claims_in_words, why_little
from fdcore.words.similarity import ClassSimilarity

MAX_CLONE_CLASSES = 200  # in the table of clones


class NoteRow(NamedTuple):
    """A tag or comment of an analyst.

    Attributes:
        about: what it is attached to, such as "picture ship/3.png".
        text: the tag, or the comment.
        by: empty where nobody was signed in.
        time: ISO 8601, UTC.
    """

    about: str
    text: str
    by: str
    time: str


class OtherAnswer(NamedTuple):
    """A class for which another rule gives another answer; both in words. Untrusted text."""

    target_class: int
    own: str
    other: str


class OtherReading(NamedTuple):
    """A reading of the suspect's file that was compared. Untrusted text.

    Attributes:
        used: whether the findings rest on it.
        as_good: whether its answers say as much as the best reading's, within the error.
        others: as of `fdcore.case.readings.Reading`.
    """

    name: str
    used: bool
    as_good: bool
    bits: float
    alike: float
    n_found: int
    n_classes: int
    label_set: str


@dataclass(frozen=True)
class Alternatives:
    """What else was considered.

    Attributes:
        rule: the other rule in words, by which the same answers were weighed too.
        known: how often both rules answer falsely where the truth is known, in a sentence.
        n_same: classes with the same answer by both.
        differ: the others.
        readings: of the suspect's file, the best first; empty where none were compared.
    """

    rule: str
    known: str
    n_same: int
    differ: tuple[OtherAnswer, ...]
    readings: tuple[OtherReading, ...] = ()


@dataclass(frozen=True)
class Record:
    """What a case records besides its findings. The case's own report leaves it out: the same findings give the same
    report, at any time and place.

    Attributes:
        title: of the case.
        tested: the pictures of the test query by name, and the class of each.
        trail: the audit log.
        alternatives: what else was considered; None where that takes too long to compute.
        gaps: training splits compared with test splits, those with a gap first.
        sent: how many queries were sent and for what, in words.
    """

    title: str
    tested: tuple[tuple[str, int], ...]
    trail: AuditTrail
    alternatives: Alternatives | None = None
    gaps: tuple[Gap, ...] = ()
    sent: str = ""


@dataclass(frozen=True)
class WordsSection:
    """Claims and known label sets against the reported findings.

    Attributes:
        rows: the paper's Table 4.
        agreements: known label sets, the best first.
        source: where the claims come from.
        vectors: the name of the word vectors that the case keeps.
        independent: whether these are declared not to derive from the hierarchy.
        problem: why there is nothing to show; empty otherwise.
    """

    rows: tuple[ClassSimilarity, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    source: str = ""
    vectors: str = ""
    independent: bool = False
    problem: str = ""

    @property
    def conclusion(self) -> str:
        """What all claims together amount to."""
        return claims_in_words(self.rows)

    def doubts(self, outcome: str) -> list[str]:
        """Why the claims prove less than they seem to, given the outcome of the verdict over all classes."""
        return why_little(self.rows, independent=self.independent, outcome=outcome)


@dataclass(frozen=True)
class ClonesSection:
    """Clones of the suspect, tested on pictures that none of them was trained on.

    Attributes:
        comparison: the clones side by side; None where there is nothing to show.
        note: a caveat about the pictures; may be empty.
        n_left_out: pictures of the set that do not count because a clone was trained on them.
        stale: titles of the clones that were made from a finding with other settings, locked answers or corpus.
        problem: why there is nothing to show; empty otherwise.
        n_smaller: clones left out because a larger or newer one of their source is shown.
    """

    comparison: Comparison | None = None
    note: str = ""
    n_left_out: int = 0
    stale: tuple[str, ...] = ()
    n_smaller: int = 0
    problem: str = ""

    @property
    def measure(self) -> Measure:
        """Accuracy where the true classes are known, else agreement with the suspect."""
        return "accuracy" if self.comparison and self.comparison.labelled else "agreement"

    @property
    def rows(self) -> tuple[TableRow, ...]:
        """The paper's Table 5, all pictures and the mean last."""
        return table(self.comparison, self.measure) if self.comparison else ()

    @property
    def shown(self) -> tuple[TableRow, ...]:
        """The rows that fit on the page, including the last two."""
        return (*self.rows[:-2][:MAX_CLONE_CLASSES], *self.rows[-2:])

    @property
    def leads(self) -> tuple[Lead, ...]:
        """By how much each clone exceeds the one from random images, by the table's measure."""
        return leads(self.comparison, self.measure) if self.comparison else ()

    @property
    def carried(self) -> str:
        """What balance, consistency and the found leaves are worth, in a sentence."""
        return carried_in_words(self.comparison, self.measure) if self.comparison else ""

    @property
    def one_class(self) -> tuple[OneClass, ...]:
        """The clones that answer nearly always with one class."""
        return one_class_clones(self.comparison) if self.comparison else ()
