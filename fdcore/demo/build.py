"""Writes the demo corpus in ImageNet's layout, and labelled pictures to test clones on."""

import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fdcore.demo.leaves import LEAVES
from fdcore.demo.paint import Leaf, paint
from fdcore.demo.stickers import CLASSES, sticker
from fdcore.demo.truth import TRUTH
from fdcore.errors import CorpusError, SettingsError
from fdcore.progress import Progress, silent
from fdcore.storage import disk_errors, write_atomically

Picture = npt.NDArray[np.uint8]

VERSION = 2  # incremented whenever a drawing changes, so that earlier pictures are drawn again
DRAWING_CORPUS, DRAWING_STICKERS = "Drawing the demo corpus", "Drawing pictures to test on"
STICKER_SEED = 1_000_003  # not used for the suspect's training set


def build_demo_corpus(folder: Path, *, images_per_leaf: int = 20, seed: int = 0, progress: Progress = silent) -> None:
    """Draw the demo corpus into `folder` as <wnid>/<number>.png, unless it already exists.

    The folder appears completely or not at all. Beside it, <folder>.manifest.json records what was drawn: a second call
    with the same arguments does nothing, a call with others draws the corpus again.

    Args:
        folder: of the corpus; it must not contain anything else.
        images_per_leaf: pictures of each leaf, at least 1.
        seed: pictures of one seed are the same on every call, regardless of their number.
        progress: called after every leaf.

    Raises:
        SettingsError: images_per_leaf is below 1 or the seed below 0.
        CorpusError: the folder contains something other than a demo corpus.
        StorageError: the disk is full, or the folder cannot be written.
    """
    if images_per_leaf < 1 or seed < 0:
        raise SettingsError(
            f"The demo corpus needs at least 1 image per leaf and a seed of at least 0, not {images_per_leaf} and "
            f"{seed}.",
            key="demo out of range",
        )
    wanted = {"demo_corpus": VERSION, "seed": seed, "images_per_leaf": images_per_leaf, "leaves": len(LEAVES)}

    def picture(place: int, number: int) -> Picture:
        return draw_picture(LEAVES[place], number=number, seed=seed)

    names = [leaf.wnid for leaf in LEAVES]
    _build(folder, wanted, names, images_per_leaf, picture, DRAWING_CORPUS, progress)


def build_demo_stickers(folder: Path, *, per_class: int = 60, progress: Progress = silent) -> None:
    """Draw pictures like the demo suspect's training pictures, but not the same, as <class>/<number>.png.

    They represent what an investigator seldom has: labelled pictures of the suspect's own domain, to test clones on.

    Raises:
        CorpusError, StorageError: as in `build_demo_corpus`.
    """
    wanted = {"demo_stickers": VERSION, "seed": STICKER_SEED, "per_class": per_class, "classes": len(CLASSES)}

    def picture(place: int, number: int) -> Picture:
        return sticker(CLASSES[place], np.random.Generator(np.random.PCG64([STICKER_SEED, place, number])))

    names = [truth.name for truth in TRUTH]
    _build(folder, wanted, names, per_class, picture, DRAWING_STICKERS, progress)


def draw_picture(leaf: Leaf, *, number: int, seed: int = 0) -> Picture:
    """Picture `number` of a leaf, (32, 32, 3): a pure function of seed, leaf and number."""
    key = np.random.SeedSequence([seed, int(leaf.wnid[1:]), number])
    return paint(leaf, np.random.Generator(np.random.PCG64(key)))


def trial_pictures() -> list[tuple[str, Picture]]:
    """A drawing of every eighth leaf with its name, for a test query without other pictures."""
    return [(leaf.name, draw_picture(leaf, number=0)) for leaf in LEAVES[::8]]


def _build(
    folder: Path,
    wanted: dict[str, int],
    names: Sequence[str],
    n_each: int,
    picture: Callable[[int, int], Picture],
    stage: str,
    progress: Progress,
) -> None:
    """Write `n_each` pictures into a sub-folder for each name, unless they already exist."""
    found = _manifest(folder)
    if found == wanted and all(len(list((folder / name).glob("*.png"))) == n_each for name in names):
        return
    if found is None and folder.exists() and any(folder.iterdir()):
        raise CorpusError(
            f"{folder} contains something other than demo pictures; name an empty or new folder.", key="not a demo"
        )
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            drawn = Path(temporary) / folder.name
            for place, name in enumerate(names):
                progress(stage, place * n_each, len(names) * n_each)
                (drawn / name).mkdir(parents=True)
                for number in range(n_each):
                    _write_picture(drawn / name / f"{number:04d}.png", picture(place, number))
            progress(stage, len(names) * n_each, len(names) * n_each)
            write_atomically(_manifest_path(folder), json.dumps(wanted, indent=1).encode())
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(drawn, folder)


def _write_picture(path: Path, picture: Picture) -> None:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG", compress_level=1)
    path.write_bytes(content.getbuffer())


def _manifest_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.manifest.json")


def _manifest(folder: Path) -> dict[str, int] | None:
    """The manifest beside the folder; None if there is none, {} if it cannot be read."""
    try:
        content = json.loads(_manifest_path(folder).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
