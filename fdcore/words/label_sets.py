"""Known label sets: the classes of public image data sets, each in the data set's own order.

data/label_sets.json contains only names and orders, which are facts. A class is written as its names, the label first,
separated by `|`, followed by ` @` and the WordNet node for the same thing, where there is one. Of several nodes with
the same name (television, mushroom, plate), the one that ImageNet uses is taken, because image corpora follow it. A set
may be another one in a different order (`classes_of`, `order`), with further classes in front (`in_front`), or a list
of nodes (`nodes`), whose names come from the shipped hierarchy.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import SettingsError

TABLE_FILE = "label_sets.json"
BY_NODE = "by node"  # an order: sorted by WordNet id


@dataclass(frozen=True)
class LabelSet:
    """The classes of one data set.

    Attributes:
        key: identity, such as "cifar10".
        name: for display, such as "CIFAR-10".
        about: what the pictures show and how the classes are ordered.
        names: per class, in the data set's order: the label, then other names.
        nodes: per class, the WordNet id of what it names; None where there is none.
        height, width: of the pictures as published, in pixels; None where it varies.
        channels: 1 for grey, 3 for colour.
    """

    key: str
    name: str
    about: str
    names: tuple[tuple[str, ...], ...]
    nodes: tuple[str | None, ...]
    height: int | None
    width: int | None
    channels: int

    def __len__(self) -> int:
        return len(self.names)


class _Class(NamedTuple):
    names: tuple[str, ...]
    node: str | None


@cache
def label_sets() -> tuple[LabelSet, ...]:
    """Every label set that ships with fdcore."""
    rows = json.loads(files("fdcore.words").joinpath("data", TABLE_FILE).read_text("utf-8"))
    known: dict[str, LabelSet] = {}
    for row in rows:
        classes = _classes(row, known)
        known[row["key"]] = LabelSet(
            key=row["key"],
            name=row["name"],
            about=row["about"],
            names=tuple(each.names for each in classes),
            nodes=tuple(each.node for each in classes),
            height=row["height"],
            width=row["width"],
            channels=row["channels"],
        )
    return tuple(known.values())


def label_set(key: str) -> LabelSet:
    """The label set with this key.

    Raises:
        SettingsError: there is none; the message suggests similar keys.
    """
    known = {each.key: each for each in label_sets()}
    if key not in known:
        close = difflib.get_close_matches(key.casefold(), known, n=3) or sorted(known)
        raise SettingsError(f"No label set has the key {key[:40]!r}. Try {', '.join(close)}.", key="label set unknown")
    return known[key]


def _classes(row: Mapping[str, Any], known: Mapping[str, LabelSet]) -> list[_Class]:
    """The classes of one row of the table, in its order."""
    if "classes" in row:
        return [_parse(text) for text in row["classes"]]
    if "nodes" in row:
        hierarchy = load_wordnet()
        return [_Class(hierarchy.synonyms(node), node) for line in row["nodes"] for node in line.split()]
    base = known[row["classes_of"]]
    classes = [_Class(*each) for each in zip(base.names, base.nodes, strict=True)]
    order = row.get("order", range(len(classes)))
    if order == BY_NODE:
        order = sorted(range(len(classes)), key=lambda i: classes[i].node or "")
    return [_parse(text) for text in row.get("in_front", ())] + [classes[i] for i in order]


def _parse(text: str) -> _Class:
    """A class as written in the table: `airplane|plane @n02691156`."""
    names, _, node = text.partition(" @")
    return _Class(tuple(names.split("|")), node or None)
