"""Drawings as data: a sketch is a line of text, a subject's shapes from the back to the front.

Shapes are separated by ";". Each is a kind, a colour and numbers in the pen's units:

    p, b    polygon and smooth outline through x,y points;  m, n  the same, closed by the mirror image about x = 0
    s, c    line and smooth line, the width first
    e       ellipse: centre, half axes;  r  rectangle: two corners

A colour is a letter, perhaps followed by its brightness in percent. A and B are two colours of this picture, the others
are materials.
"""

from collections.abc import Sequence

from fdcore.demo.canvas import Colour, Pen, Point, Rng, mirrored, path, pick, shade
from fdcore.demo.paint import Drawing

_PAINTS: Sequence[Colour] = (
    (200, 48, 44), (44, 92, 172), (232, 176, 48), (66, 138, 84), (126, 70, 138), (220, 116, 52), (120, 78, 50),
    (62, 66, 78), (226, 220, 204), (88, 164, 180), (214, 130, 150),
)  # fmt: skip
_MATERIALS: dict[str, Sequence[Colour]] = {
    "K": ((28, 28, 32),), "W": ((240, 238, 230),), "S": ((150, 156, 164), (178, 182, 186)),
    "T": ((166, 116, 68), (120, 78, 48), (196, 150, 96)), "Y": ((220, 176, 70), (196, 150, 60)),
    "G": ((176, 206, 216), (150, 186, 196)), "R": ((202, 50, 42), (180, 60, 40)), "V": ((74, 136, 58), (98, 152, 60)),
    "O": ((232, 130, 44), (244, 158, 60)), "E": ((232, 200, 130), (214, 178, 110)), "P": ((110, 50, 110), (84, 44, 96)),
    "C": ((150, 146, 138), (126, 124, 122)),
}  # fmt: skip
_TREMBLE = 0.02  # standard deviation of a point, in units


def sketch(text: str) -> Drawing:
    """The drawing of a sketch."""
    shapes = [shape.split() for shape in text.split(";")]

    def drawing(pen: Pen, rng: Rng) -> None:
        colours = {"A": pick(rng, _PAINTS), "B": pick(rng, _PAINTS)}
        colours |= {letter: pick(rng, choices) for letter, choices in _MATERIALS.items()}
        for kind, colour, *numbers in shapes:
            fill = shade(colours[colour[0]], int(colour[1:] or 100) / 100)
            _draw(pen, rng, kind, fill, numbers)

    return drawing


def _draw(pen: Pen, rng: Rng, kind: str, fill: Colour, numbers: Sequence[str]) -> None:
    """Draw one shape with an unsteady hand."""
    width = float(numbers[0]) if kind in "sc" else 0.0
    exact = path(" ".join(numbers[1:] if kind in "sc" else numbers))
    points: list[Point] = [(x, y) for x, y in (exact + rng.normal(0, _TREMBLE, exact.shape)).tolist()]
    match kind:
        case "p":
            pen.polygon(points, fill)
        case "b":
            pen.blob(points, fill)
        case "m":
            pen.polygon(mirrored(points), fill)
        case "n":
            pen.blob(mirrored(points), fill)
        case "s":
            pen.stroke(points, width, fill)
        case "c":
            pen.curve(points, width, fill)
        case "e":
            (x, y), (across, down) = points
            pen.ellipse(x, y, abs(across), abs(down), fill)
        case "r":
            (x0, y0), (x1, y1) = points
            pen.rect(x0, y0, x1, y1, fill)
