"""A user's file of word vectors: every format, everything that can be wrong with one, and the converted file."""

import gzip
import hashlib
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from raising import raises

from fdcore.errors import SettingsError, StorageError
from fdcore.words import vector_files, vector_reading, vocabulary
from fdcore.words.vector_files import open_vector_file
from fdcore.words.vectors import WordVectors, open_vectors

WORDS = ["the", "Cat", "cat", "New_York", "größe", "猫", "naïve", "20", "don't", "\u00a0", "🐈", "a" * 300]
MATRIX = np.random.default_rng(0).normal(size=(len(WORDS), 7)).astype(np.float32)


def text(words: list[str], matrix: np.ndarray, header: bool, end: str = "\n") -> bytes:
    """word2vec's text, or GloVe's without the header; fastText ends its lines with a space."""
    lines = [f"{len(words)} {matrix.shape[1]}"] if header else []
    lines += [f"{word} {' '.join(repr(float(x)) for x in row)}" for word, row in zip(words, matrix, strict=True)]
    return "".join(line + end for line in lines).encode()


def binary(words: list[str], matrix: np.ndarray, end: bytes = b"\n") -> bytes:
    """word2vec's binary; its own tool writes a new line after each vector, gensim does not."""
    records = [word.encode() + b" " + row.tobytes() + end for word, row in zip(words, matrix, strict=True)]
    return f"{len(words)} {matrix.shape[1]}\n".encode() + b"".join(records)


FORMATS = {
    "word2vec text": text(WORDS, MATRIX, True),
    "GloVe": text(WORDS, MATRIX, False),
    "fastText": text(WORDS, MATRIX, True, " \n"),
    "Windows lines": text(WORDS, MATRIX, True, "\r\n"),
    "tabs": text(WORDS, MATRIX, True).replace(b" ", b"\t"),
    "tabs without a header": text(WORDS, MATRIX, False).replace(b" ", b"\t"),
    "a byte order mark": b"\xef\xbb\xbf" + text(WORDS, MATRIX, True),
    "a byte order mark without a header": b"\xef\xbb\xbf" + text(WORDS, MATRIX, False),
    "no last new line": text(WORDS, MATRIX, False)[:-1],
    "word2vec binary": binary(WORDS, MATRIX),
    "gensim binary": binary(WORDS, MATRIX, b""),
}


def opened(tmp_path: Path, content: bytes, name: str = "file.jpg") -> WordVectors:
    """Open a file with some content."""
    path = tmp_path / name
    path.write_bytes(content)
    return open_vectors(path, tmp_path / "cache")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", list(FORMATS))
def test_the_content_decides_the_format(tmp_path: Path, kind: str, zipped: bool) -> None:
    """Every format, plain or gzip, under a name that says nothing, gives all words and exactly their numbers."""
    content = gzip.compress(FORMATS[kind]) if zipped else FORMATS[kind]
    vectors = opened(tmp_path, content)
    assert list(vectors.vocabulary) == WORDS
    np.testing.assert_array_equal(vectors.vectors(WORDS), MATRIX)
    assert (vectors.name, vectors.sha256) == ("file.jpg", hashlib.sha256(content).hexdigest())
    assert (vectors.independent, vectors.n_dims, len(vectors), vectors.left_out) == (True, 7, 12, 0)


@pytest.mark.parametrize("binary_file", [False, True])
def test_it_agrees_with_gensim_over_many_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, binary_file: bool
) -> None:
    """A file that gensim wrote, read in blocks that cut lines and vectors anywhere, is what gensim reads."""
    monkeypatch.setattr(vector_reading, "BLOCK_BYTES", 1_009)
    monkeypatch.setattr(vector_files, "HEAD_BYTES", 2_003)
    rng = np.random.default_rng(1)
    whole = KeyedVectors(33)
    whole.add_vectors([f"word{i:x}" for i in range(3_000)], rng.normal(size=(3_000, 33)).astype(np.float32))
    path = tmp_path / "vectors"
    whole.save_word2vec_format(str(path), binary=binary_file)
    oracle = KeyedVectors.load_word2vec_format(str(path), binary=binary_file)
    vectors = open_vectors(path, tmp_path / "cache")
    assert list(vectors.vocabulary) == oracle.index_to_key
    np.testing.assert_array_equal(vectors.matrix, oracle.vectors)
    assert vectors.find("word2a") == "word2a"
    assert vectors.find("wordzz") is None


