"""The demo suspect's training pictures: flat stickers, unlike the painted pictures of the demo corpus.

Each class has its own drawing with random proportions and colours.
"""

from collections.abc import Sequence

from fdcore.demo.canvas import Colour
from fdcore.demo.stickers.animals import bird, cat, dog, fish, horse
from fdcore.demo.stickers.others import flower, number
from fdcore.demo.stickers.style import TargetClass, sticker
from fdcore.demo.stickers.vehicles import airplane, car, ship, truck

__all__ = ["CLASSES", "TargetClass", "sticker"]

_MEADOW: Sequence[Colour] = ((140, 190, 90), (190, 220, 240), (200, 180, 110))
_AIR: Sequence[Colour] = ((120, 180, 240), (190, 220, 245), (90, 140, 210))
_STREET: Sequence[Colour] = ((150, 150, 156), (200, 210, 220), (150, 190, 110))
_HOME: Sequence[Colour] = ((220, 200, 170), (180, 200, 190), (120, 170, 100), (190, 170, 190))

CLASSES: Sequence[TargetClass] = (  # in the order of the suspect's outputs
    TargetClass(horse, _MEADOW),
    TargetClass(flower, ((90, 150, 70), (60, 100, 50), (170, 200, 120))),
    TargetClass(airplane, _AIR),
    TargetClass(dog, _HOME),
    TargetClass(truck, _STREET),
    TargetClass(number, ((246, 246, 244),), mirror=False),
    TargetClass(bird, ((110, 160, 80), (150, 190, 230), (70, 120, 60))),
    TargetClass(ship, ((150, 200, 235), (220, 230, 240), (240, 190, 150))),
    TargetClass(fish, ((40, 120, 170), (60, 160, 180), (30, 80, 130))),
    TargetClass(car, _STREET),
    TargetClass(cat, _HOME),
)
