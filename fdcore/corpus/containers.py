"""Files inside tar archives and parquet shards, and the lines of texts, read where they are: nothing is unpacked.

A file in a container has the path that it would have if the container were a folder: `train.tar/cat/1.jpg`, also in an
archive within an archive, `train.parquet/17` for a row, and `birds.txt/17` for a line. What an archive holds is listed
once and kept, without any content; each file is then read on its own. Names are never used to write anything, and no
link is followed.
"""

import errno
import io
import os
import stat
import tarfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from fdcore.corpus.parquet import is_parquet, read_row

MAX_MEMBERS = 4_000_000  # of one archive; ImageNet-1k has 1.3 million pictures
MAX_RATIO = 100  # the largest growth of a gzip archive; pictures hardly grow
_TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar")
_MAX_HEADER = 2**20  # bytes; tarfile would read a header of any length into memory
_MAX_DEPTH = 100  # folders above a member
_MAX_NESTED = 3  # archives in archives
_BLOCK = 2**16
_HEADER_BLOCK = 2**12  # a large one would read most of an archive to list it
_KEPT_LISTS = 4_096  # ImageNet's training set has an archive for each of 1,000 classes
_KEPT_TEXTS = 1_024  # files whose lines are kept, as leaves are read in turn
MAX_TEXT = 2**26  # bytes of a file of lines, which is read as a whole
_N_POINTS = 256  # of each gzip archive, at least so many bytes apart; each takes 45 kB
_POINT_BYTES = 2**22


class Member(NamedTuple):
    """Where the content of a file lies in the unpacked archive, in bytes."""

    offset: int
    size: int


@dataclass
class Archive:
    """What a tar archive holds.

    Attributes:
        members: by path in the archive.
        folders: the names in each folder, by its path; "" is the archive itself.
        problems: (path in the archive, reason, detail) of what is not read.
        points: where the unpacking can start, if it is a gzip archive.
    """

    path: str
    members: dict[str, Member] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=lambda: {"": []})
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    points: "list[_Point]" = field(default_factory=list)

    def open(self) -> BinaryIO:
        """The unpacked bytes, from any place."""
        file, size = open_file(Path(self.path))
        if file.peek(2)[:2] != b"\x1f\x8b":  # type: ignore[attr-defined]  # open_file buffers what archives lie in
            return file
        return cast(BinaryIO, io.BufferedReader(_Unpacked(file, size, self.points), _BLOCK))


def is_tar(name: str) -> bool:
    """Whether a file's name is that of a tar archive."""
    return name.lower().endswith(_TAR_SUFFIXES)


def tar_stem(name: str) -> str:
    """The name of a tar archive without its extension."""
    return next((name[: -len(end)] for end in _TAR_SUFFIXES if name.lower().endswith(end)), name)


def is_text_file(name: str) -> bool:
    """Whether a file's name is that of a text, or of a list of texts."""
    return name.lower().endswith(".txt") and not name.startswith(".")


def on_disk(path: str | Path) -> Path:
    """The path itself, or that of the file on disk which contains it."""
    path = Path(path)
    return next((part for part in (path, *path.parents) if os.path.isfile(part)), path)


