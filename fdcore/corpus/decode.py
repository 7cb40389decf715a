"""Decoding one image file to pixels, and reporting its problems. Files may be hostile: none may stop a run.

Choices:
- Images are scaled (bilinear, antialiased) until they cover the target and are then cropped at the centre, as in usual
  evaluation transforms. The rotation noted in EXIF is applied.
- 16 bits become 8 by dividing by 257, so that white stays white. 32-bit greys have no agreed range: their own darkest
  and brightest values become black and white.
- Transparency is laid on white, as pages and catalogues show cut-out objects; on black, dark outlines would vanish.
- A sample of a text's size (fdcore.texts) is the file's UTF-8 without white space at its ends.
- The first frame of an animation is used. ICC profiles are ignored, as in training pipelines.
"""

import errno
import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL import __version__ as pillow_version

from fdcore.corpus.containers import open_file
from fdcore.corpus.folder import IMAGE_SUFFIXES, image_suffix
from fdcore.texts import as_sample, holds_text

DECODER = f"1, Pillow {pillow_version}"
"""Identifies everything besides the file that a picture's pixels depend on; changing it invalidates cached stores."""

MAX_PIXELS = 89_478_485
"""Larger pictures are refused as decompression bombs (Pillow's limit for warnings)."""

MAX_BYTES = 256 * 2**20
"""Larger files are refused unread."""

_FORMATS = tuple(IMAGE_SUFFIXES)
_MODE_NAMES = {"P": "palette", "PA": "palette", "1": "black and white", "La": "LA", "RGBa": "RGBA"}
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"P5", b"P6")

# What Pillow's parsers raise on damaged or forged files, besides the documented OSError.
_PARSER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, EOFError,
    OverflowError, ZeroDivisionError, NotImplementedError, RuntimeError, MemoryError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


class Note(NamedTuple):
    """A problem with one file: a short fixed reason and a detail."""

    reason: str
    detail: str


class Decoded(NamedTuple):
    """The result for one file.

    Attributes:
        pixels: (height, width, channels) uint8, or None if the file is not usable.
        sha256: of the file's bytes; empty if it could not be read.
        notes: why it is not usable, or how it was converted.
    """

    pixels: npt.NDArray[np.uint8] | None
    sha256: bytes
    notes: tuple[Note, ...]


class _UnusableError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.note = Note(reason, detail)


def decode_file(path: Path, *, height: int, width: int, channels: int) -> Decoded:
    """Read, hash and decode one file to (height, width, channels) uint8: RGB for 3 channels, grey for 1.

    No file makes it raise; a file that is not usable has no pixels and a note with the reason.
    """
    try:
        content = _read(path)
    except _UnusableError as error:
        return Decoded(None, b"", (error.note,))
    return decode_bytes(content, path.name, height=height, width=width, channels=channels)


def decode_bytes(content: bytes, name: str, *, height: int, width: int, channels: int) -> Decoded:
    """The same for the content of a file with this name."""
    digest = hashlib.sha256(content).digest()
    try:
        pixels, notes = _decode(content, name, height, width, channels)
    except _UnusableError as error:
        return Decoded(None, digest, (error.note,))
    return Decoded(pixels, digest, notes)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Suppress Pillow's warnings about single files, which are reported as problems instead."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _read(path: Path) -> bytes:
    try:
        file, n_bytes = open_file(path)
        with file:
            content = file.read() if n_bytes <= MAX_BYTES else b""
    except OSError as error:
        reason = "missing file" if error.errno == errno.ENOENT else "unreadable"
        raise _UnusableError(reason, error.strerror or type(error).__name__) from error
    if n_bytes > MAX_BYTES:
        raise _UnusableError("too large", f"{n_bytes:,} bytes; at most {MAX_BYTES:,} are read")
    if not content:
        raise _UnusableError("empty file", "it contains no bytes")
    return content


def _decode(
    content: bytes, name: str, height: int, width: int, channels: int
) -> tuple[npt.NDArray[np.uint8], tuple[Note, ...]]:
    if holds_text(height, channels):
        return _decode_text(content, width)
    notes: list[Note] = []
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                detail = f"{image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are read"
                raise _UnusableError("decompression bomb", detail)
            notes.extend(_oddities(image, name))
            side = 2 * max(height, width)
            image.draft("L" if channels == 1 else "RGB", (side, side))  # JPEG only: at least twice the target
            image.load()
            plain = _to_eight_bits(_upright(image), "L" if channels == 1 else "RGB")
            return _fit(plain, height, width, channels), tuple(notes)
    except _PARSER_ERRORS as error:
        note = _diagnose(error, content)
        raise _UnusableError(note.reason, note.detail) from error


