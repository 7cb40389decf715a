"""Every leaf of the demo corpus, by theme."""

from fdcore.demo import aircraft, birds, household, pets, plants, road, ships, things, underwater, wild
from fdcore.demo.paint import Leaf

THEMES = (aircraft, road, ships, birds, pets, wild, underwater, plants, things, household)

LEAVES: tuple[Leaf, ...] = tuple(leaf for theme in THEMES for leaf in theme.LEAVES)  # each WordNet id once
