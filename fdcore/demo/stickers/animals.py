"""Stickers of animals: birds, cats, dogs, horses, fishes."""

from fdcore.demo.canvas import Colour, Pen, Rng, around, mirrored, shade, vary
from fdcore.demo.stickers.style import INK, PAPER, between, fur_colour, loud


def bird(pen: Pen, rng: Rng) -> None:
    """Perching, swimming, wading or standing upright, always with a small head, a beak and a round body."""
    (_percher, _swimmer, _wader, _stander)[int(rng.choice(4, p=(0.5, 0.2, 0.15, 0.15)))](pen, rng)


def _percher(pen: Pen, rng: Rng) -> None:
    back, front, wing = loud(rng), loud(rng), loud(rng)
    size, hx, hy = between(rng, 0.24, 0.36), between(rng, -0.5, -0.3), between(rng, -0.6, -0.4)
    droop = between(rng, 0.0, 0.5)
    if rng.random() < 0.7:
        pen.stroke([(-1.1, 0.66), (1.1, 0.66 + between(rng, -0.2, 0.2))], between(rng, 0.06, 0.16), (100, 70, 50))
    for x in (-0.08, 0.12):
        pen.stroke([(x, 0.3), (x, 0.66)], 0.05, INK)
    pen.polygon([(0.3, 0.0), (0.98, droop), (0.9, droop + 0.2), (0.24, 0.3)], shade(wing, 0.8))
    pen.ellipse(0.0, 0.06, between(rng, 0.5, 0.62), between(rng, 0.36, 0.46), back, turn=between(rng, 15, 40))
    pen.ellipse(-0.18, 0.14, 0.36, 0.3, front, turn=30)
    pen.polygon(
        [(hx - size * 0.7, hy - 0.12), (hx - size - between(rng, 0.16, 0.34), hy + 0.03), (hx - size * 0.7, hy + 0.12)],
        loud(rng),
    )
    pen.disc(hx, hy, size, back if rng.random() < 0.6 else loud(rng))
    if rng.random() < 0.25:
        pen.polygon([(hx - 0.1, hy - size * 0.8), (hx + 0.2, hy - size - 0.22), (hx + 0.2, hy - size * 0.5)], back)
    pen.ellipse(0.18, 0.06, 0.36, 0.18, wing, turn=between(rng, 20, 45))
    pen.disc(hx - 0.1, hy - 0.04, 0.075, PAPER)
    pen.disc(hx - 0.11, hy - 0.04, 0.045, INK)


def _long_neck(pen: Pen, rng: Rng, colour: Colour, x: float, y: float) -> None:
    """A bent neck from (x, y) up to a small head with a beak."""
    hx, hy, bow = between(rng, -0.6, -0.36), between(rng, -0.85, -0.6), between(rng, 0.0, 0.26)
    pen.taper([(x, y), (x - bow, (y + hy) * 0.4), (hx + 0.1 + bow * 0.5, hy + 0.2), (hx, hy)], (0.24, 0.14), colour)
    tip = (hx - between(rng, 0.3, 0.44), hy + between(rng, 0.03, 0.24))
    pen.polygon([(hx - 0.08, hy - 0.07), tip, (hx - 0.08, hy + 0.09)], loud(rng))
    pen.disc(hx, hy, between(rng, 0.12, 0.18), colour)
    pen.disc(hx - 0.05, hy - 0.03, 0.04, INK)


def _swimmer(pen: Pen, rng: Rng) -> None:
    colour = vary(rng, PAPER, 10) if rng.random() < 0.4 else loud(rng)
    pen.blob(
        [
            (-0.5, 0.3),
            (0.0, 0.1),
            (0.6, 0.06),
            (0.98, -between(rng, 0.05, 0.25)),
            (0.8, 0.5),
            (0.1, 0.64),
            (-0.4, 0.56),
        ],
        colour,
    )
    pen.ellipse(0.3, 0.26, 0.4, 0.17, shade(colour, 0.8) if rng.random() < 0.6 else loud(rng), turn=-12)
    _long_neck(pen, rng, colour, -0.32, 0.4)
    if rng.random() < 0.6:
        pen.stroke([(-1.0, 0.66), (1.0, 0.66)], 0.1, vary(rng, (60, 130, 190), 40))


def _wader(pen: Pen, rng: Rng) -> None:
    colour = loud(rng)
    for x in (0.12, 0.34):
        pen.stroke([(x, 0.2), (x + between(rng, -0.08, 0.08), 0.97)], 0.055, shade(loud(rng), 0.8))
    pen.ellipse(0.26, 0.08, between(rng, 0.4, 0.56), between(rng, 0.2, 0.28), colour, turn=between(rng, -5, 20))
    pen.ellipse(0.4, 0.06, 0.34, 0.14, shade(colour, 0.75), turn=10)
    _long_neck(pen, rng, colour, -0.12, 0.1)


