"""What a report says to a reader who was not there: sources of error, limits, alternatives, who and for whom."""

import json
import re
from dataclasses import replace
from pathlib import Path

import case_factory
import pytest

from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.conclusions import judge, lock_class, weigh_case
from fdcore.case.keys import new_key
from fdcore.case.readings import Reading, Readings, write_readings
from fdcore.case.records import CorpusFacts, ValidationFacts
from fdcore.case.tables import statement_of
from fdcore.cli.main import main
from fdcore.method.choices import Choice
from fdcore.method.grades import SCALE
from fdcore.report.mitigation import KINDS, limits, mitigations
from fdcore.verdict import WeakPoint
from fdcore.verdict.reasons import REASONS
from fdcore.verdict.weak_points import TwoGroups
from fdcore.work.conclude import analyse, full_report


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A finished case."""
    return Case.open(case_factory.finished(tmp_path / "case"))


def test_every_weak_point_is_a_source_of_error_with_what_was_done(case):
    """The report's table has the verdict's own weak points, in order of kind, and no second list."""
    facts, verdict = case.facts(), judge(weigh_case(case), case.facts())
    rows = mitigations(facts, verdict)
    assert verdict.weak_points
    for point in verdict.weak_points:
        [row] = [row for row in rows if row.shows.startswith(point.what)]
        assert (row.source, row.done, row.to_do) == (point.why, point.done, point.remedy)
    kinds = [list(KINDS).index(row.kind) for row in rows]
    assert kinds == sorted(kinds)
    assert all(all(row) for row in rows)


def test_every_weakness_of_a_class_says_what_was_done():
    """None of the texts is missing."""
    assert all(reason.done and reason.error in KINDS for reason in REASONS.values())


def test_the_table_has_the_figures_of_the_case(case):
    """The file's hash, the files left out, and how many answers have which support."""
    facts, verdict = case.facts(), judge(weigh_case(case), case.facts())
    shown = " ".join(row.shows for row in mitigations(facts, verdict))
    assert facts.evidence.sha256[:16] in shown
    assert f"{facts.corpus.n_images:,} images were used" in shown
    assert verdict.support_in_words in shown
    assert sum(verdict.answers.grades.values()) == 3


def test_both_groups_of_a_hardened_suspect_are_in_the_table(case):
    """Class by class, on one line each."""
    facts, verdict = case.facts(), judge(weigh_case(case), case.facts())
    groups = (TwoGroups(1, "domestic\ncat", 0.9, "boat", 0.5),)
    point = WeakPoint("second domain", "What.", "Why.", "Remedy.", "incompleteness", "Done.", (1,), (), groups)
    [row] = [row for row in mitigations(facts, replace(verdict, weak_points=(point,))) if row.source == "Why."]
    assert row.shows == "What. Class 1. Class 1: “domestic cat” (L 0.90) and “boat” (L 0.50)."


def test_what_was_guessed_is_a_source_of_error(case):
    """Each open guess of the head is in the table too."""
    facts, verdict = case.facts(), judge(weigh_case(case), case.facts())
    assert facts.open_guesses
    for judged in (verdict, replace(verdict, weak_points=())):
        [row] = [row for row in mitigations(facts, judged) if row.kind == "misreading"]
        assert all(guess in row.shows for guess in facts.open_guesses)


def test_a_small_corpus_is_a_limit(case):
    """The scale was measured over two hundred leaves and more, with suspects of known truth; fewer are named."""
    facts = case.facts()
    assert "with suspects of known truth, over corpora of 200 to" in " ".join(limits(facts))
    assert "This corpus has 8:" in " ".join(limits(facts))
    large = replace(facts, corpus=replace(facts.corpus, n_leaves=200))
    assert isinstance(large.corpus, CorpusFacts)
    assert "This corpus has" not in " ".join(limits(large))


