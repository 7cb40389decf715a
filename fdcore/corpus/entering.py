"""Where the labelled images of a corpus folder are: in it, in its parts, or further down.

People name the folder that they unpacked. Above the classes may lie a folder of the same name, `images/` beside
`annotations/`, or `Data/CLS-LOC/`, and `train` and `test` are parts of a set, not classes. A folder is entered where
only one thing can be meant; where several can, the folders to choose from are named.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from fdcore.corpus.classes import Task, report_stray
from fdcore.corpus.folder import Folder, Listing, looks_like_image, readable_name
from fdcore.corpus.parquet import is_parquet
from fdcore.errors import CorpusError

LayoutOf = Callable[[Task, Folder, Listing], str | None]

_SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
_ASIDE = re.compile(r"annotations?|imagesets|.*devkit.*", re.IGNORECASE)  # beside the pictures of well-known sets
_PICTURES = frozenset({"images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "data"})
_MAX_DEPTH = 6
_N_SHOWN = 5
_PLAIN = "folders"
_ASIDE_DETAIL = "a folder of annotations is not read"
_UNLABELLED_DETAIL = "nothing shows which node its images belong to"


class _Place(NamedTuple):
    """A folder on the way to the images: read with a layout, or left out for a reason, or passed (neither)."""

    folder: Folder
    layout: str | None
    reason: str = ""
    detail: str = ""


def is_split(name: str, *, exactly: bool = False) -> bool:
    """Whether a folder's name is that of a part of a set: "train", or also "seg_train" and "test-multiple"."""
    words = re.findall(r"[a-z]+", name.lower())
    return name.lower() in _SPLITS if exactly else bool(_SPLITS & set(words[:1] + words[-1:]))


def find_places(task: Task, layout_of: LayoutOf) -> list[tuple[Folder, str]]:
    """The folders to read, each with its layout; what is left out beside them is reported.

    Args:
        task: as for all steps of reading.
        layout_of: the layout of a folder with this listing, None if it has none.

    Raises:
        CorpusError: several data sets lie in the folder.
    """
    places = _Finder(task, layout_of).places(task.reader.top)
    for place in places:
        if place.reason:
            task.reader.report(place.folder.relative, place.reason, place.detail)
        elif place.layout is None:
            report_stray(task, task.reader.list(place.folder))
    return [(place.folder, place.layout) for place in places if place.layout]


