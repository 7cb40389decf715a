"""Keras models: archives, HDF5 files of several versions, and what is refused in them."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raising import raises

from fdcore.errors import SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.suspect.suspect import Suspect

os.environ["KERAS_BACKEND"] = "torch"
MISSING = "Keras needs pip install -r requirements-formats.txt"
h5py, keras = pytest.importorskip("h5py", reason=MISSING), pytest.importorskip("keras", reason=MISSING)
SIDE = 12
OPEN = (None, None)  # the analyst gives no size


def convolutional(*first: Any, n_outputs: int = 4) -> Any:
    """A small convolutional network whose layers have names of their own."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    last = layers.Dense(n_outputs, activation="softmax" if n_outputs > 1 else "sigmoid", name="scores")
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)), *first,
            layers.Conv2D(6, 3, padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"), layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"), layers.Flatten(name="flat"), last,
        ]
    )  # fmt: skip


def branching() -> Any:
    """A network of two branches with depthwise convolutions, as one layer of another."""
    keras.utils.set_random_seed(1)
    layers, source = keras.layers, keras.Input((SIDE, SIDE, 3), name="source")
    left = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(source)
    left = layers.BatchNormalization(name="left_norm")(left)
    right = layers.SeparableConv2D(3, 3, padding="same", name="separable")(
        layers.ZeroPadding2D(0, name="padding")(source)
    )
    joined = layers.Concatenate(name="both")([layers.Add(name="sum")([left, right]), source])
    inner = keras.Model(source, layers.Activation("relu", name="act")(joined), name="inner")
    inner.trainable = False
    head = [
        layers.GlobalAveragePooling2D(name="mean"),
        layers.Dropout(0.5, name="drop"),
        layers.Dense(4, name="scores"),
    ]
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), inner, keras.Sequential(head, name="head")])


def pictures(n: int = 24) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Fields of many colours with noise."""
    generator = np.random.default_rng(1)
    fields = generator.uniform(0, 255, (n, 1, 1, 3)) + generator.normal(0, 60, (n, SIDE, SIDE, 3))
    return fields.clip(0, 255).astype(np.uint8)


def directly(model: Any, suspect: Suspect) -> list[int]:
    """What the network in memory answers."""
    scale, shift = suspect.spec.affine()
    scores = np.asarray(model.predict(pictures().astype(np.float32) * scale + shift, verbose=0))
    return (scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0.5).astype(int)).tolist()


def as_keras_2(model: Any, path: Path, *, change: Any = lambda config: None) -> Path:
    """The model as Keras 2 wrote it: its own form of the configuration, weights by layer."""
    config = old_form(json.loads(model.to_json()))
    change(config)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["model_config"] = "2.4.0", json.dumps(config)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            inside, names = group.create_group(layer.name), []
            for owner, variable in owned(layer):
                own = "depthwise_kernel" if owner == "depthwise" and variable.name == "kernel" else variable.name
                names.append(f"{owner}/{own}:0".encode())
                inside[names[-1].decode()] = np.asarray(variable.value.detach())
            inside.attrs["weight_names"] = names
    return path


def owned(layer: Any) -> list[tuple[str, Any]]:
    """(layer, weight) with the trainable weights of a nested model last, which no Keras does."""
    inner = [pair for one in getattr(layer, "layers", ()) for pair in owned(one)]
    return inner[::-1] or [(layer.name, weight) for weight in layer.weights if "seed" not in weight.path]


def old_form(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as Keras 2.4 wrote it."""
    inner = config["config"]
    if "layers" not in inner:
        kept = {
            key: value for key, value in inner.items() if key not in ("dtype", "batch_shape", "quantization_config")
        }
        kept = {key: value for key, value in kept.items() if not isinstance(value, dict)}
        if "batch_shape" in inner:
            kept["batch_input_shape"] = inner["batch_shape"]
        if config["class_name"] == "DepthwiseConv2D":
            kept["groups"] = 1
        return {"class_name": config["class_name"], "config": kept}
    layers = []
    for layer in inner["layers"]:
        old = old_form(layer)
        if "inbound_nodes" in layer:
            old["name"] = old["config"]["name"]
            old["inbound_nodes"] = [old_node(node) for node in layer["inbound_nodes"]]
        layers.append(old)
    ends = {key: [inner[key]] for key in ("input_layers", "output_layers") if key in inner}
    return {"class_name": config["class_name"], "config": {"name": inner["name"], "layers": layers, **ends}}


