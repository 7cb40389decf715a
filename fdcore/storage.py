"""Atomic writes, hashes, locks, and files under an address."""

import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fdcore.errors import CaseError, SettingsError, StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG,
             errno.EEXIST, errno.ELOOP, errno.EIO, errno.ENODEV}  # fmt: skip


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a clear message.

    Raises:
        StorageError: the disk is full, or the path cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageError(_full(path), key="disk full") from error
        if error.errno in _NO_PLACE:
            raise StorageError(
                f"{path} cannot be written ({error.strerror}). Choose a folder that you may write to.",
                key="path unwritable",
            ) from error
        raise


def _full(what: object) -> str:
    return (
        f"The disk is full: {what} could not be written. Free some space and run the same command again; finished work "
        "is kept."
    )


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        StorageError: the disk is full, or the path cannot be written.
    """
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A temporary file, fsynced and renamed at the end of the block; removed if the block fails.

    Raises:
        StorageError: the disk is full, or the path cannot be written.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def touch(path: Path) -> None:
    """Move a file's modification time forward, so that readers see the change.

    Writes through a memory map update it only now and then, and the system's clock ticks in milliseconds.
    """
    before = path.stat().st_mtime_ns
    os.utime(path)
    if path.stat().st_mtime_ns <= before:
        os.utime(path, ns=(before + 1, before + 1))


def sha256_file(path: Path) -> str:
    """The hex SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def only_one(path: Path, busy: str | None = None) -> Iterator[None]:
    """Hold a lock file while the block runs; the lock ends with the process, however that ends.

    Args:
        path: the lock file.
        busy: the message when another process holds it; None waits for it instead.

    Raises:
        CaseError: another process holds it.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError as error:
            raise CaseError(busy or "", key="in use") from error
        yield


# Files under an address


def file_system(address: str) -> tuple[Any, str]:
    """The fsspec file system that an address names, and the path in it.

    Args:
        address: a path, `file://PATH` or `s3://BUCKET/PATH`. Where S3 is and who asks is taken from the usual variables
            of the environment, such as AWS_ENDPOINT_URL and AWS_ACCESS_KEY_ID.

    Raises:
        SettingsError: it is of another kind, or the package for it is missing.
    """
    import fsspec

    kind = address.partition("://")[0] if "://" in address else "file"
    if kind not in ("file", "s3"):
        raise SettingsError(
            f"{address} cannot be read: an address begins with s3:// or file://.", key="unknown address"
        )
    try:
        files = fsspec.filesystem(kind)  # not by the whole address, in which fsspec would follow chains of others
    except ImportError as error:
        raise SettingsError(
            f"{address} needs the package s3fs. Install it with: pip install -r requirements-remote.txt",
            key="package missing",
        ) from error
    return files, files._strip_protocol(address)


@contextmanager
def reaching(address: str) -> Iterator[None]:
    """Turn whatever a store of objects answers, or its silence, into a clear message.

    Raises:
        StorageError: the address cannot be reached, or what was asked of it is refused.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StorageError(_full(address), key="disk full") from error
        foreign = type(error).__module__.partition(".")[0] in ("botocore", "aiobotocore", "aiohttp")
        if not foreign and not isinstance(error, OSError):
            raise
        raise StorageError(
            f"{address} cannot be reached ({str(error).strip() or type(error).__name__}). Check the address, the "
            "network, and the credentials in the environment. What is finished is kept; run the same command again.",
            key="address unreachable",
        ) from error


class SharedFolder:
    """A folder that several machines see, given by its address; see `file_system`.

    Methods raise StorageError where it cannot be reached or written.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._files, self._path = file_system(address)
        self._is_local = "file" in self._files.protocol

    def create(self) -> None:
        """Make the folder; a store of objects has none."""
        if self._is_local:
            with disk_errors(Path(self._path)):
                os.makedirs(self._path, exist_ok=True)

    def names(self) -> list[str]:
        """The files in it, sorted."""
        with reaching(self._address):
            self._files.invalidate_cache()
            return sorted(path.rpartition("/")[2] for path in self._files.find(self._path, maxdepth=1))

    def read(self, name: str) -> bytes | None:
        """A file's content; None if it does not exist."""
        with reaching(self._address):
            try:
                content: bytes = self._files.cat_file(f"{self._path}/{name}")
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file. Where a machine does not see a folder of paths, nothing is written."""
        if not self._is_local or os.path.isdir(self._path):
            with reaching(self._address), disk_errors(Path(self._path)):
                self._files.pipe_file(f"{self._path}/{name}", content)

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, as far as they are there."""
        with reaching(self._address):
            for name in names:
                try:
                    self._files.rm_file(f"{self._path}/{name}")
                except FileNotFoundError:
                    continue
