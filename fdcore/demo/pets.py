"""Cats, a lion, and dogs: faces looking at the viewer, and whole animals sitting."""

from dataclasses import dataclass

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Point, Pose, Rng, around, path, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import backdrop, foliage, meadow, plain, room, snow, table

_PINK: Colour = (214, 136, 130)


@dataclass(frozen=True)
class _Cat:
    """A cat's coat: fur, ears, mask around the muzzle, chest, eyes, and the kind of pattern."""

    fur: Colour
    ears: Colour
    mask: Colour
    chest: Colour
    eyes: Colour
    pattern: str = "plain"
    ear_height: float = 1.0
    cheek: float = 1.0


def _cat(pen: Pen, rng: Rng, cat: _Cat) -> None:
    """The face alone, or the whole cat sitting."""
    if rng.random() < 0.62:
        _cat_face(pen, rng, cat, 0.0, 0.14, 1.0)
        return
    side = 1 if rng.random() < 0.5 else -1
    pen.taper([(side * 0.3, 0.84), (side * 0.8, 0.8), (side * 0.86, 0.36), (side * 0.7, 0.16)], (0.18, 0.12), cat.ears)
    pen.blob(
        path("-0.22,-0.2 0.22,-0.2 0.42,0.3 0.52,0.84 0.3,0.95 -0.3,0.95 -0.52,0.84 -0.42,0.3"),
        cat.fur,
    )
    _coat(pen, cat, 0.0, 0.45, 0.5)
    pen.blob([(-0.16, 0.0), (0.16, 0.0), (0.16, 0.5), (0.0, 0.7), (-0.16, 0.5)], cat.chest)
    for x in (-0.16, 0.16):
        pen.stroke([(x, 0.5), (x, 0.9)], 0.17, shade(cat.fur, 0.9))
        pen.ellipse(x, 0.92, 0.14, 0.07, cat.mask if cat.pattern == "points" else cat.chest)
    _cat_face(pen, rng, cat, 0.0, -0.36, 0.56)


def _cat_face(pen: Pen, rng: Rng, cat: _Cat, x: float, y: float, size: float) -> None:
    """A round head with two pointed ears, around (x, y)."""

    def at(points: list[Point]) -> list[Point]:
        return [(x + px * size, y + py * size) for px, py in points]

    tip = -0.62 - 0.36 * cat.ear_height
    for side in (-1, 1):
        pen.polygon(at([(side * 0.74, -0.1), (side * 0.66, tip), (side * 0.1, -0.5)]), cat.ears)
        pen.polygon(at([(side * 0.62, -0.3), (side * 0.6, tip + 0.22), (side * 0.28, -0.5)]), shade(_PINK, 0.95))
    wide = 0.78 * cat.cheek
    pen.blob(
        at(
            [
                (0, -0.6),
                (0.5, -0.5),
                (wide, -0.02),
                (0.62 * cat.cheek, 0.46),
                (0.0, 0.72),
                (-0.62 * cat.cheek, 0.46),
                (-wide, -0.02),
                (-0.5, -0.5),
            ]
        ),
        cat.fur,
    )
    _coat(pen, cat, x, y - 0.05 * size, size)
    pen.blob(at([(-0.32, 0.26), (0.0, 0.06), (0.32, 0.26), (0.3, 0.54), (0.0, 0.64), (-0.3, 0.54)]), cat.mask)
    look = rng.uniform(-0.03, 0.03)
    for side in (-1, 1):
        ex, ey = x + side * 0.34 * size, y - 0.02 * size
        pen.ellipse(ex, ey, 0.2 * size, 0.155 * size, shade(cat.eyes, 0.4))
        pen.ellipse(ex, ey, 0.165 * size, 0.125 * size, cat.eyes)
        pen.ellipse(ex + look, ey, 0.055 * size, 0.12 * size, BLACK)
    pen.polygon(at([(-0.11, 0.24), (0.11, 0.24), (0.0, 0.37)]), _PINK)
    pen.stroke(at([(-0.16, 0.48), (0.0, 0.4), (0.16, 0.48)]), 0.04 * size, shade(cat.mask, 0.5))
    whiskers = WHITE if sum(cat.fur) < 420 else (90, 84, 80)
    for side in (-1, 1):
        for lift in (0.26, 0.42):
            pen.stroke(at([(side * 0.3, 0.36), (side * 0.92, lift)]), 0.025 * size, whiskers)


