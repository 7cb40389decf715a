"""Damaged and twisted files of every format: each opens or ends in a sentence, within its limits, and nothing else.

Nightly, 300 mutants of each format; FDCORE_MUTANTS sets another number.
"""

import io
import json
import os
import random
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import safetensors.torch
import timm
import torch
from onnx import TensorProto, helper

from fdcore.errors import FdError
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.cell.cell import Limits
from fdcore.suspect.open import open_suspect

N_MUTANTS = int(os.environ.get("FDCORE_MUTANTS", "300"))
LIMITS = Limits(memory=2 << 30, scan_s=20, opening_s=20)
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


def checkpoint(zipped: bool) -> bytes:
    """A LeNet's weights as PyTorch saves them."""
    torch.manual_seed(0)
    buffer = io.BytesIO()
    torch.save({"state_dict": build("lenet", 4).state_dict(), "classes": ["a", "b", "c", "d"]}, buffer,
               _use_new_zipfile_serialization=zipped)  # fmt: skip
    return buffer.getvalue()


def graph() -> bytes:
    """A classifier of four classes with weights, an attribute, a subgraph's worth of shapes, and metadata."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 8, 8], [0.01] * 768)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[8, 8]),
        helper.make_node("Flatten", ["y"], ["z"], axis=1),
        helper.make_node("Softmax", ["z"], ["scores"], axis=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 4])
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [scores], [weights]), ir_version=9,
                              opset_imports=[helper.make_opsetid("", 18)])  # fmt: skip
    entry = model.metadata_props.add()
    entry.key, entry.value = "names", "{0: 'a', 1: 'b', 2: 'c', 3: 'd'}"
    return bytes(model.SerializeToString())


def program(exported: bool) -> bytes:
    """A LeNet with its computation, as TorchScript or torch.export."""
    torch.manual_seed(0)
    network, buffer, example = build("lenet", 4).eval(), io.BytesIO(), torch.zeros(1, 3, 32, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exported:
            torch.export.save(torch.export.export(network, (example,)), buffer)
        else:
            torch.jit.save(torch.jit.trace(network, example), buffer)
    return buffer.getvalue()


def keras_model(ending: str) -> bytes:
    """A small Keras model."""
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras", reason="Keras needs pip install -r requirements-formats.txt")
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(4)])
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"net{ending}"
        model.save(path)
        return path.read_bytes()


def tflite() -> bytes:
    """A classifier of five classes by colour."""
    import tflite_world

    return tflite_world.model()


def model_folder() -> bytes:
    """A model's folder of timm, packed."""
    buffer = io.BytesIO()
    network = timm.create_model("resnet10t", num_classes=3)
    config = {"architecture": "resnet10t", "num_classes": 3, "pretrained_cfg": {"input_size": [3, 32, 32]}}
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.safetensors", safetensors.torch.save(network.state_dict()))
    return buffer.getvalue()


SEEDS: dict[str, Callable[[], bytes]] = {
    "zip": lambda: checkpoint(True),
    "legacy": lambda: checkpoint(False),
    "safetensors": lambda: safetensors.torch.save(build("lenet", 4).state_dict()),
    "onnx": graph,
    "torchscript": lambda: program(exported=False),
    "torch.export": lambda: program(exported=True),
    "tflite": tflite,
    "keras": lambda: keras_model(".keras"),
    "hdf5": lambda: keras_model(".h5"),
    "folder": model_folder,
}


