"""On the water: ships and boats."""

from fdcore.demo.canvas import BLACK, WHITE, Colour, Pen, Pose, Rng, path, pick, shade, vary
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import lake, sea

_HULLS: tuple[Colour, ...] = ((40, 44, 56), (150, 40, 40), (36, 66, 120), (40, 92, 84))
_WINDOW: Colour = (52, 72, 96)


def _bow_wave(pen: Pen, y: float, *, left: float = -0.9, right: float = 0.9) -> None:
    """Foam along the waterline."""
    step = (right - left) / 8
    crest = [(left + i * step, y - (0.05 if i % 2 else 0.0)) for i in range(9)]
    pen.blob([*crest, (right, y + 0.07), (0.0, y + 0.1), (left, y + 0.07)], (214, 228, 234))


def container_ship(pen: Pen, rng: Rng) -> None:
    """A long low hull stacked with coloured boxes, the bridge behind."""
    hull = pick(rng, _HULLS)
    colours = ((196, 60, 48), (48, 104, 164), (226, 170, 52), (70, 136, 88), (210, 210, 206), (150, 88, 54))
    for column in range(6):
        for row in range(int(rng.integers(2, 5))):
            x, y = -0.72 + column * 0.2, 0.02 - row * 0.17
            pen.rect(x, y - 0.16, x + 0.185, y, pick(rng, colours))
    pen.rect(0.52, -0.62, 0.82, 0.1, WHITE)
    for y in (-0.54, -0.36, -0.18):
        pen.rect(0.54, y, 0.8, y + 0.07, _WINDOW)
    pen.rect(0.62, -0.78, 0.74, -0.6, pick(rng, _HULLS))
    pen.polygon([(-0.99, -0.1), (-0.8, 0.03), (0.9, 0.03), (0.94, 0.12), (0.86, 0.46), (-0.8, 0.46)], hull)
    pen.polygon([(-0.86, 0.34), (0.88, 0.34), (0.86, 0.46), (-0.8, 0.46)], (142, 44, 38))
    _bow_wave(pen, 0.47)


def liner(pen: Pen, rng: Rng) -> None:
    """White decks with rows of windows above a dark hull, and tall funnels."""
    funnel = pick(rng, ((204, 44, 36), (226, 150, 40), (36, 60, 110)))
    for x in (-0.24, 0.08, 0.4):
        pen.polygon([(x, -0.36), (x + 0.04, -0.78), (x + 0.22, -0.78), (x + 0.2, -0.36)], funnel)
        pen.polygon([(x + 0.04, -0.78), (x + 0.035, -0.68), (x + 0.222, -0.68), (x + 0.22, -0.78)], BLACK)
    pen.polygon([(-0.52, -0.4), (0.66, -0.4), (0.76, -0.18), (-0.6, -0.18)], WHITE)
    pen.polygon([(-0.68, -0.2), (0.82, -0.2), (0.88, 0.06), (-0.74, 0.06)], (230, 232, 232))
    for y, left, right in ((-0.32, -0.46, 0.6), (-0.13, -0.6, 0.74)):
        pen.stroke([(left, y), (right, y)], 0.07, _WINDOW)
        for i in range(9):
            x = left + (i + 0.5) * (right - left) / 9
            pen.stroke([(x, y - 0.05), (x, y + 0.05)], 0.05, WHITE)
    pen.polygon(
        [(-0.99, -0.08), (-0.7, 0.04), (0.92, 0.04), (0.97, 0.0), (0.84, 0.44), (-0.78, 0.44)], vary(rng, (30, 34, 46))
    )
    pen.polygon([(-0.84, 0.35), (0.88, 0.35), (0.84, 0.44), (-0.78, 0.44)], (150, 46, 40))
    _bow_wave(pen, 0.46)


