"""A user's untrusted file of word vectors, converted once into tables that all processes share.

<cache>/<sha256>/       matrix.npy, the vocabulary's tables, index.json: either complete or absent
<cache>/known/<key>     the SHA-256 of a file that was seen before, by device, inode, size and times
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import stat
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from fdcore.errors import SettingsError, StorageError
from fdcore.progress import Progress, silent
from fdcore.storage import disk_errors, only_one, sync_folder, write_atomically
from fdcore.words.vector_reading import (
    AGAIN,
    BLOCK_BYTES,
    HEAD_BYTES,
    MEND,
    Counted,
    Layout,
    Matrix,
    Source,
    check_promise,
    read_vectors,
    recognise,
)
from fdcore.words.vocabulary import MappedVocabulary, VocabularyWriter

_FORMAT = 1
_MATRIX, _INDEX = "matrix.npy", "index.json"


class ConvertedFile(NamedTuple):
    """A file of word vectors as tables on disk.

    Attributes:
        sha256: hex digest of the file that it was made from.
        matrix: (n_rows, n_dims) float32, read only, mapped.
        vocabulary: finds the row of a word.
        left_out: unusable words of the file: repeated ones (the first counts), and those that contain a space or are
            not in UTF-8.
    """

    sha256: str
    matrix: Matrix
    vocabulary: MappedVocabulary
    left_out: int


def open_vector_file(path: Path, cache: Path, progress: Progress = silent) -> ConvertedFile:
    """Open a file of word vectors; the first time it is read, checked and converted, which takes minutes for gigabytes.

    If two processes need the same file, the second waits while the first converts it. A killed process leaves nothing
    that looks complete.

    Args:
        path: the user's file.
        cache: the folder for converted files.
        progress: receives how many of the file's bytes have been read.

    Raises:
        SettingsError: the file cannot be read, has an unknown format or is damaged.
        StorageError: the cache is full or cannot be written.
    """
    with _open_regular(path) as file, disk_errors(cache):
        sha256 = _remembered(file, cache) or _remember(file, path, cache, progress)
        place = cache / sha256
        return _read(place) or _convert(file, path, place, progress)


def is_converted(path: Path, cache: Path) -> bool:
    """Whether a file opens immediately because it was converted before.

    Raises:
        SettingsError: the file cannot be read.
    """
    with _open_regular(path) as file:
        sha256 = _remembered(file, cache)
    return sha256 is not None and _read(cache / sha256) is not None


# Identity


@contextmanager
def _open_regular(path: Path) -> Iterator[BinaryIO]:
    """The open file; never a device or a pipe, which would have no end."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise SettingsError(f"{path} is not a file. {MEND}", key="not a file")
        file = path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        wrong = f"The word vectors {path} cannot be read: {why}. Check the path."
        raise SettingsError(wrong, key="vectors unreadable") from error
    with file:
        yield file


def _remembered(file: BinaryIO, cache: Path) -> str | None:
    """The stored SHA-256 of a file that is unchanged since it was hashed: hashing 3 GB takes ten seconds."""
    try:
        sha256 = (cache / "known" / _key(file)).read_text("ascii")
    except (OSError, ValueError):
        return None
    return sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else None


def _remember(file: BinaryIO, path: Path, cache: Path, progress: Progress) -> str:
    key, size, digest = _key(file), os.fstat(file.fileno()).st_size, hashlib.sha256()
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        digest.update(block)
        progress("Hashing the word vectors", min(file.tell(), size), size)
    if _key(file) != key:
        wrong = f"The word vectors {path} changed while they were read. Wait until they are complete."
        raise SettingsError(wrong, key="vectors changed")
    write_atomically(cache / "known" / key, digest.hexdigest().encode())
    return digest.hexdigest()


