"""Which images a folder contains and which node each belongs to, recognised from the folder's content.

Reading a folder only lists names; decoding shows whether a file really is an image (fdcore.corpus.images). A folder
that contains nothing but `train`, `val` and the like is read as the union of these, so that a whole data set (Tiny
ImageNet's root) can be named; parts without labels are left out and listed.
"""

import csv
import itertools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fdcore.corpus.folder import File, Folder, FolderReader, Listing, Problem, label_of, looks_like_image, readable_name
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CorpusError
from fdcore.progress import Progress, silent

__all__ = ["LAYOUTS", "ImageFile", "ImageSet", "Problem", "folder_name", "read_image_set"]

_ANNOTATIONS = "val_annotations.txt"
_WNID = re.compile(r"n\d{8}")
_SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
_N_PROBED_ROWS = 8


class ImageFile(NamedTuple):
    """A file that may be an image.

    Attributes:
        node: id of its node.
        name: printable path relative to its corpus folder, with "/".
        source: name of its corpus folder within the case.
    """

    node: str
    path: Path
    name: str
    source: str = ""

    @property
    def full_name(self) -> str:
        """The name preceded by that of its corpus folder: unique within a case."""
        return f"{self.source}/{self.name}" if self.source else self.name


@dataclass(frozen=True)
class ImageSet:
    """What one corpus folder contains.

    Attributes:
        layout: a key of LAYOUTS, or several joined by " + " if the folder is split into train, val and so on.
        files: in sorted order, each file once per class that contains it.
        new_nodes: (id, parent id or None, label) of nodes that are not in the hierarchy.
        problems: what was left out and why, including stray files of the root as "other file".
        name: the folder's name within the case; first part of names, of problems' paths and of new node ids.
    """

    root: Path
    layout: str
    files: tuple[ImageFile, ...]
    new_nodes: tuple[tuple[str, str | None, str], ...]
    problems: tuple[Problem, ...]
    name: str


class _Row(NamedTuple):
    line: int
    file: str
    node: str


@dataclass(frozen=True)
class _Task:
    """What all steps of reading one folder share."""

    reader: FolderReader
    hierarchy: Hierarchy
    under: str | None
    progress: Progress

    def node_named(self, name: str) -> str | None:
        """The node whose id is the name of a folder; composed and decomposed accents are equal."""
        return next((node for node in (name, unicodedata.normalize("NFC", name)) if node in self.hierarchy), None)

    def is_node(self, text: str) -> bool:
        """Whether a table's entry is a node, or would be in a larger WordNet."""
        return text in self.hierarchy or bool(_WNID.fullmatch(text))

    def names_node(self, name: str) -> bool:
        """Whether a folder of this name indicates a set that names its nodes."""
        return bool(_WNID.fullmatch(name)) or (self.under is None and self.node_named(name) is not None)


class _Part(NamedTuple):
    layout: str
    files: list[ImageFile]
    new_nodes: dict[str, str]  # id -> label


def read_image_set(
    root: Path, *, hierarchy: Hierarchy, under: str | None = None, name: str | None = None, progress: Progress = silent
) -> ImageSet:
    """Find the images in a folder and the node of each.

    Args:
        root: the corpus folder.
        hierarchy: the nodes that folder names and tables may name.
        under: for a set without a hierarchy, the id of the node below which its classes are placed. None makes each
            class a root, scored on function alone.
        name: the folder's name within the case; by default its own.

    Raises:
        CorpusError: there is no such folder, it has no images in a known layout, `under` is not a node, or `under` is
            given for a set that names its nodes itself.
    """
    if not os.path.isdir(root):
        what = "is a file" if os.path.exists(root) else "does not exist"
        raise CorpusError(f"{root} {what}; give a folder of images.", key="not a folder")
    if under is not None:
        hierarchy.index(under)
    source = name or folder_name(root)
    task = _Task(FolderReader(root, source), hierarchy, under, progress)
    parts = [_read_part(task, folder, layout) for folder, layout in _parts(task)]
    files = [file for part in parts for file in part.files]
    if not files:
        raise CorpusError(_nothing_found(task, root), key="no images found")
    labels = {node: label for part in parts for node, label in part.new_nodes.items()}
    new_nodes = tuple((node, under, label) for node, label in labels.items() if node not in hierarchy)
    layout = " + ".join(dict.fromkeys(part.layout for part in parts))
    return ImageSet(root, layout, tuple(files), new_nodes, task.reader.problems, source)


