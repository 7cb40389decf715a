"""Things: furniture, instruments, and other household objects."""

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Pose, Rng, around, oval, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import WOODS, backdrop, meadow, room, sea, sky, table

_CLOTHS: tuple[Colour, ...] = (
    (172, 52, 48),
    (60, 96, 140),
    (88, 124, 84),
    (196, 158, 96),
    (120, 84, 120),
    (190, 184, 172),
)


def rocking_chair(pen: Pen, rng: Rng) -> None:
    """From the side: a slatted back, a seat, arms, two curved runners."""
    wood = pick(rng, ((172, 112, 62), (120, 74, 44), (226, 220, 208), (80, 60, 48)))
    dark = shade(wood, 0.75)
    pen.curve([(-0.95, 0.6), (-0.5, 0.86), (0.1, 0.92), (0.6, 0.84), (0.97, 0.58)], 0.11, dark)
    for x in (-0.42, 0.4):
        pen.stroke([(x, 0.2), (x - 0.02, 0.86)], 0.11, wood)
    pen.polygon([(0.24, -0.94), (0.4, -0.96), (0.56, 0.2), (0.36, 0.24)], wood)
    pen.polygon([(0.52, -0.96), (0.66, -0.94), (0.72, 0.14), (0.58, 0.18)], dark)
    for y in (-0.86, -0.6, -0.34, -0.08):
        pen.stroke([(0.32, y), (0.64, y)], 0.09, dark)
    pen.polygon(
        [(-0.56, 0.14), (0.52, 0.1), (0.62, 0.24), (-0.54, 0.3)], pick(rng, _CLOTHS) if rng.random() < 0.5 else wood
    )
    pen.stroke([(-0.46, -0.16), (0.48, -0.22)], 0.1, wood)
    pen.stroke([(-0.42, -0.16), (-0.42, 0.2)], 0.09, wood)


def dining_table(pen: Pen, rng: Rng) -> None:
    """Four legs and a wide top, seen from slightly above, laid with plates or a bowl of fruit."""
    wood = pick(rng, WOODS)
    for x, y in ((-0.6, 0.62), (0.6, 0.62)):
        pen.stroke([(x, -0.2), (x, y)], 0.1, shade(wood, 0.6))
    for x in (-0.86, 0.86):
        pen.polygon(
            [(x - 0.08, 0.1), (x + 0.08, 0.1), (x * 0.96 + 0.05, 0.94), (x * 0.96 - 0.05, 0.94)], shade(wood, 0.85)
        )
    pen.polygon([(-0.66, -0.3), (0.66, -0.3), (0.98, 0.06), (-0.98, 0.06)], shade(wood, 1.2))
    pen.polygon([(-0.98, 0.06), (0.98, 0.06), (0.98, 0.2), (-0.98, 0.2)], shade(wood, 0.8))
    if rng.random() < 0.5:
        for x in (-0.5, 0.0, 0.5):
            pen.ellipse(x, -0.08, 0.2, 0.075, WHITE)
            pen.ellipse(x, -0.08, 0.11, 0.04, (196, 204, 210))
        return
    for x in (-0.14, 0.04, 0.2):
        pen.disc(x, -0.42, 0.13, pick(rng, ((214, 50, 40), (246, 170, 40), (120, 170, 60))))
    pen.blob([(-0.36, -0.4), (0.4, -0.4), (0.22, -0.12), (-0.18, -0.12)], pick(rng, _CLOTHS))


def bookcase(pen: Pen, rng: Rng) -> None:
    """Shelves of books with coloured backs."""
    wood = pick(rng, WOODS)
    pen.rect(-0.8, -0.96, 0.8, 0.96, wood)
    for top in (-0.86, -0.26, 0.34):
        pen.rect(-0.7, top, 0.7, top + 0.5, shade(wood, 0.45))
        x = -0.68
        while x < 0.58:
            width = rng.uniform(0.07, 0.14)
            if rng.random() < 0.9:
                pen.rect(
                    x,
                    top + rng.uniform(0.04, 0.16),
                    min(x + width, 0.7),
                    top + 0.5,
                    pick(rng, (*_CLOTHS, (226, 214, 180)), 24),
                )
            x += width + 0.015


