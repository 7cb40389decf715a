"""The audit log in words."""

import json

import pytest

from fdcore.case.case import Case
from fdcore.report.audit import details_in_words, read_trail, trail_to_csv


@pytest.fixture
def case(tmp_path) -> Case:
    case = Case.create(tmp_path / "case")
    case.log("test query", {"n_sent": 12345, "labels": [1, 2], "by": "A. Nalyst"})
    case.log("analysed", {"settings": {"alpha": 0.7, "k": None}})
    return case


def test_a_whole_log_says_so(case):
    """Every entry with its time, its author and its details in words."""
    trail = read_trail(case.audit())
    assert trail.problem == ""
    assert "3 entries" in trail.in_words
    assert [row.event for row in trail.rows] == ["case created", "test query", "analysed"]
    assert (trail.rows[1].by, trail.rows[1].words) == ("A. Nalyst", "n sent 12,345, labels 1 / 2")
    assert trail.rows[2].words == "settings (alpha 0.7)"


def test_a_changed_entry_ends_the_log(case):
    """What stands before is shown, and the number of the entry that does not follow."""
    path = case.path("audit.jsonl")
    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | {"event": "nothing"})
    path.write_text("\n".join(lines) + "\n")
    trail = read_trail(case.audit())
    assert [row.event for row in trail.rows] == ["case created"]
    assert "Broken at entry 1" in trail.in_words
    assert "entry 1" in trail.problem


def test_a_missing_log_is_a_problem(case):
    """Every case has one."""
    case.path("audit.jsonl").unlink()
    trail = read_trail(case.audit())
    assert trail.rows == ()
    assert "missing" in trail.problem


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({}, ""),
        ({"complete": True, "note": "", "k": None}, "complete yes"),
        ({"sha256": "ab" * 32}, "sha256 abababababab…"),
        ({"labels": []}, "labels none"),
        ({"labels": list(range(30))}, "labels " + " / ".join(map(str, range(20))) + " / …"),
    ],
)
def test_details_in_words(details, words):
    """Short, and without what is empty."""
    assert details_in_words(details) == words


def test_details_of_any_kind_are_read(case):
    """A foreign log may hold anything that is JSON."""
    case.log("odd", {"text": "x" * 1000})
    case.log("odd", ["no", "object"])
    rows = read_trail(case.audit()).rows
    assert len(rows[-2].words) == 300
    assert rows[-1].words == "details no / object"


def test_the_table_is_harmless(case):
    """No formula for a spreadsheet."""
    case.log("=cmd()", {"by": "@me"})
    last = trail_to_csv(read_trail(case.audit())).decode().splitlines()[-1]
    assert "'=cmd()" in last
    assert "'@me" in last
