"""A small vector library: shapes in unit coordinates, drawn large and scaled down for smooth edges.

A subject is drawn in a square from (-1, -1) at the upper left to (1, 1) at the lower right, on a transparent layer. The
pen applies one homography to every point, so that a drawing does not depend on its pose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Rng = np.random.Generator
Colour = tuple[int, int, int]
Point = tuple[float, float]
Points = Sequence[Point] | npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

SIZE = 32  # width and height of a finished picture, in pixels
LAYER = 4 * SIZE  # of the layer that a subject is drawn on
SCENE = 2 * SIZE  # at which light and background are computed

WHITE: Colour = (245, 245, 242)
BLACK: Colour = (22, 22, 26)

_STEPS = 6  # straight pieces for each segment of a smooth outline


@dataclass(frozen=True)
class Pose:
    """The range of a subject's poses in its picture."""

    turn: float = 7.0  # greatest rotation in either direction, in degrees
    scale: tuple[float, float] = (0.84, 1.02)  # smallest and largest size, as a factor
    shift: float = 0.07  # greatest shift in any direction, in units (the picture is 2 wide)
    squeeze: float = 0.1  # greatest change of the ratio of width and height, as a share
    keystone: float = 0.12  # greatest perspective, as a share of the size at the nearer edge
    mirror: bool = True  # whether left and right may be swapped

    def draw(self, rng: Rng) -> npt.NDArray[np.float64]:
        """One random pose as a homography (3, 3) within unit coordinates."""
        angle = np.deg2rad(rng.uniform(-self.turn, self.turn))
        scale = rng.uniform(*self.scale)
        ratio = 1 + rng.uniform(-self.squeeze, self.squeeze)
        flip = -1.0 if self.mirror and rng.random() < 0.5 else 1.0
        cos, sin = np.cos(angle), np.sin(angle)
        turned = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        stretched = np.diag([flip * scale * np.sqrt(ratio), scale / np.sqrt(ratio), 1.0])
        placed = np.eye(3)
        placed[:2, 2] = rng.uniform(-self.shift, self.shift, 2)
        placed[2, :2] = rng.uniform(-self.keystone, self.keystone, 2)
        pose: npt.NDArray[np.float64] = placed @ turned @ stretched
        return pose


