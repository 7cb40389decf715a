"""What is known about every registered architecture without building it.

The table `index.csv.xz` beside this module has one row for each: its default input, which tensors depend on the
number of classes (the head) and of channels (the stem), and a hash of the name and shape of every other tensor.
Building the thousand networks takes minutes, comparing hashes milliseconds. `scripts/build_architectures.py` writes the
table; a row is only a hint, so every match is then verified against the real network.
"""

import csv
import hashlib
import io
import lzma
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

Hashes = npt.NDArray[np.uint32]

TABLE = "index.csv.xz"
COLUMNS = ("name", "height", "width", "mean", "std", "head", "stem", "tensors")
HASH = np.dtype(">u4")
NOT_WEIGHTS = ("num_batches_tracked", "n_averaged", "total_ops", "total_params")


class Input(NamedTuple):
    """The default input: size in pixels, and the normalisation of a colour picture in units of 0..1."""

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Entry(NamedTuple):
    """One architecture.

    Attributes:
        head: tensors whose first axis is the number of classes.
        stem: tensors whose shape depends on the number of input channels.
        tensors: the hashes of all other tensors, in the network's order.
    """

    name: str
    input: Input
    head: tuple[str, ...]
    stem: tuple[str, ...]
    tensors: tuple[int, ...]


@cache
def entries() -> dict[str, Entry]:
    """All rows of the table by name; the networks written here first, then torchvision's, then timm's."""
    packed = files(__package__).joinpath(TABLE).read_bytes()
    rows = csv.DictReader(io.StringIO(lzma.decompress(packed).decode()))
    return {row["name"]: _entry(row) for row in rows}


def _entry(row: dict[str, str]) -> Entry:
    mean, std = (tuple(float(v) for v in row[column].split()) for column in ("mean", "std"))
    return Entry(
        name=row["name"],
        input=Input(int(row["height"]), int(row["width"]), mean, std),
        head=tuple(row["head"].split()),
        stem=tuple(row["stem"].split()),
        tensors=tuple(np.frombuffer(bytes.fromhex(row["tensors"]), HASH).tolist()),
    )


def write_table(rows: Iterable[Entry]) -> bytes:
    """The packed table; the inverse of `entries`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        mean, std = (" ".join(f"{v:g}" for v in values) for values in (row.input.mean, row.input.std))
        names = [" ".join(row.head), " ".join(row.stem)]
        hashes = np.array(row.tensors, HASH).tobytes().hex()
        writer.writerow([row.name, row.input.height, row.input.width, mean, std, *names, hashes])
    return lzma.compress(text.getvalue().encode(), preset=9 | lzma.PRESET_EXTREME)


def weight_shapes(shapes: Shapes) -> dict[str, Shape]:
    """Without counters, which some versions of a library write and others do not."""
    return {key: shape for key, shape in shapes.items() if key.rpartition(".")[2] not in NOT_WEIGHTS}


def tensor_hash(key: str, shape: Shape) -> int:
    """32 bits of a tensor's name and shape."""
    text = f"{key}:{','.join(map(str, shape))}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()[: HASH.itemsize], "big")


def n_shared(hashes: Collection[int]) -> dict[str, int]:
    """Name -> how many of an architecture's tensors, without head and stem, have one of these hashes."""
    every, starts = _every_hash()
    among = np.isin(every, np.fromiter(hashes, np.uint32, len(hashes)))
    counts = np.add.reduceat(np.append(among, False), starts, dtype=np.int64)
    return dict(zip(entries(), counts.tolist(), strict=True))


@cache
def _every_hash() -> tuple[Hashes, npt.NDArray[Any]]:
    """The hashes of all rows one after another, and where each row starts."""
    rows = [entry.tensors for entry in entries().values()]
    return np.concatenate([np.array(row, np.uint32) for row in rows]), np.array([0, *accumulate(map(len, rows[:-1]))])


def describe(name: str, shapes: Shapes, *, head: Collection[str], stem: Collection[str], default: Input) -> Entry:
    """The row of an architecture whose tensors have these shapes, head and stem among them."""
    fixed = {key: shape for key, shape in weight_shapes(shapes).items() if key not in head and key not in stem}
    return Entry(name, default, tuple(head), tuple(stem), tuple(tensor_hash(*item) for item in fixed.items()))
