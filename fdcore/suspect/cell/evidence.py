"""A suspect's files as they were when they were hashed: copies in memory that nobody can change any more."""

import fcntl
import hashlib
import os
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fdcore.errors import SuspectError

CHUNK = 4 << 20  # bytes
_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE


class Evidence:
    """Files in memory.

    Attributes:
        name: of the file, or of the folder that they lie in.
        sha256: hex, over the bytes that the copies hold.
        files: name (within the folder, if it is one) -> descriptor of the sealed copy.
    """

    def __init__(self, name: str, sha256: str, files: dict[str, int]) -> None:
        self.name, self.sha256, self.files = name, sha256, files
        self._finalizer = weakref.finalize(self, _close, tuple(files.values()))

    @classmethod
    def take(cls, path: Path) -> "Evidence":
        """Copy a file and hash the copy.

        Raises:
            SuspectError: it cannot be read, or is a link, a pipe or a device.
        """
        descriptor, sha256 = _copied(path)
        return cls(path.name, sha256, {path.name: descriptor})


def unreadable(path: Path, error: OSError) -> SuspectError:
    """The error for a file that the system cannot read."""
    return SuspectError(f"The suspect {path.name} cannot be read: {error.strerror or error}.", key="suspect unreadable")


def _close(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _copied(path: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    with _opened(path) as source:
        copy = os.memfd_create("evidence", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            while part := os.read(source, CHUNK):
                digest.update(part)
                rest = memoryview(part)
                while rest:
                    rest = rest[os.write(copy, rest) :]
            fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
        except OSError as error:
            os.close(copy)
            raise unreadable(path, error) from error
    return copy, digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A regular file for reading; opening a pipe or device does not wait."""
    try:
        if path.is_symlink():
            raise SuspectError(
                f"{path.name} is a link to {os.readlink(path)}. Name the file itself, so that the record says what was "
                "opened.",
                key="suspect is a link",
            )
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SuspectError(f"{path.name} is not a file.", key="suspect unreadable")
        yield descriptor
    finally:
        os.close(descriptor)
