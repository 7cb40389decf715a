"""On the road: six cars and five trucks, seen from the side."""

from collections.abc import Sequence

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Points, Pose, Rng, blend, path, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import meadow, plain, road, yard

_GLASS: Colour = (74, 96, 116)
_TYRE: Colour = (28, 28, 30)
_LAMP: Colour = (252, 240, 190)
_PAINTS: tuple[Colour, ...] = (
    (186, 36, 40), (34, 78, 156), (226, 226, 224), (40, 44, 52), (150, 156, 164), (36, 110, 82), (222, 186, 70),
)  # fmt: skip


def _wheel(pen: Pen, x: float, y: float, radius: float, hub: Colour = (176, 178, 182)) -> None:
    pen.disc(x, y, radius, _TYRE)
    pen.disc(x, y, radius * 0.55, hub)
    pen.disc(x, y, radius * 0.2, shade(hub, 0.5))


def _car(pen: Pen, body: Points, glass: Sequence[Points], paint: Colour) -> None:
    """Body, windows, sill, lamps and wheels of a car whose nose is on the left."""
    pen.blob(body, paint)
    for window in glass:
        pen.polygon(window, _GLASS)
    pen.polygon([(-0.9, 0.34), (0.9, 0.34), (0.86, 0.4), (-0.86, 0.4)], shade(paint, 0.7))
    pen.stroke([(0.02, -0.04), (0.02, 0.28)], 0.03, shade(paint, 0.6))
    pen.stroke([(0.1, 0.06), (0.2, 0.06)], 0.04, shade(paint, 0.5))
    pen.ellipse(-0.87, 0.1, 0.06, 0.06, _LAMP)
    pen.ellipse(0.91, 0.1, 0.04, 0.07, (210, 40, 36))
    for x in (-0.54, 0.54):
        pen.disc(x, 0.38, 0.23, shade(paint, 0.6))
        _wheel(pen, x, 0.4, 0.2)


def convertible(pen: Pen, rng: Rng) -> None:
    """No roof: a raked windscreen, seats, and often a driver."""
    paint = pick(rng, ((198, 34, 42), (30, 110, 176), (240, 236, 226), (238, 190, 52), (110, 196, 190)))
    seat = pick(rng, ((226, 210, 180), (120, 60, 44), (230, 226, 220)))
    for x in (0.12, 0.48):
        pen.blob([(x, 0.0), (x + 0.02, -0.28), (x + 0.16, -0.26), (x + 0.18, 0.0)], seat)
    if rng.random() < 0.7:
        pen.disc(0.06, -0.36, 0.12, pick(rng, ((232, 190, 156), (150, 100, 70))))
        pen.blob([(-0.08, 0.0), (-0.04, -0.24), (0.16, -0.24), (0.2, 0.0)], pick(rng, _PAINTS))
        pen.ellipse(0.08, -0.44, 0.13, 0.07, pick(rng, ((60, 40, 30), (196, 150, 80), (30, 28, 30))))
    pen.polygon([(-0.28, -0.02), (-0.08, -0.44), (-0.02, -0.44), (-0.16, -0.02)], (168, 204, 220))
    pen.stroke([(-0.28, -0.02), (-0.06, -0.45)], 0.05, (60, 64, 70))
    body = path("-0.96,0.2 -0.88,0.02 -0.3,-0.08 0.2,-0.02 0.6,-0.1 0.94,-0.06 0.97,0.24 0.8,0.38 -0.86,0.38")
    _car(pen, body, (), paint)


