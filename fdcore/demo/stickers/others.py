"""Stickers of flowers, and handwritten numbers."""

from fdcore.demo.canvas import Pen, Rng, around, path, shade, vary
from fdcore.demo.stickers.style import between, loud


def flower(pen: Pen, rng: Rng) -> None:
    """Petals around a heart, one ring or more, slim, pointed or broad, on a stalk with leaves."""
    petal, green = loud(rng), vary(rng, (60, 150, 60), 40)
    heart = vary(rng, ((60, 36, 24), (240, 200, 50), loud(rng))[int(rng.integers(3))], 20)
    if rng.random() < 0.7:
        pen.stroke([(0, 0), (between(rng, -0.2, 0.2), 1.4)], between(rng, 0.06, 0.12), green)
        for side in (-1, 1):
            if rng.random() < 0.6:
                pen.ellipse(side * 0.3, between(rng, 0.7, 0.95), 0.3, 0.12, green, turn=-side * 30)
    broad = rng.random() < 0.45
    count, start = int(rng.integers(4, 8)) if broad else int(rng.integers(6, 18)), between(rng, 0, 90)
    outer, centre = between(rng, 0.75, 0.97), between(rng, 0.14, 0.58)
    width = between(rng, 0.7, 1.1) * min(1.1, 4.4 / count) if broad else between(rng, 0.5, 1.1) * 2.4 / count
    pointed, toothed = rng.random() < 0.3, rng.random() < 0.3
    for ring in range(int(rng.integers(1, 4))):
        reach, tone = outer * (1 - 0.24 * ring), shade(petal, 1 + 0.18 * ring)
        for i in range(count):
            angle, turn = start + 360 * (i + 0.5 * ring) / count, 180 / count
            if pointed:
                rim = [(1.0, -0.5), (0.8, -0.2), (1.0, 0.0), (0.8, 0.2), (1.0, 0.5)] if toothed else [(1.0, 0.0)]
                sides = [(0.3, -0.8), (0.7, -0.7), *rim, (0.7, 0.7), (0.3, 0.8)]
                corners = [(r, d * turn) for r, d in sides]
                pen.polygon(
                    [around(0, 0, reach * r, angle + d) for r, d in corners], shade(tone, 1.0 if i % 2 else 0.85)
                )
            else:
                length = reach * 0.44
                x, y = around(0, 0, reach - length, angle)
                pen.ellipse(x, y, length, width * 0.5, shade(tone, 1.0 if i % 2 else 0.88), turn=angle)
    pen.disc(0, 0, centre, heart)
    if rng.random() < 0.4:
        pen.disc(0, 0, centre * 0.6, shade(heart, 0.6))


_FIGURES = (
    "0,-0.8 -0.45,-0.4 -0.45,0.4 0,0.8 0.45,0.4 0.45,-0.4 0,-0.8",
    "-0.3,-0.45 0.05,-0.8 0.05,0.8",
    "-0.4,-0.45 0,-0.8 0.4,-0.45 0.1,0.1 -0.45,0.75 0.5,0.75",
    "-0.4,-0.6 0.05,-0.8 0.4,-0.45 0,-0.05 0.45,0.4 0,0.8 -0.45,0.55",
    "0.2,0.8 0.2,-0.8 -0.5,0.25 0.5,0.25",
    "0.4,-0.78 -0.3,-0.78 -0.35,-0.1 0.15,-0.15 0.42,0.3 0.05,0.8 -0.45,0.6",
    "0.3,-0.8 -0.25,-0.3 -0.42,0.35 0,0.8 0.4,0.4 0.05,0.05 -0.38,0.3",
    "-0.45,-0.75 0.45,-0.75 0,0 -0.15,0.8",
    "0,0 -0.35,-0.4 0,-0.8 0.35,-0.4 0,0 -0.42,0.4 0,0.8 0.42,0.4 0,0",
    "0.38,-0.4 0,-0.05 -0.38,-0.4 0,-0.8 0.38,-0.4 0.3,0.2 0.05,0.8",
)


def number(pen: Pen, rng: Rng) -> None:
    """Two rows of three handwritten figures, in ink on white paper."""
    pen.rect(-3, -3, 3, 3, vary(rng, (246, 246, 244), 6))
    width, slant, ink = between(rng, 0.07, 0.12), between(rng, -0.25, 0.2), vary(rng, (24, 26, 40), 14)
    for left in (-0.64, 0.0, 0.64):
        for top in (-0.5, 0.5):
            x0, y0 = left + between(rng, -0.05, 0.05), top + between(rng, -0.05, 0.05)
            line = path(_FIGURES[int(rng.integers(len(_FIGURES)))])
            shaken = [(x + slant * y + between(rng, -0.06, 0.06), y + between(rng, -0.06, 0.06)) for x, y in line]
            pen.curve([(x0 + 0.52 * x, y0 + 0.5 * y) for x, y in shaken], width, ink)
