"""Aircraft: airliner, fighter, biplane, seaplane, jet, monoplane."""

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Pose, Rng, mirrored, path, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import high_sky, runway, sea, sky

_LIVERIES: tuple[Colour, ...] = ((190, 40, 44), (32, 74, 152), (224, 140, 32), (28, 122, 96), (98, 52, 130))
_GREYS: tuple[Colour, ...] = ((112, 122, 130), (92, 100, 92), (134, 140, 146))
_GLASS: Colour = (58, 78, 102)


def airliner(pen: Pen, rng: Rng) -> None:
    """Seen from the side, or banking so that both wings show."""
    livery = pick(rng, _LIVERIES)
    if rng.random() < 0.6:
        _airliner_side(pen, rng, livery)
    else:
        _airliner_below(pen, livery)


def _airliner_side(pen: Pen, rng: Rng, livery: Colour) -> None:
    body, wing = vary(rng, (236, 238, 240), 8), (164, 170, 178)
    pen.polygon([(-0.1, 0.02), (0.32, -0.36), (0.44, -0.36), (0.24, 0.04)], shade(wing, 0.85))
    pen.polygon([(0.56, -0.12), (0.76, -0.64), (0.97, -0.64), (0.9, -0.06)], livery)
    pen.blob(
        path("-0.96,0.08 -0.82,-0.09 -0.5,-0.18 0.5,-0.17 0.97,-0.1 0.6,0.11 0.2,0.2 -0.7,0.2"),
        body,
    )
    pen.polygon([(-0.93, 0.1), (0.66, 0.08), (0.3, 0.18), (-0.7, 0.19)], livery)
    for i in range(9):
        pen.rect(-0.62 + i * 0.13, -0.08, -0.55 + i * 0.13, 0.0, _GLASS)
    pen.polygon([(-0.88, -0.03), (-0.74, -0.1), (-0.72, -0.02)], BLACK)
    pen.polygon([(0.62, -0.07), (0.98, -0.2), (1.0, -0.12), (0.8, 0.02)], wing)
    pen.ellipse(-0.1, 0.34, 0.15, 0.085, shade(livery, 0.8))
    pen.polygon([(-0.22, 0.08), (0.2, 0.08), (0.56, 0.52), (0.4, 0.54)], wing)


def _airliner_below(pen: Pen, livery: Colour) -> None:
    body, wing = (232, 234, 238), (186, 192, 200)
    pen.polygon(mirrored([(0.05, -0.28), (0.96, 0.24), (0.96, 0.36), (0.05, 0.14)]), wing)
    pen.polygon(mirrored([(0.04, 0.62), (0.38, 0.84), (0.38, 0.94), (0.04, 0.82)]), livery)
    for x in (-0.36, 0.36):
        pen.ellipse(x, -0.1, 0.065, 0.14, shade(livery, 0.8))
    pen.blob(
        [(0, -0.97), (0.12, -0.74), (0.13, 0.2), (0.07, 0.7), (0, 0.96), (-0.07, 0.7), (-0.13, 0.2), (-0.12, -0.74)],
        body,
    )
    pen.polygon([(-0.02, 0.5), (0.02, 0.5), (0.03, 0.94), (-0.03, 0.94)], livery)
    pen.polygon([(-0.07, -0.8), (0.07, -0.8), (0.09, -0.7), (-0.09, -0.7)], BLACK)


def fighter(pen: Pen, rng: Rng) -> None:
    """From below with swept wings, or from the side climbing."""
    paint = pick(rng, _GREYS)
    if rng.random() < 0.55:
        _fighter_below(pen, rng, paint)
    else:
        _fighter_side(pen, rng, paint)


def _fighter_below(pen: Pen, rng: Rng, paint: Colour) -> None:
    if rng.random() < 0.6:
        pen.blob([(-0.06, 0.82), (0.06, 0.82), (0.03, 1.0), (-0.03, 1.0)], (250, 190, 90))
    pen.polygon(mirrored([(0.06, -0.28), (0.92, 0.2), (0.92, 0.36), (0.08, 0.2)]), paint)
    pen.polygon(mirrored([(0.06, 0.6), (0.4, 0.8), (0.4, 0.9), (0.06, 0.8)]), shade(paint, 0.85))
    pen.polygon(mirrored([(0, -0.98), (0.06, -0.78), (0.12, -0.3), (0.11, 0.4), (0.06, 0.86)]), shade(paint, 1.14))
    pen.ellipse(0, -0.5, 0.06, 0.16, (48, 58, 66))
    for x in (-0.5, 0.5):
        pen.disc(x, 0.12, 0.09, WHITE)
        pen.disc(x, 0.12, 0.055, (40, 62, 140))
    for x in (-0.8, 0.8):
        pen.stroke([(x, 0.12), (x, 0.4)], 0.06, (226, 226, 220))