def _key(file: BinaryIO) -> str:
    """A key that changes whenever a file does. Unlike mtime, ctime cannot be set by hand."""
    at = os.fstat(file.fileno())
    facts = f"{at.st_dev} {at.st_ino} {at.st_size} {at.st_mtime_ns} {at.st_ctime_ns}"
    return hashlib.sha256(facts.encode()).hexdigest()


# The converted file


def _read(place: Path) -> ConvertedFile | None:
    """A converted file; None where it is missing, damaged or of another version."""
    try:
        index = json.loads((place / _INDEX).read_bytes())
        matrix = np.asarray(np.load(place / _MATRIX, mmap_mode="r", allow_pickle=False))
        vocabulary = MappedVocabulary(place)
        made_for = (index["format"], index["sha256"], index["shape"])
        left_out = int(index["left_out"])
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError):
        return None
    expected = (_FORMAT, place.name, [vocabulary.n_rows, *matrix.shape[1:]])
    sound = made_for == expected and matrix.dtype == np.float32 and list(matrix.shape) == index["shape"]
    return ConvertedFile(place.name, matrix, vocabulary, left_out) if sound else None


def _convert(file: BinaryIO, path: Path, place: Path, progress: Progress) -> ConvertedFile:
    """Convert into a draft folder, and rename it when it is complete."""
    with only_one(place.with_name(f"{place.name}.lock")):
        if opened := _read(place):
            return opened
        draft = place.with_name(f"{place.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)  # of a killed run; the lock excludes a running one
        draft.mkdir()
        try:
            with _naming(path):
                index = _write_tables(file, draft, place.name, progress)
            write_atomically(draft / _INDEX, json.dumps(index).encode())
            shutil.rmtree(place, ignore_errors=True)  # a damaged one, or of another version
            os.rename(draft, place)
            sync_folder(place.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    opened = _read(place)
    if opened is None:
        wrong = f"The word vectors in {place} were written but cannot be read back. Check the disk."
        raise StorageError(wrong, key="vectors unreadable")
    return opened


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name in front of an error."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"The word vectors {path} cannot be used. {error}", key=error.key) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        wrong = f"The gzip file is damaged or truncated ({error}). {AGAIN}"
        raise SettingsError(f"The word vectors {path} cannot be used. {wrong}", key="gzip damaged") from error


def _write_tables(file: BinaryIO, draft: Path, sha256: str, progress: Progress) -> dict[str, object]:
    source = Source(file, progress)
    layout = recognise(source.head(HEAD_BYTES))
    check_promise(layout, source)
    _check_space(layout, draft)
    counted = Counted(layout)
    with closing(VocabularyWriter(draft)) as vocabulary, (draft / _MATRIX).open("wb", buffering=2**20) as out:
        _write_header(out, (0, layout.n_dims))
        for words, vectors in read_vectors(source, layout, counted):
            vocabulary.add(words)
            out.write(np.ascontiguousarray(vectors).data)
        counted.check_complete()
        counted.check_usable()
        out.seek(0)
        _write_header(out, (counted.n_rows, layout.n_dims))  # padded by numpy, so its length stays the same
        out.flush()
        os.fsync(out.fileno())
        counted.n_repeated = vocabulary.finish()
    counted.check_usable()
    if source.sha256() != sha256:
        raise SettingsError("It changed while it was read. Wait until it is complete.", key="vectors changed")
    shape = [counted.n_rows, layout.n_dims]
    return {"format": _FORMAT, "sha256": sha256, "shape": shape, "left_out": counted.n_unusable}


def _write_header(out: BinaryIO, shape: tuple[int, int]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)  # type: ignore[no-untyped-call]  # numpy 1.26 has no type for it


def _check_space(layout: Layout, folder: Path) -> None:
    needed, free = 4 * layout.n_dims * (layout.n_words or 0), shutil.disk_usage(folder).free
    if needed > free:
        lacking = f"{needed / 2**20:,.0f} MB in {folder.parent}, which has {free / 2**20:,.0f} MB free"
        raise StorageError(f"The converted word vectors need {lacking}. Free some space.", key="disk space")
