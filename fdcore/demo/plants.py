"""Flowers from the front, fruit on tables, a toadstool."""

from collections.abc import Sequence

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Pose, Rng, around, blend, oval, path, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import backdrop, foliage, garden, meadow, sky, table

_STEM: Colour = (84, 138, 58)


def _stem(pen: Pen, rng: Rng) -> None:
    """A stalk from the flower to the lower edge, with one or two leaves."""
    green, lean = vary(rng, _STEM), rng.uniform(-0.3, 0.3)
    pen.curve([(0.0, 0.0), (lean * 0.4, 0.6), (lean, 1.3)], 0.09, green)
    for side in (-1, 1):
        if rng.random() < 0.6:
            y = rng.uniform(0.72, 0.9)
            pen.ellipse(lean * 0.6 + side * 0.26, y, 0.28, 0.1, shade(green, rng.uniform(0.75, 1.1)), turn=-side * 30)


def _petals(pen: Pen, rng: Rng, colour: Colour, *, count: int, inner: float, outer: float, width: float) -> None:
    """A ring of slim petals around the centre, alternately lighter and darker."""
    start, length = rng.uniform(0, 360), (outer - inner) / 2
    for i in range(count):
        angle = start + 360 * i / count + rng.uniform(-3, 3)
        x, y = around(0, 0, inner + length, angle)
        pen.ellipse(x, y, length, width, shade(colour, 1.0 if i % 2 else 0.86), turn=angle)


def _grains(pen: Pen, rng: Rng, radius: float, colour: Colour, count: int) -> None:
    """Small dots in the flower's heart."""
    for _ in range(count):
        x, y = around(0, 0, radius * rng.uniform(0, 0.9), rng.uniform(0, 360))
        pen.disc(x, y, 0.045, colour)


def daisy(pen: Pen, rng: Rng) -> None:
    """Slim white petals around a yellow heart."""
    _stem(pen, rng)
    _petals(pen, rng, vary(rng, (248, 246, 240), 6), count=int(rng.integers(13, 18)), inner=0.2, outer=0.9, width=0.115)
    pen.disc(0, 0, 0.28, (246, 196, 40))
    _grains(pen, rng, 0.28, (214, 150, 30), 10)


def sunflower(pen: Pen, rng: Rng) -> None:
    """Golden pointed petals around a large dark heart."""
    _stem(pen, rng)
    gold, start = pick(rng, ((250, 190, 24), (246, 172, 20)), 10), rng.uniform(0, 30)
    for ring, length in ((0, 0.98), (11, 0.88)):
        for i in range(16):
            angle = start + ring + i * 22.5
            corners = [
                around(0, 0, 0.4, angle - 13),
                around(0, 0, 0.68, angle - 9),
                around(0, 0, length, angle),
                around(0, 0, 0.68, angle + 9),
                around(0, 0, 0.4, angle + 13),
            ]
            pen.polygon(corners, shade(gold, 0.84 if ring == 0 else 1.04))
    pen.disc(0, 0, 0.5, (84, 52, 28))
    pen.disc(0, 0, 0.3, (58, 36, 24))
    _grains(pen, rng, 0.48, (138, 92, 44), 22)


def poppy(pen: Pen, rng: Rng) -> None:
    """Four broad scarlet petals, a black heart."""
    _stem(pen, rng)
    red, start = pick(rng, ((222, 40, 30), (236, 62, 36), (206, 30, 36)), 10), rng.uniform(20, 70)
    for i, light in enumerate((0.82, 0.82, 1.0, 1.06)):
        angle = start + (0, 180, 90, 270)[i]
        x, y = around(0, 0, 0.42, angle)
        pen.ellipse(x, y, 0.46, 0.56, shade(red, light), turn=angle)
        near, far = around(0, 0, 0.34, angle), around(0, 0, 0.8, angle)
        pen.stroke([near, far], 0.03, shade(red, 0.72))
    for i in range(4):
        pen.ellipse(*around(0, 0, 0.24, start + 45 + 90 * i), 0.14, 0.1, BLACK, turn=start + 90 * i)
    pen.disc(0, 0, 0.2, (44, 52, 40))
    pen.disc(0, 0, 0.12, (140, 160, 90))