def open_file(path: Path) -> tuple[BinaryIO, int]:
    """A file on disk or in a container, and its size in bytes.

    Raises:
        OSError: it is missing, damaged or not readable, or a pipe or device, which might never end.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # the caller closes it
    except NotADirectoryError:
        return _open_inside(path)
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise OSError(errno.EINVAL, "a pipe or device, not a file")
    return file, status.st_size


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to would otherwise be waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def list_archive(path: str) -> tuple[Archive, str]:
    """The innermost archive that a path leads into, and the path of the folder within it.

    Raises:
        OSError: no part of the path is an archive, or it cannot be read.
    """
    outer = on_disk(path)
    if not is_tar(outer.name):
        raise NotADirectoryError(errno.ENOTDIR, f"{outer.name} is neither a folder nor a tar archive")
    archive, inside, n_nested = _list(str(outer), _stamp(outer)), "", 0
    for part in Path(path).relative_to(outer).parts:
        inside = f"{inside}/{part}" if inside else part
        if inside in archive.members and is_tar(part):
            if n_nested == _MAX_NESTED:
                raise OSError(errno.ELOOP, f"archives are nested more than {_MAX_NESTED} deep")
            archive, inside, n_nested = _list(f"{archive.path}/{inside}", _stamp(outer)), "", n_nested + 1
    return archive, inside


def _open_inside(path: Path) -> tuple[BinaryIO, int]:
    outer = on_disk(path)
    if is_parquet(outer.name) or is_text_file(outer.name):
        content = read_row(outer, path.name) if is_parquet(outer.name) else _line(outer, path.name)
        return io.BytesIO(content), len(content)
    archive, folder = list_archive(str(path.parent))
    member = archive.members.get(f"{folder}/{path.name}" if folder else path.name)
    if member is None:
        raise FileNotFoundError(errno.ENOENT, "no such file in the archive")
    window = _Window(archive.open(), member)
    return cast(BinaryIO, io.BufferedReader(window, _HEADER_BLOCK)), member.size


def text_lines(path: Path) -> list[bytes]:
    """The lines of a text file, each of which is a text; the cache makes reading all of them one by one cheap.

    Raises:
        OSError: the file cannot be read, or has more than `MAX_TEXT` bytes.
    """
    return _lines(str(path), _stamp(path))


@lru_cache(_KEPT_TEXTS)
def _lines(path: str, stamp: tuple[int, int]) -> list[bytes]:
    if stamp[0] > MAX_TEXT:
        raise OSError(errno.EFBIG, f"more than {MAX_TEXT:,} bytes of lines; split the file")
    with open_file(Path(path))[0] as file:
        return file.read().splitlines()


def _line(path: Path, number: str) -> bytes:
    """One line of a text file; the first is number 1."""
    lines = text_lines(path)
    if not number.isdecimal() or not 1 <= int(number) <= len(lines):
        raise FileNotFoundError(errno.ENOENT, "no such line in the text")
    return lines[int(number) - 1]


def _stamp(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


@lru_cache(_KEPT_LISTS)
def _list(path: str, _stamp: tuple[int, int]) -> Archive:
    """List an archive; what is damaged in it is one of its problems."""
    archive = Archive(path)
    with archive.open() as stream:
        try:
            for info in _headers(stream):
                _take(archive, info)
                if len(archive.members) + len(archive.problems) > MAX_MEMBERS:
                    raise tarfile.ReadError(f"it has more than {MAX_MEMBERS:,} files")
        except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
            why = (isinstance(error, OSError) and error.strerror) or error
            archive.problems.append(("", "damaged archive", f"read up to file {len(archive.members):,}: {why}"))
    archive.folders = {folder: sorted(set(names)) for folder, names in archive.folders.items()}
    return archive


def _headers(stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    with tarfile.TarFile(fileobj=cast(BinaryIO, _Headers(stream))) as archive:
        while (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep them all
            yield info


def _take(archive: Archive, info: tarfile.TarInfo) -> None:
    """Add a file to the list. Links, devices and names that lead elsewhere are problems."""
    if info.isdir():
        return
    parts = [part for part in info.name.split("/") if part not in ("", ".")]
    name = "/".join(parts)
    if len(parts) > _MAX_DEPTH:
        archive.problems.append(("/".join(parts[:3]), "unsafe name", f"it lies {len(parts):,} folders deep"))
    elif info.name.startswith("/") or ".." in parts:
        archive.problems.append((name, "unsafe name", "it leads out of the archive, so it is not read"))
    elif not info.isreg() or info.sparse is not None or info.type == tarfile.GNUTYPE_SPARSE:
        archive.problems.append((name, "not an image", "a link, device or sparse file in an archive is not read"))
    else:
        if name not in archive.members:
            _add_to_folders(archive, parts)
        archive.members[name] = Member(info.offset_data, info.size)


def _add_to_folders(archive: Archive, parts: list[str]) -> None:
    for n in range(len(parts) - 1, -1, -1):
        folder = "/".join(parts[:n])
        is_known = folder in archive.folders
        archive.folders.setdefault(folder, []).append(parts[n])
        if is_known:  # so the folders above have it
            return


class _Headers:
    """A stream that tarfile may read headers from, but nothing large."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, n_bytes: int) -> bytes:
        if n_bytes > _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {n_bytes:,} bytes")
        return self._stream.read(n_bytes)


class _Window(io.RawIOBase):
    """A part of a stream."""

    def __init__(self, stream: BinaryIO, member: Member) -> None:
        self._stream, self._member, self._at = stream, member, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._member.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        self._stream.seek(self._member.offset + self._at)
        block = self._stream.read(max(min(len(buffer), self._member.size - self._at), 0))
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Point(NamedTuple):
    """A place where the unpacking can start.

    Attributes:
        at: unpacked bytes before it.
        packed: packed bytes before it.
        inflate: the state of the unpacking, to be copied.
    """

    at: int
    packed: int
    inflate: "zlib._Decompress"


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a gzip file, from any place: the state of the unpacking is kept now and then.

    The first reader of a file, which lists it, fills `points`.
    """

    def __init__(self, packed: BinaryIO, size: int, points: list[_Point]) -> None:
        self._packed, self._points = packed, points
        self._step = max(size // _N_POINTS, _POINT_BYTES)
        self._is_first = not points
        if self._is_first:
            points.append(_Point(0, 0, zlib.decompressobj(31)))
        self._restart(points[0])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence != os.SEEK_SET:
            raise OSError(errno.EINVAL, "the end of a gzip file is not known")
        nearest = self._points[bisect_right(self._points, offset, key=lambda point: point.at) - 1]
        if offset < self._at or nearest.at > self._at:
            self._restart(nearest)
        while self._at < offset and self._unpack(min(_BLOCK, offset - self._at)):
            pass
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        block = self._unpack(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._packed.close()
        super().close()

    def _restart(self, point: _Point) -> None:
        self._at, self._inflate, self._rest = point.at, point.inflate.copy(), b""
        self._packed.seek(point.packed)

    def _unpack(self, n_bytes: int) -> bytes:
        """The next bytes, at least one except at the end."""
        block = b""
        while not block:
            if self._inflate.eof:  # a gzip file may consist of several, and end with zeros
                self._rest = (self._inflate.unused_data or self._packed.read(_BLOCK)).lstrip(b"\0")
                if not self._rest:
                    return b""
                self._inflate = zlib.decompressobj(31)
            packed = self._rest or self._packed.read(_BLOCK)
            try:
                block = self._inflate.decompress(packed, n_bytes)
            except zlib.error as error:
                raise OSError(errno.EIO, f"the gzip file is damaged ({error})") from error
            self._rest = self._inflate.unconsumed_tail
            if not block and not packed and not self._inflate.eof:
                raise OSError(errno.EIO, "the gzip file is cut off")
        self._at += len(block)
        self._keep_point()
        return block

    def _keep_point(self) -> None:
        packed = self._packed.tell() - len(self._rest)
        if self._at > MAX_RATIO * max(packed, 2**20):
            raise OSError(errno.EFBIG, f"the gzip file unpacks to more than {MAX_RATIO} times its size")
        if self._is_first and not self._inflate.eof and packed - self._points[-1].packed >= self._step:
            self._points.append(_Point(self._at, packed, self._inflate.copy()))