class _Finder:
    def __init__(self, task: Task, layout_of: LayoutOf) -> None:
        self._task = task
        self._layout_of = layout_of

    def places(self, folder: Folder, depth: int = 0, *, in_split: bool = False) -> list[_Place]:
        """The places in a folder; [] if it holds no labelled images."""
        listing = self._task.scout.list(folder)
        aside = [below for below in listing.folders if _ASIDE.fullmatch(below.name)]
        below = [one for one in listing.folders if one not in aside]
        way = [_Place(folder, None), *(_Place(one, None, "no pictures", _ASIDE_DETAIL) for one in aside)]
        if splits := self._splits(below):
            inner = self._in_splits(splits, depth)
            return [*way, *inner] if inner else []
        layout = self._layout_of(self._task, folder, listing)
        if layout is None:
            self._hint(folder, listing)
        elif layout == _PLAIN:
            if inner := self._entered(below, depth):
                return [*way, *inner]
            if flat := self._flat(listing, below, in_split):
                self._hint(flat, self._task.scout.list(flat))
                return []
        return [_Place(folder, layout)] if layout else []

    def _splits(self, below: list[Folder]) -> list[Folder]:
        """The folders that are parts of a set; none if they may be classes.

        Raises:
            CorpusError: parts lie beside other folders with images.
        """
        splits = [one for one in below if is_split(one.name) and self._task.node_named(one.name) is None]
        if not splits:
            return []
        others = [one for one in below if one not in splits and self._holds_images(one)]
        is_alone = len(splits) == 1 and not others
        if not is_alone and not any(is_split(one.name, exactly=True) or self._holds_folders(one) for one in splits):
            return []
        if others and any(self._holds_folders(one) for one in splits):
            self._refuse([*splits, *others])
        return [] if others else splits

    def _in_splits(self, splits: list[Folder], depth: int) -> list[_Place]:
        """The places in the parts; those of plain folders (test/images) beside parts with nodes have no labels."""
        found = [self.places(one, depth + 1, in_split=True) if depth < _MAX_DEPTH else [] for one in splits]
        layouts = {place.layout for places in found for place in places} - {None}
        if not layouts:
            return []
        inner: list[_Place] = []
        for split, places in zip(splits, found, strict=True):
            is_labelled = any(place.layout and (place.layout != _PLAIN or layouts == {_PLAIN}) for place in places)
            inner += places if is_labelled else [_Place(split, None, "no labels", _UNLABELLED_DETAIL)]
        return inner

    def _entered(self, below: list[Folder], depth: int) -> list[_Place]:
        """The places in the only folder that holds images, where it is not a class; [] where the folders are classes.

        Raises:
            CorpusError: several of the folders are data sets.
        """
        if depth == _MAX_DEPTH or (len(below) > 1 and any(self._holds_images(one, directly=True) for one in below)):
            return []
        inner = {one: self.places(one, depth + 1) for one in below if len(below) == 1 or self._holds_images(one)}
        sets = [one for one, places in inner.items() if places and places != [_Place(one, _PLAIN)]]
        if len(inner) > 1 and sets:
            self._refuse(sets)
        if len(inner) == 1:
            [(only, places)] = inner.items()
            holds_classes = self._holds_folders(only, at_least=2) and not self._holds_images(only, directly=True)
            return places if sets or holds_classes else []
        return []

    def _flat(self, listing: Listing, below: list[Folder], in_split: bool) -> Folder | None:
        """The folder of pictures that is not a class, such as images/ beside annotations/, or in test/."""
        named = [one for one in below if one.name.lower() in _PICTURES and self._holds_images(one, directly=True)]
        others = [one for one in below if one not in named and self._holds_images(one)]
        is_alone = len(listing.folders) == 1 and not in_split
        return named[0] if len(named) == 1 and not others and not is_alone else None

    def _holds_folders(self, folder: Folder, *, at_least: int = 1) -> bool:
        """Whether a folder has some folders that hold images."""
        holding = (one for one in self._task.scout.list(folder).folders if self._holds_images(one))
        return len(list(islice(holding, at_least))) == at_least

    def _holds_images(self, folder: Folder, *, directly: bool = False) -> bool:
        stack, seen = [folder], set[str]()
        while stack:
            here = stack.pop()
            if here.trail[-1] in seen:
                continue
            seen.add(here.trail[-1])
            listing = self._task.scout.list(here)
            if any(looks_like_image(file.name) or (not directly and is_parquet(file.name)) for file in listing.files):
                return True
            stack.extend(() if directly else reversed(listing.folders))
        return False

    def _hint(self, folder: Folder, listing: Listing) -> None:
        """Say why a folder of pictures cannot be read."""
        n_images = sum(looks_like_image(file.name) for file in listing.files)
        if n_images:
            whole = " If they are all of one class, give the folder above." if not folder.relative else ""
            self._task.hint(
                f"{_shown(folder)} holds {n_images:,} {'picture' if n_images == 1 else 'pictures'}, and nothing says "
                "which class each belongs to. Sort them into a folder for each class, or put a CSV with the columns "
                f"file_name and label beside them.{whole}"
            )

    def _refuse(self, folders: list[Folder]) -> None:
        names = ", ".join(_shown(one) for one in folders[:_N_SHOWN]) + (", ..." if len(folders) > _N_SHOWN else "")
        raise CorpusError(
            f"{self._task.reader.source} is no data set, but a folder above several: {names}. Give one of these, or "
            "several as a corpus each.",
            key="several sets",
        )


def _shown(folder: Folder) -> str:
    return readable_name(folder.path)