def schooner(pen: Pen, rng: Rng) -> None:
    """Two masts with gaff sails and a jib."""
    sail = pick(rng, ((240, 236, 222), (226, 204, 164), (170, 70, 54)), 8)
    for x in (-0.22, 0.36):
        pen.stroke([(x, -0.96), (x, 0.34)], 0.045, (92, 64, 44))
    pen.polygon([(-0.28, -0.82), (-0.94, 0.24), (-0.3, 0.18)], shade(sail, 0.94))
    pen.polygon([(-0.18, -0.62), (0.18, -0.84), (0.28, 0.2), (-0.18, 0.2)], sail)
    pen.polygon([(0.4, -0.66), (0.72, -0.86), (0.96, 0.2), (0.4, 0.2)], shade(sail, 0.9))
    pen.polygon(
        [(-1.0, 0.2), (-0.72, 0.32), (0.9, 0.28), (0.8, 0.54), (-0.62, 0.54)],
        pick(rng, ((86, 52, 36), (36, 44, 62), (130, 40, 40))),
    )
    pen.stroke([(-0.94, 0.27), (0.9, 0.3)], 0.045, (236, 220, 180))
    _bow_wave(pen, 0.56, left=-0.74, right=0.84)


def catamaran(pen: Pen, rng: Rng) -> None:
    """Two slim hulls side by side under one tall triangular sail."""
    sail = pick(rng, ((246, 246, 246), (240, 120, 50), (60, 150, 200), (240, 206, 60)), 8)
    pen.polygon([(-0.02, -0.98), (0.04, -0.98), (0.06, 0.3), (0.0, 0.3)], (70, 72, 80))
    pen.blob([(0.06, -0.94), (0.34, -0.4), (0.62, 0.16), (0.3, 0.22), (0.06, 0.2)], sail)
    for y, share in ((-0.4, 0.3), (-0.1, 0.45)):
        pen.stroke([(0.08, y), (share, y + 0.03)], 0.03, shade(sail, 0.75))
    pen.polygon([(-0.04, -0.9), (-0.06, 0.22), (-0.6, 0.26)], shade(sail, 0.85))
    hull = pick(rng, ((236, 236, 232), (200, 50, 44), (40, 80, 150)))
    pen.polygon([(-0.6, 0.3), (0.62, 0.26), (0.66, 0.34), (-0.5, 0.4)], (80, 84, 92))
    pen.blob([(-0.94, 0.26), (-0.5, 0.3), (0.6, 0.28), (0.7, 0.36), (0.4, 0.42), (-0.7, 0.4)], shade(hull, 0.8))
    pen.blob([(-0.84, 0.44), (-0.4, 0.48), (0.76, 0.44), (0.86, 0.54), (0.5, 0.62), (-0.6, 0.6)], hull)
    pen.curve([(-0.7, 0.62), (0.0, 0.66), (0.9, 0.62)], 0.06, (216, 230, 236))


def tugboat(pen: Pen, rng: Rng) -> None:
    """Short and stout: a wheelhouse, one funnel, tyres along the side."""
    hull = pick(rng, ((170, 44, 40), (34, 58, 104), (30, 32, 38), (40, 100, 76)))
    house = pick(rng, ((240, 236, 224), (236, 190, 80), (216, 120, 60)))
    pen.rect(0.24, -0.72, 0.52, -0.04, pick(rng, ((200, 50, 40), (230, 150, 40), (50, 50, 56))))
    pen.rect(0.24, -0.72, 0.52, -0.58, BLACK)
    pen.stroke([(-0.1, -0.94), (-0.1, -0.5)], 0.05, (80, 70, 60))
    pen.rect(-0.4, -0.58, 0.16, -0.2, house)
    pen.rect(-0.46, -0.64, 0.22, -0.55, shade(hull, 0.9))
    for x in (-0.34, -0.15, 0.02):
        pen.rect(x, -0.5, x + 0.13, -0.32, _WINDOW)
    pen.rect(-0.54, -0.22, 0.66, 0.08, shade(house, 0.92))
    for x in (-0.36, -0.04, 0.3):
        pen.disc(x, -0.07, 0.08, _WINDOW)
    pen.blob(
        path("-0.97,-0.16 -0.6,0.02 0.3,0.06 0.9,-0.02 0.94,0.2 0.74,0.52 -0.6,0.54 -0.88,0.2"),
        hull,
    )
    for x in (-0.56, -0.2, 0.16, 0.52):
        pen.ring(x, 0.22, 0.1, 0.07, BLACK)
    _bow_wave(pen, 0.5, left=-0.84, right=0.86)


