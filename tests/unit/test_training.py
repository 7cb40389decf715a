"""Training a clone: what an epoch does, which weights are kept, and what small, odd and hostile inputs come to."""

import copy
import errno
import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cloning_world
import numpy as np
import pytest
import safetensors.torch
import torch
from cloning_world import N_CLASSES, SPEC
from raising import raises
from torch import nn
from torch.nn import functional

from fdcore.cloning.checkpoints import NAME, read_best
from fdcore.cloning.devices import choose_arithmetic, memory_errors, seeded
from fdcore.cloning.learner import Learner
from fdcore.cloning.networks import CloneNetwork, build_clone, restored
from fdcore.cloning.run import EpochResult
from fdcore.cloning.schedule import (
    best_epoch,
    jacobian_queries,
    learning_rate,
    n_steps,
    planned_epochs,
    planned_images,
    why_over,
)
from fdcore.cloning.settings import TrainingSettings
from fdcore.cloning.training import Trained, TrainingData, predict, split_rows, train
from fdcore.errors import CaseError, SettingsError, StorageError
from fdcore.suspect.preprocess import PreprocessSpec

QUICK = TrainingSettings(epochs=2, batch_size=16, device="cpu")
GREY = PreprocessSpec(28, 28, 1, mean=(0.0,), std=(1.0,))


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other cost more than they bring on networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def data_of(n: int, seed: int = 0) -> TrainingData:
    pictures = cloning_world.pictures(n, seed)
    return TrainingData(pictures, cloning_world.suspect(pictures), np.arange(n, dtype=np.int64))


def trained(data: TrainingData, folder: Path, settings: TrainingSettings = QUICK, **options) -> Trained:
    return train(data, n_classes=N_CLASSES, spec=SPEC, settings=settings, folder=folder, **options)


def results(*agreements: float) -> list[EpochResult]:
    return [EpochResult(i + 1, 1.0, 0.5, value, 0.1, 1.0, 10) for i, value in enumerate(agreements)]


def same(one: Trained, other: Trained) -> bool:
    return all(torch.equal(one.best[key], other.best[key]) for key in one.best)


def test_the_rate_rises_to_its_peak_and_falls_along_a_cosine():
    """A twentieth of the steps leads up to the peak; at the middle of the rest it is half of it; it ends near 0."""
    rates = [learning_rate(step, 400, 0.1) for step in range(400)]
    np.testing.assert_allclose(rates[:20], np.arange(1, 21) / 20 * 0.1)
    assert rates[20] == max(rates) == 0.1
    assert rates[210] == pytest.approx(0.05)
    assert all(earlier > later > 0 for earlier, later in pairwise(rates[20:]))
    assert rates[-1] < 1e-5
    assert learning_rate(0, 1, 0.1) == 0.1


def test_the_later_of_equal_epochs_is_kept():
    """Equal agreement goes to the epoch that was trained longer; where nothing is held out, to the last."""
    assert best_epoch([]) == 0
    assert best_epoch(results(0.2, 0.8, 0.5, 0.8, 0.7)) == 4
    assert best_epoch(results(-1, -1, -1)) == 3


def test_patience_counts_epochs_without_a_better_agreement():
    """An equal agreement is no better one, a new round starts with new patience, and without patience all are run."""
    settings = TrainingSettings(epochs=10, patience=2)
    assert why_over(results(0.5, 0.8, 0.8), 0, settings) is None
    assert why_over(results(0.5, 0.8, 0.8, 0.7), 0, settings) == "The held-out agreement did not improve in 2 epochs."
    assert why_over(results(0.5, 0.8, 0.8, 0.7), 3, settings) is None
    assert why_over(results(*[0.5] * 9), 0, replace(settings, patience=0)) is None
    assert why_over(results(*[0.5] * 10), 0, replace(settings, patience=0)) == ""
    assert why_over(results(-1, -1, -1, -1), 0, settings) is None


@pytest.mark.parametrize("batch_size", [1, 2, 3, 16, 64])
def test_no_step_is_left_with_a_single_image(batch_size):
    """Every image is in one step, steps are even, and batch normalisation always has two to compare."""
    for n in range(2, 200):
        sizes = [len(part) for part in torch.tensor_split(torch.arange(n), n_steps(n, batch_size))]
        assert sum(sizes) == n
        assert min(sizes) >= 2
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= max(batch_size, 3)


