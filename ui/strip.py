"""A case in a strip of pictures: some that were kept for classes that were found."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.conclusions import pixels_of
from fdcore.errors import FdError
from fdcore.texts import picture_of

N_PICTURES, SIDE_PX, GAP_PX, HEIGHT_PX = 3, 80, 6, 104  # twice what is shown
_GREY, _NOTHING = (150, 155, 162, 70), (0, 0, 0, 0)


def draw_strip(case: Case, cache: Path | None) -> str:
    """`N_PICTURES` kept pictures of different classes side by side, as the data URL of a WebP file.

    A place is grey where a case has no conclusions yet or is damaged, or where the cache no longer has its pictures.
    """
    try:
        pixels, chosen = pixels_of(case, cache), _chosen(case)
    except (FdError, ValueError, KeyError, OSError):  # a damaged file: its page says what is wrong
        pixels, chosen = None, []
    width = N_PICTURES * (SIDE_PX + GAP_PX) - GAP_PX
    strip = Image.new("RGBA", (width, HEIGHT_PX), _NOTHING)
    for place in range(N_PICTURES):
        tile = Image.new("RGBA", (SIDE_PX, SIDE_PX), _GREY)
        if pixels is not None and place < len(chosen):
            picture = Image.fromarray(picture_of(np.asarray(pixels[chosen[place]]), SIDE_PX).squeeze()).convert("RGBA")
            tile = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        strip.paste(tile, (place * (SIDE_PX + GAP_PX), (HEIGHT_PX - SIDE_PX) // 2))
    buffer = io.BytesIO()
    strip.save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _chosen(case: Case) -> list[int]:
    """Numbers of the pictures: the first that was kept for each of some classes, which lie evenly among those found."""
    if not case.has(layout.IMAGES_CSV) or not case.has(layout.CORPUS):
        return []
    import pandas as pd

    kept = pd.read_csv(case.path(layout.IMAGES_CSV), usecols=["target_class", "kept", "sha256"])
    first = kept[kept["kept"]].drop_duplicates("target_class")["sha256"].to_numpy()
    wanted = first[np.linspace(0, len(first) - 1, min(N_PICTURES, len(first))).round().astype(int)]
    hashes = pd.read_parquet(case.path(layout.CORPUS), columns=["sha256"])["sha256"]
    numbers = hashes[hashes.isin(wanted)].drop_duplicates()
    return [int(place) for sha256 in wanted for place in numbers.index[numbers == sha256]]
