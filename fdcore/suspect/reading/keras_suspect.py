"""Keras models as suspects: `.keras` archives and HDF5 files, asked through Keras 3 on PyTorch.

A configuration that names anything but Keras's own layers is refused before anything is built from it. HDF5 files of
any Keras are rebuilt from their configuration (keras_config.py) and filled by name.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

# Read once, on import; a cell's environment is its own.
os.environ["KERAS_BACKEND"] = "torch"
os.environ["KERAS_HOME"] = os.devnull  # no settings of whoever runs fdcore, and none written
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", ".")  # an existing folder, as a cell cannot make one

import h5py
from keras.src.legacy.saving.saving_options import keras_option_scope
from keras.src.legacy.saving.saving_utils import model_from_config
from keras.src.saving.saving_lib import _load_model_from_fileobj  # the public one wants a name that ends in .keras
from keras.src.saving.serialization_lib import SafeModeScope

from fdcore.errors import SuspectError
from fdcore.suspect.formats import damaged
from fdcore.suspect.preprocess import NORMALISATION, PreprocessSpec, with_preset
from fdcore.suspect.reading.keras_config import layers_in, require_plain, translated
from fdcore.suspect.reading.program import (
    Program,
    Shape,
    Source,
    Values,
    failed,
    input_specs,
    named_outputs,
    open_program,
    short,
)  # fmt: skip
from fdcore.suspect.reading.weights import fingerprint

FAILURES = (
    RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, NotImplementedError,
    OSError, MemoryError, RecursionError, ImportError, zipfile.BadZipFile,
)  # fmt: skip
ALIKE = ("gamma", "beta", "moving_mean", "moving_variance")  # of one shape, so that only their names tell them apart
_Load = Callable[[Path], tuple[dict[str, Any], Any]]


def open_keras_archive(path: Path, shape: Shape, n_classes: int | None) -> Program:
    """A `.keras` archive; see `opening.PROGRAMS`."""
    return _open(path, _load_archive, shape, n_classes)


def open_keras_hdf5(path: Path, shape: Shape, n_classes: int | None) -> Program:
    """A Keras model in an HDF5 file, which may not hold weights only; see `opening.PROGRAMS`."""
    return _open(path, _load_hdf5, shape, n_classes)


def _open(path: Path, load: _Load, shape: Shape, n_classes: int | None) -> Program:
    try:
        config, model = load(path)
    except FAILURES as error:
        raise damaged(path.name, short(error)) from error
    layers = list(layers_in(config))
    last = layers[-1]["config"] if layers else {}
    shapes = [tuple(one.shape) for one in getattr(model, "inputs", None) or ()]
    specs = input_specs(path.name, shapes, shape, "NHWC")
    specs, normalisation, known, notes = _normalised(specs, layers)
    return open_program(
        Source(
            lambda values: _run(model, values), "keras", "Keras model", specs, normalisation, batch=shapes[0][0],
            known=known, sigmoid=last.get("activation") == "sigmoid", notes=notes,
            weights=fingerprint({number: one.value.detach() for number, one in enumerate(model.weights)}),
        ), n_classes,
    )  # fmt: skip


def _load_archive(path: Path) -> tuple[dict[str, Any], Any]:
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read("config.json"))
    require_plain(path.name, config)
    return config, _load_model_from_fileobj(io.BytesIO(content), custom_objects=None, compile=False, safe_mode=True)


def _load_hdf5(path: Path) -> tuple[dict[str, Any], Any]:
    with h5py.File(io.BytesIO(path.read_bytes()), "r") as file:
        stored = file.attrs.get("model_config")
        if stored is None:
            raise SuspectError(
                f"{path.name} holds {'weights' if _weights(file) else 'data'} without the configuration of their "
                "network, so that it cannot be rebuilt. Ask for the whole model (model.save), not only its weights.",
                key="weights without network",
            )
        config = json.loads(stored)
        require_plain(path.name, config)
        with keras_option_scope(use_legacy_config=True), SafeModeScope(True):
            model = model_from_config(translated(path.name, config))
        _fill(model, file["model_weights"])
    return config, model


def _weights(group: Any) -> dict[str, Values]:
    """Every array in a group, by path."""
    found: dict[str, Values] = {}
    group.visititems(lambda name, one: found.update({name: one[()]}) if isinstance(one, h5py.Dataset) else None)
    return found


def _fill(model: Any, group: Any) -> None:
    """Set each layer's weights by the layer's name and their own; in the file's order where it has other names.

    Raises:
        ValueError: a weight is missing or has another shape.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name not in group:
            raise ValueError(f"it holds no weights of the layer {layer.name}")
        stored = [name.decode() if isinstance(name, bytes) else str(name) for name in _names(group[layer.name])]
        arrays = {name: group[layer.name][name][()] for name in stored}
        for variable, values in _paired(layer, arrays):
            if tuple(variable.shape) != values.shape:
                raise ValueError(f"{variable.path} has the shape {values.shape}, not {tuple(variable.shape)}")
            variable.assign(values)