def test_views_of_one_image_are_held_out_together():
    """No image is trained on whose view is held out, and about the asked share is."""
    groups = np.random.default_rng(0).integers(0, 100, 500)
    training, held_out = split_rows(groups, 0.2, seed=1)
    assert not set(groups[training]) & set(groups[held_out])
    assert sorted([*training, *held_out]) == list(range(500))
    assert len(set(groups[held_out])) == round(0.2 * len(set(groups)))
    assert len(split_rows(np.zeros(5, dtype=np.int64), 0.5, seed=0)[0]) == 5


def test_a_clone_learns_the_suspect(tmp_path):
    """After a few epochs it answers pictures that it never saw as the suspect does."""
    clone = trained(data_of(200), tmp_path, replace(QUICK, epochs=5))
    network = build_clone("resnet20", N_CLASSES, SPEC, seed=0)
    network.load_state_dict(clone.best)
    unseen = cloning_world.pictures(200, seed=9)
    assert (predict(network, unseen, device="cpu") == cloning_world.suspect(unseen)).mean() > 0.85
    assert [one.epoch for one in clone.history] == list(range(1, 6))
    assert clone.history[-1].loss < clone.history[0].loss
    assert all(one.n_images == 180 for one in clone.history)
    assert clone.circumstances["precision"] in ("float32", "bfloat16")
    assert clone.circumstances["threads"] == 1


def test_the_kept_weights_have_the_agreement_that_was_told(tmp_path):
    """The best weights give on the held-out rows what the record says of the best epoch."""
    data = data_of(60)
    settings = replace(QUICK, epochs=4, held_out=0.4)
    clone = trained(data, tmp_path, settings)
    network = build_clone("resnet20", N_CLASSES, SPEC, seed=0)
    network.load_state_dict(clone.best)
    _, held_out = split_rows(data.groups, 0.4, seed=0)
    agreement = (predict(network, data.pictures[held_out], device="cpu") == data.labels[held_out]).mean()
    told = [one.held_out_agreement for one in clone.history]
    assert agreement == told[clone.best_epoch - 1] == max(told)