def test_the_matrix_is_mapped_and_read_only(tmp_path: Path) -> None:
    """The vectors stay on disk; nobody can change them by mistake."""
    matrix = opened(tmp_path, FORMATS["GloVe"]).matrix
    base = matrix
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1


def lines(n: int, n_dims: int = 3) -> list[bytes]:
    """Good lines of text."""
    return [f"w{i}{' 0.5' * n_dims}".encode() for i in range(n)]


REFUSED: dict[str, tuple[bytes, *tuple[str, ...]]] = {
    "empty": (b"", "empty file"),
    "white space": (b"\n\n  \n", "empty file"),
    "prose": (b"It was the best of times,\nit was the worst of times.\n", "dimension range", "0 numbers"),
    "a zip archive": (b"PK\x03\x04" + bytes(100), "zip archive"),
    "gensim's save": (pickle.dumps({"vectors": [1, 2]}), "pickle", "save_word2vec_format"),
    "a fastText model": ((793712314).to_bytes(4, "little") + bytes(100), "fasttext model", ".vec"),
    "gzip cut off": (gzip.compress(FORMATS["GloVe"])[:-20], "gzip damaged"),
    "gzip damaged": (gzip.compress(FORMATS["GloVe"])[:-6] + bytes(6), "gzip damaged"),
    "one dimension": (b"a 1.0\nb 2.0\n", "dimension range", "1 numbers", "2 to 4,096"),
    "too many dimensions": (b"2 100000\na 1", "dimension range", "100,000"),
    "no words": (b"0 5\n", "word count", "0 words"),
    "too many words": (b"999999999999 2\n" + b"\n".join(lines(2, 2)), "word count", "999,999,999,999"),
    "promises more than fits": (b"5000 3\n" + b"\n".join(lines(50)), "truncated file", "5,000 words", "796"),
    "binary promises more": (binary(WORDS, MATRIX).replace(b"12 7", b"13 7", 1), "truncated file", "13 words", "12"),
    "binary promises less": (binary(WORDS, MATRIX).replace(b"12 7", b"11 7", 1), "more words", "11 words"),
    "binary of other dimensions": (binary(WORDS, MATRIX).replace(b"12 7", b"12 6", 1), "more words"),
    "binary cut off": (binary(WORDS, MATRIX)[:-3], "truncated file", "12 words", "11"),
    "text promises more": (b"55 3\n" + b"\n".join(lines(50)), "truncated file", "55 words", "50"),
    "text promises less": (b"45 3\n" + b"\n".join(lines(50)), "more words", "45 words"),
    "text of fewer dimensions": (b"50 4\n" + b"\n".join(lines(50)), "false header", "4 numbers", "3"),
    "text of more dimensions": (b"50 2\n" + b"\n".join(lines(50)), "unusable words", "50 words"),
    "text cut off": (b"\n".join(lines(50))[:-4], "short line", "'w49 0.5 0.5'", "3 numbers"),
    "a short line": (b"\n".join([*lines(20), b"short 1 2", *lines(40)[20:]]), "unusable words", "41 words", "short"),
    "a word for a number": (b"\n".join([*lines(20), b"bad 1 two 3"]), "unusable words", "21 words", "'bad'"),
    "overflowing": (b"\n".join([*lines(20), b"bad 1 1e39 3"]), "unusable words", "'bad'"),
    "huge": (b"\n".join([*lines(20), b"bad 1 -2e6 3"]), "unusable words", "'bad'"),
    "binary not finite": (binary(["a", "b"], np.array([[1, 2], [3, np.inf]], np.float32)), "unusable words", "'b'"),
    "other byte order": (binary(WORDS, MATRIX.astype(">f4")), "unusable words", "byte order"),
    "repeated words": (b"\n".join([*lines(20), *lines(20)]), "unusable words", "40 words", "repeated"),
    "not UTF-8": (b"\n".join([*lines(20), b"gr\xf6\xdfe 1 2 3"]), "unusable words", "21 words", "UTF-8"),
    "binary not UTF-8": (binary(["a"], np.ones((1, 2), np.float32)).replace(b"a", b"\xff"), "unusable words", "UTF-8"),
    "one endless line": (b"word 1 2 3 " + b"x" * 600_000, "dimension range"),
    "an endless binary word": (b"3 2\n" + bytes([255]) * 10_000, "endless word", "2,000"),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(REFUSED))