def sports_car(pen: Pen, rng: Rng) -> None:
    """Low wedge with a spoiler and a stripe."""
    paint = pick(rng, ((214, 30, 34), (244, 196, 30), (240, 116, 26), (28, 98, 196), (48, 160, 70)))
    pen.stroke([(0.82, -0.02), (0.84, -0.16)], 0.05, shade(paint, 0.5))
    pen.polygon([(0.7, -0.2), (0.99, -0.18), (0.98, -0.11), (0.72, -0.13)], shade(paint, 0.75))
    body = path("-0.99,0.3 -0.9,0.16 -0.4,0 -0.06,-0.26 0.3,-0.3 0.62,-0.1 0.94,-0.04 0.97,0.3 0.7,0.4 -0.8,0.4")
    windows = [
        [(-0.26, 0.0), (-0.04, -0.2), (0.1, -0.22), (0.1, 0.0)],
        [(0.15, 0.0), (0.15, -0.22), (0.3, -0.22), (0.48, -0.04)],
    ]
    _car(pen, body, windows, paint)
    pen.polygon(
        [(-0.96, 0.2), (0.96, 0.1), (0.96, 0.17), (-0.96, 0.27)], shade(paint, 1.5) if rng.random() < 0.5 else WHITE
    )


def beach_wagon(pen: Pen, rng: Rng) -> None:
    """A long roof that reaches the back, three side windows, a rack and often wooden sides."""
    paint = pick(rng, ((60, 104, 92), (44, 80, 130), (206, 196, 172), (140, 44, 44), (110, 150, 170)))
    body = path(
        "-0.95,0.26 -0.93,0.02 -0.5,-0.04 -0.34,-0.34 -0.08,-0.4 0.78,-0.39 0.93,-0.1 0.97,0.28 0.84,0.38 -0.86,0.38"
    )
    windows = [
        [(-0.42, -0.04), (-0.27, -0.3), (-0.06, -0.31), (-0.06, -0.04)],
        [(0.0, -0.04), (0.0, -0.31), (0.34, -0.31), (0.34, -0.04)],
        [(0.41, -0.04), (0.41, -0.31), (0.74, -0.29), (0.84, -0.06)],
    ]
    pen.stroke([(-0.16, -0.48), (0.72, -0.48)], 0.05, (84, 80, 78))
    for x in (-0.12, 0.26, 0.66):
        pen.stroke([(x, -0.48), (x, -0.38)], 0.04, (84, 80, 78))
    _car(pen, body, windows, paint)
    if rng.random() < 0.75:
        pen.rect(-0.26, 0.04, 0.9, 0.24, (168, 116, 66))
        pen.stroke([(-0.26, 0.14), (0.9, 0.14)], 0.03, (116, 74, 42))
    if rng.random() < 0.4:
        pen.rect(0.0, -0.6, 0.5, -0.49, pick(rng, _PAINTS))


def minivan(pen: Pen, rng: Rng) -> None:
    """One tall box with a short sloping nose and large windows."""
    paint = pick(rng, ((150, 40, 50), (70, 96, 140), (200, 204, 208), (92, 100, 84), (178, 160, 126)))
    body = path(
        "-0.95,0.28 -0.92,0.06 -0.66,-0.1 -0.32,-0.56 0.1,-0.62 0.84,-0.58 0.94,-0.2 0.96,0.3 0.84,0.4 -0.86,0.4"
    )
    windows = [
        [(-0.56, -0.1), (-0.28, -0.48), (-0.14, -0.5), (-0.14, -0.1)],
        [(-0.07, -0.1), (-0.07, -0.51), (0.36, -0.52), (0.36, -0.1)],
        [(0.43, -0.1), (0.43, -0.52), (0.8, -0.48), (0.88, -0.12)],
    ]
    _car(pen, body, windows, paint)
    pen.stroke([(-0.04, 0.0), (0.8, 0.0)], 0.035, shade(paint, 0.6))
    pen.stroke([(0.4, -0.08), (0.4, 0.28)], 0.03, shade(paint, 0.6))


