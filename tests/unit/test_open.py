"""From a file to a suspect, and the sentences on the way."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from raising import raises

from fdcore.errors import RefusedError, SettingsError, SuspectError
from fdcore.suspect import open as open_module
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.open import open_suspect
from fdcore.suspect.reading import opening
from fdcore.suspect.reading.weights import fingerprint
from fdcore.suspect.scan import ScanReport

Pictures = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet-20's checkpoint under a misleading name."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("suspect") / "holiday.jpg"
    state = {f"module.{key}": value for key, value in build("resnet20", 10).state_dict().items()}
    torch.save({"state_dict": state, "epoch": 9}, path)
    return path


def pictures(n: int, size: int = 32, channels: int = 3) -> Pictures:
    """(n, size, size, channels) noise."""
    return np.random.default_rng(0).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def test_a_checkpoint_opens_with_nothing_said(checkpoint: Path) -> None:
    """A state dict is recognised, scanned, fitted and described, under any file name."""
    suspect = open_suspect(checkpoint)
    assert suspect.description.startswith(
        "ResNet-20 (option A), 10 classes, 32x32 colour, imagenet normalisation (assumed); size 32x32 assumed, "
        "not fixed by the file; weights found under "
    )
    assert (suspect.n_classes, suspect.spec.height, suspect.spec.channels) == (10, 32, 3)
    labels = suspect.labels(pictures(5))
    assert labels.dtype == np.int64
    assert labels.shape == (5,)


def test_safetensors_open_too(tmp_path: Path) -> None:
    """The same weights as safetensors give the same answers."""
    torch.manual_seed(0)
    state = build("lenet", 4).state_dict()
    trained = {f"model.{key}": value for key, value in state.items()} | {"criterion.weight": torch.ones(4)}
    torch.save(trained, tmp_path / "a")
    safetensors.torch.save_file(state, tmp_path / "b")
    one, other = open_suspect(tmp_path / "a", arch="lenet"), open_suspect(tmp_path / "b", arch="lenet")
    assert (one.labels(pictures(30)) == other.labels(pictures(30))).all()
    assert one.fingerprint != other.fingerprint
    assert one.weights == other.weights != ""


def test_weights_have_one_fingerprint_in_every_container() -> None:
    """Names, order and counters do not count; type, shape and every number do."""
    state = build("resnet20", 4).state_dict()
    one = fingerprint(state)
    renamed = {f"module.{key}": value for key, value in reversed(state.items()) if value.is_floating_point()}
    assert fingerprint(renamed) == one
    assert len(renamed) < len(state)
    key = next(iter(state))
    changed = state[key].clone()
    changed.view(-1)[0] += 1
    others = (
        {name: value.half() for name, value in state.items()},
        state | {key: changed},
        state | {key: state[key].flatten()},
        state | {key: state[key].to(memory_format=torch.channels_last)},
    )
    assert [fingerprint(other) == one for other in others] == [False, False, False, True]


def test_fingerprints_change_with_everything_that_changes_an_answer(checkpoint: Path) -> None:
    """Opening again gives the same fingerprint; another input gives another."""
    first = open_suspect(checkpoint).fingerprint
    assert len(first) == 64
    assert open_suspect(checkpoint).fingerprint == first
    assert open_suspect(checkpoint, preset="signed").fingerprint != first
    assert open_suspect(checkpoint, spec_overrides={"height": 40}).fingerprint != first


def test_the_analysts_word_goes_before_the_presets_and_the_files(checkpoint: Path, tmp_path: Path) -> None:
    """Overrides win over a preset, a preset over what the file says, and the description says whose word it was."""
    state = torch.load(checkpoint, weights_only=True)
    torch.save({**state, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2], "classes": ["cat", "dog"]}, tmp_path / "m")
    by_file = open_suspect(tmp_path / "m")
    assert by_file.spec.mean == (0.5, 0.4, 0.3)
    assert "normalisation as the file specifies" in by_file.description
    assert "the file names 2 classes: cat, dog" in by_file.description
    by_preset = open_suspect(tmp_path / "m", preset="unit")
    assert by_preset.spec.mean == (0.0, 0.0, 0.0)
    assert "unit normalisation" in by_preset.description
    by_hand = open_suspect(tmp_path / "m", preset="unit", spec_overrides={"mean": 0.25, "order": "BGR"})
    assert (by_hand.spec.mean, by_hand.spec.order) == ((0.25, 0.25, 0.25), "BGR")
    assert "normalisation as given" in by_hand.description


@pytest.mark.parametrize(
    ("settings", "key", "value"),
    [
        ({"spec_overrides": {"hight": 32}}, "unknown setting", "hight"),
        ({"spec_overrides": {"std": [0.0, 1.0, 1.0]}}, "std not positive", (0.0, 1.0, 1.0)),
        ({"spec_overrides": {"channels": 1}}, "file contradicts setting", "channels is 3, not 1"),
        ({"spec_overrides": {"layout": "NHWC"}}, "file contradicts setting", "layout is NCHW, not NHWC"),
        ({"preset": "sepia"}, "unknown preset", "'sepia'"),
    ],
)
def test_wrong_settings_are_refused(checkpoint: Path, settings: dict[str, Any], key: str, value: object) -> None:
    """An unknown or impossible setting is refused by name."""
    with raises(SettingsError, key, value):
        open_suspect(checkpoint, **settings)


def test_wrong_claims_are_refused(checkpoint: Path) -> None:
    """A number of classes or an architecture that the file contradicts is refused."""
    with raises(SuspectError, "file contradicts classes", 10, 7):
        open_suspect(checkpoint, n_classes=7)
    with raises(SuspectError, "architecture does not fit", "dla-simple", "resnet20"):
        open_suspect(checkpoint, arch="dla-simple")
    with raises(SuspectError, "unknown architecture", "resnet-20"):
        open_suspect(checkpoint, arch="resnet-20")


def test_hostile_files_are_refused_and_not_executed(tmp_path: Path) -> None:
    """A file that would run a command is refused, whether or not unscanned files are allowed, and nothing runs."""

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path / 'marker'}",)

    torch.save({"conv.weight": torch.ones(1, 3, 3, 3), "more": Hostile()}, tmp_path / "m.pth")
    for allowed in (False, True):
        with raises(RefusedError, "scan dangerous", "m.pth", "posix.system"):
            open_suspect(tmp_path / "m.pth", allow_unscanned=allowed)
    assert not (tmp_path / "marker").exists()


def test_unscanned_files_open_only_on_request(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the scanners cannot agree, the file stays shut unless the analyst overrides."""
    doubt = ScanReport("inconclusive", (), "The scanners could not agree.")
    monkeypatch.setattr(open_module, "scan", lambda evidence, kind, limits: doubt)
    with raises(RefusedError, "scan inconclusive", doubt.sentence):
        open_suspect(checkpoint)
    assert open_suspect(checkpoint, allow_unscanned=True).n_classes == 10