def folder_name(root: Path) -> str:
    """The default name of a corpus folder: its own name, printable and without "/"."""
    return readable_name(os.path.basename(os.path.abspath(root))) or "corpus"


def _parts(task: _Task) -> list[tuple[Folder, str]]:
    """The folder itself, or the parts into which it is split, each with its layout."""
    top = task.reader.top
    listing = task.reader.list(top)
    names = {folder.name.lower() for folder in listing.folders}
    if names and names <= _SPLITS and not any(task.node_named(folder.name) for folder in listing.folders):
        layouts = [(folder, _layout_of(task, folder)) for folder in listing.folders]
        if any(layout for _, layout in layouts):
            _report_stray(task, listing)
            return _labelled_parts(task, layouts)
    layout = _layout_of(task, top)
    return [(top, layout)] if layout else []


def _labelled_parts(task: _Task, layouts: list[tuple[Folder, str | None]]) -> list[tuple[Folder, str]]:
    """The parts with labels; a part with plain folders (test/images) beside parts that name their nodes has none."""
    has_nodes = any(layout not in (None, "folders") for _, layout in layouts)
    parts = []
    for folder, layout in layouts:
        if layout is None or (has_nodes and layout == "folders"):
            task.reader.report(folder.relative, "no labels", "nothing shows which node its images belong to")
        else:
            parts.append((folder, layout))
    return parts


def _layout_of(task: _Task, folder: Folder) -> str | None:
    listing = task.reader.list(folder)
    return next((name for name, layout in LAYOUTS.items() if layout.fits(task, folder, listing)), None)


def _has_node_folders(task: _Task, folder: Folder, listing: Listing) -> bool:
    return any(task.names_node(below.name) for below in listing.folders) or _is_single_node(task, folder)


def _is_single_node(task: _Task, folder: Folder) -> bool:
    """Whether the corpus folder is itself the folder of one node of an ImageNet-like set."""
    return folder == task.reader.top and bool(_WNID.fullmatch(folder.name)) and folder.name in task.hierarchy


def _read_part(task: _Task, folder: Folder, layout: str) -> _Part:
    if task.under is not None and LAYOUTS[layout].names_nodes:
        raise CorpusError(
            f"{task.reader.source!r} names the nodes of its images itself (layout {layout}), so it cannot be placed "
            f"below {task.under!r}; give the folder without @.",
            key="set names nodes",
        )
    return LAYOUTS[layout].read(task, folder)


def _read_imagenet(task: _Task, folder: Folder) -> _Part:
    part = _Part("imagenet", [], {})
    listing = task.reader.list(folder)
    if _is_single_node(task, folder) and not any(task.names_node(below.name) for below in listing.folders):
        part.files.extend(_class_files(task, folder, folder.name))
        return part
    _report_stray(task, listing)
    for below in _counted(task, listing.folders):
        node = task.node_named(below.name)
        if node is not None:
            part.files.extend(_class_files(task, below, node))
        else:
            detail = "no node of the hierarchy has this id; the files of the folder are not used"
            task.reader.report(below.relative, "unknown node", detail)
    return part


def _read_folders(task: _Task, folder: Folder) -> _Part:
    part = _Part("folders", [], {})
    listing = task.reader.list(folder)
    _report_stray(task, listing)
    for below in _counted(task, listing.folders):
        node = f"{task.reader.source}/{readable_name(below.name)}"
        files = _class_files(task, below, node)
        part.files.extend(files)
        if files:
            part.new_nodes[node] = label_of(below.name)
    return part


def _class_files(task: _Task, folder: Folder, node: str) -> list[ImageFile]:
    files = [_image_file(task, file, node) for file in task.reader.images(folder)]
    if not files:
        task.reader.report(folder.relative, "empty folder", "none of its files may be an image")
    return files


