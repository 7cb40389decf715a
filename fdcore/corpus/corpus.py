"""Several folders of images as one corpus: a hierarchy, decoded images and all that is odd about them."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.images import ImageStore, decode_images, usable_images
from fdcore.corpus.layouts import ImageFile, ImageSet, Problem, folder_name, read_image_set
from fdcore.errors import CorpusError
from fdcore.progress import Progress, silent

N_SAMPLES = 12
_SURVEY_SIZE_PX = 8  # the smallest that still makes Pillow read every byte of a picture


@dataclass(frozen=True)
class Corpus:
    """What the suspect is shown (paper section 4.1).

    Attributes:
        hierarchy: the given one and the nodes that folders brought with them.
        store: the decoded images.
        problems: what is odd about any file that was listed or read; `used` says which are in the store all the same.
        sources: one line for each folder: "<name> (<layout>)", the name being the first part of image names.
        n_files: how many files were found for each node, sampled or not.
    """

    hierarchy: Hierarchy
    store: ImageStore
    problems: tuple[Problem, ...]
    sources: tuple[str, ...]
    n_files: dict[str, int]

    def __repr__(self) -> str:
        store = self.store
        return f"<Corpus: {len(store.names):,} images of {len(store.nodes):,} leaves, from {', '.join(self.sources)}>"


@dataclass(frozen=True)
class SourceSurvey:
    """What one corpus folder holds.

    Attributes:
        name: its name within the case.
        root: the folder.
        layout: how it was read (see fdcore.corpus.layouts.LAYOUTS).
        n_files: files found, by node.
        n_usable: files that decode and are no duplicates, by node; None where that was not tried.
    """

    name: str
    root: Path
    layout: str
    n_files: dict[str, int]
    n_usable: dict[str, int] | None


@dataclass(frozen=True)
class Survey:
    """What several corpus folders hold together.

    Attributes:
        sources: one for each folder, in the order given.
        hierarchy: the given one and the nodes that folders brought with them.
        labels: the label of every node that has files, by id, sorted.
        problems: what is odd about any file.
        samples: paths of the first few files of every node that has any.
    """

    sources: tuple[SourceSurvey, ...]
    hierarchy: Hierarchy
    labels: dict[str, str]
    problems: tuple[Problem, ...]
    samples: dict[str, tuple[str, ...]]


def open_corpus(
    folders: Sequence[str | Path],
    *,
    hierarchy: Hierarchy,
    height: int,
    width: int,
    channels: int,
    per_leaf: int | None = None,
    seed: int = 0,
    cache: Path,
    progress: Progress = silent,
) -> Corpus:
    """Read folders of images and decode them to the suspect's input size; what was decoded before is not again.

    Args:
        folders: "DIR", or "DIR@NODE" for a set without a hierarchy whose classes hang below a node, which is given by
            id or by words that mean one node. Folders that hold the same node add up.
        hierarchy: the nodes that folders may name.
        height, width, channels: the suspect's input size in pixels, and 3 for RGB or 1 for grey.
        per_leaf: how many usable images to take of each leaf, None for all.
        seed: which ones are taken.
        cache: the folder that keeps decoded images.

    Raises:
        CorpusError: a folder is not there or holds no images in a known layout, a node is unknown, or no image is
            usable.
        SettingsError, StorageError: see `decode_images`.
    """
    larger, sets = _read_sets(folders, hierarchy, progress)
    files = _all_files(sets)
    store, found = decode_images(
        files,
        height=height,
        width=width,
        channels=channels,
        per_leaf=per_leaf,
        seed=seed,
        cache=cache,
        progress=progress,
    )
    problems = (*_all_problems(sets), *found)
    if not store.names:
        raise CorpusError(f"None of the {len(files)} files found is a usable image ({_count_reasons(problems)}).")
    sources = tuple(f"{images.name} ({images.layout})" for images in sets)
    return Corpus(larger, store, problems, sources, _count_by_node(files))


def survey(
    folders: Sequence[str | Path], *, hierarchy: Hierarchy, quick: bool = False, progress: Progress = silent
) -> Survey:
    """See what folders hold, without keeping anything.

    Args:
        folders: as for `open_corpus`.
        hierarchy: the nodes that folders may name.
        quick: list the files only, and do not try whether each can be decoded.

    Raises:
        CorpusError: as for `open_corpus`, save that files which are not usable are no error here.
    """
    larger, sets = _read_sets(folders, hierarchy, progress)
    files, problems = _all_files(sets), _all_problems(sets)
    usable: dict[str, list[ImageFile]] = {images.name: [] for images in sets}
    if not quick:
        side = _SURVEY_SIZE_PX
        images = usable_images(
            files, height=side, width=side, channels=3, per_leaf=None, seed=0, problems=problems, progress=progress
        )
        for image in images:
            usable[image.file.source].append(image.file)
    sources = tuple(
        SourceSurvey(
            name=images.name,
            root=images.root,
            layout=images.layout,
            n_files=_count_by_node(images.files),
            n_usable=None if quick else _count_by_node(usable[images.name]),
        )
        for images in sets
    )
    labels = {node: larger.label(node) for node in sorted({file.node for file in files})}
    return Survey(sources, larger, labels, tuple(problems), _samples(files))


def _read_sets(
    folders: Sequence[str | Path], hierarchy: Hierarchy, progress: Progress
) -> tuple[Hierarchy, list[ImageSet]]:
    if not folders:
        raise CorpusError("A corpus needs at least one folder of images, and none was given.")
    wanted = [_parse_folder(str(folder), hierarchy) for folder in folders]
    names = _distinct([folder_name(root) for root, _ in wanted])
    sets = [
        read_image_set(root, hierarchy=hierarchy, under=under, name=name, progress=progress)
        for (root, under), name in zip(wanted, names, strict=True)
    ]
    new_nodes = [row for images in sets for row in images.new_nodes]
    return (hierarchy.with_children(new_nodes) if new_nodes else hierarchy), sets


def folder_of(text: str) -> Path:
    """The folder that "DIR" or "DIR@NODE" names; a folder whose path holds an @ is taken as it is."""
    return Path(text) if os.path.isdir(text) or "@" not in text else Path(text.rpartition("@")[0])


def _parse_folder(text: str, hierarchy: Hierarchy) -> tuple[Path, str | None]:
    folder = folder_of(text)
    if str(folder) == str(Path(text)):
        return folder, None
    node = text.rpartition("@")[2]
    if not folder.is_dir():
        raise CorpusError(f"Neither {text} nor {folder} is a folder; give a folder of images, as DIR or DIR@NODE.")
    if not node.strip():
        raise CorpusError(f"No node stands after the @ of {text}; give an id or a name, as in DIR@plant.")
    return folder, hierarchy.resolve(node)


def _distinct(names: Sequence[str]) -> list[str]:
    """The names in order, a repeated one with the first free number from 2 on behind it."""
    taken = set(names)
    given: list[str] = []
    for name in names:
        new, number = name, 1
        while new in given or (number > 1 and new in taken):
            number += 1
            new = f"{name}-{number}"
        given.append(new)
    return given


def _all_files(sets: Iterable[ImageSet]) -> list[ImageFile]:
    return [file for images in sets for file in images.files]


def _all_problems(sets: Iterable[ImageSet]) -> list[Problem]:
    return [problem for images in sets for problem in images.problems]


def _samples(files: Iterable[ImageFile]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for file in files:
        known = found.get(file.node, ())
        if len(known) < N_SAMPLES:
            found[file.node] = (*known, str(file.path))
    return dict(sorted(found.items()))


def _count_by_node(files: Iterable[ImageFile]) -> dict[str, int]:
    return dict(sorted(Counter(file.node for file in files).items()))


def _count_reasons(problems: Iterable[Problem]) -> str:
    counts = Counter(problem.reason for problem in problems)
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))
