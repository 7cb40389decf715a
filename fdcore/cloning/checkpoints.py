"""Checkpoints: everything that the next epoch depends on, in one file that is written completely or not at all."""

import io
import pickle  # for the exception's name only
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from fdcore.cloning.run import EpochResult, require_order
from fdcore.errors import CaseError
from fdcore.storage import disk_errors, write_atomically

NAME = "checkpoint.pt"
State = dict[str, Tensor]
_DAMAGE = (msgspec.ValidationError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError, LookupError,
           AttributeError, OverflowError, MemoryError)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two epochs."""

    fingerprint: str  # of the settings and the data; no other training resumes from this checkpoint
    round: int  # of augmentation; 0 before the first
    started: int  # epochs before this round
    network: State
    optimiser: dict[str, Any]
    best: State  # weights of the best epoch
    history: tuple[EpochResult, ...]
    circumstances: dict[str, Any]

    def __post_init__(self) -> None:
        require_order(self.history)
        if not 0 <= self.started < len(self.history):
            raise ValueError(f"{len(self.history)} epochs, of which {self.started} before this round")


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the folder's checkpoint.

    Raises:
        StorageError: the disk is full, or the folder cannot be written; the previous checkpoint stays.
    """
    content = io.BytesIO()
    torch.save(vars(checkpoint) | {"history": [list(astuple(one)) for one in checkpoint.history]}, content)
    write_atomically(folder / NAME, content.getvalue())


def read_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """The folder's checkpoint, on the CPU; None if the folder has none of this training.

    A damaged checkpoint counts as none: the training starts over and gives the same result.

    Raises:
        StorageError: the folder cannot be read.
    """
    checkpoint = _read(folder)
    return checkpoint if checkpoint and checkpoint.fingerprint == fingerprint else None


def read_best(folder: Path) -> tuple[State, tuple[EpochResult, ...]]:
    """The best weights and all epochs so far of the training that the folder's checkpoint belongs to.

    The weights are those of `schedule.best_epoch`; `networks.restored` loads them.

    Raises:
        CaseError: there is no checkpoint, or it is damaged.
        StorageError: the folder cannot be read.
    """
    checkpoint = _read(folder)
    if checkpoint is None:
        raise CaseError(
            "Nothing of this training is left to keep. Resume it, or remove the clone.", key="no checkpoint"
        )
    return checkpoint.best, checkpoint.history


def _read(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, of any training; None if there is none or it is damaged."""
    path = folder / NAME
    if not path.is_file():
        return None
    with disk_errors(path):
        content = path.read_bytes()
    try:
        values = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        names = [field.name for field in fields(EpochResult)]
        history = [dict(zip(names, one, strict=True)) for one in values["history"]]
        return msgspec.convert({**values, "history": history}, Checkpoint)
    except _DAMAGE:
        return None
