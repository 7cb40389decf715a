"""A tiny transfer set that a clone can learn, and a training that may be killed."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fdcore.cloning.run import EpochResult
from fdcore.cloning.settings import TrainingSettings
from fdcore.suspect.preprocess import PreprocessSpec

SIZE, N_CLASSES = 8, 3
SPEC = PreprocessSpec(SIZE, SIZE)


def suspect(pictures: np.ndarray) -> np.ndarray:
    """The suspect: the strongest mean channel."""
    return pictures.reshape(len(pictures), -1, N_CLASSES).mean(axis=1).argmax(axis=1).astype(np.int32)


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Noise with a tint, uint8 (n, 8, 8, 3)."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(60, 196, (n, SIZE, SIZE, 3))
    tint = np.eye(N_CLASSES)[rng.integers(0, N_CLASSES, n)] * 40
    return (noise + tint[:, None, None, :]).astype(np.uint8)


def train_and_save(folder: Path, settings: TrainingSettings, n: int, threads: int, moment: str = "") -> None:
    """Train in this process and write the best weights; at `moment` the process kills itself."""
    import torch
    from safetensors.torch import save_file

    from fdcore.cloning.training import TrainingData, train

    torch.set_num_threads(threads)

    def progress(stage: str, done: int, _total: int) -> None:
        if moment == f"{stage} {done}":
            os.kill(os.getpid(), signal.SIGKILL)

    def on_epoch(history: Sequence[EpochResult], _best: int) -> None:
        with (folder / "epochs.log").open("a") as file:
            file.write(f"{history[-1].epoch}\n")
        if moment == f"epoch {history[-1].epoch}":
            os.kill(os.getpid(), signal.SIGKILL)

    def ask(asked: np.ndarray, number: int) -> np.ndarray:
        np.save(folder / f"asked-{number}-{len(list(folder.glob('asked-*')))}.npy", asked)
        if moment == f"asked {number}":
            os.kill(os.getpid(), signal.SIGKILL)
        return suspect(asked)

    shown = pictures(n)
    data = TrainingData(shown, suspect(shown), np.arange(n, dtype=np.int64))
    trained = train(
        data, n_classes=N_CLASSES, spec=SPEC, settings=settings, folder=folder, progress=progress, on_epoch=on_epoch,
        ask=ask,
    )  # fmt: skip
    save_file(trained.best, folder / "best.safetensors")
