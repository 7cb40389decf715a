"""Standard augmentation of a whole batch: every picture is shifted, and half of the colour pictures are mirrored.

A shift is at most an eighth of the height and width (4 of 32 pixels, as is usual for CIFAR); the gap at an edge is
filled by reflection, as in `fdcore.answers.views`. Grey pictures are not mirrored: they are mostly digits, letters and
scans, which a mirror turns into something else.
"""

from typing import NamedTuple

import torch
from torch import Tensor

LARGEST_SHIFT = 8  # an eighth of the height and of the width


class Moves(NamedTuple):
    """How each of n pictures is moved."""

    down: Tensor  # int64 (n,), pixels
    right: Tensor  # int64 (n,), pixels
    mirrored: Tensor  # bool (n,), left to right


def draw_moves(n: int, height: int, width: int, *, mirror: bool, generator: torch.Generator) -> Moves:
    """Draw random moves of n pictures, on the CPU so that they are the same on every device."""

    def shifts(side: int) -> Tensor:
        most = side // LARGEST_SHIFT
        return torch.randint(-most, most + 1, (n,), generator=generator)

    mirrored = torch.rand(n, generator=generator) < (0.5 if mirror else 0.0)
    return Moves(shifts(height), shifts(width), mirrored)


def move(pictures: Tensor, moves: Moves) -> Tensor:
    """Move each of n pictures (n, H, W, C) of any type by its own move; shape and type stay the same."""
    n, height, width, _ = pictures.shape
    device = pictures.device
    rows = _sources(height, moves.down)
    columns = _sources(width, moves.right)
    columns = torch.where(moves.mirrored[:, None], columns.flip(1), columns)
    each = torch.arange(n, device=device)[:, None, None]
    return pictures[each, rows.to(device)[:, :, None], columns.to(device)[:, None, :]]


def _sources(side: int, shifts: Tensor) -> Tensor:
    """The pixel of a line that each pixel comes from, (n, side), reflected at the ends."""
    wanted = torch.arange(side)[None, :] - shifts[:, None]
    last = side - 1
    return last - (last - wanted.abs()).abs()