def test_what_was_hashed_is_what_answers(checkpoint: Path, tmp_path: Path) -> None:
    """A file that is replaced after it was opened changes neither answers nor fingerprint, even in a new cell."""
    path = tmp_path / "m.pth"
    path.write_bytes(checkpoint.read_bytes())
    suspect = open_suspect(path)
    before = suspect.labels(pictures(5)).tolist()
    path.write_bytes(b"nothing")
    suspect.close()
    assert suspect.labels(pictures(5)).tolist() == before
    assert suspect.fingerprint == open_suspect(checkpoint).fingerprint


def test_a_missing_runtime_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose runtime is not installed is refused with the command that installs it."""

    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="ai_edge_litert")

    monkeypatch.setattr(opening.importlib, "import_module", absent)
    request = opening.Request(None, {}, None, None, "cpu", None, {}, lambda *_: None)
    (tmp_path / "m").write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 60)
    with raises(SuspectError, "runtime missing", "m needs the package ai_edge_litert", "requirements-formats.txt"):
        opening.open_inside(tmp_path / "m", request)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Anything that cannot be opened is named with a remedy."""
    (tmp_path / "m.pth").write_bytes(b"GGUF\x03" + b"\0" * 60)
    with raises(SuspectError, "unsupported format", "m.pth", "language model"):
        open_suspect(tmp_path / "m.pth")
    with raises(SuspectError, "suspect unreadable", "absent"):
        open_suspect(tmp_path / "absent")


def test_plain_networks_say_what_was_assumed(tmp_path: Path) -> None:
    """When several readings of a plain network agree with its tensors, the others are named and can be chosen."""
    shapes = {
        "conv1.weight": (8, 3, 3, 3), "conv2.weight": (8, 8, 3, 3), "conv3.weight": (8, 8, 3, 3),
        "fc1.weight": (16, 128), "fc2.weight": (4, 16),
    }  # fmt: skip
    torch.save({key: torch.randn(shape) for key, shape in shapes.items()}, tmp_path / "m")
    assumed = open_suspect(tmp_path / "m")
    assert "(plain-cnn:same:pool=111@32), 4 classes" in assumed.description
    assert "others: plain-cnn:valid:pool=110@32" in assumed.description
    assert "the only known architecture" not in assumed.description
    assert {made.what for made in assumed.assumptions} == {"activation", "padding", "pooling", "reading"}
    assert "architecture" in assumed.origins.guessed
    assert all(any(made.value in note for note in assumed.notes) for made in assumed.assumptions)
    other = open_suspect(tmp_path / "m", arch="plain-cnn:valid:pool=110@32")
    assert other.fingerprint != assumed.fingerprint


def test_weights_of_another_kind_are_no_program(tmp_path: Path) -> None:
    """Quantised weights pass the scanners and are refused by the reader, with their own key and exit code."""
    packed = torch.quantize_per_tensor(torch.rand(4, 4), 0.1, 0, torch.qint8)
    torch.save({"0.scale": torch.tensor(1.0), "0._packed_params": (packed, None)}, tmp_path / "m")
    with raises(SuspectError, "quantised weights", "m") as caught:
        open_suspect(tmp_path / "m")
    assert caught.value.exit_code == 3