def test_a_bad_file_is_refused_with_its_fault(tmp_path: Path, kind: str) -> None:
    """The error names the file and the fault, and nothing of the file stays in the cache."""
    content, key, *values = REFUSED[kind]
    with raises(SettingsError, key, *values, tmp_path / "file.jpg"):
        opened(tmp_path, content)
    assert not list((tmp_path / "cache").rglob("*.npy"))
    assert not list((tmp_path / "cache").glob("*.draft"))


@pytest.mark.parametrize("zipped", [False, True])
def test_words_that_cannot_be_used_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    """A few repeated, spaced or broken words, as in published files, cost themselves alone; the first of two counts."""
    monkeypatch.setattr(vector_reading, "BLOCK_BYTES", 200)
    odd = [b"w7 9 9 9", b". . . 1 2 3", b"gr\xf6 1 2 3", b"bell\x07 1 2 3", b" 1 2 3"]
    content = b"\n".join([*lines(400), *odd[:2], *lines(600)[400:], *odd[2:]])
    vectors = opened(tmp_path, gzip.compress(content) if zipped else content)
    assert (len(vectors), vectors.left_out) == (600, 5)
    assert list(vectors.vocabulary) == [f"w{i}" for i in range(600)]
    np.testing.assert_array_equal(vectors.vectors(["w7", "w599"]), np.full((2, 3), 0.5, np.float32))


BAD_LINES = [b"nan 1 nan 3", b"short 1 2", b"long 1 2 3 4", b"words 1 two 3", b"huge 1 -2e6 3", b"inf 1 1e39 3"]


@pytest.mark.parametrize("bad", BAD_LINES)
def test_a_bad_line_costs_its_own_word(tmp_path: Path, bad: bytes) -> None:
    """A vector of another length, or with something that is no number, is left out and counted; all others are read."""
    content = b"\n".join([b"401 3", *lines(200), bad, *lines(400)[200:], b""])
    vectors = opened(tmp_path, content)
    assert (list(vectors.vocabulary), vectors.left_out) == ([f"w{i}" for i in range(400)], 1)


def test_a_bad_binary_vector_costs_its_own_word(tmp_path: Path) -> None:
    matrix = np.ones((200, 2), np.float32)
    matrix[7, 1] = np.nan
    vectors = opened(tmp_path, binary([f"w{i}" for i in range(200)], matrix))
    assert (len(vectors), vectors.left_out, "w7" in vectors.vocabulary) == (199, 1, False)


def test_new_lines_without_end_take_no_memory_and_little_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last word, and before one, any number of them is skipped, and the carried rest stays small."""
    monkeypatch.setattr(vector_reading, "BLOCK_BYTES", 2**16)
    carried: list[int] = []
    cut = vector_reading._cut_records

    def watched(content: bytes, n_bytes: int, limit: int) -> tuple[list[vector_reading.Record], bytes]:
        carried.append(len(content))
        return cut(content, n_bytes, limit)

    monkeypatch.setattr(vector_reading, "_cut_records", watched)
    whole = binary(["one", "two"], MATRIX[:2])
    split = whole.index(b"two ")
    vectors = opened(tmp_path, whole[:split] + b"\n" * 2_000_000 + whole[split:] + b"\n" * 2_000_000)
    assert list(vectors.vocabulary) == ["one", "two"]
    np.testing.assert_array_equal(vectors.matrix, MATRIX[:2])
    assert len(carried) > 50
    assert max(carried) <= vector_reading.HEAD_BYTES + 2**16


def test_words_with_one_hash_are_not_confused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word itself is compared, so that a forged collision gains nothing; real repetitions are still seen."""
    monkeypatch.setattr(vocabulary, "_hash", lambda spelling: len(spelling) % 3)
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(300)]
    matrix = rng.normal(size=(302, 2)).astype(np.float32)
    monkeypatch.setattr(vector_reading, "BLOCK_BYTES", 500)
    vectors = opened(tmp_path, text([*words, "w5", "w250"], matrix, False))
    assert (len(vectors), vectors.left_out) == (300, 2)
    assert [vectors.vocabulary.row(word) for word in words] == list(range(300))
    assert vectors.vocabulary.row("w301") is None


