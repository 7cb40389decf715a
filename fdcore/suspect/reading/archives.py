"""ZIP archives as PyTorch writes them. Any other is refused: what the scanners read must be what the loader reads.

Readers differ in where they look for an archive's directory (a second end record, bytes in front of the archive or a
comment behind it mislead some), in whether names that differ only in case are one, and in where a name ends.
"""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fdcore.errors import RefusedError

MAX_MEMBERS = 200_000
MAX_EXPANSION = 20  # unpacked bytes for each byte of the file; PyTorch does not compress at all
MAX_PICKLE_BYTES = 256 << 20
END_MARK, LOCATOR_MARK, LARGE_END_MARK = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
END = struct.Struct("<4x4H2LH")  # the mark, four counts, the directory's size and place, the comment's length
LOCATOR = struct.Struct("<4xLQL")  # the mark, a disk, the place of the large end record, disks
LARGE_END = struct.Struct("<4xQ2H2L4Q")  # the mark, its size, versions, disks, counts, the directory's size and place
FULL = 0xFFFFFFFF  # stands for a number that the large end record holds
TWO_READINGS = (
    "the archive has bytes before or behind it, a comment or a second end record, so that two readers may read "
    "different data"
)


class SuspiciousArchiveError(Exception):
    """The file's structure alone shows that PyTorch did not write it."""


def zip_pickles(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of every pickle in an archive.

    Raises:
        SuspiciousArchiveError: two readers could read it differently, or it unpacks to far more than its size.
    """
    check(file)
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.filename.lower().endswith(".pkl"):
                if member.file_size > MAX_PICKLE_BYTES:
                    raise SuspiciousArchiveError(f"{member.filename} is a pickle of {member.file_size:,} bytes")
                yield archive.read(member)


def require_one_reading(path: Path) -> None:
    """Refuse an archive that two readers could read differently, or that unpacks to far more than its size.

    Raises:
        RefusedError: it is one.
    """
    try:
        with path.open("rb") as file:
            check(file)
    except SuspiciousArchiveError as error:
        raise RefusedError(f"{path.name} was refused: {error}.", key="two readings") from error


def check(file: BinaryIO) -> None:
    """Require that an archive can be read in one way only.

    Raises:
        SuspiciousArchiveError: two readers could read it differently, or it unpacks to far more than its size.
    """
    size = file.seek(0, 2)
    _check_directory(file, size)
    with zipfile.ZipFile(file) as archive:
        _check_members(archive.infolist(), size)


def _check_directory(file: BinaryIO, size: int) -> None:
    """The directory must end where the one end record begins, which must end with the file."""
    behind = size - END.size
    *_, length, start, comment = _record(file, behind, END, END_MARK)
    if _mark(file, behind - LOCATOR.size) == LOCATOR_MARK:  # a large archive has a second kind of end record before it
        place = _record(file, behind - LOCATOR.size, LOCATOR, LOCATOR_MARK)[1]
        behind -= LOCATOR.size + LARGE_END.size
        *_, large_length, large_start = _record(file, behind, LARGE_END, LARGE_END_MARK)
        if place != behind or length not in (large_length, FULL) or start not in (large_start, FULL):
            raise SuspiciousArchiveError(TWO_READINGS)
        length, start = large_length, large_start
    if comment or start + length != behind:
        raise SuspiciousArchiveError(TWO_READINGS)


def _mark(file: BinaryIO, place: int) -> bytes:
    file.seek(max(place, 0))
    return file.read(4)


def _record(file: BinaryIO, place: int, record: struct.Struct, mark: bytes) -> tuple[int, ...]:
    """The numbers of a record that must stand at a place."""
    if place < 0 or _mark(file, place) != mark:
        raise SuspiciousArchiveError(TWO_READINGS)
    file.seek(place)
    return record.unpack(file.read(record.size))


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_EXPANSION * size:
        raise SuspiciousArchiveError(
            f"the archive's {len(members):,} members unpack to {unpacked:,} bytes from {size:,}"
        )
    if len({member.filename.lower() for member in members}) < len(members):
        raise SuspiciousArchiveError("the archive names a member twice, so that two readers may read different data")
    if any(member.orig_filename != member.filename or "\\" in member.filename for member in members):
        raise SuspiciousArchiveError("a member's name holds a zero byte or a backslash")
    if members and min(member.header_offset for member in members) != 0:
        raise SuspiciousArchiveError("the archive's first member does not stand at the beginning of the file")