def sofa(pen: Pen, rng: Rng) -> None:
    """A broad back, two seats, two arms, often a cushion."""
    cloth = pick(rng, _CLOTHS)
    for x in (-0.76, 0.76):
        pen.rect(x - 0.06, 0.5, x + 0.06, 0.68, (70, 50, 38))
    pen.blob([(-0.8, -0.36), (-0.4, -0.48), (0.4, -0.48), (0.8, -0.36), (0.84, 0.3), (-0.84, 0.3)], shade(cloth, 0.85))
    pen.stroke([(0.0, -0.46), (0.0, 0.1)], 0.04, shade(cloth, 0.55))
    for x in (-0.37, 0.37):
        pen.blob([(x - 0.36, 0.04), (x, 0.0), (x + 0.36, 0.04), (x + 0.37, 0.28), (x - 0.37, 0.28)], shade(cloth, 1.15))
    pen.rect(-0.76, 0.26, 0.76, 0.54, cloth)
    for side in (-1, 1):
        pen.blob(
            [
                (side * 0.68, -0.06),
                (side * 0.84, -0.16),
                (side * 0.98, -0.04),
                (side * 0.97, 0.56),
                (side * 0.68, 0.56),
            ],
            shade(cloth, 1.05),
        )
    if rng.random() < 0.7:
        pen.polygon([(-0.6, -0.22), (-0.26, -0.28), (-0.22, 0.06), (-0.56, 0.1)], pick(rng, _CLOTHS))


def table_lamp(pen: Pen, rng: Rng) -> None:
    """A lit shade on a rounded foot."""
    foot, cloth = (
        pick(rng, ((70, 110, 150), (150, 80, 60), (90, 130, 100), (60, 56, 60))),
        pick(rng, ((250, 228, 160), (250, 210, 150), (246, 240, 214))),
    )
    pen.ellipse(0.0, 0.88, 0.44, 0.09, shade(foot, 0.7))
    pen.blob([(-0.08, 0.0), (0.08, 0.0), (0.3, 0.4), (0.2, 0.8), (-0.2, 0.8), (-0.3, 0.4)], foot)
    pen.blob([(-0.18, 0.3), (-0.08, 0.2), (-0.1, 0.6), (-0.18, 0.6)], shade(foot, 1.5))
    pen.stroke([(0, -0.1), (0, 0.06)], 0.08, (180, 160, 90))
    pen.polygon([(-0.4, -0.92), (0.4, -0.92), (0.74, -0.02), (-0.74, -0.02)], cloth)
    pen.polygon([(-0.14, -0.92), (0.14, -0.92), (0.26, -0.02), (-0.26, -0.02)], shade(cloth, 1.06))
    pen.stroke([(-0.72, -0.05), (0.72, -0.05)], 0.06, shade(cloth, 0.75))


def acoustic_guitar(pen: Pen, rng: Rng) -> None:
    """A waisted body with a round hole, a long neck, strings."""
    wood = pick(rng, ((214, 150, 78), (186, 112, 54), (226, 178, 110)))
    _waisted(pen, wood, 0.62)
    pen.disc(0.0, 0.22, 0.16, (44, 30, 24))
    pen.rect(-0.2, 0.6, 0.2, 0.68, (60, 38, 26))
    _neck(pen, width=0.13, top=-0.98, bottom=0.12)


def violin(pen: Pen, rng: Rng) -> None:
    """Small-waisted, red-brown, with f-holes, a black fingerboard and a bow."""
    wood = pick(rng, ((160, 74, 34), (140, 60, 32), (178, 92, 46)))
    _waisted(pen, wood, 0.5)
    for side in (-1, 1):
        pen.disc(side * 0.36, 0.3, 0.11, shade(wood, 0.55))
        pen.curve([(side * 0.2, 0.2), (side * 0.16, 0.34), (side * 0.22, 0.48)], 0.05, BLACK)
    pen.polygon([(-0.09, 0.62), (0.09, 0.62), (0.05, 0.92), (-0.05, 0.92)], BLACK)
    pen.rect(-0.16, 0.46, 0.16, 0.52, (226, 196, 140))
    _neck(pen, width=0.1, top=-0.96, bottom=0.36)
    pen.stroke([(0.86, -0.9), (0.66, 0.94)], 0.05, (110, 60, 34))
    pen.stroke([(0.8, -0.88), (0.6, 0.9)], 0.03, (240, 234, 216))