def _decode_text(content: bytes, width: int) -> tuple[npt.NDArray[np.uint8], tuple[Note, ...]]:
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise _UnusableError("not a text", f"{error.reason} at byte {error.start}; texts are UTF-8") from error
    if "\0" in text:
        raise _UnusableError("not a text", "it contains the character NUL; texts are UTF-8")
    if not text:
        raise _UnusableError("empty file", "it contains no words")
    size = len(text.encode())
    shortened = (Note("shortened", f"{size:,} bytes; the first {width:,} are used"),) if size > width else ()
    return as_sample(text, width), shortened


def _oddities(image: Image.Image, name: str) -> Iterator[Note]:
    """Notes on a picture that is used."""
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    suffix = image_suffix(name)
    if suffix and suffix not in IMAGE_SUFFIXES[kind]:
        yield Note("wrong extension", f"a {kind} named {suffix}")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        yield Note("animated or several pages", "the first is used")
    if _is_deep(image):
        yield Note("converted from 16-bit", f"mode {image.mode}")
    elif image.mode in ("I", "F"):
        yield Note("converted from 32-bit", f"mode {image.mode}, stretched from its darkest to its brightest value")
    if image.mode not in ("RGB", "L") and not image.mode.startswith(("I", "F")):
        yield Note(f"converted from {_MODE_NAMES.get(image.mode, image.mode)}", f"mode {image.mode}")
    elif image.has_transparency_data:
        yield Note("transparent colour", "laid on white")


def _is_deep(image: Image.Image) -> bool:
    """Whether the file has 16 bits per channel; Pillow's mode does not always show it."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return True
    args = getattr(image, "tile", None) and image.tile[0][3]  # type: ignore[attr-defined]  # only file images have it
    parts = args if isinstance(args, tuple) else (args,)
    if image.format == "PPM":
        return len(parts) > 1 and isinstance(parts[1], int) and parts[1] > 255
    return image.format in ("PNG", "TIFF") and ";16" in str(parts[0])


def _upright(image: Image.Image) -> Image.Image:
    """Rotate a loaded picture according to its EXIF data; damaged EXIF data are ignored."""
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image
        return ImageOps.exif_transpose(image)
    except _PARSER_ERRORS:
        return image


def _to_eight_bits(image: Image.Image, mode: str) -> Image.Image:
    """Convert any picture to `mode` ("RGB" or "L"), but keep grey pictures grey."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        values = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        return _stretch(np.asarray(image).astype(np.float32))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(mode)
    return image if image.mode in ("L", mode) else image.convert("L" if image.mode == "1" else mode)


def _stretch(values: npt.NDArray[np.float32]) -> Image.Image:
    if not np.isfinite(values).all():
        raise ValueError("its pixels are not finite numbers")
    low, span = values.min(), values.max() - values.min()
    return Image.fromarray(((values - low) / (span or 1.0) * 255).round().astype(np.uint8))


def _fit(image: Image.Image, height: int, width: int, channels: int) -> npt.NDArray[np.uint8]:
    """Scale until the target is covered and crop at the centre, in one step: (height, width, channels) uint8."""
    scale = max(width / image.width, height / image.height)
    crop_width, crop_height = min(width / scale, image.width), min(height / scale, image.height)
    left, top = (image.width - crop_width) / 2, (image.height - crop_height) / 2
    box = (left, top, image.width - left, image.height - top)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], channels, axis=2)
    return pixels


def _diagnose(error: BaseException, content: bytes) -> Note:
    text = str(error) or type(error).__name__
    if isinstance(error, Image.DecompressionBombError):
        return Note("decompression bomb", text)
    if isinstance(error, UnidentifiedImageError):
        if content.startswith(_MAGIC):
            return Note("damaged", "it begins like an image, but its header is invalid")
        return Note("not an image", "its content is none of " + ", ".join(_FORMATS))
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return Note("truncated", text)
    return Note("damaged", text)
