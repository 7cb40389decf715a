"""Tiny pictures for tests about corpora: every one differs from every other, unless asked for twice."""

import io
import itertools
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fdcore.corpus.hierarchy import Hierarchy

DOG, CAT, CAR = "n02084071", "n02121620", "n02958343"
SMALL_WORDNET = Hierarchy.from_rows(
    [
        ("n00001740", (), ("entity",)),
        ("n00015388", ("n00001740",), ("animal", "beast")),
        (DOG, ("n00015388",), ("dog", "domestic dog")),
        (CAT, ("n00015388",), ("cat", "true cat")),
        (CAR, ("n00001740",), ("car", "auto")),
    ]
)

_numbers = itertools.count()


def picture(width: int = 12, height: int = 10) -> Image.Image:
    """A new RGB picture with smooth content, so that lossy formats keep it."""
    rng = np.random.default_rng(next(_numbers))
    coarse = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def save(path: Path, image: Image.Image | None = None, kind: str = "JPEG", **options: Any) -> Path:
    """Write a picture, by default a new one, making folders as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(image or picture(), kind, **options))
    return path


def deep_png(values: np.ndarray) -> bytes:
    """A 16-bit PNG, made by hand since Pillow writes no colour ones: values (height, width, 3) below 65,536."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
