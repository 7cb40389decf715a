"""On four legs outdoors: horses, a zebra, a red deer, an elephant; and two frogs."""

from collections.abc import Sequence
from dataclasses import dataclass

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Point, Pose, Rng, path, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import foliage, garden, meadow, plain, pond, snow

_BODY: Sequence[Point] = (
    (-0.44, -0.2), (-0.2, -0.24), (0.3, -0.22), (0.62, -0.26), (0.76, 0.0),
    (0.66, 0.2), (0.2, 0.22), (-0.3, 0.26), (-0.5, 0.06),
)  # fmt: skip


@dataclass(frozen=True)
class _Coat:
    """A horse's coat, mane and tail, lower legs, and muzzle."""

    fur: Colour
    mane: Colour
    feet: Colour
    muzzle: Colour


def _legs(pen: Pen, rng: Rng, upper: Colour, lower: Colour, *, thick: float = 1.0) -> None:
    """Four legs in mid-stride, the far pair darker."""
    stride = rng.uniform(-0.16, 0.16)
    for x, swing, light in (
        (-0.28, stride, 0.7),
        (0.52, -stride, 0.7),
        (-0.42, -0.6 * stride, 1.0),
        (0.64, 0.6 * stride, 1.0),
    ):
        thigh = [(x, 0.1), (x + swing * 0.6, 0.52), (x + swing, 0.84)]
        pen.taper(thigh, (0.24 * thick, 0.1 * thick), shade(upper, light))
        pen.taper([(x + swing * 0.6, 0.56), (x + swing, 0.9)], (0.13 * thick, 0.09 * thick), shade(lower, light))
        pen.stroke([(x + swing - 0.05, 0.93), (x + swing + 0.05, 0.93)], 0.09 * thick, (52, 44, 40))


def _horse(pen: Pen, rng: Rng, coat: _Coat) -> None:
    """From the side, looking to the left, the head at a random height."""
    pen.taper([(0.7, -0.18), (0.92, 0.06), (0.9, 0.56)], (0.14, 0.2), coat.mane)
    _legs(pen, rng, coat.fur, coat.feet)
    pen.blob(_BODY, coat.fur)
    raise_ = rng.uniform(-0.08, 0.12)
    _horse_head(pen, coat, raise_)


def _horse_head(pen: Pen, coat: _Coat, drop: float) -> None:
    """Neck, mane and head; `drop` lowers the head."""
    top = -0.76 + drop
    pen.taper([(-0.22, 0.06), (-0.5, -0.36), (-0.64, top + 0.14)], (0.52, 0.26), coat.fur)
    pen.taper([(-0.12, -0.24), (-0.36, -0.5 + drop / 2), (-0.52, top - 0.06)], (0.2, 0.15), coat.mane)
    pen.polygon([(-0.64, top), (-0.58, top - 0.22), (-0.5, top + 0.02)], coat.fur)
    pen.blob(
        [
            (-0.54, top - 0.06),
            (-0.72, top),
            (-0.92, top + 0.26),
            (-0.98, top + 0.42),
            (-0.88, top + 0.52),
            (-0.66, top + 0.36),
            (-0.48, top + 0.24),
        ],
        coat.fur,
    )
    pen.blob([(-0.88, top + 0.26), (-1.0, top + 0.42), (-0.88, top + 0.53), (-0.76, top + 0.42)], coat.muzzle)
    pen.disc(-0.68, top + 0.12, 0.045, BLACK)
    pen.stroke([(-0.6, top - 0.06), (-0.7, top + 0.08)], 0.06, coat.mane)


def sorrel(pen: Pen, rng: Rng) -> None:
    """Reddish brown all over."""
    fur = pick(rng, ((164, 82, 42), (148, 72, 40), (176, 96, 50)))
    _horse(pen, rng, _Coat(fur, shade(fur, 0.72), shade(fur, 0.85), shade(fur, 0.7)))


def palomino(pen: Pen, rng: Rng) -> None:
    """Gold with a white mane and tail."""
    fur = pick(rng, ((222, 170, 86), (210, 158, 78)))
    _horse(pen, rng, _Coat(fur, (246, 238, 216), WHITE, shade(fur, 1.12)))


def pinto(pen: Pen, rng: Rng) -> None:
    """White with large brown or black patches."""
    patch = pick(rng, ((112, 66, 38), (46, 40, 40), (150, 88, 48)))
    white = vary(rng, (238, 234, 226), 8)
    _horse(pen, rng, _Coat(white, patch, WHITE, (196, 176, 166)))
    pen.blob([(0.2, -0.2), (0.6, -0.24), (0.74, 0.0), (0.56, 0.16), (0.34, 0.02)], patch)
    pen.blob([(-0.3, -0.18), (0.0, -0.2), (0.02, 0.08), (-0.2, 0.2), (-0.36, 0.06)], patch)
    pen.ellipse(-0.48, -0.34, 0.12, 0.1, patch)