def test_the_head_names_who_and_for_whom_and_the_validation(case, capsys):
    """What was given on the command line, what was not, and the hash of the record that the case cites."""
    command = ["assign", str(case.folder), "--examiner", "M. <b>Okafor", "--agency", "Lab 4", "--exhibit", "EX-7"]
    assert main([*command, "--title", "Seized drive", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["examiner"] == "M. <b>Okafor"
    assert main(["assign", str(case.folder), "--exhibit", ""]) == 0
    case.record(validation=ValidationFacts("ab" * 32, "2026-01-02T00:00:00+00:00", 9, 10, "", ("numpy was 1, is 2",)))
    head = full_report(case.folder).partition("What all classes together say")[0]
    assert "M. &lt;b&gt;Okafor" in head
    assert "Lab 4" in head
    assert re.search(r"Not given</th><td class=\"none\">Case number, exhibit<", head)
    assert "1 of 10 references failed" in head
    assert "numpy was 1, is 2" in head
    assert "ab" * 32 in head
    assert "Okafor" not in case.path("report.html").read_text()


def test_a_single_thing_is_counted_in_the_singular(case):
    """A class is given the only leaf of its name; nowhere is 1 followed by a plural."""
    leaf = case.read_json("selection.json")["classes"][0]["nodes"][0]
    lock_class(case.folder, Choice(0, (leaf,), "one", "A. Nalyst", "2026-01-01T00:00:00+00:00"))
    page = full_report(case.folder)
    assert "1 of 1 leaf, " in page
    assert not re.search(r"(?<![\d.,])1 (leaves|images|pictures|files|entries|queries|others)\b", page)


def test_the_head_names_the_key_that_signed_the_log(case, tmp_path, monkeypatch):
    """Nobody at first; then its fingerprint, how many entries, and whom to ask whose it is."""
    assert "Nobody signed the log." in full_report(case.folder).partition("What all classes together say")[0]
    n_before = len([*case.audit()])
    key = new_key(tmp_path / "key.pem")
    monkeypatch.setenv("FDCORE_KEY", str(tmp_path / "key.pem"))
    Casebook(case.folder.parent).assign(case.folder.name, examiner="M. Okafor")
    head = full_report(case.folder).partition("What all classes together say")[0]
    assert f"Of {n_before + 1} entries of the log, signed: 1 with the key {key.fingerprint}." in head
    assert "the one that the examiner (M. Okafor) states" in head


def test_alternatives_are_the_other_rule_and_the_readings(case):
    """Classes that the paper's rule answers differently, and each reading of the file with its figures."""
    page = full_report(case.folder)
    assert "also weighed by the paper&#39;s rule" in page
    assert "No other reading of the suspect" in page
    fingerprint = case.facts().suspect_fingerprint
    options, spec = case.plan().suspect, case.facts().suspect.preprocessing
    best = Reading("unit", options, "t", spec, fingerprint, 4, 1.5, (0.0, 0.0), 1.0, 4, 2.0, 3, "", (), 9)
    other = replace(best, name="signed, BGR", fingerprint="f" * 64, bits=0.25, behind=(1.25, 0.1), alike=0.5, n_found=1)
    write_readings(case, Readings((best, other), True, 8, 9, 2))
    page = full_report(case.folder).partition("Readings of the file")[2].partition("<h2>")[0]
    assert re.search(r"unit <strong>\(in this report\).*?1\.500.*?yes.*?3 of 4", page, re.DOTALL)
    assert re.search(r"signed, BGR<.*?0\.250.*?no.*?50 %.*?1 of 4", page, re.DOTALL)


def test_the_same_answers_by_the_other_rule_are_shown_where_they_differ(case):
    """Both ways: the default rule beside the paper's where that one is the case's own."""
    analyse(case.folder, weigh_case(case).settings.by_paper_rule())
    page = full_report(case.folder).partition("Alternatives considered")[2].partition("<h2>")[0]
    n_same, n = map(int, re.search(r"the default rule: (\d+) of (\d+) classes", page).groups())
    assert n == 4
    assert page.count("<tr>") == (n - n_same) + (1 if n_same < n else 0)
    assert "The answers of this case have no grade" in full_report(case.folder)


def test_no_finding_claims_what_the_suspect_was_trained_on(case):
    """Verdict, report and table say what the answers are consistent with, on the verbal scale."""
    page, table = full_report(case.folder), case.path("selection.csv").read_text()
    found = page + table + case.path("verdict.json").read_text() + case.path("selection.json").read_text()
    assert not re.search(r"(suspect|class \d+) (was|is|has been|appears to have been) trained", found)
    assert "answers are consistent with training data from" in case.path("verdict.json").read_text()
    assert "are consistent with training data from “domestic cat”" in table
    assert any(f"{words} (" in page for words in SCALE.values())


@pytest.mark.parametrize("outcome", ["undecided", "meaningless"])
def test_no_class_has_support_where_all_answers_together_mean_nothing(case, outcome):
    """Whatever the grades say: in the statements and in the count."""
    findings, verdict = weigh_case(case), judge(weigh_case(case), case.facts())
    doubted = replace(verdict, outcome=outcome, meaningful=False)
    assert "Strong" not in doubted.support_in_words
    found = next(each for each in findings.classes if each.grade)
    assert statement_of(found, outcome).startswith("No support")
    assert outcome in statement_of(found, outcome)
    assert "support: the answers of class" in statement_of(found, "meaningful")