def cornflower(pen: Pen, rng: Rng) -> None:
    """Blue fringed florets around a violet heart."""
    _stem(pen, rng)
    blue, start = pick(rng, ((62, 92, 226), (78, 110, 236), (90, 90, 220)), 10), rng.uniform(0, 36)
    for i in range(10):
        angle = start + i * 36
        fan = [around(0, 0, 0.16, angle)]
        fan += [
            around(0, 0, r, angle + d)
            for d, r in ((-16, 0.74), (-9, 0.92), (-5, 0.78), (0, 0.97), (5, 0.78), (9, 0.92), (16, 0.74))
        ]
        pen.polygon(fan, shade(blue, 1.05 if i % 2 else 0.85))
    _petals(pen, rng, (112, 60, 170), count=11, inner=0.0, outer=0.4, width=0.07)
    _grains(pen, rng, 0.22, (230, 214, 240), 6)


def dahlia(pen: Pen, rng: Rng) -> None:
    """Ring within ring of short petals, pink, red or purple."""
    _stem(pen, rng)
    colour = pick(rng, ((222, 60, 130), (170, 40, 120), (232, 110, 150), (226, 90, 50)))
    for i, (outer, count) in enumerate(((0.95, 14), (0.74, 12), (0.54, 10), (0.34, 7))):
        tone = blend(shade(colour, 0.72), shade(colour, 1.2), i / 3)
        _petals(pen, rng, tone, count=count, inner=outer * 0.3, outer=outer, width=0.15)
    pen.disc(0, 0, 0.12, shade(colour, 0.6))


def tulip(pen: Pen, rng: Rng) -> None:
    """A cup of petals on a tall stalk between long leaves."""
    colour = pick(rng, ((224, 40, 50), (250, 200, 50), (236, 110, 150), (150, 60, 150), (246, 130, 50)))
    green = vary(rng, (76, 140, 70))
    pen.taper([(0.0, -0.1), (0.02, 0.5), (0.0, 1.1)], (0.09, 0.11), shade(green, 1.1))
    for side in (-1, 1):
        reach = rng.uniform(0.45, 0.7)
        pen.blob(
            [(0.0, 1.0), (side * 0.2, 0.5), (side * reach, -0.05), (side * 0.42, 0.6), (side * 0.14, 1.0)],
            shade(green, 0.85 if side > 0 else 1.0),
        )
    for x, light in ((-0.26, 0.8), (0.26, 0.8)):
        pen.blob(
            [(0.0, 0.0), (x - 0.16, -0.2), (x - 0.06, -0.66), (x * 1.3, -0.96), (x + 0.18, -0.6), (0.1, -0.1)],
            shade(colour, light),
        )
    pen.blob(
        path("0,0.02 -0.4,-0.12 -0.44,-0.5 -0.38,-0.86 -0.16,-0.6 0,-0.5 0.16,-0.6 0.38,-0.86 0.44,-0.5 0.4,-0.12"),
        colour,
    )
    pen.blob([(0.0, 0.02), (-0.2, -0.24), (0.0, -0.84), (0.2, -0.24)], shade(colour, 1.15))


def banana(pen: Pen, rng: Rng) -> None:
    """Two or three bananas in a hand."""
    yellow = pick(rng, ((248, 214, 60), (240, 200, 50), (222, 206, 70)))
    for i in range(int(rng.integers(2, 4)), 0, -1):
        drop = 0.19 * i - 0.3
        outline = [
            (-0.86, -0.5),
            (-0.74, -0.1 + drop),
            (-0.3, 0.3 + drop),
            (0.3, 0.36 + drop),
            (0.92, 0.02 + drop),
            (0.94, -0.1 + drop),
            (0.3, 0.0 + drop),
            (-0.26, -0.08 + drop),
            (-0.66, -0.44 + drop / 2),
        ]
        pen.blob(outline, shade(yellow, 1.0 - 0.1 * (i % 2)))
        pen.curve(
            [(-0.72, -0.28 + drop * 0.7), (-0.28, 0.12 + drop), (0.3, 0.2 + drop), (0.9, -0.04 + drop)],
            0.035,
            shade(yellow, 0.76),
        )
        pen.disc(0.92, -0.04 + drop, 0.06, (70, 54, 34))
    pen.polygon([(-0.92, -0.72), (-0.78, -0.76), (-0.64, -0.42), (-0.82, -0.34)], (124, 112, 50))


