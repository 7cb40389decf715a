"""A first impression of an image folder, from the names in it."""

import itertools
import os
import re
from pathlib import Path

from ui.text import counted, shortened

MAX_PROBED = 3_000
_WNID = re.compile(r"n\d{8}")
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def first_look(folder: Path) -> str:
    """What a folder seems to hold, in a sentence; only reading the corpus settles it."""
    try:
        with os.scandir(folder) as entries:
            probed = list(itertools.islice(entries, MAX_PROBED))
    except OSError as error:
        return f"It cannot be read ({error.strerror})."
    more = "at least " if len(probed) == MAX_PROBED else ""
    names = sorted(entry.name for entry in probed if entry.is_dir() and not entry.name.startswith("."))
    n_files = len(probed) - len(names)
    n_known = sum(bool(_WNID.fullmatch(name)) for name in names)
    if n_known:
        return f"{more}{counted(n_known, 'folder')} named by WordNet ids; each has its own place in the hierarchy."
    if "val_annotations.txt" in {entry.name for entry in probed}:
        return "Tiny ImageNet's validation images; a table names the node of each."
    if names and {name.lower() for name in names} <= _SPLITS:
        return f"A data set in parts ({', '.join(names)}), which are read together."
    if names:
        few = ", ".join(shortened(name, 24) for name in names[:3])
        return (
            f"{more}{counted(len(names), 'folder')} named by words ({few}{', …' if len(names) > 3 else ''}): one class "
            "each, unrelated to everything else unless they are placed below a node."
        )
    return f"No folders, {more}{counted(n_files, 'file')}." if n_files else "It is empty."
