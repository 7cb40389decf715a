"""Tables as CSV that no spreadsheet can be tricked with."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as CSV with these columns; no text in it is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writerow({column: inert(column) for column in columns})
    writer.writerows({k: inert(v) if isinstance(v, str) else v for k, v in row.items()} for row in rows)
    return text.getvalue().encode()


def inert(text: str) -> str:
    """Keep a spreadsheet from reading a hostile label as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
