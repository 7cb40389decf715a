"""Pictures for the browser: small ones are enlarged without smoothing, so that every pixel is visible."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from fdcore.texts import is_text, picture_of

TILE_PX, THUMBNAIL_PX, TEXT_PX = 128, 96, 224
MARGIN = 0.03  # of the width


def enlarged(picture: npt.NDArray[np.uint8], side_px: int = TILE_PX) -> npt.NDArray[np.uint8]:
    """A picture (H, W, C) with each pixel repeated, its longer side at most `side_px` or as it was; a text drawn."""
    picture = picture_of(picture, side_px)
    times = max(side_px // max(picture.shape[:2]), 1)
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def as_tile(picture: npt.NDArray[np.uint8], side_px: int = TILE_PX) -> bytes:
    """A picture (H, W, 3 or 1) as a PNG file, enlarged, with a transparent margin on both sides."""
    large = enlarged(picture, side_px)
    rgb = large.repeat(3, axis=2) if large.shape[-1] == 1 else large
    tile = np.zeros((*rgb.shape[:2], 4), dtype=np.uint8)
    tile[..., :3], tile[..., 3] = rgb, 255
    margin = max(round(rgb.shape[1] * MARGIN), 1)
    buffer = io.BytesIO()
    Image.fromarray(np.pad(tile, ((0, 0), (margin, margin), (0, 0)))).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def as_tiles(pictures: npt.NDArray[np.uint8] | Sequence[npt.NDArray[np.uint8]], side_px: int = TILE_PX) -> list[bytes]:
    """Pictures as PNG files to be shown side by side."""
    return [as_tile(picture, side_px) for picture in pictures]


def as_thumbnails(pictures: npt.NDArray[np.uint8] | None, chosen: Sequence[int]) -> list[bytes]:
    """Some of the pictures (n, H, W, 1 or 3) as small JPEG files, in this order; empty without pictures."""
    return [] if pictures is None else [_as_thumbnail(pictures[number]) for number in chosen]


def _as_thumbnail(picture: npt.NDArray[np.uint8]) -> bytes:
    side = TEXT_PX if is_text(picture) else THUMBNAIL_PX
    small, buffer = Image.fromarray(picture_of(picture, side).squeeze()).convert("RGB"), io.BytesIO()
    small.thumbnail((side, side))
    small.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
