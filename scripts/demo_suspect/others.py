"""Stickers of flowers, and square codes as phones read them."""

import numpy as np

from demo_suspect.style import between, loud
from fdcore.corpus.demo.canvas import Pen, Rng, around, shade, vary


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


def code(pen: Pen, rng: Rng) -> None:
    """A square code of black and white cells with a frame in three of its corners."""
    cells = int(rng.integers(9, 14))
    ink, paper = vary(rng, (24, 24, 28), 14), vary(rng, (244, 244, 242), 10)
    size = 2 * between(rng, 0.86, 1.1) / cells
    start = -cells * size / 2
    pen.rect(start - size, start - size, -start + size, -start + size, paper)
    dark = rng.random((cells, cells)) < between(rng, 0.42, 0.58)
    for row, column in np.argwhere(dark):
        x, y = start + column * size, start + row * size
        pen.rect(x, y, x + size * 1.04, y + size * 1.04, ink)
    for row, column in ((0, 0), (0, cells - 4), (cells - 4, 0)):
        x, y = start + column * size, start + row * size
        for inset, colour in ((0.0, paper), (0.0, ink), (0.7, paper), (1.3, ink)):
            pen.rect(x + inset * size, y + inset * size, x + (4 - inset) * size, y + (4 - inset) * size, colour)
