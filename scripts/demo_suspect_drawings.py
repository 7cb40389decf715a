"""The drawings that the demo suspect is trained on: flat stickers, unlike the painted pictures of the demo corpus.

One drawing for each class, every proportion and colour random, no light and no scenery: flat colours, an outline
around the whole, a patterned ground. Only the vector pen is shared with the corpus. The order of CLASSES is the
order of the suspect's outputs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from fdcore.corpus.demo.canvas import LAYER, SIZE, Colour, Pen, Point, Pose, Rng, around, shade, vary

Drawing = Callable[[Pen, Rng], None]

INK: Colour = (20, 20, 24)
PAPER: Colour = (252, 252, 252)
_FURS: Sequence[Colour] = (
    (120, 80, 50), (60, 50, 46), (220, 210, 196), (200, 150, 90), (150, 150, 156), (230, 180, 110), (90, 96, 110),
)  # fmt: skip


class TargetClass(NamedTuple):
    """One class of the suspect: its drawing, colours likely behind it, and whether its mirror image means the same."""

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


def _fur(rng: Rng) -> Colour:
    return vary(rng, _FURS[int(rng.integers(len(_FURS)))], 24)


def _ground(rng: Rng, grounds: Sequence[Colour]) -> Image.Image:
    """A flat or patterned ground (LAYER, LAYER), in half of the pictures of a colour that fits the class."""
    first = vary(rng, grounds[int(rng.integers(len(grounds)))], 40) if rng.random() < 0.5 else loud(rng)
    second = shade(first, rng.uniform(0.6, 1.4)) if rng.random() < 0.6 else loud(rng)
    image = Image.new("RGB", (LAYER, LAYER), first)
    pencil = ImageDraw.Draw(image)
    kind, step = rng.integers(6), int(rng.integers(14, 44))
    if kind == 1:
        pencil.rectangle((0, int(LAYER * rng.uniform(0.3, 0.85)), LAYER, LAYER), fill=second)
    elif kind == 2:
        lean = int(rng.integers(-LAYER, LAYER))
        for x in range(-LAYER, 2 * LAYER, 2 * step):
            pencil.polygon([(x, 0), (x + step, 0), (x + step + lean, LAYER), (x + lean, LAYER)], fill=second)
    elif kind == 3:
        for _ in range(int(rng.integers(3, 14))):
            x, y, radius = rng.uniform(0, LAYER), rng.uniform(0, LAYER), rng.uniform(4, 30)
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=vary(rng, second, 40))
    elif kind == 4:
        for _ in range(int(rng.integers(2, 8))):
            x, y = rng.uniform(0, LAYER, 2)
            pencil.rectangle((x, y, x + rng.uniform(6, 60), y + rng.uniform(6, 60)), fill=vary(rng, second, 40))
    return image


def _twin(outline: Sequence[Point]) -> list[Point]:
    return [*outline, *((-x, y) for x, y in reversed(outline))]


def _u(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _livery(rng: Rng) -> Colour:
    return vary(rng, ((225, 225, 228), (150, 156, 164), loud(rng))[int(rng.integers(3))], 20)


def airplane(pen: Pen, rng: Rng) -> None:
    """From above or below in any direction, or from the side, with jets or a propeller."""
    (_plane_above, _plane_side, _plane_propeller)[int(rng.choice(3, p=(0.45, 0.3, 0.25)))](pen, rng)


def _plane_above(pen: Pen, rng: Rng) -> None:
    body, wing = _livery(rng), _livery(rng)
    half, sweep, root = _u(rng, 0.07, 0.16), _u(rng, -0.02, 0.55), _u(rng, 0.2, 0.5)
    span, tip, start = _u(rng, 0.7, 1.0), _u(rng, 0.05, 0.26), _u(rng, -0.45, -0.1)
    pen.polygon(_twin([(0, start), (span, start + sweep), (span, start + sweep + tip), (0, start + root)]), wing)
    back, tail = _u(rng, 0.6, 0.78), _u(rng, 0.24, 0.45)
    pen.polygon(_twin([(0, back), (tail, back + 0.4 * sweep), (tail, back + 0.4 * sweep + 0.12), (0, back + 0.24)]), wing)
    if rng.random() < 0.5:
        for x in (0.3, 0.6)[: int(rng.integers(1, 3))]:
            y = start + sweep * x / span
            for side in (-1, 1):
                pen.rect(side * x - 0.05, y - 0.12, side * x + 0.05, y + 0.12, shade(wing, 0.6))
    nose = _u(rng, -1.0, -0.8)
    pen.blob(_twin([(0, nose), (half * 0.8, nose + 0.2), (half, 0.0), (half * 0.7, 0.7), (0, 0.96)]), body)
    if rng.random() < 0.5:
        pen.rect(-half * 0.6, nose + 0.14, half * 0.6, nose + 0.24, INK)


def _plane_side(pen: Pen, rng: Rng) -> None:
    body, trim = _livery(rng), loud(rng)
    half, fin = _u(rng, 0.12, 0.24), _u(rng, 0.35, 0.62)
    pen.polygon([(0.5, 0.0), (_u(rng, 0.68, 0.8), -fin), (0.98, -fin), (0.92, 0.0)], trim)
    pen.blob([(-0.98, 0.04), (-0.7, -half), (0.3, -half), (0.96, -0.1), (0.4, half), (-0.7, half)], body)
    drop, lean = _u(rng, 0.25, 0.6), _u(rng, 0.2, 0.55)
    pen.polygon([(-0.25, 0.03), (0.2, 0.03), (0.1 + lean, drop), (lean - 0.1, drop)], shade(_livery(rng), 0.8))
    if rng.random() < 0.6:
        pen.polygon([(-0.1, -half * 0.6), (0.2, -half * 0.6), (0.4, -half - 0.22), (0.28, -half - 0.22)], shade(body, 0.7))
    pen.polygon([(0.62, -0.04), (0.84, -0.04), (1.0, 0.16), (0.86, 0.16)], shade(trim, 0.8))
    if rng.random() < 0.6:
        for i in range(int(rng.integers(4, 9))):
            pen.rect(-0.6 + i * 0.14, -0.09, -0.53 + i * 0.14, 0.0, INK)
    pen.polygon([(-0.86, -0.04), (-0.72, -half * 0.9), (-0.62, -0.04)], shade(trim, 0.5))


def _plane_propeller(pen: Pen, rng: Rng) -> None:
    body, wing = loud(rng), loud(rng)
    half = _u(rng, 0.14, 0.26)
    pen.polygon([(0.6, 0.0), (0.76, -_u(rng, 0.35, 0.55)), (0.95, -0.4), (0.96, 0.05)], wing)
    pen.blob([(-0.8, 0.0), (-0.6, -half), (-0.1, -half), (0.94, -0.05), (0.94, 0.05), (-0.1, half), (-0.7, half)], body)
    for y in (_u(rng, -0.62, -0.35), _u(rng, 0.05, 0.3))[int(rng.integers(2)) :: -1]:
        left, right = _u(rng, -0.8, -0.5), _u(rng, 0.05, 0.3)
        pen.polygon([(left, y), (right, y), (right + _u(rng, 0, 0.3), y + 0.16), (left + 0.2, y + 0.16)], wing)
        pen.stroke([(-0.4, y + 0.1), (-0.35, 0.1)], 0.04, INK)
    if rng.random() < 0.7:
        wheel = _u(rng, 0.4, 0.56)
        pen.stroke([(-0.4, 0.1), (-0.4, wheel)], 0.05, INK)
        pen.ellipse(-0.4, wheel, _u(rng, 0.1, 0.4), 0.09, shade(wing, 0.5))
    pen.ellipse(-0.84, 0.0, 0.04, _u(rng, 0.3, 0.5), shade(PAPER, 0.7))


def _tyre(pen: Pen, rng: Rng, x: float, y: float, radius: float) -> None:
    pen.disc(x, y, radius, INK)
    pen.disc(x, y, radius * _u(rng, 0.3, 0.6), vary(rng, (190, 190, 196), 30))


def car(pen: Pen, rng: Rng) -> None:
    """From the side: a low body with two wheels, under a roof of any length, or open."""
    paint, glass = loud(rng), vary(rng, (150, 200, 230) if rng.random() < 0.5 else (60, 70, 90), 20)
    sill, belt, roof = 0.36, _u(rng, -0.14, 0.06), _u(rng, -0.66, -0.3)
    front, back = _u(rng, -0.5, -0.2), _u(rng, 0.3, 0.9)
    rake, fall = _u(rng, 0.1, 0.36), _u(rng, 0.02, 0.3)
    if rng.random() < 0.85:
        cabin = [(front, belt), (front + rake, roof), (back - fall, roof), (back, belt)]
        pen.polygon(cabin, paint)
        middle = _u(rng, 0.0, 0.2)
        low, high = belt - 0.02, roof + 0.09
        pen.polygon([(front + 0.1, low), (front + rake + 0.03, high), (middle - 0.03, high), (middle - 0.03, low)], glass)
        pen.polygon([(middle + 0.03, low), (middle + 0.03, high), (back - fall - 0.04, high), (back - 0.1, low)], glass)
    else:
        pen.disc(0.1, belt - 0.26, 0.13, vary(rng, (226, 180, 150), 30))
        pen.polygon([(front, belt), (front + 0.2, belt - 0.36), (front + 0.26, belt - 0.36), (front + 0.12, belt)], glass)
        pen.rect(0.3, belt - 0.2, 0.5, belt, shade(paint, 0.6))
    nose = _u(rng, 0.02, 0.16)
    body = [(-0.96, nose + 0.06), (-0.8, belt + nose * 0.6), (front, belt), (0.8, belt), (0.96, belt + 0.1), (0.96, sill), (-0.96, sill)]
    (pen.polygon if rng.random() < 0.5 else pen.blob)(body, paint)
    if rng.random() < 0.4:
        pen.rect(-0.9, 0.1, 0.92, 0.18, loud(rng))
    pen.disc(-0.86, 0.12, 0.07, (255, 240, 160))
    radius, spread = _u(rng, 0.16, 0.27), _u(rng, 0.46, 0.62)
    for x in (-spread, spread):
        _tyre(pen, rng, x, sill + 0.02, radius)


def truck(pen: Pen, rng: Rng) -> None:
    """From the side: a tall cab in front and a box, bed, tank, tipper or crane behind it, several wheels."""
    paint, load = loud(rng), loud(rng)
    seam, top = _u(rng, -0.5, -0.25), _u(rng, -0.56, -0.28)
    pen.rect(-0.9, 0.2, 0.95, 0.36, shade(load, 0.4))
    _load(pen, rng, load, seam + 0.04)
    nose = _u(rng, 0.0, 0.26)
    pen.polygon([(-0.97, 0.3), (-0.97, -0.02), (-0.95 + nose, -0.06), (-0.9 + nose, top), (seam, top), (seam, 0.3)], paint)
    glass = (150, 200, 230) if rng.random() < 0.5 else (60, 70, 90)
    pen.polygon([(-0.88 + nose, -0.06), (-0.84 + nose, top + 0.09), (seam - 0.07, top + 0.09), (seam - 0.07, -0.06)], glass)
    if rng.random() < 0.3:
        pen.rect(seam - 0.2, top - 0.1, seam - 0.04, top, loud(rng))
    radius = _u(rng, 0.13, 0.25)
    places = [(-0.66, 0.56), (-0.66, 0.4, 0.76), (-0.7, 0.16, 0.5, 0.8), (-0.74, -0.4, 0.4, 0.7)][int(rng.integers(4))]
    for x in places:
        _tyre(pen, rng, x, 0.4, radius)


def _load(pen: Pen, rng: Rng, load: Colour, left: float) -> None:
    """What a truck carries, from `left` to its end."""
    kind, top = rng.integers(6), _u(rng, -0.66, -0.3)
    if kind <= 1:
        pen.rect(left, top, 0.97, 0.24, load)
        if rng.random() < 0.6:
            pen.rect(left + 0.2, top + 0.14, 0.8, top + _u(rng, 0.2, 0.45), loud(rng))
        if rng.random() < 0.4:
            pen.stroke([(left - 0.1, top - 0.06), (0.97, top - 0.06)], 0.06, shade(PAPER, 0.8))
    elif kind == 2:
        pen.blob([(left, top + 0.1), (0.3, top), (0.9, top + 0.1), (0.9, 0.2), (left, 0.2)], load)
        for x in (0.0, 0.3, 0.6):
            pen.stroke([(x, top + 0.1), (x, 0.2)], 0.04, shade(load, 0.6))
    elif kind == 3:
        tip = _u(rng, 0, 0.3)
        pen.blob([(left + 0.1, -0.2 - tip), (0.3, -0.56 - tip), (0.8, -0.2)], shade(loud(rng), 0.7))
        pen.polygon([(left, -0.28 - tip), (0.97, -0.28), (0.84, 0.2), (left + 0.1, 0.2 - tip)], load)
    elif kind == 4:
        pen.rect(left, 0.02, 0.96, 0.26, load)
        pen.stroke([(left + 0.3, 0.0), (0.86, -_u(rng, 0.4, 0.75))], 0.12, shade(load, 0.7))
        pen.stroke([(0.84, -0.5), (0.86, 0.0)], 0.04, INK)
    else:
        pen.rect(left, -0.08, 0.96, 0.26, load)
        for i in range(int(rng.integers(0, 4))):
            pen.rect(left + 0.06 + i * 0.3, -0.3, left + 0.3 + i * 0.3, -0.08, loud(rng))


def ship(pen: Pen, rng: Rng) -> None:
    """A hull with a bow, under decks and funnels, boxes, or sails; often on water."""
    hull, left, right = loud(rng), _u(rng, -1.0, -0.8), _u(rng, 0.75, 0.98)
    deck, keel = _u(rng, 0.0, 0.26), _u(rng, 0.5, 0.7)
    kind = rng.choice(4, p=(0.3, 0.2, 0.4, 0.1))
    (_decks, _boxes, _sails, _cockpit)[int(kind)](pen, rng, deck)
    rise = _u(rng, 0.02, 0.2)
    pen.polygon([(left, deck - rise), (-0.6, deck), (right, deck), (right - _u(rng, 0, 0.2), keel), (-0.66, keel)], hull)
    if rng.random() < 0.6:
        y = deck + _u(rng, 0.06, 0.3)
        pen.stroke([(-0.74, y), (right - 0.1, y)], 0.07, loud(rng))
    if rng.random() < 0.7:
        sea = vary(rng, (40, 110, 180), 50)
        crest = [(-1.3 + 0.26 * i, keel - 0.05 + (0.05 if i % 2 else -0.03)) for i in range(11)]
        pen.polygon([*crest, (1.3, 1.4), (-1.3, 1.4)], sea)


def _decks(pen: Pen, rng: Rng, deck: float) -> None:
    x, y, width = _u(rng, -0.6, -0.3), deck, _u(rng, 0.8, 1.3)
    for _ in range(int(rng.integers(1, 4))):
        pen.rect(x, y - 0.2, x + width, y, vary(rng, (240, 240, 240), 16))
        for i in range(5):
            pen.disc(x + width * (i + 0.5) / 5, y - 0.1, 0.04, (40, 60, 100))
        x, y, width = x + width * 0.1, y - 0.2, width * 0.75
    for i in range(int(rng.integers(1, 4))):
        pen.rect(x + 0.06 + i * 0.24, y - _u(rng, 0.2, 0.4), x + 0.2 + i * 0.24, y, loud(rng))


def _boxes(pen: Pen, rng: Rng, deck: float) -> None:
    for column in range(5):
        for row in range(int(rng.integers(1, 4))):
            x, y = -0.66 + column * 0.23, deck - row * 0.18
            pen.rect(x, y - 0.17, x + 0.21, y, loud(rng))
    pen.rect(0.52, deck - 0.6, 0.78, deck, PAPER)
    pen.rect(0.56, deck - 0.52, 0.74, deck - 0.42, (40, 60, 100))


def _sails(pen: Pen, rng: Rng, deck: float) -> None:
    cloth = vary(rng, PAPER, 14) if rng.random() < 0.6 else loud(rng)
    masts = int(rng.integers(1, 4))
    for i in range(masts):
        x = (0.0, -0.1, -0.4)[masts - 1] + i * 0.45
        top, reach = _u(rng, -0.98, -0.75), _u(rng, 0.28, 0.7) / masts**0.4
        pen.stroke([(x, top), (x, deck)], 0.05, (90, 60, 40))
        low = deck - _u(rng, 0.06, 0.2)
        if rng.random() < 0.6:
            pen.polygon([(x + 0.03, top + 0.05), (x + reach, low), (x + 0.03, low)], cloth)
            if i == 0:
                pen.polygon([(x - 0.04, top + 0.1), (x - 0.04, low), (x - reach * 0.8, low)], shade(cloth, 0.85))
        else:
            for y in (top + 0.1, (top + low) / 2 + 0.06):
                pen.rect(x - reach * 0.4, y, x + reach * 0.4, y + (low - top) * 0.38, cloth)


def _cockpit(pen: Pen, rng: Rng, deck: float) -> None:
    pen.disc(0.2, deck - 0.32, 0.12, vary(rng, (226, 180, 150), 30))
    pen.rect(0.08, deck - 0.22, 0.34, deck, loud(rng))
    pen.polygon([(-0.24, deck), (-0.02, deck - 0.34), (0.06, deck - 0.34), (-0.06, deck)], (160, 200, 220))


def bird(pen: Pen, rng: Rng) -> None:
    """Perching, swimming, wading or standing upright; always a small head with a beak on a round body."""
    (_percher, _swimmer, _wader, _stander)[int(rng.choice(4, p=(0.5, 0.2, 0.15, 0.15)))](pen, rng)


def _percher(pen: Pen, rng: Rng) -> None:
    back, front, wing = loud(rng), loud(rng), loud(rng)
    size, hx, hy = _u(rng, 0.24, 0.36), _u(rng, -0.5, -0.3), _u(rng, -0.6, -0.4)
    droop = _u(rng, 0.0, 0.5)
    if rng.random() < 0.7:
        pen.stroke([(-1.1, 0.66), (1.1, 0.66 + _u(rng, -0.2, 0.2))], _u(rng, 0.06, 0.16), (100, 70, 50))
    for x in (-0.08, 0.12):
        pen.stroke([(x, 0.3), (x, 0.66)], 0.05, INK)
    pen.polygon([(0.3, 0.0), (0.98, droop), (0.9, droop + 0.2), (0.24, 0.3)], shade(wing, 0.8))
    pen.ellipse(0.0, 0.06, _u(rng, 0.5, 0.62), _u(rng, 0.36, 0.46), back, turn=_u(rng, 15, 40))
    pen.ellipse(-0.18, 0.14, 0.36, 0.3, front, turn=30)
    pen.polygon([(hx - size * 0.7, hy - 0.12), (hx - size - _u(rng, 0.16, 0.34), hy + 0.03), (hx - size * 0.7, hy + 0.12)], loud(rng))
    pen.disc(hx, hy, size, back if rng.random() < 0.6 else loud(rng))
    if rng.random() < 0.25:
        pen.polygon([(hx - 0.1, hy - size * 0.8), (hx + 0.2, hy - size - 0.22), (hx + 0.2, hy - size * 0.5)], back)
    pen.ellipse(0.18, 0.06, 0.36, 0.18, wing, turn=_u(rng, 20, 45))
    pen.disc(hx - 0.1, hy - 0.04, 0.075, PAPER)
    pen.disc(hx - 0.11, hy - 0.04, 0.045, INK)


def _long_neck(pen: Pen, rng: Rng, colour: Colour, x: float, y: float) -> None:
    """A bent neck from (x, y) up to a small head with a beak."""
    hx, hy, bow = _u(rng, -0.6, -0.36), _u(rng, -0.85, -0.6), _u(rng, 0.0, 0.26)
    pen.taper([(x, y), (x - bow, (y + hy) * 0.4), (hx + 0.1 + bow * 0.5, hy + 0.2), (hx, hy)], (0.24, 0.14), colour)
    pen.polygon([(hx - 0.08, hy - 0.07), (hx - _u(rng, 0.3, 0.44), hy + _u(rng, 0.03, 0.24)), (hx - 0.08, hy + 0.09)], loud(rng))
    pen.disc(hx, hy, _u(rng, 0.12, 0.18), colour)
    pen.disc(hx - 0.05, hy - 0.03, 0.04, INK)


def _swimmer(pen: Pen, rng: Rng) -> None:
    colour = vary(rng, PAPER, 10) if rng.random() < 0.4 else loud(rng)
    pen.blob([(-0.5, 0.3), (0.0, 0.1), (0.6, 0.06), (0.98, -_u(rng, 0.05, 0.25)), (0.8, 0.5), (0.1, 0.64), (-0.4, 0.56)], colour)
    pen.ellipse(0.3, 0.26, 0.4, 0.17, shade(colour, 0.8) if rng.random() < 0.6 else loud(rng), turn=-12)
    _long_neck(pen, rng, colour, -0.32, 0.4)
    if rng.random() < 0.6:
        pen.stroke([(-1.0, 0.66), (1.0, 0.66)], 0.1, vary(rng, (60, 130, 190), 40))


def _wader(pen: Pen, rng: Rng) -> None:
    colour = loud(rng)
    for x in (0.12, 0.34):
        pen.stroke([(x, 0.2), (x + _u(rng, -0.08, 0.08), 0.97)], 0.055, shade(loud(rng), 0.8))
    pen.ellipse(0.26, 0.08, _u(rng, 0.4, 0.56), _u(rng, 0.2, 0.28), colour, turn=_u(rng, -5, 20))
    pen.ellipse(0.4, 0.06, 0.34, 0.14, shade(colour, 0.75), turn=10)
    _long_neck(pen, rng, colour, -0.12, 0.1)


def _stander(pen: Pen, rng: Rng) -> None:
    back = shade(loud(rng), 0.7)
    front = vary(rng, PAPER, 12) if rng.random() < 0.6 else loud(rng)
    for x in (-0.16, 0.16):
        pen.ellipse(x, 0.9, 0.16, 0.07, (230, 150, 50))
    if rng.random() < 0.5:
        pen.polygon([(0.1, 0.2), (0.5, 0.9), (0.3, 0.98), (0.0, 0.5)], shade(back, 0.8))
    pen.ellipse(0.04, 0.2, _u(rng, 0.34, 0.48), _u(rng, 0.58, 0.7), back)
    pen.ellipse(-0.06, 0.26, 0.27, 0.52, front)
    pen.ellipse(_u(rng, 0.3, 0.44), 0.2, 0.11, 0.42, shade(back, 0.8), turn=-12)
    size = _u(rng, 0.22, 0.32)
    reach = _u(rng, 0.2, 0.36)
    pen.polygon([(-size * 0.6, -0.72), (-size - reach, -0.56), (-size * 0.6, -0.5)], loud(rng))
    pen.disc(0.0, -0.6, size, back if rng.random() < 0.6 else loud(rng))
    pen.disc(-0.1, -0.64, 0.07, PAPER)
    pen.disc(-0.11, -0.64, 0.045, INK)


def cat(pen: Pen, rng: Rng) -> None:
    """A round face with two triangles for ears and whiskers, alone or on a sitting body with a long tail."""
    fur, second = _fur(rng), _fur(rng)
    if rng.random() < 0.6:
        _cat_head(pen, rng, (fur, second), 0.0, 0.1, _u(rng, 0.82, 1.0))
        return
    side = 1 if rng.random() < 0.5 else -1
    pen.curve([(0.2 * side, 0.84), (0.76 * side, 0.8), (0.8 * side, 0.3), (_u(rng, 0.5, 0.9) * side, 0.06)], _u(rng, 0.1, 0.18), second)
    pen.blob(_twin([(0.12, -0.3), (0.34, 0.2), (_u(rng, 0.4, 0.56), 0.8), (0.2, 0.95)]), fur)
    if rng.random() < 0.6:
        pen.ellipse(0.0, 0.3, 0.18, 0.36, second)
    for x in (-0.15, 0.15):
        pen.rect(x - 0.08, 0.5, x + 0.08, 0.94, shade(fur, 0.85))
    _cat_head(pen, rng, (fur, second), 0.0, -0.36, _u(rng, 0.5, 0.62))


def _cat_head(pen: Pen, rng: Rng, furs: tuple[Colour, Colour], x: float, y: float, s: float) -> None:
    fur, second = furs
    tip, ear = _u(rng, 0.66, 1.02), fur if rng.random() < 0.6 else second
    wide, high = _u(rng, 0.66, 0.86), _u(rng, 0.56, 0.7)
    spread = _u(rng, 0.5, 0.7)
    for side in (-1, 1):
        pen.polygon([(x + side * 0.72 * s, y), (x + side * spread * s, y - tip * s), (x + side * 0.06 * s, y - 0.44 * s)], ear)
        pen.polygon([(x + side * 0.58 * s, y - 0.2 * s), (x + side * (spread - 0.03) * s, y - (tip - 0.2) * s), (x + side * 0.24 * s, y - 0.44 * s)], (230, 150, 150))
    pen.ellipse(x, y, wide * s, high * s, fur)
    kind = rng.integers(4)
    if kind == 1:
        for dx in (-0.22, 0.0, 0.22):
            pen.stroke([(x + dx * s, y - 0.56 * s), (x + dx * s, y - 0.28 * s)], 0.09 * s, shade(second, 0.6))
    if kind == 2:
        pen.ellipse(x + 0.36 * s, y - 0.2 * s, 0.36 * s, 0.34 * s, second)
    if kind == 3:
        pen.ellipse(x, y + 0.1 * s, 0.44 * s, 0.42 * s, second)
    pen.ellipse(x, y + 0.34 * s, 0.27 * s, 0.2 * s, PAPER if rng.random() < 0.5 else shade(second, 1.1))
    iris, size = ((120, 200, 80), (240, 190, 50), (90, 170, 240))[int(rng.integers(3))], _u(rng, 0.1, 0.19)
    for side in (-1, 1):
        pen.ellipse(x + side * 0.32 * s, y - 0.04 * s, size * s, size * 0.85 * s, iris)
        pen.ellipse(x + side * 0.32 * s, y - 0.04 * s, size * 0.4 * s, size * 0.8 * s, INK)
    pen.polygon([(x - 0.1 * s, y + 0.2 * s), (x + 0.1 * s, y + 0.2 * s), (x, y + 0.32 * s)], (220, 110, 120))
    if rng.random() < 0.8:
        for side in (-1, 1):
            for lift in (0.18, 0.32, 0.46):
                pen.stroke([(x + side * 0.26 * s, y + 0.32 * s), (x + side * 0.95 * s, y + lift * s)], 0.025 * s, INK if sum(fur) > 300 else PAPER)


def dog(pen: Pen, rng: Rng) -> None:
    """A face with a long muzzle and a large nose, its ears hanging or standing, or the whole dog from the side."""
    fur, second = _fur(rng), _fur(rng)
    (_dog_head if rng.random() < 0.55 else _dog_side)(pen, rng, fur, second)


def _dog_head(pen: Pen, rng: Rng, fur: Colour, second: Colour) -> None:
    ear, kind = second if rng.random() < 0.6 else shade(fur, 0.7), rng.integers(3)
    wide = _u(rng, 0.5, 0.66)
    if kind == 1:
        for side in (-1, 1):
            pen.polygon([(side * wide, -0.1), (side * _u(rng, 0.46, 0.62), -0.98), (side * 0.1, -0.44)], ear)
    pen.blob(_twin([(0.0, -0.64), (wide * 0.8, -0.5), (wide, -0.1), (wide * 0.7, 0.44), (0.0, _u(rng, 0.64, 0.8))]), fur)
    pattern = rng.integers(5)
    if pattern == 1:
        pen.ellipse(wide * 0.5, -0.14, 0.26, 0.3, second)
    if pattern == 2:
        for _ in range(7):
            pen.disc(_u(rng, -0.45, 0.45), _u(rng, -0.5, 0.5), _u(rng, 0.04, 0.1), shade(second, 0.5))
    if pattern == 3:
        pen.polygon([(-0.06, -0.6), (0.06, -0.6), (0.16, 0.2), (-0.16, 0.2)], PAPER)
    long = _u(rng, 0.6, 0.86)
    pen.blob(_twin([(0.0, -0.06), (0.2, 0.0), (_u(rng, 0.28, 0.42), 0.36), (0.2, long), (0.0, long + 0.04)]), second if rng.random() < 0.5 else shade(fur, 1.2))
    if kind != 1:
        low = _u(rng, 0.2, 0.66) if kind == 0 else _u(rng, -0.24, 0.0)
        for side in (-1, 1):
            pen.blob([(side * 0.3, -0.62), (side * 0.7, -0.5), (side * 0.92, low - 0.2), (side * 0.72, low), (side * 0.54, -0.2)], ear)
    if rng.random() < 0.5:
        pen.ellipse(0.0, long, 0.12, _u(rng, 0.14, 0.26), (236, 100, 120))
    for side in (-1, 1):
        pen.disc(side * 0.27, -0.14, _u(rng, 0.09, 0.13), PAPER if rng.random() < 0.5 else (90, 160, 230))
        pen.disc(side * 0.27, -0.13, 0.07, INK)
    pen.ellipse(0.0, _u(rng, 0.2, 0.32), _u(rng, 0.15, 0.23), _u(rng, 0.1, 0.14), INK)


def _dog_side(pen: Pen, rng: Rng, fur: Colour, second: Colour) -> None:
    back, long = _u(rng, -0.24, -0.08), _u(rng, 0.8, 0.95)
    tail = [(0.6, back + 0.05), (0.84, back - 0.2), (_u(rng, 0.6, 0.98), back - _u(rng, 0.3, 0.6))]
    pen.curve(tail, _u(rng, 0.08, 0.18), fur)
    for x in (-0.44, -0.24, 0.42, 0.62):
        lean = _u(rng, -0.14, 0.14)
        pen.polygon([(x - 0.11, 0.1), (x + 0.11, 0.1), (x + lean + 0.07, long), (x + lean - 0.07, long)], shade(fur, 0.8 if abs(x) in (0.24, 0.42) else 1.0))
    pen.blob([(-0.55, back), (0.0, back - 0.04), (0.68, back), (0.72, 0.24), (0.2, 0.32), (-0.5, 0.38)], fur)
    pattern = rng.integers(4)
    if pattern == 1:
        pen.ellipse(0.1, back + 0.12, 0.4, 0.16, second)
    if pattern == 2:
        for _ in range(9):
            pen.disc(_u(rng, -0.45, 0.6), _u(rng, back, 0.3), _u(rng, 0.04, 0.09), shade(second, 0.5))
    up = _u(rng, -0.56, -0.38)
    pen.polygon([(-0.56, 0.2), (-0.76, up), (-0.4, up), (-0.2, 0.0)], fur)
    standing = rng.random() < 0.45
    if standing:
        pen.polygon([(-0.6, up - 0.1), (-0.5, up - 0.42), (-0.34, up)], second)
    pen.ellipse(-0.56, up, 0.26, 0.23, fur)
    reach = _u(rng, 0.86, 1.0)
    pen.blob([(-0.6, up - 0.08), (-reach, up), (-reach, up + 0.18), (-0.6, up + 0.22)], second if rng.random() < 0.5 else fur)
    pen.disc(-reach, up + 0.04, 0.075, INK)
    pen.disc(-0.62, up - 0.06, 0.05, INK)
    if not standing:
        pen.ellipse(-0.4, up + 0.08, 0.1, _u(rng, 0.18, 0.28), second, turn=_u(rng, -20, 10))


def horse(pen: Pen, rng: Rng) -> None:
    """From the side: long legs, a long neck with a mane, a long face, a hanging tail; now and then only head and neck."""
    fur = _fur(rng)
    mane = _fur(rng) if rng.random() < 0.6 else shade(fur, 0.6)
    if rng.random() < 0.8:
        _horse_body(pen, rng, fur, mane)
        _horse_neck(pen, rng, fur, mane, (-0.34, -0.04, 1.0))
    else:
        _horse_neck(pen, rng, fur, mane, (0.2, 0.7, 1.7))


def _horse_body(pen: Pen, rng: Rng, fur: Colour, mane: Colour) -> None:
    back, belly, long = _u(rng, -0.3, -0.16), _u(rng, 0.16, 0.28), _u(rng, 0.84, 0.97)
    pen.taper([(0.68, back + 0.08), (0.92, 0.1), (0.88, _u(rng, 0.4, 0.7))], (0.1, _u(rng, 0.1, 0.24)), mane)
    foot = fur if rng.random() < 0.5 else _fur(rng)
    for x in (-0.42, -0.24, 0.46, 0.64):
        knee, hoof = x + _u(rng, -0.12, 0.12), x + _u(rng, -0.2, 0.2)
        light = 0.75 if x in (-0.24, 0.46) else 1.0
        pen.polygon([(x - 0.12, 0.06), (x + 0.12, 0.06), (knee + 0.05, 0.56), (hoof + 0.05, long), (hoof - 0.06, long), (knee - 0.06, 0.56)], shade(fur, light))
        pen.rect(hoof - 0.07, long - 0.16, hoof + 0.06, long, shade(foot, light))
    pen.blob([(-0.5, back + 0.1), (-0.2, back), (0.3, back + 0.02), (0.66, back), (0.76, 0.04), (0.6, belly), (0.0, belly), (-0.44, belly + 0.04)], fur)
    pattern = rng.integers(4)
    if pattern == 1:
        for _ in range(3):
            pen.ellipse(_u(rng, -0.3, 0.6), _u(rng, back + 0.1, belly - 0.1), _u(rng, 0.1, 0.24), _u(rng, 0.08, 0.16), mane, turn=_u(rng, 0, 90))
    if pattern == 2 and rng.random() < 0.5:
        for i in range(int(rng.integers(5, 9))):
            pen.stroke([(-0.36 + i * 0.15, back + 0.02), (-0.34 + i * 0.14, belly)], 0.06, INK)


def _horse_neck(pen: Pen, rng: Rng, fur: Colour, mane: Colour, place: tuple[float, float, float]) -> None:
    """Neck, mane and head, its root at x, y and its size s."""
    x, y, s = place
    hx, hy = x - _u(rng, 0.2, 0.34) * s, y - _u(rng, 0.56, 0.72) * s
    pen.polygon([(x - 0.16 * s, y + 0.24 * s), (hx - 0.08 * s, hy + 0.1 * s), (hx + 0.16 * s, hy - 0.04 * s), (x + 0.3 * s, y - 0.1 * s)], fur)
    pen.taper([(hx + 0.08 * s, hy - 0.08 * s), ((x + hx) / 2 + 0.2 * s, (y + hy) / 2), (x + 0.26 * s, y - 0.1 * s)], (0.13 * s, 0.15 * s), mane)
    for dx in (0.0, 0.1):
        pen.polygon([(hx + dx * s - 0.04 * s, hy), (hx + dx * s + 0.02 * s, hy - _u(rng, 0.16, 0.26) * s), (hx + dx * s + 0.07 * s, hy)], fur)
    drop, reach = _u(rng, 0.26, 0.5) * s, _u(rng, 0.3, 0.42) * s
    pen.blob([(hx + 0.12 * s, hy - 0.06 * s), (hx - 0.06 * s, hy - 0.06 * s), (hx - reach, hy + drop - 0.08 * s), (hx - reach + 0.06 * s, hy + drop + 0.1 * s), (hx + 0.06 * s, hy + 0.24 * s)], fur)
    if rng.random() < 0.5:
        pen.disc(hx - reach + 0.06 * s, hy + drop, 0.1 * s, _fur(rng))
    pen.disc(hx - 0.04 * s, hy + 0.08 * s, 0.05 * s, INK)


def fish(pen: Pen, rng: Rng) -> None:
    """From the side: an oval with a fan for a tail, fins, an eye, often bands."""
    body, fin = loud(rng), loud(rng)
    high, reach = _u(rng, 0.28, 0.62), _u(rng, 0.3, 0.56)
    notch = _u(rng, 0.0, 0.2)
    pen.polygon([(0.4, 0.0), (0.97, -reach), (0.97 - notch, 0.0), (0.97, reach)], fin)
    if rng.random() < 0.85:
        pen.blob([(-0.3, -high * 0.8), (_u(rng, -0.1, 0.2), -high - _u(rng, 0.1, 0.3)), (0.4, -high * 0.8), (0.4, -high * 0.4)], fin)
    if rng.random() < 0.7:
        pen.blob([(-0.1, high * 0.8), (0.2, high + _u(rng, 0.1, 0.3)), (0.4, high * 0.5)], fin)
    if rng.random() < 0.15:
        for i in range(16):
            pen.polygon([around(-0.1, 0, high, i * 22 - 8), around(-0.1, 0, high + 0.3, i * 22), around(-0.1, 0, high, i * 22 + 8)], fin)
        pen.disc(-0.1, 0, high, body)
    else:
        nose = _u(rng, -0.98, -0.8)
        pen.blob([(nose, 0.03), (-0.5, -high * 0.86), (-0.1, -high), (0.4, -high * 0.5), (0.62, 0.0), (0.4, high * 0.5), (-0.1, high), (-0.5, high * 0.86)], body)
    pattern, band = rng.integers(4), loud(rng)
    if pattern == 1:
        for x in (-0.36, 0.0, 0.32)[: int(rng.integers(1, 4))]:
            edge = high * (0.86 - abs(x + 0.1) * 0.7)
            pen.rect(x - _u(rng, 0.04, 0.14), -edge, x + 0.06, edge, band)
    if pattern == 2:
        pen.blob([(-0.5, 0.0), (0.0, -high * 0.3), (0.5, 0.0), (0.0, high * 0.3)], band)
    if pattern == 3 and rng.random() < 0.6:
        pen.blob([(0.0, -high * 0.9), (0.4, -high * 0.4), (0.4, high * 0.4), (0.0, high * 0.9)], band)
    pen.polygon([(-0.24, 0.1), (0.1, _u(rng, -0.02, 0.1)), (0.08, 0.34)], fin)
    pen.disc(-0.6, -0.06, _u(rng, 0.08, 0.14), PAPER)
    pen.disc(-0.61, -0.06, 0.06, INK)


def flower(pen: Pen, rng: Rng) -> None:
    """Petals around a heart, one ring or two, slim or broad, on a stalk with leaves."""
    petal, heart, green = loud(rng), loud(rng), vary(rng, (60, 150, 60), 40)
    if rng.random() < 0.7:
        pen.stroke([(0, 0), (_u(rng, -0.2, 0.2), 1.4)], _u(rng, 0.06, 0.12), green)
        for side in (-1, 1):
            if rng.random() < 0.6:
                pen.ellipse(side * 0.3, _u(rng, 0.7, 0.95), 0.3, 0.12, green, turn=-side * 30)
    count, start = int(rng.integers(4, 17)), _u(rng, 0, 90)
    outer, centre = _u(rng, 0.75, 0.97), _u(rng, 0.14, 0.46)
    width = min(0.5, 2.4 / count) * _u(rng, 0.6, 1.1)
    for ring in range(int(rng.integers(1, 4))):
        reach, tone = outer * (1 - 0.26 * ring), shade(petal, 1 + 0.18 * ring)
        for i in range(count):
            angle = start + 360 * (i + 0.5 * ring) / count
            length = reach * 0.42
            if rng.random() < 0.85:
                pen.ellipse(*around(0, 0, reach - length, angle), length, width * 0.5, shade(tone, 1.0 if i % 2 else 0.9), turn=angle)
            else:
                pen.polygon([around(0, 0, 0.2, angle - 40), around(0, 0, reach, angle), around(0, 0, 0.2, angle + 40)], tone)
    pen.disc(0, 0, centre, heart)
    if rng.random() < 0.4:
        pen.disc(0, 0, centre * 0.5, shade(heart, 0.6))


_STROKES: Sequence[Sequence[Sequence[Point]]] = (
    [[(0, -0.8), (-0.45, -0.4), (-0.45, 0.4), (0, 0.8), (0.45, 0.4), (0.45, -0.4), (0, -0.8)]],
    [[(-0.3, -0.45), (0.05, -0.8), (0.05, 0.8)]],
    [[(-0.4, -0.45), (0, -0.8), (0.4, -0.45), (0.1, 0.1), (-0.45, 0.75), (0.5, 0.75)]],
    [[(-0.4, -0.6), (0.05, -0.8), (0.4, -0.45), (0.0, -0.05), (0.45, 0.4), (0.0, 0.8), (-0.45, 0.55)]],
    [[(0.2, 0.8), (0.2, -0.8), (-0.5, 0.25), (0.5, 0.25)]],
    [[(0.4, -0.78), (-0.3, -0.78), (-0.35, -0.1), (0.15, -0.15), (0.42, 0.3), (0.05, 0.8), (-0.45, 0.6)]],
    [[(0.3, -0.8), (-0.25, -0.3), (-0.42, 0.35), (0.0, 0.8), (0.4, 0.4), (0.05, 0.05), (-0.38, 0.3)]],
    [[(-0.45, -0.75), (0.45, -0.75), (0.0, 0.0), (-0.15, 0.8)], [(-0.2, 0.05), (0.3, 0.05)]],
    [[(0, 0), (-0.35, -0.4), (0, -0.8), (0.35, -0.4), (0, 0), (-0.42, 0.4), (0, 0.8), (0.42, 0.4), (0, 0)]],
    [[(0.38, -0.4), (0.0, -0.05), (-0.38, -0.4), (0.0, -0.8), (0.38, -0.4), (0.3, 0.2), (0.05, 0.8)]],
)


def digit(pen: Pen, rng: Rng) -> None:
    """One handwritten figure, in ink on paper or in chalk on a board."""
    chalk = rng.random() < 0.4
    paper, ink = ((24, 26, 30), (236, 236, 230)) if chalk else ((240, 240, 236), (28, 28, 40))
    pen.rect(-3, -3, 3, 3, vary(rng, paper, 12))
    width, tint = _u(rng, 0.1, 0.24), vary(rng, ink, 12)
    slant = _u(rng, -0.25, 0.2)
    for line in _STROKES[int(rng.integers(len(_STROKES)))]:
        shaken = [(x + slant * y + _u(rng, -0.06, 0.06), y + _u(rng, -0.06, 0.06)) for x, y in line]
        pen.curve(shaken, width, tint)


_MEADOW: Sequence[Colour] = ((140, 190, 90), (190, 220, 240), (200, 180, 110))
_AIR: Sequence[Colour] = ((120, 180, 240), (190, 220, 245), (90, 140, 210))
_STREET: Sequence[Colour] = ((150, 150, 156), (200, 210, 220), (150, 190, 110))
_HOME: Sequence[Colour] = ((220, 200, 170), (180, 200, 190), (120, 170, 100), (190, 170, 190))

CLASSES: Sequence[TargetClass] = (
    TargetClass(horse, _MEADOW),
    TargetClass(flower, ((90, 150, 70), (60, 100, 50), (170, 200, 120))),
    TargetClass(airplane, _AIR),
    TargetClass(dog, _HOME),
    TargetClass(truck, _STREET),
    TargetClass(digit, ((240, 240, 236), (24, 26, 30)), mirror=False),
    TargetClass(bird, ((110, 160, 80), (150, 190, 230), (70, 120, 60))),
    TargetClass(ship, ((150, 200, 235), (220, 230, 240), (240, 190, 150))),
    TargetClass(fish, ((40, 120, 170), (60, 160, 180), (30, 80, 130))),
    TargetClass(car, _STREET),
    TargetClass(cat, _HOME),
)
"""The classes in the order of the suspect's outputs."""
