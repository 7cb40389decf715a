"""The report's sections about the words, the clones, the notes and the record, read from a case."""

from collections.abc import Mapping

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.claims import read_claims
from fdcore.case.clones.answered_sets import read_evaluation_sets
from fdcore.case.clones.records import made_from_another_finding
from fdcore.case.clones.tested import left_out, read_comparison
from fdcore.case.intake import read_test_query
from fdcore.case.notes import read_notes
from fdcore.errors import CaseError
from fdcore.method.findings import Findings
from fdcore.method.selection import Choice, SelectionSettings
from fdcore.records import from_plain
from fdcore.report.audit import read_trail
from fdcore.report.sections import ClonesSection, NoteRow, Record, WordsSection
from fdcore.words.claims import Claims
from fdcore.words.comparison import compare
from fdcore.words.vectors import from_npz


def words_for_report(case: Case, findings: Findings) -> WordsSection | None:
    """The comparison of the claims, repeated for these findings with the vectors that the case keeps.

    None where claims were never compared. Where the claims were changed since, or a file is damaged, the section says
    so.
    """
    if not case.has(layout.WORD_VECTORS):
        return None
    try:
        claims, vectors = read_claims(case), from_npz(case.path(layout.WORD_VECTORS).read_bytes())
        if from_plain(Claims, case.read_json(layout.WORDS).get("claims"), what=layout.WORDS) != claims:
            return WordsSection(problem="The claims were changed since they were last compared. Compare them again.")
        found = compare(findings, claims, vectors)
    except (CaseError, OSError) as error:
        return WordsSection(problem=f"The comparison that the case keeps cannot be read: {error}")
    return WordsSection(found.rows, found.agreements, claims.source, vectors.name, vectors.independent)


def notes_for_report(case: Case) -> tuple[NoteRow, ...]:
    """The analysts' tags and comments, the oldest first.

    Raises:
        CaseError: they are damaged.
    """
    return tuple(NoteRow(note.title, note.tag or note.comment, note.by, note.time) for note in read_notes(case))


def record_for_report(case: Case) -> Record:
    """The test query and the audit log.

    Raises:
        CaseError: the test query is damaged; a damaged log is reported in the record.
    """
    tested = read_test_query(case)
    answers = tuple(zip(tested.names, tested.labels, strict=False)) if tested else ()
    return Record(case.facts().title, answers, read_trail(case.audit()))


def clones_for_report(case: Case, settings: SelectionSettings, choices: Mapping[int, Choice]) -> ClonesSection | None:
    """The case's clones, compared on the most informative set. None where no clone was tested.

    Args:
        case: the case.
        settings, choices: of the finding that is reported; clones made from another one are marked.
    """
    for facts in read_evaluation_sets(case):
        try:
            comparison, n_left_out = read_comparison(case, facts.key), left_out(case, facts.key)
        except CaseError as error:
            return ClonesSection(problem=f"The case's records of its clones cannot be read: {error}")
        if comparison.columns and comparison.n_images:
            break
    else:
        return None
    n_smaller = len(comparison.columns) - len(comparison.largest().columns)
    comparison = comparison.largest()
    pairs = zip(comparison.titles(), comparison.columns, strict=True)
    corpus = case.facts().corpus_fingerprint
    stale = tuple(title for title, column in pairs if made_from_another_finding(column.run, settings, choices, corpus))
    return ClonesSection(comparison, facts.note, n_left_out, stale, n_smaller=n_smaller)
