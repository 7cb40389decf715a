"""Writes the demo corpus to a folder in ImageNet's layout."""

import io
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fdcore.corpus.demo.leaves import LEAVES
from fdcore.corpus.demo.paint import Leaf, paint
from fdcore.errors import CorpusError, SettingsError
from fdcore.progress import Progress, silent
from fdcore.storage import disk_errors, write_atomically

VERSION = 1
"""Counts up whenever a drawing changes, so that corpora drawn before are drawn anew."""


def build_demo_corpus(folder: Path, *, images_per_leaf: int = 48, seed: int = 0, progress: Progress = silent) -> None:
    """Draw the demo corpus into `folder` as <wnid>/<number>.png, unless it is there already.

    The folder appears whole or not at all. Beside it, <folder>.manifest.json says what was drawn; a second call with
    the same arguments finds it and does nothing, a call with others draws the corpus anew.

    Args:
        folder: where the corpus goes; it must not hold anything else.
        images_per_leaf: pictures of each leaf, at least 1.
        seed: pictures of one seed are the same on every call, whatever their number.
        progress: told after every leaf how many pictures are drawn.

    Raises:
        SettingsError: images_per_leaf is below 1 or the seed below 0.
        CorpusError: the folder holds something else than a demo corpus.
        StorageError: the disk is full, or the folder cannot be written.
    """
    if images_per_leaf < 1 or seed < 0:
        raise SettingsError(
            f"The demo corpus needs at least 1 image a leaf and a seed of 0 or more, not {images_per_leaf} and {seed}."
        )
    wanted = {"demo_corpus": VERSION, "seed": seed, "images_per_leaf": images_per_leaf, "leaves": len(LEAVES)}
    found = _manifest(folder)
    if found == wanted and _is_complete(folder, images_per_leaf):
        return
    if found is None and folder.exists() and any(folder.iterdir()):
        raise CorpusError(f"{folder} holds something else than a demo corpus; name an empty folder or a new one.")
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            drawn = Path(temporary) / folder.name
            _draw_all(drawn, images_per_leaf=images_per_leaf, seed=seed, progress=progress)
            write_atomically(_manifest_path(folder), json.dumps(wanted, indent=1).encode())
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(drawn, folder)


def draw_picture(leaf: Leaf, *, number: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Picture `number` of a leaf, (32, 32, 3): a pure function of seed, leaf and number."""
    key = np.random.SeedSequence([seed, int(leaf.wnid[1:]), number])
    return paint(leaf, np.random.Generator(np.random.PCG64(key)))


def _draw_all(folder: Path, *, images_per_leaf: int, seed: int, progress: Progress) -> None:
    total = len(LEAVES) * images_per_leaf
    for done, leaf in enumerate(LEAVES):
        progress("drawing the demo corpus", done * images_per_leaf, total)
        below = folder / leaf.wnid
        below.mkdir(parents=True)
        for number in range(images_per_leaf):
            content = io.BytesIO()
            Image.fromarray(draw_picture(leaf, number=number, seed=seed)).save(content, "PNG", compress_level=1)
            (below / f"{number:04d}.png").write_bytes(content.getbuffer())
    progress("drawing the demo corpus", total, total)


def _manifest_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.manifest.json")


def _manifest(folder: Path) -> dict[str, int] | None:
    """What the manifest beside the folder says; None where there is none, {} where it cannot be read."""
    try:
        content = json.loads(_manifest_path(folder).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _is_complete(folder: Path, images_per_leaf: int) -> bool:
    """Whether every leaf has its pictures."""
    return all(len(list((folder / leaf.wnid).glob("*.png"))) == images_per_leaf for leaf in LEAVES)