def _fighter_side(pen: Pen, rng: Rng, paint: Colour) -> None:
    if rng.random() < 0.6:
        pen.blob([(0.84, 0.0), (1.0, 0.04), (0.84, 0.12)], (250, 180, 80))
    pen.polygon([(0.36, -0.08), (0.68, -0.62), (0.9, -0.62), (0.84, -0.02)], shade(paint, 0.88))
    pen.blob(
        path("-0.98,0.1 -0.6,-0.06 -0.2,-0.16 0.5,-0.12 0.88,-0.02 0.88,0.14 0.1,0.24 -0.5,0.2"),
        paint,
    )
    pen.blob([(-0.56, -0.06), (-0.4, -0.24), (-0.18, -0.24), (0.0, -0.12)], (60, 84, 110))
    pen.polygon([(-0.2, 0.08), (0.3, 0.06), (0.72, 0.42), (0.46, 0.46)], shade(paint, 0.75))
    pen.polygon([(0.6, 0.06), (0.86, 0.04), (1.0, 0.24), (0.84, 0.26)], shade(paint, 0.7))
    pen.disc(0.18, 0.0, 0.1, WHITE)
    pen.disc(0.18, 0.0, 0.06, (180, 44, 44))
    pen.stroke([(-0.1, 0.3), (0.3, 0.34)], 0.06, WHITE)


def biplane(pen: Pen, rng: Rng) -> None:
    """From the side and slightly above: two wings, one above the other, struts, a propeller."""
    body = pick(rng, ((196, 44, 40), (214, 168, 44), (52, 92, 150), (80, 108, 62)))
    wing = shade(body, 1.15) if rng.random() < 0.5 else pick(rng, ((226, 200, 120), (230, 226, 210)))
    pen.polygon([(0.66, -0.06), (0.76, -0.38), (0.94, -0.36), (0.97, 0.0)], shade(wing, 0.95))
    pen.polygon([(-0.78, 0.16), (0.16, 0.16), (0.42, 0.36), (-0.5, 0.38)], shade(wing, 0.8))
    pen.blob([(-0.76, 0.0), (-0.62, -0.16), (-0.1, -0.16), (0.9, -0.06), (0.94, 0.04), (0.1, 0.22), (-0.6, 0.2)], body)
    pen.polygon([(0.62, -0.02), (0.98, -0.06), (0.98, 0.05), (0.72, 0.08)], shade(wing, 0.9))
    for x in (-0.5, -0.04):
        pen.stroke([(x, -0.5), (x + 0.04, 0.24)], 0.04, (70, 56, 44))
    pen.ellipse(0.16, -0.2, 0.09, 0.1, (92, 62, 44))
    pen.polygon([(-0.86, -0.64), (0.1, -0.64), (0.4, -0.44), (-0.58, -0.42)], wing)
    pen.stroke([(-0.42, 0.2), (-0.34, 0.52)], 0.05, (60, 52, 48))
    pen.ellipse(-0.36, 0.5, 0.16, 0.07, (60, 52, 48))
    pen.ellipse(-0.86, 0.02, 0.035, 0.42, (196, 190, 176))
    pen.disc(-0.84, 0.02, 0.08, BLACK)