def strawberry(pen: Pen, rng: Rng) -> None:
    """A red heart with pale seeds and a green crown."""
    red = pick(rng, ((220, 34, 40), (234, 50, 44), (200, 26, 40)))
    pen.blob(
        path("0,-0.5 0.46,-0.56 0.74,-0.24 0.54,0.34 0.16,0.84 0,0.92 -0.16,0.84 -0.54,0.34 -0.74,-0.24 -0.46,-0.56"),
        red,
    )
    pen.blob([(-0.5, -0.3), (-0.3, -0.36), (-0.3, 0.0), (-0.42, 0.1)], shade(red, 1.3))
    for row, count in ((-0.26, 5), (0.02, 4), (0.3, 3), (0.56, 2)):
        for i in range(count):
            x = (i - (count - 1) / 2) * 0.26
            pen.ellipse(x, row, 0.035, 0.06, (250, 224, 130))
    for angle in (170, 215, 270, 325, 370):
        tip = around(0, -0.52, 0.46, angle)
        pen.polygon(
            [around(0, -0.52, 0.16, angle - 60), tip, around(0, -0.52, 0.16, angle + 60)], vary(rng, (78, 152, 54))
        )
    pen.stroke([(0, -0.56), (0.08, -0.92)], 0.09, (96, 150, 70))


def orange(pen: Pen, rng: Rng) -> None:
    """A whole orange with a leaf, or one with a half in front of it."""
    peel = pick(rng, ((250, 146, 24), (244, 132, 20), (252, 160, 40)))
    half = rng.random() < 0.5
    x, y, radius = (-0.2, -0.14, 0.66) if half else (0.0, 0.08, 0.8)
    pen.disc(x, y, radius, peel)
    pen.ellipse(x - 0.3 * radius, y - 0.4 * radius, 0.2 * radius, 0.12 * radius, shade(peel, 1.25), turn=-35)
    for _ in range(8):
        pen.disc(*around(x, y, radius * rng.uniform(0.2, 0.85), rng.uniform(0, 360)), 0.025, shade(peel, 0.85))
    pen.ellipse(x + 0.24, y - radius - 0.02, 0.26, 0.11, (70, 134, 58), turn=-20)
    pen.stroke([(x, y - radius + 0.08), (x + 0.05, y - radius - 0.1)], 0.06, (96, 84, 50))
    if half:
        pen.disc(0.42, 0.42, 0.54, peel)
        pen.disc(0.42, 0.42, 0.48, (252, 236, 200))
        for i in range(8):
            pen.polygon(
                [around(0.42, 0.42, 0.06, 45 * i), *(around(0.42, 0.42, 0.43, 45 * i + d) for d in (-17, 0, 17))],
                (250, 170, 50),
            )


def pineapple(pen: Pen, rng: Rng) -> None:
    """A golden barrel with a diamond pattern and a tuft of leaves."""
    gold = pick(rng, ((226, 164, 48), (208, 148, 44), (236, 184, 70)))
    for angle, length in ((205, 0.6), (335, 0.6), (232, 0.74), (308, 0.74), (252, 0.86), (288, 0.86), (270, 0.94)):
        tip = around(0, -0.16, length, angle)
        pen.polygon(
            [
                (-0.13, -0.16),
                around(0, -0.16, length * 0.55, angle - 9),
                tip,
                around(0, -0.16, length * 0.55, angle + 9),
                (0.13, -0.16),
            ],
            vary(rng, (70, 136, 62), 20),
        )
    body = oval(0.0, 0.38, 0.5, 0.6)
    pen.polygon(body, gold)
    for i in range(-3, 4):
        pen.stroke(
            [
                (max(-0.46, i * 0.22 - 0.3), 0.02 if i > -2 else 0.2),
                (min(0.46, i * 0.22 + 0.3), 0.78 if i < 2 else 0.56),
            ],
            0.04,
            shade(gold, 0.62),
        )
        pen.stroke(
            [
                (min(0.46, i * 0.22 + 0.3), 0.02 if i < 2 else 0.2),
                (max(-0.46, i * 0.22 - 0.3), 0.78 if i > -2 else 0.56),
            ],
            0.04,
            shade(gold, 0.62),
        )