def _image_file(task: _Task, file: File, node: str) -> ImageFile:
    return ImageFile(node, Path(file.path), file.relative, task.reader.source)


def _counted(task: _Task, folders: tuple[Folder, ...]) -> Iterator[Folder]:
    for done, folder in enumerate(folders):
        task.progress("Listing images", done, len(folders))
        yield folder
    task.progress("Listing images", len(folders), len(folders))


def _report_stray(task: _Task, listing: Listing) -> None:
    for file in listing.files:
        if looks_like_image(file.name) and "." in file.name:
            task.reader.report(file.relative, "not in a class folder", "an image beside the class folders has no node")
        else:
            task.reader.report(file.relative, "other file", "not an image, so not read")


def _read_annotated(task: _Task, folder: Folder) -> _Part:
    table = next(file.path for file in task.reader.list(folder).files if file.name == _ANNOTATIONS)
    return _read_table_set(task, folder, "tiny-imagenet-val", table, _read_annotations(task, table))


def _read_with_csv(task: _Task, folder: Folder) -> _Part:
    table = _find_table(task, folder, task.reader.list(folder)) or ""
    return _read_table_set(task, folder, "ilsvrc-val", table, _read_csv(task, table))


def _read_table_set(task: _Task, folder: Folder, layout: str, table: str, rows: Iterable[_Row]) -> _Part:
    """Read a set whose images are labelled by a table of file names and nodes."""
    files = list(task.reader.images(folder, ignore=frozenset({table})))
    labels = _labels_of_files(task, folder, files, rows, os.path.basename(table))
    part = _Part(layout, [], {})
    for file in files:
        label = labels.get(file.relative)
        if label is None:
            task.reader.report(file.relative, "no label", f"it is not in {os.path.basename(table)}")
        elif label in task.hierarchy:
            part.files.append(_image_file(task, file, label))
    unknown = Counter(label for label in labels.values() if label not in task.hierarchy)
    for node, count in sorted(unknown.items()):
        detail = f"no node of the hierarchy has this id; {count} files of it are not used"
        task.reader.report(f"{folder.relative}/{readable_name(node)}".lstrip("/"), "unknown node", detail)
    return part


def _labels_of_files(
    task: _Task, folder: Folder, files: list[File], rows: Iterable[_Row], table: str
) -> dict[str, str]:
    """Node ids by relative path of the file; a table may name a file with or without folder and extension."""
    by_key = _by_key(folder, files)
    labels: dict[str, str] = {}
    for row in rows:
        found = _find_file(by_key, row.file)
        if found is None:
            missing = f"{folder.relative}/{readable_name(row.file)}".lstrip("/")
            task.reader.report(missing, "missing file", f"{table} names it in line {row.line}")
        elif labels.setdefault(found.relative, row.node) != row.node:
            detail = f"{table} gives {row.node} in line {row.line}; {labels[found.relative]}, given before, is kept"
            task.reader.report(found.relative, "labelled twice", readable_name(detail))
    return labels


def _by_key(folder: Folder, files: list[File]) -> dict[str, File]:
    """Files by everything that a table may call them: path below the folder, name, name without extension."""
    by_key: dict[str, File] = {}
    for file in files:
        for key in (file.relative.removeprefix(f"{folder.relative}/"), file.name, os.path.splitext(file.name)[0]):
            by_key.setdefault(key, file)
    return by_key


def _find_file(by_key: dict[str, File], name: str) -> File | None:
    return by_key.get(name) or by_key.get(name.rpartition("/")[2])


def _read_annotations(task: _Task, table: str) -> Iterator[_Row]:
    """Rows of val_annotations.txt: file, wnid and a box, separated by tabs."""
    try:
        lines = Path(table).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        message = f"The table {table} cannot be read ({error.strerror}); make it readable."
        raise CorpusError(message) from error
    for line, text in enumerate(lines, start=1):
        fields = text.split("\t") if "\t" in text else text.split()
        if len(fields) >= 2:
            yield _Row(line, fields[0].strip(), fields[1].strip())
        elif fields:
            task.reader.report(_ANNOTATIONS, "unreadable line", f"line {line} has no file and node")


