"""Small requests to the clone lab, folders for it to ask about, and pauses in the middle of its work."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import case_factory
import numpy as np
import tiny_world
from case_factory import FOUND, RANDOM
from PIL import Image

from fdcore.case.case import Case
from fdcore.cloning.run import CloneRun
from fdcore.cloning.settings import CloneRequest, Source, TrainingSettings, TransferSettings
from fdcore.progress import Progress, silent
from fdcore.work.clones import Lab, clone

TRAINING = TrainingSettings(arch="resnet20", epochs=2, batch_size=16, learning_rate=0.02)
CLASS_FOLDERS = {"red": (200, 40, 40), "green": (40, 190, 60), "blue": (50, 50, 200), "grey": (90, 90, 90)}


class Stop(BaseException):
    """What stands for a pause."""


def requested(*sources: Source, evaluation: str = "", total: int = 60, **training: object) -> CloneRequest:
    """Clones of these sources (found and random images unless named) that take a second each to train."""
    settings = replace(TRAINING, **training)  # type: ignore[arg-type]  # given by name
    return CloneRequest(sources or (FOUND, RANDOM), TransferSettings(total=total, reserved=0.2), settings, evaluation)


def lab_of(case: Case, progress: Progress = silent) -> Lab:
    """The lab of a case of the tiny world."""
    return Lab(case, case_factory.world().cache, progress=progress)


def train(case: Case, request: CloneRequest, progress: Progress = silent) -> tuple[CloneRun, ...]:
    """Carry out a request in a lab of its own."""
    with lab_of(case, progress) as lab:
        return clone(lab, request)


def cloned(folder: Path) -> Path:
    """A finished case of the tiny world for which the request `requested()` was carried out."""
    return Path(shutil.copytree(_cloned(), folder))


@cache
def _cloned() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fdcore-cloned-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    train(Case.open(case_factory.finished(folder / "case")), requested())
    return folder / "case"


def draw_folder(folder: Path, *, per_class: int = 6, seed: int = 9) -> Path:
    """Labelled pictures of the tiny suspect's own domain; "grey" is none of its classes."""
    rng = np.random.default_rng(seed)
    for name, colour in CLASS_FOLDERS.items():
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            noise = rng.normal(0, 20, (tiny_world.SIZE, tiny_world.SIZE, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def stop_when(condition: Callable[[str, int], bool]) -> Progress:
    """A pause as soon as the stage and what is done of it meet the condition."""

    def progress(stage: str, done: int, _total: int) -> None:
        if condition(stage, done):
            raise Stop

    return progress
