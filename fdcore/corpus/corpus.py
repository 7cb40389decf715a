"""Several folders of images as one corpus: a hierarchy, decoded images and the problems found in them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.images import ImageStore, Size, decode_images, usable_images
from fdcore.corpus.layouts import TEXTS, ImageFile, ImageSet, Problem, folder_name, is_corpus, read_image_set
from fdcore.corpus.remote import bring, is_address, split_node
from fdcore.errors import CorpusError
from fdcore.progress import Progress, silent
from fdcore.texts import WIDTH, holds_text

N_SAMPLES = 12
_SURVEY_SIZES = (
    (Size(8, 8, 3), False),  # the smallest that still makes Pillow read every byte of a picture
    (Size(1, WIDTH, 1), True),
)


@dataclass(frozen=True)
class SourceSurvey:
    """What one corpus folder holds.

    Attributes:
        name: its name within the case.
        layout: a key of fdcore.corpus.layouts.LAYOUTS.
        n_files: files found, by node.
        n_usable: files that can be decoded and are not duplicates, by node; None if this was not tried.
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
        hierarchy: the given one and the nodes that folders add to it.
        labels: the label of every node that has files, by id, sorted.
        samples: paths of the first few files of every node that has any.
    """

    sources: tuple[SourceSurvey, ...]
    hierarchy: Hierarchy
    labels: dict[str, str]
    problems: tuple[Problem, ...]
    samples: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Corpus:
    """What the suspect is shown (paper section 4.1).

    Attributes:
        hierarchy: the given one and the nodes that folders add to it.
        problems: of files that were listed or read; `used` tells whether a file is in the store nevertheless.
        folders: the name of each folder; image names begin with it.
        sources: "<name> (<layout>)" for each, for people.
        listed: what was found there, sampled or not; which files are usable was only tried for those sampled.
    """

    hierarchy: Hierarchy
    store: ImageStore
    problems: tuple[Problem, ...]
    folders: tuple[str, ...]
    sources: tuple[str, ...]
    listed: Survey

    def __repr__(self) -> str:
        store = self.store
        return f"<Corpus: {len(store.names):,} images of {len(store.nodes):,} leaves, from {', '.join(self.sources)}>"


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
    """Read folders of images and decode them to the suspect's input size, unless the cache has them.

    Args:
        folders: "DIR", or "DIR@NODE" for a set without a hierarchy whose classes are placed below a node, given by
            its id or a name that is unambiguous. Files of the same node in several folders are combined. DIR may be an
            address (`fdcore.corpus.remote`).
        hierarchy: the nodes that folders may name.
        height, width, channels: the suspect's input size in pixels, and 3 for RGB or 1 for grey.
        per_leaf: how many usable images to sample of each leaf, None for all.
        seed: of the sampling.
        cache: the folder of decoded images.

    Raises:
        CorpusError: a folder does not exist or has no images in a known layout, a node is unknown, or no image is
            usable.
        SettingsError, StorageError: see `decode_images`.
    """
    larger, sets = _read_sets(folders, hierarchy, cache, progress)
    files = [file for images in sets for file in images.files]
    store, found = decode_images(
        files, Size(height, width, channels), per_leaf=per_leaf, seed=seed, cache=cache, progress=progress
    )
    problems = (*(problem for images in sets for problem in images.problems), *found)
    if not store.names:
        reasons = Counter(problem.reason for problem in problems)
        counted = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
        taken = "text" if holds_text(height, channels) else "image"
        raise CorpusError(
            f"None of the {len(files)} files found is a usable {taken} ({counted}). The suspect takes {taken}s.",
            key="no usable image",
        )
    sources = tuple(
        f"{images.name} ({images.layout})" + (f" of {split_node(str(text))[0]}" if is_address(str(text)) else "")
        for images, text in zip(sets, folders, strict=True)
    )
    listed = _survey_of(larger, sets, problems, {})
    return Corpus(larger, store, problems, tuple(images.name for images in sets), sources, listed)


def survey(
    folders: Sequence[str | Path], *, hierarchy: Hierarchy, quick: bool = False, cache: Path | None = None,
    progress: Progress = silent,
) -> Survey:  # fmt: skip
    """List what folders hold, without storing anything.

    Args:
        folders: as for `open_corpus`.
        hierarchy: the nodes that folders may name.
        quick: only list the files, without trying to decode them.
        cache: where what an address names is mirrored; None where only paths may be given.

    Raises:
        CorpusError: as for `open_corpus`, except that files may all be unusable.
    """
    larger, sets = _read_sets(folders, hierarchy, cache, progress)
    files = [file for images in sets for file in images.files]
    problems = [problem for images in sets for problem in images.problems]
    usable: dict[str, list[ImageFile]] = {images.name: [] for images in sets}
    texts = {images.name for images in sets if TEXTS in images.layout}
    for size, of_texts in () if quick else _SURVEY_SIZES:
        read = [file for file in files if (file.source in texts) == of_texts]
        for image in usable_images(read, size, per_leaf=None, seed=0, problems=problems, progress=progress):
            usable[image.file.source].append(image.file)
    counts = {} if quick else {name: _count_by_node(found) for name, found in usable.items()}
    return _survey_of(larger, sets, tuple(problems), counts)


def _survey_of(
    larger: Hierarchy, sets: Sequence[ImageSet], problems: tuple[Problem, ...], usable: Mapping[str, dict[str, int]]
) -> Survey:
    """What was listed; `usable` has the usable files of each folder by node, where that was tried."""
    files = [file for images in sets for file in images.files]
    sources = tuple(
        SourceSurvey(images.name, images.root, images.layout, _count_by_node(images.files), usable.get(images.name))
        for images in sets
    )
    labels = {node: larger.label(node) for node in sorted({file.node for file in files})}
    return Survey(sources, larger, labels, problems, _samples(files))


def _read_sets(
    folders: Sequence[str | Path], hierarchy: Hierarchy, cache: Path | None, progress: Progress
) -> tuple[Hierarchy, list[ImageSet]]:
    if not folders:
        raise CorpusError("A corpus needs at least one folder of images, but none was given.", key="no folder")
    local = [bring(str(folder), cache, progress) if cache else str(folder) for folder in folders]
    wanted = [_parse_folder(folder, hierarchy) for folder in local]
    names = _distinct([folder_name(root) for root, _ in wanted])
    sets = [
        read_image_set(root, hierarchy=hierarchy, under=under, name=name, progress=progress)
        for (root, under), name in zip(wanted, names, strict=True)
    ]
    new_nodes = [row for images in sets for row in images.new_nodes]
    return hierarchy.with_children(new_nodes), sets


def folder_of(text: str) -> Path:
    """The folder or archive that "DIR" or "DIR@NODE" names; an existing one whose path contains an @ is one itself.

    An address is not fetched for this: it gives a path that does not exist, with the address's last name.
    """
    if is_address(text):
        return Path(split_node(text)[0])
    return Path(text) if is_corpus(text) or "@" not in text else Path(text.rpartition("@")[0])


def nodes_above(folders: Sequence[str | Path], hierarchy: Hierarchy) -> dict[str, str | None]:
    """For the name of each corpus folder, the node below which its classes are placed; None for none.

    Raises:
        CorpusError: a node is unknown, or a folder that names one does not exist.
    """
    wanted = [_parse_folder(str(folder), hierarchy) for folder in folders]
    names = _distinct([folder_name(root) for root, _ in wanted])
    return dict(zip(names, (under for _, under in wanted), strict=True))


def _parse_folder(text: str, hierarchy: Hierarchy) -> tuple[Path, str | None]:
    folder = folder_of(text)
    if str(folder) == str(Path(text)):
        return folder, None
    node = text.rpartition("@")[2]
    if not is_corpus(folder) and not is_address(text):
        raise CorpusError(
            f"Neither {text} nor {folder} is a folder; give a folder of images, as DIR or DIR@NODE.", key="not a folder"
        )
    if not node.strip():
        raise CorpusError(
            f"There is no node after the @ of {text}; give an id or a name, as in DIR@plant.", key="no node"
        )
    return folder, hierarchy.resolve(node)


def _distinct(names: Sequence[str]) -> list[str]:
    """The names in order; a repeated name gets the first free number from 2 as its suffix."""
    taken = set(names)
    given: list[str] = []
    for name in names:
        new, number = name, 1
        while new in given or (number > 1 and new in taken):
            number += 1
            new = f"{name}-{number}"
        given.append(new)
    return given


def _samples(files: Iterable[ImageFile]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for file in files:
        known = found.get(file.node, ())
        if len(known) < N_SAMPLES:
            found[file.node] = (*known, str(file.path))
    return dict(sorted(found.items()))


def _count_by_node(files: Iterable[ImageFile]) -> dict[str, int]:
    return dict(sorted(Counter(file.node for file in files).items()))
