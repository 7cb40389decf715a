"""The configuration of a Keras model: refused where it names code, translated to Keras 3 where it is older."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from fdcore.errors import SuspectError

CONTAINERS = ("Model", "Functional", "Sequential")
CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")  # Keras's own layers that hold a program
KERAS_1 = {
    "Convolution2D": "Conv2D", "SeparableConvolution2D": "SeparableConv2D", "Deconvolution2D": "Conv2DTranspose",
    "MaxPool2D": "MaxPooling2D", "AvgPool2D": "AveragePooling2D", "Merge": "Concatenate",
}  # fmt: skip
RENAMED = {
    "output_dim": "units", "nb_filter": "filters", "subsample": "strides", "border_mode": "padding", "p": "rate",
    "bias": "use_bias", "epsilon": "epsilon",
}  # fmt: skip
TRAINING_ONLY = ("initializer", "regularizer", "constraint", "init", "input_dtype", "sparse", "ragged", "mode", "seed")
_DIM_ORDERING = {"tf": "channels_last", "th": "channels_first", "default": "channels_last"}


def layers_in(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every layer of a model's configuration in its order, inner models opened."""
    inner = config.get("config")
    listed = inner.get("layers") if isinstance(inner, Mapping) else inner
    if isinstance(listed, list):
        for layer in listed:
            yield from layers_in(layer)
    elif isinstance(inner, dict):
        yield dict(config)
        if isinstance(inner.get("layer"), Mapping):  # wrapped, as in TimeDistributed
            yield from layers_in(inner["layer"])


def require_plain(name: str, config: Mapping[str, Any]) -> None:
    """Refuse whatever is not one of Keras's own layers, or holds a program; nothing is built before this.

    Raises:
        SuspectError: a layer is of another class, or something belongs to another module.
    """
    for layer in layers_in(config):
        kind = str(layer.get("class_name"))
        if kind in CODE or not hasattr(keras.layers, KERAS_1.get(kind, kind)):
            raise _own_code(name, f"the layer {layer['config'].get('name', '')!r} of the class {kind}")
    for one in _objects(config):
        module, kind = one.get("module") or "keras", str(one.get("class_name"))
        plain = module == "builtins" and kind == "function" and hasattr(keras.activations, str(one.get("config")))
        if kind == "__lambda__" or not (plain or str(module).split(".")[0] == "keras") or one.get("package"):
            raise _own_code(name, f"{kind} of the module {module}")


def _own_code(name: str, what: str) -> SuspectError:
    return SuspectError(
        f"{name} was not opened because its configuration holds {what}, which is its author's own program, not one of "
        "Keras's layers. Ask for an ONNX or TensorFlow Lite export.",
        key="own layers",
    )


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every serialised object in a configuration."""
    if isinstance(value, Mapping):
        if "class_name" in value:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def translated(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration of any Keras for Keras 3: old names replaced, settings that it no longer has left out.

    Raises:
        SuspectError: a setting that changes what a layer computes has no counterpart.
    """
    inner = config["config"]
    kind = KERAS_1.get(config["class_name"], config["class_name"])
    if kind in CONTAINERS:
        listed = inner if isinstance(inner, list) else inner["layers"]
        layers = [translated(name, layer) for layer in listed]
        content = {**(inner if isinstance(inner, Mapping) else {"name": "sequential"}), "layers": layers}
        for ends in ("input_layers", "output_layers"):
            if len(content.get(ends, ())) == 1:  # Keras 3 would call a list of one a list, not a tensor
                content[ends] = content[ends][0]
        return {**config, "class_name": "Functional" if kind == "Model" else kind, "config": content}
    return {**config, "class_name": kind, "config": _settings(name, kind, inner)}


def _settings(name: str, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one layer that Keras 3 knows."""
    renamed = {RENAMED.get(key, key): value for key, value in settings.items()}
    if {"nb_row", "nb_col"} <= renamed.keys():
        renamed["kernel_size"] = [renamed.pop("nb_row"), renamed.pop("nb_col")]
    if "dim_ordering" in renamed:
        renamed["data_format"] = _DIM_ORDERING.get(renamed.pop("dim_ordering"), "channels_last")
    accepted = _accepted(getattr(keras.layers, kind))
    for key in [key for key in renamed if key not in accepted]:
        value = renamed.pop(key)
        if value not in (None, False, 0, 1, [], {}, "linear") and not key.endswith(TRAINING_ONLY):
            raise SuspectError(
                f"{name} cannot be rebuilt: its layer {settings.get('name', kind)!r} ({kind}) has the setting "
                f"{key}={value!r}, which this Keras does not know. Ask for an ONNX or TensorFlow Lite export.",
                key="unknown layer setting",
            )
    return renamed


def _accepted(kind: type) -> set[str]:
    """The names of all settings of a class of layers."""
    always = {"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape"}
    return always.union(*(inspect.signature(base.__init__).parameters for base in kind.__mro__[:-1]))  # type: ignore[misc]