def test_the_normalise_layer_of_a_file_is_the_files_word(tmp_path: Path) -> None:
    """Its numbers become the preprocessing, known from the file, and the notes say where they come from."""
    state = {f"model.{key}": value for key, value in build("resnet20", 4).state_dict().items()}
    torch.save(
        {**state, "normalize.mean": torch.full((3,), 0.5), "normalize.std": torch.full((3,), 0.25)}, tmp_path / "m"
    )
    suspect = open_suspect(tmp_path / "m")
    assert (suspect.spec.mean, suspect.spec.std) == ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert suspect.origins.mean == suspect.origins.std == "file"
    assert any("normalize" in note for note in suspect.notes)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "arch", "said"),
    [
        ("t03_lightning_criterion.ckpt", "ResNet-20", "criterion.weight"),
        ("t04b_two_copies.ckpt", "ResNet-20", "weights ema_model (assumed; others: model)"),
        ("t09_cv_mean_std.pt", "ResNet-20", "imagenet normalisation (assumed)"),
        ("t12b_squeezenet_features_module.pth.tar", "torchvision/squeezenet1_1", ""),
        ("t14c_student_prefix.pt", "ResNet-20", ""),
    ],
)
def test_files_like_those_that_were_misread_open(real_data: Path, name: str, arch: str, said: str) -> None:
    """Prefixes, passengers, two copies and results beside the weights do not mislead."""
    path = real_data / "intake" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    description = open_suspect(path).description
    assert description.startswith(arch)
    assert said in description


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("t05_sparse.pt", "sparse weights", "1.weight"),
        ("t06b_dynamic_quant.pt", "quantised weights", "whole numbers"),
        ("x01_lfs_pointer.pth", "only a pointer", "46,830,571 bytes"),
        ("x02_html.pth", "unsupported format", "web page"),
        ("s04_model.safetensors.index.json", "only an index", "s04_model-00001-of-00002.safetensors"),
    ],
)
def test_files_like_those_that_were_misread_are_refused(real_data: Path, name: str, key: str, said: str) -> None:
    """What is no usable model is refused for what it is."""
    path = real_data / "intake" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with raises(SuspectError, key, name, said):
        open_suspect(path)


def labelled(folder: Path, per_class: int, size: int, *, grey: bool = False) -> tuple[Pictures, list[int]]:
    """Pictures of a one-folder-per-class set, and their classes by the order of the folders."""
    chosen = [
        (path, number)
        for number, kind in enumerate(sorted(folder.iterdir()))
        for path in sorted(kind.iterdir())[:per_class]
    ]
    mode = "L" if grey else "RGB"
    opened = [np.asarray(Image.open(path).convert(mode).resize((size, size))) for path, _ in chosen]
    stacked = np.stack(opened)
    return stacked[..., None] if grey else stacked, [number for _, number in chosen]


@pytest.mark.real
def test_the_real_resnet_recognises_its_pictures(real_data: Path) -> None:
    """The third-party ResNet-20 reaches its 81 % on the JPEGs of CIFAR-10 without any options."""
    suspect = open_suspect(real_data / "suspects" / "seized-01.th")
    asked, truth = labelled(real_data / "labelled" / "cifar10-test", 50, 32)
    assert np.mean(suspect.labels(asked) == truth) == pytest.approx(0.915, abs=0.02)


@pytest.mark.real
def test_the_real_plain_networks_recognise_their_pictures(real_data: Path) -> None:
    """The networks rebuilt from shapes alone recognise what they were trained on, given their normalisation."""
    signs, truth = labelled(real_data / "labelled" / "gtsrb-test", 8, 32)
    plain = open_suspect(real_data / "suspects" / "seized-05.pt", preset="unit")
    graph = open_suspect(real_data / "suspects" / "seized-02.onnx")
    assert np.mean(plain.labels(signs) == truth) > 0.65
    assert (plain.labels(signs) == graph.labels(signs)).mean() > 0.99  # the same network in two formats
    things, truth = labelled(real_data / "labelled" / "cifar10-test", 20, 32)
    tutorial = open_suspect(real_data / "suspects" / "seized-08.pth", preset="signed")
    assert np.mean(tutorial.labels(things) == truth) > 0.6


@pytest.mark.real
def test_the_real_digits_are_read(real_data: Path) -> None:
    """The grey graph reads digits without any options."""
    suspect = open_suspect(real_data / "suspects" / "seized-03.onnx")
    digits, truth = labelled(real_data / "labelled" / "mnist-test", 20, 28, grey=True)
    assert np.mean(suspect.labels(digits) == truth) > 0.95


@pytest.mark.real
def test_the_real_refusals(real_data: Path) -> None:
    """The pickled generator is refused with its reason."""
    with raises(RefusedError, "scan dangerous", "__main__.Generator"):
        open_suspect(real_data / "suspects" / "seized-07.pth")
