"""Stickers of vehicles: airplanes, cars, trucks, ships."""

import numpy as np

from fdcore.demo.canvas import Colour, Pen, Rng, mirrored, shade, vary
from fdcore.demo.stickers.style import INK, PAPER, between, loud


def _livery(rng: Rng) -> Colour:
    return vary(rng, ((225, 225, 228), (150, 156, 164), loud(rng))[int(rng.integers(3))], 20)


def airplane(pen: Pen, rng: Rng) -> None:
    """From above or below in any direction, or from the side, with jets or a propeller."""
    (_plane_above, _plane_side, _plane_propeller)[int(rng.choice(3, p=(0.5, 0.28, 0.22)))](pen, rng)


def _plane_above(pen: Pen, rng: Rng) -> None:
    body, wing = _livery(rng), _livery(rng)
    half, sweep, root = between(rng, 0.07, 0.16), between(rng, -0.02, 0.55), between(rng, 0.2, 0.5)
    span, tip, start = between(rng, 0.7, 1.0), between(rng, 0.05, 0.26), between(rng, -0.45, -0.1)
    pen.polygon(mirrored([(0, start), (span, start + sweep), (span, start + sweep + tip), (0, start + root)]), wing)
    back, tail = between(rng, 0.6, 0.78), between(rng, 0.24, 0.45)
    pen.polygon(
        mirrored([(0, back), (tail, back + 0.4 * sweep), (tail, back + 0.4 * sweep + 0.12), (0, back + 0.24)]), wing
    )
    if rng.random() < 0.5:
        for x in (0.3, 0.6)[: int(rng.integers(1, 3))]:
            y = start + sweep * x / span
            for side in (-1, 1):
                pen.rect(side * x - 0.05, y - 0.12, side * x + 0.05, y + 0.12, shade(wing, 0.6))
    nose = between(rng, -1.0, -0.8)
    pen.blob(mirrored([(0, nose), (half * 0.8, nose + 0.2), (half, 0.0), (half * 0.7, 0.7), (0, 0.96)]), body)
    if rng.random() < 0.5:
        pen.rect(-half * 0.6, nose + 0.14, half * 0.6, nose + 0.24, INK)


def _plane_side(pen: Pen, rng: Rng) -> None:
    body, trim = _livery(rng), loud(rng)
    half, fin = between(rng, 0.12, 0.24), between(rng, 0.35, 0.62)
    pen.polygon([(0.5, 0.0), (between(rng, 0.68, 0.8), -fin), (0.98, -fin), (0.92, 0.0)], trim)
    pen.blob([(-0.98, 0.04), (-0.7, -half), (0.3, -half), (0.96, -0.1), (0.4, half), (-0.7, half)], body)
    drop, lean = between(rng, 0.25, 0.6), between(rng, 0.2, 0.55)
    pen.polygon([(-0.25, 0.03), (0.2, 0.03), (0.1 + lean, drop), (lean - 0.1, drop)], shade(_livery(rng), 0.8))
    if rng.random() < 0.6:
        pen.polygon(
            [(-0.1, -half * 0.6), (0.2, -half * 0.6), (0.4, -half - 0.22), (0.28, -half - 0.22)], shade(body, 0.7)
        )
    pen.polygon([(0.62, -0.04), (0.84, -0.04), (1.0, 0.16), (0.86, 0.16)], shade(trim, 0.8))
    if rng.random() < 0.6:
        for i in range(int(rng.integers(4, 9))):
            pen.rect(-0.6 + i * 0.14, -0.09, -0.53 + i * 0.14, 0.0, INK)
    pen.polygon([(-0.86, -0.04), (-0.72, -half * 0.9), (-0.62, -0.04)], shade(trim, 0.5))


def _plane_propeller(pen: Pen, rng: Rng) -> None:
    body, wing = loud(rng), loud(rng)
    half = between(rng, 0.14, 0.26)
    pen.polygon([(0.6, 0.0), (0.76, -between(rng, 0.35, 0.55)), (0.95, -0.4), (0.96, 0.05)], wing)
    pen.blob([(-0.8, 0.0), (-0.6, -half), (-0.1, -half), (0.94, -0.05), (0.94, 0.05), (-0.1, half), (-0.7, half)], body)
    for y in (between(rng, -0.62, -0.35), between(rng, 0.05, 0.3))[int(rng.integers(2)) :: -1]:
        left, right = between(rng, -0.8, -0.5), between(rng, 0.05, 0.3)
        pen.polygon([(left, y), (right, y), (right + between(rng, 0, 0.3), y + 0.16), (left + 0.2, y + 0.16)], wing)
        pen.stroke([(-0.4, y + 0.1), (-0.35, 0.1)], 0.04, INK)
    if rng.random() < 0.7:
        wheel = between(rng, 0.4, 0.56)
        pen.stroke([(-0.4, 0.1), (-0.4, wheel)], 0.05, INK)
        pen.ellipse(-0.4, wheel, between(rng, 0.1, 0.4), 0.09, shade(wing, 0.5))
    pen.ellipse(-0.84, 0.0, 0.04, between(rng, 0.3, 0.5), shade(PAPER, 0.7))