def _coat(pen: Pen, cat: _Cat, x: float, y: float, size: float) -> None:
    """The pattern on the fur around (x, y)."""
    dark = shade(cat.fur, 0.5)
    if cat.pattern == "stripes":
        for dx in (-0.24, 0.0, 0.24):
            pen.stroke([(x + dx * size, y - 0.5 * size), (x + dx * 0.7 * size, y - 0.22 * size)], 0.09 * size, dark)
        for side in (-1, 1):
            for dy in (0.1, 0.32):
                pen.stroke(
                    [(x + side * 0.74 * size, y + dy * size), (x + side * 0.46 * size, y + (dy + 0.06) * size)],
                    0.09 * size,
                    dark,
                )
    if cat.pattern == "patches":
        pen.blob(
            [
                (x + 0.02, y - 0.58 * size),
                (x + 0.5 * size, y - 0.46 * size),
                (x + 0.74 * size, y),
                (x + 0.4 * size, y + 0.14 * size),
                (x + 0.06 * size, y - 0.16 * size),
            ],
            (40, 34, 34),
        )
        pen.blob(
            [
                (x - 0.7 * size, y + 0.1 * size),
                (x - 0.5 * size, y - 0.44 * size),
                (x - 0.1 * size, y - 0.4 * size),
                (x - 0.3 * size, y + 0.12 * size),
            ],
            (214, 124, 44),
        )


def tabby(pen: Pen, rng: Rng) -> None:
    """Grey-brown with dark stripes and a striped brow."""
    fur = pick(rng, ((158, 134, 106), (146, 140, 130), (190, 140, 88)))
    eyes = pick(rng, ((176, 196, 84), (226, 186, 70)))
    _cat(pen, rng, _Cat(fur, shade(fur, 0.8), (232, 222, 206), (226, 214, 196), eyes, "stripes"))


def persian(pen: Pen, rng: Rng) -> None:
    """Long pale fur, a broad flat face, small ears, copper or blue eyes."""
    fur = pick(rng, ((236, 230, 220), (206, 206, 212), (234, 204, 164)), 10)
    eyes = pick(rng, ((226, 128, 36), (80, 150, 210)))
    cat = _Cat(fur, shade(fur, 0.92), shade(fur, 1.05), shade(fur, 1.05), eyes, ear_height=0.4, cheek=1.1)
    if rng.random() < 0.3:
        _cat(pen, rng, cat)
        return
    for i in range(18):
        angle = i * 20 + rng.uniform(-6, 6)
        pen.ellipse(*around(0.0, 0.3, 0.58, angle), 0.34, 0.13, shade(fur, 0.82 if i % 2 else 0.94), turn=angle)
    _cat_face(pen, rng, cat, 0.0, 0.06, 0.86)


def siamese(pen: Pen, rng: Rng) -> None:
    """Cream with a dark mask, dark ears, paws and tail, and blue eyes."""
    fur, dark = pick(rng, ((232, 216, 188), (224, 206, 178)), 8), pick(rng, ((78, 58, 48), (66, 54, 54)), 8)
    _cat(pen, rng, _Cat(fur, dark, dark, shade(fur, 1.05), (70, 160, 236), "points", 1.2, 0.92))


def tortoiseshell(pen: Pen, rng: Rng) -> None:
    """White with black and orange patches."""
    fur = vary(rng, (232, 226, 216), 8)
    _cat(pen, rng, _Cat(fur, pick(rng, ((46, 40, 40), (206, 118, 44)), 8), WHITE, WHITE, (180, 190, 90), "patches"))


