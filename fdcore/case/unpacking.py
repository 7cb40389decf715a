"""Unpacking an exported case that somebody else may have made: names and sizes are checked before a byte is written."""

import errno
import lzma
import os
import shutil
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from fdcore.case import layout, verify
from fdcore.errors import CaseError, StorageError

MAX_BYTES = 16 << 30
MAX_FILES = 100_000  # and folders
MAX_RATIO = 100  # of unpacked to packed bytes, beyond `FREE_OF_RATIO`; real cases have less than 20
FREE_OF_RATIO = 64 << 20
_NO_FOLDER = {None, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}  # None: a decoder's complaint


def unpack(source: BinaryIO, target: Path) -> None:
    """Unpack the one case in a ZIP file, trusting nothing in it.

    Args:
        target: the folder that is to become the case; the one above it exists.

    Raises:
        CaseError: the file is not an exported case.
        StorageError: it does not fit on the disk.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_names(members)
            _check_sizes(members, source.seek(0, os.SEEK_END), target.parent)
            for member in members:
                path = target.joinpath(*PurePosixPath(member.filename).parts[1:])
                if path == target / verify.SCRIPT:
                    continue  # nobody here runs a program that came with a case
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as read, path.open("wb") as write:
                    _copy_at_most(read, write, member.file_size)
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, ValueError, OSError
    ) as error:  # fmt: skip
        reason: object = error
        if isinstance(error, OSError):
            if error.errno not in _NO_FOLDER:
                raise
            reason = error.strerror or error  # a name that is both a file and a folder, or not a name at all
        raise CaseError(
            f"This file is not an exported case ({reason}). Export the case again and copy all of it.",
            key="not an exported case",
        ) from error
    if not (target / layout.FACTS).is_file():
        raise CaseError("This ZIP file does not hold a case: it has no case.json.", key="not an exported case")


def _check_names(members: list[zipfile.ZipInfo]) -> None:
    roots = {PurePosixPath(member.filename).parts[0] for member in members if member.filename}
    seen: dict[str, str] = {}
    for member in members:
        name, path = member.filename, PurePosixPath(member.filename)
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        hidden = any(part.startswith(".") for part in path.parts)  # covers `..` too
        if is_link or hidden or path.is_absolute() or len(path.parts) < 2 or "\\" in name or len(roots) != 1:
            raise CaseError(
                f"This ZIP file is not an exported case: {name!r} has no place in one.", key="not an exported case"
            )
        # Some disks ignore upper case, how an accent is encoded, or a full stop at the end, and keep the last of two.
        spelled = unicodedata.normalize("NFKC", str(path)).casefold().rstrip(". ")
        if spelled in seen:
            raise CaseError(
                f"This ZIP file holds {seen[spelled]!r} and {name!r}, which is one file on some disks and two on "
                "others. An exported case has no such names.",
                key="names alike",
            )
        seen[spelled] = name


def _check_sizes(members: list[zipfile.ZipInfo], packed: int, disk: Path) -> None:
    size = sum(member.file_size for member in members)
    n_names = len(members) + len({folder for m in members for folder in PurePosixPath(m.filename).parents})
    if n_names > MAX_FILES or size > MAX_BYTES:
        raise CaseError(
            f"This ZIP file unpacks to more than {MAX_FILES:,} files and folders, or {MAX_BYTES >> 30} GB. "
            "Copy the case's folder by hand if you trust it.",
            key="import too large",
        )
    if size > FREE_OF_RATIO + MAX_RATIO * packed:
        raise CaseError(
            f"This ZIP file of {packed / 1e6:,.1f} MB unpacks to {size / 1e6:,.0f} MB, as no exported case does. "
            "Copy the case's folder by hand if you trust it.",
            key="import too large",
        )
    if size + FREE_OF_RATIO > (free := shutil.disk_usage(disk).free):
        raise StorageError(
            f"This case needs {size / 1e6:,.0f} MB; {free / 1e6:,.0f} MB are free where the cases are. Free some "
            "space, or move the cases to a larger disk.",
            key="disk full",
        )


def _copy_at_most(read: IO[bytes], write: BinaryIO, size: int) -> None:
    left = size
    while chunk := read.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            raise ValueError("a file in it is longer than stated")
        write.write(chunk)
