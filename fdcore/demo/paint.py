"""Turning a drawing into a small photograph: light, shadow, background, exposure and camera noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from fdcore.demo.canvas import LAYER, SCENE, Floats, Pen, Pose, Rng
from fdcore.demo.scenes import Scene, card

Drawing = Callable[[Pen, Rng], None]  # draws one subject with a pen, varied by the generator

_RELIEF_PX = 4
_PIXELS = np.arange(SCENE, dtype=np.float32)
_FROM_ABOVE = np.linspace(1.06, 0.92, SCENE, dtype=np.float32)[:, None, None]
_ON_CARD = 0.75  # share of pictures that show the subject in any colours on coloured card, not in its surroundings
_MIN_CONTRAST = 34.0  # least difference in brightness between a subject and its surroundings, in levels of 255


@dataclass(frozen=True)
class Leaf:
    """One leaf of the demo corpus."""

    wnid: str
    name: str
    drawing: Drawing
    scenes: Sequence[Scene]
    pose: Pose
    floor: float | None = None  # height of its contact with the ground (-1 top, 1 bottom); None if it floats


def paint(leaf: Leaf, rng: Rng) -> npt.NDArray[np.uint8]:
    """One random picture (SIZE, SIZE, 3) of a leaf."""
    on_card = rng.random() < _ON_CARD
    background = (card if on_card else leaf.scenes[int(rng.integers(len(leaf.scenes)))])(rng)
    pen = Pen(leaf.pose.draw(rng))
    leaf.drawing(pen, rng)
    subject, cover = _halved(pen.pixels())
    if on_card:
        subject = subject[:, :, rng.permutation(3)]
    relief = _blurred(cover)
    subject = _lit(subject, relief, rng)
    if leaf.floor is not None:
        _cast_shadow(background, pen, leaf.floor, cover)
    background = _set_off(background, subject, cover, relief)
    return _exposed(subject + background * (1 - cover), rng)


def _halved(layer: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """The layer at half size: colours (SCENE, SCENE, 3) weighted by cover, and cover (SCENE, SCENE, 1) in 0..1."""
    small = _quartered(layer.astype(np.float32))
    return small[:, :, :3], small[:, :, 3:] / 255


def _quartered(picture: Floats) -> Floats:
    """The mean over each square of two by two pixels: (2 H, 2 W, C) to (H, W, C)."""
    rows = picture[0::2] + picture[1::2]
    small: Floats = (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
    return small


def _grey(picture: Floats) -> Floats:
    """The brightness (H, W, 1) of a picture (H, W, 3)."""
    grey: Floats = (picture[:, :, :1] + picture[:, :, 1:2] + picture[:, :, 2:]) / np.float32(3)
    return grey


def _blurred(cover: Floats) -> Floats:
    """The cover (SCENE, SCENE, 1) blurred, in 0..1."""
    image = Image.fromarray((cover[:, :, 0] * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(_RELIEF_PX))
    return np.asarray(image.filter(ImageFilter.BoxBlur(_RELIEF_PX / 2)), np.float32)[:, :, None] / 255


def _lit(subject: Floats, relief: Floats, rng: Rng) -> Floats:
    """Light the subject from above, as if its outline were inflated."""
    angle = rng.uniform(np.deg2rad(215), np.deg2rad(325))
    slope = np.zeros_like(relief)
    slope[:, 1:-1] = (relief[:, :-2] - relief[:, 2:]) * (np.cos(angle) / 2)
    slope[1:-1] += (relief[:-2] - relief[2:]) * (np.sin(angle) / 2)
    light = np.clip(1 + rng.uniform(1.5, 3.5) * slope, 0.6, 1.4) * _FROM_ABOVE
    lit: Floats = subject * light
    return lit


def _cast_shadow(background: Floats, pen: Pen, floor: float, cover: Floats) -> None:
    """Darken the ground below the subject, in place."""
    columns = np.flatnonzero(cover[:, :, 0].max(axis=0) > 0.5)
    if len(columns) == 0:
        return
    x, reach = columns.mean(), max(4.0, np.ptp(columns) * 0.52)
    y = pen.place([(0.0, floor)])[0, 1] * SCENE / LAYER
    across, down = np.exp(-(((_PIXELS - x) / reach) ** 4)), np.exp(-(((_PIXELS - y) / 3.2) ** 2))
    background *= 1 - 0.5 * (down[:, None] * across[None, :])[:, :, None]


def _set_off(background: Floats, subject: Floats, cover: Floats, relief: Floats) -> Floats:
    """Move the background's brightness away from the subject's if the two are close."""
    near = relief * (1 - cover)
    inside = float(_grey(subject).sum() / max(1.0, float(cover.sum())))
    around = float((_grey(background) * near).sum() / max(1.0, float(near.sum())))
    gap = around - inside
    if abs(gap) < _MIN_CONTRAST:
        lighter = inside < 80 or (gap > 0 and inside < 190)
        wanted = inside + (_MIN_CONTRAST if lighter else -_MIN_CONTRAST)
        background = background * max(0.45, wanted / max(around, 1.0))
    return background * (1 - 0.25 * near) if gap > 0 else background


def _exposed(picture: Floats, rng: Rng) -> npt.NDArray[np.uint8]:
    """Scale to (SIZE, SIZE, 3) with a random colour cast, exposure, contrast and sensor noise."""
    cast, contrast = rng.uniform(0.94, 1.06, 3) * rng.uniform(0.88, 1.1), rng.uniform(0.9, 1.12)
    bright = _quartered(picture) * (cast * contrast) + (128 - 128 * contrast + rng.uniform(-8, 8))
    bright += rng.normal(0, rng.uniform(1.5, 6), bright.shape)
    exposed: npt.NDArray[np.uint8] = bright.clip(0, 255).astype(np.uint8)
    return exposed
