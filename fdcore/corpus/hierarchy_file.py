"""Reading a hierarchy of one's own: a CSV or JSON table of id, parent and label."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fdcore.errors import CorpusError

FIELDS = ("id", "parent", "label")


def parse_rows(content: bytes) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """One (id, parent ids, labels) for each node of a file's content, which is CSV or JSON by what stands in it.

    Raises:
        CorpusError: the content is no such table; the message names the line (JSON: the entry).
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"It is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    if not text.strip():
        raise CorpusError("It is empty; a table with the columns id, parent and label was expected.")
    return _merge(_json_links(text) if text.lstrip()[0] in "[{" else _csv_links(text))


class _Link(NamedTuple):
    """One row of a hierarchy file and the place it stands at, such as "line 3"."""

    place: str
    node: str
    parent: str
    label: str


def _csv_links(text: str) -> Iterator[_Link]:
    table = text.lstrip()
    n_skipped = text[: len(text) - len(table)].count("\n")
    header = table.splitlines()[0]
    reader = csv.reader(io.StringIO(table, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        columns = [name.strip().lower() for name in next(reader)]
        missing = [name for name in FIELDS if name not in columns]
        if missing:
            raise CorpusError(
                f"Line {n_skipped + 1}: the header lacks {', '.join(missing)}; it has {', '.join(columns)[:200]!r}."
            )
        wanted = [columns.index(name) for name in FIELDS]
        for cells in reader:
            if any(cell.strip() for cell in cells):
                padded = [*cells, *[""] * len(columns)]
                yield _Link(f"line {n_skipped + reader.line_num}", *(padded[i].strip() for i in wanted))
    except csv.Error as error:
        raise CorpusError(f"Line {n_skipped + reader.line_num}: not valid CSV ({error}).") from error


def _json_links(text: str) -> Iterator[_Link]:
    try:
        entries = json.loads(text, parse_int=str)  # a whole number is as good an id as a text
    except json.JSONDecodeError as error:
        raise CorpusError(f"Line {error.lineno}: not valid JSON ({error.msg}).") from error
    except RecursionError as error:
        raise CorpusError("The JSON is nested too deeply; a flat list of objects was expected.") from error
    if not isinstance(entries, list):
        raise CorpusError(f"A list of objects was expected, and a JSON {type(entries).__name__} came.")
    for number, entry in enumerate(entries, start=1):
        missing = [name for name in FIELDS if not isinstance(entry, dict) or name not in entry]
        if missing:
            raise CorpusError(f"Entry {number} lacks {', '.join(missing)}; each entry is an object with all of these.")
        cells = ["" if entry[name] is None else entry[name] for name in FIELDS]
        if not all(isinstance(cell, str) for cell in cells):
            raise CorpusError(f"Entry {number}: id, parent and label must be text or whole numbers.")
        yield _Link(f"entry {number}", *(cell.strip() for cell in cells))


def _merge(links: Iterable[_Link]) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """One row for each node from the rows of a file: all its parents, its one label."""
    parents: dict[str, dict[str, None]] = {}
    labels: dict[str, tuple[str, str]] = {}
    for place, node, parent, label in links:
        if not node:
            raise CorpusError(f"The id in {place} is empty; every node needs one.")
        if parent == node:
            raise CorpusError(f"The node {node!r} in {place} is its own parent; leave the parent of a root empty.")
        known, known_place = labels.get(node, ("", ""))
        if label and known and label != known:
            raise CorpusError(f"The node {node!r} is labelled {known!r} in {known_place} and {label!r} in {place}.")
        if label and not known:
            labels[node] = (label, place)
        parents.setdefault(node, {}).update({parent: None} if parent else {})
    for node, above in parents.items():
        yield node, tuple(above), (labels[node][0],) if node in labels else ()
