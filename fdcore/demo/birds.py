"""Birds: three songbirds on a branch, a macaw, a flamingo, a swan, a king penguin."""

from dataclasses import dataclass

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Pose, Rng, path, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import foliage, garden, lake, pond, sky, snow


@dataclass(frozen=True)
class _Plumage:
    """The colours of a songbird."""

    back: Colour
    head: Colour
    breast: Colour
    belly: Colour
    wing: Colour
    beak: Colour


def _branch(pen: Pen, rng: Rng, y: float) -> None:
    """A twig across the picture with a few leaves."""
    slope = rng.uniform(-0.12, 0.12)
    bark = pick(rng, ((92, 68, 48), (112, 86, 62), (80, 66, 58)))
    pen.taper([(-1.2, y - slope), (0.0, y + 0.03), (1.2, y + slope)], (0.15, 0.09), bark)
    for _ in range(int(rng.integers(0, 4))):
        x = rng.uniform(-0.9, 0.9)
        pen.ellipse(
            x,
            y + rng.uniform(0.06, 0.14),
            0.13,
            0.06,
            pick(rng, ((96, 140, 60), (70, 116, 52))),
            turn=rng.uniform(20, 70),
        )


def _songbird(pen: Pen, rng: Rng, plumage: _Plumage) -> None:
    """A small perched bird, its beak on the left."""
    lift = rng.uniform(-0.08, 0.1)
    _branch(pen, rng, 0.66)
    for x in (-0.1, 0.08):
        pen.stroke([(x, 0.4), (x - 0.02, 0.66)], 0.05, (90, 70, 56))
    pen.polygon([(0.3, 0.1), (0.52, 0.0), (1.0, 0.38 + lift), (0.92, 0.54 + lift)], shade(plumage.wing, 0.85))
    pen.blob(
        path("-0.5,-0.36 -0.1,-0.5 0.36,-0.14 0.58,0.14 0.3,0.42 -0.14,0.5 -0.48,0.24 -0.6,-0.1"),
        plumage.back,
    )
    pen.blob([(-0.58, -0.2), (-0.2, -0.22), (0.04, 0.14), (0.2, 0.4), (-0.14, 0.5), (-0.48, 0.26)], plumage.breast)
    pen.blob([(-0.3, 0.28), (0.0, 0.24), (0.36, 0.3), (0.22, 0.44), (-0.12, 0.5)], plumage.belly)
    pen.polygon([(-0.66, -0.6), (-1.0, -0.46), (-0.66, -0.38)], plumage.beak)
    pen.disc(-0.42, -0.5, 0.34, plumage.head)
    pen.blob([(-0.14, -0.16), (0.2, -0.14), (0.56, 0.12), (0.7, 0.3), (0.3, 0.28), (-0.04, 0.14)], plumage.wing)
    pen.curve([(0.06, 0.08), (0.34, 0.14), (0.6, 0.25)], 0.04, shade(plumage.wing, 0.65))
    pen.disc(-0.52, -0.56, 0.085, WHITE if sum(plumage.head) < 260 else BLACK)
    pen.disc(-0.53, -0.56, 0.055, BLACK)


def robin(pen: Pen, rng: Rng) -> None:
    """Grey-brown with a brick red breast."""
    grey = pick(rng, ((92, 84, 78), (78, 72, 70)), 8)
    breast = pick(rng, ((208, 88, 36), (190, 72, 34)))
    _songbird(pen, rng, _Plumage(grey, shade(grey, 0.7), breast, shade(breast, 1.1), shade(grey, 0.85), (230, 180, 70)))


def goldfinch(pen: Pen, rng: Rng) -> None:
    """Bright yellow with black wings and a black cap."""
    yellow = pick(rng, ((246, 206, 36), (238, 190, 30)), 8)
    _songbird(pen, rng, _Plumage(yellow, yellow, shade(yellow, 1.06), WHITE, (40, 38, 40), (236, 150, 90)))
    pen.blob([(-0.72, -0.66), (-0.5, -0.86), (-0.24, -0.8), (-0.3, -0.68)], BLACK)
    pen.stroke([(0.16, 0.0), (0.4, 0.18)], 0.05, WHITE)


