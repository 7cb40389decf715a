"""Tables that label the pictures of a folder: which of the files beside them is one, and what it says."""

import csv
import errno
import io
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from fdcore.corpus.classes import OUTSIDE, LabelTable, Part, Task, folders_above, place_labelled
from fdcore.corpus.containers import open_file
from fdcore.corpus.folder import File, Folder, Listing, looks_like_image, readable_name
from fdcore.errors import CorpusError

ANNOTATIONS = "val_annotations.txt"
LABEL_COLUMNS = (
    "label", "labels", "fine_label", "class", "class_name", "classname", "class_label", "category", "breed", "species",
    "target", "name", "class_id", "classid",
)  # fmt: skip
"""Headings of a column of labels; the first that a table has counts."""

_METADATA = ("metadata.csv", "metadata.jsonl")  # the Hugging Face hub's
_GROUND_TRUTH = re.compile(r".*(ground_truth|synset_labels).*\.txt")
_META = "meta.mat"  # ILSVRC's development kit
_MAX_META_BYTES = 2**20
_MAX_TABLE_BYTES = 2**30  # ImageNet's largest has 20 MB
_DEVKIT_DEPTH = 3
_N_PROBED_ROWS = 8
_N_NAMED = 200  # files after which a column is clearly the one of their names
_MAX_LINE = 2**20

Rows = Callable[[], Iterator[list[str]]]


def find_table(task: Task, folder: Folder, listing: Listing) -> LabelTable | None:
    """The table that labels the pictures of a folder: in the folder, or in one above it up to the one beside it."""
    if folder.path not in task.tables:
        task.tables[folder.path] = _find_table(task, folder, listing)
    return task.tables[folder.path]


def _find_table(task: Task, folder: Folder, listing: Listing) -> LabelTable | None:
    by_key = _by_key(folder, [file for file in listing.files if looks_like_image(file.name)])
    for above in folders_above(task, folder):
        for file in _tables_in(task, above) if by_key else ():
            table = _read_table(task, file, by_key)
            if table is not None and (table.names_nodes or above.trail != OUTSIDE or _is_named_after(folder, file)):
                return table
    metadata = next((file for file in listing.files if file.name in _METADATA), None)
    if metadata is not None and listing.folders:  # it may name files in folders below
        return _read_table(task, metadata, _by_key(folder, list(task.scout.images(folder))))
    return None


def _is_named_after(folder: Folder, table: File) -> bool:
    """Whether a table is meant for a folder: outside the corpus folder, another set's may name files alike."""
    return folder.name.lower() in table.name.lower()


def _tables_in(task: Task, folder: Folder, depth: int = 0) -> Iterator[File]:
    """The files of a folder, and of a development kit in it."""
    listing = task.scout.list(folder)
    yield from listing.files
    for below in listing.folders:
        if "devkit" in below.name.lower() or 0 < depth < _DEVKIT_DEPTH:
            yield from _tables_in(task, below, depth + 1)


def read_labelled(task: Task, layout: str, folder: Folder, table: LabelTable) -> Part:
    """Read a folder whose pictures a table labels; a table may name a file with or without folder and extension."""
    files = list(task.reader.images(folder, ignore=frozenset({table.path})))
    by_key, name = _by_key(folder, files), os.path.basename(table.path)
    labels: dict[str, str] = {}
    for line, key, label in table.labels():
        found = _find_file(by_key, key)
        if found is None and _exists_beside(table.path, key):  # in another part of the set
            continue
        if found is None:
            missing = f"{folder.relative}/{readable_name(key)}".lstrip("/")
            task.reader.report(missing, "missing file", f"{name} names it in line {line}")
        elif labels.setdefault(found.relative, label) != label:
            detail = f"{name} gives {label} in line {line}; {labels[found.relative]}, given before, is kept"
            task.reader.report(found.relative, "labelled twice", readable_name(detail))
    labelled = ((file, labels.get(file.relative)) for file in files)
    return place_labelled(task, layout, folder, labelled, source=readable_name(name))


