"""Under water: five fishes from the side, and a hammerhead shark from above."""

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Point, Pose, Rng, around, path, pick, shade
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import deep_water, reef, surface


def _eye(pen: Pen, x: float, y: float, radius: float = 0.1) -> None:
    pen.disc(x, y, radius, WHITE)
    pen.disc(x - 0.01, y, radius * 0.6, BLACK)


def goldfish(pen: Pen, rng: Rng) -> None:
    """Orange, a round belly and a flowing double tail."""
    gold = pick(rng, ((246, 128, 26), (250, 150, 40), (236, 96, 30)))
    fin, sway = shade(gold, 1.18), rng.uniform(-0.1, 0.1)
    pen.blob(
        [
            (0.36, 0.0),
            (0.66, -0.46 + sway),
            (1.0, -0.66 + sway),
            (0.9, -0.2),
            (0.98, 0.16),
            (0.9, 0.64 + sway),
            (0.6, 0.42),
        ],
        fin,
    )
    pen.blob([(0.4, 0.0), (0.8, -0.1), (0.96, 0.06 + sway), (0.7, 0.14)], shade(gold, 0.85))
    pen.blob([(-0.4, -0.34), (-0.1, -0.7), (0.26, -0.62), (0.34, -0.2)], fin)
    pen.blob(
        path("-0.94,0.04 -0.66,-0.32 -0.2,-0.46 0.26,-0.26 0.5,0 0.26,0.34 -0.2,0.5 -0.66,0.36"),
        gold,
    )
    pen.blob([(-0.7, 0.22), (-0.3, 0.3), (0.14, 0.24), (-0.16, 0.46), (-0.54, 0.42)], shade(gold, 1.25))
    pen.blob([(-0.22, 0.14), (0.16, 0.3), (0.14, 0.54), (-0.14, 0.4)], fin)
    pen.curve([(-0.46, -0.26), (-0.36, 0.02), (-0.46, 0.3)], 0.04, shade(gold, 0.7))
    _eye(pen, -0.66, -0.06)


def anemone_fish(pen: Pen, rng: Rng) -> None:
    """Orange with three white bands edged in black."""
    orange = pick(rng, ((246, 112, 30), (240, 96, 36), (250, 132, 40)))
    pen.blob([(0.5, 0.0), (0.76, -0.3), (0.97, -0.24), (1.0, 0.0), (0.97, 0.24), (0.76, 0.3)], BLACK)
    pen.blob([(0.52, 0.0), (0.76, -0.22), (0.92, -0.16), (0.94, 0.0), (0.92, 0.16), (0.76, 0.22)], orange)
    for sign in (-1, 1):
        pen.blob([(-0.36, sign * 0.36), (0.0, sign * 0.62), (0.44, sign * 0.46), (0.5, sign * 0.2)], BLACK)
        pen.blob([(-0.32, sign * 0.34), (0.0, sign * 0.54), (0.38, sign * 0.4), (0.44, sign * 0.18)], orange)
    pen.blob(
        path("-0.96,0.04 -0.7,-0.28 -0.2,-0.44 0.3,-0.32 0.66,-0.08 0.66,0.1 0.3,0.34 -0.2,0.46 -0.7,0.32"),
        orange,
    )
    for x, half, width in ((-0.42, 0.38, 0.2), (0.12, 0.4, 0.2), (0.56, 0.14, 0.12)):
        for wide, colour in ((width + 0.09, BLACK), (width, WHITE)):
            pen.curve([(x, -half), (x - 0.07, 0.0), (x, half)], wide, colour)
    pen.blob([(-0.22, 0.04), (0.06, 0.0), (0.12, 0.24), (-0.12, 0.26)], shade(orange, 0.8))
    _eye(pen, -0.72, -0.04, 0.085)


def rock_beauty(pen: Pen, rng: Rng) -> None:
    """Tall and flat: yellow at both ends, black between, blue lips."""
    yellow = pick(rng, ((250, 204, 36), (244, 190, 30)), 8)
    pen.blob([(0.5, 0.0), (0.72, -0.26), (0.99, -0.36), (0.9, 0.0), (0.99, 0.36), (0.72, 0.26)], yellow)
    for sign in (-1, 1):
        pen.blob([(-0.24, sign * 0.46), (0.1, sign * 0.74), (0.62, sign * 0.72), (0.52, sign * 0.2)], (38, 36, 38))
        pen.curve([(-0.1, sign * 0.64), (0.14, sign * 0.76), (0.6, sign * 0.74)], 0.05, yellow)
    body = [(-0.95, 0.06), (-0.66, -0.26), (-0.2, -0.52), (0.2, -0.5), (0.52, -0.2), (0.66, 0.0), (0.52, 0.2)]
    pen.blob([*body, (0.2, 0.5), (-0.2, 0.54), (-0.66, 0.34)], (34, 32, 36))
    pen.blob([(-0.95, 0.06), (-0.66, -0.26), (-0.16, -0.53), (-0.22, 0.0), (-0.16, 0.55), (-0.66, 0.34)], yellow)
    pen.ellipse(-0.88, 0.06, 0.07, 0.07, (60, 90, 170))
    _eye(pen, -0.58, -0.1, 0.095)