def test_a_gzip_bomb_is_stopped(tmp_path: Path) -> None:
    """A small file that unpacks to gigabytes of good lines is refused."""
    packed = tmp_path / "bomb"
    zeros = b" 0" * 4_000 + b"\n"
    with gzip.open(packed, "wb", compresslevel=1) as file:
        for i in range(25_000):
            file.write(b"w%d" % i + zeros)
    assert packed.stat().st_size < 3_000_000
    with raises(SettingsError, "unpacked size"):
        open_vector_file(packed, tmp_path / "cache")


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    """A missing path, a folder, a pipe that never ends, a device and an impossible path are named."""
    os.mkfifo(tmp_path / "pipe")
    for path, key in (
        (tmp_path / "missing", "vectors unreadable"),
        (tmp_path, "not a file"),
        (tmp_path / "pipe", "not a file"),
        (Path("/dev/zero"), "not a file"),
        (Path("a\0b"), "vectors unreadable"),
    ):
        with raises(SettingsError, key, path):
            open_vectors(path, tmp_path / "cache")


def test_a_full_disk_is_reported_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the header says that the vectors will not fit, nothing is converted."""
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with raises(StorageError, "disk space", "0 MB", tmp_path / "cache"):
        opened(tmp_path, FORMATS["word2vec binary"])


def test_a_converted_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened again, or as a copy under another name, the file is neither converted nor, if untouched, hashed."""
    vectors = opened(tmp_path, FORMATS["GloVe"])
    monkeypatch.setattr(vector_files, "read_vectors", lambda *_: pytest.fail("converted again"))
    (tmp_path / "copy").write_bytes(FORMATS["GloVe"])
    copy = open_vectors(tmp_path / "copy", tmp_path / "cache")
    assert (copy.name, copy.sha256) == ("copy", vectors.sha256)
    monkeypatch.setattr(vector_files, "_remember", lambda *_: pytest.fail("hashed again"))
    again = open_vectors(tmp_path / "file.jpg", tmp_path / "cache")
    np.testing.assert_array_equal(again.vectors(WORDS), MATRIX)


def test_a_changed_file_is_seen(tmp_path: Path) -> None:
    """Other content of the same length, with the old time set back, is another file."""
    first = opened(tmp_path, FORMATS["GloVe"])
    path = tmp_path / "file.jpg"
    before = path.stat()
    content = FORMATS["GloVe"].replace(b"Cat", b"Rat", 1)
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = open_vectors(path, tmp_path / "cache")
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert second.sha256 == hashlib.sha256(content).hexdigest() != first.sha256
    assert (second.find("Rat"), first.find("Rat")) == ("Rat", None)


def test_a_file_that_changes_under_the_conversion_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that are converted are hashed again; they must be those that gave the folder its name."""
    monkeypatch.setattr(vector_files, "_remembered", lambda *_: "0" * 64)
    with raises(SettingsError, "vectors changed"):
        opened(tmp_path, FORMATS["GloVe"])
    assert not list((tmp_path / "cache").glob("0*/*"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "matrix.npy").unlink(),
        lambda folder: os.truncate(folder / "matrix.npy", 200),
        lambda folder: os.truncate(folder / "words.bin", 3),
        lambda folder: (folder / "index.json").write_text("[]"),
        lambda folder: np.save(folder / "hashes.npy", np.zeros(3, np.uint64)),
    ],
)
def test_a_damaged_conversion_is_made_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A broken cache costs a conversion, not an answer."""
    vectors = opened(tmp_path, FORMATS["word2vec text"])
    damage(tmp_path / "cache" / vectors.sha256)
    again = open_vectors(tmp_path / "file.jpg", tmp_path / "cache")
    np.testing.assert_array_equal(again.vectors(WORDS), MATRIX)