def _tyre(pen: Pen, rng: Rng, x: float, y: float, radius: float) -> None:
    pen.disc(x, y, radius, INK)
    pen.disc(x, y, radius * between(rng, 0.3, 0.6), vary(rng, (190, 190, 196), 30))


def car(pen: Pen, rng: Rng) -> None:
    """From the side: a low body with two wheels, under a roof of any length, or open."""
    paint, glass = loud(rng), vary(rng, (150, 200, 230) if rng.random() < 0.5 else (60, 70, 90), 20)
    sill, belt = 0.36, between(rng, -0.14, 0.06)
    if rng.random() < 0.85:
        _cabin(pen, rng, paint, glass, belt)
    else:
        front = between(rng, -0.4, -0.2)
        pen.disc(0.1, belt - 0.26, 0.13, vary(rng, (226, 180, 150), 30))
        screen = [(front, belt), (front + 0.2, belt - 0.36), (front + 0.26, belt - 0.36), (front + 0.12, belt)]
        pen.polygon(screen, glass)
        pen.rect(0.3, belt - 0.2, 0.5, belt, shade(paint, 0.6))
    nose = between(rng, 0.02, 0.16)
    body = [(-0.96, nose + 0.06), (-0.8, belt + nose * 0.6), (-0.4, belt), (0.8, belt), (0.96, belt + 0.1)]
    (pen.polygon if rng.random() < 0.5 else pen.blob)([*body, (0.96, sill), (-0.96, sill)], paint)
    if rng.random() < 0.4:
        pen.rect(-0.9, 0.1, 0.92, between(rng, 0.16, 0.24), loud(rng))
    if rng.random() < 0.5:
        pen.rect(-0.94, sill - between(rng, 0.05, 0.12), 0.94, sill + 0.02, shade(paint, between(rng, 0.3, 0.8)))
    if rng.random() < 0.3:
        wing = belt - between(rng, 0.08, 0.2)
        pen.rect(0.68, wing, 0.98, wing + 0.07, shade(paint, 0.7))
    pen.disc(-0.86, 0.12, 0.07, (255, 240, 160))
    radius, spread, arch = between(rng, 0.16, 0.27), between(rng, 0.46, 0.62), rng.random() < 0.5
    for x in (-spread, spread):
        if arch:
            pen.disc(x, sill, radius + 0.05, shade(paint, 0.5))
        _tyre(pen, rng, x, sill + 0.02, radius)


def _cabin(pen: Pen, rng: Rng, paint: Colour, glass: Colour, belt: float) -> None:
    """A roof with two or three side windows, from a coupe's to a van's; sometimes something on top."""
    front, back, roof = between(rng, -0.66, -0.2), between(rng, 0.3, 0.94), between(rng, -0.68, -0.3)
    rake, fall = between(rng, 0.1, 0.36), between(rng, 0.02, 0.3)
    top = [(front + rake, roof), (back - fall, roof)]
    if rng.random() < 0.25:
        pen.rect(front + rake + 0.1, roof - between(rng, 0.06, 0.16), back - fall - 0.05, roof - 0.02, loud(rng))
    pen.polygon([(front, belt + 0.05), *top, (back, belt + 0.05)], paint)
    low, high, count = belt - 0.02, roof + 0.09, int(rng.integers(2, 4))
    lows = np.linspace(front + 0.1, back - 0.1, count + 1)
    highs = np.linspace(front + rake + 0.03, back - fall - 0.04, count + 1)
    for i in range(count):
        left, right = 0.03 * (i > 0), 0.03 * (i < count - 1)
        pane = [
            (lows[i] + left, low),
            (highs[i] + left, high),
            (highs[i + 1] - right, high),
            (lows[i + 1] - right, low),
        ]
        pen.polygon(pane, glass)


def truck(pen: Pen, rng: Rng) -> None:
    """From the side: a tall cab in front and a box, bed, tank, tipper or crane behind it, several wheels."""
    paint, load = loud(rng), loud(rng)
    seam, top = between(rng, -0.5, -0.25), between(rng, -0.56, -0.28)
    pen.rect(-0.9, 0.2, 0.95, 0.36, shade(load, 0.4))
    _load(pen, rng, load, seam + 0.04)
    nose = between(rng, 0.0, 0.26)
    pen.polygon(
        [(-0.97, 0.3), (-0.97, -0.02), (-0.95 + nose, -0.06), (-0.9 + nose, top), (seam, top), (seam, 0.3)], paint
    )
    glass = (150, 200, 230) if rng.random() < 0.5 else (60, 70, 90)
    pen.polygon(
        [(-0.88 + nose, -0.06), (-0.84 + nose, top + 0.09), (seam - 0.07, top + 0.09), (seam - 0.07, -0.06)], glass
    )
    if rng.random() < 0.3:
        pen.rect(seam - 0.2, top - 0.1, seam - 0.04, top, loud(rng))
    radius = between(rng, 0.13, 0.25)
    places = [(-0.66, 0.56), (-0.66, 0.4, 0.76), (-0.7, 0.16, 0.5, 0.8), (-0.74, -0.4, 0.4, 0.7)][int(rng.integers(4))]
    for x in places:
        _tyre(pen, rng, x, 0.4, radius)