def lion(pen: Pen, rng: Rng) -> None:
    """A tawny face in a large brown mane."""
    fur = pick(rng, ((220, 174, 104), (206, 158, 92)))
    mane = pick(rng, ((138, 84, 42), (112, 66, 36), (160, 104, 52)))
    for i in range(16):
        angle = i * 22.5 + rng.uniform(-6, 6)
        pen.ellipse(*around(0.0, 0.02, 0.62, angle), 0.4, 0.2, shade(mane, 1.0 if i % 2 else 0.8), turn=angle)
    pen.disc(0.0, 0.0, 0.7, mane)
    for side in (-1, 1):
        pen.disc(side * 0.46, -0.48, 0.17, fur)
        pen.disc(side * 0.46, -0.48, 0.08, shade(mane, 0.8))
    pen.blob(
        [(0, -0.56), (0.42, -0.42), (0.5, 0.06), (0.34, 0.52), (0, 0.66), (-0.34, 0.52), (-0.5, 0.06), (-0.42, -0.42)],
        fur,
    )
    pen.blob([(-0.14, -0.2), (0.14, -0.2), (0.18, 0.22), (-0.18, 0.22)], shade(fur, 1.12))
    pen.blob([(-0.3, 0.3), (0.0, 0.16), (0.3, 0.3), (0.24, 0.56), (0.0, 0.64), (-0.24, 0.56)], (240, 226, 200))
    for side in (-1, 1):
        pen.ellipse(side * 0.27, -0.1, 0.1, 0.07, (60, 40, 24))
        pen.ellipse(side * 0.27, -0.1, 0.06, 0.05, (220, 170, 60))
    pen.polygon([(-0.17, 0.16), (0.17, 0.16), (0.0, 0.34)], (92, 56, 50))
    pen.stroke([(-0.18, 0.46), (0.0, 0.4), (0.18, 0.46)], 0.05, (90, 60, 50))


@dataclass(frozen=True)
class _Dog:
    """A dog's coat: fur, ears, muzzle, belly; whether the ears stand; eyes; tongue out; and the kind of pattern;
    long fur, a flat face, a tail curled over the back."""

    fur: Colour
    ears: Colour
    muzzle: Colour
    belly: Colour
    pointed: bool
    eyes: Colour = (70, 44, 28)
    pattern: str = "plain"
    long_fur: bool = False
    flat_face: bool = False
    curled: bool = False


def _dog(pen: Pen, rng: Rng, dog: _Dog) -> None:
    """The face alone, or the whole dog standing."""
    if rng.random() < 0.55:
        _dog_face(pen, rng, dog)
    else:
        _dog_standing(pen, rng, dog)


def _dog_face(pen: Pen, rng: Rng, dog: _Dog) -> None:
    """A long head with a large muzzle and hanging or standing ears."""
    if dog.pointed:
        for side in (-1, 1):
            pen.polygon([(side * 0.62, -0.2), (side * 0.54, -0.98), (side * 0.12, -0.44)], dog.ears)
            pen.polygon([(side * 0.5, -0.4), (side * 0.48, -0.8), (side * 0.28, -0.46)], shade(_PINK, 0.8))
    if dog.long_fur:
        pen.blob([(-0.6, 0.3), (-0.74, 0.96), (0.0, 1.0), (0.74, 0.96), (0.6, 0.3)], shade(dog.fur, 0.85))
    pen.blob(
        path("0,-0.62 0.42,-0.56 0.62,-0.14 0.52,0.26 0.36,0.62 0,0.78 -0.36,0.62 -0.52,0.26 -0.62,-0.14 -0.42,-0.56"),
        dog.fur,
    )
    _markings(pen, rng, dog)
    long = 0.84 if not dog.flat_face else 0.62
    pen.blob(
        [(-0.2, -0.06), (0.2, -0.06), (0.38, 0.34), (0.3, long - 0.1), (0.0, long), (-0.3, long - 0.1), (-0.38, 0.34)],
        dog.muzzle,
    )
    for side in (-1, 1):
        if dog.flat_face:
            pen.polygon(
                [(side * 0.26, -0.66), (side * 0.7, -0.62), (side * 0.74, -0.14), (side * 0.56, -0.3)], dog.ears
            )
        elif not dog.pointed:
            pen.blob(
                [
                    (side * 0.34, -0.62),
                    (side * 0.66, -0.58),
                    (side * 0.92, -0.1),
                    (side * 0.86, 0.5),
                    (side * 0.62, 0.56),
                    (side * 0.54, -0.16),
                ],
                dog.ears,
            )
    if rng.random() < 0.5:
        pen.blob([(-0.13, 0.58), (0.13, 0.58), (0.15, 0.88), (0.0, 0.99), (-0.15, 0.88)], (226, 100, 112))
    for side in (-1, 1):
        pen.disc(side * 0.28, -0.14, 0.125, shade(dog.eyes, 0.5))
        pen.disc(side * 0.28, -0.14, 0.09, dog.eyes)
        pen.disc(side * 0.28, -0.13, 0.06, BLACK)
        pen.disc(side * 0.26, -0.17, 0.03, WHITE)
    pen.blob([(-0.2, 0.2), (0.0, 0.15), (0.2, 0.2), (0.12, 0.34), (0.0, 0.39), (-0.12, 0.34)], BLACK)
    pen.stroke([(-0.24, 0.54), (0.0, 0.48), (0.24, 0.54)], 0.05, shade(dog.muzzle, 0.4))


