"""A corpus given as a list of pictures: a text file with a path in each line, or a CSV with a column of paths.

The pictures lie in the folder of the list or below it. What leads elsewhere is left out and listed: a server may read
the list's folder, and a list may come from anybody.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from fdcore.corpus.classes import Part, Task, place_labelled
from fdcore.corpus.folder import File, Folder, looks_like_image, readable_name
from fdcore.corpus.label_tables import LABEL_COLUMNS, csv_rows
from fdcore.errors import CorpusError

PATH_COLUMNS = ("path", "file", "file_name", "filename", "image", "picture")
"""Headings of a column of paths; without one, the first column counts."""

_SUFFIXES = (".txt", ".csv", ".tsv")


def is_list(path: str | Path) -> bool:
    """Whether a path is that of a file that may list pictures."""
    return str(path).lower().endswith(_SUFFIXES) and os.path.isfile(path)


def root_of(corpus: Path) -> Path:
    """The folder that the names of a corpus's pictures are relative to: the list's own for a list."""
    return corpus.parent if is_list(corpus) else corpus


def read_list(task: Task, place: Folder) -> Part:
    """Read the pictures that a list names, each with its label, or all as one class called like the list.

    Raises:
        CorpusError: the list cannot be read.
    """
    only = os.path.splitext(place.name)[0]
    try:
        pairs = [(_file(task, place, path), label or only) for path, label in _entries(place)]
    except OSError as error:
        raise CorpusError(
            f"The list {place.path} cannot be read ({error.strerror}); make it readable.", key="list unreadable"
        ) from error
    return place_labelled(task, "list", place, ((file, label) for file, label in pairs if file), source="the list")


def _entries(place: Folder) -> Iterator[tuple[str, str]]:
    """The paths and labels, "" for none; a first row without a file is a heading."""
    rows = csv_rows(place.path)
    if place.name.lower().endswith(".txt"):  # a comma may be part of a path
        with open(place.path, encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = iter([line.rstrip("\r\n").split("\t") for line in file])
    path, label = 0, 1
    for number, row in enumerate(rows):
        if not any(cell.strip() for cell in row):
            continue
        if number == 0 and not os.path.exists(_on_disk(place, row[0])):
            heading = [cell.strip().lower() for cell in row]
            path = next((heading.index(name) for name in PATH_COLUMNS if name in heading), 0)
            label = next((heading.index(name) for name in LABEL_COLUMNS if name in heading), -1)
            if path or label >= 0 or heading[0] in PATH_COLUMNS:
                continue
        if path < len(row):
            yield row[path].strip(), row[label].strip() if 0 <= label < len(row) else ""


def _file(task: Task, place: Folder, path: str) -> File | None:
    """The file of an entry; None, with the reason reported, for one that is not used."""
    top, shown = os.path.dirname(place.path), readable_name(path)
    real = _on_disk(place, path)
    relative = os.path.relpath(real, top)
    if relative.startswith(".."):
        task.reader.report(shown, "outside the list's folder", "put the list into a folder above its pictures")
    elif not os.path.isfile(real):
        task.reader.report(shown, "missing file", "the list names it")
    elif not looks_like_image(os.path.basename(real)):
        task.reader.report(shown, "other file", "not an image, so not read")
    else:
        return File(real, os.path.basename(real), readable_name(relative))
    return None


def _on_disk(place: Folder, path: str) -> str:
    """Where a path leads, with links followed; one with a NUL leads nowhere."""
    return os.path.realpath(os.path.join(os.path.dirname(place.path), path.strip().replace("\0", "\\0")))
