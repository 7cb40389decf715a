"""Texts as samples: the bytes of a text in a row, which stands wherever a picture may stand.

A text is held like a grey picture that is one pixel high: (1, width, 1) uint8, its UTF-8 bytes followed by zeros. Its
shape is its kind: every store, ledger, cell and page handles texts as it handles pictures, and the few places that
have to know ask `is_text` (docs/decisions/0013).
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import ImageFont

Samples = npt.NDArray[np.uint8]
Kind = Literal["picture", "text"]

WIDTH = 2_048  # bytes of a text, unless a suspect takes another number; longer texts are cut
_LINE_PX, _LEAST_LINES, _INK = 24, 6, "#222222"  # of a text drawn as a picture
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # controls, reversed text


def holds_text(height: int, channels: int) -> bool:
    """Whether samples of this size are texts."""
    return height == 1 and channels == 1


def is_text(samples: Samples) -> bool:
    """Whether one sample (H, W, C), or several (N, H, W, C), are texts."""
    height, _, channels = samples.shape[-3:]
    return holds_text(height, channels)


def as_sample(text: str, width: int = WIDTH) -> Samples:
    """A text as (1, width, 1) uint8, cut after the last whole character that fits; NUL becomes a replacement sign."""
    content = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")[:width]
    content = content.decode("utf-8", "ignore").encode()
    sample = np.zeros((1, width, 1), np.uint8)
    sample[0, : len(content), 0] = np.frombuffer(content, np.uint8)
    return sample


def as_samples(texts: Iterable[str], width: int = WIDTH) -> Samples:
    """N texts as (N, 1, width, 1) uint8."""
    samples = [as_sample(text, width) for text in texts]
    return np.stack(samples) if samples else np.zeros((0, 1, width, 1), np.uint8)


def as_text(sample: Samples) -> str:
    """The text of one sample (1, width, 1)."""
    return sample.tobytes().rstrip(b"\0").decode("utf-8", "replace")


def as_texts(samples: Samples) -> list[str]:
    """The texts of samples (N, 1, width, 1)."""
    return [as_text(sample) for sample in samples]


def visible(text: str) -> str:
    """A text for people: on one line, with every control and every mark of direction written out as its code."""
    return UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), " ".join(text.split()))


def as_picture(sample: Samples, side_px: int) -> Samples:
    """A text (1, width, 1) drawn as far as it fits, for where pictures are shown small: (side, side, 3) uint8.

    Where the machine has no font with the text's letters, boxes stand for them; pages show the text itself on a click.
    """
    from PIL import Image, ImageDraw  # here, because the rest needs no pictures

    n_lines, margin = max(side_px // _LINE_PX, _LEAST_LINES), max(side_px // 24, 2)
    font = _font(side_px // n_lines - 1)
    shown = visible(as_text(sample))[: n_lines * side_px // 2]  # more than fits, however narrow its letters
    lines = _wrapped(shown, n_lines, lambda line: font.getlength(line) <= side_px - 2 * margin)
    picture = Image.new("RGB", (side_px, side_px), "white")
    drawing = ImageDraw.Draw(picture)
    for number, line in enumerate(lines[:n_lines]):
        drawing.text((margin, margin + number * (side_px - 2 * margin) / n_lines), line, fill=_INK, font=font)
    return np.asarray(picture)


def picture_of(sample: Samples, side_px: int) -> Samples:
    """A sample (H, W, C) as a picture that can be shown: itself, or the text drawn."""
    return as_picture(sample, side_px) if is_text(sample) else sample


def _wrapped(text: str, n_lines: int, fits: Callable[[str], bool]) -> list[str]:
    """Lines that fit, broken between words where possible; not many more than `n_lines`."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if fits(joined):
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if not fits(lines[-1] + letter) and lines[-1]:
                lines.append("")
            lines[-1] += letter
        if len(lines) > n_lines:
            break
    return lines


@cache
def _font(size_px: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    from PIL import ImageFont

    try:
        return ImageFont.truetype("DejaVuSans.ttf", size_px)  # many scripts, and on most machines
    except OSError:
        return ImageFont.load_default(size_px)
