"""The report's sections about the words, the clones, the notes and the record, read from a case."""

from collections.abc import Mapping

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.claims import read_claims
from fdcore.case.clones.answered_sets import read_evaluation_sets
from fdcore.case.clones.records import made_from_another_finding
from fdcore.case.clones.tested import left_out, read_comparison
from fdcore.case.conclusions import read_choices
from fdcore.case.gaps import read_gaps
from fdcore.case.intake import read_test_query
from fdcore.case.notes import read_notes
from fdcore.case.readings import read_readings
from fdcore.case.spending import spent, spent_in_words
from fdcore.errors import CaseError
from fdcore.method.findings import ClassFinding, Findings, weigh
from fdcore.method.known_rates import BY_DEFAULT, BY_PAPER_RULE
from fdcore.method.selection import Choice, SelectionSettings
from fdcore.records import from_plain
from fdcore.report.audit import read_trail
from fdcore.report.sections import (
    Alternatives,
    ClonesSection,
    NoteRow,
    OtherAnswer,
    OtherReading,
    Record,
    WordsSection,
)
from fdcore.verdict.gap import strongest_first
from fdcore.words.claims import Claims
from fdcore.words.comparison import compare
from fdcore.words.vectors import from_npz

MAX_WEIGHED_AGAIN = 1_000_000  # classes x leaves up to which the other rule is weighed in a few seconds


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


def record_for_report(case: Case, findings: Findings) -> Record:
    """The test query, the audit log, and what else was considered.

    Raises:
        CaseError: the test query, the readings or the choices are damaged; a damaged log is reported in the record.
    """
    tested = read_test_query(case)
    answers = tuple(zip(tested.names, tested.labels, strict=False)) if tested else ()
    return Record(case.facts().title, answers, read_trail(case.audit()), _alternatives(case, findings),
                  strongest_first(read_gaps(case)), spent_in_words(spent(case)))  # fmt: skip


def _alternatives(case: Case, findings: Findings) -> Alternatives | None:
    """The other rule on the same answers, and the readings of the file that were compared."""
    scored, settings = findings.scored, findings.settings
    if scored.scores.functional.size > MAX_WEIGHED_AGAIN:
        return None
    by_paper = not settings.without_limits
    other = weigh(scored, settings.by_paper_rule() if by_paper else settings.by_evidence(), read_choices(case))
    pairs = list(zip(findings.classes, other.classes, strict=True))
    differ = tuple(
        OtherAnswer(own.selection.target_class, _answer_in_words(own), _answer_in_words(its))
        for own, its in pairs
        if _members(own) != _members(its)
    )
    rule = "the paper's rule" if by_paper else "the default rule"
    its, own = (BY_PAPER_RULE, BY_DEFAULT) if by_paper else (BY_DEFAULT, BY_PAPER_RULE)
    shares = [
        f"{theirs.false:.0%} instead of {ours.false:.0%} of {ours.n_absent:,} ({ours.suspects})"
        for theirs, ours in zip(its, own, strict=True)
    ]
    known = f"Where the corpus lacks what a class was trained on, it answers all the same: {' and '.join(shares[:2])}."
    return Alternatives(rule, known, len(pairs) - len(differ), differ, _readings(case))


def _members(found: ClassFinding) -> tuple[int, ...]:
    return tuple(sorted(found.selection.winner.members)) if found.selection.winner else ()


def _answer_in_words(found: ClassFinding) -> str:
    winner, grade = found.selection.winner, f", {found.grade.word}" if found.grade else ""
    if not winner or not found.name:
        return "not found"
    n_leaves = len(winner.members)
    return f"{found.name.label} ({n_leaves} {'leaf' if n_leaves == 1 else 'leaves'}), L {winner.functional:.2f}{grade}"


def _readings(case: Case) -> tuple[OtherReading, ...]:
    found, facts = read_readings(case), case.facts()
    as_good = {one.fingerprint: one.close for one in facts.readings}
    return tuple(
        OtherReading(
            one.name, one.fingerprint == facts.suspect_fingerprint, as_good.get(one.fingerprint, False), one.bits,
            one.alike, one.n_found, one.n_classes, one.label_set,
        )
        for one in (found.readings if found else ())
    )  # fmt: skip


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