def jeep(pen: Pen, rng: Rng) -> None:
    """Square and upright, a canvas top, big wheels, the spare wheel behind."""
    paint = pick(rng, ((92, 102, 62), (166, 142, 96), (120, 52, 40), (62, 74, 70)))
    canvas = pick(rng, ((62, 58, 50), (190, 172, 134), (84, 88, 70)))
    pen.disc(0.92, -0.02, 0.22, _TYRE)
    pen.rect(-0.26, -0.6, 0.78, -0.46, canvas)
    pen.rect(0.36, -0.56, 0.78, 0.0, canvas)
    pen.polygon([(-0.3, -0.02), (-0.22, -0.56), (-0.14, -0.56), (-0.18, -0.02)], (70, 74, 70))
    pen.stroke([(0.32, -0.5), (0.32, 0.0)], 0.05, (50, 50, 48))
    if rng.random() < 0.6:
        pen.disc(0.1, -0.26, 0.11, (214, 170, 136))
        pen.rect(-0.02, -0.16, 0.24, 0.0, pick(rng, _PAINTS))
    pen.polygon(
        path("-0.9,-0.06 -0.26,-0.1 -0.1,0.04 0.34,0.04 0.4,-0.08 0.84,-0.08 0.84,0.34 -0.9,0.34"),
        paint,
    )
    pen.rect(-0.97, -0.02, -0.88, 0.3, shade(paint, 0.6))
    pen.disc(-0.88, 0.06, 0.07, _LAMP)
    pen.disc(0.1, 0.18, 0.08, shade(paint, 1.5))
    pen.rect(-1.0, 0.26, -0.8, 0.34, (60, 60, 58))
    for x in (-0.52, 0.52):
        pen.disc(x, 0.32, 0.31, shade(paint, 0.4))
        _wheel(pen, x, 0.36, 0.27, (150, 150, 140))


def cab(pen: Pen, rng: Rng) -> None:
    """A yellow saloon with a chequered band and a sign on the roof."""
    paint = vary(rng, (246, 196, 28), 12)
    pen.rect(-0.1, -0.62, 0.28, -0.46, WHITE)
    pen.rect(-0.06, -0.58, 0.24, -0.51, (60, 56, 40))
    body = path(
        "-0.96,0.22 -0.92,0 -0.5,-0.06 -0.3,-0.42 0,-0.48 0.3,-0.44 0.58,-0.08 0.93,-0.02 "
        "0.96,0.26 0.84,0.38 -0.86,0.38"
    )
    windows = [
        [(-0.4, -0.05), (-0.24, -0.36), (-0.02, -0.39), (-0.02, -0.05)],
        [(0.06, -0.05), (0.06, -0.39), (0.26, -0.36), (0.46, -0.07)],
    ]
    _car(pen, body, windows, paint)
    for i in range(14):
        x, y = -0.84 + i * 0.12, 0.08 if i % 2 else 0.15
        pen.rect(x, y, x + 0.12, y + 0.07, BLACK)


def _truck_cab(pen: Pen, paint: Colour, *, left: float, right: float, top: float) -> None:
    """A flat-fronted driver's cab between two heights, with door, window, lamp and bumper."""
    nose = left + 0.08
    pen.polygon([(left, 0.3), (left, -0.02), (nose, top), (right, top), (right, 0.3)], paint)
    pen.polygon(
        [(left + 0.07, -0.04), (nose + 0.05, top + 0.08), (right - 0.1, top + 0.08), (right - 0.1, -0.04)], _GLASS
    )
    pen.stroke([(right - 0.04, top + 0.1), (right - 0.04, 0.26)], 0.03, shade(paint, 0.6))
    pen.rect(left - 0.03, 0.26, right, 0.36, shade(paint, 0.45))
    pen.disc(left + 0.05, 0.16, 0.06, _LAMP)


def fire_engine(pen: Pen, rng: Rng) -> None:
    """Red, with a ladder on the roof, lockers, a white band and blue lights."""
    red = vary(rng, (204, 28, 30), 14)
    pen.rect(-0.4, -0.34, 0.96, 0.32, red)
    _truck_cab(pen, red, left=-0.96, right=-0.36, top=-0.44)
    pen.rect(-0.8, -0.56, -0.6, -0.44, (60, 120, 240))
    for y in (-0.6, -0.44):
        pen.stroke([(-0.4, y + 0.04), (1.0, y)], 0.05, (214, 214, 210))
    for i in range(8):
        x = -0.34 + i * 0.18
        pen.stroke([(x, -0.58), (x, -0.42)], 0.04, (214, 214, 210))
    for i in range(4):
        pen.rect(-0.28 + i * 0.31, -0.24, -0.04 + i * 0.31, 0.02, pick(rng, ((190, 194, 198), (150, 156, 160)), 8))
    pen.rect(-0.94, 0.08, 0.96, 0.17, WHITE)
    pen.rect(-0.4, 0.28, 0.96, 0.36, (70, 24, 24))
    for x in (-0.66, 0.3, 0.72):
        _wheel(pen, x, 0.4, 0.21)


