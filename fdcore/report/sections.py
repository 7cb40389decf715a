"""What the report says beside the findings: the record of a case, the words, the clones."""

from dataclasses import dataclass

from fdcore.cloning.comparison import Comparison, Lead, OneClass, TableRow, leads, one_class_clones, table
from fdcore.cloning.evaluation import Measure
from fdcore.report.audit import AuditTrail
from fdcore.words.agreement import Agreement
from fdcore.words.conclusion import claims_in_words, why_little
from fdcore.words.similarity import ClassSimilarity

MAX_CLONE_CLASSES = 200  # in the table of clones


@dataclass(frozen=True)
class Record:
    """What a case remembers beside its findings. The report that lies in the case leaves it out, because that one says
    the same whenever and wherever the same findings are made.

    Attributes:
        title: what the analyst calls the case.
        tested: names of the pictures that the suspect was tried with, and the class it put each in.
        trail: the audit log.
    """

    title: str
    tested: tuple[tuple[str, int], ...]
    trail: AuditTrail


@dataclass(frozen=True)
class WordsSection:
    """Claims and known label sets against what was found, for these very findings.

    Attributes:
        rows: the paper's Table 4.
        agreements: known label sets, the best first.
        source: where the claims come from.
        vectors: what the word vectors are called; they are those that the case keeps.
        independent: whether they say of themselves that they do not come from the hierarchy.
        problem: why there is nothing to show; empty where there is.
    """

    rows: tuple[ClassSimilarity, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    source: str = ""
    vectors: str = ""
    independent: bool = False
    problem: str = ""

    @property
    def conclusion(self) -> str:
        """What all claims together come to."""
        return claims_in_words(self.rows)

    def doubts(self, outcome: str) -> list[str]:
        """Why they prove less than they seem to, given the outcome of the verdict over all classes."""
        return why_little(self.rows, independent=self.independent, outcome=outcome)


@dataclass(frozen=True)
class ClonesSection:
    """Clones of the suspect, tested on pictures that none of them was trained on.

    Attributes:
        comparison: the clones side by side; None where there is none to show.
        note: what should be known about the pictures they were tested on; may be empty.
        n_left_out: pictures of that set that do not count because a clone was trained on them.
        stale: what those clones are called that were made from a finding with other settings, locked answers or corpus.
        problem: why there is nothing to show; empty where there is.
    """

    comparison: Comparison | None = None
    note: str = ""
    n_left_out: int = 0
    stale: tuple[str, ...] = ()
    problem: str = ""

    @property
    def measure(self) -> Measure:
        """What is told of them: accuracy where true classes are known, else agreement with the suspect."""
        return "accuracy" if self.comparison and self.comparison.labelled else "agreement"

    @property
    def rows(self) -> tuple[TableRow, ...]:
        """The paper's Table 5, all pictures and the mean last."""
        return table(self.comparison, self.measure) if self.comparison else ()

    @property
    def shown(self) -> tuple[TableRow, ...]:
        """Those rows that the page has room for, the last two among them."""
        return (*self.rows[:-2][:MAX_CLONE_CLASSES], *self.rows[-2:])

    @property
    def leads(self) -> tuple[Lead, ...]:
        """By how much each clone is better than the one from random images, in what the table tells."""
        return leads(self.comparison, self.measure) if self.comparison else ()

    @property
    def one_class(self) -> tuple[OneClass, ...]:
        """The clones that answer nearly everything with one class."""
        return one_class_clones(self.comparison) if self.comparison else ()
