"""Listing a folder of images: sorted entries, symbolic links resolved safely, every problem reported.

Nothing here opens a file or reads its size: `os.scandir` gives the kind of each entry, so a million files take seconds.
Only a tar archive is opened, to list it: where a folder holds neither folders nor pictures, each archive in it is read
like a folder.
"""

import errno
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from fdcore.corpus.containers import is_tar, list_archive, tar_stem
from fdcore.texts import UNPRINTABLE

IMAGE_SUFFIXES: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
"""The formats that are read, by Pillow's names, and the file extensions of each."""

_SUFFIXES = frozenset(suffix for suffixes in IMAGE_SUFFIXES.values() for suffix in suffixes) | {""}
_SUFFIX = re.compile(r"\.(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{1,8}$")  # ".0001" and ". Smith" are part of a name
_HIDDEN_FOLDER = re.compile(r"\.[^.]|__MACOSX$")  # ".git", not "..."
_SEPARATORS = re.compile(r"[_\-]")
_NO_FILE = "neither a file nor a folder (a pipe, socket or device)"


class Problem(NamedTuple):
    """Something about the corpus that the analyst should know; never fatal.

    Attributes:
        path: "<corpus folder name>/<path in it>", printable.
        reason: a short fixed phrase that can be counted: "truncated", "duplicate", "converted from CMYK".
        detail: at most a sentence about this file.
        used: whether the image is in the corpus nevertheless.
    """

    path: str
    reason: str
    detail: str
    used: bool


class Folder(NamedTuple):
    """A folder that can be listed.

    Attributes:
        name: its own name, raw; that of an archive without its extension.
        relative: printable path below the corpus folder, "" for the corpus folder itself.
        trail: real paths from the corpus folder down to this one, which reveal loops.
    """

    path: str
    name: str
    relative: str
    trail: tuple[str, ...]


class File(NamedTuple):
    """A regular file (or a link to one inside the corpus folder); `relative` is printable, `name` raw."""

    path: str
    name: str
    relative: str


class Listing(NamedTuple):
    """What a folder contains, sorted by name, without hidden folders and links that cannot be followed."""

    folders: tuple[Folder, ...]
    files: tuple[File, ...]


def readable_name(name: str) -> str:
    """A file name as unique printable text: bytes that are not UTF-8 and control characters are escaped."""
    if name.isprintable():
        return name
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return UNPRINTABLE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def label_of(name: str) -> str:
    """A folder's name as a label for people: _, - and control characters become spaces."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    words = _SEPARATORS.sub(" ", UNPRINTABLE.sub(" ", text)).split()
    return " ".join(words) or readable_name(name)


def image_suffix(name: str) -> str:
    """The extension of a file name in lower case, "" if it has none."""
    found = _SUFFIX.search(name)
    return found.group().lower() if found else ""


def looks_like_image(name: str) -> bool:
    """Whether a file's name may be that of an image: a known extension or none, and not hidden."""
    return not name.startswith(".") and image_suffix(name) in _SUFFIXES