def jay(pen: Pen, rng: Rng) -> None:
    """Blue with a crest, a white face and a barred wing."""
    blue = pick(rng, ((52, 108, 196), (66, 124, 206)), 10)
    pen.blob([(-0.5, -0.74), (-0.2, -0.96), (0.06, -0.88), (-0.12, -0.62)], blue)
    _songbird(pen, rng, _Plumage(blue, blue, (214, 216, 222), WHITE, shade(blue, 0.85), (44, 44, 48)))
    pen.blob([(-0.74, -0.46), (-0.54, -0.5), (-0.34, -0.36), (-0.5, -0.2), (-0.68, -0.3)], WHITE)
    pen.curve([(-0.3, -0.62), (-0.22, -0.34), (-0.46, -0.14)], 0.06, BLACK)
    for x in (0.1, 0.26, 0.42):
        pen.stroke([(x, -0.02 + x * 0.3), (x - 0.04, 0.2 + x * 0.2)], 0.045, WHITE)


def macaw(pen: Pen, rng: Rng) -> None:
    """Upright, a large hooked beak, scarlet or blue and yellow, a very long tail."""
    if rng.random() < 0.55:
        body, wing, second = (214, 40, 36), (36, 84, 186), (248, 200, 48)
    else:
        body, wing, second = (246, 186, 38), (32, 104, 190), (40, 140, 110)
    body = vary(rng, body, 10)
    _branch(pen, rng, 0.4)
    pen.taper([(0.1, 0.2), (0.3, 0.6), (0.44, 1.0)], (0.26, 0.07), wing)
    pen.taper([(0.04, 0.2), (0.18, 0.6), (0.26, 0.98)], (0.2, 0.06), body)
    pen.blob([(-0.3, -0.5), (0.06, -0.66), (0.34, -0.2), (0.34, 0.3), (0.1, 0.46), (-0.2, 0.4), (-0.38, 0.0)], body)
    pen.blob([(0.04, -0.4), (0.34, -0.24), (0.46, 0.2), (0.36, 0.6), (0.16, 0.3), (0.04, 0.0)], wing)
    pen.blob([(0.06, -0.36), (0.34, -0.2), (0.36, 0.0), (0.1, -0.06)], second)
    pen.disc(-0.14, -0.62, 0.33, body)
    pen.blob([(-0.42, -0.72), (-0.2, -0.74), (-0.14, -0.5), (-0.34, -0.44)], (244, 238, 226))
    pen.blob(
        [(-0.38, -0.76), (-0.62, -0.72), (-0.76, -0.46), (-0.66, -0.28), (-0.54, -0.46), (-0.36, -0.46)], (42, 40, 44)
    )
    pen.disc(-0.24, -0.65, 0.07, BLACK)
    for x in (-0.14, 0.06):
        pen.ellipse(x, 0.42, 0.07, 0.06, (90, 84, 84))


def flamingo(pen: Pen, rng: Rng) -> None:
    """Pink, long legs, a long bent neck, a beak bent down with a black tip."""
    pink = pick(rng, ((244, 138, 148), (250, 164, 160), (236, 108, 120)))
    bent = rng.random() < 0.4
    pen.stroke([(0.2, 0.2), (0.2, 0.98)], 0.06, shade(pink, 0.8))
    pen.stroke([(0.34, 0.2), (0.5, 0.5), (0.22, 0.6)] if bent else [(0.36, 0.2), (0.4, 0.98)], 0.06, shade(pink, 0.8))
    pen.blob([(-0.16, 0.04), (0.1, -0.16), (0.5, -0.16), (0.94, 0.12), (0.6, 0.26), (0.2, 0.32), (-0.08, 0.22)], pink)
    pen.blob([(0.2, -0.06), (0.56, -0.08), (0.96, 0.16), (0.6, 0.22), (0.3, 0.16)], shade(pink, 0.82))
    pen.taper(
        [(-0.06, 0.14), (-0.4, 0.06), (-0.34, -0.28), (-0.16, -0.54), (-0.26, -0.84), (-0.5, -0.8)], (0.2, 0.12), pink
    )
    pen.ellipse(-0.44, -0.8, 0.17, 0.13, pink)
    pen.blob([(-0.54, -0.84), (-0.72, -0.78), (-0.74, -0.56), (-0.64, -0.56), (-0.54, -0.7)], (246, 222, 206))
    pen.blob([(-0.76, -0.66), (-0.74, -0.5), (-0.62, -0.46), (-0.63, -0.6)], BLACK)
    pen.disc(-0.46, -0.83, 0.045, BLACK)


