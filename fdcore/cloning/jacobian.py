"""Jacobian-based augmentation: pictures moved to where the clone's answer changes most, labelled by the suspect.

Papernot et al. 2017, "Practical black-box attacks against machine learning", section 4.2: from each picture x that the
suspect labelled y, the clone's own gradient gives a new one, x + step * sign(d logit[y] / dx), which the suspect labels
in turn. There, the set doubles in every round until reservoir sampling limits it; here, the first round doubles it, and
every later round adds as many pictures as the set had at first, sampled at random. Their periodic change of the step's
sign is omitted.
"""

import io
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib import format as npy
from numpy.lib.npyio import NpzFile

from fdcore.cloning.networks import CloneNetwork
from fdcore.progress import Progress, silent
from fdcore.storage import disk_errors, write_atomically

WHITE = 255
_DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, SyntaxError, RuntimeError, MemoryError,
           zipfile.BadZipFile, zlib.error, tokenize.TokenError)  # fmt: skip  # of a file that is not one of our NPZs
Pictures = npt.NDArray[np.uint8]
ClassLabels = npt.NDArray[np.int32]


class Round(NamedTuple):
    """One round's new pictures."""

    pictures: Pictures  # uint8 (n, H, W, C)
    labels: ClassLabels | None  # int32 (n,), the suspect's; None until it has answered


def choose_rows(n: int, n_most: int, *, seed: int, number: int) -> npt.NDArray[np.intp]:
    """The rows of n that a round starts from: all, or `n_most` at random, in ascending order."""
    if n <= n_most:
        return np.arange(n)
    generator = np.random.default_rng([seed, number])
    return np.sort(generator.choice(n, n_most, replace=False))


def moved(
    network: CloneNetwork,
    pictures: Pictures,
    labels: npt.NDArray[np.integer[Any]],
    *,
    step: float,
    device: torch.device,
    batch_size: int,
    progress: Progress = silent,
) -> Pictures:
    """New pictures, clip(x + step * sign(d logit[label] / dx)), in whole grey levels.

    Args:
        network: the clone in its present state, on the device; it is run in evaluation mode.
        pictures: uint8 (n, H, W, C).
        labels: (n,), the suspect's labels of the pictures.
        step: as a share of the full range; at least one grey level.
        device: the network's.
        batch_size: pictures at once.
        progress: called for every batch.

    Returns:
        uint8 (n, H, W, C).
    """
    network.eval()
    levels = max(1, round(step * WHITE))
    parts = []
    for start in range(0, len(pictures), batch_size):
        progress("Moving pictures along the clone's gradient", start, len(pictures))
        part = slice(start, start + batch_size)
        directions = _gradient_signs(network, pictures[part], labels[part], device)
        parts.append(np.clip(pictures[part].astype(np.int16) + levels * directions, 0, WHITE).astype(np.uint8))
    return np.concatenate(parts)


def _gradient_signs(
    network: CloneNetwork, pictures: Pictures, labels: npt.NDArray[np.integer[Any]], device: torch.device
) -> npt.NDArray[np.int16]:
    """The sign of d logit[label] / dx for every value of every picture, (n, H, W, C) in -1, 0, 1."""
    x = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float().div_(WHITE).requires_grad_()
    wanted = torch.from_numpy(labels.astype(np.int64)).to(device)
    own = network(x).gather(1, wanted[:, None]).sum()
    (gradient,) = torch.autograd.grad(own, x)
    signs: npt.NDArray[np.int16] = gradient.sign().to(torch.int16).permute(0, 2, 3, 1).cpu().numpy()
    return signs


def save_round(folder: Path, number: int, fingerprint: str, found: Round) -> None:
    """Write a round's pictures, and its labels if known, as NPZ.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"fingerprint": np.array(fingerprint), "pictures": found.pictures}
    if found.labels is not None:
        arrays["labels"] = found.labels
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomically(_path(folder, number), content.getvalue())


def read_round(
    folder: Path, number: int, fingerprint: str, shape: tuple[int, int, int], n_classes: int
) -> Round | None:
    """A stored round; None if there is none of this training, or it is damaged.

    Raises:
        StorageError: the folder cannot be read.
    """
    path = _path(folder, number)
    if not path.is_file():
        return None
    with disk_errors(path):
        file = path.open("rb")
    try:
        with file, np.load(file, allow_pickle=False) as arrays:
            if not _is_round(arrays, fingerprint, shape, n_bytes=path.stat().st_size):
                return None
            found = Round(arrays["pictures"], arrays["labels"] if "labels" in arrays.files else None)
    except _DAMAGE:
        return None
    right = found.labels is None or 0 <= found.labels.min() <= found.labels.max() < n_classes
    return found if right else None


def _is_round(arrays: NpzFile, fingerprint: str, shape: tuple[int, int, int], *, n_bytes: int) -> bool:
    """Whether an NPZ of that size is a round of this training, checked before anything large is read.

    `save_round` does not compress, so nothing can take more memory than the file has bytes.
    """
    heads = {name: _head(arrays, name) for name in arrays.files}
    n = heads["pictures"][0][0]
    wanted = {
        "fingerprint": ((), np.dtype(f"U{len(fingerprint)}")),
        "pictures": ((n, *shape), np.dtype(np.uint8)),
        "labels": ((n,), np.dtype(np.int32)),
    }
    return (
        all(one.compress_type == zipfile.ZIP_STORED for one in arrays.zip.infolist())
        and 0 < n * math.prod(shape) <= n_bytes
        and all(head == wanted.get(name) for name, head in heads.items())
        and str(arrays["fingerprint"]) == fingerprint
    )


def _head(arrays: NpzFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """An array's shape and type according to its header."""
    with arrays.zip.open(f"{name}.npy") as file:
        formats = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        shape, _, dtype = formats[npy.read_magic(file)](file)  # type: ignore[no-untyped-call]  # untyped in NumPy's stubs
    return shape, dtype


def remove_rounds(folder: Path) -> None:
    """Delete every stored round."""
    for path in folder.glob("round-*.npz"):
        path.unlink(missing_ok=True)


def _path(folder: Path, number: int) -> Path:
    return folder / f"round-{number}.npz"