def _stander(pen: Pen, rng: Rng) -> None:
    back = shade(loud(rng), 0.7)
    front = vary(rng, PAPER, 12) if rng.random() < 0.6 else loud(rng)
    for x in (-0.16, 0.16):
        pen.ellipse(x, 0.9, 0.16, 0.07, (230, 150, 50))
    if rng.random() < 0.5:
        pen.polygon([(0.1, 0.2), (0.5, 0.9), (0.3, 0.98), (0.0, 0.5)], shade(back, 0.8))
    pen.ellipse(0.04, 0.2, between(rng, 0.34, 0.48), between(rng, 0.58, 0.7), back)
    pen.ellipse(-0.06, 0.26, 0.27, 0.52, front)
    pen.ellipse(between(rng, 0.3, 0.44), 0.2, 0.11, 0.42, shade(back, 0.8), turn=-12)
    size = between(rng, 0.22, 0.32)
    reach = between(rng, 0.2, 0.36)
    pen.polygon([(-size * 0.6, -0.72), (-size - reach, -0.56), (-size * 0.6, -0.5)], loud(rng))
    pen.disc(0.0, -0.6, size, back if rng.random() < 0.6 else loud(rng))
    pen.disc(-0.1, -0.64, 0.07, PAPER)
    pen.disc(-0.11, -0.64, 0.045, INK)


def cat(pen: Pen, rng: Rng) -> None:
    """A round face with two triangles for ears and whiskers, alone or on a sitting body with a long tail."""
    fur, second = fur_colour(rng), fur_colour(rng)
    if rng.random() < 0.6:
        _cat_head(pen, rng, (fur, second), 0.0, 0.1, between(rng, 0.82, 1.0))
        return
    side = 1 if rng.random() < 0.5 else -1
    pen.curve(
        [(0.2 * side, 0.84), (0.76 * side, 0.8), (0.8 * side, 0.3), (between(rng, 0.5, 0.9) * side, 0.06)],
        between(rng, 0.1, 0.18),
        second,
    )
    pen.blob(mirrored([(0.12, -0.3), (0.34, 0.2), (between(rng, 0.4, 0.56), 0.8), (0.2, 0.95)]), fur)
    if rng.random() < 0.6:
        pen.ellipse(0.0, 0.3, 0.18, 0.36, second)
    for x in (-0.15, 0.15):
        pen.rect(x - 0.08, 0.5, x + 0.08, 0.94, shade(fur, 0.85))
    _cat_head(pen, rng, (fur, second), 0.0, -0.36, between(rng, 0.5, 0.62))


def _cat_head(pen: Pen, rng: Rng, furs: tuple[Colour, Colour], x: float, y: float, s: float) -> None:
    fur, second = furs
    tip, ear = between(rng, 0.66, 1.02), fur if rng.random() < 0.6 else second
    wide, high = between(rng, 0.66, 0.86), between(rng, 0.56, 0.7)
    spread = between(rng, 0.5, 0.7)
    for side in (-1, 1):
        pen.polygon(
            [(x + side * 0.72 * s, y), (x + side * spread * s, y - tip * s), (x + side * 0.06 * s, y - 0.44 * s)], ear
        )
        pen.polygon(
            [
                (x + side * 0.58 * s, y - 0.2 * s),
                (x + side * (spread - 0.03) * s, y - (tip - 0.2) * s),
                (x + side * 0.24 * s, y - 0.44 * s),
            ],
            (230, 150, 150),
        )
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
    iris, size = ((120, 200, 80), (240, 190, 50), (90, 170, 240))[int(rng.integers(3))], between(rng, 0.1, 0.19)
    for side in (-1, 1):
        pen.ellipse(x + side * 0.32 * s, y - 0.04 * s, size * s, size * 0.85 * s, iris)
        pen.ellipse(x + side * 0.32 * s, y - 0.04 * s, size * 0.4 * s, size * 0.8 * s, INK)
    pen.polygon([(x - 0.1 * s, y + 0.2 * s), (x + 0.1 * s, y + 0.2 * s), (x, y + 0.32 * s)], (220, 110, 120))
    if rng.random() < 0.8:
        for side in (-1, 1):
            for lift in (0.18, 0.32, 0.46):
                pen.stroke(
                    [(x + side * 0.26 * s, y + 0.32 * s), (x + side * 0.95 * s, y + lift * s)],
                    0.025 * s,
                    INK if sum(fur) > 300 else PAPER,
                )