def annotations(task: Task, folder: Folder) -> LabelTable:
    """Tiny ImageNet's val_annotations.txt: file, wnid and a box, separated by tabs.

    Raises:
        CorpusError: it cannot be read.
    """
    path = next(file.path for file in task.reader.list(folder).files if file.name == ANNOTATIONS)

    def rows() -> Iterator[tuple[int, str, str]]:
        for line, text in enumerate(lines, start=1):
            fields = text.split("\t") if "\t" in text else text.split()
            if len(fields) >= 2:
                yield line, fields[0].strip(), fields[1].strip()
            elif fields:
                task.reader.report(ANNOTATIONS, "unreadable line", f"line {line} has no file and node")

    try:
        with _open_text(path) as file:
            lines = file.read().splitlines()
    except OSError as error:
        message = f"The table {path} cannot be read ({error.strerror}); make it readable."
        raise CorpusError(message) from error
    return LabelTable(path, rows, names_nodes=True)


def _by_key(folder: Folder, files: list[File]) -> dict[str, File]:
    """Files by everything that a table may call them: path below the folder, name, name without extension."""
    by_key: dict[str, File] = {}
    for file in files:
        for key in (file.relative.removeprefix(f"{folder.relative}/"), file.name, os.path.splitext(file.name)[0]):
            by_key.setdefault(key, file)
    return by_key


def _find_file(by_key: dict[str, File], name: str) -> File | None:
    """The file of a name, of which folders in front may be unknown."""
    while name not in by_key and "/" in name:
        name = name.partition("/")[2]
    return by_key.get(name)


def _exists_beside(table: str, key: str) -> bool:
    return ".." not in key.split("/") and "\0" not in key and os.path.isfile(os.path.join(os.path.dirname(table), key))


def _read_table(task: Task, file: File, by_key: dict[str, File]) -> LabelTable | None:
    name = file.name.lower()
    try:
        if name.endswith(".csv") and "submission" not in name:
            return _from_rows(task, file, by_key, lambda: csv_rows(file.path))
        if name == "metadata.jsonl":
            return _from_rows(task, file, by_key, lambda: _jsonl_rows(file.path))
        if _GROUND_TRUTH.fullmatch(name):
            return _from_ground_truth(task, file, by_key)
    except OSError as error:
        task.reader.report(file.relative or readable_name(file.name), "unreadable", error.strerror or str(error))
    return None


def _from_rows(task: Task, file: File, by_key: dict[str, File], rows: Rows) -> LabelTable | None:
    """The table if it names files and labels: nodes in any column, or a column that is clearly one of labels."""
    probe = list(itertools.islice(rows(), _N_PROBED_ROWS))
    files = _file_column(rows, by_key)
    if not probe or files is None:
        return None
    others = [column for column in range(max(map(len, probe))) if column != files]
    if nodes := [column for column in others if any(task.is_node(_node(task, row, column)) for row in probe)]:
        return LabelTable(file.path, lambda: _labels(task, rows, files, nodes[0], names_nodes=True), names_nodes=True)
    column = _label_column(probe, rows, files)
    if column is None:
        task.hint(
            f"{file.name} names the pictures, but no column of it is clearly the one of their labels. Give that column "
            "the heading 'label'."
        )
        return None
    has_heading = _find_file(by_key, _cell(probe[0], files)) is None
    from_line = 2 if has_heading else 1
    return LabelTable(
        file.path, lambda: _labels(task, rows, files, column, names_nodes=False, from_line=from_line), names_nodes=False
    )


def _file_column(rows: Rows, by_key: dict[str, File]) -> int | None:
    """The column that names the most files; numbers of classes may be the names of a few."""
    named: dict[int, set[str]] = {}
    for row in rows():
        for column, cell in enumerate(row):
            if _find_file(by_key, cell):
                named.setdefault(column, set()).add(cell)
        if any(len(found) >= _N_NAMED for found in named.values()):
            break
    return max(sorted(named), key=lambda column: len(named[column]), default=None)


