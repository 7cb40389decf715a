"""Sampling the images of a corpus, and decoding them once to the suspect's input size.

The files of each leaf are read in the order of a keyed hash of (seed, name) until `per_leaf` of them are usable. The
order of the result is round-robin over the leaves, so that every prefix is balanced; the first of several duplicates in
this order is kept. Threads only decode ahead; nothing depends on their speed.

The key of a store covers the name, path, size and modification time of every listed file, which costs one `stat` for
each at every opening. Which files are read depends on which are broken, so a key over fewer files could miss a change.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from fdcore.corpus.containers import on_disk
from fdcore.corpus.decode import DECODER, Decoded, decode_file, quiet_pillow
from fdcore.corpus.layouts import ImageFile, Problem
from fdcore.corpus.store import ImageStore, Size, UsableImage, build_store, read_store
from fdcore.errors import SettingsError
from fdcore.progress import Progress, silent
from fdcore.storage import disk_errors

__all__ = ["ImageStore", "Size", "decode_images", "usable_images"]

_STAGE = "Decoding images"
_N_THREADS = min(8, os.cpu_count() or 1)
_N_AHEAD = 8 * _N_THREADS  # pictures decoded in advance; bounds the memory


@dataclass
class _Leaf:
    """The files of one node in sampling order, and how many of them have been read."""

    node: str
    files: list[ImageFile]
    n_submitted: int = 0
    waiting: deque[Future[Decoded]] = field(default_factory=deque)
    n_read: int = 0
    n_usable: int = 0


def decode_images(
    files: Sequence[ImageFile],
    size: Size,
    *,
    per_leaf: int | None,
    seed: int,
    cache: Path,
    progress: Progress = silent,
) -> tuple[ImageStore, tuple[Problem, ...]]:
    """Open the store of these images; decode them unless the cache has the store.

    Args:
        files: every file of every leaf, in any order.
        size: the suspect's input size.
        per_leaf: how many usable images to sample of each leaf, None for all.
        seed: of the sampling.
        cache: the folder of stores; created if missing.

    Returns:
        The store, which is empty if no file is usable, and the problems of the files that were read. A leaf without a
        usable image is left out and listed as "no usable image".

    Raises:
        SettingsError: `per_leaf` is below 1.
        StorageError: the cache cannot be written.
    """
    if per_leaf is not None and per_leaf < 1:
        raise SettingsError(f"At least 1 image per leaf is needed, not {per_leaf}.", key="too few images")
    leaves = _leaves(files, seed)
    with disk_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        place = cache / _store_key(leaves, size, per_leaf, seed, progress)
        return read_store(place, size) or build_store(
            place, size, lambda problems: _usable_images(leaves, size, per_leaf, problems, progress)
        )


def usable_images(
    files: Sequence[ImageFile],
    size: Size,
    *,
    per_leaf: int | None,
    seed: int,
    problems: list[Problem],
    progress: Progress = silent,
) -> Generator[UsableImage, None, None]:
    """Decode images in a store's order without building a store; problems are appended to `problems`."""
    return _usable_images(_leaves(files, seed), size, per_leaf, problems, progress)


def _leaves(files: Sequence[ImageFile], seed: int) -> list[_Leaf]:
    """Leaves sorted by node, the files of each in the order of a keyed hash: any prefix is a random sample."""
    by_node: dict[str, list[ImageFile]] = {}
    for file in files:
        by_node.setdefault(file.node, []).append(file)

    def key(file: ImageFile) -> tuple[bytes, str, str]:
        text = f"{seed}/{file.name}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=8).digest(), file.name, file.source

    return [_Leaf(node, sorted(by_node[node], key=key)) for node in sorted(by_node)]


def _usable_images(
    leaves: list[_Leaf], size: Size, per_leaf: int | None, problems: list[Problem], progress: Progress
) -> Generator[UsableImage, None, None]:
    total = sum(_wanted(leaf, per_leaf) for leaf in leaves)
    kept: dict[str, str] = {}
    with _Decoder(leaves, size, per_leaf) as decoder:
        for leaf in _round_robin(
            leaves, lambda leaf, n_taken: leaf.n_read < len(leaf.files) and (per_leaf is None or n_taken < per_leaf)
        ):
            image = _next_usable(decoder, leaf, kept, problems)
            if image is not None:
                leaf.n_usable += 1
                progress(_STAGE, len(kept), total)
                yield image
    for leaf in leaves:
        if leaf.n_usable == 0:
            first = leaf.files[0]
            is_named = leaf.node.startswith(f"{first.source}/")
            path = leaf.node if is_named else first._replace(name=leaf.node).full_name
            problems.append(Problem(path, "no usable image", f"none of its {len(leaf.files)} files is usable", False))
    progress(_STAGE, total, total)


