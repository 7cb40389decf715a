"""Files that hold no model themselves but point to one, or hold several; each is refused with what it names."""

import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from fdcore.suspect.formats import stands_for_a_model

MAX_TEXT = 20_000_000  # bytes of an index that are read
MAX_MEMBERS = 1_000  # of an archive that are looked at
MAX_NAME = 200  # characters
N_SHOWN = 5

POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\s.*?^size ([0-9]{1,18})\s*$", re.DOTALL | re.MULTILINE
)
WEB_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|error)\b",
    re.DOTALL | re.IGNORECASE,
)
MODEL_STARTS = re.compile(
    rb"PK\x03\x04|\x89HDF\r\n|\x80[\x02-\x05]|.{4}TFL3|GGUF|.{8}\{\"|\x08[\x01-\x1f][\x12\x1a\x22\x2a\x3a]", re.DOTALL
)  # a checkpoint, HDF5, a pickle, TensorFlow Lite, GGUF, safetensors, ONNX
OLD_CHECKPOINT = {"pickle", "tensors"}  # members of the tar archives that PyTorch wrote before version 0.1


def is_web_page(head: bytes) -> bool:
    """Whether a file begins as HTML, or as a server's error message in XML."""
    return WEB_PAGE.match(head) is not None


def refuse(file: BinaryIO, name: str) -> None:
    """Refuse a pointer, an index of parts and an archive of several models; anything else passes.

    Raises:
        SuspectError: the message says what is missing, or which models there are.
    """
    file.seek(0)
    head = file.read(1024)
    if pointer := POINTER.match(head):
        raise stands_for_a_model(
            name,
            f"a Git LFS pointer, which stands for a file of {int(pointer[1]):,} bytes that is missing here. Fetch that "
            "file (git lfs pull) or download it.",
            key="only a pointer",
        )
    if head.lstrip().startswith(b"{") and (parts := _parts(file)):
        raise stands_for_a_model(
            name,
            "an index that holds no weights. The files with the weights that it names are missing here: "
            f"{_shown(parts)}. Join them into one file and give that.",
            key="only an index",
        )
    models = list(_models(file))
    if len(models) > 1 and not {*models} >= OLD_CHECKPOINT:
        raise stands_for_a_model(
            name,
            f"an archive that holds {len(models)} models: {_shown(models)}. Unpack it and name one.",
            key="several models",
        )


def _parts(file: BinaryIO) -> list[str]:
    """The files that an index of a sharded model names."""
    file.seek(0)
    try:
        content: Any = json.loads(file.read(MAX_TEXT))
    except (ValueError, RecursionError):
        return []
    places = content.get("weight_map") if isinstance(content, dict) else None
    return sorted({str(place) for place in places.values()}) if isinstance(places, dict) else []


def _models(file: BinaryIO) -> Iterator[str]:
    """The members of an archive that begin as a model does."""
    file.seek(0)
    try:
        for name, head in _members(file):
            if MODEL_STARTS.match(head):
                yield name
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, tarfile.TarError):
        return  # a damaged or encrypted archive


def _members(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    if file.read(2) == b"PK":
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist()[:MAX_MEMBERS]:
                with archive.open(member) as content:
                    yield member.filename, content.read(16)
        return
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for _, entry in zip(range(MAX_MEMBERS), tar, strict=False):
            if entry.isfile() and (opened := tar.extractfile(entry)):
                yield entry.name, opened.read(16)


def _shown(names: list[str]) -> str:
    shown = ", ".join(name[:MAX_NAME] for name in names[:N_SHOWN])
    return f"{shown} and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else shown