def _dog_standing(pen: Pen, rng: Rng, dog: _Dog) -> None:
    """The whole dog from the side, looking to the left, tail up."""
    step = rng.uniform(-0.1, 0.1)
    far, wag = shade(dog.fur, 0.72), rng.uniform(-0.12, 0.12)
    curl = (
        [(0.62, -0.06), (0.86, -0.3), (0.86 + wag, -0.66)]
        if not dog.curled
        else [(0.6, -0.1), (0.9, -0.3), (0.74, -0.56), (0.52, -0.4)]
    )
    pen.taper(curl, (0.2 if dog.long_fur else 0.14, 0.1), dog.fur)
    for x, swing in ((-0.34, step), (0.44, -step)):
        pen.taper([(x, 0.2), (x + swing, 0.6), (x + swing, 0.92)], (0.22, 0.13), far)
    pen.blob(
        path("-0.56,-0.14 -0.3,-0.24 0.4,-0.2 0.68,-0.08 0.7,0.26 0.3,0.3 -0.2,0.38 -0.52,0.3"),
        dog.fur,
    )
    pen.blob([(-0.5, 0.16), (0.0, 0.24), (0.5, 0.2), (0.2, 0.33), (-0.2, 0.38), (-0.46, 0.34)], dog.belly)
    if dog.pattern == "saddle":
        pen.blob([(-0.36, -0.22), (0.4, -0.2), (0.66, -0.08), (0.5, 0.12), (-0.2, 0.12)], (46, 40, 38))
    for x, swing in ((-0.46, -step), (0.56, step)):
        pen.taper([(x, 0.14), (x + swing, 0.56), (x + swing, 0.9)], (0.26, 0.14), dog.fur)
        pen.ellipse(x + swing - 0.05, 0.91, 0.12, 0.06, dog.belly)
    pen.taper([(-0.38, 0.06), (-0.54, -0.34)], (0.44, 0.36), dog.fur)
    if dog.pointed:
        pen.polygon([(-0.62, -0.6), (-0.52, -0.96), (-0.34, -0.56)], dog.ears)
    pen.blob([(-0.4, -0.62), (-0.62, -0.68), (-0.76, -0.48), (-0.72, -0.26), (-0.46, -0.22), (-0.32, -0.4)], dog.fur)
    reach = -0.8 if dog.flat_face else -0.98
    pen.blob([(-0.62, -0.5), (reach, -0.42), (reach, -0.26), (-0.64, -0.2)], dog.muzzle)
    pen.disc(reach + 0.02, -0.4, 0.065, BLACK)
    pen.disc(-0.62, -0.5, 0.05, BLACK)
    if not dog.pointed:
        pen.blob([(-0.5, -0.64), (-0.34, -0.58), (-0.26, -0.3), (-0.36, -0.16), (-0.48, -0.32)], dog.ears)
    if dog.pattern == "spots":
        _spots(pen, rng, (-0.5, 0.62), (-0.18, 0.3), 14)


