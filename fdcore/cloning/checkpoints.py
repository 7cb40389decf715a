"""Where a training goes on: everything that the next epoch depends on, in one file that is whole or not there."""

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


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two epochs.

    Attributes:
        fingerprint: of the settings and the data; another training does not go on from here.
        round: of augmentation; 0 before the first.
        started: epochs before this round.
        network: weights.
        optimiser: its state.
        best: weights of the best epoch.
        history: all epochs so far.
        circumstances: of what trained until here.
    """

    fingerprint: str
    round: int
    started: int
    network: State
    optimiser: dict[str, Any]
    best: State
    history: tuple[EpochResult, ...]
    circumstances: dict[str, Any]

    def __post_init__(self) -> None:
        require_order(self.history)
        if not 0 <= self.started < len(self.history):
            raise ValueError(f"{len(self.history)} epochs, of which {self.started} before this round")


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the folder's checkpoint.

    Raises:
        StorageError: the disk is full, or the folder cannot be written; the last checkpoint stays.
    """
    content = io.BytesIO()
    torch.save(vars(checkpoint) | {"history": [list(astuple(one)) for one in checkpoint.history]}, content)
    write_atomically(folder / NAME, content.getvalue())


def read_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """The folder's checkpoint, on the CPU; None where there is none of this training.

    A damaged one counts as none: training begins again and comes to the same.

    Raises:
        StorageError: the folder cannot be read.
    """
    checkpoint = _read(folder)
    return checkpoint if checkpoint and checkpoint.fingerprint == fingerprint else None


def read_best(folder: Path) -> tuple[State, tuple[EpochResult, ...]]:
    """The best weights so far of the training that the folder's checkpoint belongs to, and all its epochs so far.

    The weights are those of `schedule.best_epoch` of these epochs; `networks.restored` loads them.

    Raises:
        CaseError: there is no checkpoint, or it is damaged.
        StorageError: the folder cannot be read.
    """
    checkpoint = _read(folder)
    if checkpoint is None:
        raise CaseError("Nothing of this training is left to keep. Go on with it, or remove the clone.")
    return checkpoint.best, checkpoint.history


def _read(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, whichever training it is of; None where there is none, or a damaged one."""
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
    except (
        msgspec.ValidationError,
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        OverflowError,
        MemoryError,
    ):
        return None
