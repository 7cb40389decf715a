"""A first impression of an image folder, from the names in it."""

import itertools
import os
from pathlib import Path

from fdcore.corpus.classes import wnid_of
from fdcore.corpus.entering import is_split
from ui.text import counted, shortened

MAX_PROBED = 3_000


def first_look(folder: Path) -> str:
    """What a folder seems to hold, in a sentence; only reading the corpus settles it."""
    if folder.is_file():
        return "A tar archive, which is read like a folder."
    try:
        with os.scandir(folder) as entries:
            probed = list(itertools.islice(entries, MAX_PROBED))
    except OSError as error:
        return f"It cannot be read ({error.strerror})."
    more = "at least " if len(probed) == MAX_PROBED else ""
    names = sorted(entry.name for entry in probed if entry.is_dir() and not entry.name.startswith("."))
    n_files = len(probed) - len(names)
    n_known = sum(bool(wnid_of(name)) for name in names)
    if n_known:
        return f"{more}{counted(n_known, 'folder')} named by WordNet ids; each has its own place in the hierarchy."
    if "val_annotations.txt" in {entry.name for entry in probed}:
        return "Tiny ImageNet's validation images; a table names the node of each."
    if names and all(map(is_split, names)):
        return f"A data set in parts ({', '.join(names)}), which are read together."
    if names and all(name.isdecimal() for name in names):
        few = ", ".join(names[:3])
        return (
            f"{more}{counted(len(names), 'folder')} named by numbers ({few}{', …' if len(names) > 3 else ''}), which "
            "say nothing about the pictures. Once the corpus is read, they can be named here."
        )
    if names:
        few = ", ".join(shortened(name, 24) for name in names[:3])
        return (
            f"{more}{counted(len(names), 'folder')} named by words ({few}{', …' if len(names) > 3 else ''}): one class "
            "each, unrelated to everything else unless they are placed below a node."
        )
    return f"No folders, {more}{counted(n_files, 'file')}." if n_files else "It is empty."
