"""Word vectors: the vector of a token in any spelling (paper section 5.3).

The vectors are the user's own (`open_vectors`) or the small ones that ship with fdcore (`builtin_vectors`). The user's
matrix stays on disk, mapped and shared by all processes; `restricted` copies a few words for a case.
"""

import hashlib
import io
import json
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.errors import CaseError, SettingsError
from fdcore.progress import Progress, silent
from fdcore.words.spelling import spellings
from fdcore.words.vector_files import open_vector_file
from fdcore.words.vector_reading import MAX_DIMS, MIN_DIMS
from fdcore.words.vocabulary import ListedVocabulary, Vocabulary

Matrix = npt.NDArray[np.float32]

BUILTIN_NAME = "built in"
BUILTIN_FILE = "word-vectors.npz"
MAX_TOKEN = 200  # characters of a token that is looked up
MAX_KEPT = 200_000  # words of a copy kept in a case
_MAX_UNPACKED = 2**28  # bytes of such a copy; 200,000 words of 300 numbers have 240 MB
_MAX_ABOUT = 2**16  # bytes of its description
_DAMAGE = (  # what zipfile, numpy and json raise on foreign bytes
    OSError, ValueError, TypeError, KeyError, EOFError, OverflowError, RuntimeError, MemoryError, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip
_ARRAYS = {"about", "words", "matrix"}


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors of words. Read only.

    Attributes:
        name: for display: the file's name, or "built in".
        sha256: hex digest of the source file; its identity in the audit log.
        independent: False for the built-in vectors: they were made from the hierarchy itself, so their agreement with
            it proves little.
        left_out: unusable words of the source file.
        matrix: (n_rows, n_dims) float32; may be mapped from disk.
        vocabulary: finds the row of a word.
    """

    name: str
    sha256: str
    independent: bool
    left_out: int
    matrix: Matrix = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)

    def __len__(self) -> int:
        return len(self.vocabulary)

    @property
    def n_dims(self) -> int:
        """The dimension of the vectors."""
        return int(self.matrix.shape[1])

    def find(self, token: str) -> str | None:
        """The vocabulary's spelling of a token (see `spelling.spellings`); None where no spelling has a vector."""
        token = unicodedata.normalize("NFC", token)
        if not token or len(token) > MAX_TOKEN:
            return None
        return next((word for word in spellings(token) if self.vocabulary.row(word) is not None), None)

    def vectors(self, words: Sequence[str]) -> Matrix:
        """The raw vectors, float32 (n, n_dims), of words that `find` returned.

        Raises:
            KeyError: a word is not in the vocabulary; a mistake of the caller.
        """
        rows = [self.vocabulary.row(word) for word in words]
        if None in rows:
            raise KeyError(words[rows.index(None)])
        return np.array(self.matrix[np.array(rows, dtype=np.intp)])

    def restricted(self, words: Iterable[str]) -> "WordVectors":
        """A small copy in memory with the vectors of these words, where they have one.

        For each of the words, `find` gives the same result in the copy.

        Raises:
            SettingsError: there are more than `MAX_KEPT`.
        """
        found = list(dict.fromkeys(word for word in map(self.find, words) if word is not None))
        if len(found) > MAX_KEPT:
            raise SettingsError(
                f"A case can keep at most {MAX_KEPT:,} words, not {len(found):,}.", key="too many words"
            )
        return WordVectors(
            self.name, self.sha256, self.independent, self.left_out, self.vectors(found), ListedVocabulary(found)
        )


def open_vectors(path: Path, cache: Path, progress: Progress = silent) -> WordVectors:
    """Open a file of word vectors: word2vec binary or text, GloVe, fastText's `.vec`, plain or gzip.

    The first time it is converted into `cache`, which takes minutes for gigabytes; after that it opens immediately in
    any process and takes no memory of its own. The file is untrusted, and its content decides its format; for the
    arguments and errors see `vector_files.open_vector_file`.
    """
    converted = open_vector_file(path, cache, progress)
    return WordVectors(path.name, converted.sha256, True, converted.left_out, converted.matrix, converted.vocabulary)


@cache
def builtin_vectors() -> WordVectors:
    """The vectors that ship with fdcore, made by scripts/build_word_vectors.py; not independent of the hierarchy."""
    content = files("fdcore.words").joinpath("data", BUILTIN_FILE).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        matrix = arrays["steps"].astype(np.float32) * arrays["step"].astype(np.float32)[:, None]
        words = arrays["words"].tobytes().decode().split("\n")
    matrix.flags.writeable = False
    return WordVectors(BUILTIN_NAME, hashlib.sha256(content).hexdigest(), False, 0, matrix, ListedVocabulary(words))


def to_npz(vectors: WordVectors) -> bytes:
    """Vectors as NPZ without pickle, for a case: words (UTF-8, one a line), matrix, about (JSON).

    Raises:
        SettingsError: there are more than `MAX_KEPT` words, or more numbers than `from_npz` would accept; keep a
            `restricted` copy.
    """
    if len(vectors) > MAX_KEPT:
        raise SettingsError(f"A case can keep at most {MAX_KEPT:,} words, not {len(vectors):,}.", key="too many words")
    words = list(vectors.vocabulary)
    text = "\n".join(words).encode()
    size = len(text) + 4 * len(words) * vectors.n_dims + _MAX_ABOUT
    if size > _MAX_UNPACKED:
        raise SettingsError(
            f"{len(words):,} words of {vectors.n_dims:,} numbers have {size / 2**20:,.0f} MB; a case can keep at most "
            f"{_MAX_UNPACKED / 2**20:,.0f} MB. Compare fewer words, or choose vectors of a lower dimension.",
            key="vectors too large",
        )
    about = {field: getattr(vectors, field) for field in ("name", "sha256", "independent", "left_out")}
    content = io.BytesIO()
    np.savez_compressed(
        content,
        about=_as_bytes(json.dumps(about, sort_keys=True)),
        words=np.frombuffer(text, dtype=np.uint8),
        matrix=vectors.vectors(words).reshape(len(words), vectors.n_dims),
    )
    return content.getvalue()


def from_npz(content: bytes) -> WordVectors:
    """The inverse of `to_npz`; the content is untrusted.

    Raises:
        CaseError: the content is damaged.
    """
    try:
        arrays = _arrays(content)
        about = json.loads(arrays["about"].tobytes()[:_MAX_ABOUT])
        text, matrix = arrays["words"].tobytes(), arrays["matrix"]
        if text.count(b"\n") >= MAX_KEPT:
            raise ValueError(f"it has more than {MAX_KEPT:,} words")
        words = text.decode().split("\n") if text else []
        vocabulary = ListedVocabulary(words)
        if not _is_sound(matrix) or not len(matrix) == len(words) == len(vocabulary):
            raise ValueError("words and vectors do not match")
        name, sha256, left_out = str(about["name"]), str(about["sha256"]), int(about["left_out"])
        independent = about["independent"] is True
    except _DAMAGE as error:
        wrong = f"The word vectors of the case are damaged ({error}). Compare the words again."
        raise CaseError(wrong, key="kept vectors damaged") from error
    return WordVectors(name, sha256, independent, left_out, matrix, vocabulary)


def _arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an NPZ file, after a check of its unpacked size."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > _MAX_UNPACKED:
        raise ValueError(f"it unpacks to {unpacked / 2**20:,.0f} MB")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in _ARRAYS}


def _is_sound(matrix: npt.NDArray[Any]) -> bool:
    """Whether these vectors can be compared and drawn: float32, two numbers or more each, all finite."""
    if matrix.dtype != np.float32 or matrix.ndim != 2 or not MIN_DIMS <= matrix.shape[1] <= MAX_DIMS:
        return False
    return bool(np.isfinite(matrix).all())


def _as_bytes(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)
