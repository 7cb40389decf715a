"""The normalisation in a TensorFlow Lite model's metadata, read from its flatbuffers field by field.

Field numbers: schema.fbs of TensorFlow Lite and metadata_schema.fbs of its support library. What does not read as
metadata counts as absent.
"""

import struct
from collections.abc import Iterator

from flatbuffers.number_types import Float32Flags, Uint8Flags, Uint32Flags, UOffsetTFlags
from flatbuffers.table import Table

_BUFFERS, _METADATA = 4, 6  # of Model
_NAME, _BUFFER = 0, 1  # of Metadata
_DATA = 0  # of Buffer
_SUBGRAPHS, _INPUTS, _PROCESSES = 3, 2, 4  # of ModelMetadata, SubGraphMetadata, TensorMetadata
_KIND, _OPTIONS, _NORMALISATION = 0, 1, 1  # of ProcessUnit; the number of NormalizationOptions among its kinds
_MEAN, _STD = 0, 1  # of NormalizationOptions
MAX_ITEMS = 10_000


def normalisation_in(content: bytes, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation of the first input in units of a byte, each (channels,); None where none is said."""
    try:
        for metadata in _metadata(content):
            graph = next(_tables(metadata, _SUBGRAPHS))
            source = next(_tables(graph, _INPUTS))
            for process in _tables(source, _PROCESSES):
                if _number(process, _KIND, Uint8Flags) == _NORMALISATION:
                    options = Table(process.Bytes, process.Pos)
                    process.Union(options, process.Offset(4 + 2 * _OPTIONS))
                    mean, std = (_floats(options, field, channels) for field in (_MEAN, _STD))
                    return (mean, std) if mean and std and min(std) > 0 else None
    except (struct.error, IndexError, ValueError, TypeError, StopIteration, RuntimeError):
        return None
    return None


def _metadata(content: bytes) -> Iterator[Table]:
    """The root of each ModelMetadata."""
    model = _root(content)
    buffers = list(_tables(model, _BUFFERS))
    for entry in _tables(model, _METADATA):
        if entry.String(entry.Offset(4 + 2 * _NAME) + entry.Pos) == b"TFLITE_METADATA":
            buffer = buffers[_number(entry, _BUFFER, Uint32Flags)]
            field = buffer.Offset(4 + 2 * _DATA)
            start, length = buffer.Vector(field), buffer.VectorLen(field)
            yield _root(content[start : start + length])


def _root(content: bytes) -> Table:
    return Table(bytearray(content), struct.unpack_from("<I", content)[0])


def _tables(table: Table, field: int) -> Iterator[Table]:
    """The tables in a vector of tables."""
    offset = table.Offset(4 + 2 * field)
    if offset:
        start = table.Vector(offset)
        for i in range(min(table.VectorLen(offset), MAX_ITEMS)):
            yield Table(table.Bytes, table.Indirect(start + i * UOffsetTFlags.bytewidth))


def _number(table: Table, field: int, kind: type) -> int:
    """An unsigned number; 0 where it is left out."""
    return int(table.GetSlot(4 + 2 * field, 0, kind))


def _floats(table: Table, field: int, n: int) -> tuple[float, ...]:
    offset = table.Offset(4 + 2 * field)
    if not offset:
        return ()
    start, length = table.Vector(offset), table.VectorLen(offset)
    if length not in (1, n):
        return ()
    values = tuple(float(table.Get(Float32Flags, start + 4 * i)) for i in range(length))
    return values * (n // int(length))
