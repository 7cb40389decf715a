"""Pictures of a class side by side in one file, for pages and reports."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from fdcore.texts import picture_of

TILE_PX = 96  # shown at half that size, for dense screens and for print
SHARP_PX = 48  # up to this side, pixels are enlarged without smoothing


def strip_of(pictures: Sequence[npt.NDArray[np.uint8]]) -> str:
    """Pictures (H, W, 1 or 3) side by side, each as a square of `TILE_PX`, as one JPEG in a data URL."""
    strip = Image.new("RGB", (TILE_PX * len(pictures), TILE_PX))
    for place, picture in enumerate(picture_of(one, TILE_PX) for one in pictures):
        image = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).convert("RGB")
        smooth = Image.Resampling.NEAREST if max(image.size) <= SHARP_PX else Image.Resampling.LANCZOS
        strip.paste(ImageOps.fit(image, (TILE_PX, TILE_PX), smooth), (TILE_PX * place, 0))
    buffer = io.BytesIO()
    strip.save(buffer, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