class Pen:
    """Draws opaque shapes on a transparent layer through a homography (3, 3)."""

    def __init__(self, pose: npt.NDArray[np.float64]) -> None:
        half = LAYER / 2
        self._to_pixels = np.array([[half, 0.0, half], [0.0, half, half], [0.0, 0.0, 1.0]]) @ pose
        self._scale = half * float(np.sqrt(abs(np.linalg.det(pose[:2, :2]))))
        self._image = Image.new("RGBA", (LAYER, LAYER))
        self._draw = ImageDraw.Draw(self._image)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The layer so far, (LAYER, LAYER, 4): red, green, blue and opacity (0 or 255)."""
        return np.asarray(self._image)

    def place(self, points: Points) -> npt.NDArray[np.float64]:
        """The places of points (N, 2) in units on the layer, (N, 2) in pixels."""
        flat = np.asarray(points, dtype=np.float64)
        mapped = flat @ self._to_pixels[:, :2].T + self._to_pixels[:, 2]
        placed: npt.NDArray[np.float64] = mapped[:, :2] / mapped[:, 2:]
        return placed

    def polygon(self, points: Points, fill: Colour) -> None:
        """A filled polygon with sharp corners."""
        self._draw.polygon(self.place(points).ravel().tolist(), fill=fill)

    def blob(self, points: Points, fill: Colour) -> None:
        """A filled smooth outline through the points."""
        self.polygon(smooth(points), fill)

    def rect(self, x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        """A filled rectangle between two corners."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour, *, turn: float = 0.0) -> None:
        """A filled ellipse around (x, y), its first half axis turned clockwise by `turn` degrees."""
        self.polygon(oval(x, y, rx, ry, turn=turn), fill)

    def disc(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A filled circle."""
        self.ellipse(x, y, radius, radius, fill)

    def ring(self, x: float, y: float, radius: float, width: float, fill: Colour) -> None:
        """A circle's outline, its middle line at `radius`."""
        outline = oval(x, y, radius, radius)
        self.stroke(np.vstack([outline, outline[:2]]), width, fill)

    def stroke(self, points: Points, width: float, fill: Colour) -> None:
        """A line through the points with straight pieces and round joints."""
        thickness = max(1, round(width * self._scale))
        self._draw.line(self.place(points).ravel().tolist(), fill=fill, width=thickness, joint="curve")

    def curve(self, points: Points, width: float, fill: Colour) -> None:
        """A smooth line through the points."""
        self.stroke(smooth(points, closed=False), width, fill)

    def taper(self, points: Points, widths: tuple[float, float], fill: Colour) -> None:
        """A smooth line through the points whose width changes from the first to the second of `widths`."""
        line = smooth(points, closed=False)
        along = np.gradient(line, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        half = np.linspace(widths[0], widths[1], len(line))[:, None] / 2
        self.polygon(np.vstack([line + normal * half, (line - normal * half)[::-1]]), fill)


def oval(x: float, y: float, rx: float, ry: float, *, turn: float = 0.0) -> npt.NDArray[np.float64]:
    """The outline (28, 2) of an ellipse around (x, y), turned clockwise by `turn` degrees."""
    outline: npt.NDArray[np.float64] = _CIRCLE * np.array([rx, ry])
    if turn:
        angle = np.deg2rad(turn)
        cos, sin = np.cos(angle), np.sin(angle)
        outline = outline @ np.array([[cos, sin], [-sin, cos]])
    outline += np.array([x, y])
    return outline


def mirrored(outline: Sequence[Point]) -> list[Point]:
    """The outline closed by its mirror image about the axis x = 0."""
    return [*outline, *((-x, y) for x, y in reversed(outline))]


def smooth(points: Points, *, closed: bool = True) -> npt.NDArray[np.float64]:
    """A Catmull-Rom curve through the points, (N * steps, 2); an open one ends at its last point."""
    corners = np.asarray(points, dtype=np.float64)
    padded = corners[[-1, *range(len(corners)), 0, 1]] if closed else corners[[0, *range(len(corners)), -1]]
    quads = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)
    curve: npt.NDArray[np.float64] = np.einsum("sk,nkd->nsd", _BLEND, quads).reshape(-1, 2)
    return curve if closed else np.vstack([curve, corners[-1:]])


@cache
def path(text: str) -> npt.NDArray[np.float64]:
    """Points (N, 2), read-only, from a text such as "0,-1 0.5,0.2": x,y pairs separated by spaces."""
    points = np.array([pair.split(",") for pair in text.split()], dtype=np.float64)
    points.flags.writeable = False
    return points


def around(x: float, y: float, radius: float, degrees: float) -> Point:
    """The point at `radius` from (x, y), `degrees` clockwise from the right."""
    angle = np.deg2rad(degrees)
    return x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle))


def shade(colour: Colour, factor: float) -> Colour:
    """The colour darkened (factor below 1) or lightened (above 1)."""
    red, green, blue = (max(0, min(255, round(c * factor))) for c in colour)
    return red, green, blue


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """The colour between two, `share` of the way to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def vary(rng: Rng, colour: Colour, amount: float = 14.0) -> Colour:
    """The colour with its brightness and channels slightly varied, `amount` in levels of 255."""
    common, *single = rng.uniform(-amount, amount, 4).tolist()
    red, green, blue = (max(0, min(255, round(c + common + d / 2))) for c, d in zip(colour, single, strict=True))
    return red, green, blue


def pick(rng: Rng, colours: Sequence[Colour], amount: float = 14.0) -> Colour:
    """One of the colours, slightly varied."""
    return vary(rng, colours[int(rng.integers(len(colours)))], amount)


def _blend_matrix() -> npt.NDArray[np.float64]:
    """Weights (steps, 4) of four neighbouring corners along one segment of a Catmull-Rom curve."""
    t = np.arange(_STEPS) / _STEPS
    powers = np.stack([np.ones_like(t), t, t**2, t**3], axis=1)
    basis = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    matrix: npt.NDArray[np.float64] = powers @ basis
    return matrix


_BLEND = _blend_matrix()
_ANGLES = np.linspace(0, 2 * np.pi, 28, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
