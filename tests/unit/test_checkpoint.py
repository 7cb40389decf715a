"""Finding the weights in a checkpoint, and asking the network that they belong to."""

import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from raising import raises
from torch import Tensor, nn

from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.formats import Format
from fdcore.suspect.preprocess import Assumption, Origins, PreprocessSpec
from fdcore.suspect.reading import scanners
from fdcore.suspect.reading.checkpoint import Checkpoint, read_checkpoint
from fdcore.suspect.reading.class_names import read_class_names
from fdcore.suspect.reading.torch_suspect import Network, TorchSuspect, load_network

Pictures = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def save(path: Path, content: object) -> Path:
    """A PyTorch file."""
    torch.save(content, path)
    return path


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict under a prefix."""
    return {f"{prefix}{key}": value for key, value in state.items()}


def lenet(n_classes: int = 10, channels: int = 3) -> nn.Module:
    """A small network with fixed random weights."""
    torch.manual_seed(3)
    return build("lenet", n_classes, channels=channels).eval()


def pictures(n: int, *, channels: int = 3, seed: int = 0) -> Pictures:
    """(n, 32, 32, channels) noise."""
    return np.random.default_rng(seed).integers(0, 256, (n, 32, 32, channels), dtype=np.uint8)


def suspect_of(module: nn.Module, spec: PreprocessSpec, n_classes: int = 10) -> TorchSuspect:
    """A network as a suspect."""
    network = Network(module, "lenet", "LeNet", n_classes, spec, "", (), Origins())
    return TorchSuspect(network, spec, fingerprint="f", description="d")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.ones(9, 9)}}}},
        lambda state: {"checkpoint": {"net": state}, "loss": 0.5},
        lambda state: {"student": {"fc.weight": torch.ones(3, 3)}, "state_dict": state},
    ],
)
def test_weights_are_found_wherever_they_lie(tmp_path: Path, wrap: Any) -> None:
    """The state dict is found at the top, under a usual name and below others."""
    state = lenet().state_dict()
    found = read_checkpoint(save(tmp_path / "m.pth", wrap(state)), Format.TORCH_ZIP)
    assert found.tensors.keys() == state.keys()
    assert all(torch.equal(found.tensors[key], state[key]) for key in state)


def test_what_the_file_says_beside_the_weights_is_kept_as_data(tmp_path: Path) -> None:
    """Architecture, size, normalisation and class names are read where the file holds them plainly."""
    content = {
        "state_dict": lenet().state_dict(),
        "arch": "lenet",
        "config": {"img_size": [3, 28, 28], "mean": np.array([0.5, 0.4, 0.3]), "std": torch.tensor([0.2, 0.2, 0.2])},
        "class_to_idx": {"dog": 1, "cat": 0},
        "best": np.float32(0.25),
    }
    hints = read_checkpoint(save(tmp_path / "m.pth", content), Format.TORCH_ZIP).hints
    assert (hints["arch"], hints["size"], hints["classes"]) == ("lenet", (28, 28), ("cat", "dog"))
    assert hints["mean"] == (0.5, 0.4, 0.3)
    assert hints["std"] == pytest.approx((0.2, 0.2, 0.2))


@pytest.mark.parametrize(
    "content",
    [
        {"arch": 5, "mean": [1, 2], "std": "wide", "img_size": [0, 0], "classes": [1, 2]},
        {"arch": "x" * 1000, "mean": [float("nan")] * 3, "img_size": 1e9, "classes": {"a": []}},
    ],
)
def test_hints_that_make_no_sense_are_left_out(tmp_path: Path, content: dict[str, Any]) -> None:
    """Values of another kind than their name promises are not believed."""
    path = save(tmp_path / "m.pth", {**content, "net": lenet().state_dict()})
    assert read_checkpoint(path, Format.TORCH_ZIP).hints == {}


@pytest.mark.parametrize(
    ("content", "taken", "other"),
    [
        (lambda raw, average: {"state_dict": raw, "state_dict_ema": average}, "state_dict_ema", "state_dict"),
        (lambda raw, average: {"model": raw, "ema": {"shadow": average}}, "ema/shadow", "model"),
        (lambda raw, average: {"teacher": average, "student": raw}, "teacher", "student"),
        (lambda raw, average: prefixed("model.", raw) | prefixed("ema_model.module.", average), "ema_model", "model"),
        (lambda raw, average: prefixed("net.student.", raw) | prefixed("net.teacher.", average), "teacher", "student"),
        (lambda raw, average: prefixed("module.", raw) | prefixed("ema.", average), "ema", "the others"),
    ],
)
def test_of_two_copies_the_average_is_taken_and_said(tmp_path: Path, content: Any, taken: str, other: str) -> None:
    """Where a file holds the same network twice, the average of the weights is taken; which it is, is data."""
    raw = {**lenet().state_dict(), "steps": torch.tensor(3)}
    average = {key: value + 1 for key, value in lenet().state_dict().items()} | {"n_averaged": torch.tensor(3)}
    found = read_checkpoint(save(tmp_path / "m.pth", content(raw, average)), Format.TORCH_ZIP)
    network = load_network(found, None, "m")
    assert torch.equal(network.module.state_dict()["fc1.bias"], average["fc1.bias"])
    assert found.assumptions == (Assumption("weights", taken, (other,)),)


def test_ensembles_are_no_copies(tmp_path: Path) -> None:
    """Two networks of one shape without the name of an average are both kept, and fit nothing together."""
    state = lenet().state_dict()
    path = save(tmp_path / "m.pth", prefixed("first.", state) | prefixed("second.", state))
    found = read_checkpoint(path, Format.TORCH_ZIP)
    assert len(found.tensors) == 2 * len(state)
    with raises(SuspectError, "no architecture fits"):
        load_network(found, None, "m")


@pytest.mark.parametrize(
    ("names", "shape"),
    [(("normalize.mean", "normalize.std"), (1, 3, 1, 1)), (("0.mean", "0.std"), (3,)), (("mu", "sigma"), (3, 1, 1))],
)
def test_a_layer_that_normalises_becomes_the_preprocessing(
    tmp_path: Path, names: tuple[str, str], shape: tuple[int, ...]
) -> None:
    """The numbers of a normalise layer beside the network are the file's word on its input."""
    numbers = dict(zip(names, (torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.25, 0.5, 0.25])), strict=True))
    content = prefixed("model.", lenet().state_dict()) | {name: value.view(shape) for name, value in numbers.items()}
    found = read_checkpoint(save(tmp_path / "m.pth", content), Format.TORCH_ZIP)
    assert (found.hints["mean"], found.hints["std"]) == (pytest.approx((0.5, 0.4, 0.3)), (0.25, 0.5, 0.25))
    assert load_network(found, None, "m").arch == "lenet"


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        ({"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2]}, True),
        ({"config": {"data": {"mean": 0.5, "std": 0.25}}}, True),
        ({"args": {"mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]}}, True),
        ({"cv_accuracy": {"mean": 0.9, "std": 0.1}}, False),
        ({"data_accuracy": {"mean": 0.9, "std": 0.1}}, False),
        ({"folds": {"1": {"mean": 0.9, "std": 0.1}}}, False),
        ({"mean": 0.913, "std": 0.012}, False),  # too little variation for pictures
        ({"mean": [0.5, 0.4], "std": [0.2, 0.2]}, False),
        ({"mean": 0.5, "config": {"std": 0.2}}, False),  # not of one subject
    ],
)
def test_a_mean_is_taken_for_the_pictures_only_where_it_is_about_pictures(
    tmp_path: Path, content: dict[str, Any], taken: bool
) -> None:
    """A mean and a standard deviation count only where they stand together, can be of pixels and are no result."""
    hints = read_checkpoint(save(tmp_path / "m.pth", {**content, "net": lenet().state_dict()}), Format.TORCH_ZIP).hints
    assert ({"mean", "std"} <= hints.keys()) == taken
    assert taken or not {"mean", "std"} & hints.keys()


def unusual() -> dict[str, object]:
    """State dicts of each kind of weights that cannot be used."""
    whole = {"conv.weight": torch.ones(4, 3, 3, 3), "fc.bias": torch.ones(4)}
    weight = torch.rand(4, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scales = torch.ones(4), torch.zeros(4)
        return {
            "sparse": whole | {"fc.weight": weight.to_sparse()},
            "sparse rows": whole | {"fc.weight": weight.to_sparse_csr()},
            "quantised": {"fc.weight": torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8), "fc.scale": scales[0]},
            "quantised channels": whole | {"fc.weight": torch.quantize_per_channel(weight, *scales, 0, torch.quint8)},
            "quantised pair": whole | {"fc.packed": (torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8), None)},
            "quantised integers": whole | {"fc.weight": torch.ones(4, 4, dtype=torch.int8)},
            "complex": whole | {"fc.weight": weight.to(torch.complex64)},
            "empty": whole | {"fc.weight": weight.to("meta")},
        }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", unusual())
def test_weights_of_another_kind_are_refused_for_what_they_are(tmp_path: Path, name: str) -> None:
    """Sparse, quantised, complex and empty weights each have their own sentence, and none is called a program."""
    path = save(tmp_path / "m.pth", unusual()[name])
    for scanner in ("opcodes", "picklescan", "fickling"):
        assert scanners.run(scanner, "TORCH_ZIP", path).verdict == "clean"
    kind = name.partition(" ")[0]
    with raises(SuspectError, f"{kind} weights", "m.pth", f"{kind} weights (fc."):
        read_checkpoint(path, Format.TORCH_ZIP)


def test_complex_safetensors_are_refused_too(tmp_path: Path) -> None:
    """The imaginary part is not dropped silently in the other format either."""
    safetensors.torch.save_file({"fc.weight": torch.ones(2, 2, dtype=torch.complex64)}, tmp_path / "m")
    with raises(SuspectError, "complex weights", "fc.weight"):
        read_checkpoint(tmp_path / "m", Format.SAFETENSORS)


@pytest.mark.parametrize("width", [2, 60])
def test_what_is_shared_many_times_is_read_once(tmp_path: Path, width: int) -> None:
    """A dictionary that is shared sixty times over does not take exponential time."""
    inner: dict[str, Any] = {}
    for _ in range(60):
        inner = dict.fromkeys(map(str, range(width)), inner)
    path = save(tmp_path / "m.pth", {"state_dict": lenet().state_dict(), "config": inner})
    started = time.process_time()
    assert read_checkpoint(path, Format.TORCH_ZIP).hints == {}
    assert read_class_names(path, 10) == ()
    assert time.process_time() - started < 10


@pytest.mark.parametrize("number", ["1" * 5_000, "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_strange_digits_in_names_are_text(tmp_path: Path, number: str) -> None:
    """Numbers longer than Python reads, and digits that it does not, are no reason to fail."""
    tensors = {f"features.{number}.weight": torch.ones(2, 2), f"{number}.weight": torch.ones(2, 2)}
    safetensors.torch.save_file(tensors, tmp_path / "m")
    found = read_checkpoint(tmp_path / "m", Format.SAFETENSORS)
    assert found.tensors.keys() == tensors.keys()
    with raises(SuspectError, "no architecture fits"):
        load_network(found, None, "m")


def test_more_tensors_than_any_network_has_are_refused(tmp_path: Path) -> None:
    """Two hundred thousand tensors end in one sentence before they are read."""
    safetensors.torch.save_file({f"{i}.weight": torch.ones(1) for i in range(20_001)}, tmp_path / "m")
    with raises(SuspectError, "too many tensors", "20,001"):
        read_checkpoint(tmp_path / "m", Format.SAFETENSORS)


@pytest.mark.filterwarnings("ignore")
def test_compressed_archives_hold_the_same_weights(tmp_path: Path) -> None:
    """A checkpoint that was unpacked and packed again, compressed, is read as it was."""
    state = lenet().state_dict()
    with (
        zipfile.ZipFile(save(tmp_path / "a", state)) as plain,
        zipfile.ZipFile(tmp_path / "b", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    found = read_checkpoint(tmp_path / "b", Format.TORCH_ZIP).tensors
    assert all(torch.equal(found[key], value) for key, value in state.items())


@pytest.mark.parametrize(
    ("content", "key", "values"),
    [
        ([1, 2], "no state dict", ["a list"]),
        ({1: torch.ones(3, 3)}, "no state dict", ["dict", [1]]),
        ({"epoch": 3}, "no state dict", ["dict", ["epoch"]]),
        ({"bias": torch.ones(3)}, "no state dict", []),
        ({"conv.weight": torch.zeros(1).expand(10**6, 10**6)}, "shape too large", [(10**6, 10**6)]),
    ],
)
def test_files_without_usable_weights_are_refused(
    tmp_path: Path, content: object, key: str, values: list[object]
) -> None:
    """A file with no named weights, or with shapes that it has no bytes for, is refused with what it holds."""
    with raises(SuspectError, key, *values):
        read_checkpoint(save(tmp_path / "m.pth", content), Format.TORCH_ZIP)


def test_programs_are_refused_by_the_reader_too(tmp_path: Path) -> None:
    """Even without a scan, a pickled module is not unpickled."""
    with raises(RefusedError, "not only weights", "torch.nn.modules.linear.Linear"):
        read_checkpoint(save(tmp_path / "m.pth", nn.Linear(2, 2)), Format.TORCH_ZIP)


@pytest.mark.parametrize("kind", [Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.SAFETENSORS])
def test_damaged_files_are_refused(tmp_path: Path, kind: Format) -> None:
    """A file that was cut in two is called damaged."""
    state = lenet().state_dict()
    path = tmp_path / "m"
    if kind is Format.SAFETENSORS:
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind is Format.TORCH_ZIP)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with raises(SuspectError, "suspect damaged", "m"):
        read_checkpoint(path, kind)


def test_safetensors_keep_the_order_of_layers(tmp_path: Path) -> None:
    """Tensors of a safetensors file come with convolutions first, by their numbers, weights before biases."""
    keys = [f"{name}.{leaf}" for name in ("features.0", "features.10", "classifier.1") for leaf in ("weight", "bias")]
    shapes = [(4, 3, 3, 3), (4,), (8, 4, 3, 3), (8,), (10, 512), (10,)]
    tensors = {key: torch.zeros(shape) for key, shape in zip(keys, shapes, strict=True)}
    safetensors.torch.save_file(tensors, tmp_path / "m")
    assert list(read_checkpoint(tmp_path / "m", Format.SAFETENSORS).tensors) == keys


def test_the_archives_own_name_is_noted(tmp_path: Path) -> None:
    """PyTorch writes the file's first name into the archive; a renamed file still says it."""
    path = save(tmp_path / "cat_or_dog.pth", lenet().state_dict()).rename(tmp_path / "m.pth")
    assert "saved as 'cat_or_dog'" in read_checkpoint(path, Format.TORCH_ZIP).notes


def checkpoint(state: dict[str, Tensor], **hints: Any) -> Checkpoint:
    """A checkpoint in memory."""
    return Checkpoint(state, hints, ())


def test_the_only_fitting_architecture_is_taken() -> None:
    """Without a name, the one architecture that fits is used, with its classes and channels."""
    network = load_network(checkpoint(build("resnet20", 7, channels=1).state_dict()), None, "m")
    assert (network.arch, network.n_classes, network.spec.channels) == ("resnet20", 7, 1)
    assert "the only known architecture that fits" in network.notes


def test_half_precision_weights_are_widened() -> None:
    """Weights in half precision and bfloat16 answer in float32."""
    network = load_network(checkpoint(lenet().bfloat16().state_dict()), "lenet", "m")
    assert all(value.dtype == torch.float32 for value in network.module.parameters())


def test_networks_of_one_function_are_one_and_of_several_are_a_question() -> None:
    """The same network of two libraries is opened; if strides or blurs may differ, the analyst must choose."""
    torch.manual_seed(0)
    same = load_network(checkpoint(build("timm/vit_tiny_patch16_224", 3).state_dict()), None, "m")
    assert any("computes the same as" in note for note in same.notes)
    with raises(SuspectError, "several architectures fit", "torchvision/resnet18, timm/resnetblur18."):
        load_network(checkpoint(build("torchvision/resnet18", 3).state_dict()), None, "m")


def test_the_files_own_word_on_its_architecture_is_believed_if_it_fits() -> None:
    """An architecture named in the file settles which of several it is; a wrong one is ignored."""
    state = build("torchvision/resnet18", 3).state_dict()
    assert load_network(checkpoint(state, arch="resnet18"), None, "m").arch == "torchvision/resnet18"
    wrong = load_network(checkpoint(build("resnet20", 3).state_dict(), arch="resnet18"), None, "m")
    assert wrong.arch == "resnet20"


def test_weights_that_do_not_fit_say_which_and_what_would() -> None:
    """A wrong architecture is refused with the keys that disagree and the one that fits."""
    with raises(SuspectError, "architecture does not fit", "60 missing (layer1.3.conv1.weight", "resnet20."):
        load_network(checkpoint(build("resnet20", 10).state_dict()), "resnet32", "m")


def test_tensors_of_no_architecture_say_what_they_are_and_what_is_near() -> None:
    """Unknown tensors are described, with the architectures that share most with them."""
    state = dict(build("resnet20", 10).state_dict())
    state["attention.weight"] = torch.ones(5, 5)
    with raises(SuspectError, "no architecture fits", 98, "conv1.weight (16, 3, 3, 3)", "resnet20 (97 of 97"):
        load_network(checkpoint(state), None, "m.pth")


def test_answers_equal_the_bare_networks() -> None:
    """Labels are the arg max of the network on normalised pictures in the right channel order."""
    module, asked = lenet(), pictures(40)
    spec = PreprocessSpec(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25), order="BGR")
    x = torch.from_numpy(asked[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(spec.mean).view(3, 1, 1)) / torch.tensor(spec.std).view(3, 1, 1)
    with torch.inference_mode():
        expected = module(x).argmax(1).numpy()
    assert len(set(expected)) > 1
    assert (suspect_of(module, spec).labels(asked) == expected).all()


def test_outputs_do_not_depend_on_the_company() -> None:
    """A picture's soft outputs have the same bits alone, among others, in another order."""
    module, asked, seen = lenet(), pictures(30), []
    suspect = suspect_of(module, PreprocessSpec())
    module.register_forward_hook(lambda module, inputs, outputs: seen.append(outputs.numpy()))
    order = np.random.default_rng(1).permutation(30)
    for some in (asked, asked[order], asked[:1]):
        suspect.labels(some)
    together, shuffled, alone = seen
    assert together.shape == alone.shape == (256, 10)
    assert (shuffled[:30] == together[order]).all()
    assert (alone[0] == together[0]).all()


def test_a_single_output_distinguishes_two_classes(tmp_path: Path) -> None:
    """A network with one output distinguishes two classes by its sign."""
    torch.manual_seed(0)
    state = build("lenet", 2).state_dict()
    state["fc3.weight"], state["fc3.bias"] = state["fc3.weight"][:1], torch.tensor([0.02])
    network = load_network(checkpoint(state), None, "m")
    suspect = TorchSuspect(network, network.spec, fingerprint="f", description="d")
    outputs = suspect._outputs(pictures(60))
    assert suspect.n_classes == 2
    assert (suspect.labels(pictures(60)) == (outputs[:, 1] > 0)).all()


def test_damaged_weights_are_found_when_asked() -> None:
    """A network with NaN among its weights opens, and its answer is an error and no label."""
    module = lenet()
    with torch.no_grad():
        module.get_submodule("fc1").weight[0, 0] = float("nan")
    with raises(SuspectError, "not finite", "3 of 3"):
        suspect_of(module, PreprocessSpec()).labels(pictures(3))


def test_sizes_that_a_network_cannot_take_are_known_at_once() -> None:
    """A LeNet for 32x32 refuses 64x64 when it is opened; so does a colour network for grey."""
    with raises(SuspectError, "size not taken", "64 x 64", "3 channels"):
        suspect_of(lenet(), PreprocessSpec(64, 64))
    with raises(SuspectError, "size not taken", "1 channels"):
        suspect_of(lenet(), PreprocessSpec(channels=1, mean=(0.0,), std=(1.0,)))


def test_unknown_devices_are_refused() -> None:
    """A device that is not there is named, with the one that always is."""
    network = Network(lenet(), "lenet", "LeNet", 10, PreprocessSpec(), "", (), Origins())
    with raises(SuspectError, "no such device", "abacus", "cpu"):
        TorchSuspect(network, PreprocessSpec(), fingerprint="", description="", device="abacus")