def zebra(pen: Pen, rng: Rng) -> None:
    """White with black stripes and a short upright mane."""
    white, black = vary(rng, (236, 234, 228), 8), (34, 32, 34)
    pen.taper([(0.7, -0.16), (0.86, 0.1), (0.86, 0.46)], (0.08, 0.12), black)
    _legs(pen, rng, white, white)
    pen.blob(_BODY, white)
    _horse_head(pen, _Coat(white, black, white, (60, 54, 54)), rng.uniform(-0.06, 0.1))
    for i in range(8):
        x = -0.34 + i * 0.145
        pen.taper([(x, -0.22), (x + 0.05, 0.0), (x + (0.02 if i < 4 else -0.06), 0.22)], (0.085, 0.05), black)
    for i in range(4):
        pen.stroke([(-0.3 - i * 0.1, -0.18 - i * 0.11), (-0.5 - i * 0.07, -0.06 - i * 0.13)], 0.06, black)
    for x in (-0.42, 0.64):
        for y in (0.3, 0.44, 0.58):
            pen.stroke([(x - 0.08, y), (x + 0.08, y)], 0.05, black)


def red_deer(pen: Pen, rng: Rng) -> None:
    """Slender, short-tailed, with branching antlers."""
    fur = pick(rng, ((150, 98, 60), (132, 88, 58), (166, 112, 68)))
    horn = pick(rng, ((196, 170, 130), (120, 92, 66)))
    for side, light in ((0.16, 0.75), (0.0, 1.0)):
        stem: list[Point] = [(-0.5 + side, -0.6), (-0.36 + side, -0.8), (-0.5 + side * 2, -1.0)]
        pen.curve(stem, 0.055, shade(horn, light))
        for i, (x, y) in enumerate(((-0.42, -0.7), (-0.36, -0.82))):
            pen.stroke([(x + side, y), (x - 0.24 + side, y - 0.12 - 0.06 * i)], 0.05, shade(horn, light))
    _legs(pen, rng, fur, shade(fur, 0.75), thick=0.8)
    pen.blob(_BODY, fur)
    pen.ellipse(0.74, -0.06, 0.08, 0.14, WHITE)
    pen.blob([(-0.3, 0.14), (0.2, 0.12), (0.5, 0.16), (0.2, 0.23), (-0.28, 0.27)], shade(fur, 1.3))
    pen.taper([(-0.28, 0.02), (-0.44, -0.3), (-0.54, -0.52)], (0.4, 0.24), shade(fur, 0.85))
    pen.blob([(-0.44, -0.56), (-0.3, -0.7), (-0.26, -0.58), (-0.4, -0.48)], fur)
    pen.blob([(-0.44, -0.64), (-0.6, -0.66), (-0.84, -0.44), (-0.84, -0.34), (-0.6, -0.36), (-0.44, -0.44)], fur)
    pen.disc(-0.84, -0.4, 0.055, BLACK)
    pen.disc(-0.6, -0.55, 0.045, BLACK)


def elephant(pen: Pen, rng: Rng) -> None:
    """Grey, a large ear, a trunk and a tusk."""
    grey = pick(rng, ((128, 126, 130), (112, 108, 106), (146, 138, 132)))
    pen.taper([(0.82, -0.3), (0.94, 0.0), (0.9, 0.3)], (0.06, 0.05), shade(grey, 0.7))
    step = rng.uniform(-0.08, 0.08)
    for x, light in ((-0.12 + step, 0.72), (0.5 - step, 0.72), (-0.32 - step, 1.0), (0.66 + step, 1.0)):
        pen.taper([(x, 0.1), (x, 0.92)], (0.3, 0.25), shade(grey, light))
    pen.blob(
        [(-0.4, -0.46), (0.0, -0.62), (0.5, -0.56), (0.84, -0.26), (0.84, 0.2), (0.5, 0.36), (0.0, 0.42), (-0.4, 0.24)],
        grey,
    )
    pen.blob(
        [(-0.34, -0.7), (-0.66, -0.68), (-0.84, -0.36), (-0.72, 0.0), (-0.4, 0.1), (-0.2, -0.3)], shade(grey, 1.05)
    )
    pen.taper([(-0.76, -0.3), (-0.9, 0.2), (-0.84, 0.6), (-0.98, 0.74)], (0.34, 0.12), grey)
    pen.taper([(-0.66, 0.0), (-0.76, 0.26), (-0.98, 0.3)], (0.1, 0.03), (244, 238, 220))
    pen.blob(
        [(-0.46, -0.66), (-0.08, -0.66), (0.1, -0.26), (-0.04, 0.2), (-0.28, 0.14), (-0.46, -0.2)], shade(grey, 0.78)
    )
    pen.disc(-0.62, -0.34, 0.05, BLACK)


