"""Parsing an analyst's own hierarchy: a CSV or JSON table of id, parent and label."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fdcore.errors import CorpusError

FIELDS = ("id", "parent", "label")


def parse_rows(content: bytes) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """One (id, parent ids, labels) for each node of a file's content, recognised as CSV or JSON.

    Raises:
        CorpusError: the content is not such a table; the message names the line (JSON: the entry).
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"It is not UTF-8 text (byte {error.start}); save it as UTF-8.", key="not text") from error
    if not text.strip():
        raise CorpusError("It is empty; a table with the columns id, parent and label was expected.", key="empty table")
    return _merge(_json_links(text) if text.lstrip()[0] in "[{" else _csv_links(text))


class _Link(NamedTuple):
    """One row of a hierarchy file and its place, such as "line 3"."""

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
                f"Line {n_skipped + 1}: the header lacks {', '.join(missing)}; it has {', '.join(columns)[:200]!r}.",
                key="missing columns",
            )
        wanted = [columns.index(name) for name in FIELDS]
        for cells in reader:
            if any(cell.strip() for cell in cells):
                padded = [*cells, *[""] * len(columns)]
                yield _Link(f"line {n_skipped + reader.line_num}", *(padded[i].strip() for i in wanted))
    except csv.Error as error:
        raise CorpusError(f"Line {n_skipped + reader.line_num}: not valid CSV ({error}).", key="not csv") from error


def _json_links(text: str) -> Iterator[_Link]:
    try:
        entries = json.loads(text, parse_int=str)  # a whole number may be an id
    except json.JSONDecodeError as error:
        raise CorpusError(f"Line {error.lineno}: not valid JSON ({error.msg}).", key="not json") from error
    except RecursionError as error:
        raise CorpusError(
            "The JSON is nested too deeply; expected a flat list of objects.", key="not a list"
        ) from error
    if not isinstance(entries, list):
        raise CorpusError(f"Expected a list of objects, but got a JSON {type(entries).__name__}.", key="not a list")
    for number, entry in enumerate(entries, start=1):
        missing = [name for name in FIELDS if not isinstance(entry, dict) or name not in entry]
        if missing:
            raise CorpusError(
                f"Entry {number} lacks {', '.join(missing)}; each entry must be an object with all of these.",
                key="missing columns",
            )
        cells = ["" if entry[name] is None else entry[name] for name in FIELDS]
        if not all(isinstance(cell, str) for cell in cells):
            raise CorpusError(f"Entry {number}: id, parent and label must be text or whole numbers.", key="not text")
        yield _Link(f"entry {number}", *(cell.strip() for cell in cells))


def _merge(links: Iterable[_Link]) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Combine the rows of each node: all its parents, its one label."""
    parents: dict[str, dict[str, None]] = {}
    labels: dict[str, tuple[str, str]] = {}
    for place, node, parent, label in links:
        if not node:
            raise CorpusError(f"The id in {place} is empty; every node needs one.", key="empty id")
        if parent == node:
            raise CorpusError(
                f"The node {node!r} in {place} is its own parent; leave the parent of a root empty.", key="own parent"
            )
        known, known_place = labels.get(node, ("", ""))
        if label and known and label != known:
            raise CorpusError(
                f"The node {node!r} is labelled {known!r} in {known_place} and {label!r} in {place}.", key="two labels"
            )
        if label and not known:
            labels[node] = (label, place)
        parents.setdefault(node, {}).update({parent: None} if parent else {})
    for node, above in parents.items():
        yield node, tuple(above), (labels[node][0],) if node in labels else ()
