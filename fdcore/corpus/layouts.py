"""Which images a folder contains and which node each belongs to, recognised from the folder's content.

Reading a folder only lists names; decoding shows whether a file really is an image (fdcore.corpus.images). A folder
above the images of a data set is entered, and one that is split into `train`, `val` and the like is read as the union
of these (fdcore.corpus.entering), so that a whole data set can be named; parts without labels are left out and listed.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fdcore.corpus.classes import (
    ImageFile,
    Part,
    Task,
    class_files,
    counted,
    image_file,
    new_node,
    place_labelled,
    refuse_under,
    report_stray,
    wnid_of,
)
from fdcore.corpus.containers import is_tar, is_text_file, text_lines
from fdcore.corpus.entering import find_places
from fdcore.corpus.folder import File, Folder, FolderReader, Listing, Problem, label_of, looks_like_image, readable_name
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.label_tables import ANNOTATIONS, LABEL_COLUMNS, annotations, find_table, read_labelled
from fdcore.corpus.parquet import Shard, is_parquet, read_labels, read_shard
from fdcore.corpus.picture_list import is_list, read_list
from fdcore.errors import CorpusError
from fdcore.progress import Progress, silent

__all__ = ["LAYOUTS", "TEXTS", "ImageFile", "ImageSet", "Problem", "folder_name", "is_corpus", "read_image_set"]

_PACKED = (".zip", ".7z", ".rar", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
_N_HINTS = 3
TEXTS = "texts"  # the layout whose files are texts


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


def read_image_set(
    root: Path, *, hierarchy: Hierarchy, under: str | None = None, name: str | None = None, progress: Progress = silent
) -> ImageSet:
    """Find the images in a folder and the node of each.

    Args:
        root: the corpus folder, a tar archive, a parquet file, or a list of pictures.
        hierarchy: the nodes that folder names and tables may name.
        under: for a set without a hierarchy, the id of the node below which its classes are placed. None makes each
            class a root, scored on function alone.
        name: the folder's name within the case; by default its own.

    Raises:
        CorpusError: there is no such folder, it has no images in a known layout, it contains several data sets, `under`
            is not a node, or `under` is given for a set that names its nodes itself.
    """
    if not is_corpus(root):
        what = "is a file of another kind" if os.path.exists(root) else "does not exist"
        raise CorpusError(
            f"{root} {what}; give a folder of images, a tar archive, a parquet file, or a list of pictures (.txt or "
            ".csv).",
            key="not a folder",
        )
    if under is not None:
        hierarchy.index(under)
    source = name or folder_name(root)
    task = Task(FolderReader(root, source), FolderReader(root, source), hierarchy, under, progress)
    parts = [LAYOUTS[layout].read(task, folder) for folder, layout in find_places(task, _layout_of)]
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


def is_corpus(path: str | Path) -> bool:
    """Whether a path is a folder, a tar archive, a parquet file or a list, the content of which decides the rest."""
    packed = is_tar(str(path)) or is_parquet(str(path))
    return os.path.isdir(path) or (packed and os.path.isfile(path)) or is_list(path)


def _layout_of(task: Task, folder: Folder, listing: Listing) -> str | None:
    return next((name for name, layout in LAYOUTS.items() if layout.fits(task, folder, listing)), None)


# Folders of one node each


def _has_node_folders(task: Task, folder: Folder, listing: Listing) -> bool:
    return any(task.names_node(below.name) for below in listing.folders) or _is_single_node(task, folder, listing)


def _is_single_node(task: Task, folder: Folder, listing: Listing) -> bool:
    """Whether the corpus folder is itself the folder of one node of an ImageNet-like set."""
    node = wnid_of(folder.name)
    holds_images = folder.name == node or any(looks_like_image(file.name) for file in listing.files)
    return folder == task.reader.top and node in task.hierarchy and holds_images


def _read_imagenet(task: Task, folder: Folder) -> Part:
    refuse_under(task, "imagenet")
    part = Part("imagenet", [], {})
    listing = task.reader.list(folder)
    if not any(task.names_node(below.name) for below in listing.folders):
        part.files.extend(class_files(task, folder, wnid_of(folder.name)))
        return part
    report_stray(task, listing)
    for below in counted(task, listing.folders):
        node = task.node_named(below.name)
        if node is not None:
            part.files.extend(class_files(task, below, node))
        else:
            detail = "no node of the hierarchy has this id; the files of the folder are not used"
            task.reader.report(below.relative, "unknown node", detail)
    return part


# Folders of one class each


def _read_folders(task: Task, folder: Folder) -> Part:
    part = Part("folders", [], {})
    listing = task.reader.list(folder)
    report_stray(task, listing)
    for below in counted(task, listing.folders):
        node = new_node(task, below.name)
        files = class_files(task, below, node)
        part.files.extend(files)
        if files:
            part.new_nodes[node] = label_of(below.name)
    return part


# One class


def _is_one_class(task: Task, folder: Folder, listing: Listing) -> bool:
    """Whether a folder of pictures alone is given as one class below a node, and no table of them was in doubt."""
    pictures = any(looks_like_image(file.name) and "." in file.name for file in listing.files)
    return pictures and task.under is not None and folder == task.reader.top and not task.hints


def _read_one_class(task: Task, folder: Folder) -> Part:
    node = new_node(task, folder.name)
    return Part("pictures", class_files(task, folder, node), {node: label_of(folder.name)})


# Texts


def _has_texts(task: Task, folder: Folder, listing: Listing) -> bool:
    """Whether the folders hold texts and nothing else that counts; without folders, whether several texts are there."""
    if not listing.folders:
        found = [file.name for file in listing.files]
        return sum(map(is_text_file, found)) > 1 and not any(map(_is_picture, found))
    holding = 0
    for below in listing.folders:
        inside = task.scout.list(below)
        n_texts = sum(is_text_file(file.name) for file in inside.files)
        if is_tar(below.path) or inside.folders or any(_is_picture(file.name) for file in inside.files):
            return False
        if not n_texts and inside.files:
            return False
        holding += n_texts > 0
    return holding > 0


def _is_picture(name: str) -> bool:
    return looks_like_image(name) and "." in name


def _read_texts(task: Task, folder: Folder) -> Part:
    part = Part(TEXTS, [], {})
    listing = task.reader.list(folder)
    lists = [] if listing.folders else _texts_in(task, listing)
    if not lists:
        report_stray(task, Listing((), listing.files))
    for below in counted(task, listing.folders):
        _add_texts(task, part, below.name, below.relative, _texts_in(task, task.reader.list(below)))
    for file in lists:
        _add_texts(task, part, file.name.rpartition(".")[0], file.relative, _lines_of(task, file))
    return part


def _texts_in(task: Task, listing: Listing) -> list[File]:
    """The texts in a folder; other files are reported."""
    for file in listing.files:
        if not is_text_file(file.name):
            task.reader.report(file.relative, "other file", "not a .txt file, so not read")
    return [file for file in listing.files if is_text_file(file.name)]


def _add_texts(task: Task, part: Part, name: str, relative: str, texts: list[File]) -> None:
    known = task.node_named(name) if task.names_node(name) else None
    if known is None and wnid_of(name):
        task.reader.report(relative, "unknown node", "no node of the hierarchy has this id; its texts are not used")
    elif not texts:
        task.reader.report(relative, "empty folder", "it holds no text")
    else:
        if known is not None:
            refuse_under(task, TEXTS)
        node = known or new_node(task, name)
        part.files.extend(image_file(task, text, node) for text in texts)
        if known is None:
            part.new_nodes[node] = label_of(name)


def _lines_of(task: Task, file: File) -> list[File]:
    """Each line of a text that is not empty, as a file of its own, `<name>.txt/<number>`."""
    try:
        lines = text_lines(Path(file.path))
    except OSError as error:  # also where the file lies in an archive
        task.reader.report(file.relative, "unreadable", error.strerror or str(error))
        return []
    return [
        File(f"{file.path}/{number}", str(number), f"{file.relative}/{number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


# Tables


def _read_annotated(task: Task, folder: Folder) -> Part:
    refuse_under(task, "tiny-imagenet-val")
    return read_labelled(task, "tiny-imagenet-val", folder, annotations(task, folder))


def _has_table(task: Task, folder: Folder, listing: Listing, *, names_nodes: bool) -> bool:
    table = find_table(task, folder, listing)
    return table is not None and table.names_nodes == names_nodes


def _read_with_table(task: Task, folder: Folder, layout: str) -> Part:
    table = find_table(task, folder, task.reader.list(folder))
    return Part(layout, [], {}) if table is None else read_labelled(task, layout, folder, table)


# Parquet


def _has_shards(task: Task, folder: Folder, listing: Listing) -> bool:
    return any(_shard(task, file, task.scout) for file in _shard_itself(folder) or listing.files
               if is_parquet(file.path))  # fmt: skip


def _shard_itself(folder: Folder) -> tuple[File, ...]:
    """The corpus folder as a file where it is a parquet file; its rows are named by their numbers alone."""
    return (File(folder.path, folder.name, ""),) if is_parquet(folder.path) and os.path.isfile(folder.path) else ()


def _read_shards(task: Task, folder: Folder) -> Part:
    labelled: list[tuple[File, str | None]] = []
    for file in _shard_itself(folder) or task.reader.list(folder).files:
        shard = _shard(task, file, task.reader) if is_parquet(file.path) else None
        if shard is not None:
            labelled.extend(_labelled_rows(task, file, shard))
        else:
            task.reader.report(file.relative, "other file", "no parquet file of pictures, so not read")
    return place_labelled(task, "parquet", folder, labelled, source="its row")


def _shard(task: Task, file: File, reader: FolderReader) -> Shard | None:
    """What a file holds; None if it holds no pictures."""
    try:
        shard = read_shard(file.path)
    except OSError as error:
        reader.report(file.relative, "unreadable", error.strerror or str(error))
        return None
    return shard if shard.picture else None


def _labelled_rows(task: Task, file: File, shard: Shard) -> list[tuple[File, str | None]]:
    """Each row as a file of its own, `<shard>/<number>`, and its label."""
    column = next((name for name in LABEL_COLUMNS if name in shard.columns), None)
    if column is None and len(shard.class_names) == 1:
        [column] = shard.class_names
    if column is None:
        has = ", ".join(map(readable_name, shard.columns)) or "none"
        task.hint(
            f"{file.relative or file.name} holds pictures, but none of its other columns ({has}) is named 'label'."
        )
        return []
    names = shard.class_names.get(column)
    labelled: list[tuple[File, str | None]] = []
    try:
        for row, entry in enumerate(read_labels(file.path, column)):
            picture = File(f"{file.path}/{row}", str(row), f"{file.relative}/{row}".lstrip("/"))
            labelled.append((picture, _label(entry, names)))
    except OSError as error:
        task.reader.report(file.relative, "unreadable", error.strerror or str(error))
    return labelled


def _label(entry: object, names: tuple[str, ...] | None) -> str | None:
    """The label in a cell: text, or a number, which may have a name; a hidden label is -1."""
    if isinstance(entry, int) and names is not None:
        return names[entry] if 0 <= entry < len(names) else None
    return str(entry).strip() if isinstance(entry, int | str) and entry != -1 else None


class Layout(NamedTuple):
    """A way in which folders hold labelled images.

    Attributes:
        text: what it looks like, for people.
        fits: whether a folder with this listing has the layout.
        read: the folder's images, with the node of each.
    """

    text: str
    fits: Callable[[Task, Folder, Listing], bool]
    read: Callable[[Task, Folder], Part]


LAYOUTS = {
    "list": Layout(
        "a text file with the path of a picture in each line, or a CSV of paths and labels, in a folder above them",
        lambda _task, folder, _listing: is_list(folder.path),
        read_list,
    ),
    TEXTS: Layout(
        "one folder of .txt files per class, each file a text; or, without folders, one .txt file per class, each line "
        "a text",
        _has_texts,
        _read_texts,
    ),
    "tiny-imagenet-val": Layout(
        "images/ with val_annotations.txt beside it",
        lambda _task, _folder, listing: any(file.name == ANNOTATIONS for file in listing.files),
        _read_annotated,
    ),
    "imagenet": Layout(
        "one folder or tar archive per node, whose name is its id or begins with it, such as n02084071/*.JPEG",
        _has_node_folders,
        _read_imagenet,
    ),
    "ilsvrc-val": Layout(
        "images with a table of their nodes in the folder or above it (LOC_val_solution.csv, or the ground truth of "
        "ILSVRC's development kit)",
        partial(_has_table, names_nodes=True),
        partial(_read_with_table, layout="ilsvrc-val"),
    ),
    "table": Layout(
        "images with a CSV or metadata.jsonl of file names and labels in the folder or above it",
        partial(_has_table, names_nodes=False),
        partial(_read_with_table, layout="table"),
    ),
    "parquet": Layout("parquet files with a column of images and one of labels", _has_shards, _read_shards),
    "folders": Layout(
        "one folder or tar archive of images per class, without a hierarchy",
        lambda _task, _folder, listing: bool(listing.folders),
        _read_folders,
    ),
    "pictures": Layout("pictures of one class, placed below a node with @NODE", _is_one_class, _read_one_class),
}
"""The corpus readers; a folder is read by the first that fits. A new layout is one more entry here."""


def _nothing_found(task: Task, root: Path) -> str:
    listing = task.reader.list(task.reader.top)
    folders = [readable_name(folder.name) for folder in listing.folders]
    files = [readable_name(file.name) for file in listing.files]
    reasons = Counter(problem.reason for problem in task.reader.problems)
    seen = f"It contains {_some(folders, 'folder')} and {_some(files, 'file')}."
    counted = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
    known = "; ".join(f"{name} ({layout.text})" for name, layout in LAYOUTS.items())
    found = f" Left out: {counted}." if counted else ""
    for problem in task.scout.problems:
        if problem.reason in ("unreadable", "damaged archive"):
            task.hint(f"{problem.path}: {problem.reason} ({problem.detail}).")
    packed = [name for name in files if name.lower().endswith(_PACKED)]
    if packed:
        task.hint(f"Unpack {_some(packed, 'archive')}: of archives only .tar, .tar.gz and .tgz are read.")
    why = "".join(f" {hint}" for hint in task.hints[:_N_HINTS])
    return f"{root} has no images in a known layout.{why} {seen}{found} Known layouts: {known}."


def _some(names: list[str], what: str) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}" + (f" ({shown})" if names else "")