def swan(pen: Pen, rng: Rng) -> None:
    """White on the water, the neck in an S, an orange beak with a black base."""
    white = vary(rng, (240, 240, 236), 8)
    pen.blob(
        [(-0.5, 0.4), (-0.3, 0.1), (0.2, -0.02), (0.6, -0.06), (1.0, -0.18), (0.86, 0.34), (0.5, 0.6), (-0.2, 0.62)],
        white,
    )
    pen.blob([(-0.14, 0.24), (0.24, 0.0), (0.7, -0.16), (0.92, 0.04), (0.6, 0.34), (0.1, 0.42)], shade(white, 0.88))
    pen.curve([(0.1, 0.3), (0.5, 0.2), (0.84, -0.02)], 0.04, shade(white, 0.7))
    bend = rng.uniform(-0.06, 0.1)
    pen.taper(
        [(-0.34, 0.44), (-0.6, 0.16), (-0.4 + bend, -0.3), (-0.42 + bend, -0.68), (-0.62, -0.74)], (0.32, 0.17), white
    )
    pen.ellipse(-0.56, -0.7, 0.2, 0.15, white)
    pen.polygon([(-0.7, -0.76), (-1.0, -0.54), (-0.94, -0.48), (-0.68, -0.58)], (236, 120, 36))
    pen.blob([(-0.62, -0.78), (-0.76, -0.74), (-0.7, -0.6), (-0.62, -0.64)], BLACK)
    pen.curve([(-0.7, 0.62), (0.1, 0.68), (0.94, 0.6)], 0.05, (206, 224, 230))


def king_penguin(pen: Pen, rng: Rng) -> None:
    """Upright, black back, white belly, orange neck patch."""
    back, orange = pick(rng, ((52, 58, 70), (40, 44, 54)), 8), vary(rng, (250, 170, 40), 10)
    for x in (-0.16, 0.14):
        pen.ellipse(x, 0.92, 0.17, 0.06, (46, 42, 42))
    spread = rng.uniform(0.0, 0.16)
    pen.blob(
        [(-0.08, -0.62), (0.3, -0.46), (0.46, 0.1), (0.4, 0.7), (0.0, 0.92), (-0.36, 0.7), (-0.42, 0.1), (-0.3, -0.4)],
        back,
    )
    pen.blob(
        path("-0.12,-0.42 0.14,-0.3 0.24,0.1 0.2,0.66 -0.06,0.86 -0.3,0.66 -0.36,0.1 -0.3,-0.26"),
        (240, 240, 234),
    )
    pen.blob([(-0.28, -0.44), (0.06, -0.44), (0.08, -0.22), (-0.1, -0.12), (-0.3, -0.22)], orange)
    pen.taper([(0.32, -0.3), (0.5 + spread, 0.06), (0.5 + spread, 0.5)], (0.2, 0.09), shade(back, 0.8))
    pen.taper([(-0.34, -0.26), (-0.48 - spread, 0.06), (-0.48 - spread, 0.46)], (0.15, 0.08), shade(back, 0.8))
    pen.blob([(-0.3, -0.76), (-0.04, -0.94), (0.2, -0.8), (0.2, -0.52), (-0.06, -0.42), (-0.26, -0.54)], (34, 34, 38))
    pen.taper([(-0.22, -0.72), (-0.46, -0.74), (-0.66, -0.64)], (0.12, 0.04), (40, 36, 40))
    pen.stroke([(-0.28, -0.66), (-0.52, -0.66)], 0.05, orange)
    pen.ellipse(0.06, -0.6, 0.08, 0.13, orange, turn=-15)
    pen.disc(-0.1, -0.74, 0.035, WHITE)


_PERCHED = Pose(turn=9, scale=(0.82, 0.98))
_STANDING = Pose(turn=5, scale=(0.84, 0.98))
_TREES = (foliage, foliage, garden, sky)

LEAVES = (
    Leaf("n01558993", "robin", robin, _TREES, _PERCHED),
    Leaf("n01531178", "goldfinch", goldfinch, _TREES, _PERCHED),
    Leaf("n01580077", "jay", jay, (foliage, foliage, garden), _PERCHED),
    Leaf("n01818515", "macaw", macaw, (foliage, garden), _PERCHED),
    Leaf("n02007558", "flamingo", flamingo, (lake, pond), _STANDING),
    Leaf("n01858441", "swan", swan, (lake, pond), _STANDING),
    Leaf("n02056570", "king penguin", king_penguin, (snow,), _STANDING, floor=0.93),
)