def old_node(node: Any) -> list[Any]:
    """[[layer, node, tensor, {}], ...] of a node."""
    tensors = node["args"][0] if isinstance(node["args"][0], list) else [node["args"][0]]
    return [[*tensor["config"]["keras_history"], {}] for tensor in tensors]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A Keras 3 archive that normalises its pictures inside, and its network."""
    model = convolutional(keras.layers.Rescaling(1 / 127.5, offset=-1, name="to_range"))
    path = tmp_path_factory.mktemp("keras") / "m.keras"
    model.save(path)
    return path.rename(path.with_name("holiday.jpg")), model


def test_an_archive_answers_as_its_network(archive: tuple[Path, Any]) -> None:
    """A Keras 3 archive under any name; a layer that rescales shows that it takes bytes."""
    suspect = open_suspect(archive[0])
    spec = suspect.spec
    assert (suspect.format, suspect.n_classes, spec.layout, spec.height) == ("KERAS", 4, "NHWC", SIDE)
    assert (spec.value_range, suspect.origins.mean, suspect.origins.height) == ((0.0, 255.0), "file", "file")
    assert "to_range normalises the pictures inside" in suspect.description
    answers = suspect.labels(pictures()).tolist()
    assert answers == directly(archive[1], suspect)
    assert len({*answers}) > 1


@pytest.mark.parametrize("make", [convolutional, branching, lambda: convolutional(n_outputs=1)])
def test_hdf5_files_of_keras_2_are_rebuilt(tmp_path: Path, make: Any) -> None:
    """Networks of one chain, of branches and of models within models answer as they did, filled by name."""
    model = make()
    for variable in model.weights:  # else normalisation would do nothing
        if variable.name in ("gamma", "beta", "moving_mean", "moving_variance"):
            variable.assign(np.random.default_rng(len(variable.path)).uniform(0.5, 1.5, variable.shape))
    suspect = open_suspect(as_keras_2(model, tmp_path / "m.h5"))
    assert (suspect.format, suspect.n_classes) == ("HDF5", max(2, model.output_shape[-1]))
    assert suspect.origins.mean == "guess"
    assert suspect.labels(pictures()).tolist() == directly(model, suspect)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The reader itself, outside a cell, which would stop what the reader must not even begin."""
    for name in ("KERAS_HOME", "TORCHINDUCTOR_CACHE_DIR"):  # what the reader sets for its cell
        monkeypatch.setenv(name, os.devnull)
    from fdcore.suspect.reading import keras_suspect

    return keras_suspect