def tow_truck(pen: Pen, rng: Rng) -> None:
    """A cab, a low bed and a crane arm with a hook."""
    paint = pick(rng, ((232, 160, 30), (40, 96, 170), (220, 220, 216), (60, 130, 80)))
    arm = pick(rng, ((50, 50, 54), (220, 60, 40), (240, 200, 60)))
    pen.rect(-0.4, 0.06, 0.9, 0.32, shade(paint, 0.85))
    pen.polygon([(-0.14, 0.08), (-0.08, -0.24), (0.1, -0.24), (0.3, 0.08)], shade(arm, 0.8))
    pen.stroke([(-0.06, -0.04), (0.9, -0.66)], 0.13, arm)
    pen.stroke([(0.26, 0.08), (0.5, -0.38)], 0.07, shade(arm, 0.7))
    pen.stroke([(0.88, -0.64), (0.9, -0.1)], 0.04, (50, 50, 50))
    pen.curve([(0.9, -0.14), (0.98, -0.04), (0.9, 0.04), (0.82, -0.02)], 0.06, (50, 50, 50))
    _truck_cab(pen, paint, left=-0.96, right=-0.36, top=-0.46)
    pen.rect(-0.76, -0.58, -0.52, -0.46, (250, 150, 30))
    pen.rect(-0.98, 0.27, 0.92, 0.36, shade(paint, 0.4))
    for x in (-0.6, 0.46):
        _wheel(pen, x, 0.4, 0.22)


def trailer_truck(pen: Pen, rng: Rng) -> None:
    """A tractor with a long box behind it on many wheels."""
    paint, box = (
        pick(rng, _PAINTS),
        pick(rng, ((232, 232, 228), (200, 206, 212), (60, 110, 170), (206, 170, 90), (170, 60, 56))),
    )
    pen.rect(-0.44, -0.58, 0.98, 0.2, box)
    for i in range(7):
        pen.stroke([(-0.3 + i * 0.2, -0.54), (-0.3 + i * 0.2, 0.16)], 0.025, shade(box, 0.86))
    if rng.random() < 0.7:
        pen.rect(-0.2, -0.34, 0.8, -0.08, pick(rng, ((190, 40, 44), (30, 80, 160), (240, 200, 60), (40, 120, 80))))
    pen.rect(-0.44, 0.2, 0.98, 0.28, (54, 54, 58))
    pen.polygon([(-0.98, 0.3), (-0.98, 0.0), (-0.84, -0.06), (-0.78, -0.44), (-0.5, -0.48), (-0.5, 0.3)], paint)
    pen.polygon([(-0.82, -0.06), (-0.74, -0.36), (-0.57, -0.38), (-0.57, -0.06)], _GLASS)
    pen.stroke([(-0.48, -0.66), (-0.48, 0.1)], 0.05, (150, 150, 154))
    pen.rect(-1.0, 0.26, -0.4, 0.34, shade(paint, 0.5))
    pen.disc(-0.94, 0.14, 0.05, _LAMP)
    for x in (-0.8, -0.4, 0.38, 0.62, 0.86):
        _wheel(pen, x, 0.42, 0.15)