def _markings(pen: Pen, rng: Rng, dog: _Dog) -> None:
    """The pattern on a dog's face."""
    if dog.pattern == "spots":
        _spots(pen, rng, (-0.44, 0.44), (-0.52, 0.5), 8)
    if dog.pattern == "saddle":
        pen.blob([(-0.4, -0.54), (0.0, -0.62), (0.4, -0.54), (0.24, -0.3), (0.0, -0.2), (-0.24, -0.3)], (50, 42, 38))
    if dog.pattern == "mask":
        for side in (-1, 1):
            pen.blob(
                [(side * 0.1, -0.02), (side * 0.3, -0.34), (side * 0.52, -0.1), (side * 0.5, 0.3), (side * 0.2, 0.4)],
                WHITE,
            )
        pen.stroke([(0.0, -0.6), (0.0, -0.1)], 0.1, WHITE)
    if dog.flat_face:
        for y in (-0.44, -0.34):
            pen.curve([(-0.2, y), (0.0, y - 0.05), (0.2, y)], 0.05, shade(dog.fur, 0.65))
        for side in (-1, 1):
            pen.disc(side * 0.3, -0.12, 0.21, (58, 48, 44))


def _spots(pen: Pen, rng: Rng, xs: tuple[float, float], ys: tuple[float, float], count: int) -> None:
    for _ in range(count):
        pen.disc(rng.uniform(*xs), rng.uniform(*ys), rng.uniform(0.045, 0.085), (30, 28, 30))


def dalmatian(pen: Pen, rng: Rng) -> None:
    """White with black spots and black hanging ears."""
    white = vary(rng, (238, 236, 232), 8)
    _dog(pen, rng, _Dog(white, (44, 40, 42), WHITE, white, pointed=False, pattern="spots"))


def pug(pen: Pen, rng: Rng) -> None:
    """Fawn with a black mask, a wrinkled brow and small black ears."""
    fur = pick(rng, ((222, 188, 142), (206, 172, 126), (230, 204, 166)))
    _dog(pen, rng, _Dog(fur, (50, 42, 40), (52, 44, 42), shade(fur, 1.1), pointed=False, flat_face=True, curled=True))


def german_shepherd(pen: Pen, rng: Rng) -> None:
    """Tan with a black saddle, a dark muzzle and standing ears."""
    fur = pick(rng, ((186, 132, 78), (172, 116, 66), (198, 150, 98)))
    _dog(pen, rng, _Dog(fur, (74, 56, 44), (58, 46, 42), shade(fur, 1.15), pointed=True, pattern="saddle"))


def husky(pen: Pen, rng: Rng) -> None:
    """Grey or black above, a white face and belly, blue eyes, standing ears, a curled tail."""
    fur = pick(rng, ((96, 102, 112), (62, 64, 72), (130, 134, 140)))
    _dog(
        pen,
        rng,
        _Dog(fur, shade(fur, 0.8), WHITE, WHITE, pointed=True, eyes=(110, 180, 240), pattern="mask", curled=True),
    )


def golden_retriever(pen: Pen, rng: Rng) -> None:
    """Long golden fur and hanging ears."""
    fur = pick(rng, ((222, 168, 92), (208, 148, 74), (232, 190, 124)))
    _dog(pen, rng, _Dog(fur, shade(fur, 0.74), shade(fur, 1.12), shade(fur, 1.1), pointed=False, long_fur=True))


_SITTING = Pose(turn=8, scale=(0.84, 1.0))
_INDOORS = (room, backdrop, table, foliage)
_OUTDOORS = (meadow, backdrop, foliage, room)

LEAVES = (
    Leaf("n02123045", "tabby", tabby, _INDOORS, _SITTING),
    Leaf("n02123394", "Persian cat", persian, _INDOORS, _SITTING),
    Leaf("n02123597", "Siamese cat", siamese, _INDOORS, _SITTING),
    Leaf("n02123242", "tortoiseshell", tortoiseshell, _INDOORS, _SITTING),
    Leaf("n02129165", "lion", lion, (plain, foliage), _SITTING),
    Leaf("n02110341", "dalmatian", dalmatian, _OUTDOORS, _SITTING),
    Leaf("n02110958", "pug", pug, _OUTDOORS, _SITTING),
    Leaf("n02106662", "German shepherd", german_shepherd, _OUTDOORS, _SITTING),
    Leaf("n02110185", "Siberian husky", husky, (snow, *_OUTDOORS), _SITTING),
    Leaf("n02099601", "golden retriever", golden_retriever, _OUTDOORS, _SITTING),
)
