"""Tags and comments that analysts attach to pictures, leaves and classes of a case."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.errors import CaseError
from fdcore.records import from_plain, to_plain
from fdcore.storage import only_one
from fdcore.tables import to_csv

About = Literal["picture", "leaf", "class"]
MAX_TAG, MAX_COMMENT = 40, 2_000  # characters


@dataclass(frozen=True)
class Note:
    """A tag or a comment: one of the two is empty.

    Attributes:
        about, key: what it is attached to: a picture by its file's SHA-256, a leaf by its node's id, a class by its
            number.
        name: what that was called when the note was made.
        by: empty without sign-in.
        time: ISO 8601, UTC.
        number: distinguishes the notes of a case; 0 before the note is added.
    """

    about: About
    key: str
    name: str = ""
    tag: str = ""
    comment: str = ""
    by: str = ""
    time: str = ""
    number: int = 0

    @property
    def title(self) -> str:
        """What it is attached to, such as "picture ship/3.png"."""
        return f"{self.about} {self.name or self.key}"


@dataclass(frozen=True)
class _Notes:
    """The content of notes.json; `given` is the last number that was given."""

    notes: tuple[Note, ...] = ()
    given: int = 0


def read_notes(case: Case) -> tuple[Note, ...]:
    """A case's notes, the oldest first.

    Raises:
        CaseError: they are damaged.
    """
    return _read(case).notes


def add_note(case: Case, note: Note) -> Note:
    """Keep a note and record it in the audit log, unless the thing already bears that tag, or that person's comment.

    A browser may send a comment twice, before it hears that the first one was kept. Notes have a lock of their own,
    so work in the case need not stop.

    Raises:
        CaseError: the note is neither a tag nor a comment, is too long, or the case's notes are damaged.
    """
    note = _checked(note)
    with only_one(case.folder / ".notes.lock"):
        kept = _read(case)
        known = next((one for one in kept.notes if _same(one, note)), None)
        if known:
            return known
        note = replace(note, number=kept.given + 1)
        _write(case, _Notes((*kept.notes, note), note.number))
        case.log("note added", to_plain(note))
    return note


def remove_note(case: Case, number: int, *, by: str = "") -> None:
    """Remove a note; the audit log keeps what it said. Nothing happens if it is gone already.

    Raises:
        CaseError: the case's notes are damaged.
    """
    with only_one(case.folder / ".notes.lock"):
        kept = _read(case)
        gone = next((one for one in kept.notes if one.number == number), None)
        if gone:
            _write(case, replace(kept, notes=tuple(one for one in kept.notes if one is not gone)))
            case.log("note removed", to_plain(gone) | {"by": by})


def notes_to_csv(notes: Sequence[Note]) -> bytes:
    """Notes as a table."""
    columns = ("about", "key", "name", "tag", "comment", "by", "time")
    return to_csv(columns, ({column: getattr(note, column) for column in columns} for note in notes))


def _checked(note: Note) -> Note:
    note = replace(note, tag=" ".join(note.tag.split()), comment=note.comment.strip())
    if bool(note.tag) == bool(note.comment):
        raise CaseError(
            f"A note is a tag or a comment, and this one has {'both' if note.tag else 'neither'}. Give one of them.",
            key="note empty",
        )
    for what, text, most in (("tag", note.tag, MAX_TAG), ("comment", note.comment, MAX_COMMENT)):
        if len(text) > most:
            raise CaseError(
                f"The {what} has {len(text):,} characters, and at most {most:,} are kept. Shorten it.",
                key="note too long",
            )
    return note


def _same(one: Note, other: Note) -> bool:
    if (one.about, one.key, one.tag, one.comment) != (other.about, other.key, other.tag, other.comment):
        return False
    return bool(one.tag) or one.by == other.by


def _read(case: Case) -> _Notes:
    if not case.has(layout.NOTES):
        return _Notes()
    return from_plain(_Notes, case.read_json(layout.NOTES), what=f"{case.path(layout.NOTES)}")


def _write(case: Case, notes: _Notes) -> None:
    case.write_json(layout.NOTES, to_plain(notes))