def _label_column(probe: list[list[str]], rows: Rows, files: int) -> int | None:
    """The column of labels: by its heading, or the only other one if some entry of it is repeated."""
    heading = [cell.strip().lower() for cell in probe[0]]
    named = [heading.index(name) for name in LABEL_COLUMNS if name in heading and heading.index(name) != files]
    if named:
        return named[0]
    others = [column for column in range(max(map(len, probe))) if column != files]
    if len(others) != 1:
        return None
    seen = set[str]()
    for row in rows():
        label = _cell(row, others[0])
        if label in seen:
            return others[0]
        seen.add(label)
    return None


def _labels(
    task: Task, rows: Rows, files: int, column: int, *, names_nodes: bool, from_line: int = 1
) -> Iterator[tuple[int, str, str]]:
    for line, row in enumerate(rows(), start=1):
        label = _node(task, row, column) if names_nodes else _cell(row, column)
        is_heading = line < from_line or (names_nodes and line == 1 and not task.is_node(label))
        if label and not is_heading:
            yield line, _cell(row, files), label


def _node(task: Task, row: list[str], column: int) -> str:
    """The node in a cell, which boxes may follow."""
    text = _cell(row, column)
    return text if text in task.hierarchy else text.partition(" ")[0]


def _cell(row: list[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""


def csv_rows(path: str) -> Iterator[list[str]]:
    """The rows of a CSV file, separated by commas, semicolons or tabs.

    Raises:
        OSError: it cannot be read.
    """
    with _open_text(path) as file:
        first = file.readline(_MAX_LINE)
        reader = csv.reader(itertools.chain([first], file), delimiter=max(",;\t", key=first.count))
        try:
            yield from ([cell.strip() for cell in row] for row in reader)
        except csv.Error:  # not a CSV despite its name: it labels nothing from here on
            return


def _jsonl_rows(path: str) -> Iterator[list[str]]:
    """The lines of a JSONL file as rows, the names of the fields of the first one as the heading."""
    with _open_text(path) as file:
        fields: list[str] = []
        for text in iter(lambda: file.readline(_MAX_LINE), ""):
            try:
                entry = json.loads(text)
            except (ValueError, RecursionError):
                entry = None
            if isinstance(entry, dict):
                if not fields:
                    fields = list(entry)
                    yield fields
                yield [str(entry.get(name, "")) for name in fields]


def _from_ground_truth(task: Task, file: File, by_key: dict[str, File]) -> LabelTable | None:
    """ILSVRC's ground truth: the label of picture i in line i, as a WNID, or as a number that meta.mat explains."""
    with _open_text(file.path) as text:
        labels = [line.strip() for line in itertools.islice(text, 10_000_000) if line.strip()]
    keys = [f"ILSVRC2012_val_{number:08d}" for number in range(1, len(labels) + 1)]
    if not any(key in by_key for key in keys):
        return None
    if all(label.isdecimal() for label in labels):
        names = _numbered_synsets(os.path.join(os.path.dirname(file.path), _META))
        if names is None:
            task.hint(
                f"{file.name} numbers the classes as ILSVRC's development kit does; {_META} of that kit, which names "
                "them, has to lie beside it."
            )
            return None
        labels = [names.get(int(label), "") for label in labels]
    if not any(task.is_node(label) for label in labels):
        return None
    rows = [(line, key, label) for line, (key, label) in enumerate(zip(keys, labels, strict=True), start=1)]
    return LabelTable(file.path, lambda: iter(rows), names_nodes=True)


def _numbered_synsets(path: str) -> dict[int, str] | None:
    """The WNID of each class number in the kit's meta.mat; None if there is no such file."""
    from scipy.io import loadmat

    try:
        file, size = open_file(Path(path))
        with file:
            content = file.read() if size <= _MAX_META_BYTES else b""
        synsets = loadmat(io.BytesIO(content), squeeze_me=True)["synsets"]
        return {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in synsets}
    except (OSError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, MemoryError):
        return None


def _open_text(path: str) -> io.TextIOWrapper:
    file, size = open_file(Path(path))
    if size > _MAX_TABLE_BYTES:
        file.close()
        raise OSError(errno.EFBIG, f"{size:,} bytes; a table of at most {_MAX_TABLE_BYTES:,} is read")
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
