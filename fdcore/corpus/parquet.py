"""Parquet shards of pictures, as the Hugging Face hub publishes data sets: each row is a picture and its label."""

import errno
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

MAX_GROUP_BYTES = 512 * 2**20
"""Larger row groups are refused unread: a group is read whole. The hub's have at most a few hundred pictures."""

PICTURE_COLUMNS = ("image", "img", "picture", "bytes")
_SUFFIX = ".parquet"


class Shard(NamedTuple):
    """What a parquet file holds.

    Attributes:
        picture: the column of the pictures, as bytes or as a structure with a field `bytes`; "" if there is none.
        columns: names of the other columns.
        class_names: by column, the names of the numbers in it.
        n_rows: pictures.
    """

    picture: str
    columns: tuple[str, ...]
    class_names: dict[str, tuple[str, ...]]
    n_rows: int


def is_parquet(name: str) -> bool:
    """Whether a file's name is that of a parquet file."""
    return name.lower().endswith(_SUFFIX)


def read_shard(path: str) -> Shard:
    """What a parquet file holds, from its footer.

    Raises:
        OSError: it cannot be read.
    """
    import pyarrow as pa

    try:
        file = _open(path)
        schema = file.schema_arrow
        picture = _picture_column(schema)
        others = tuple(name for name in schema.names if name != picture)
        return Shard(picture, others, _class_names(schema), file.metadata.num_rows)
    except (pa.ArrowException, ValueError) as error:
        raise OSError(errno.EIO, f"not a parquet file ({str(error)[:100]})") from error


def read_labels(path: str, column: str) -> Iterator[Any]:
    """The entries of a column, in the order of the rows.

    Raises:
        OSError: it cannot be read.
    """
    import pyarrow as pa

    try:
        for batch in _open(path).iter_batches(columns=[column]):
            yield from batch.column(0).to_pylist()
    except (pa.ArrowException, ValueError) as error:
        raise OSError(errno.EIO, f"damaged ({str(error)[:100]})") from error


def read_row(path: Path, row: str) -> bytes:
    """The file of one picture.

    Args:
        path: the parquet file.
        row: its number, from 0.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    import pyarrow as pa

    if not row.isdecimal():
        raise FileNotFoundError(errno.ENOENT, "no such row")
    try:
        first, group = _group_of(_open(str(path)), int(row))
        status = os.stat(path)
        cell = _read_group(str(path), group, (status.st_size, status.st_mtime_ns))[int(row) - first].as_py()
    except (pa.ArrowException, ValueError) as error:
        raise OSError(errno.EIO, f"damaged ({str(error)[:100]})") from error
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if not isinstance(content, bytes):
        raise FileNotFoundError(errno.ENOENT, "the row has no picture")
    return content


def _open(path: str) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path)


def _group_of(file: Any, row: int) -> tuple[int, int]:
    """The first row of the row group that holds a row, and the group's number."""
    first = 0
    for group in range(file.metadata.num_row_groups):
        n_rows = file.metadata.row_group(group).num_rows
        if row < first + n_rows:
            return first, group
        first += n_rows
    raise FileNotFoundError(errno.ENOENT, "no such row")


@lru_cache(2)
def _read_group(path: str, group: int, _stamp: tuple[int, int]) -> "pa.ChunkedArray":
    file = _open(path)
    n_bytes = file.metadata.row_group(group).total_byte_size
    if n_bytes > MAX_GROUP_BYTES:
        detail = f"row group {group} has {n_bytes:,} bytes; at most {MAX_GROUP_BYTES:,} are read"
        raise OSError(errno.EFBIG, detail)
    return file.read_row_group(group, columns=[_picture_column(file.schema_arrow)]).column(0)


def _picture_column(schema: Any) -> str:
    import pyarrow as pa

    def holds_bytes(kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return any(field.name == "bytes" and holds_bytes(field.type) for field in kind)
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    found = [field.name for field in schema if holds_bytes(field.type)]
    return next((name for name in PICTURE_COLUMNS if name in found), found[0] if found else "")


def _class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """The names of class numbers, which the hub keeps in the schema's metadata."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        named = {column: feature.get("names") for column, feature in features.items() if isinstance(feature, dict)}
        return {column: tuple(map(str, names)) for column, names in named.items() if isinstance(names, list)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