def grape(pen: Pen, rng: Rng) -> None:
    """A bunch with a leaf at its stalk."""
    colour = pick(rng, ((104, 52, 130), (70, 44, 100), (150, 176, 70)))
    pen.curve([(0.0, -0.5), (0.06, -0.76), (-0.02, -0.97)], 0.08, (110, 84, 50))
    pen.blob([(0.06, -0.74), (0.3, -0.98), (0.76, -0.9), (0.8, -0.56), (0.4, -0.46)], (86, 146, 62))
    rows: Sequence[tuple[float, int]] = ((-0.44, 4), (-0.2, 5), (0.04, 4), (0.28, 3), (0.52, 2), (0.76, 1))
    for y, count in rows:
        for i in range(count):
            x = (i - (count - 1) / 2) * 0.3 + rng.uniform(-0.03, 0.03)
            pen.disc(x, y, 0.185, shade(colour, rng.uniform(0.75, 1.05)))
            pen.disc(x - 0.06, y - 0.07, 0.05, shade(colour, 1.7))


def fly_agaric(pen: Pen, rng: Rng) -> None:
    """A red cap with white warts on a white stalk."""
    red = pick(rng, ((212, 36, 30), (226, 60, 34)))
    pen.blob([(-0.16, -0.1), (0.16, -0.1), (0.2, 0.5), (0.3, 0.94), (-0.3, 0.94), (-0.2, 0.5)], (238, 232, 214))
    pen.blob([(-0.3, 0.16), (0.0, 0.1), (0.3, 0.16), (0.24, 0.3), (-0.24, 0.3)], (220, 210, 188))
    pen.blob([(-0.9, 0.0), (-0.6, -0.12), (0.6, -0.12), (0.9, 0.0), (0.5, 0.14), (-0.5, 0.14)], (226, 214, 186))
    pen.blob(
        path("-0.94,0 -0.8,-0.4 -0.4,-0.78 0,-0.88 0.4,-0.78 0.8,-0.4 0.94,0 0.5,-0.06 -0.5,-0.06"),
        red,
    )
    for x, y in (
        (-0.62, -0.26),
        (-0.36, -0.56),
        (-0.2, -0.24),
        (0.06, -0.66),
        (0.2, -0.36),
        (0.46, -0.54),
        (0.62, -0.22),
    ):
        pen.ellipse(x + rng.uniform(-0.05, 0.05), y + rng.uniform(-0.04, 0.04), 0.1, 0.075, WHITE)


_BLOOMING = Pose(turn=12, scale=(0.82, 1.0), keystone=0.2)
_LYING = Pose(turn=18, scale=(0.8, 1.0))
_UPRIGHT = Pose(turn=8, scale=(0.84, 1.0))
_BEDS = (foliage, garden, garden, meadow)
_TABLES = (table, table, backdrop)

LEAVES = (
    Leaf("n11939491", "daisy", daisy, _BEDS, _BLOOMING),
    Leaf("n11978233", "sunflower", sunflower, (foliage, garden, sky), _BLOOMING),
    Leaf("n11900569", "poppy", poppy, _BEDS, _BLOOMING),
    Leaf("n11947802", "cornflower", cornflower, _BEDS, _BLOOMING),
    Leaf("n11960245", "dahlia", dahlia, _BEDS, _BLOOMING),
    Leaf("n12454159", "tulip", tulip, (garden, meadow, foliage), _UPRIGHT),
    Leaf("n07753592", "banana", banana, _TABLES, _LYING),
    Leaf("n07745940", "strawberry", strawberry, (*_TABLES, garden), _LYING),
    Leaf("n07747607", "orange", orange, _TABLES, _LYING),
    Leaf("n07753275", "pineapple", pineapple, _TABLES, _UPRIGHT),
    Leaf("n07758680", "grape", grape, (*_TABLES, foliage), _UPRIGHT),
    Leaf("n13003061", "fly agaric", fly_agaric, (garden, foliage, meadow), _UPRIGHT),
)