def _waisted(pen: Pen, wood: Colour, reach: float) -> None:
    """The body of a guitar or violin, `reach` wide at its widest."""
    outline = [
        (0, -0.24),
        (0.3, -0.22),
        (reach * 0.72, 0.0),
        (reach * 0.58, 0.28),
        (reach, 0.6),
        (reach * 0.7, 0.9),
        (0, 0.97),
    ]
    outline += [(-x, y) for x, y in reversed(outline[1:-1])]
    pen.blob([(x * 1.08, y * 1.03) for x, y in outline], shade(wood, 0.5))
    pen.blob(outline, wood)


def _neck(pen: Pen, *, width: float, top: float, bottom: float) -> None:
    pen.rect(-width / 2, top + 0.1, width / 2, bottom, (52, 36, 28))
    pen.polygon(
        [(-width * 0.9, top), (width * 0.9, top), (width * 0.7, top + 0.24), (-width * 0.7, top + 0.24)], (96, 60, 38)
    )
    for side in (-1, 1):
        for y in (top + 0.06, top + 0.16):
            pen.disc(side * (width + 0.05), y, 0.045, (226, 220, 200))
    pen.stroke([(0, top + 0.1), (0, bottom + 0.4)], 0.02, (230, 226, 210))


def upright_piano(pen: Pen, rng: Rng) -> None:
    """A tall case with a music desk, keys across it, and a stool in front."""
    wood = pick(rng, ((62, 40, 30), (104, 62, 36), (40, 36, 38)), 8)
    pen.rect(-0.86, -0.8, 0.86, 0.86, wood)
    pen.rect(-0.92, -0.9, 0.92, -0.76, shade(wood, 1.3))
    pen.rect(-0.72, -0.66, 0.72, -0.1, shade(wood, 1.5))
    pen.polygon([(-0.26, -0.6), (0.0, -0.56), (0.26, -0.6), (0.26, -0.16), (-0.26, -0.16)], (238, 234, 220))
    for y in (-0.46, -0.36, -0.26):
        pen.stroke([(-0.2, y), (0.2, y)], 0.03, (90, 90, 90))
    pen.rect(-0.97, -0.04, 0.97, 0.22, shade(wood, 0.7))
    pen.rect(-0.86, -0.02, 0.86, 0.16, WHITE)
    for i in range(14):
        if i % 7 not in (2, 6):
            pen.stroke([(-0.74 + i * 0.123, -0.02), (-0.74 + i * 0.123, 0.07)], 0.06, BLACK)
    for x in (-0.88, 0.88):
        pen.rect(x - 0.08, 0.2, x + 0.08, 0.92, shade(wood, 0.8))
    pen.rect(-0.34, 0.5, 0.34, 0.64, pick(rng, _CLOTHS))
    for x in (-0.28, 0.28):
        pen.stroke([(x, 0.62), (x, 0.96)], 0.08, shade(wood, 0.5))


def drum(pen: Pen, rng: Rng) -> None:
    """A snare drum with a pale skin, metal rims, two sticks."""
    shell = pick(rng, ((204, 40, 44), (40, 84, 170), (230, 180, 40), (50, 120, 80)))
    pen.polygon([(-0.8, -0.2), (0.8, -0.2), (0.76, 0.62), (-0.76, 0.62)], shell)
    pen.ellipse(0, 0.62, 0.76, 0.22, shell)
    for i in range(5):
        x = -0.66 + i * 0.33
        pen.stroke(
            [(x, -0.02), (x + 0.165, 0.68), (x + 0.33, -0.02)] if i < 4 else [(x, -0.02), (x, 0.6)],
            0.045,
            (236, 226, 200),
        )
    pen.ellipse(0, -0.2, 0.86, 0.3, (208, 200, 180))
    pen.ellipse(0, -0.22, 0.78, 0.25, (246, 242, 228))
    for side in (-1, 1):
        pen.stroke([(side * 0.9, -0.86), (side * 0.06, -0.3)], 0.08, (200, 150, 90))
        pen.disc(side * 0.06, -0.3, 0.07, (180, 126, 70))


