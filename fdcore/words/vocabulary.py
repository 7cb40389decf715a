"""Which row of a matrix holds a word's vector: a list in memory, or tables on disk that are never read as a whole."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from fdcore.storage import sync_folder

_WORDS, _OFFSETS, _HASHES, _ROWS = "words.bin", "offsets.npy", "hashes.npy", "rows.npy"


class Vocabulary(Protocol):
    """The words that have a vector."""

    def __len__(self) -> int:
        """The number of words."""

    def __iter__(self) -> Iterator[str]:
        """The words, in the order of their rows."""

    def row(self, word: str) -> int | None:
        """The row of exactly this word, or None."""


class ListedVocabulary:
    """A vocabulary in memory: the word in place i of the distinct words has row i."""

    def __init__(self, words: Sequence[str]) -> None:
        self._rows = {word: row for row, word in enumerate(words)}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def row(self, word: str) -> int | None:
        return self._rows.get(word)


class MappedVocabulary:
    """A mapped vocabulary on disk: a look-up reads a few pages, which all processes share.

    A word is found by its 64-bit hash in a sorted table and then compared byte by byte, so that two words with the same
    hash are never confused.
    """

    def __init__(self, folder: Path) -> None:
        """Open what `VocabularyWriter` wrote.

        Raises:
            OSError, ValueError: the tables are missing or do not match.
        """
        self._hashes = _map(folder / _HASHES, np.uint64)
        self._rows = _map(folder / _ROWS, np.int32)
        self._offsets = _map(folder / _OFFSETS, np.int64)
        self._text = np.asarray(np.memmap(folder / _WORDS, dtype=np.uint8, mode="r"))
        if len(self._rows) != len(self._hashes) or int(self._offsets[-1]) != len(self._text):
            raise ValueError(f"The vocabulary in {folder} is damaged.")

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[str]:
        return (self._spelling(row).decode() for row in np.sort(self._rows).tolist())

    @property
    def n_rows(self) -> int:
        """Rows of the matrix that belongs to it, including those of repeated words."""
        return len(self._offsets) - 1

    def row(self, word: str) -> int | None:
        spelling = word.encode("utf-8", "surrogatepass")
        hashed = np.uint64(_hash(spelling))
        place = int(np.searchsorted(self._hashes, hashed))
        while place < len(self._hashes) and self._hashes[place] == hashed:
            row = int(self._rows[place])
            if self._spelling(row) == spelling:
                return row
            place += 1
        return None

    def _spelling(self, row: int) -> bytes:
        return self._text[self._offsets[row] : self._offsets[row + 1]].tobytes()


class VocabularyWriter:
    """Writes a vocabulary of any size into an empty folder, block by block, with 20 bytes per word in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._text: BinaryIO = (folder / _WORDS).open("wb", buffering=2**20)
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._lengths: list[npt.NDArray[np.int64]] = []

    def add(self, words: Sequence[bytes]) -> None:
        """Append words in UTF-8, in the order of their rows."""
        self._text.write(b"".join(words))
        self._hashes.append(np.fromiter(map(_hash, words), dtype=np.uint64, count=len(words)))
        self._lengths.append(np.fromiter(map(len, words), dtype=np.int64, count=len(words)))

    def finish(self) -> int:
        """Write the tables; returns the number of repeated words, of which the first keeps its row."""
        self._text.flush()
        os.fsync(self._text.fileno())
        hashes = np.concatenate(self._hashes)
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))]).astype(np.int64)
        order = np.argsort(hashes, kind="stable").astype(np.int32)
        repeated = _repeated(hashes[order], order, self._reader(offsets))
        rows = np.delete(order, repeated)
        for name, table in ((_OFFSETS, offsets), (_HASHES, hashes[rows]), (_ROWS, rows)):
            with (self._folder / name).open("wb") as file:
                np.save(file, table, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        sync_folder(self._folder)
        return len(repeated)

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def _reader(self, offsets: npt.NDArray[np.int64]) -> Callable[[int], bytes]:
        text = np.asarray(np.memmap(self._folder / _WORDS, dtype=np.uint8, mode="r"))
        return lambda row: text[offsets[row] : offsets[row + 1]].tobytes()


def _repeated(
    hashes: npt.NDArray[np.uint64], rows: npt.NDArray[np.int32], spelling: Callable[[int], bytes]
) -> list[int]:
    """Places in the sorted table whose word occurs earlier, with the same hash and a smaller row."""
    places = (np.flatnonzero(hashes[1:] == hashes[:-1]) + 1).tolist()
    found, start, seen = [], -1, set[bytes]()
    for place in places:
        if hashes[place] != hashes[start] or start < 0:
            start, seen = place - 1, {spelling(int(rows[place - 1]))}
        word = spelling(int(rows[place]))
        if word in seen:
            found.append(place)
        seen.add(word)
    return found


def _hash(spelling: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(spelling, digest_size=8).digest(), "big")


def _map(path: Path, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """A mapped one-dimensional table, as a plain array: slices of a np.memmap are ten times as slow."""
    table = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    if table.dtype != dtype or table.ndim != 1:
        raise ValueError(f"{path} is damaged.")
    return table
