"""What somebody says that the classes are: typed in, read from a file, told by the suspect's own file, or a known set.

A claim is no evidence. It is what the finding is compared with (`fdcore.word_check`).
"""

import csv
import io
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fdcore.case import Case
from fdcore.errors import CaseError, SettingsError
from fdcore.verification.label_sets import LabelSet

FILE = "claims.json"
FROM_SUSPECT = "the suspect's own file"
MAX_CLAIM = 200  # characters
MAX_CSV_BYTES = 4 << 20
_NUMBER_NAMES = ("class", "target_class", "index", "id", "number", "label_id")
_CLAIM_NAMES = ("claim", "name", "label", "class_name", "label_name")


@dataclass(frozen=True)
class Claims:
    """Names for some classes, and who says so.

    Attributes:
        names: the claimed name of each class that has one.
        source: where they come from, in words; empty where there are none.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        for target, name in self.names.items():
            if not name.strip() or len(name) > MAX_CLAIM:
                raise SettingsError(
                    f"The claim for class {target} has {len(name):,} characters; give 1 to {MAX_CLAIM}, "
                    "or leave it out."
                )


def read_claims(case: Case) -> Claims:
    """The claims that a case holds.

    Raises:
        CaseError: they are damaged; a case may come from anywhere.
    """
    if not case.has(FILE):
        return Claims()
    content = case.read_json(FILE)
    try:
        names = {int(target): cleaned(str(name)) for target, name in dict(content["names"]).items()}
        if any(target < 0 for target in names):
            raise ValueError("a class has a negative number")
        return Claims(dict(sorted(names.items())), cleaned(str(content["source"])))
    except (KeyError, TypeError, ValueError, SettingsError) as error:
        raise CaseError(f"The claims in {case.path(FILE)} are damaged ({error!r}). Enter them again.") from error


def write_claims(folder: Path, claims: Claims, *, by: str = "") -> None:
    """Put claims in place of those that a case holds; what changed goes into the audit log.

    Raises:
        CaseError: the case is in use.
        SettingsError: a claim is about a class that the suspect does not have.
    """
    case = Case.open(folder)
    n_classes = int((case.facts().get("suspect") or {}).get("n_classes", 0))
    if wrong := [target for target in claims.names if not 0 <= target < n_classes]:
        raise SettingsError(f"A claim is about class {wrong[0]}; the suspect has classes 0 to {n_classes - 1}.")
    with case.exclusively():
        with suppress(CaseError):  # damaged ones are replaced
            if claims == read_claims(case):
                return
        content: dict[str, Any] = {"names": {str(i): name for i, name in sorted(claims.names.items())}}
        case.write_json(FILE, content | {"source": claims.source})
        case.log(
            "claims changed", {"n_claims": len(claims.names), "source": claims.source} | ({"by": by} if by else {})
        )


def claims_from_csv(content: bytes, n_classes: int, *, source: str) -> Claims:
    """Claims from a table of class numbers and names, or from a list of names in class order.

    Args:
        content: UTF-8; separated by commas, semicolons or tabs, with or without a line of headings.
        n_classes: how many classes the suspect has.
        source: what the table is called.

    Raises:
        SettingsError: it is no such table.
    """
    rows = _read_table(content)
    if not rows:
        raise SettingsError("The table is empty. Give a row for each class: its number and its name.")
    heading = [cell.strip().casefold() for cell in rows[0]]
    number, name = _place(heading, _NUMBER_NAMES), _place(heading, _CLAIM_NAMES)
    if number is None and name is None:
        filled = [row for row in rows if _has_text(row)]
        number, name = (0, 1) if all(len(row) > 1 and row[0].strip().isdecimal() for row in filled) else (None, 0)
    else:
        rows = rows[1:]
        name = name if name is not None else int(number == 0)
    names: dict[int, str] = {}
    for place, row in enumerate(rows):
        if not _has_text(row):  # in a list of names, a class without one
            continue
        target = place if number is None else _class_number(row[number] if number < len(row) else "")
        if target >= n_classes:
            raise SettingsError(f"The table names class {target}; the suspect has classes 0 to {n_classes - 1}.")
        if target in names:
            raise SettingsError(f"The table names class {target} twice. Keep one row for each class.")
        if name < len(row) and (claim := cleaned(row[name])):
            names[target] = claim
    return Claims(names, source)


def claims_from_label_set(label_set: LabelSet, n_classes: int, offset: int = 0) -> Claims:
    """A known label set as claims: class i is label i - offset."""
    names = {i + offset: cleaned(label[0]) for i, label in enumerate(label_set.names) if 0 <= i + offset < n_classes}
    return Claims(names, f"the known label set {label_set.name}")


def claims_from_list(names: Iterable[str], *, source: str) -> Claims:
    """Names in the order of the classes; empty ones are left out."""
    return Claims({i: claim for i, name in enumerate(names) if (claim := cleaned(name))}, source)


def cleaned(text: str) -> str:
    """A claim on one line, without control characters, and not too long."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(plain.split())[:MAX_CLAIM].strip()


def _read_table(content: bytes) -> list[list[str]]:
    if len(content) > MAX_CSV_BYTES:
        raise SettingsError(f"The table has {len(content):,} bytes; at most {MAX_CSV_BYTES:,} are read.")
    try:
        text = content.decode("utf-8-sig")
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"The table cannot be read ({error}). Save it as CSV in UTF-8, a row for each class."
        ) from error

    while rows and not _has_text(rows[-1]):
        rows.pop()
    return rows


def _has_text(row: list[str]) -> bool:
    return any(cell.strip() for cell in row)


def _place(heading: list[str], names: tuple[str, ...]) -> int | None:
    return next((heading.index(name) for name in names if name in heading), None)


def _class_number(text: str) -> int:
    text = text.strip()
    if not text.isdecimal() or len(text) > 9:
        raise SettingsError(f"{text[:40]!r} is no class number. The first column holds 0, 1, 2 and so on.")
    return int(text)