def _names(group: Any) -> Iterator[Any]:
    """The names of a layer's weights in order; Keras splits a long list over several attributes."""
    if "weight_names" in group.attrs:
        yield from group.attrs["weight_names"]
    for i in range(len(group.attrs)):
        yield from group.attrs.get(f"weight_names{i}", ())


def _paired(layer: Any, arrays: Mapping[str, Values]) -> list[tuple[Any, Values]]:
    """Each weight of a layer, or of a model in its place, with its array: by name, else in Keras's own order."""
    owned = list(_owned(layer))
    nested = hasattr(layer, "layers")
    named = {name: _name(name, arrays)[-2 if nested else -1 :] for name in arrays}
    keys = [(owner, variable.name) if nested else (variable.name,) for owner, variable in owned]
    if sorted(named.values()) == sorted(keys) and len({*keys}) == len(keys):
        by_name = {named[name]: values for name, values in arrays.items()}
        return [(variable, by_name[key]) for key, (_, variable) in zip(keys, owned, strict=True)]
    if len(owned) != len(arrays):
        raise ValueError(f"{layer.name} has {len(owned)} weights, but {len(arrays)} are stored for it")
    in_order = [*layer.trainable_weights, *layer.non_trainable_weights]
    for variable, name in zip(in_order, arrays, strict=True):
        if named[name][-1] in ALIKE and named[name][-1] != variable.name:
            raise ValueError(f"the weights of {layer.name} are in an order of their own")
    return list(zip(in_order, arrays.values(), strict=True))


def _name(name: str, names: Collection[str]) -> tuple[str, ...]:
    """The parts of a stored weight's name, as Keras 3 says them."""
    *owners, own = name.partition(":")[0].split("/")
    alone = own == "depthwise_kernel" and name.replace("/depthwise_", "/pointwise_") not in names
    return (*owners, "kernel" if alone else own)


def _owned(layer: Any) -> Iterator[tuple[str, Any]]:
    """(name of the layer that holds it, weight) of a layer and those inside it."""
    inner = getattr(layer, "layers", None)
    if inner:
        for one in inner:
            yield from _owned(one)
    else:
        yield from ((layer.name, variable) for variable in layer.weights if "seed_generator" not in variable.path)


def _normalised(
    specs: list[PreprocessSpec], layers: list[dict[str, Any]]
) -> tuple[list[PreprocessSpec], str, tuple[str, ...], tuple[str, ...]]:
    """The inputs with their normalisation, its reason, the parts that the file specifies, and a note.

    A layer that scales its input down shows that it takes bytes. Otherwise it is guessed: MobileNets and other
    networks of depthwise convolutions were mostly trained on -1..1, others on 0..1.
    """
    kinds = [layer["class_name"] for layer in layers]
    inside = next((layer for layer in layers if layer["class_name"] in ("Rescaling", "Normalization")), None)
    if inside is not None:
        preset = "bytes" if _takes_bytes(inside["config"]) else "unit"
        note = f"its layer {inside['config'].get('name', inside['class_name'])} normalises the pictures inside"
        return [with_preset(s, preset) for s in specs], f"{preset}, normalised inside", NORMALISATION, (note,)
    preset = "signed" if {"DepthwiseConv2D", "SeparableConv2D", "SeparableConvolution2D"} & {*kinds} else "unit"
    return [with_preset(spec, preset) for spec in specs], f"{preset} normalisation (assumed)", (), ()


def _takes_bytes(config: Mapping[str, Any]) -> bool:
    """Whether a Rescaling or Normalization layer expects 0..255 rather than 0..1."""
    scale, mean = config.get("scale"), config.get("mean")
    if scale is not None:
        return bool(np.max(np.abs(np.asarray(scale, np.float64))) < 0.1)
    return mean is None or bool(np.max(np.asarray(mean, np.float64)) > 2)


def _run(model: Any, values: Values) -> dict[str, Values]:
    try:
        with torch.inference_mode():
            outputs = model(torch.from_numpy(values), training=False)
    except FAILURES as error:
        raise failed(values, error) from error
    return named_outputs(outputs)