def _find_table(task: _Task, folder: Folder, listing: Listing) -> str | None:
    """The CSV that labels the images of a folder: in the folder, or else beside it."""
    by_key = _by_key(folder, [file for file in listing.files if looks_like_image(file.name)])
    inside = [file.path for file in listing.files if file.name.lower().endswith(".csv")]
    tables = (*inside, *_tables_beside(folder)) if by_key else ()
    return next((path for path in tables if _labels_any(task, path, by_key)), None)


def _tables_beside(folder: Folder) -> list[str]:
    try:
        with os.scandir(os.path.dirname(folder.path)) as scan:
            return sorted(entry.path for entry in scan if entry.name.lower().endswith(".csv") and entry.is_file())
    except OSError:  # the parent folder is not readable
        return []


def _labels_any(task: _Task, path: str, by_key: dict[str, File]) -> bool:
    """Whether a CSV has nodes in its first rows and names any of the files."""
    try:
        probe = itertools.islice(_read_csv(task, path), _N_PROBED_ROWS)
        if not any(task.is_node(row.node) for row in probe):
            return False
        return any(_find_file(by_key, row.file) for row in _read_csv(task, path))
    except OSError as error:
        task.reader.report(readable_name(os.path.basename(path)), "unreadable", error.strerror or "cannot be read")
        return False


def _read_csv(task: _Task, path: str) -> Iterator[_Row]:
    """Rows of a CSV without its header: file name (or image id), then a node id, perhaps followed by boxes."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            for line, fields in enumerate(csv.reader(file), start=1):
                text = fields[1].strip() if len(fields) >= 2 else ""
                node = text if text in task.hierarchy else text.partition(" ")[0]
                if node and (line > 1 or task.is_node(node)):
                    yield _Row(line, fields[0].strip(), node)
        except csv.Error:  # not a CSV despite its name: it labels nothing from here on
            return


class Layout(NamedTuple):
    """A way in which folders hold labelled images.

    Attributes:
        text: what it looks like, for people.
        fits: whether a folder with this listing has the layout.
        read: the folder's images, with the node of each.
        names_nodes: whether it names the nodes of its images, so that it cannot be placed below another node.
    """

    text: str
    fits: Callable[[_Task, Folder, Listing], bool]
    read: Callable[[_Task, Folder], _Part]
    names_nodes: bool = True


LAYOUTS = {
    "tiny-imagenet-val": Layout(
        "images/ with val_annotations.txt beside it",
        lambda _task, _folder, listing: any(file.name == _ANNOTATIONS for file in listing.files),
        _read_annotated,
    ),
    "imagenet": Layout(
        "one folder per node, named by its id, such as n02084071/*.JPEG, with or without images/ below",
        _has_node_folders,
        _read_imagenet,
    ),
    "ilsvrc-val": Layout(
        "images with a CSV of file name and node id in the folder or beside it (LOC_val_solution.csv)",
        lambda task, folder, listing: _find_table(task, folder, listing) is not None,
        _read_with_csv,
    ),
    "folders": Layout(
        "one folder of images per class, without a hierarchy",
        lambda _task, _folder, listing: bool(listing.folders),
        _read_folders,
        names_nodes=False,
    ),
}
"""The corpus readers; a folder is read by the first that fits. A new layout is one more entry here."""


def _nothing_found(task: _Task, root: Path) -> str:
    listing = task.reader.list(task.reader.top)
    folders = [readable_name(folder.name) for folder in listing.folders]
    files = [readable_name(file.name) for file in listing.files]
    reasons = Counter(problem.reason for problem in task.reader.problems)
    seen = f"It contains {_some(folders, 'folder')} and {_some(files, 'file')}."
    counted = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
    known = "; ".join(f"{name} ({layout.text})" for name, layout in LAYOUTS.items())
    found = f" Left out: {counted}." if counted else ""
    return f"{root} has no images in a known layout. {seen}{found} Known layouts: {known}."


def _some(names: list[str], what: str) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}" + (f" ({shown})" if names else "")
