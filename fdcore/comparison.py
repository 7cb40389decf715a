"""Claims and known label sets against what was found, in memory (paper section 5.3).

`fdcore.word_check` writes it down, maps included.
"""

from dataclasses import dataclass
from typing import Any

from fdcore.analysis import Findings, label_set_agreements
from fdcore.case import Case
from fdcore.claims import Claims, read_claims
from fdcore.errors import CaseError
from fdcore.report import WordsSection
from fdcore.verification.agreement import Agreement
from fdcore.verification.similarity import ClassSimilarity, compare_claims
from fdcore.verification.vectors import WordVectors, from_npz

WORDS_FILE = "verification/words.json"
KEPT_FILE = "verification/word_vectors.npz"


@dataclass(frozen=True)
class Comparison:
    """Claims and known label sets against what was found.

    Attributes:
        rows: the paper's Table 4: one row for each claim, in the order of the classes.
        agreements: known label sets of the suspect's size, the best first.
    """

    rows: tuple[ClassSimilarity, ...]
    agreements: tuple[Agreement, ...]

    @property
    def mean_cosine(self) -> float | None:
        """The mean similarity over the claims that could be compared; None where none could."""
        cosines = [row.nearest.cosine for row in self.rows if row.nearest]
        return sum(cosines) / len(cosines) if cosines else None


def compare(findings: Findings, claims: Claims, vectors: WordVectors) -> Comparison:
    """Compare the claims, and every known label set of the right size, with what was found.

    Raises:
        SettingsError: a claim is about a class that the suspect does not have.
    """
    scored = findings.scored
    rows = compare_claims(claims.names, findings.classes, scored.scores, scored.hierarchy, vectors)
    return Comparison(rows, label_set_agreements(findings, vectors))


def describe_vectors(vectors: WordVectors) -> dict[str, Any]:
    """What the vectors are, for the case's files and its audit log."""
    return {
        "name": vectors.name,
        "sha256": vectors.sha256,
        "independent": vectors.independent,
        "n_words": len(vectors),
        "n_dims": vectors.n_dims,
    }


def words_for_report(case: Case, findings: Findings) -> WordsSection | None:
    """The comparison as the report tells it: made anew for these findings, with the vectors that the case keeps.

    None where claims were never compared. Where they cannot be compared any more, because they were changed since or a
    file is damaged, the section says so.
    """
    if not case.has(KEPT_FILE):
        return None
    try:
        claims, vectors = read_claims(case), from_npz(case.path(KEPT_FILE).read_bytes())
        if case.read_json(WORDS_FILE).get("claims") != claims.as_dict():
            return WordsSection(problem="The claims were changed since they were last compared. Compare them again.")
        found = compare(findings, claims, vectors)
    except (CaseError, OSError) as error:
        return WordsSection(problem=f"The comparison that the case keeps cannot be read: {error}")
    return WordsSection(found.rows, found.agreements, claims.source, vectors.name, vectors.independent)
