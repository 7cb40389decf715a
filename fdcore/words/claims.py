"""What the classes are claimed to be: typed in, read from a file or from the suspect's own file, or a known label set.

A claim is not evidence; the findings are compared with it (`fdcore.words.comparison`).
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fdcore.errors import SettingsError
from fdcore.words.label_sets import LabelSet

FROM_SUSPECT = "the suspect's own file"
MAX_CLAIM = 200  # characters
MAX_CSV_BYTES = 4 << 20
MAX_DIGITS = 9  # of a class number

_NUMBER_NAMES = (
    "class", "targetclass", "classid", "classindex", "classnumber", "index", "idx", "id", "number", "labelid",
    "labelindex",
)  # fmt: skip
_HEADINGS = "Give the class numbers the heading 'class', and the names 'name'."
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's
_NUMBERED = re.compile(r"(\d{1,9}) +([^\s,;].*)")  # Teachable Machine's labels.txt
_WITH_WNID = re.compile(r"(n\d{8})[ \t,;]+(\S.*)")  # ImageNet's synset_words.txt
_CLAIM_NAMES = ("claim", "name", "label", "classname", "labelname", "signname", "classlabel", "title")


@dataclass(frozen=True)
class Claims:
    """The claimed name of each class that has one, and their source in words; empty where there are none."""

    names: Mapping[int, str] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        for target, name in self.names.items():
            if target < 0:
                raise SettingsError(f"A claim names class {target}; class numbers start at 0.", key="claim class")
            if not name.strip() or len(name) > MAX_CLAIM:
                size = f"{len(name):,} characters; give 1 to {MAX_CLAIM}, or leave it out"
                raise SettingsError(f"The claim for class {target} has {size}.", key="claim length")


def claims_from_csv(content: bytes, n_classes: int, *, source: str) -> Claims:
    """Claims from a table of class numbers and names, or from a list of names in class order.

    Args:
        content: UTF-8; separated by commas, semicolons or tabs, with or without a line of headings; or lines such as
            "0 goldfish" (numbers from 0 or 1 without a gap) or "n01443537 goldfish" (in class order).
        n_classes: the number of the suspect's classes.
        source: the table's name.

    Raises:
        SettingsError: the content is not such a table.
    """
    rows = _read_table(content)
    if not rows:
        raise SettingsError("The table is empty. Give a row for each class: its number and name.", key="table empty")
    number, name, n_headings = _columns(rows)
    names: dict[int, str] = {}
    for place, row in enumerate(rows[n_headings:]):
        if not _has_text(row):  # in a list of names, a class without one
            continue
        target = place if number is None else class_number(row[number] if number < len(row) else "")
        if target >= n_classes:
            theirs = f"the suspect's are 0 to {n_classes - 1}"
            raise SettingsError(f"The table names class {target}; {theirs}.", key="class range")
        if target in names:
            raise SettingsError(f"The table names class {target} twice. Keep one row per class.", key="class repeated")
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
    """A claim on one line, without control characters and of limited length."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(plain.split())[:MAX_CLAIM].strip()


def _read_table(content: bytes) -> list[list[str]]:
    if len(content) > MAX_CSV_BYTES:
        raise SettingsError(f"The table has {len(content):,} bytes; the limit is {MAX_CSV_BYTES:,}.", key="table size")
    try:
        text = content.decode("utf-8-sig")
        rows = _numbered_rows(text) or _separated_rows(text)
    except (UnicodeDecodeError, csv.Error) as error:
        mend = "Save it as CSV in UTF-8, with a row for each class."
        raise SettingsError(f"The table cannot be read ({error}). {mend}", key="table unreadable") from error
    while rows and not _has_text(rows[-1]):
        rows.pop()
    return rows


def _separated_rows(text: str) -> list[list[str]]:
    first, _, rest = text.partition("\n")
    named = _SEPARATOR_LINE.fullmatch(first)
    delimiter = named[1] if named else max(",;\t", key=first.count)
    return list(csv.reader(io.StringIO(rest if named else text), delimiter=delimiter))


def _numbered_rows(text: str) -> list[list[str]]:
    """Rows of lines that all begin with a class number or a WNID, which is not part of the name; [] for other lines."""
    lines = text.strip().splitlines()
    if wnids := _matched(_WITH_WNID, lines):
        return [[name] for _, name in wnids]
    numbered = _matched(_NUMBERED, [line for line in lines if line.strip()])
    numbers = sorted(int(number) for number, _ in numbered)
    if not numbers or numbers[0] > 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return []
    return [["class", "name"], *numbered]


def _matched(pattern: re.Pattern[str], lines: list[str]) -> list[list[str]]:
    """The groups of every line; [] if one does not match."""
    found = [pattern.fullmatch(line.strip()) for line in lines]
    return [list(match.groups()) for match in found if match] if all(found) else []


def _has_text(row: list[str]) -> bool:
    return any(cell.strip() for cell in row)


def _columns(rows: list[list[str]]) -> tuple[int | None, int, int]:
    """The columns of the numbers (None for a list in class order) and of the names, and the number of heading rows.

    Known headings decide; otherwise, the column that holds only numbers. Where neither is clear, nothing is guessed: a
    name with another class's number would be worse than no name.
    """
    heading = [re.sub(r"[\s_-]", "", cell).casefold() for cell in rows[0]]
    number, name = _place(heading, _NUMBER_NAMES), _place(heading, _CLAIM_NAMES)
    width = max(map(len, rows))
    n_headings = int(number is not None or name is not None)
    if width == 1:
        return None, 0, n_headings
    if number is None:
        below = [column for column in range(width) if column != name and _all_numbers(rows[1:], column)]
        if len(below) != 1 and name is None and _all_numbers(rows, 0):
            below = [0]  # the names may be digits, so the first column counts
        if len(below) != 1:
            raise SettingsError(f"It is unclear which column holds the class numbers. {_HEADINGS}", key="number column")
        number = below[0]
        n_headings = n_headings or int(not _is_number(_cell(rows[0], number)))
    if name is None:
        others = [column for column in range(width) if column != number]
        if len(others) > 1:
            raise SettingsError(f"It is unclear which column holds the names. {_HEADINGS}", key="name column")
        name = others[0]
    return number, name, n_headings


def _place(heading: list[str], names: tuple[str, ...]) -> int | None:
    return next((heading.index(name) for name in names if name in heading), None)


def _all_numbers(rows: list[list[str]], column: int) -> bool:
    filled = [row for row in rows if _has_text(row)]
    return bool(filled) and all(_is_number(_cell(row, column)) for row in filled)


def _cell(row: list[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_DIGITS


def class_number(text: str) -> int:
    """The class number in some text.

    Raises:
        SettingsError: the text is not a class number.
    """
    text = text.strip()
    if not _is_number(text):
        raise SettingsError(f"{text[:40]!r} is not a class number; these are 0, 1, 2 and so on.", key="not a number")
    return int(text)
