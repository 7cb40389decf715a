"""What lies in a folder of images: entries in sorted order, links resolved with care, everything odd listed.

Nothing here opens a file or asks for its size: `os.scandir` says what an entry is, so that a million files take
seconds.
"""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

IMAGE_SUFFIXES: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
"""The formats that are read, by Pillow's names, and the file extensions that go with each."""

_SUFFIXES = frozenset(suffix for suffixes in IMAGE_SUFFIXES.values() for suffix in suffixes) | {""}
_SUFFIX = re.compile(r"\.(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{1,8}$")  # ".0001" and ". Smith" are part of a name
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # controls, turned text
_HIDDEN_FOLDER = re.compile(r"\.[^.]|__MACOSX$")  # ".git", not "..."
_SEPARATORS = re.compile(r"[_\-]")
_NO_FILE = "neither a file nor a folder (a pipe, socket or device)"


class Problem(NamedTuple):
    """Something about the corpus that a person should know; never fatal.

    Attributes:
        path: "<corpus folder name>/<path in it>", readable.
        reason: a short fixed phrase, fit for counting: "truncated", "duplicate", "converted from CMYK".
        detail: a sentence or less about this one.
        used: the image is in the corpus all the same.
    """

    path: str
    reason: str
    detail: str
    used: bool


class Folder(NamedTuple):
    """A folder that can be listed.

    Attributes:
        path: where it is, as found.
        name: its own name, raw.
        relative: readable path below the corpus folder, "" for that itself.
        trail: real paths from the corpus folder down to this one, by which loops are known.
    """

    path: str
    name: str
    relative: str
    trail: tuple[str, ...]


class File(NamedTuple):
    """A regular file (or a link to one inside the corpus folder); `relative` is readable, `name` raw."""

    path: str
    name: str
    relative: str


class Listing(NamedTuple):
    """What a folder holds, each sorted by name: hidden folders and what cannot be followed are left out."""

    folders: tuple[Folder, ...]
    files: tuple[File, ...]


def readable_name(name: str) -> str:
    """A file name as printable text that stays unique: bytes that are no UTF-8 and control characters are escaped."""
    if name.isprintable():
        return name
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def label_of(name: str) -> str:
    """A folder's name as a label for people: _ and - become spaces, control characters too; never interpreted."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    words = _SEPARATORS.sub(" ", _UNPRINTABLE.sub(" ", text)).split()
    return " ".join(words) or readable_name(name)


def image_suffix(name: str) -> str:
    """The extension of a file name in lower case, "" where it has none."""
    found = _SUFFIX.search(name)
    return found.group().lower() if found else ""


def looks_like_image(name: str) -> bool:
    """Whether a file may be an image by its name: a known extension or none, and not hidden."""
    return not name.startswith(".") and image_suffix(name) in _SUFFIXES


class FolderReader:
    """Lists the folders of one corpus folder and keeps what is odd about them.

    A symbolic link is followed only to what lies inside the corpus folder, and a folder is read once per class however
    many links lead to it, so that neither loops nor trees of links can make the reading endless.

    Attributes:
        source: the corpus folder's name in the case, the first part of each problem's path.
        top: the corpus folder itself.
        problems: in the order in which they were met, each once.
    """

    def __init__(self, root: Path, source: str) -> None:
        real = os.path.realpath(root)
        self.source = source
        self.top = Folder(real, os.path.basename(os.path.abspath(root)), "", (real,))
        self._problems: dict[Problem, None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems)

    def report(self, relative: str, reason: str, detail: str) -> None:
        """Keep a problem with something that is not used."""
        self._problems[Problem(f"{self.source}/{relative}" if relative else self.source, reason, detail, False)] = None

    def list(self, folder: Folder) -> Listing:
        """The entries of one folder; what cannot be read or followed becomes a problem."""
        try:
            with os.scandir(folder.path) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.report(folder.relative, "unreadable", _cause(error))
            return Listing((), ())
        folders, files = [], []
        for entry in entries:
            name = readable_name(entry.name)
            found = self._entry(folder, entry, f"{folder.relative}/{name}" if folder.relative else name)
            if isinstance(found, Folder):
                folders.append(found)
            elif found is not None:
                files.append(found)
        return Listing(tuple(folders), tuple(files))

    def images(self, folder: Folder, *, ignore: frozenset[str] = frozenset()) -> Iterator[File]:
        """Every file in or below a folder that may be an image; other files become problems, save those to ignore."""
        stack, seen = [folder], set[str]()
        while stack:
            here = stack.pop()
            if here.trail[-1] in seen:
                self.report(here.relative, "folder linked twice", "it was read already by another way")
                continue
            seen.add(here.trail[-1])
            listing = self.list(here)
            for file in listing.files:
                if looks_like_image(file.name):
                    yield file
                elif file.path not in ignore:
                    self.report(file.relative, "not an image", _why_no_image(file.name))
            stack.extend(reversed(listing.folders))

    def _entry(self, folder: Folder, entry: os.DirEntry[str], relative: str) -> Folder | File | None:
        if entry.is_symlink():
            return self._follow(folder, entry, relative)
        try:
            if entry.is_file(follow_symlinks=False):
                return File(entry.path, entry.name, relative)
            if entry.is_dir(follow_symlinks=False):
                return self._below(folder, entry, relative, f"{folder.trail[-1]}/{entry.name}")
        except OSError as error:  # a file system that tells the kind of an entry only on a further question
            self.report(relative, "unreadable", _cause(error))
            return None
        self.report(relative, "not an image", _NO_FILE)
        return None

    def _follow(self, folder: Folder, entry: os.DirEntry[str], relative: str) -> Folder | File | None:
        try:
            target = os.path.realpath(entry.path, strict=True)
        except OSError as error:
            loop = error.errno == errno.ELOOP
            reason = "symbolic link loop" if loop else "broken symbolic link"
            self.report(relative, reason, _cause(error))
            return None
        top = folder.trail[0]
        if target in folder.trail:
            self.report(relative, "symbolic link loop", "it leads back to a folder that it lies in")
        elif os.path.commonpath([top, target]) != top:
            self.report(relative, "symbolic link leaves the folder", f"it leads to {readable_name(target)}")
        elif os.path.isdir(target):
            return self._below(folder, entry, relative, target)
        elif os.path.isfile(target):
            return File(entry.path, entry.name, relative)
        else:
            self.report(relative, "not an image", _NO_FILE)
        return None

    def _below(self, folder: Folder, entry: os.DirEntry[str], relative: str, real: str) -> Folder | None:
        if _HIDDEN_FOLDER.match(entry.name):
            self.report(relative, "hidden folder", "what lies in it is not read")
            return None
        return Folder(entry.path, entry.name, relative, (*folder.trail, real))


def _cause(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _why_no_image(name: str) -> str:
    if name.startswith("."):
        return "a hidden file"
    return f"the extension {image_suffix(name)} is none of an image format that is read"
