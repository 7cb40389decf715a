"""The audit log for people: what was done, when and by whom, and whether the log is intact."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fdcore.case.verify import fingerprint
from fdcore.errors import CaseError
from fdcore.tables import to_csv

_MAX_WORDS = 300


class AuditRow(NamedTuple):
    """One entry.

    Attributes:
        n: its number, from 0.
        time: ISO 8601, UTC.
        by: empty where nobody was signed in.
        words: the details in words.
        hash: what the next entry is chained to.
        signer: fingerprint of the key that signed it; empty where nobody did.
    """

    n: int
    time: str
    event: str
    by: str
    words: str
    hash: str
    signer: str = ""


@dataclass(frozen=True)
class AuditTrail:
    """The intact part of a log.

    Attributes:
        rows: the intact entries, oldest first.
        problem: why the log ends there; empty where all of it is intact.
    """

    rows: tuple[AuditRow, ...]
    problem: str

    @property
    def in_words(self) -> str:
        """The state of the log in a sentence."""
        if not self.problem:
            n = len(self.rows)
            return f"{n:,} {'entry' if n == 1 else 'entries'}, each intact and chained to the one before."
        return f"Broken at entry {len(self.rows)}: the entries from there on cannot be relied on."

    @property
    def signed_in_words(self) -> str:
        """With which keys how many entries were signed, in a sentence."""
        signers = Counter(row.signer for row in self.rows if row.signer)
        if not signers:
            return "Nobody signed the log."
        n_rows = f"{len(self.rows):,} {'entry' if len(self.rows) == 1 else 'entries'}"
        keys = " and ".join(f"{n:,} with the key {name}" for name, n in signers.most_common())
        return f"Of {n_rows} of the log, signed: {keys}."

    @property
    def work_in_words(self) -> str:
        """From when to when the case was worked on, and by whom; empty without an entry."""
        if not self.rows:
            return ""
        by = Counter(row.by or "nobody who was signed in" for row in self.rows)
        who = ", ".join(f"{name} ({n:,})" for name, n in by.most_common())
        first, last = (row.time[:16].replace("T", " ") for row in (self.rows[0], self.rows[-1]))
        return f"From {first} to {last} UTC, entries by {who}."

    @property
    def concluded(self) -> AuditRow | None:
        """When conclusions were drawn last, and by whom; None where they never were."""
        return next((row for row in reversed(self.rows) if row.event == "analysed"), None)


def read_trail(entries: Iterable[Mapping[str, Any]]) -> AuditTrail:
    """Read a case's audit log (`Case.audit`) to its end, or to the first changed entry."""
    rows: list[AuditRow] = []
    try:
        rows.extend(_row(entry) for entry in entries)
    except CaseError as error:
        return AuditTrail(tuple(rows), str(error))
    return AuditTrail(tuple(rows), "")


def trail_to_csv(trail: AuditTrail) -> bytes:
    """The log as a table."""
    return to_csv(AuditRow._fields, (row._asdict() for row in trail.rows))


def _row(entry: Mapping[str, Any]) -> AuditRow:
    details = entry.get("details")
    details = details if isinstance(details, Mapping) else {"details": details}
    words = details_in_words({key: value for key, value in details.items() if key != "by"})
    return AuditRow(
        n=int(entry["n"]),
        time=str(entry.get("time", "")),
        event=str(entry.get("event", "")),
        by=str(details.get("by") or ""),
        words=words if len(words) <= _MAX_WORDS else f"{words[: _MAX_WORDS - 1]}…",
        hash=str(entry.get("hash", "")),
        signer=fingerprint(entry["key"].encode()) if "signature" in entry else "",
    )


def details_in_words(details: Mapping[str, Any]) -> str:
    """An entry's details such as "n sent 31,104, n answered 31,104", without empty ones."""
    parts = [f"{key.replace('_', ' ')} {_in_words(value)}" for key, value in details.items() if value not in ("", None)]
    return ", ".join(parts)


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return f"({details_in_words(value)})"
    if isinstance(value, list | tuple):
        shown = " / ".join(_in_words(item) for item in value[:20])
        return f"{shown} / …" if len(value) > 20 else shown or "none"
    text = str(value)
    is_hash = len(text) == 64 and all(c in "0123456789abcdef" for c in text)
    return f"{text[:12]}…" if is_hash else text