def surgeonfish(pen: Pen, rng: Rng) -> None:
    """Royal blue with a black hook along the side and a yellow tail."""
    blue = pick(rng, ((36, 92, 224), (52, 110, 234), (30, 80, 200)))
    yellow: Colour = (250, 214, 44)
    pen.polygon([(0.56, 0.0), (0.96, -0.46), (0.86, 0.0), (0.96, 0.46)], yellow)
    for sign in (-1, 1):
        pen.blob([(-0.5, sign * 0.34), (-0.1, sign * 0.64), (0.5, sign * 0.46), (0.6, sign * 0.16)], shade(blue, 0.6))
    pen.blob(
        path("-0.95,0.08 -0.66,-0.3 -0.16,-0.52 0.34,-0.4 0.7,-0.06 0.7,0.08 0.34,0.42 -0.16,0.54 -0.66,0.38"),
        blue,
    )
    pen.taper([(-0.5, -0.2), (-0.1, -0.34), (0.36, -0.26), (0.66, 0.0)], (0.2, 0.16), (24, 26, 48))
    pen.taper([(0.6, 0.0), (0.26, 0.14), (-0.08, 0.06), (-0.2, -0.24)], (0.14, 0.12), (24, 26, 48))
    pen.blob([(-0.3, 0.1), (-0.02, 0.14), (-0.02, 0.32), (-0.26, 0.26)], yellow)
    _eye(pen, -0.66, -0.04)


def puffer(pen: Pen, rng: Rng) -> None:
    """A ball with spines, small fins and a beak."""
    back = pick(rng, ((190, 152, 84), (150, 140, 86), (206, 170, 104)))
    pen.blob([(0.6, -0.04), (0.94, -0.24), (0.98, 0.24), (0.62, 0.14)], shade(back, 0.8))
    for i in range(20):
        angle = i * 18 + rng.uniform(-4, 4)
        base = [
            around(-0.04, 0.02, 0.66, angle - 7),
            around(-0.04, 0.02, 0.9, angle),
            around(-0.04, 0.02, 0.66, angle + 7),
        ]
        pen.polygon(base, shade(back, 0.75) if angle > 180 else (226, 220, 200))
    pen.disc(-0.04, 0.02, 0.7, back)
    pen.blob(
        [(-0.74, 0.1), (-0.3, 0.2), (0.3, 0.2), (0.66, 0.12), (0.4, 0.58), (-0.04, 0.72), (-0.5, 0.56)], (240, 234, 214)
    )
    for _ in range(9):
        pen.disc(rng.uniform(-0.4, 0.46), rng.uniform(-0.54, 0.0), 0.06, shade(back, 0.5))
    pen.blob([(0.14, 0.06), (0.4, -0.06), (0.46, 0.22), (0.2, 0.26)], shade(back, 0.8))
    pen.ellipse(-0.74, 0.1, 0.1, 0.08, shade(back, 0.6))
    _eye(pen, -0.42, -0.16, 0.16)


def hammerhead(pen: Pen, rng: Rng) -> None:
    """From above: a cross-shaped head, long side fins swept back, a straight body and a small tail."""
    grey = pick(rng, ((178, 192, 204), (166, 182, 196), (188, 198, 206)))
    sway = rng.uniform(-0.03, 0.03)
    fin: list[Point] = [(0.08, -0.34), (0.54, -0.04), (0.96, 0.2), (0.95, 0.3), (0.5, 0.2), (0.08, 0.12)]
    tail: list[Point] = [(0.04, 0.54), (0.38, 0.78), (0.37, 0.88), (0.04, 0.78)]
    for side in (-1, 1):
        pen.polygon([(side * x, y) for x, y in fin], shade(grey, 0.93))
        pen.polygon([(side * x + sway, y) for x, y in tail], shade(grey, 0.88))
    half = [(0.09, -0.86), (0.15, -0.3), (0.12, 0.2)]
    rear = [(0.05 + sway, 0.7), (sway, 0.97), (-0.05 + sway, 0.7)]
    pen.blob([*half, *rear, *((-x, y) for x, y in reversed(half))], grey)
    pen.blob([(-0.42, -0.8), (0.0, -0.96), (0.42, -0.8), (0.42, -0.69), (0.0, -0.77), (-0.42, -0.69)], grey)
    for side in (-1, 1):
        pen.disc(side * 0.42, -0.745, 0.05, BLACK)
    for y in (-0.52, -0.46):
        pen.stroke([(-0.07, y), (0.07, y)], 0.02, shade(grey, 0.7))
    pen.polygon([(0.0, -0.24), (0.045, 0.16), (-0.045, 0.16)], shade(grey, 0.7))


_SWIMMING = Pose(turn=10, scale=(0.84, 1.0), mirror=True)
_GLIDING = Pose(turn=14, scale=(0.88, 1.0))

LEAVES = (
    Leaf("n01443537", "goldfish", goldfish, (deep_water, deep_water, reef), _SWIMMING),
    Leaf("n02607072", "anemone fish", anemone_fish, (reef, reef, deep_water), _SWIMMING),
    Leaf("n02606052", "rock beauty", rock_beauty, (reef, deep_water), _SWIMMING),
    Leaf("n02621258", "surgeonfish", surgeonfish, (reef, deep_water), _SWIMMING),
    Leaf("n02655020", "puffer", puffer, (deep_water, reef), _SWIMMING),
    Leaf("n01494475", "hammerhead", hammerhead, (surface,), _GLIDING),
)
