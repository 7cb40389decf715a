"""Two files, one model: equal weights are recognised in every container that holds them as tensors."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper, save
from torch import nn

from fdcore.suspect.architectures.registry import build
from fdcore.suspect.open import open_suspect


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A LeNet."""
    torch.manual_seed(0)
    return build("lenet", 4).eval()


@pytest.fixture(scope="module")
def state_dict(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its state dict."""
    path = tmp_path_factory.mktemp("weights") / "net.pth"
    torch.save(network.state_dict(), path)
    return path


def as_safetensors(network: nn.Module, path: Path) -> None:
    safetensors.torch.save_file(network.state_dict(), path)


def as_torchscript(network: nn.Module, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch would rather have us use torch.export
        torch.jit.trace(network, torch.zeros(1, 3, 32, 32)).save(str(path))


def as_exported(network: nn.Module, path: Path) -> None:
    torch.export.save(torch.export.export(network, (torch.zeros(1, 3, 32, 32),)), path)


@pytest.mark.parametrize(
    ("name", "write"), [("net.safetensors", as_safetensors), ("net.ts", as_torchscript), ("net.pt2", as_exported)]
)
def test_one_network_in_several_containers_is_one(
    name: str, write: object, network: nn.Module, state_dict: Path, tmp_path: Path
) -> None:
    """With the same answers."""
    write(network, tmp_path / name)  # type: ignore[operator]
    given = {"preset": "unit", "spec_overrides": {"height": 32, "width": 32}}
    first, other = open_suspect(state_dict, **given), open_suspect(tmp_path / name, **given)
    assert first.weights == other.weights != ""
    pictures = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    assert (first.labels(pictures) == other.labels(pictures)).all()


def test_a_graph_with_the_weights_of_a_state_dict_is_the_same_network(tmp_path: Path) -> None:
    """Numbers that are no weights, such as a shape, do not count; one changed number makes it another."""
    torch.manual_seed(0)
    layer = nn.Linear(3 * 8 * 8, 4)
    torch.save({"state_dict": {"fc.weight": layer.weight.detach(), "fc.bias": layer.bias.detach()}}, tmp_path / "a.pth")

    def graph(name: str, bias: np.ndarray) -> Path:
        weights = [
            numpy_helper.from_array(layer.weight.detach().numpy(), "w"), numpy_helper.from_array(bias, "b"),
            helper.make_tensor("flat", TensorProto.INT64, [2], [0, -1]),
        ]  # fmt: skip
        nodes = [
            helper.make_node("Reshape", ["x", "flat"], ["y"]),
            helper.make_node("Gemm", ["y", "w", "b"], ["scores"], transB=1),
        ]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])
        scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 4])
        made = helper.make_graph(nodes, "g", [x], [scores], weights)
        save(helper.make_model(made, ir_version=9, opset_imports=[helper.make_opsetid("", 18)]), tmp_path / name)
        return tmp_path / name

    bias = layer.bias.detach().numpy()
    same, other = graph("same.onnx", bias), graph("other.onnx", bias + 1)
    known = open_suspect(tmp_path / "a.pth", spec_overrides={"height": 8, "width": 8}).weights
    assert open_suspect(same).weights == known
    assert open_suspect(other).weights not in ("", known)


def test_both_files_of_a_keras_model_are_one(tmp_path: Path) -> None:
    """The archive of Keras 3 and the HDF5 file of older versions."""
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras", reason="Keras needs pip install -r requirements-formats.txt")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(4)]
    )
    model.save(tmp_path / "a.keras")
    model.save(tmp_path / "a.h5")
    first, other = open_suspect(tmp_path / "a.keras"), open_suspect(tmp_path / "a.h5")
    assert first.weights == other.weights != ""