def umbrella(pen: Pen, rng: Rng) -> None:
    """Open, with coloured panels, a stick and a hooked handle."""
    first = pick(rng, ((214, 40, 44), (40, 90, 180), (246, 190, 40), (60, 140, 90), (130, 60, 140)))
    second = WHITE if rng.random() < 0.5 else shade(first, 0.7)
    pen.stroke([(0, -0.4), (0, 0.7)], 0.07, (92, 70, 54))
    pen.curve([(0, 0.66), (0.04, 0.88), (0.2, 0.92), (0.28, 0.74)], 0.09, (112, 74, 46))
    edges = [-0.95, -0.57, -0.19, 0.19, 0.57, 0.95]
    dome = oval(0, 0.06, 0.95, 0.86)
    pen.polygon([*dome[14:], dome[0]], first)
    for i in (1, 3):
        pen.blob(
            [(0, -0.8), (edges[i] * 0.7, -0.5), (edges[i], 0.06), (edges[i + 1], 0.06), (edges[i + 1] * 0.7, -0.5)],
            second,
        )
    pen.stroke([(0, -0.97), (0, -0.78)], 0.05, (92, 70, 54))


def teapot(pen: Pen, rng: Rng) -> None:
    """A round pot with spout, handle and lid, often with a band of colour."""
    glaze = pick(rng, ((236, 232, 222), (70, 120, 176), (190, 64, 52), (110, 150, 100), (224, 180, 90)))
    pen.curve([(0.5, -0.3), (0.92, -0.36), (0.94, 0.2), (0.48, 0.42)], 0.12, shade(glaze, 0.85))
    pen.polygon(
        [(-0.48, 0.34), (-0.84, -0.14), (-0.97, -0.3), (-0.78, -0.38), (-0.66, -0.1), (-0.42, -0.06)], shade(glaze, 0.9)
    )
    pen.blob([(-0.4, -0.4), (0.4, -0.4), (0.66, 0.1), (0.5, 0.6), (-0.5, 0.6), (-0.66, 0.1)], glaze)
    pen.rect(-0.4, 0.58, 0.4, 0.68, shade(glaze, 0.75))
    pen.blob([(-0.36, -0.42), (-0.2, -0.58), (0.2, -0.58), (0.36, -0.42)], shade(glaze, 0.92))
    pen.disc(0, -0.66, 0.1, shade(glaze, 0.7))
    band = pick(rng, ((40, 70, 150), (200, 60, 80), (236, 200, 80)))
    for i in range(5):
        pen.disc(-0.44 + i * 0.22, 0.12, 0.08, band)


def wall_clock(pen: Pen, rng: Rng) -> None:
    """A round face with marks and two hands."""
    rim = pick(rng, ((60, 52, 50), (170, 120, 60), (180, 44, 44), (60, 90, 130)))
    pen.disc(0, 0, 0.94, rim)
    pen.disc(0, 0, 0.78, vary(rng, (244, 240, 228), 8))
    for i in range(12):
        pen.stroke([around(0, 0, 0.6, 30 * i), around(0, 0, 0.72, 30 * i)], 0.08 if i % 3 == 0 else 0.045, BLACK)
    minute, hour = rng.uniform(0, 360), rng.uniform(0, 360)
    pen.stroke([(0, 0), around(0, 0, 0.4, hour)], 0.11, BLACK)
    pen.stroke([(0, 0), around(0, 0, 0.62, minute)], 0.075, BLACK)
    pen.disc(0, 0, 0.08, (190, 50, 44))


