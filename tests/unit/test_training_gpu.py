"""Training on a GPU, where there is one: it learns, goes on elsewhere, and runs out of memory."""

from dataclasses import replace

import cloning_world
import numpy as np
import pytest
import torch
from cloning_world import N_CLASSES, SPEC
from raising import raises
from torch import nn

from fdcore.cloning import learner
from fdcore.cloning.checkpoints import read_best
from fdcore.cloning.jacobian import moved
from fdcore.cloning.networks import CloneNetwork, build_clone, restored
from fdcore.cloning.settings import TrainingSettings
from fdcore.cloning.training import Trained, TrainingData, predict, train
from fdcore.errors import SettingsError
from fdcore.suspect.preprocess import PreprocessSpec

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

SETTINGS = TrainingSettings(epochs=6, batch_size=32, device="cuda")


def data_of(n: int, seed: int = 0) -> TrainingData:
    pictures = cloning_world.pictures(n, seed)
    return TrainingData(pictures, cloning_world.suspect(pictures), np.arange(n, dtype=np.int64))


def trained(folder, settings: TrainingSettings = SETTINGS, n: int = 600, **options) -> Trained:
    return train(data_of(n), n_classes=N_CLASSES, spec=SPEC, settings=settings, folder=folder, **options)


def agreement(clone: Trained, device: str) -> float:
    new = cloning_world.pictures(400, seed=9)
    network = restored("resnet20", N_CLASSES, SPEC, clone.best)
    return float((predict(network, new, device=device) == cloning_world.suspect(new)).mean())


def stop_after(n_epochs: int):
    def on_epoch(history, _best) -> None:
        if len(history) == n_epochs:
            raise KeyboardInterrupt

    return on_epoch


def n_labels_apart(one: Trained, other: Trained) -> int:
    """Of 400 new pictures, those that two clones put in different classes."""
    new = cloning_world.pictures(400, seed=9)
    labels = [
        predict(restored("resnet20", N_CLASSES, SPEC, clone.best), new, device="cpu", batch_size=64)
        for clone in (one, other)
    ]
    return int((labels[0] != labels[1]).sum())


def test_a_clone_learns_on_a_gpu_as_on_a_processor(tmp_path):
    """The GPU is what "auto" takes, in bfloat16 where it has it; the clone is as good, nothing exact is promised."""
    on_gpu = trained(tmp_path / "gpu", replace(SETTINGS, device="auto"))
    on_cpu = trained(tmp_path / "cpu", replace(SETTINGS, device="cpu"))
    assert on_gpu.circumstances["device"] == "cuda:0"
    assert on_gpu.circumstances["repeatable"] is False
    if torch.cuda.get_device_capability() >= (8, 0):
        assert on_gpu.circumstances["precision"] == "bfloat16"
    assert {value.device.type for value in on_gpu.best.values()} == {"cpu"}
    assert {value.dtype for value in on_gpu.best.values()} == {torch.float32, torch.int64}
    assert agreement(on_gpu, "cuda") > 0.8
    assert agreement(on_gpu, "cuda") == pytest.approx(agreement(on_cpu, "cpu"), abs=0.1)


def test_both_devices_answer_alike_with_the_same_weights(tmp_path):
    """A clone answers in float32 anywhere: hardly a picture lies so close to a border that its labels differ."""
    clone = trained(tmp_path)
    new = cloning_world.pictures(1_000, seed=3)
    network = restored("resnet20", N_CLASSES, SPEC, clone.best)
    differ = predict(network, new, device="cpu") != predict(network, new, device="cuda")
    assert differ.mean() <= 0.005


@pytest.mark.parametrize(("first", "then"), [("cuda", "cuda"), ("cuda", "cpu"), ("cpu", "cuda")])
def test_a_stopped_training_goes_on_wherever_it_is_continued(tmp_path, first, then):
    """The checkpoint holds all of it: the later epochs follow the earlier ones, and the record says where it began."""
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, replace(SETTINGS, device=first), on_epoch=stop_after(3))
    _, before = read_best(tmp_path)
    told = []
    clone = trained(tmp_path, replace(SETTINGS, device=then), on_epoch=lambda history, _best: told.append(len(history)))
    assert told == [3, 4, 5, 6]
    assert clone.history[:3] == tuple(before)
    assert agreement(clone, "cuda") > 0.8
    assert clone.circumstances["repeatable"] is False
    assert ("begun" in clone.circumstances) == (first != then)


def test_pictures_that_do_not_fit_beside_the_network_stay_in_memory(tmp_path, monkeypatch):
    """They are copied batch by batch, and the same is learnt from them."""
    near = trained(tmp_path / "near")
    monkeypatch.setattr(learner, "MOST_ON_GPU", 0)
    far = trained(tmp_path / "far")
    assert n_labels_apart(near, far) <= 40


def test_a_gpu_without_memory_is_a_sentence_and_finished_epochs_stay(tmp_path):
    """A share of the memory that holds no step: the training says so, and goes on once there is room."""
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, on_epoch=stop_after(2))
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-5)
    try:
        with raises(SettingsError, "not enough memory", "32 images"):
            trained(tmp_path)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    told = []
    trained(tmp_path, on_epoch=lambda history, _best: told.append(len(history)))
    assert told == [2, 3, 4, 5, 6]


def test_rounds_of_augmentation_run_on_a_gpu(tmp_path):
    """A linear clone's pictures move as on the processor, and a whole training with a round comes to its end."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Flatten(), nn.Linear(SPEC.height * SPEC.width * SPEC.channels, N_CLASSES, bias=False))
    network = CloneNetwork(body, "linear", N_CLASSES)
    pictures, labels = data_of(50)[:2]
    there, here = (
        moved(network.to(device), pictures, labels, step=0.1, device=torch.device(device), batch_size=16)
        for device in ("cuda", "cpu")
    )
    np.testing.assert_array_equal(there, here)
    settings = replace(SETTINGS, epochs=2, jacobian_rounds=1)
    clone = trained(tmp_path, settings, n=90, ask=lambda asked, _number: cloning_world.suspect(asked))
    assert clone.n_sent > 0
    assert len(clone.history) == 4


@pytest.mark.parametrize(
    ("arch", "size"), [("torchvision/googlenet", 96), ("googlenet-32", 32), ("torchvision/mobilenet_v3_small", 64)]
)
def test_large_architectures_take_a_step_in_mixed_precision(tmp_path, arch, size):
    """GoogLeNet with its auxiliary heads among them; the loss is a number."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (40, size, size, 3), dtype=np.uint8)
    data = TrainingData(pictures, rng.integers(0, 5, 40).astype(np.int32), np.arange(40, dtype=np.int64))
    settings = TrainingSettings(arch=arch, epochs=1, batch_size=16, learning_rate=0.01, device="cuda")
    clone = train(data, n_classes=5, spec=PreprocessSpec(size, size), settings=settings, folder=tmp_path)
    assert np.isfinite(clone.history[0].loss)
    assert build_clone(arch, 5, PreprocessSpec(size, size), seed=0).load_state_dict(clone.best)