def with_layer(archive: Path, layer: dict[str, Any], path: Path) -> Path:
    """The archive with another layer in its configuration."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"].append(layer)
                content = json.dumps(config).encode()
            target.writestr(name, content)
    return path


def test_a_lambda_layer_is_refused_and_not_run(tmp_path: Path, reader: Any) -> None:
    """A layer that holds a Python function is named, and its function does not run, in a cell or outside."""
    canary = tmp_path / "canary"
    touched = keras.layers.Lambda(lambda x, at=str(canary): (open(at, "w").close(), x)[1], name="greyed")
    model = convolutional(touched)
    canary.unlink()  # it ran while the network was built
    model.save(tmp_path / "m.keras")
    for opened in (open_suspect, lambda path: reader.open_keras_archive(path, OPEN, None)):
        with raises(SuspectError, "own layers", "'greyed' of the class Lambda"):
            opened(tmp_path / "m.keras")
    old = {"class_name": "Lambda", "config": {"name": "greyed", "function": ["code", None, None]}}
    path = as_keras_2(convolutional(), tmp_path / "m.h5", change=lambda c: c["config"]["layers"].append(old))
    with raises(SuspectError, "own layers", "'greyed' of the class Lambda"):
        reader.open_keras_hdf5(path, OPEN, None)
    assert not canary.exists()


def test_what_is_not_of_keras_is_refused_and_not_run(tmp_path: Path, archive: tuple[Path, Any], reader: Any) -> None:
    """Classes of the author's own and functions of other modules are named and not called."""
    own = {"class_name": "Swish", "config": {"name": "swish_1"}, "module": "author", "registered_name": "author>Swish"}
    system = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    called = {"class_name": "Activation", "config": {"name": "called", "activation": system}}
    for layer, said in ((own, "'swish_1' of the class Swish"), (called, "function of the module os")):
        with raises(SuspectError, "own layers", said):
            reader.open_keras_archive(with_layer(archive[0], layer, tmp_path / "m.keras"), OPEN, None)


def test_weights_alone_and_broken_files_end_in_one_sentence(tmp_path: Path, reader: Any) -> None:
    """Weights without their network are called that; missing weights and damage are named."""
    convolutional().save_weights(tmp_path / "m.weights.h5")
    with raises(SuspectError, "weights without network", "m.weights.h5"):
        reader.open_keras_hdf5(tmp_path / "m.weights.h5", OPEN, None)
    path = as_keras_2(convolutional(), tmp_path / "m.h5")
    (tmp_path / "cut").write_bytes(path.read_bytes()[:3000])
    with raises(SuspectError, "suspect damaged", "cut is damaged"):
        open_suspect(tmp_path / "cut")
    with h5py.File(path, "a") as file:
        del file["model_weights/conv"]
    with raises(SuspectError, "suspect damaged", "conv"):
        reader.open_keras_hdf5(path, OPEN, None)


def test_vectors_are_no_pictures(tmp_path: Path, reader: Any) -> None:
    """A network that takes vectors is refused as that."""
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(3)])
    with raises(SuspectError, "not a picture", "(any, 7)"):
        reader.open_keras_hdf5(as_keras_2(model, tmp_path / "m.h5"), OPEN, None)


def test_settings_that_change_an_answer_are_not_dropped() -> None:
    """A setting without a counterpart is left out only where it does nothing."""
    from fdcore.suspect.reading.keras_config import translated

    layer = {"class_name": "BatchNormalization", "config": {"name": "norm", "fused": None, "virtual_batch_size": None}}
    assert translated("m", layer)["config"] == {"name": "norm"}
    old = {"class_name": "Convolution2D", "config": {"nb_filter": 8, "nb_row": 3, "nb_col": 5, "subsample": [2, 2]}}
    assert translated("m", old)["config"] == {"filters": 8, "kernel_size": [3, 5], "strides": [2, 2]}
    layer["config"]["virtual_batch_size"] = 8
    with raises(SuspectError, "unknown layer setting", "virtual_batch_size=8"):
        translated("m", layer)


@pytest.mark.real
@pytest.mark.parametrize(("name", "n_classes", "shape"), [("14.h5", 4, (224, 224, 3)), ("17.hdf5", 7, (64, 64, 1))])
def test_the_real_models(real_data: Path, name: str, n_classes: int, shape: tuple[int, ...]) -> None:
    """Files of Keras 2 as they were found open and answer."""
    suspect = open_suspect(real_data / "suspects" / f"seized-{name}")
    assert suspect.n_classes == n_classes
    assert (suspect.spec.height, suspect.spec.width, suspect.spec.channels) == shape
    assert suspect.labels(np.zeros((2, *shape), np.uint8)).shape == (2,)
