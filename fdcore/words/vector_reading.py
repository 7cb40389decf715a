"""Reading word vectors from an untrusted file, one block at a time.

Supported are word2vec's binary and text files, GloVe's text (no header) and fastText's `.vec`, plain or gzip, with
spaces or tabs; the content decides the format, not the name. A bad line costs its own word. gensim turns the numbers of
a block into vectors; this module cuts the blocks, so that no file, however large or false, takes more memory than a few
of them, and checks everything that gensim trusts. gensim's own format is pickle and is never opened.
"""

import gzip
import hashlib
import io
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError
from fdcore.progress import Progress

Matrix = npt.NDArray[np.float32]
Record = tuple[bytes, bytes]  # a word, and its numbers as in the file

MAX_BYTES = 16 * 2**30  # of an unpacked file; the largest published one (GloVe 840B) has 5.6 GB
MAX_RATIO = 100  # the largest growth of a gzip file; vectors grow at most fivefold
MAX_WORDS = 20_000_000
MIN_DIMS, MAX_DIMS = 2, 4_096
MAX_WORD_BYTES = 2_000  # GloVe and Google News contain web addresses of a few hundred
MAX_NUMBER = 1e6  # a larger coordinate indicates damage, and its square might overflow
MAX_LEFT_OUT = 0.01  # share of a file's words that may be unusable

MEND = "Choose a word2vec (.bin or .txt), GloVe (.txt) or fastText (.vec) file, plain or gzip."
AGAIN = "Download or copy the file again."
BLOCK_BYTES = 4 * 2**20
HEAD_BYTES = 256 * 2**10  # enough for a header and the longest line of text

_AHEAD_BYTES = 2**16  # read ahead of a gzip stream: little, so that a bomb is detected early
_N_BEFORE_JUDGING = 10_000  # words to read before the share of unusable ones is meaningful
_HEADER = re.compile(rb"[ \t]*(\d{1,12})[ \t]+(\d{1,12})[ \t\r]*")
_NEW_LINES = re.compile(rb"\n+")
_BOM = b"\xef\xbb\xbf"
_FASTTEXT_MAGIC = (793712314).to_bytes(4, "little")


