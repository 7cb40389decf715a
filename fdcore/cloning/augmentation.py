"""Standard augmentation of a whole batch at once: every picture is shifted, and colour pictures are mirrored too.

A shift is at most an eighth of the height and width (4 of 32 pixels, as is usual for CIFAR); what comes in at an edge
is the picture reflected there, as in `fdcore.answers.views`. Half of the colour pictures are mirrored. Grey ones are
not: they are mostly digits, letters and scans, which a mirror turns into something else.
"""

from typing import NamedTuple

import torch
from torch import Tensor

LARGEST_SHIFT = 8  # an eighth of the height and of the width


class Moves(NamedTuple):
    """What happens to each of n pictures.

    Attributes:
        down, right: int64 (n,), pixels.
        mirrored: bool (n,), left for right.
    """

    down: Tensor
    right: Tensor
    mirrored: Tensor


def draw_moves(n: int, height: int, width: int, *, mirror: bool, generator: torch.Generator) -> Moves:
    """Random moves of n pictures, drawn on the CPU so that they are the same on every device."""

    def shifts(side: int) -> Tensor:
        most = side // LARGEST_SHIFT
        return torch.randint(-most, most + 1, (n,), generator=generator)

    mirrored = torch.rand(n, generator=generator) < (0.5 if mirror else 0.0)
    return Moves(shifts(height), shifts(width), mirrored)


def move(pictures: Tensor, moves: Moves) -> Tensor:
    """Move each picture by its own move.

    Args:
        pictures: (n, H, W, C) of any type.
        moves: of these n pictures, on any device.

    Returns:
        The same shape and type.
    """
    n, height, width, _ = pictures.shape
    device = pictures.device
    rows = _sources(height, moves.down)
    columns = _sources(width, moves.right)
    columns = torch.where(moves.mirrored[:, None], columns.flip(1), columns)
    each = torch.arange(n, device=device)[:, None, None]
    return pictures[each, rows.to(device)[:, :, None], columns.to(device)[:, None, :]]


def _sources(side: int, shifts: Tensor) -> Tensor:
    """Which pixel of a line each pixel comes from, (n, side), reflected at the ends."""
    wanted = torch.arange(side)[None, :] - shifts[:, None]
    last = side - 1
    return last - (last - wanted.abs()).abs()
