"""Claims and known label sets compared with what was found, in memory (paper section 5.3).

`fdcore.work.compare_words` writes the result, including maps, into a case.
"""

from dataclasses import dataclass
from typing import Any

from fdcore.method.findings import Findings
from fdcore.words.agreement import Agreement, rank_label_sets
from fdcore.words.claims import Claims
from fdcore.words.similarity import ClassSimilarity, compare_claims
from fdcore.words.vectors import WordVectors


@dataclass(frozen=True)
class Comparison:
    """Claims and known label sets compared with what was found.

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
        SettingsError: a claim names a class that the suspect does not have.
    """
    scored = findings.scored
    rows = compare_claims(claims.names, findings.classes, scored.scores, scored.hierarchy, vectors)
    return Comparison(rows, label_set_agreements(findings, vectors))


def describe_vectors(vectors: WordVectors) -> dict[str, Any]:
    """A description of the vectors for the case's files and its audit log."""
    return {
        "name": vectors.name,
        "sha256": vectors.sha256,
        "independent": vectors.independent,
        "n_words": len(vectors),
        "n_left_out": vectors.left_out,
        "n_dims": vectors.n_dims,
    }


def label_set_agreements(findings: Findings, vectors: WordVectors) -> tuple[Agreement, ...]:
    """Which known label sets have the suspect's number of classes, and how well each agrees, the best first."""
    scored, spec = findings.scored, findings.scored.header.spec
    return rank_label_sets(
        findings.classes,
        scored.scores,
        scored.hierarchy,
        vectors,
        height=spec.height,
        width=spec.width,
        channels=spec.channels,
    )