def dump_truck(pen: Pen, rng: Rng) -> None:
    """A heavy yellow cab and an open body, sometimes tipped, with earth in it."""
    paint = pick(rng, ((238, 176, 30), (226, 120, 36), (70, 120, 90), (222, 190, 60)))
    tip, earth = (0.32 if rng.random() < 0.4 else 0.0), pick(rng, ((116, 84, 54), (140, 130, 118), (92, 76, 60)))
    pen.rect(-0.9, 0.2, 0.9, 0.34, (56, 54, 52))
    heap = [(-0.3, -0.3 - tip), (0.0, -0.56 - tip), (0.4, -0.6 - tip * 0.6), (0.86, -0.32), (0.3, -0.2)]
    pen.blob(heap, earth)
    pen.polygon([(-0.42, -0.34 - tip), (0.98, -0.34), (0.82, 0.2), (-0.24, 0.2 - tip)], shade(paint, 0.92))
    for i in range(4):
        x = -0.1 + i * 0.26
        pen.stroke([(x, -0.3 - tip * (0.8 - i * 0.2)), (x, 0.14 - tip * (0.7 - i * 0.2))], 0.05, shade(paint, 0.7))
    if tip:
        pen.stroke([(-0.1, 0.2), (0.0, -0.1)], 0.07, (120, 120, 124))
    _truck_cab(pen, paint, left=-0.96, right=-0.42, top=-0.4)
    for x in (-0.64, 0.26, 0.7):
        _wheel(pen, x, 0.38, 0.25, blend(paint, (90, 90, 90), 0.5))


def garbage_truck(pen: Pen, rng: Rng) -> None:
    """A cab, a rounded closed body and a hopper with refuse behind."""
    paint = pick(rng, ((58, 128, 70), (230, 230, 224), (236, 130, 36), (70, 130, 160)))
    body = pick(rng, ((66, 140, 80), (120, 160, 90), (180, 184, 180), (222, 120, 44)))
    pen.blob([(-0.4, -0.5), (0.0, -0.58), (0.44, -0.54), (0.56, -0.1), (0.5, 0.28), (-0.4, 0.28)], body)
    for x in (-0.2, 0.02, 0.24):
        pen.curve([(x, -0.5), (x + 0.02, -0.1), (x, 0.24)], 0.04, shade(body, 0.7))
    pen.polygon([(0.46, -0.54), (0.72, -0.5), (0.98, -0.04), (0.94, 0.3), (0.46, 0.3)], shade(body, 0.72))
    pen.polygon([(0.66, -0.16), (0.84, -0.18), (0.93, 0.04), (0.9, 0.12), (0.66, 0.12)], (36, 36, 34))
    for x, y in ((0.72, 0.06), (0.82, 0.0), (0.86, 0.1)):
        pen.disc(x, y, 0.07, pick(rng, ((30, 34, 40), (200, 196, 180), (70, 90, 160))))
    _truck_cab(pen, paint, left=-0.96, right=-0.42, top=-0.38)
    pen.rect(-0.44, 0.24, 0.92, 0.34, (52, 52, 52))
    pen.rect(-0.34, -0.1, 0.36, 0.06, WHITE)
    for x in (-0.68, 0.1, 0.5):
        _wheel(pen, x, 0.4, 0.21)


_DRIVING = Pose(turn=5, scale=(0.86, 1.02), keystone=0.14)
_ROADS = (road, road, meadow, plain)
_SITES = (road, yard, road)

LEAVES = (
    Leaf("n03100240", "convertible", convertible, _ROADS, _DRIVING, floor=0.6),
    Leaf("n04285008", "sports car", sports_car, _ROADS, _DRIVING, floor=0.6),
    Leaf("n02814533", "beach wagon", beach_wagon, _ROADS, _DRIVING, floor=0.6),
    Leaf("n03770679", "minivan", minivan, _ROADS, _DRIVING, floor=0.6),
    Leaf("n03594945", "jeep", jeep, (road, yard, meadow, plain), _DRIVING, floor=0.62),
    Leaf("n02930766", "cab", cab, (road,), _DRIVING, floor=0.6),
    Leaf("n03345487", "fire engine", fire_engine, _SITES, _DRIVING, floor=0.6),
    Leaf("n04461696", "tow truck", tow_truck, _SITES, _DRIVING, floor=0.6),
    Leaf("n04467665", "trailer truck", trailer_truck, (road, road, plain), _DRIVING, floor=0.57),
    Leaf("n03256166", "dump truck", dump_truck, _SITES, _DRIVING, floor=0.62),
    Leaf("n03417042", "garbage truck", garbage_truck, _SITES, _DRIVING, floor=0.6),
)
