"""Views: the transformed copies of an image that the suspect is queried with (paper sections 3.2.1 and 4.1.1).

A view is a pure function of (seed, image id, view number), independent of batch, order and process. A killed run
therefore resumes exactly, and any single query can be drawn again years later.

View 0 is the image itself. Every other view composes a rotation, a translation and a perspective projection into one
homography, and adds uniform noise. Views are rounded to uint8, so that each is a picture that can be stored, shown and
sent to any suspect unchanged.

Views of texts are drawn by `fdcore.answers.text_views`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.answers.text_views import text_views
from fdcore.errors import SettingsError
from fdcore.texts import is_text

Pictures = npt.NDArray[np.uint8]

N_PARAMETERS = 5  # angle, two shifts, two perspective terms
PIXELS_AT_ONCE = 1 << 13  # that are drawn together: they stay in a core's own cache, and torch starts no threads


@dataclass(frozen=True)
class ViewSpec:
    """How far views may depart from the image; docs/decisions/0002 describes how the defaults were measured.

    Attributes:
        rotation_deg: largest rotation to either side, in degrees.
        translation: largest shift along each axis, as a share of the picture's side.
        perspective: largest perspective term p, q in `w = 1 + p x + q y` with x, y in -1..1.
        noise: largest change of a channel by the uniform noise, as a share of the full range.
    """

    rotation_deg: float = 10.0
    translation: float = 0.1
    perspective: float = 0.1
    noise: float = 0.02

    def __post_init__(self) -> None:
        limits = {"rotation_deg": 180.0, "translation": 1.0, "perspective": 0.45, "noise": 1.0}
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= limit:
                raise SettingsError(f"{name} must lie between 0 and {limit:g}, not {value}.", key="view out of range")


def make_views(
    pictures: Pictures, image_ids: npt.NDArray[np.uint64], *, view: int, seed: int, spec: ViewSpec
) -> Pictures:
    """Draw one view of each picture.

    Args:
        pictures: (N, H, W, C) uint8, or texts (see `fdcore.texts`), for which `spec` has no meaning.
        image_ids: (N,) uint64, derived from each image's content.
        view: the view's number; 0 returns the pictures themselves.
        seed: the investigation's seed, 0 or above.

    Returns:
        (N, H, W, C) uint8.
    """
    if view == 0 or len(pictures) == 0:
        return pictures
    if is_text(pictures):
        return text_views(pictures, image_ids, view=view, seed=seed)
    _, height, width, channels = pictures.shape
    uniforms, noise = _draw(image_ids, view=view, seed=seed, n_noise=height * width * channels)
    homographies = _homographies(uniforms, spec)
    drawn = np.empty(pictures.shape, np.uint8)
    step = max(1, PIXELS_AT_ONCE // (height * width))
    for start in range(0, len(pictures), step):
        part = slice(start, start + step)
        drawn[part] = _with_noise(_warp(pictures[part], homographies[part]), noise[part], spec)
    return drawn


def _with_noise(
    warped: npt.NDArray[np.float32], noise: npt.NDArray[np.uint8], spec: ViewSpec
) -> npt.NDArray[np.float32]:
    """Whole numbers in 0..255, (N, H, W, C): bytes 0..255 of noise become -noise..+noise on the scale of a pixel.

    Args:
        warped: (N, C, H, W) in 0..255.
        noise: (N, H * W * C).
    """
    n, channels, height, width = warped.shape
    noisy = noise.reshape(n, height, width, channels).astype(np.float32)
    noisy *= np.float32(2 * spec.noise)
    noisy -= np.float32(255 * spec.noise)
    for channel in range(channels):  # several times as fast as turning the axes of all of them at once
        noisy[..., channel] += warped[:, channel]
    np.rint(noisy, out=noisy)
    np.maximum(noisy, np.float32(0), out=noisy)
    return np.minimum(noisy, np.float32(255), out=noisy)


def _draw(
    image_ids: npt.NDArray[np.uint64], *, view: int, seed: int, n_noise: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """Uniform numbers (N, 5) in -1..1 and noise bytes (N, n_noise): Philox keyed by (seed, image), at block `view`."""
    n_words = N_PARAMETERS + -(-n_noise // 8)
    words = np.empty((len(image_ids), n_words), dtype="<u8")
    generator = np.random.Philox(key=seed, counter=view << 64)
    state: Any = generator.state  # one generator is set to each image in turn, as making one takes longer than its use
    for row, image_id in zip(words, image_ids, strict=True):
        state["state"]["key"][1] = image_id
        generator.state = state
        row[:] = generator.random_raw(n_words)
    uniforms = (words[:, :N_PARAMETERS] >> np.uint64(11)) * (2.0**-52) - 1.0
    return uniforms, words[:, N_PARAMETERS:].view(np.uint8)[:, :n_noise]


def _homographies(uniforms: npt.NDArray[np.float64], spec: ViewSpec) -> npt.NDArray[np.float32]:
    """Per picture, the map from a view's position to the image's: cos, sin, shift x, shift y, p, q, (N, 6)."""
    angle = np.deg2rad(spec.rotation_deg) * uniforms[:, 0]
    shifts = 2 * spec.translation * uniforms[:, 1:3]  # positions run from -1 to 1: a side is 2 long
    perspective = spec.perspective * uniforms[:, 3:5]
    columns = [np.cos(angle)[:, None], np.sin(angle)[:, None], shifts, perspective]
    homographies: npt.NDArray[np.float32] = np.concatenate(columns, axis=1).astype(np.float32)
    return homographies


def _warp(pictures: Pictures, homographies: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sample each picture through its homography, bilinear, mirrored at the border; (N, C, H, W) float32 in 0..255.

    The grid is computed element by element (no matrix product), so that a view has the same bits in any batch.
    """
    import torch  # here, because a finished case is read without torch

    _, height, width, _ = pictures.shape
    aspect = np.float32(height / width)
    y = ((np.arange(height, dtype=np.float32) * 2 + 1) / height - 1)[None, :, None] * aspect
    x = ((np.arange(width, dtype=np.float32) * 2 + 1) / width - 1)[None, None, :]
    cos, sin, shift_x, shift_y, p, q = (homographies[:, i, None, None] for i in range(6))
    w = 1 + p * x + q * (y / aspect)
    grid = np.empty((2, len(pictures), height, width), dtype=np.float32)
    to_x, to_y = grid
    np.subtract(cos * x, sin * y, out=to_x)
    to_x += shift_x
    to_x /= w
    np.add(sin * x, cos * y, out=to_y)
    to_y /= aspect
    to_y += shift_y
    to_y /= w
    source = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32)
    positions = torch.from_numpy(grid).permute(1, 2, 3, 0)
    warped: npt.NDArray[np.float32] = torch.nn.functional.grid_sample(
        torch.from_numpy(source), positions, mode="bilinear", padding_mode="reflection", align_corners=False
    ).numpy()
    return warped