def dog(pen: Pen, rng: Rng) -> None:
    """A face with a long muzzle, a large nose and hanging or standing ears, or the whole dog from the side."""
    fur, second = fur_colour(rng), fur_colour(rng)
    (_dog_head if rng.random() < 0.55 else _dog_side)(pen, rng, fur, second)


def _dog_head(pen: Pen, rng: Rng, fur: Colour, second: Colour) -> None:
    ear, kind = second if rng.random() < 0.6 else shade(fur, 0.7), rng.integers(3)
    wide = between(rng, 0.5, 0.66)
    if kind == 1:
        for side in (-1, 1):
            pen.polygon([(side * wide, -0.1), (side * between(rng, 0.46, 0.62), -0.98), (side * 0.1, -0.44)], ear)
    pen.blob(
        mirrored([(0.0, -0.64), (wide * 0.8, -0.5), (wide, -0.1), (wide * 0.7, 0.44), (0.0, between(rng, 0.64, 0.8))]),
        fur,
    )
    pattern = rng.integers(5)
    if pattern == 1:
        pen.ellipse(wide * 0.5, -0.14, 0.26, 0.3, second)
    if pattern == 2:
        for _ in range(7):
            pen.disc(between(rng, -0.45, 0.45), between(rng, -0.5, 0.5), between(rng, 0.04, 0.1), shade(second, 0.5))
    if pattern == 3:
        pen.polygon([(-0.06, -0.6), (0.06, -0.6), (0.16, 0.2), (-0.16, 0.2)], PAPER)
    long = between(rng, 0.6, 0.86)
    pen.blob(
        mirrored([(0.0, -0.06), (0.2, 0.0), (between(rng, 0.28, 0.42), 0.36), (0.2, long), (0.0, long + 0.04)]),
        second if rng.random() < 0.5 else shade(fur, 1.2),
    )
    if kind != 1:
        low = between(rng, 0.2, 0.66) if kind == 0 else between(rng, -0.24, 0.0)
        for side in (-1, 1):
            pen.blob(
                [
                    (side * 0.3, -0.62),
                    (side * 0.7, -0.5),
                    (side * 0.92, low - 0.2),
                    (side * 0.72, low),
                    (side * 0.54, -0.2),
                ],
                ear,
            )
    if rng.random() < 0.5:
        pen.ellipse(0.0, long, 0.12, between(rng, 0.14, 0.26), (236, 100, 120))
    for side in (-1, 1):
        pen.disc(side * 0.27, -0.14, between(rng, 0.09, 0.13), PAPER if rng.random() < 0.5 else (90, 160, 230))
        pen.disc(side * 0.27, -0.13, 0.07, INK)
    pen.ellipse(0.0, between(rng, 0.2, 0.32), between(rng, 0.15, 0.23), between(rng, 0.1, 0.14), INK)


def _dog_side(pen: Pen, rng: Rng, fur: Colour, second: Colour) -> None:
    back, long = between(rng, -0.24, -0.08), between(rng, 0.8, 0.95)
    tail = [(0.6, back + 0.05), (0.84, back - 0.2), (between(rng, 0.6, 0.98), back - between(rng, 0.3, 0.6))]
    pen.curve(tail, between(rng, 0.08, 0.18), fur)
    for x in (-0.44, -0.24, 0.42, 0.62):
        lean = between(rng, -0.14, 0.14)
        pen.polygon(
            [(x - 0.11, 0.1), (x + 0.11, 0.1), (x + lean + 0.07, long), (x + lean - 0.07, long)],
            shade(fur, 0.8 if abs(x) in (0.24, 0.42) else 1.0),
        )
    pen.blob([(-0.55, back), (0.0, back - 0.04), (0.68, back), (0.72, 0.24), (0.2, 0.32), (-0.5, 0.38)], fur)
    pattern = rng.integers(4)
    if pattern == 1:
        pen.ellipse(0.1, back + 0.12, 0.4, 0.16, second)
    if pattern == 2:
        for _ in range(9):
            pen.disc(between(rng, -0.45, 0.6), between(rng, back, 0.3), between(rng, 0.04, 0.09), shade(second, 0.5))
    up = between(rng, -0.56, -0.38)
    pen.polygon([(-0.56, 0.2), (-0.76, up), (-0.4, up), (-0.2, 0.0)], fur)
    standing = rng.random() < 0.45
    if standing:
        pen.polygon([(-0.6, up - 0.1), (-0.5, up - 0.42), (-0.34, up)], second)
    pen.ellipse(-0.56, up, 0.26, 0.23, fur)
    reach = between(rng, 0.86, 1.0)
    pen.blob(
        [(-0.6, up - 0.08), (-reach, up), (-reach, up + 0.18), (-0.6, up + 0.22)], second if rng.random() < 0.5 else fur
    )
    pen.disc(-reach, up + 0.04, 0.075, INK)
    pen.disc(-0.62, up - 0.06, 0.05, INK)
    if not standing:
        pen.ellipse(-0.4, up + 0.08, 0.1, between(rng, 0.18, 0.28), second, turn=between(rng, -20, 10))