def test_a_step_is_what_a_plain_loop_does(tmp_path):
    """Without augmentation, two epochs of one step each end at the weights that PyTorch's own loop gives."""
    data = data_of(24)
    settings = replace(QUICK, batch_size=24, augment=False, held_out=0.0, precision="float32")
    ours = trained(data, tmp_path, settings).best
    network = build_clone("resnet20", N_CLASSES, SPEC, seed=0).train()
    x = torch.from_numpy(data.pictures).permute(0, 3, 1, 2).float().contiguous() / 255
    groups = [
        {"params": [p for p in network.parameters() if p.dim() > 1], "weight_decay": 5e-4},
        {"params": [p for p in network.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True, fused=False)
    for step in range(2):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, 2, 0.1)
        optimiser.zero_grad()
        functional.cross_entropy(network(x), torch.from_numpy(data.labels).long()).backward()
        optimiser.step()
    for key, value in network.state_dict().items():
        torch.testing.assert_close(ours[key], value, rtol=1e-3, atol=1e-4)


def test_auxiliary_heads_count_three_tenths():
    """GoogLeNet's auxiliary heads get 0.3 of the gradient that their own loss alone would give."""
    spec = PreprocessSpec(32, 32)
    network = build_clone("torchvision/googlenet", 3, spec, seed=0)
    alone = copy.deepcopy(network).train()
    pictures = torch.randint(0, 256, (4, 32, 32, 3), generator=torch.Generator().manual_seed(0)).byte()
    labels = torch.tensor([0, 1, 2, 0])
    with seeded(torch.device("cpu"), 7):
        out = alone.outputs(pictures.permute(0, 3, 1, 2).float() / 255)[2]
        functional.cross_entropy(out, labels).backward()
    settings = TrainingSettings(arch="torchvision/googlenet", augment=False, precision="float32", device="cpu")
    taught = Learner(network, settings, choose_arithmetic("cpu", "float32"))
    with seeded(torch.device("cpu"), 7):
        taught.step(pictures, labels, rate=0.0, generator=torch.Generator())
    key = "body.aux1.fc2.bias"
    expected = 0.3 * alone.get_parameter(key).grad
    torch.testing.assert_close(network.get_parameter(key).grad, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("n", "batch_size"), [(1, 1), (1, 64), (2, 1), (2, 64), (3, 2)])
def test_tiny_sets_train(tmp_path, n, batch_size):
    """One, two and three pictures train an architecture whose last layers normalise a single pixel."""
    settings = replace(QUICK, arch="googlenet-32", epochs=1, batch_size=batch_size)
    small = PreprocessSpec(4, 4)
    data = data_of(n)._replace(pictures=data_of(n).pictures[:, :4, :4].copy())
    clone = train(data, n_classes=N_CLASSES, spec=small, settings=settings, folder=tmp_path)
    assert np.isfinite(clone.history[0].loss)
    assert clone.history[0].n_images == n


def test_grey_pictures_train(tmp_path):
    """A suspect with one channel gets a clone with one."""
    rng = np.random.default_rng(0)
    data = TrainingData(rng.integers(0, 256, (20, 28, 28, 1), dtype=np.uint8), np.arange(20, dtype=np.int32) % 10,
                        np.arange(20, dtype=np.int64))  # fmt: skip
    clone = train(data, n_classes=10, spec=GREY, settings=replace(QUICK, epochs=1), folder=tmp_path)
    assert clone.best["body.conv1.weight"].shape[1] == 1


def test_patience_ends_a_training_early(tmp_path):
    """A clone that does not get better stops, says so, and keeps the best weights."""
    data = data_of(30)._replace(labels=np.random.default_rng(0).integers(0, 3, 30).astype(np.int32))
    clone = trained(data, tmp_path, replace(QUICK, epochs=30, patience=2, held_out=0.4))
    assert len(clone.history) < 30
    assert clone.stopped_early == "The held-out agreement did not improve in 2 epochs."


def test_progress_comes_to_its_end(tmp_path):
    """What is told beforehand of epochs, images and queries of all rounds is what is done."""
    told = []
    settings = replace(QUICK, epochs=1, jacobian_rounds=2)
    clone = trained(
        data_of(20), tmp_path, settings, progress=lambda *now: told.append(now),
        ask=lambda pictures, _number: cloning_world.suspect(pictures),
    )  # fmt: skip
    done = [now[1:] for now in told if now[0] == "Training"]
    assert done == sorted(done)
    assert done[-1] == (planned_images(settings, 18),) * 2 == (18 + 36 + 54,) * 2
    assert len(clone.history) == planned_epochs(settings) == 3
    assert clone.n_sent == jacobian_queries(settings, 18) == 36


def test_the_same_seed_gives_the_same_clone_and_another_seed_another(tmp_path):
    """Two trainings with one seed are bit-identical, whatever was drawn between them."""
    one = trained(data_of(40), tmp_path / "one")
    torch.rand(3)
    assert same(one, trained(data_of(40), tmp_path / "two"))
    assert not same(one, trained(data_of(40), tmp_path / "three", replace(QUICK, seed=1)))


def test_trainings_side_by_side_do_not_disturb_each_other(tmp_path):
    """Two clones in two threads, as on two GPUs, come out as each would alone."""
    sets = [data_of(40, seed) for seed in (1, 2)]
    alone = [trained(data, tmp_path / f"alone {i}") for i, data in enumerate(sets)]
    with ThreadPoolExecutor(2) as threads:
        beside = list(threads.map(lambda pair: trained(pair[1], tmp_path / f"beside {pair[0]}"), enumerate(sets)))
    assert all(same(*pair) for pair in zip(alone, beside, strict=True))


def test_another_training_does_not_go_on_from_a_checkpoint(tmp_path):
    """A checkpoint serves the training that left it, on whatever device is free; other data or settings begin anew."""
    first = trained(data_of(40), tmp_path)
    told = []
    again = trained(
        data_of(40), tmp_path, replace(QUICK, device="auto"), on_epoch=lambda history, _best: told.append(len(history))
    )
    assert told == [2]  # all done before
    assert same(again, first)
    told.clear()
    trained(data_of(40, seed=5), tmp_path, on_epoch=lambda history, _best: told.append(len(history)))
    assert told == [1, 2]


def test_the_best_so_far_comes_with_the_epochs_that_it_belongs_to(tmp_path):
    """A training that was stopped gives its best weights, and they agree as often as its own history tells."""
    data, settings = data_of(60), replace(QUICK, epochs=9, held_out=0.4)

    def stop(history: list[EpochResult], _best: int) -> None:
        if len(history) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(data, tmp_path, settings, on_epoch=stop)
    best, history = read_best(tmp_path)
    assert [one.epoch for one in history] == [1, 2, 3]
    network = restored("resnet20", N_CLASSES, SPEC, best)
    _, held_out = split_rows(data.groups, 0.4, seed=0)
    agreement = (predict(network, data.pictures[held_out], device="cpu") == data.labels[held_out]).mean()
    assert agreement == history[best_epoch(history) - 1].held_out_agreement


def rewritten(path: Path, rest: dict[str, object], change=lambda tensors: tensors) -> None:
    """A checkpoint with other tensors or other facts in its header."""
    with safetensors.safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        before = json.loads(file.metadata()["training"])
    path.write_bytes(safetensors.torch.save(change(tensors), {"training": json.dumps(before | rest)}))


CRAFTED = {
    "a round that is no number": {"round": "first"},
    "an epoch of endless seconds": {"history": [[1, 1.0, 0.5, 0.5, 0.1, float("inf"), 36]]},
    "an epoch with too little": {"history": [[1, 1.0]]},
    "no epoch": {"history": []},
}


@pytest.mark.parametrize("changes", CRAFTED.values(), ids=CRAFTED)
def test_what_is_no_training_leaves_nothing_to_keep(tmp_path, changes):
    """A checkpoint may come with a case that somebody sent: whatever it holds instead ends in a sentence."""
    with raises(CaseError, "no checkpoint"):
        read_best(tmp_path)
    trained(data_of(20), tmp_path, replace(QUICK, epochs=1))
    rewritten(tmp_path / NAME, changes)
    with raises(CaseError, "no checkpoint"):
        read_best(tmp_path)


class Hostile:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


def shorter(part: str):
    """A change that cuts the tensors of one part to their first row."""
    return lambda tensors: {
        key: value[:1].clone() if key.startswith(f"{part}/") and value.dim() else value
        for key, value in tensors.items()
    }


@pytest.mark.parametrize("content", ["noise", "pickle", "torch", "network", "optimiser"])
def test_a_damaged_or_hostile_checkpoint_counts_as_none(tmp_path, content):
    """Nothing in a checkpoint is executed; what is no checkpoint of this training is trained again, to the same end."""
    expected = trained(data_of(40), tmp_path)
    path, trap = tmp_path / NAME, tmp_path / "trap"
    if content in ("network", "optimiser"):
        rewritten(path, {}, shorter(content))
    elif content == "torch":
        torch.save({"network": Hostile(trap)}, path)
    else:
        path.write_bytes(b"PK\x03\x04" * 99 if content == "noise" else pickle.dumps(Hostile(trap), 2))
    assert same(trained(data_of(40), tmp_path), expected)
    assert not trap.exists()


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_exhausted_memory_is_a_sentence_and_the_training_goes_on_later(tmp_path, monkeypatch, optimiser):
    """Finished epochs stay when a GPU's memory gives out; the next start goes on from them."""
    settings = replace(QUICK, optimiser=optimiser)
    step, calls = Learner.step, 0

    def exhausted(self, *args, **options):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", exhausted)
        with raises(SettingsError, "not enough memory", "16 images"):
            trained(data_of(40), tmp_path, settings)
    told = []
    clone = trained(data_of(40), tmp_path, settings, on_epoch=lambda history, _best: told.append(len(history)))
    assert told == [1, 2]  # the first was done before
    assert same(clone, trained(data_of(40), tmp_path / "straight", settings))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")])
def test_a_processor_out_of_memory_is_a_sentence(error):
    """The machine's own memory counts as a GPU's does; another error stays what it is."""
    with raises(SettingsError, "not enough memory", "8 images"), memory_errors(8):
        raise error
    with pytest.raises(RuntimeError, match="a bug"), memory_errors(8):
        raise RuntimeError("a bug")


def test_a_full_disk_is_a_sentence_and_the_last_checkpoint_stays(tmp_path, monkeypatch):
    """When a checkpoint cannot be written, the one before is still whole and the training goes on from it."""
    real, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 2:  # the first checkpoint's file and folder
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="The disk is full"):
            trained(data_of(40), tmp_path)
    told = []
    trained(data_of(40), tmp_path, on_epoch=lambda history, _best: told.append(len(history)))
    assert told == [1, 2]