def _load(pen: Pen, rng: Rng, load: Colour, left: float) -> None:
    """The load of a truck, from `left` to its end."""
    kind, top = rng.integers(6), between(rng, -0.66, -0.3)
    if kind <= 1:
        pen.rect(left, top, 0.97, 0.24, load)
        if rng.random() < 0.6:
            pen.rect(left + 0.2, top + 0.14, 0.8, top + between(rng, 0.2, 0.45), loud(rng))
        if rng.random() < 0.4:
            pen.stroke([(left - 0.1, top - 0.06), (0.97, top - 0.06)], 0.06, shade(PAPER, 0.8))
    elif kind == 2:
        pen.blob([(left, top + 0.1), (0.3, top), (0.9, top + 0.1), (0.9, 0.2), (left, 0.2)], load)
        for x in (0.0, 0.3, 0.6):
            pen.stroke([(x, top + 0.1), (x, 0.2)], 0.04, shade(load, 0.6))
    elif kind == 3:
        tip = between(rng, 0, 0.3)
        pen.blob([(left + 0.1, -0.2 - tip), (0.3, -0.56 - tip), (0.8, -0.2)], shade(loud(rng), 0.7))
        pen.polygon([(left, -0.28 - tip), (0.97, -0.28), (0.84, 0.2), (left + 0.1, 0.2 - tip)], load)
    elif kind == 4:
        pen.rect(left, 0.02, 0.96, 0.26, load)
        pen.stroke([(left + 0.3, 0.0), (0.86, -between(rng, 0.4, 0.75))], 0.12, shade(load, 0.7))
        pen.stroke([(0.84, -0.5), (0.86, 0.0)], 0.04, INK)
    else:
        pen.rect(left, -0.08, 0.96, 0.26, load)
        for i in range(int(rng.integers(0, 4))):
            pen.rect(left + 0.06 + i * 0.3, -0.3, left + 0.3 + i * 0.3, -0.08, loud(rng))


def ship(pen: Pen, rng: Rng) -> None:
    """A hull with a bow, under decks and funnels, boxes, or sails; often on water."""
    hull, left, right = loud(rng), between(rng, -1.0, -0.8), between(rng, 0.75, 0.98)
    deck, keel = between(rng, 0.0, 0.26), between(rng, 0.5, 0.7)
    kind = rng.choice(4, p=(0.3, 0.2, 0.4, 0.1))
    (_decks, _boxes, _sails, _cockpit)[int(kind)](pen, rng, deck)
    rise = between(rng, 0.02, 0.2)
    pen.polygon(
        [(left, deck - rise), (-0.6, deck), (right, deck), (right - between(rng, 0, 0.2), keel), (-0.66, keel)], hull
    )
    if rng.random() < 0.6:
        y = deck + between(rng, 0.06, 0.3)
        pen.stroke([(-0.74, y), (right - 0.1, y)], 0.07, loud(rng))
    if rng.random() < 0.7:
        sea = vary(rng, (40, 110, 180), 50)
        crest = [(-1.3 + 0.26 * i, keel - 0.05 + (0.05 if i % 2 else -0.03)) for i in range(11)]
        pen.polygon([*crest, (1.3, 1.4), (-1.3, 1.4)], sea)


def _decks(pen: Pen, rng: Rng, deck: float) -> None:
    x, y, width = between(rng, -0.6, -0.3), deck, between(rng, 0.8, 1.3)
    for _ in range(int(rng.integers(1, 4))):
        pen.rect(x, y - 0.2, x + width, y, vary(rng, (240, 240, 240), 16))
        for i in range(5):
            pen.disc(x + width * (i + 0.5) / 5, y - 0.1, 0.04, (40, 60, 100))
        x, y, width = x + width * 0.1, y - 0.2, width * 0.75
    for i in range(int(rng.integers(1, 4))):
        pen.rect(x + 0.06 + i * 0.24, y - between(rng, 0.2, 0.4), x + 0.2 + i * 0.24, y, loud(rng))


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
        top, reach = between(rng, -0.98, -0.75), between(rng, 0.28, 0.7) / masts**0.4
        pen.stroke([(x, top), (x, deck)], 0.05, (90, 60, 40))
        low = deck - between(rng, 0.06, 0.2)
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