class FolderReader:
    """Lists the folders of one corpus folder and records their problems.

    A symbolic link is followed only to a place inside the corpus folder, and a folder is read once per class however
    many links lead to it, so that neither loops nor trees of links can make the reading endless.

    Attributes:
        source: the corpus folder's name in the case, the first part of each problem's path.
        top: the corpus folder itself.
        problems: in the order in which they were found, each once.
    """

    def __init__(self, root: Path, source: str) -> None:
        real = os.path.realpath(root)
        self.source = source
        name = os.path.basename(os.path.abspath(root))
        self.top = Folder(real, tar_stem(name) if os.path.isfile(real) else name, "", (real,))
        self._problems: dict[Problem, None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems)

    def report(self, relative: str, reason: str, detail: str) -> None:
        """Record a problem with something that is not used."""
        self._problems[Problem(f"{self.source}/{relative}" if relative else self.source, reason, detail, False)] = None

    def list(self, folder: Folder) -> Listing:
        """The entries of one folder; what cannot be read or followed becomes a problem."""
        try:
            with os.scandir(folder.path) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except NotADirectoryError:
            return self._list_archive(folder)
        except OSError as error:
            self.report(folder.relative, "unreadable", _cause(error))
            return Listing((), ())
        return _listing(folder, (self._entry(folder, entry, _below(folder, entry.name)) for entry in entries))

    def _list_archive(self, folder: Folder) -> Listing:
        """The entries of an archive, or of a folder in one."""
        try:
            archive, inside = list_archive(folder.path)
        except OSError as error:
            self.report(folder.relative, "unreadable", _cause(error))
            return Listing((), ())
        for place, reason, detail in () if inside else archive.problems:
            self.report(_below(folder, place), reason, detail)
        found: list[Folder | File | None] = []
        for name in archive.folders.get(inside, ()):
            path, place = f"{folder.path}/{name}", f"{inside}/{name}" if inside else name
            if place in archive.folders:
                found.append(self._below(folder, path, name, path))
            else:
                found.append(File(path, name, _below(folder, name)))
        return _listing(folder, found)

    def images(self, folder: Folder, *, ignore: frozenset[str] = frozenset()) -> Iterator[File]:
        """Every file in or below a folder that may be an image; other files become problems, except those to ignore."""
        stack, seen = [folder], set[str]()
        while stack:
            here = stack.pop()
            if here.trail[-1] in seen:
                self.report(here.relative, "folder linked twice", "it was already read through another link")
                continue
            seen.add(here.trail[-1])
            listing = self.list(here)
            for file in listing.files:
                if looks_like_image(file.name):
                    yield file
                elif file.path not in ignore:
                    hidden = file.name.startswith(".")
                    detail = "a hidden file" if hidden else f"{image_suffix(file.name)} is not a known image extension"
                    self.report(file.relative, "not an image", detail)
            stack.extend(reversed(listing.folders))

    def _entry(self, folder: Folder, entry: os.DirEntry[str], relative: str) -> Folder | File | None:
        if entry.is_symlink():
            return self._follow(folder, entry, relative)
        try:
            if entry.is_file(follow_symlinks=False):
                return File(entry.path, entry.name, relative)
            if entry.is_dir(follow_symlinks=False):
                return self._below(folder, entry.path, entry.name, f"{folder.trail[-1]}/{entry.name}")
        except OSError as error:  # some file systems need another system call for the kind of an entry
            self.report(relative, "unreadable", _cause(error))
            return None
        self.report(relative, "not an image", _NO_FILE)
        return None

    def _follow(self, folder: Folder, entry: os.DirEntry[str], relative: str) -> Folder | File | None:
        try:
            target = os.path.realpath(entry.path, strict=True)
        except OSError as error:
            reason = "symbolic link loop" if error.errno == errno.ELOOP else "broken symbolic link"
            self.report(relative, reason, _cause(error))
            return None
        top = folder.trail[0]
        if target in folder.trail:
            self.report(relative, "symbolic link loop", "it leads back to a folder that contains it")
        elif os.path.commonpath([top, target]) != top:
            self.report(relative, "symbolic link leaves the folder", f"it leads to {readable_name(target)}")
        elif os.path.isdir(target):
            return self._below(folder, entry.path, entry.name, target)
        elif os.path.isfile(target):
            return File(entry.path, entry.name, relative)
        else:
            self.report(relative, "not an image", _NO_FILE)
        return None

    def _below(self, folder: Folder, path: str, name: str, real: str) -> Folder | None:
        relative = _below(folder, name)
        if _HIDDEN_FOLDER.match(name):
            self.report(relative, "hidden folder", "its content is not read")
            return None
        return Folder(path, name, relative, (*folder.trail, real))


def _below(folder: Folder, name: str) -> str:
    """The printable path of an entry below the corpus folder."""
    return f"{folder.relative}/{readable_name(name)}".strip("/")


def _listing(folder: Folder, entries: Iterable[Folder | File | None]) -> Listing:
    """The entries; where they are neither folders nor pictures, archives among them are folders."""
    found = [entry for entry in entries if entry is not None]
    folders = [entry for entry in found if isinstance(entry, Folder)]
    files = [entry for entry in found if isinstance(entry, File)]
    if not folders and not any(image_suffix(file.name) in _SUFFIXES - {""} for file in files):
        folders = [
            Folder(file.path, tar_stem(file.name), file.relative, (*folder.trail, file.path))
            for file in files
            if is_tar(file.name)
        ]
        files = [file for file in files if not is_tar(file.name)]
    return Listing(tuple(folders), tuple(files))


def _cause(error: OSError) -> str:
    return error.strerror or type(error).__name__
