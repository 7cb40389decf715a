"""Tags and comments in a case: kept, removed, logged, and taken along."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from raising import raises

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.notes import MAX_TAG, Note, add_note, notes_to_csv, read_notes, remove_note
from fdcore.errors import CaseError

TAG = Note("leaf", "n02123045", "tabby", tag="good  example", by="Ann", time="2026-01-02T03:04:05+00:00")
COMMENT = Note("class", "8", "8: vessel", comment=" Seen\non the drive. ")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.create(tmp_path / "one")


def test_a_case_without_notes_has_none(case: Case) -> None:
    """And reading it writes nothing."""
    assert read_notes(case) == ()
    assert not case.has(layout.NOTES)


def test_notes_are_kept_in_order_and_logged(case: Case) -> None:
    """A tag is one line; a comment keeps its lines; the log says who added what."""
    first, second = add_note(case, TAG), add_note(case, COMMENT)
    assert read_notes(Case.open(case.folder)) == (first, second)
    assert (first.tag, second.comment, first.number, second.number) == ("good example", "Seen\non the drive.", 1, 2)
    logged = [entry["details"] for entry in case.audit() if entry["event"] == "note added"]
    assert [entry["by"] for entry in logged] == ["Ann", ""]


def test_a_tag_that_is_there_is_not_added_twice(case: Case) -> None:
    """The first one stays, with its author; another thing may bear the same."""
    first = add_note(case, TAG)
    assert add_note(case, Note("leaf", "n02123045", tag="good example", by="Bob")) == first
    add_note(case, Note("leaf", "n1", tag="good example"))
    assert len(read_notes(case)) == 2


def test_a_comment_that_arrives_twice_is_kept_once(case: Case) -> None:
    """From one person; another may say the same."""
    first = add_note(case, COMMENT)
    assert add_note(case, COMMENT) == first
    add_note(case, replace(COMMENT, by="Bob"))
    assert [note.by for note in read_notes(case)] == ["", "Bob"]


def test_a_removed_note_stays_in_the_log_and_its_number_is_not_given_again(case: Case) -> None:
    """Who removed it is logged too; to remove it again changes nothing."""
    number = add_note(case, TAG).number
    remove_note(case, number, by="Bob")
    n_entries = len(list(case.audit()))
    remove_note(case, number, by="Bob")
    assert read_notes(case) == ()
    removed = list(case.audit())[-1]
    assert (removed["event"], removed["details"]["by"], removed["details"]["tag"]) == (
        "note removed", "Bob", "good example",
    )  # fmt: skip
    assert len(list(case.audit())) == n_entries
    assert add_note(case, COMMENT).number == number + 1


def test_a_note_is_a_tag_or_a_comment(case: Case) -> None:
    """Neither and both are refused, and nothing is written."""
    for note in (Note("leaf", "n1", tag=" "), Note("leaf", "n1", tag="a", comment="b")):
        with raises(CaseError, "note empty"):
            add_note(case, note)
    assert not case.has(layout.NOTES)


def test_a_note_that_is_too_long_is_refused(case: Case) -> None:
    """The message says how long it may be."""
    with raises(CaseError, "note too long", f"{MAX_TAG:,}"):
        add_note(case, Note("leaf", "n1", tag="x" * (MAX_TAG + 1)))


def test_damaged_notes_are_reported(case: Case) -> None:
    """Not overwritten."""
    add_note(case, TAG)
    case.path(layout.NOTES).write_text('{"notes": [{"about": "nothing", "key": "1"}]}')
    with raises(CaseError, "record damaged"):
        add_note(case, COMMENT)


def test_notes_can_be_made_while_work_goes_on(case: Case) -> None:
    """A run holds the case's lock for hours."""
    with case.exclusively():
        add_note(case, TAG)
    assert len(read_notes(case)) == 1


def test_notes_travel_with_the_case(case: Case) -> None:
    """In an export, and in a duplicate."""
    add_note(case, TAG)
    book, file = Casebook(case.folder.parent), io.BytesIO()
    book.export("one", file)
    for copy in (book.import_(file), book.duplicate("one")):
        assert read_notes(book.open(copy)) == read_notes(case)


def test_the_table_holds_no_formula(case: Case) -> None:
    """A comment may begin with anything."""
    note = add_note(case, Note("class", "1", "1: cat", comment="=1+1"))
    assert notes_to_csv([note]).decode().splitlines()[1].split(",")[4] == "'=1+1"