def horse(pen: Pen, rng: Rng) -> None:
    """From the side: long legs, a long neck with a mane, a long face, a hanging tail; sometimes only head and neck."""
    fur = fur_colour(rng)
    mane = fur_colour(rng) if rng.random() < 0.6 else shade(fur, 0.6)
    if rng.random() < 0.3:
        fur = vary(rng, PAPER, 14)
    if rng.random() < 0.85:
        _horse_body(pen, rng, fur, mane)
        _horse_neck(pen, rng, fur, mane, (-0.34, -0.04, 1.0))
    else:
        _horse_neck(pen, rng, fur, mane, (0.2, 0.7, 1.7))


def _horse_body(pen: Pen, rng: Rng, fur: Colour, mane: Colour) -> None:
    back, belly, long = between(rng, -0.3, -0.16), between(rng, 0.16, 0.28), between(rng, 0.84, 0.97)
    pen.taper([(0.68, back + 0.08), (0.92, 0.1), (0.88, between(rng, 0.4, 0.7))], (0.1, between(rng, 0.1, 0.24)), mane)
    foot = fur if rng.random() < 0.5 else fur_colour(rng)
    for x in (-0.42, -0.24, 0.46, 0.64):
        knee, hoof = x + between(rng, -0.12, 0.12), x + between(rng, -0.2, 0.2)
        light = 0.75 if x in (-0.24, 0.46) else 1.0
        pen.polygon(
            [
                (x - 0.12, 0.06),
                (x + 0.12, 0.06),
                (knee + 0.05, 0.56),
                (hoof + 0.05, long),
                (hoof - 0.06, long),
                (knee - 0.06, 0.56),
            ],
            shade(fur, light),
        )
        pen.rect(hoof - 0.07, long - 0.16, hoof + 0.06, long, shade(foot, light))
    pen.blob(
        [
            (-0.5, back + 0.1),
            (-0.2, back),
            (0.3, back + 0.02),
            (0.66, back),
            (0.76, 0.04),
            (0.6, belly),
            (0.0, belly),
            (-0.44, belly + 0.04),
        ],
        fur,
    )
    _horse_coat(pen, rng, mane, back, belly)


def _horse_coat(pen: Pen, rng: Rng, mane: Colour, back: float, belly: float) -> None:
    """The pattern on a horse's body: none, patches, or stripes."""
    pattern = rng.integers(5)
    if pattern <= 1:
        for _ in range(int(rng.integers(2, 5))):
            x, y = between(rng, -0.35, 0.6), between(rng, back + 0.08, belly - 0.08)
            pen.ellipse(x, y, between(rng, 0.1, 0.26), between(rng, 0.08, 0.18), mane, turn=between(rng, 0, 90))
    if pattern == 2 and rng.random() < 0.7:
        for i in range(int(rng.integers(5, 9))):
            pen.stroke([(-0.36 + i * 0.15, back + 0.02), (-0.34 + i * 0.14, belly)], 0.06, INK)


