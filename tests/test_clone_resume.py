"""Kill -9 in the middle of training a clone and train again: the same weights bit for bit, and nothing asked twice."""

import signal
from pathlib import Path

import cloning_world
import forked
import numpy as np
import pytest

from fdcore.cloning.settings import TrainingSettings

N, N_TRAINING = 40, 36  # a tenth is held out
PLAIN = TrainingSettings(arch="resnet20", epochs=2, batch_size=12, jacobian_rounds=2)
WITHOUT_ROUNDS = TrainingSettings(arch="resnet20", epochs=2, batch_size=12)
WITH_DROPOUT = TrainingSettings(arch="torchvision/mobilenet_v3_small", epochs=2, batch_size=12, optimiser="adam")
MOMENTS = (
    "Training 48",  # within the second epoch
    f"Training {2 * N_TRAINING + 24}",  # within the first epoch of the second round
)
RARE = (
    "Training 24",  # within the first epoch
    "epoch 1",
    "epoch 2",  # the first round is over, the second not begun
    "epoch 5",  # within the third round
)

pytestmark = pytest.mark.slow


def train(folder: Path, settings: TrainingSettings, moment: str = "", threads: int = 1) -> int:
    """The exit code of one training; a killed one gives minus the signal's number."""
    folder.mkdir(exist_ok=True)
    process = forked.process(cloning_world.train_and_save, (folder, settings, N, threads, moment))
    process.start()
    process.join(180)
    assert process.exitcode is not None, "the training hangs"
    return process.exitcode


def epochs_told(folder: Path) -> list[int]:
    """The epochs that were told when their checkpoint was written, and where a new process went on."""
    log = folder / "epochs.log"
    return [int(line) for line in log.read_text().split()] if log.exists() else []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that nobody killed."""
    folder = tmp_path_factory.mktemp("straight")
    assert train(folder, PLAIN) == 0
    return folder


@pytest.mark.parametrize("moment", [*MOMENTS, *(pytest.param(rare, marks=pytest.mark.nightly) for rare in RARE)])
def test_a_killed_training_ends_with_the_same_weights(undisturbed, tmp_path, moment):
    """Wherever the process died, it goes on from the last epoch, and the weights come out bit for bit."""
    assert train(tmp_path, PLAIN, moment) == -signal.SIGKILL
    assert not (tmp_path / "best.safetensors").exists()
    done = epochs_told(tmp_path)
    assert train(tmp_path, PLAIN) == 0
    assert epochs_told(tmp_path) == [*done, *done[-1:], *range(len(done) + 1, 7)]  # no finished one is trained again
    assert (tmp_path / "best.safetensors").read_bytes() == (undisturbed / "best.safetensors").read_bytes()


def test_a_round_that_was_asked_is_asked_for_the_same_pictures(undisturbed, tmp_path):
    """Answers that were lost are asked for again, for the very same pictures, so that a ledger sends none twice."""
    test_a_killed_training_ends_with_the_same_weights(undisturbed, tmp_path, "asked 1")
    first = sorted(tmp_path.glob("asked-1-*.npy"))
    assert len(first) == 2
    np.testing.assert_array_equal(*(np.load(path) for path in first))
    np.testing.assert_array_equal(np.load(first[0]), np.load(undisturbed / "asked-1-0.npy"))


@pytest.mark.parametrize(
    ("settings", "threads"), [pytest.param(WITH_DROPOUT, 1, marks=pytest.mark.nightly), (WITHOUT_ROUNDS, 2)]
)
def test_dropout_adam_and_two_threads_resume_as_well(tmp_path, settings, threads):
    """Layers that draw random numbers, an optimiser with two moments, and two threads come out bit for bit too."""
    assert train(tmp_path / "straight", settings, threads=threads) == 0
    assert train(tmp_path / "killed", settings, "Training 48", threads) == -signal.SIGKILL
    assert train(tmp_path / "killed", settings, threads=threads) == 0
    assert epochs_told(tmp_path / "killed") == [1, 1, 2]
    straight, killed = ((tmp_path / name / "best.safetensors").read_bytes() for name in ("straight", "killed"))
    assert straight == killed
