"""Checkpoints: everything that the next epoch depends on, in one file that is written completely or not at all.

A checkpoint may come with a case that somebody sent, and is read in our own process. So it is a safetensors file: named
tensors, and JSON in its header.
"""

import json
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import safetensors
import safetensors.torch
from torch import Tensor

from fdcore.cloning.run import EpochResult, require_order
from fdcore.errors import CaseError
from fdcore.storage import disk_errors, write_atomically

NAME = "checkpoint.safetensors"
State = dict[str, Tensor]
Moments = dict[int, State]
"""What an optimiser keeps of each parameter, by the parameter's number: such as {0: {"momentum_buffer": ...}}."""
_DAMAGE = (safetensors.SafetensorError, msgspec.ValidationError, RuntimeError, ValueError, TypeError, LookupError,
           AttributeError, OverflowError, MemoryError)  # fmt: skip
_TENSORS, _REST = ("network", "best", "optimiser"), ("fingerprint", "round", "started", "circumstances")


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two epochs."""

    fingerprint: str  # of the settings and the data; no other training resumes from this checkpoint
    round: int  # of augmentation; 0 before the first
    started: int  # epochs before this round
    network: State
    optimiser: Moments
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
    moments = {f"{number}/{key}": value for number, one in checkpoint.optimiser.items() for key, value in one.items()}
    states = dict(zip(_TENSORS, (checkpoint.network, checkpoint.best, moments), strict=True))
    tensors = {f"{part}/{key}": value for part, state in states.items() for key, value in state.items()}
    rest = {name: getattr(checkpoint, name) for name in _REST}
    rest["history"] = [astuple(one) for one in checkpoint.history]
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write_atomically(folder / NAME, safetensors.torch.save(plain, {"training": json.dumps(rest)}))


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
        states: dict[str, State] = {part: {} for part in _TENSORS}
        for name, value in safetensors.torch.load(content).items():
            part, _, key = name.partition("/")
            states[part][key] = value
        moments: Moments = {}
        for name, value in states.pop("optimiser").items():
            number, _, key = name.partition("/")
            moments.setdefault(int(number), {})[key] = value
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])  # which was valid for the tensors
        rest = json.loads(header["__metadata__"]["training"])
        names = [field.name for field in fields(EpochResult)]
        history = [dict(zip(names, one, strict=True)) for one in rest["history"]]
        return msgspec.convert({**rest, **states, "optimiser": moments, "history": history}, Checkpoint)
    except _DAMAGE:
        return None