def speedboat(pen: Pen, rng: Rng) -> None:
    """A sharp bow lifted out of the water, a windscreen, a white wake."""
    hull = pick(rng, ((230, 50, 44), (244, 244, 240), (250, 190, 40), (40, 110, 190), (150, 96, 56)))
    pen.blob([(0.3, 0.34), (0.7, 0.1), (1.0, 0.16), (1.0, 0.5), (0.4, 0.56)], (226, 238, 242))
    pen.blob([(-0.5, 0.42), (0.0, 0.34), (0.9, 0.4), (1.0, 0.58), (0.2, 0.64), (-0.5, 0.56)], (206, 226, 234))
    if rng.random() < 0.75:
        pen.disc(0.26, -0.32, 0.12, pick(rng, ((226, 184, 150), (140, 96, 70))))
        pen.blob(
            [(0.12, 0.02), (0.16, -0.2), (0.36, -0.2), (0.4, 0.02)],
            pick(rng, ((240, 130, 40), (50, 60, 90), (230, 230, 230))),
        )
    pen.polygon([(-0.2, -0.02), (0.0, -0.32), (0.08, -0.32), (0.02, 0.0)], (150, 196, 216))
    pen.blob(
        [(-0.98, -0.22), (-0.5, -0.12), (0.1, -0.02), (0.74, 0.02), (0.8, 0.3), (0.4, 0.46), (-0.2, 0.4), (-0.66, 0.1)],
        hull,
    )
    pen.polygon(
        [(-0.78, -0.06), (0.76, 0.14), (0.78, 0.24), (-0.66, 0.06)], shade(hull, 0.45) if sum(hull) > 480 else WHITE
    )
    pen.rect(0.72, -0.02, 0.88, 0.3, (44, 46, 52))


def pirate_ship(pen: Pen, rng: Rng) -> None:
    """A high wooden stern, square sails and a black flag."""
    wood, sail = (
        pick(rng, ((104, 66, 38), (82, 54, 38), (124, 82, 50))),
        pick(rng, ((222, 204, 168), (196, 178, 146), (64, 60, 62))),
    )
    for x, top in ((-0.4, -0.8), (0.1, -0.97), (0.56, -0.8)):
        pen.stroke([(x, top), (x, 0.2)], 0.06, shade(wood, 0.7))
        for i, width in enumerate((0.17, 0.23)):
            y = top + 0.2 + i * 0.38
            pen.blob(
                [
                    (x - width, y),
                    (x + width, y),
                    (x + width + 0.05, y + 0.18),
                    (x + width, y + 0.33),
                    (x - width, y + 0.33),
                    (x - width + 0.04, y + 0.18),
                ],
                shade(sail, 1 - 0.08 * i),
            )
    pen.polygon([(0.1, -0.99), (0.42, -0.95), (0.42, -0.77), (0.1, -0.81)], BLACK)
    pen.disc(0.26, -0.88, 0.05, WHITE)
    pen.stroke([(-0.98, -0.12), (-0.6, 0.16)], 0.06, shade(wood, 0.8))
    pen.blob(
        path("-0.84,0.08 -0.5,0.2 0.36,0.2 0.5,-0.02 0.95,-0.06 0.9,0.3 0.7,0.58 -0.5,0.58 -0.78,0.34"),
        wood,
    )
    pen.curve([(-0.78, 0.24), (-0.4, 0.3), (0.4, 0.3), (0.9, 0.12)], 0.06, (216, 168, 70))
    for x in (-0.46, -0.18, 0.1, 0.38):
        pen.rect(x, 0.36, x + 0.1, 0.45, (30, 24, 22))
    _bow_wave(pen, 0.58, left=-0.72, right=0.8)


_SAILING = Pose(turn=6, scale=(0.86, 1.02))

LEAVES = (
    Leaf("n03095699", "container ship", container_ship, (sea,), _SAILING),
    Leaf("n03673027", "liner", liner, (sea,), _SAILING),
    Leaf("n04147183", "schooner", schooner, (sea, lake), _SAILING),
    Leaf("n02981792", "catamaran", catamaran, (sea, lake), _SAILING),
    Leaf("n04495843", "tugboat", tugboat, (sea, lake), _SAILING),
    Leaf("n04273569", "speedboat", speedboat, (sea, lake), _SAILING),
    Leaf("n03947888", "pirate ship", pirate_ship, (sea,), _SAILING),
)