def test_progress_is_reported_to_the_end(tmp_path: Path) -> None:
    """Hashing and converting are reported, never backwards, up to the whole file."""
    heard: list[tuple[str, int, int]] = []
    (tmp_path / "v").write_bytes(gzip.compress(FORMATS["GloVe"]))
    open_vectors(tmp_path / "v", tmp_path / "cache", lambda *said: heard.append(said))
    stages = [stage for stage, _, _ in heard]
    assert list(dict.fromkeys(stages)) == ["Hashing the word vectors", "Converting the word vectors"]
    for stage in set(stages):
        done = [at for said, at, _ in heard if said == stage]
        assert done == sorted(done)
        assert done[-1] == heard[0][2] == (tmp_path / "v").stat().st_size


_OPENED = """
import sys
from pathlib import Path
from fdcore.words.vectors import open_vectors
heard = []
vectors = open_vectors(Path(sys.argv[1]), Path(sys.argv[2]), lambda stage, *_: heard.append(stage))
print(vectors.sha256, "Converting the word vectors" in heard)
"""


def test_two_processes_convert_a_file_once(tmp_path: Path) -> None:
    """Started at once on the same file, one converts and the others wait for it; all open the same."""
    path = tmp_path / "v"
    rng = np.random.default_rng(0)
    path.write_bytes(text([f"w{i}" for i in range(4_000)], rng.normal(size=(4_000, 50)), False))
    command = [sys.executable, "-c", _OPENED, str(path), str(tmp_path / "cache")]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [worker.communicate(timeout=120)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len({sha256 for sha256, _ in answers}) == 1
    assert sorted(converted for _, converted in answers) == ["False", "False", "True"]


@pytest.fixture
def slow_file(tmp_path: Path) -> Path:
    """A file that takes seconds to convert."""
    path = tmp_path / "slow"
    row = " 0.123" * 300
    path.write_text("".join(f"w{i}{row}\n" for i in range(8_000)))
    return path


@pytest.mark.slow
def test_a_killed_conversion_leaves_nothing_that_looks_complete(tmp_path: Path, slow_file: Path) -> None:
    """After a kill in the middle, the next one starts again, and no draft stays."""
    cache = tmp_path / "cache"
    program = (
        "import sys; from pathlib import Path; from fdcore.words.vectors import open_vectors;"
        "open_vectors(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, str(slow_file), str(cache)])
    deadline = time.monotonic() + 60
    while not list(cache.glob("*.draft/words.bin")):
        assert time.monotonic() < deadline
        assert worker.poll() is None
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert [entry.name for entry in cache.iterdir() if re.fullmatch("[0-9a-f]{64}", entry.name)] == []
    vectors = open_vectors(slow_file, cache)
    assert len(vectors) == 8_000
    assert not list(cache.glob("*.draft"))


@pytest.mark.real
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "n_words"), [("glove_9910x300.txt.gz", 9_910), ("word2vec_googlenews_8000x300.txt.gz", 8_000)]
)
def test_published_vectors_are_read_as_gensim_reads_them(
    tmp_path: Path, real_data: Path, name: str, n_words: int
) -> None:
    """Real GloVe and word2vec files open whole and equal to gensim's own reading."""
    path = real_data / "vectors" / name
    if not path.is_file():
        pytest.skip(f"no real data: {path} is missing")
    vectors = open_vectors(path, tmp_path / "cache")
    oracle = KeyedVectors.load_word2vec_format(str(path))
    assert (len(vectors), vectors.n_dims, vectors.left_out) == (n_words, 300, 0)
    np.testing.assert_array_equal(vectors.vectors(oracle.index_to_key), oracle.vectors)