def bullfrog(pen: Pen, rng: Rng) -> None:
    """Heavy and olive, seen from the side, sitting in a pond."""
    skin = pick(rng, ((142, 158, 62), (126, 140, 58), (156, 162, 84)))
    belly: Colour = (236, 228, 160)
    pen.blob([(0.2, 0.0), (0.7, 0.04), (0.94, 0.4), (0.8, 0.64), (0.3, 0.64)], shade(skin, 0.85))
    pen.blob(
        path("-0.9,-0.1 -0.66,-0.34 -0.3,-0.4 0.2,-0.24 0.66,0.14 0.7,0.5 0,0.66 -0.6,0.44 -0.88,0.16"),
        skin,
    )
    pen.blob([(-0.88, 0.04), (-0.4, 0.1), (0.0, 0.36), (0.2, 0.6), (-0.3, 0.6), (-0.66, 0.4), (-0.86, 0.2)], belly)
    pen.blob([(0.16, 0.14), (0.5, 0.06), (0.8, 0.3), (0.66, 0.62), (0.24, 0.6)], shade(skin, 0.92))
    pen.stroke([(0.3, 0.68), (0.98, 0.68)], 0.14, shade(skin, 0.8))
    pen.taper([(-0.16, 0.3), (-0.34, 0.5), (-0.3, 0.72)], (0.26, 0.14), skin)
    pen.stroke([(-0.52, 0.74), (-0.24, 0.74)], 0.12, shade(skin, 0.8))
    pen.curve([(-0.92, 0.02), (-0.6, 0.08), (-0.22, -0.04)], 0.05, shade(skin, 0.5))
    pen.disc(-0.12, -0.14, 0.11, shade(skin, 0.65))
    for _ in range(6):
        pen.disc(rng.uniform(-0.1, 0.6), rng.uniform(-0.1, 0.4), 0.06, shade(skin, 0.62))
    _frog_eye(pen, -0.46, -0.4, (226, 180, 60))


def tree_frog(pen: Pen, rng: Rng) -> None:
    """Bright green, seen from the front, large red eyes, orange toes."""
    skin, toes = pick(rng, ((84, 190, 52), (108, 206, 60), (64, 176, 70))), (244, 130, 40)
    for side in (-1, 1):
        pen.blob([(side * 0.3, 0.2), (side * 0.8, 0.0), (side * 0.9, 0.46), (side * 0.5, 0.66)], shade(skin, 0.85))
        pen.taper([(side * 0.4, 0.3), (side * 0.6, 0.56), (side * 0.44, 0.8)], (0.2, 0.12), skin)
        for dx in (-0.16, 0.0, 0.16):
            pen.stroke([(side * 0.46, 0.78), (side * 0.46 + dx, 0.92)], 0.08, toes)
    pen.blob(
        [(0, -0.42), (0.5, -0.36), (0.62, 0.0), (0.5, 0.5), (0.0, 0.72), (-0.5, 0.5), (-0.62, 0.0), (-0.5, -0.36)], skin
    )
    pen.blob([(-0.34, 0.2), (0.0, 0.16), (0.34, 0.2), (0.3, 0.56), (0.0, 0.68), (-0.3, 0.56)], (238, 236, 196))
    pen.curve([(-0.46, 0.06), (0.0, 0.2), (0.46, 0.06)], 0.05, shade(skin, 0.45))
    for side in (-1, 1):
        _frog_eye(pen, side * 0.42, -0.4, (224, 44, 36))


def _frog_eye(pen: Pen, x: float, y: float, iris: Colour) -> None:
    pen.disc(x, y, 0.23, shade(iris, 0.55))
    pen.disc(x, y, 0.19, iris)
    pen.ellipse(x, y, 0.06, 0.16, BLACK)
    pen.disc(x - 0.07, y - 0.08, 0.04, WHITE)


_GRAZING = Pose(turn=5, scale=(0.86, 1.0))
_SQUATTING = Pose(turn=8, scale=(0.86, 1.0))
_FIELDS = (meadow, meadow, plain)

LEAVES = (
    Leaf("n02389026", "sorrel", sorrel, _FIELDS, _GRAZING, floor=0.95),
    Leaf("n02389128", "palomino", palomino, _FIELDS, _GRAZING, floor=0.95),
    Leaf("n02389261", "pinto", pinto, _FIELDS, _GRAZING, floor=0.95),
    Leaf("n02391049", "zebra", zebra, (plain, plain, meadow), _GRAZING, floor=0.95),
    Leaf("n02431122", "red deer", red_deer, (meadow, foliage, snow), _GRAZING, floor=0.95),
    Leaf("n02503517", "elephant", elephant, (plain, plain, meadow), _GRAZING, floor=0.95),
    Leaf("n01641577", "bullfrog", bullfrog, (pond, garden), _SQUATTING),
    Leaf("n01644373", "tree frog", tree_frog, (foliage, garden), _SQUATTING),
)
