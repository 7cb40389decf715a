"""Draw the contact sheets of docs/demo.md: the demo corpus, and the pictures its suspect was trained on.

python scripts/draw_demo_sheets.py [--out docs/images]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from fdcore.demo import LEAVES, draw_picture
from fdcore.demo.stickers import CLASSES, sticker

REPOSITORY = Path(__file__).resolve().parents[1]
ZOOM, GAP, LABEL_PX, N_COLOURS = 2, 2, 13, 200


class Row(NamedTuple):
    """A name and its pictures, each (H, W, 3) uint8."""

    label: str
    pictures: Sequence[npt.NDArray[np.uint8]]


def draw_sheet(rows: Sequence[Row], *, columns: int) -> Image.Image:
    """The rows as blocks below their names, side by side in `columns` columns, in few colours."""
    side = ZOOM * rows[0].pictures[0].shape[0] + GAP
    width, height = len(rows[0].pictures) * side + 3 * GAP, side + LABEL_PX + GAP
    sheet = Image.new("RGB", (columns * width, -(-len(rows) // columns) * height), "white")
    pencil, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, row in enumerate(rows):
        left, top = number % columns * width + GAP, number // columns * height
        pencil.text((left, top), row.label, fill="black", font=font)
        for place, picture in enumerate(row.pictures):
            shown = Image.fromarray(picture).resize((side - GAP, side - GAP), Image.Resampling.NEAREST)
            sheet.paste(shown, (left + place * side, top + LABEL_PX))
    return sheet.quantize(N_COLOURS)


def corpus_rows(per_leaf: int) -> list[Row]:
    """The first pictures of each leaf."""
    return [Row(leaf.name, [draw_picture(leaf, number=i) for i in range(per_leaf)]) for leaf in LEAVES]


def suspect_rows(per_class: int) -> list[Row]:
    """Some stickers of each class."""
    rows = []
    for label, target in enumerate(CLASSES):
        generators = (np.random.Generator(np.random.PCG64([0, label, i])) for i in range(per_class))
        rows.append(Row(f"class {label}: {target.drawing.__name__}", [sticker(target, rng) for rng in generators]))
    return rows


def main() -> None:
    """Draw and write both sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "images")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    draw_sheet(corpus_rows(2), columns=12).save(folder / "demo-corpus.png", optimize=True)
    draw_sheet(suspect_rows(20), columns=1).save(folder / "demo-suspect.png", optimize=True)


if __name__ == "__main__":
    main()