def bytes_changed(content: bytes, rng: random.Random) -> bytes:
    """Flips, extreme numbers, cuts, repetitions and insertions; most near the head, where the structure is."""
    mutant = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(min(len(mutant), rng.choice((64, 2048, len(mutant)))) or 1)
        kind = rng.randrange(5)
        if kind == 0 and mutant:
            mutant[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            width = rng.choice((1, 2, 4, 8))
            mutant[at : at + width] = (rng.choice(EXTREMES) & (256**width - 1)).to_bytes(width, "little")
        elif kind == 2:
            del mutant[at : at + rng.randrange(1, 64)]
        elif kind == 3:
            mutant[at:at] = mutant[at : at + rng.randrange(1, 256)]
        else:
            mutant[at:at] = rng.randbytes(rng.randrange(1, 16))
    return bytes(mutant[: rng.randrange(len(mutant) + 1)]) if rng.random() < 0.05 else bytes(mutant)


def zip_changed(content: bytes, rng: random.Random) -> bytes:
    """The archive written again with one member changed, renamed, repeated or left out."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as copy:
        members = source.namelist()
        chosen = rng.choice(members)
        for name in members:
            data, kind = source.read(name), rng.randrange(4)
            if name == chosen and kind == 0:
                data = bytes_changed(data, rng) if data else b"x"
            elif name == chosen and kind == 1:
                name = rng.choice((name.upper(), f"../{name}", name + "x", "code/x.py"))
            elif name == chosen and kind == 2:
                continue
            copy.writestr(name, data, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return target.getvalue()


def graph_changed(content: bytes, rng: random.Random) -> bytes:
    """The graph with one dimension, attribute, name or type changed, or one node repeated or left out."""
    model = onnx.load_from_string(content)
    kind, nodes = rng.randrange(6), model.graph.node
    if kind == 0:
        dims = rng.choice([*model.graph.initializer])
        dims.dims[rng.randrange(len(dims.dims))] = rng.choice((-1, 0, 1 << 31, 1 << 62, 5))
    elif kind == 1:
        attribute = rng.choice([one for node in nodes for one in node.attribute])
        attribute.i, attribute.ints[:] = rng.choice((-9, 0, 1 << 40)), [rng.choice((-1, 0, 1 << 40))]
    elif kind == 2:
        node = rng.choice(nodes)
        node.op_type = rng.choice(("Loop", "If", "Scan", "Einsum", "Nothing", "ConstantOfShape"))
    elif kind == 3:
        rng.choice(nodes).input[0] = rng.choice(("scores", "", "w", "x"))
    elif kind == 4:
        model.graph.input[0].type.tensor_type.elem_type = rng.randrange(25)
    else:
        shape = model.graph.input[0].type.tensor_type.shape.dim
        shape[rng.randrange(4)].dim_value = rng.choice((0, -1, 1 << 20, 1 << 40, 7))
    return bytes(model.SerializeToString())


MUTATIONS: dict[str, tuple[Callable[[bytes, random.Random], bytes], ...]] = {
    "zip": (bytes_changed, zip_changed), "legacy": (bytes_changed,), "safetensors": (bytes_changed,),
    "onnx": (bytes_changed, graph_changed, graph_changed), "torchscript": (bytes_changed, zip_changed),
    "torch.export": (bytes_changed, zip_changed), "tflite": (bytes_changed,), "keras": (bytes_changed, zip_changed),
    "hdf5": (bytes_changed,), "folder": (bytes_changed, zip_changed),
}  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("kind", SEEDS)
def test_mutants_open_or_end_in_a_sentence(kind: str, tmp_path: Path) -> None:
    """No crash of this process, no error without a sentence, no file beside the mutant, no wait beyond the limits."""
    seed, rng, slowest = SEEDS[kind](), random.Random(kind), 0.0
    for number in range(N_MUTANTS):
        path = tmp_path / "mutant"
        path.write_bytes(rng.choice(MUTATIONS[kind])(seed, rng))
        begun, said = time.monotonic(), "it opened, and no more"
        try:
            open_suspect(path, limits=LIMITS)
        except FdError as error:
            said = str(error)
        assert len(said) > 20, number
        slowest = max(slowest, time.monotonic() - begun)
        assert os.listdir(tmp_path) == ["mutant"]
    assert slowest < 3 * (LIMITS.opening_s + LIMITS.scan_s)