def _round_robin(leaves: list[_Leaf], needs_more: Callable[[_Leaf, int], bool]) -> Iterator[_Leaf]:
    """Each leaf in turn, as long as it needs more than the images of the rounds so far."""
    n_rounds = 0
    while leaves:
        yield from leaves
        n_rounds += 1
        leaves = [leaf for leaf in leaves if needs_more(leaf, n_rounds)]


def _next_usable(decoder: "_Decoder", leaf: _Leaf, kept: dict[str, str], problems: list[Problem]) -> UsableImage | None:
    """The leaf's next image that can be decoded and is not a duplicate; None if no files are left."""
    while leaf.n_read < len(leaf.files):
        file, decoded = decoder.next(leaf)
        name, digest = file.full_name, decoded.sha256.hex()
        if decoded.pixels is None:
            problems.extend(Problem(name, note.reason, note.detail, False) for note in decoded.notes)
        elif digest in kept:
            problems.append(Problem(name, "duplicate", f"identical to {kept[digest]}, which is kept", False))
        else:
            kept[digest] = name
            problems.extend(Problem(name, note.reason, note.detail, True) for note in decoded.notes)
            return UsableImage(file, decoded.pixels, digest)
    return None


def _wanted(leaf: _Leaf, per_leaf: int | None) -> int:
    return len(leaf.files) if per_leaf is None else min(per_leaf, len(leaf.files))


class _Decoder:
    """Decodes in threads the files that are likely to be needed next; returns each leaf's files in their order."""

    def __init__(self, leaves: list[_Leaf], size: Size, per_leaf: int | None) -> None:
        self._size = size
        # the order in which the leaves will be needed if every file is usable
        self._plan = _round_robin(leaves, lambda leaf, n_taken: n_taken < _wanted(leaf, per_leaf))
        self._n_waiting = 0
        self._open = ExitStack()

    def __enter__(self) -> "_Decoder":
        self._open.enter_context(quiet_pillow())
        self._pool = ThreadPoolExecutor(_N_THREADS, thread_name_prefix="decode")
        self._open.callback(self._pool.shutdown, cancel_futures=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def next(self, leaf: _Leaf) -> tuple[ImageFile, Decoded]:
        """The next file of a leaf that has one, decoded."""
        while self._n_waiting < _N_AHEAD and (planned := next(self._plan, None)) is not None:
            self._submit(planned)
        if not leaf.waiting:  # earlier files were broken, so this one is needed sooner than planned
            self._submit(leaf)
        decoded = leaf.waiting.popleft().result()
        self._n_waiting -= 1
        leaf.n_read += 1
        return leaf.files[leaf.n_read - 1], decoded

    def _submit(self, leaf: _Leaf) -> None:
        if leaf.n_submitted < len(leaf.files):
            path = leaf.files[leaf.n_submitted].path
            leaf.waiting.append(self._pool.submit(decode_file, path, **self._size._asdict()))
            leaf.n_submitted += 1
            self._n_waiting += 1


def _store_key(leaves: list[_Leaf], size: Size, per_leaf: int | None, seed: int, progress: Progress) -> str:
    """The name of a store, a hash of everything that decides its content."""
    digest = hashlib.sha256(repr((DECODER, tuple(size), per_leaf, seed)).encode())
    total, done = sum(len(leaf.files) for leaf in leaves), 0
    for leaf in leaves:
        progress("Checking files", done, total)
        for file in leaf.files:
            parts = (file.node, file.source, file.name, str(file.path), *_stamp(file.path))
            digest.update(repr(parts).encode())
        done += len(leaf.files)
    progress("Checking files", total, total)
    return digest.hexdigest()[:32]


def _stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and modification time in ns, which reveal a changed file; (-1, -1) if they cannot be read.

    For a picture in a container these are the container's.
    """
    try:
        status = os.stat(path)
    except NotADirectoryError:
        return _stamp(on_disk(path))
    except OSError:  # decoding will report the problem
        return -1, -1
    return status.st_size, status.st_mtime_ns