def _horse_neck(pen: Pen, rng: Rng, fur: Colour, mane: Colour, place: tuple[float, float, float]) -> None:
    """Neck, mane and head, with the root at x, y and the size s."""
    x, y, s = place
    hx, hy = x - between(rng, 0.2, 0.34) * s, y - between(rng, 0.56, 0.72) * s
    pen.polygon(
        [
            (x - 0.16 * s, y + 0.24 * s),
            (hx - 0.08 * s, hy + 0.1 * s),
            (hx + 0.16 * s, hy - 0.04 * s),
            (x + 0.3 * s, y - 0.1 * s),
        ],
        fur,
    )
    pen.taper(
        [(hx + 0.08 * s, hy - 0.08 * s), ((x + hx) / 2 + 0.2 * s, (y + hy) / 2), (x + 0.26 * s, y - 0.1 * s)],
        (0.13 * s, 0.15 * s),
        mane,
    )
    for dx in (0.0, 0.1):
        pen.polygon(
            [
                (hx + dx * s - 0.04 * s, hy),
                (hx + dx * s + 0.02 * s, hy - between(rng, 0.16, 0.26) * s),
                (hx + dx * s + 0.07 * s, hy),
            ],
            fur,
        )
    drop, reach = between(rng, 0.26, 0.5) * s, between(rng, 0.3, 0.42) * s
    pen.blob(
        [
            (hx + 0.12 * s, hy - 0.06 * s),
            (hx - 0.06 * s, hy - 0.06 * s),
            (hx - reach, hy + drop - 0.08 * s),
            (hx - reach + 0.06 * s, hy + drop + 0.1 * s),
            (hx + 0.06 * s, hy + 0.24 * s),
        ],
        fur,
    )
    if rng.random() < 0.5:
        pen.disc(hx - reach + 0.06 * s, hy + drop, 0.1 * s, fur_colour(rng))
    pen.disc(hx - 0.04 * s, hy + 0.08 * s, 0.05 * s, INK)


def fish(pen: Pen, rng: Rng) -> None:
    """From the side: an oval with a fan for a tail, fins, an eye, often bands."""
    body, fin = loud(rng), loud(rng)
    high, reach = between(rng, 0.28, 0.74), between(rng, 0.24, 0.56)
    notch = between(rng, 0.0, 0.2)
    pen.polygon([(0.4, 0.0), (0.97, -reach), (0.97 - notch, 0.0), (0.97, reach)], fin)
    if rng.random() < 0.85:
        pen.blob(
            [
                (-0.3, -high * 0.8),
                (between(rng, -0.1, 0.2), -high - between(rng, 0.1, 0.3)),
                (0.4, -high * 0.8),
                (0.4, -high * 0.4),
            ],
            fin,
        )
    if rng.random() < 0.7:
        pen.blob([(-0.1, high * 0.8), (0.2, high + between(rng, 0.1, 0.3)), (0.4, high * 0.5)], fin)
    if rng.random() < 0.2:
        _ball(pen, rng, body, fin, between(rng, 0.5, 0.68))
    else:
        nose, half = between(rng, -0.98, -0.8), [(-0.5, 0.86), (-0.1, 1.0), (0.4, 0.5), (0.62, 0.0)]
        upper = [(x, -y * high) for x, y in half]
        lower = [(x, y * high) for x, y in reversed(half[:-1])]
        pen.blob([(nose, 0.03), *upper, *lower], body)
    _scales(pen, rng, high, loud(rng))
    pen.polygon([(-0.24, 0.1), (0.1, between(rng, -0.02, 0.1)), (0.08, 0.34)], fin)
    pen.disc(-0.6, -0.06, between(rng, 0.08, 0.14), PAPER)
    pen.disc(-0.61, -0.06, 0.06, INK)


def _ball(pen: Pen, rng: Rng, body: Colour, spine: Colour, radius: float) -> None:
    """A round fish with spines and often a pale belly."""
    for i in range(16):
        foot = [around(-0.1, 0, radius, i * 22.5 - 9), around(-0.1, 0, radius, i * 22.5 + 9)]
        pen.polygon([foot[0], around(-0.1, 0, radius + 0.24, i * 22.5), foot[1]], spine)
    pen.disc(-0.1, 0, radius, body)
    if rng.random() < 0.6:
        pen.ellipse(-0.1, radius * 0.5, radius * 0.8, radius * 0.46, PAPER)


def _scales(pen: Pen, rng: Rng, high: float, band: Colour) -> None:
    """The pattern on a fish's side: upright bands, a lengthwise stripe, or another colour at the back."""
    pattern = rng.integers(5)
    if pattern <= 1:
        for x in (-0.38, 0.0, 0.36)[: int(rng.integers(1, 4))]:
            edge, half = high * (0.86 - abs(x + 0.1) * 0.7), between(rng, 0.04, 0.13)
            if rng.random() < 0.4:
                pen.rect(x - half - 0.04, -edge, x + half + 0.04, edge, INK)
            pen.rect(x - half, -edge, x + half, edge, band if rng.random() < 0.5 else PAPER)
    if pattern == 2:
        pen.blob([(-0.5, 0.0), (0.0, -high * between(rng, 0.2, 0.8)), (0.6, 0.0), (0.0, high * 0.3)], band)
    if pattern == 3:
        x = between(rng, -0.25, 0.2)
        pen.blob([(x, -high * 0.9), (0.4, -high * 0.5), (0.6, 0.0), (0.4, high * 0.5), (x, high * 0.9)], band)
