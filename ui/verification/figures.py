"""The figures of the Verification page."""

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import Findings
from fdcore.report.figures.word_map import word_map
from fdcore.report.figures.words import SimilarityRow, agreement_matrix, similarity_bars, similarity_histogram
from fdcore.words import agreement
from fdcore.words.agreement import Agreement
from fdcore.words.maps import Method
from fdcore.words.similarity import ClassSimilarity
from fdcore.words.vectors import WordVectors
from ui.verification.stored import StoredMap
from ui.verification.tables import NOT_FOUND, found_text

_PALEST = 0.2  # opacity of a bar without any similarity


def figure_rows(rows: Sequence[ClassSimilarity], hierarchy: Hierarchy) -> list[SimilarityRow]:
    """Table 4 for its figures, without answers chosen by hand, which neither agree nor differ."""
    return [
        SimilarityRow(
            row.target_class, row.claim, found_text(row, hierarchy), row.nearest.cosine if row.nearest else None,
            row.percentile,
        )
        for row in rows if not row.by_hand
    ]  # fmt: skip


def draw_bars(rows: Sequence[ClassSimilarity], hierarchy: Hierarchy, page: int) -> go.Figure:
    """The similarity of each claim to its finding, paler if lower; `page` counts from 0."""
    figure = similarity_bars(figure_rows(rows, hierarchy), page=page)
    for bars in figure.select_traces({"type": "bar"}):
        bars.marker.opacity = [_PALEST + (1 - _PALEST) * max(similarity or 0.0, 0.0) ** 2 for similarity in bars.x]
    return figure


def draw_histogram(rows: Sequence[ClassSimilarity], hierarchy: Hierarchy) -> go.Figure:
    """How many classes agree to what degree."""
    return similarity_histogram(figure_rows(rows, hierarchy))


def draw_matrix(findings: Findings, vectors: WordVectors, one: Agreement) -> go.Figure:
    """Every finding against every label of a known set."""
    scored = findings.scored
    values = agreement.agreement_matrix(findings.classes, scored.scores, scored.hierarchy, vectors, one.label_set)
    return agreement_matrix(
        values,
        found_names=[found.name.label if found.name else NOT_FOUND for found in findings.classes],
        label_names=[names[0] for names in one.label_set.names],
        offset=one.offset,
        revision=one.label_set.key,
    )


def draw_map(stored: StoredMap, method: Method, chosen: Collection[int], revision: str = "") -> go.Figure:
    """The words in two dimensions, as saved in the case."""
    return word_map(stored.points, stored.coordinates[method], f"{revision} {method}", chosen=chosen)
