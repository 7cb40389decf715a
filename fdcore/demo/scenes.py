"""Backgrounds with depth, texture and clutter, as float pictures (SCENE, SCENE, 3) in 0..255."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from fdcore.demo.canvas import SCENE, Colour, Floats, Rng, pick, shade, vary

Scene = Callable[[Rng], Floats]

_ROWS = np.linspace(0, 1, SCENE, dtype=np.float32)[:, None, None]
_COLUMNS = np.linspace(0, 1, SCENE, dtype=np.float32)[None, :, None]

BLUE_SKIES: Sequence[tuple[Colour, Colour]] = (
    ((70, 130, 205), (176, 208, 234)),
    ((44, 98, 178), (140, 184, 226)),
    ((104, 156, 212), (206, 222, 234)),
)
OTHER_SKIES: Sequence[tuple[Colour, Colour]] = (
    ((140, 152, 168), (198, 204, 208)),
    ((74, 82, 132), (238, 164, 116)),
    ((112, 120, 136), (166, 172, 180)),
)
GREENS: Sequence[Colour] = ((74, 122, 52), (96, 138, 58), (58, 104, 56), (120, 142, 70))
WALLS: Sequence[Colour] = ((206, 194, 170), (172, 190, 196), (196, 168, 150), (178, 186, 158), (150, 160, 180))
WOODS: Sequence[Colour] = ((142, 98, 60), (110, 74, 46), (168, 126, 82), (96, 70, 52))
ASPHALTS: Sequence[Colour] = ((112, 112, 116), (94, 94, 100), (132, 128, 122))
SEAS: Sequence[Colour] = ((38, 92, 130), (52, 116, 140), (44, 78, 112), (66, 122, 136))


def noise(rng: Rng, rows: int, columns: int) -> Floats:
    """Smooth noise (SCENE, SCENE, 1), about -1 to 1, with `rows` by `columns` bumps."""
    coarse = Image.fromarray(rng.uniform(-1, 1, (rows, columns)).astype(np.float32))
    return np.asarray(coarse.resize((SCENE, SCENE), Image.Resampling.BICUBIC))[:, :, None]


def gradient(top: Colour, bottom: Colour) -> Floats:
    """A picture (SCENE, SCENE, 3) with a gradient from one colour at the top to another at the bottom."""
    rows = np.asarray(top, np.float32) * (1 - _ROWS) + np.asarray(bottom, np.float32) * _ROWS
    return np.repeat(rows, SCENE, axis=1)


def sky(rng: Rng) -> Floats:
    """Only sky: mostly blue with clouds, sometimes overcast or at dusk."""
    return _clouded(rng, BLUE_SKIES if rng.random() < 0.7 else OTHER_SKIES)


def high_sky(rng: Rng) -> Floats:
    """Sky over a strip of land far below."""
    return _ground(rng, sky(rng), rng.uniform(0.84, 0.95), pick(rng, GREENS), grain=(3, 10))


def runway(rng: Rng) -> Floats:
    """Tarmac in front of distant trees."""
    horizon = rng.uniform(0.55, 0.65)
    picture = _trees(rng, sky(rng), horizon, height=0.06)
    return _ground(rng, picture, horizon + 0.04, pick(rng, ASPHALTS), grain=(24, 6))


def road(rng: Rng) -> Floats:
    """Asphalt with a lane mark, in front of trees or houses."""
    horizon = rng.uniform(0.5, 0.62)
    behind = _houses if rng.random() < 0.5 else _trees
    picture = _ground(rng, behind(rng, sky(rng), horizon), horizon, pick(rng, ASPHALTS), grain=(14, 24))
    row, start = int(SCENE * rng.uniform(0.9, 0.95)), int(rng.integers(32))
    marked = (np.arange(SCENE) + start) % 32 < 18
    picture[row : row + 2, marked] += 60
    return picture


def yard(rng: Rng) -> Floats:
    """Earth or gravel, in front of trees or a hill."""
    horizon = rng.uniform(0.5, 0.62)
    picture = _trees(rng, sky(rng), horizon)
    return _ground(rng, picture, horizon, pick(rng, ((150, 124, 92), (170, 148, 112), (128, 118, 104))), grain=(20, 24))


def meadow(rng: Rng) -> Floats:
    """Grass in front of a line of trees."""
    horizon = rng.uniform(0.3, 0.5)
    return _ground(rng, _trees(rng, sky(rng), horizon), horizon, pick(rng, GREENS), grain=(26, 22))


def plain(rng: Rng) -> Floats:
    """Dry grass in front of distant hills."""
    horizon = rng.uniform(0.4, 0.55)
    picture = _trees(rng, sky(rng), horizon, height=0.08, colours=((134, 128, 92), (120, 126, 112)))
    return _ground(rng, picture, horizon, pick(rng, ((190, 164, 98), (172, 150, 92), (152, 148, 84))), grain=(26, 18))


def snow(rng: Rng) -> Floats:
    """Snow below a cold sky."""
    horizon = rng.uniform(0.4, 0.55)
    picture = _clouded(rng, (OTHER_SKIES[0], BLUE_SKIES[0], OTHER_SKIES[2]))
    picture = _trees(rng, picture, horizon, height=0.12, colours=((96, 118, 140), (122, 142, 162)))
    return _ground(rng, picture, horizon, (206, 214, 226), grain=(8, 6))


def sea(rng: Rng) -> Floats:
    """Open water up to the horizon."""
    horizon = rng.uniform(0.5, 0.62)
    picture = sky(rng)
    if rng.random() < 0.4:
        picture = _trees(rng, picture, horizon, height=0.1, colours=((96, 112, 118), (84, 104, 92)))
    return _water(rng, picture, horizon, pick(rng, SEAS))


def lake(rng: Rng) -> Floats:
    """Still water in front of a green bank."""
    horizon = rng.uniform(0.25, 0.4)
    return _water(
        rng, _trees(rng, sky(rng), horizon), horizon, pick(rng, ((60, 104, 112), (72, 112, 128), (78, 110, 92)))
    )


def pond(rng: Rng) -> Floats:
    """Dark green water, seen from above, with leaves on it."""
    picture = _mottled(rng, pick(rng, ((52, 78, 62), (62, 84, 58), (44, 72, 72))), 16, (5, 3))
    for _ in range(int(rng.integers(2, 5))):
        _spot(
            picture,
            rng.random(),
            rng.random(),
            rng.uniform(0.08, 0.2),
            pick(rng, ((98, 128, 62), (80, 116, 60))),
            hard=True,
        )
    return picture


def deep_water(rng: Rng) -> Floats:
    """Under water, lit from above: shafts of light, bubbles, no ground."""
    top, bottom = (((72, 160, 196), (14, 60, 112)), ((64, 150, 160), (16, 66, 84)), ((92, 170, 206), (30, 84, 140)))[
        int(rng.integers(3))
    ]
    picture = gradient(vary(rng, top), vary(rng, bottom))
    picture += 16 * noise(rng, 2, 7) * (1 - _ROWS)
    for _ in range(int(rng.integers(0, 5))):
        _spot(picture, rng.random(), rng.random(), 0.025, (200, 228, 236), hard=True)
    return picture


def reef(rng: Rng) -> Floats:
    """Under water above corals and stones."""
    picture = deep_water(rng)
    for _ in range(int(rng.integers(4, 8))):
        colour = pick(rng, ((150, 84, 96), (120, 110, 80), (88, 96, 110), (170, 120, 70), (86, 120, 84)))
        _spot(
            picture, rng.uniform(0, 1), rng.uniform(0.92, 1.1), rng.uniform(0.08, 0.2), shade(colour, 0.75), hard=True
        )
    return picture


def surface(rng: Rng) -> Floats:
    """Clear blue water seen from above, with glints."""
    picture = _mottled(rng, pick(rng, ((58, 128, 176), (70, 138, 190), (48, 112, 168))), 7, (4, 4))
    return picture + 14 * np.clip(noise(rng, 16, 12) - 0.45, 0, 1)


def foliage(rng: Rng) -> Floats:
    """Leaves out of focus."""
    return _bokeh(rng, pick(rng, GREENS), ((130, 160, 84), (54, 88, 44), (170, 186, 120), (90, 126, 70)))


def garden(rng: Rng) -> Floats:
    """Dark leaves and earth out of focus."""
    return _bokeh(rng, (56, 78, 44), ((78, 110, 58), (40, 62, 36), (94, 104, 64), (60, 92, 52)))


def backdrop(rng: Rng) -> Floats:
    """A wall out of focus in soft light."""
    colour = pick(rng, (*WALLS, (96, 108, 120), (120, 96, 84), (84, 104, 92)))
    picture = gradient(shade(colour, 1.1), shade(colour, 0.75)) + 8 * noise(rng, 3, 3)
    if rng.random() < 0.5:
        picture[:, : int(SCENE * rng.uniform(0.1, 0.3))] *= rng.uniform(0.75, 0.9)
    return picture


def card(rng: Rng) -> Floats:
    """Coloured card: plain, in two parts, striped or spotted."""
    first, second = (np.asarray(rng.uniform(20, 250, 3), np.float32) for _ in range(2))
    kind, lean, width = rng.integers(4), rng.uniform(-2, 2), rng.uniform(0.1, 0.3)
    picture = np.broadcast_to(first, (SCENE, SCENE, 3)) + 6 * noise(rng, 3, 3)
    if kind == 1:
        return np.where(rng.uniform(0.3, 0.85) <= _ROWS, second, picture)
    if kind == 2:
        return np.where((_COLUMNS + lean * _ROWS) % (2 * width) < width, second, picture)
    if kind == 3:
        red, green, blue = (int(part) for part in second)
        for _ in range(int(rng.integers(3, 9))):
            _spot(picture, rng.random(), rng.random(), rng.uniform(0.04, 0.2), (red, green, blue), hard=True)
    return picture


def room(rng: Rng) -> Floats:
    """A wall with something on it, and a floor."""
    colour = pick(rng, WALLS)
    picture = gradient(shade(colour, 0.95), shade(colour, 1.05)) + 5 * noise(rng, 3, 3)
    if rng.random() < 0.6:
        left, top = rng.integers(0, SCENE - 18), rng.integers(2, 14)
        frame, inside = shade(colour, 0.6), pick(rng, (*BLUE_SKIES[0], (150, 120, 96), (224, 216, 190)))
        _box(picture, left, top, left + 18, top + 15, frame)
        _box(picture, left + 2, top + 2, left + 16, top + 13, inside)
    return _ground(rng, picture, rng.uniform(0.66, 0.78), pick(rng, (*WOODS, (150, 140, 128))), grain=(14, 3))


def table(rng: Rng) -> Floats:
    """A table top in front of a wall out of focus."""
    return _ground(
        rng, backdrop(rng), rng.uniform(0.5, 0.66), pick(rng, (*WOODS, (176, 172, 166), (128, 140, 150))), grain=(18, 4)
    )


def _clouded(rng: Rng, palette: Sequence[tuple[Colour, Colour]]) -> Floats:
    top, bottom = palette[int(rng.integers(len(palette)))]
    picture = gradient(vary(rng, top), vary(rng, bottom))
    cover = np.clip(noise(rng, int(rng.integers(4, 9)), 3) - rng.uniform(-0.1, 0.6), 0, 1) * 1.1
    return picture + (240 - picture) * np.clip(cover, 0, 0.75)


def _ground(rng: Rng, picture: Floats, horizon: float, colour: Colour, *, grain: tuple[int, int]) -> Floats:
    """Add ground from the horizon (0 top, 1 bottom) to the lower edge, rougher towards the viewer."""
    depth = np.clip((_ROWS - horizon) / (1.001 - horizon), 0, 1)
    near = np.asarray(colour, np.float32) * (0.86 + 0.22 * depth) * (1 + 0.12 * noise(rng, *grain) * (0.4 + depth))
    return np.where(horizon <= _ROWS, near + 6 * noise(rng, 3, 3), picture)


def _water(rng: Rng, picture: Floats, horizon: float, colour: Colour) -> Floats:
    """Add water from the horizon to the lower edge: long waves with bright crests."""
    depth = np.clip((_ROWS - horizon) / (1.001 - horizon), 0, 1)
    waves = noise(rng, 22, 5)
    body = np.asarray(colour, np.float32) * (1.2 - 0.35 * depth) + 14 * waves + 40 * np.clip(waves - 0.55, 0, 1)
    return np.where(horizon <= _ROWS, body, picture)


def _trees(
    rng: Rng, picture: Floats, horizon: float, *, height: float = 0.2, colours: Sequence[Colour] = GREENS
) -> Floats:
    """Add a line of trees or hills above the horizon."""
    tops = horizon - height * (0.7 + 0.5 * noise(rng, 1, int(rng.integers(4, 10)))[:1])
    leaves = np.asarray(shade(pick(rng, colours), 0.78), np.float32) * (1 + 0.22 * noise(rng, 18, 18))
    return np.where(tops <= _ROWS, leaves, picture)


def _houses(rng: Rng, picture: Floats, horizon: float) -> Floats:
    """Add a row of houses with windows above the horizon."""
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    pencil = ImageDraw.Draw(image)
    left = -int(rng.integers(0, 10))
    while left < SCENE:
        width, top = int(rng.integers(12, 22)), int(SCENE * (horizon - rng.uniform(0.2, 0.45)))
        wall = pick(rng, ((168, 142, 122), (186, 178, 164), (142, 128, 124), (156, 160, 168)))
        pencil.rectangle((left, top, left + width, SCENE), fill=wall)
        for x in range(left + 3, left + width - 3, 5):
            for y in range(top + 3, int(SCENE * horizon) - 3, 6):
                pencil.rectangle((x, y, x + 1, y + 2), fill=shade(wall, 0.65))
        left += width + 1
    return np.asarray(image, np.float32)


def _mottled(rng: Rng, colour: Colour, amount: float, bumps: tuple[int, int]) -> Floats:
    rows, columns = bumps
    light = noise(rng, rows, columns) + 0.6 * noise(rng, rows * 3, columns * 3)
    return np.asarray(colour, np.float32) + amount * light


def _bokeh(rng: Rng, base: Colour, spots: Sequence[Colour]) -> Floats:
    picture = _mottled(rng, base, 10, (4, 4))
    for _ in range(int(rng.integers(5, 10))):
        _spot(picture, rng.random(), rng.random(), rng.uniform(0.06, 0.22), pick(rng, spots))
    return picture


def _spot(picture: Floats, x: float, y: float, radius: float, colour: Colour, *, hard: bool = False) -> None:
    """Add a round spot in place, with a soft or hard edge; x, y and radius are shares of the picture's size."""
    reach = 1.3 * radius if hard else 1.8 * radius
    left, right = (min(SCENE, max(0, int(SCENE * (x + side * reach)))) for side in (-1, 1))
    top, bottom = (min(SCENE, max(0, int(SCENE * (y + side * reach)))) for side in (-1, 1))
    squared = ((_COLUMNS[:, left:right] - x) ** 2 + (_ROWS[top:bottom] - y) ** 2) / radius**2
    cover = np.clip((1.2 - squared) * 4, 0, 1) if hard else 0.6 * np.clip(1 - squared / 3.2, 0, 1) ** 2
    part = picture[top:bottom, left:right]
    part += (np.asarray(colour, np.float32) - part) * cover


def _box(picture: Floats, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
    picture[top:bottom, left:right] = colour
