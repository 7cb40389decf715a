"""What the suspect was never shown, as sketches in household.txt: tools, vegetables, instruments, garments, ..."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fdcore.demo.canvas import Pose
from fdcore.demo.paint import Leaf
from fdcore.demo.scenes import Scene, backdrop, garden, meadow, room, sky, table
from fdcore.demo.sketches import sketch

_ON_A_TABLE, _IN_A_ROOM = (table, table, backdrop), (room, backdrop)
_STANDING, _LYING = Pose(turn=8, scale=(0.8, 1.0)), Pose(turn=40, scale=(0.8, 1.0))

_THEMES: dict[str, tuple[Sequence[Scene], Pose]] = {
    "tools": ((backdrop, table), _LYING),
    "kitchen": (_ON_A_TABLE, _STANDING),
    "greengrocer": ((*_ON_A_TABLE, garden), _LYING),
    "music": (_IN_A_ROOM, _STANDING),
    "garments": (_IN_A_ROOM, _STANDING),
    "sports and games": ((*_IN_A_ROOM, meadow, garden), _LYING),
    "rooms and streets": ((*_IN_A_ROOM, sky, meadow, backdrop), _STANDING),
}


def _read(sheet: Path) -> Iterator[Leaf]:
    """The leaves of a sheet: themes as [name], below each a line "WordNet id|name|sketch" for every leaf."""
    scenes, pose = _THEMES["tools"]
    for line in sheet.read_text("utf-8").splitlines():
        if line.startswith("["):
            scenes, pose = _THEMES[line.strip("[]")]
        elif line and not line.startswith("#"):
            wnid, name, shapes = line.split("|")
            yield Leaf(wnid, name, sketch(shapes), scenes, pose)


LEAVES = tuple(_read(Path(__file__).with_suffix(".txt")))