class Source:
    """The unpacked bytes of a file, in order, hashed while they are read; refuses a file that unpacks without end."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        file.seek(0)
        self._raw = _HashedFile(file)
        self._progress = progress
        self.size = os.fstat(file.fileno()).st_size
        packed = io.BufferedReader(self._raw, _AHEAD_BYTES)
        self.zipped = packed.peek(2)[:2] == b"\x1f\x8b"
        self._stream: BinaryIO = gzip.GzipFile(fileobj=packed) if self.zipped else packed  # type: ignore[assignment]  # reads the same
        self._ahead = b""
        self._n_read = 0

    def head(self, n_bytes: int) -> bytes:
        """The first bytes without a byte order mark, which `read` will return again."""
        self._ahead = self.read(n_bytes).removeprefix(_BOM)
        return self._ahead

    def read(self, n_bytes: int) -> bytes:
        """The next bytes; fewer only at the end."""
        if self._ahead:
            block, self._ahead = self._ahead, b""
            return block
        block = self._stream.read(n_bytes)
        self._n_read += len(block)
        if self._n_read > MAX_BYTES or self._n_read > MAX_RATIO * max(self._raw.n_read, _AHEAD_BYTES):
            grown = f"from {self._raw.n_read / 2**20:,.1f} MB to more than {self._n_read / 2**20:,.0f} MB"
            wrong = f"It unpacks {grown}, unlike any file of word vectors. Unpack it yourself if you trust it."
            raise SettingsError(wrong, key="unpacked size")
        self._progress("Converting the word vectors", min(self._raw.n_read, self.size), self.size)
        return block

    def sha256(self) -> str:
        """The digest of the whole file; reads the rest of it."""
        while self._raw.read(BLOCK_BYTES):
            pass
        return self._raw.digest.hexdigest()


class _HashedFile(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.n_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        self.digest.update(block)
        self.n_read += len(block)
        return len(block)


# Recognising


class Layout(NamedTuple):
    """How a file is laid out.

    Attributes:
        kind: "binary" or "text".
        n_words: according to the header; None without a header.
        n_dims: numbers per word.
        n_header: bytes of the header.
    """

    kind: str
    n_words: int | None
    n_dims: int
    n_header: int

    @property
    def n_least(self) -> int:
        """The fewest bytes that a word and its vector take."""
        return 2 + 4 * self.n_dims if self.kind == "binary" else 1 + 2 * self.n_dims


def recognise(head: bytes) -> Layout:
    """The layout of a file, from its first unpacked bytes.

    Raises:
        SettingsError: the format is not supported; the message says what it appears to be.
    """
    _refuse_others(head)
    first, _, rest = head.partition(b"\n")
    header = _HEADER.fullmatch(first)
    if header is None:
        return _checked(Layout("text", None, _count_numbers(first), 0))
    n_words, n_dims = int(header[1]), int(header[2])
    layout = _checked(Layout("text", n_words, n_dims, len(first) + 1))
    line = _with_spaces(rest.partition(b"\n")[0])
    if line.count(b" ") >= n_dims and _are_numbers(line.split(b" ")[-n_dims:]):
        return layout
    n_numbers = _count_numbers(line)
    if 0 < n_numbers == line.count(b" "):  # a line of text; binary numbers cannot look like it by chance
        wrong = f"Its header promises {n_dims:,} numbers per word, but the first word has {n_numbers:,}. {AGAIN}"
        raise SettingsError(wrong, key="false header")
    return layout._replace(kind="binary")


def _refuse_others(head: bytes) -> None:
    """Refuse files that are easily mistaken for word vectors."""
    if not head.strip():
        raise SettingsError(f"It is empty. {MEND}", key="empty file")
    if head.startswith(b"PK\x03\x04"):
        raise SettingsError("It is a zip archive. Unpack it and choose one of its files.", key="zip archive")
    if head.startswith(_FASTTEXT_MAGIC):
        mend = "Choose the .vec file that is published with it."
        raise SettingsError(f"It is a fastText model (.bin). {mend}", key="fasttext model")
    if re.match(rb"\x80[\x02-\x05]", head):
        wrong = "It was saved with gensim's `save`, which is pickle and can run code, so it is not opened."
        raise SettingsError(f"{wrong} Export it with `save_word2vec_format`.", key="pickle")


def _checked(layout: Layout) -> Layout:
    if not MIN_DIMS <= layout.n_dims <= MAX_DIMS:
        wrong = (
            f"Its first lines give {layout.n_dims:,} numbers per word; word vectors have {MIN_DIMS} to {MAX_DIMS:,}."
        )
        raise SettingsError(f"{wrong} {MEND}", key="dimension range")
    if layout.n_words is not None and not 1 <= layout.n_words <= MAX_WORDS:
        wrong = f"Its header promises {layout.n_words:,} words; 1 to {MAX_WORDS:,} can be read."
        raise SettingsError(wrong, key="word count")
    return layout


def _count_numbers(line: bytes) -> int:
    """How many numbers a line of text ends with."""
    cells = _with_spaces(line).split(b" ")[1:]
    numbers = [_are_numbers([cell]) for cell in cells]
    return len(numbers) - (max((i for i, good in enumerate(numbers, start=1) if not good), default=0))


def _with_spaces(line: bytes) -> bytes:
    """A line without the white space at its end, and with spaces for tabs."""
    return line.rstrip().replace(b"\t", b" ")


def _are_numbers(cells: list[bytes]) -> bool:
    try:
        return bool(cells) and all(np.isfinite(float(cell)) for cell in cells)
    except ValueError:
        return False


def check_promise(layout: Layout, source: Source) -> None:
    """Whether a file of this size can hold what its header promises."""
    if layout.n_words is None:
        return
    least = layout.n_header + layout.n_words * layout.n_least
    if least > min(MAX_BYTES, source.size * (MAX_RATIO if source.zipped else 1)):
        promised = f"{layout.n_words:,} words of {layout.n_dims:,} numbers, which need {least:,} bytes"
        raise SettingsError(f"Its header promises {promised}; it has {source.size:,}. {AGAIN}", key="truncated file")


# Blocks


@dataclass
class Counted:
    """What has been read so far, compared with what the header promises.

    Attributes:
        layout: of the file.
        n_rows: words with a row.
        n_left_out: unusable words.
        n_repeated: words with a row whose spelling has an earlier row; known at the end.
        reason: why the last word was left out.
    """

    layout: Layout
    n_rows: int = 0
    n_left_out: int = 0
    n_repeated: int = 0
    reason: str = "a repeated word"

    def leave_out(self, reason: str) -> None:
        """Count a word that has no row."""
        self.n_left_out += 1
        self.reason = reason

    @property
    def n_read(self) -> int:
        """Words read, usable or not."""
        return self.n_rows + self.n_left_out

    @property
    def n_unusable(self) -> int:
        """Words that cannot be looked up."""
        return self.n_left_out + self.n_repeated

    def check(self) -> None:
        """Refuse a bad file early."""
        promised = self.layout.n_words
        if promised is not None and self.n_read > promised:
            raise SettingsError(f"Its header promises {promised:,} words, but it has more. {AGAIN}", key="more words")
        if self.n_read > MAX_WORDS:
            raise SettingsError(f"It has more than {MAX_WORDS:,} words. Choose a smaller file.", key="word count")
        if self.n_read > _N_BEFORE_JUDGING:
            self.check_usable()

    def check_complete(self) -> None:
        """Refuse a file that has fewer words than promised."""
        promised = self.layout.n_words
        if promised is not None and self.n_read < promised:
            wrong = f"Its header promises {promised:,} words, but it ends after {self.n_read:,}. {AGAIN}"
            raise SettingsError(wrong, key="truncated file")

    def check_usable(self) -> None:
        """Refuse a file with too many unusable words."""
        if self.n_unusable > MAX_LEFT_OUT * self.n_read:
            share = f"{self.n_unusable:,} of its first {self.n_read:,} words (the last one: {self.reason})"
            mend = "It is damaged, not in UTF-8 or of another byte order: download or convert it again."
            raise SettingsError(f"{share} cannot be used. {mend}", key="unusable words")


def read_vectors(source: Source, layout: Layout, counted: Counted) -> Iterator[tuple[list[bytes], Matrix]]:
    """The usable words of a file and their vectors (n, n_dims), block by block."""
    blocks = _binary_blocks(source, layout) if layout.kind == "binary" else _text_blocks(source, layout)
    for records in blocks:
        words, vectors = _parse(list(_usable(records, counted)), layout, counted)
        counted.n_rows += len(words)
        counted.check()
        if words:
            yield words, vectors


def _usable(records: list[Record], counted: Counted) -> Iterator[Record]:
    """The records with a usable word; the others are counted."""
    seen = set()
    for word, numbers in records:
        reason = _unusable(word, numbers) or ("a repeated word" if word in seen else "")
        seen.add(word)
        if reason:
            counted.leave_out(reason)
        else:
            yield word, numbers


def _unusable(word: bytes, numbers: bytes) -> str:
    if not numbers:
        return f"{word[:40].decode('utf-8', 'replace')!r}, which has too few numbers"
    if not word:
        return "an empty word"
    if len(word) > MAX_WORD_BYTES:
        return f"a word of {len(word):,} bytes"
    if re.search(rb"[\x00- \x7f]", word):
        return "a word that contains a space or a control character"
    try:
        word.decode()
    except UnicodeDecodeError:
        return "a word that is not in UTF-8"
    return ""


def _parse(records: list[Record], layout: Layout, counted: Counted) -> tuple[list[bytes], Matrix]:
    """The words of some records and their vectors (n, n_dims); words with a vector that is none are counted."""
    try:
        vectors = _parse_all(records, layout)
    except (ValueError, EOFError):  # a cell of some line is no number
        good = [_are_numbers(numbers.split(b" ")) for _, numbers in records]
        records = _kept(records, good, "which has something else than numbers", counted)
        vectors = _parse_all(records, layout)
    within = (np.abs(vectors) <= MAX_NUMBER).all(axis=1)
    kept = _kept(records, within.tolist(), "which has a number that is not finite or beyond a million", counted)
    return [word for word, _ in kept], vectors[within]


def _kept(records: list[Record], good: list[bool], why: str, counted: Counted) -> list[Record]:
    """The good records; the others are counted."""
    for (word, _), is_good in zip(records, good, strict=True):
        if not is_good:
            counted.leave_out(f"{word.decode()!r}, {why}")
    return list(itertools.compress(records, good))


def _parse_all(records: list[Record], layout: Layout) -> Matrix:
    """The vectors (n, n_dims) of some records, parsed by gensim.

    Raises:
        ValueError, EOFError: something is not a number.
    """
    from gensim.models import KeyedVectors

    if not records:
        return np.empty((0, layout.n_dims), np.float32)
    binary = layout.kind == "binary"
    end = b"" if binary else b"\n"
    content = b"".join(word + b" " + numbers + end for word, numbers in records)
    header = f"{len(records)} {layout.n_dims}\n".encode()
    # gensim only reads from a path; overflows are detected by the caller
    with NamedTemporaryFile(buffering=0, suffix=".vectors") as file, np.errstate(over="ignore"):
        file.write(header + content)
        vectors: Matrix = KeyedVectors.load_word2vec_format(file.name, binary=binary).vectors
    return vectors


def _text_blocks(source: Source, layout: Layout) -> Iterator[list[Record]]:
    """Words and their numbers, from whole lines."""
    rest, skip, n_line = b"", layout.n_header, 0
    while block := source.read(BLOCK_BYTES):
        rest += block[skip:]
        skip = 0
        *lines, rest = rest.split(b"\n")
        if len(rest) > HEAD_BYTES:
            raise SettingsError(f"The line after line {n_line + len(lines):,} never ends. {AGAIN}", key="endless line")
        yield [_split_line(line, layout.n_dims) for line in lines if line.strip()]
        n_line += len(lines)
    if rest.strip():
        yield [_last_line(rest, layout.n_dims, n_line)]


def _split_line(line: bytes, n_dims: int) -> Record:
    """The word, which may contain spaces as some in GloVe do, and its numbers; without them if there are too few."""
    line = _with_spaces(line)
    if line.count(b" ") < n_dims:
        return line, b""
    word = line.rsplit(b" ", n_dims)[0]
    return word, line[len(word) + 1 :]


def _last_line(line: bytes, n_dims: int, n_line: int) -> Record:
    """The record of a last line that does not end; too few numbers mean that the file was cut off."""
    word, numbers = _split_line(line, n_dims)
    if not numbers:
        which = f"Word number {n_line + 1:,} ({word[:40].decode('utf-8', 'replace')!r})"
        raise SettingsError(f"{which} has fewer than {n_dims:,} numbers, and is the last. {AGAIN}", key="short line")
    return word, numbers


def _binary_blocks(source: Source, layout: Layout) -> Iterator[list[Record]]:
    """Words and their floats; after the promised number only white space may follow."""
    n_bytes, left = 4 * layout.n_dims, layout.n_words or 0
    rest, skip = b"", layout.n_header
    while block := source.read(BLOCK_BYTES):
        records, rest = _cut_records(rest + block[skip:], n_bytes, left)
        skip = 0
        left -= len(records)
        yield records
        if left:
            continue
        if rest.strip():
            raise SettingsError(
                f"Its header promises {layout.n_words:,} words, but it has more. {AGAIN}", key="more words"
            )
        rest = b""  # endless white space must not accumulate


def _cut_records(content: bytes, n_bytes: int, limit: int) -> tuple[list[Record], bytes]:
    """The complete records at the start of some content, at most `limit`, and the rest of it."""
    records: list[Record] = []
    start = 0
    while len(records) < limit:
        new_lines = _NEW_LINES.match(content, start)  # word2vec's own tool writes one after each vector
        start = new_lines.end() if new_lines else start
        space = content.find(b" ", start, start + MAX_WORD_BYTES + 1)
        if space < 0 and len(content) - start > MAX_WORD_BYTES:
            wrong = f"A word has more than {MAX_WORD_BYTES:,} bytes: it is not a word2vec binary file, or its dimension"
            raise SettingsError(f"{wrong} is not {n_bytes // 4:,} as its header says. {MEND}", key="endless word")
        if space < 0 or space + 1 + n_bytes > len(content):
            break
        records.append((content[start:space], content[space + 1 : space + 1 + n_bytes]))
        start = space + 1 + n_bytes
    return records, content[start:]