def lighthouse(pen: Pen, rng: Rng) -> None:
    """A tower with red and white bands and a lantern, on a rock."""
    red = pick(rng, ((206, 44, 40), (40, 74, 140), (50, 50, 56)))
    pen.blob([(-0.8, 0.98), (-0.5, 0.74), (0.0, 0.66), (0.5, 0.74), (0.9, 0.98)], (104, 98, 90))
    top, bottom, low, high = 0.22, 0.42, 0.8, -0.5
    for i in range(5):
        y0, y1 = high + (low - high) * i / 5, high + (low - high) * (i + 1) / 5
        w0, w1 = top + (bottom - top) * i / 5, top + (bottom - top) * (i + 1) / 5
        pen.polygon([(-w0, y0), (w0, y0), (w1, y1), (-w1, y1)], (240, 238, 230) if i % 2 else red)
    pen.rect(-0.32, -0.58, 0.32, -0.48, (70, 70, 74))
    pen.rect(-0.19, -0.8, 0.19, -0.58, (254, 236, 150))
    pen.stroke([(0, -0.8), (0, -0.58)], 0.05, (70, 70, 74))
    pen.polygon([(-0.27, -0.79), (0.27, -0.79), (0.0, -0.99)], red)
    pen.rect(-0.07, 0.5, 0.07, 0.72, (70, 56, 46))


def soccer_ball(pen: Pen, rng: Rng) -> None:
    """White with black pentagons."""
    start = rng.uniform(0, 72)
    pen.disc(0, 0, 0.86, vary(rng, (240, 240, 238), 6))
    pen.polygon([around(0, 0, 0.3, start + 72 * i) for i in range(5)], BLACK)
    for i in range(5):
        angle = start + 72 * i
        pen.stroke([around(0, 0, 0.3, angle), around(0, 0, 0.56, angle)], 0.045, (60, 60, 64))
        rim = [
            around(0, 0, 0.56, angle),
            around(0, 0, 0.72, angle - 19),
            around(0, 0, 0.85, angle - 13),
            around(0, 0, 0.855, angle + 13),
            around(0, 0, 0.72, angle + 19),
        ]
        pen.polygon(rim, BLACK)
        pen.stroke([around(0, 0, 0.72, angle + 19), around(0, 0, 0.72, angle + 53)], 0.035, (110, 110, 114))


_STANDING = Pose(turn=5, scale=(0.84, 1.0))
_LEANING = Pose(turn=28, scale=(0.84, 1.0))

LEAVES = (
    Leaf("n04099969", "rocking chair", rocking_chair, (room, room, meadow), _STANDING, floor=0.92),
    Leaf("n03201208", "dining table", dining_table, (room,), _STANDING, floor=0.92),
    Leaf("n02870880", "bookcase", bookcase, (room, backdrop), Pose(turn=4, scale=(0.82, 0.96)), floor=0.97),
    Leaf("n04256520", "sofa", sofa, (room,), _STANDING, floor=0.66),
    Leaf("n04380533", "table lamp", table_lamp, (table, backdrop), _STANDING, floor=0.9),
    Leaf("n02676566", "acoustic guitar", acoustic_guitar, (backdrop, room), _LEANING),
    Leaf("n04536866", "violin", violin, (backdrop, table), _LEANING),
    Leaf("n04515003", "upright", upright_piano, (room, backdrop), _STANDING, floor=0.93),
    Leaf("n03249569", "drum", drum, (room, backdrop, table), _STANDING, floor=0.8),
    Leaf("n04507155", "umbrella", umbrella, (sky, meadow, backdrop), Pose(turn=16, scale=(0.84, 1.0))),
    Leaf("n04398044", "teapot", teapot, (table, table, backdrop), _STANDING, floor=0.68),
    Leaf("n04548280", "wall clock", wall_clock, (backdrop, backdrop, room), _STANDING),
    Leaf("n02814860", "lighthouse", lighthouse, (sea, sky), _STANDING),
    Leaf("n04254680", "soccer ball", soccer_ball, (meadow, meadow, room), Pose(turn=36, scale=(0.8, 1.0)), floor=0.84),
)
