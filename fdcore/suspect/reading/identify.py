"""What kind of file a suspect is, identified from its content alone; the file's name is ignored."""

import json
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fdcore.errors import SuspectError
from fdcore.suspect.cell.evidence import unreadable
from fdcore.suspect.formats import Format
from fdcore.suspect.packing import CONFIG
from fdcore.suspect.reading import no_model

TORCH_LEGACY_START = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")  # the pickled number 0x1950a86a20f9469cfc6c
MAX_SAFETENSORS_HEADER = 100_000_000  # bytes; the format's own limit
N_PROBED_OPCODES = 1_000
MAX_OUTER_FIELDS = 10_000
PICKLE_TEXT_STARTS = b"(c]}l"

MAGIC = (
    (0, TORCH_LEGACY_START, Format.TORCH_LEGACY),
    (4, b"TFL3", Format.TFLITE),
    (0, b"\x89HDF\r\n\x1a\n", Format.HDF5),
    (0, b"GGUF", Format.GGUF),
    (0, b"\x93NUMPY", Format.NUMPY),
    (0, b"PAR1", Format.TABLE),
    (257, b"ustar", Format.TAR_CHECKPOINT),
    (0, b"\x1f\x8b", Format.ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", Format.ARCHIVE),
    (0, b"BZh", Format.ARCHIVE),
    (0, b"\xfd7zXZ\x00", Format.ARCHIVE),
    (0, b"Rar!", Format.ARCHIVE),
)


def identify(path: Path) -> Format:
    """Identify the kind of a file from its content, reading little of it.

    Raises:
        SuspectError: the file cannot be read, or it only says where a model is (`fdcore.suspect.reading.no_model`).
    """
    try:
        with path.open("rb") as file:
            kind = _identify(file, path.stat().st_size)
            if kind in (Format.UNKNOWN, Format.ARCHIVE, Format.TAR_CHECKPOINT):
                no_model.refuse(file, path.name)
            return kind
    except OSError as error:
        raise unreadable(path, error) from error


def _identify(file: BinaryIO, size: int) -> Format:
    if size == 0:
        return Format.EMPTY
    head = file.read(512)
    for offset, magic, kind in MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _identify_zip(file)
    if _is_safetensors(file, size):
        return Format.SAFETENSORS
    if no_model.is_web_page(head):
        return Format.WEB_PAGE
    if (head[0] == 0x80 or head[0] in PICKLE_TEXT_STARTS) and _starts_as_pickle(file):
        return Format.PICKLE
    kind = _identify_protobuf(file, size)
    return Format.TABLE if kind is Format.UNKNOWN and _is_table(head) else kind


def _is_table(head: bytes) -> bool:
    """Whether the first two lines are text with the same number of commas, semicolons or tabs."""
    lines = head.splitlines()[:2]
    if len(lines) < 2 or head.lstrip()[:1] in b"{[<" or not head.isascii() or b"\0" in head:
        return False
    return any(lines[0].count(mark) == lines[1].count(mark) > 0 for mark in (b",", b";", b"\t"))


def _identify_zip(file: BinaryIO) -> Format:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise SuspectError(
            f"The file starts as a zip archive like PyTorch's, but is damaged ({error}). "
            "It may have been truncated: copy it again from the evidence.",
            key="archive damaged",
        ) from error
    inner = {name.partition("/")[2] for name in names}
    if any(name.startswith("code/") for name in inner):
        return Format.TORCHSCRIPT
    if any(name.startswith("models/") for name in inner) or "serialized_exported_program.json" in names:
        return Format.TORCH_EXPORT
    if "data.pkl" in inner:
        return Format.TORCH_ZIP
    if "schema.json" in names:
        return Format.SKOPS
    if "model.weights.h5" in names:
        return Format.KERAS
    if CONFIG in names:
        endings = {Path(name).suffix for name in names}
        return Format.HUB_PICKLED if ".bin" in endings and ".safetensors" not in endings else Format.HUB
    if names and all(name.endswith(".npy") for name in names):
        return Format.NUMPY
    return Format.ARCHIVE


def _is_safetensors(file: BinaryIO, size: int) -> bool:
    """Whether the file is eight bytes of length followed by a JSON object of that length."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(MAX_SAFETENSORS_HEADER, size - 8) or file.read(1) != b"{":
        return False
    file.seek(8)
    try:
        return isinstance(json.loads(file.read(length)), dict)
    except (ValueError, RecursionError):
        return False


def _starts_as_pickle(file: BinaryIO) -> bool:
    """Whether the first opcodes can be read; nothing is executed."""
    file.seek(0)
    try:
        for n_read, (opcode, _, _) in enumerate(pickletools.genops(file)):
            if opcode.name == "STOP" or n_read >= N_PROBED_OPCODES:
                return n_read > 0
    except (ValueError, EOFError, OverflowError, MemoryError):
        return False
    return False


def _identify_protobuf(file: BinaryIO, size: int) -> Format:
    """Identify a protobuf file by its outermost field numbers and wire types, which differ for ONNX and TensorFlow."""
    try:
        fields = set(_protobuf_fields(file, size))
    except ValueError:
        return Format.UNKNOWN
    if {(1, 0), (7, 2)} <= fields:
        return Format.ONNX
    if {(1, 0), (2, 2)} == fields:
        return Format.SAVED_MODEL
    if (1, 2) in fields and fields <= {(1, 2), (2, 2), (3, 0), (4, 2)}:
        return Format.TF_GRAPH
    return Format.UNKNOWN


def _protobuf_fields(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """(field number, wire type) of each outermost field; ValueError if the file is not a protobuf message."""
    file.seek(0)
    for _ in range(MAX_OUTER_FIELDS):
        if file.tell() == size:
            return
        tag = _varint(file)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field 0")
        if wire == 0:
            _varint(file)
        else:
            length = {1: 8, 5: 4}.get(wire, -1) if wire != 2 else _varint(file)
            if length < 0 or file.tell() + length > size:
                raise ValueError("a field extends beyond the end of the file")
            file.seek(length, 1)
        yield number, wire
    raise ValueError("more fields than any model has")


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("the file ends within a number")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("a number longer than 64 bits")