def seaplane(pen: Pen, rng: Rng) -> None:
    """High wing, propeller, standing on two floats."""
    body = pick(rng, ((238, 238, 234), (236, 190, 50), (214, 70, 52), (110, 160, 200)))
    trim = pick(rng, ((190, 40, 44), (30, 70, 150), (40, 44, 56)))
    for x in (-0.42, 0.2):
        pen.stroke([(x, 0.1), (x - 0.04, 0.5)], 0.06, (96, 100, 106))
    pen.polygon([(0.62, -0.16), (0.8, -0.56), (0.96, -0.54), (0.95, -0.08)], trim)
    pen.blob(
        path("-0.8,0 -0.66,-0.16 -0.4,-0.34 0.1,-0.3 0.92,-0.12 0.94,-0.02 0.1,0.2 -0.7,0.16"),
        body,
    )
    pen.polygon([(-0.76, 0.02), (0.9, -0.08), (0.86, 0.0), (-0.74, 0.1)], trim)
    pen.polygon([(-0.52, -0.06), (-0.42, -0.3), (-0.08, -0.28), (-0.06, -0.06)], _GLASS)
    pen.polygon([(-0.66, -0.46), (0.24, -0.48), (0.36, -0.34), (-0.62, -0.32)], shade(body, 0.86))
    pen.polygon([(0.6, -0.1), (0.98, -0.16), (1.0, -0.06), (0.7, -0.02)], shade(body, 0.8))
    pen.blob([(-0.94, 0.5), (-0.7, 0.42), (0.4, 0.44), (0.6, 0.5), (0.36, 0.64), (-0.78, 0.64)], shade(trim, 1.1))
    pen.ellipse(-0.86, 0.03, 0.03, 0.34, (150, 150, 150))
    pen.disc(-0.84, 0.03, 0.07, BLACK)


def jet(pen: Pen, rng: Rng) -> None:
    """A business jet from the side: a slim body, an engine and a high tailplane behind."""
    body, trim = vary(rng, (232, 234, 236), 8), pick(rng, _LIVERIES)
    pen.polygon([(0.56, -0.1), (0.78, -0.56), (0.97, -0.56), (0.9, -0.04)], trim)
    pen.polygon([(0.7, -0.6), (1.0, -0.62), (1.0, -0.5), (0.74, -0.5)], shade(trim, 0.8))
    pen.blob(path("-0.97,0.06 -0.76,-0.1 -0.4,-0.17 0.4,-0.15 0.95,-0.04 0.5,0.1 0,0.18 -0.7,0.17"), body)
    pen.polygon([(-0.9, 0.08), (0.6, 0.04), (0.2, 0.15), (-0.68, 0.16)], trim)
    pen.polygon([(-0.84, -0.02), (-0.7, -0.12), (-0.62, -0.04)], BLACK)
    for i in range(6):
        pen.rect(-0.5 + i * 0.14, -0.07, -0.43 + i * 0.14, 0.01, _GLASS)
    pen.ellipse(0.5, -0.14, 0.18, 0.08, shade(body, 0.7))
    pen.polygon([(-0.16, 0.1), (0.18, 0.1), (0.56, 0.48), (0.42, 0.5)], shade(body, 0.72))


def monoplane(pen: Pen, rng: Rng) -> None:
    """From above: one straight wing, a propeller in front, a short tailplane."""
    body = pick(rng, ((236, 232, 222), (206, 60, 48), (232, 186, 52), (60, 104, 170)))
    trim = pick(rng, _LIVERIES)
    pen.polygon(mirrored([(0.04, -0.42), (0.96, -0.34), (0.97, -0.12), (0.04, -0.02)]), body)
    for x in (-0.9, 0.9):
        pen.polygon([(x - 0.06, -0.37), (x + 0.06, -0.36), (x + 0.06, -0.12), (x - 0.06, -0.1)], trim)
    pen.polygon(mirrored([(0.03, 0.62), (0.4, 0.7), (0.4, 0.86), (0.03, 0.88)]), shade(body, 0.9))
    pen.blob(mirrored([(0.0, -0.86), (0.12, -0.74), (0.15, -0.2), (0.07, 0.6), (0.0, 0.94)]), shade(body, 0.94))
    pen.polygon(mirrored([(0.09, -0.5), (0.1, -0.3)]), _GLASS)
    pen.polygon([(-0.02, 0.56), (0.02, 0.56), (0.04, 0.96), (-0.04, 0.96)], trim)
    pen.ellipse(0.0, -0.87, 0.3, 0.035, (90, 88, 86))


_FLYING = Pose(turn=18, keystone=0.16)
_LEVEL = Pose(turn=8)

LEAVES = (
    Leaf("n02690373", "airliner", airliner, (sky, sky, high_sky, runway), _FLYING),
    Leaf("n03335030", "fighter", fighter, (sky, sky, high_sky), _FLYING),
    Leaf("n02842573", "biplane", biplane, (sky, high_sky, runway), _LEVEL),
    Leaf("n04160586", "seaplane", seaplane, (sea, sea, sky), _LEVEL, floor=0.66),
    Leaf("n03595860", "jet", jet, (sky, high_sky, runway), _LEVEL),
    Leaf("n03783873", "monoplane", monoplane, (sky, high_sky), _FLYING),
)
