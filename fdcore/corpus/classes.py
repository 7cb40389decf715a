"""What the readers of all layouts share: the corpus folder, the hierarchy, and which node an image or a class has."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from fdcore.corpus.folder import File, Folder, FolderReader, Listing, label_of, looks_like_image, readable_name
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CorpusError
from fdcore.progress import Progress

MAX_LABEL = 200
"""Characters of a label in a table; longer text is not a label."""

OUTSIDE = (os.sep,)
"""The trail of the folder that contains the corpus folder."""

_WNID = re.compile(r"n\d{8}(?![A-Za-z\d])")


class ImageFile(NamedTuple):
    """A file that may be an image.

    Attributes:
        node: id of its node.
        path: on disk, or in a container (see fdcore.corpus.containers).
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


class Part(NamedTuple):
    """The images of a folder; `new_nodes` are labels by id."""

    layout: str
    files: list[ImageFile]
    new_nodes: dict[str, str]


class LabelTable(NamedTuple):
    """A table that labels pictures.

    Attributes:
        path: of its file.
        labels: (line, file name or id, label) of each row.
        names_nodes: whether the labels are ids of nodes.
    """

    path: str
    labels: Callable[[], Iterator[tuple[int, str, str]]]
    names_nodes: bool


@dataclass(frozen=True)
class Task:
    """What all steps of reading one corpus folder share.

    Attributes:
        reader: lists the folders that are read.
        scout: lists folders to see what they are; its problems are of no interest.
        under: the node below which classes without one are placed.
        hints: why folders that hold images cannot be read, for the case that nothing can.
        tables: the table of each folder that was looked at, by path.
    """

    reader: FolderReader
    scout: FolderReader
    hierarchy: Hierarchy
    under: str | None
    progress: Progress
    hints: list[str] = field(default_factory=list)
    tables: dict[str, LabelTable | None] = field(default_factory=dict)

    def node_named(self, name: str) -> str | None:
        """The node of a folder: its name is the id (accents composed or not), or begins with a WNID."""
        found = (name, unicodedata.normalize("NFC", name), wnid_of(name))
        return next((node for node in found if node in self.hierarchy), None)

    def is_node(self, text: str) -> bool:
        """Whether a table's entry is a node, or would be in a larger WordNet."""
        return text in self.hierarchy or wnid_of(text) == text != ""

    def names_node(self, name: str) -> bool:
        """Whether a folder of this name indicates a set that names its nodes."""
        return bool(wnid_of(name)) or (self.under is None and self.node_named(name) is not None)

    def hint(self, sentence: str) -> None:
        """Note why a folder cannot be read."""
        if sentence not in self.hints:
            self.hints.append(sentence)


def wnid_of(name: str) -> str:
    """The WNID that a name begins with, as in "n02085620-Chihuahua"; "" if there is none."""
    found = _WNID.match(name)
    return found.group() if found else ""


def refuse_under(task: Task, layout: str) -> None:
    """Refuse a node above classes that have their own.

    Raises:
        CorpusError: the caller gave one.
    """
    if task.under is not None:
        raise CorpusError(
            f"{task.reader.source!r} names the nodes of its images itself (layout {layout}), so it cannot be placed "
            f"below {task.under!r}; give the folder without @.",
            key="set names nodes",
        )


def place_labelled(
    task: Task, layout: str, folder: Folder, labelled: Iterable[tuple[File, str | None]], *, source: str
) -> Part:
    """The images of a folder with the labels that something gives them: ids of nodes, or names of new classes.

    Args:
        task: as for all steps.
        layout: the name of the layout.
        folder: the images' folder.
        labelled: each file and its label, None for none.
        source: the name of what gives the labels.
    """
    pairs = [(file, label if label and len(label) <= MAX_LABEL else None) for file, label in labelled]
    labels = dict.fromkeys(label for _, label in pairs if label)
    has_nodes = any(task.is_node(label) for label in labels)
    if has_nodes:
        refuse_under(task, layout)
    nodes = {label: label if has_nodes else new_node(task, label) for label in labels}
    part = Part(layout, [], {} if has_nodes else {nodes[label]: label_of(label) for label in labels})
    for file, label in pairs:
        if not label:
            task.reader.report(file.relative, "no label", f"{source} gives it none of at most {MAX_LABEL} characters")
        elif not has_nodes or nodes[label] in task.hierarchy:
            part.files.append(image_file(task, file, nodes[label]))
    unknown = Counter(label for _, label in pairs if has_nodes and label and label not in task.hierarchy)
    for node, count in sorted(unknown.items()):
        detail = f"no node of the hierarchy has this id; {count} files of it are not used"
        task.reader.report(f"{folder.relative}/{readable_name(node)}".lstrip("/"), "unknown node", detail)
    return part


def new_node(task: Task, name: str) -> str:
    """The id of a class that no hierarchy has."""
    return f"{task.reader.source}/{readable_name(name).replace('/', '_')}"


def class_files(task: Task, folder: Folder, node: str) -> list[ImageFile]:
    """The images of a class folder."""
    files = [image_file(task, file, node) for file in task.reader.images(folder)]
    if not files:
        task.reader.report(folder.relative, "empty folder", "none of its files may be an image")
    return files


def image_file(task: Task, file: File, node: str) -> ImageFile:
    """A file of the corpus folder as an image of a node."""
    return ImageFile(node, Path(file.path), file.relative, task.reader.source)


def counted(task: Task, folders: tuple[Folder, ...]) -> Iterator[Folder]:
    """Folders, with progress."""
    for done, folder in enumerate(folders):
        task.progress("Listing images", done, len(folders))
        yield folder
    task.progress("Listing images", len(folders), len(folders))


def report_stray(task: Task, listing: Listing) -> None:
    """List the files beside class folders, except the tables that were read."""
    tables = {table.path for table in task.tables.values() if table is not None}
    for file in listing.files:
        if file.path in tables:
            continue
        if looks_like_image(file.name) and "." in file.name:
            task.reader.report(file.relative, "not in a class folder", "an image beside the class folders has no node")
        else:
            task.reader.report(file.relative, "other file", "not an image, so not read")


def folders_above(task: Task, folder: Folder) -> Iterator[Folder]:
    """A folder and those that contain it, up to the corpus folder and the one that contains this (see `OUTSIDE`)."""
    yield folder
    here = folder
    while here.relative:
        here = Folder(os.path.dirname(here.path), "", os.path.dirname(here.relative), here.trail[:-1])
        yield here
    yield Folder(os.path.dirname(here.path), "", "", OUTSIDE)
