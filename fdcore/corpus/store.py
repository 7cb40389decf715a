"""Decoded images on disk: one folder per store, complete or absent.

A store is a folder with `pixels.npy` and `index.json`. It is written beside its place, under a lock that ends with the
process, and renamed when it is complete: a killed run leaves nothing that looks like a store, and of two processes that
need the same store the second waits and opens it. A damaged store is rebuilt.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.corpus.layouts import ImageFile, Problem
from fdcore.errors import StorageError
from fdcore.storage import only_one, sync_folder, write_atomically

_PIXELS, _INDEX = "pixels.npy", "index.json"


@dataclass(frozen=True)
class ImageStore:
    """Decoded images in a fixed order.

    Attributes:
        pixels: (N, height, width, channels) uint8, read only, mapped from disk.
        node_index: (N,) int32, positions in `nodes`.
        image_ids: (N,) uint64, the first 8 bytes of each file's SHA-256, big endian.
        names: "<corpus folder name>/<relative path>" of each image.
        sha256: hex digest of each image's file.
        nodes: ids of the nodes that have images, sorted.
        fingerprint: hex SHA-256 over (sha256, node) of every image in order, and the size.
        key: the store's name in its cache; see `find_pixels`.
    """

    pixels: npt.NDArray[np.uint8]
    node_index: npt.NDArray[np.int32]
    image_ids: npt.NDArray[np.uint64]
    names: tuple[str, ...]
    sha256: tuple[str, ...]
    nodes: tuple[str, ...]
    fingerprint: str
    key: str


class Size(NamedTuple):
    """The shape of one picture: height and width in pixels, and 3 channels for RGB or 1 for grey."""

    height: int
    width: int
    channels: int


class UsableImage(NamedTuple):
    """One image of the corpus: its file, (height, width, channels) uint8 and the hex digest of the file."""

    file: ImageFile
    pixels: npt.NDArray[np.uint8]
    sha256: str


Opened = tuple[ImageStore, tuple[Problem, ...]]
Decode = Callable[[list[Problem]], Generator[UsableImage, None, None]]


def read_store(place: Path, size: Size) -> Opened | None:
    """Open a store and the problems found when it was built; None if there is none or it is damaged."""
    try:
        index = json.loads((place / _INDEX).read_bytes())
        pixels = np.load(place / _PIXELS, mmap_mode="r", allow_pickle=False)
        store = _assemble(place, pixels, index, size)
        problems = tuple(Problem(*row) for row in index["problems"])
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError):
        return None
    intact = store.fingerprint == index["fingerprint"] and pixels.shape == (len(store.names), *size)
    return (store, problems) if intact and pixels.dtype == np.uint8 else None


def find_pixels(cache: Path, key: str, n_images: int) -> npt.NDArray[np.uint8] | None:
    """The pixels of an existing store, (n_images, height, width, channels); None if it is missing."""
    if not re.fullmatch(r"[0-9a-f]{32}", key):  # the key may come from an imported case
        return None
    try:
        pixels = np.load(cache / key / _PIXELS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return pixels if pixels.dtype == np.uint8 and pixels.ndim == 4 and len(pixels) == n_images else None


def build_store(place: Path, size: Size, decode: Decode) -> Opened:
    """Write the images that `decode` yields, in its order, and open them.

    Args:
        place: the store's folder, which appears when the store is complete; its parent must exist.
        size: the shape of each picture.
        decode: called once with a list, to which it appends the problems that it finds.

    Returns:
        The store and its problems. Without any image the store is empty and nothing is written.

    Raises:
        StorageError: what was written cannot be read back.
        OSError: the disk is full or cannot be written; nothing is left behind.
    """
    with only_one(place.with_name(f"{place.name}.lock")):
        return read_store(place, size) or _build(place, size, decode)


def _build(place: Path, size: Size, decode: Decode) -> Opened:
    draft = place.with_name(f"{place.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)  # left by a killed run; the lock excludes any other
    draft.mkdir()
    try:
        problems: list[Problem] = []
        index = _write_pixels(draft / _PIXELS, decode(problems), size)
        if not index["names"]:
            return _assemble(place, np.empty((0, *size), dtype=np.uint8), index, size), tuple(problems)
        index["problems"] = problems
        index["fingerprint"] = _fingerprint(size, index)
        write_atomically(draft / _INDEX, json.dumps(index).encode())
        shutil.rmtree(place, ignore_errors=True)  # a damaged one
        os.rename(draft, place)
        sync_folder(place.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    opened = read_store(place, size)
    if opened is None:
        raise StorageError(f"The image store {place} was written but cannot be read back; check its disk.")
    return opened


def _assemble(place: Path, pixels: npt.NDArray[np.uint8], index: dict[str, Any], size: Size) -> ImageStore:
    return ImageStore(
        pixels=pixels,
        node_index=np.array(index["node_index"], dtype=np.int32),
        image_ids=np.array([int(digest[:16], 16) for digest in index["sha256"]], dtype=np.uint64),
        names=tuple(index["names"]),
        sha256=tuple(index["sha256"]),
        nodes=tuple(index["nodes"]),
        fingerprint=_fingerprint(size, index),
        key=place.name,
    )


def _fingerprint(size: Size, index: dict[str, Any]) -> str:
    digest = new_sha256(f"{size.height}x{size.width}x{size.channels}\n".encode())
    for image, i in zip(index["sha256"], index["node_index"], strict=True):
        digest.update(f"{image} {index['nodes'][i]}\n".encode())
    return digest.hexdigest()


def _write_pixels(path: Path, images: Generator[UsableImage, None, None], size: Size) -> dict[str, Any]:
    """Append images to an .npy file and return the index.

    The file is written, not mapped: on a full disk a write fails with an error, a mapped page with a signal that ends
    the process.
    """
    files: list[ImageFile] = []
    sha256: list[str] = []
    with path.open("wb", buffering=2**20) as out, closing(images):
        _write_header(out, (0, *size))
        for image in images:
            out.write(np.ascontiguousarray(image.pixels).data)
            files.append(image.file)
            sha256.append(image.sha256)
        out.seek(0)
        _write_header(out, (len(files), *size))  # numpy pads the header, so its length stays the same
        out.flush()
        os.fsync(out.fileno())
    nodes = sorted({file.node for file in files})
    position = {node: i for i, node in enumerate(nodes)}
    return {
        "nodes": nodes,
        "node_index": [position[file.node] for file in files],
        "names": [file.full_name for file in files],
        "sha256": sha256,
    }


def _write_header(out: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)  # type: ignore[no-untyped-call]  # numpy 1.26 has no type for it