def test_a_loss_that_is_no_number_is_a_sentence(tmp_path):
    """A learning rate that throws the weights about ends with what to do."""
    settings = TrainingSettings(arch="lenet", learning_rate=100.0, epochs=30, batch_size=8, device="cpu")
    rng = np.random.default_rng(0)
    data = TrainingData(rng.integers(0, 256, (32, 32, 32, 3), dtype=np.uint8), np.arange(32, dtype=np.int32) % 3,
                        np.arange(32, dtype=np.int64))  # fmt: skip
    with raises(SettingsError, "training diverged", "epoch", "100"):
        train(data, n_classes=3, spec=PreprocessSpec(), settings=settings, folder=tmp_path)


@pytest.mark.parametrize(
    ("change", "key", "values"),
    [
        ({"pictures": np.zeros((0, 8, 8, 3), np.uint8)}, "pictures unsuitable", ["(8, 8, 3)", "0 of uint8"]),
        ({"pictures": np.zeros((6, 9, 8, 3), np.uint8)}, "pictures unsuitable", ["(8, 8, 3)", "(9, 8, 3)"]),
        ({"labels": np.full(6, 3, np.int32)}, "labels out of range", ["0..2", "3 to 3"]),
        ({"labels": np.full(6, -1, np.int32)}, "labels out of range", ["0..2", "-1 to -1"]),
        ({"groups": np.zeros(5, np.int64)}, "labels missing", [6, 5]),
    ],
)
def test_data_that_do_not_fit_are_refused(tmp_path, change, key, values):
    """Unsuitable data are reported before any training."""
    with raises(SettingsError, key, *values):
        trained(data_of(6)._replace(**change), tmp_path)


