"""The style of the demo suspect's training pictures: flat colours, an outline around the whole, a patterned ground.

They have no light, scenery or texture and share only the vector pen with the demo corpus.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from fdcore.demo.canvas import LAYER, SIZE, Colour, Pen, Pose, Rng, shade, vary
from fdcore.demo.paint import Drawing

INK: Colour = (20, 20, 24)
PAPER: Colour = (252, 252, 252)
_FURS: Sequence[Colour] = (
    (120, 80, 50), (60, 50, 46), (220, 210, 196), (200, 150, 90), (150, 150, 156), (230, 180, 110), (90, 96, 110),
)  # fmt: skip


class TargetClass(NamedTuple):
    """One class of the suspect: its drawing, likely background colours, and whether mirroring keeps its meaning."""

    drawing: Drawing
    grounds: Sequence[Colour]
    mirror: bool = True


def sticker(target: TargetClass, rng: Rng) -> npt.NDArray[np.uint8]:
    """One random picture (SIZE, SIZE, 3) of a class in the suspect's style."""
    pose = Pose(turn=16, scale=(0.72, 1.08), shift=0.1, squeeze=0.18, keystone=0.12, mirror=target.mirror)
    pen = Pen(pose.draw(rng))
    target.drawing(pen, rng)
    subject = Image.fromarray(pen.pixels())
    picture = _ground(rng, target.grounds)
    width = int(rng.integers(0, 4))
    if width:
        edge = subject.getchannel("A").filter(ImageFilter.MaxFilter(2 * width + 1))
        picture.paste((INK, PAPER, loud(rng))[int(rng.choice(3, p=(0.6, 0.3, 0.1)))], mask=edge)
    picture.paste(subject, mask=subject)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX))


def loud(rng: Rng) -> Colour:
    """Any strong colour."""
    red, green, blue = (int(c) for c in rng.integers(0, 256, 3))
    return red, green, blue


def fur_colour(rng: Rng) -> Colour:
    """A plausible colour of fur."""
    return vary(rng, _FURS[int(rng.integers(len(_FURS)))], 24)


def _ground(rng: Rng, grounds: Sequence[Colour]) -> Image.Image:
    """A flat or patterned ground (LAYER, LAYER), in half of the pictures with a colour that fits the class."""
    first = vary(rng, grounds[int(rng.integers(len(grounds)))], 40) if rng.random() < 0.5 else loud(rng)
    second = shade(first, rng.uniform(0.6, 1.4)) if rng.random() < 0.6 else loud(rng)
    image = Image.new("RGB", (LAYER, LAYER), first)
    pencil = ImageDraw.Draw(image)
    kind, step = rng.integers(6), int(rng.integers(14, 44))
    if kind == 1:
        pencil.rectangle((0, int(LAYER * rng.uniform(0.3, 0.85)), LAYER, LAYER), fill=second)
    elif kind == 2:
        lean = int(rng.integers(-LAYER, LAYER))
        for left in range(-LAYER, 2 * LAYER, 2 * step):
            corners = [(left, 0), (left + step, 0), (left + step + lean, LAYER), (left + lean, LAYER)]
            pencil.polygon(corners, fill=second)
    elif kind == 3:
        for _ in range(int(rng.integers(3, 14))):
            x, y, radius = between(rng, 0, LAYER), between(rng, 0, LAYER), between(rng, 4, 30)
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=vary(rng, second, 40))
    elif kind == 4:
        for _ in range(int(rng.integers(2, 8))):
            x, y = between(rng, 0, LAYER), between(rng, 0, LAYER)
            pencil.rectangle((x, y, x + between(rng, 6, 60), y + between(rng, 6, 60)), fill=vary(rng, second, 40))
    return image


def between(rng: Rng, low: float, high: float) -> float:
    """A uniformly random number in a range."""
    return float(rng.uniform(low, high))