def test_rounds_without_a_suspect_are_refused(tmp_path):
    """Augmentation asks the suspect; without one it is a sentence."""
    with raises(SettingsError, "rounds without suspect"):
        trained(data_of(6), tmp_path, replace(QUICK, jacobian_rounds=1))


@pytest.mark.parametrize("device", ["tpu:7", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_is_refused(device):
    """The name of a device may be typed by hand."""
    with raises(SettingsError, "no device", repr(device)):
        choose_arithmetic(device)


def test_bfloat16_trains_beside_weights_in_float32(tmp_path):
    """Asked for by name, bfloat16 is used even where it is slow, and the weights stay float32."""
    clone = trained(data_of(20), tmp_path, replace(QUICK, epochs=1, precision="bfloat16"))
    assert clone.circumstances["precision"] == "bfloat16"
    assert clone.best["body.conv1.weight"].dtype == torch.float32
    assert np.isfinite(clone.history[0].loss)


def test_predictions_do_not_depend_on_how_many_are_asked():
    """One by one, in small batches and all at once, the labels are the same."""
    network = build_clone("resnet20", N_CLASSES, SPEC, seed=0)
    shown = cloning_world.pictures(9)
    together = predict(network, shown, device="cpu")
    assert together.dtype == np.int32
    one_by_one = np.concatenate([predict(network, shown[i : i + 1], device="cpu") for i in range(9)])
    np.testing.assert_array_equal(together, one_by_one)
    np.testing.assert_array_equal(together, predict(network, shown, device="cpu", batch_size=4))
    assert predict(network, shown[:0], device="cpu").shape == (0,)


def test_some_pictures_of_a_large_set_are_answered_in_the_order_asked(tmp_path):
    """A memory map is read batch by batch, whichever of its pictures are asked for, and some of them twice."""
    network = CloneNetwork(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), "means", N_CLASSES)
    shown = cloning_world.pictures(50)
    np.save(tmp_path / "pictures.npy", shown)
    stored = np.load(tmp_path / "pictures.npy", mmap_mode="r")
    every = predict(network, shown, device="cpu")
    np.testing.assert_array_equal(every, cloning_world.suspect(shown))
    np.testing.assert_array_equal(predict(network, stored, device="cpu", batch_size=16), every)
    images = np.array([49, 3, 3, 17, 0, 20, 8])
    told = []
    given = predict(network, stored, images, device="cpu", batch_size=3, progress=lambda _, *now: told.append(now))
    np.testing.assert_array_equal(given, every[images])
    assert told == [(0, 7), (3, 7), (6, 7), (7, 7)]
    assert predict(network, stored, images[:0], device="cpu").shape == (0,)


def test_a_batch_is_all_that_is_read_of_a_large_set():
    """Asking about a few pictures of a set that no memory holds takes no more than a batch of them."""

    class Endless:
        """A set of 10^9 pictures that counts how many are read at once."""

        shape, most = (10**9, *cloning_world.pictures(1).shape[1:]), 0

        def __len__(self) -> int:
            return self.shape[0]

        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            self.most = max(self.most, len(rows))
            return cloning_world.pictures(len(rows))

    endless = Endless()
    network = build_clone("resnet20", N_CLASSES, SPEC, seed=0)
    predict(network, endless, np.arange(40) * 10**7, device="cpu", batch_size=8)
    assert endless.most == 8
