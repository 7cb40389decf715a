"""From a suspect's bytes to a network or a graph that answers; it runs in a cell."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fdcore.errors import SettingsError, SuspectError
from fdcore.progress import Progress
from fdcore.suspect.confined import Opened
from fdcore.suspect.formats import Format
from fdcore.suspect.preprocess import NORMALISATION, Origin, Origins, PreprocessSpec, sides_near, with_preset
from fdcore.suspect.reading.checkpoint import Checkpoint, read_checkpoint
from fdcore.suspect.reading.class_names import names_in, read_class_names
from fdcore.suspect.reading.hub import WEIGHTS as FOLDERS
from fdcore.suspect.reading.hub import read_hub
from fdcore.suspect.reading.identify import identify
from fdcore.suspect.reading.onnx_file import read_graph
from fdcore.suspect.reading.onnx_suspect import OpenGraph, open_graph
from fdcore.suspect.reading.program import N_TRIED, Program
from fdcore.suspect.reading.text_suspects import TextClassifier, open_skops, open_text_graph, text_input
from fdcore.suspect.reading.torch_suspect import Network, load_network
from fdcore.suspect.reading.weights import tensor_rows
from fdcore.suspect.runtimes import RuntimeChoice
from fdcore.suspect.suspect import Suspect, described_size
from fdcore.suspect.tensors import TensorTable

N_NAMES_SHOWN = 5
SIZE = ("height", "width")


@dataclass(frozen=True)
class Request:
    """What the analyst specifies about a suspect; see `fdcore.suspect.open.open_suspect`."""

    arch: str | None
    overrides: Mapping[str, Any]
    preset: str | None
    n_classes: int | None
    device: str
    output: str | None
    origins: Mapping[str, Origin]
    progress: Progress
    runtime: RuntimeChoice = "auto"


Loaded = Network | OpenGraph | Program | TextClassifier  # what only lacks its final input to be a suspect


def open_inside(path: Path, request: Request) -> tuple[Suspect, Opened]:
    """Open a file of a supported kind that the scanners have passed.

    Raises:
        SuspectError, RefusedError, SettingsError: as `open_suspect`.
    """
    kind = identify(path)
    loaded = OPENERS[kind](path, kind, request)
    if request.n_classes not in (None, loaded.n_classes):
        raise SuspectError(
            f"According to its file, the suspect has {loaded.n_classes} classes, not {request.n_classes}.",
            key="file contradicts classes",
        )
    spec = _final_spec(loaded, request)
    if spec.kind == "text" and not isinstance(loaded, TextClassifier):
        raise SuspectError(
            f"{path.name} takes grey pictures of one row, which is how texts are held. Wrap it as a Python callable "
            "that takes a row from pictures of several.",
            key="picture of one row",
        )
    origins = _size_known(loaded, _final_origins(loaded, request), spec, request.device)
    assumptions = loaded.assumptions if isinstance(loaded, Network) else ()
    weights = loaded.source.weights if isinstance(loaded, Program) else loaded.weights
    notes = (*_size_notes(origins, spec), *loaded.notes)
    description = "; ".join([_describe(loaded, request, spec), *notes])
    suspect = _with_runtime(loaded, spec, description, request, path.name)
    copies = "".join(f"@{one.value}" for one in assumptions if one.what == "weights")  # another copy answers otherwise
    return suspect, Opened(
        loaded.arch + copies, suspect.n_classes, spec, suspect.batch_size, description, loaded.title, notes,
        origins, _class_names(path, loaded), assumptions, weights, suspect.trial,
    )  # fmt: skip


def _with_runtime(loaded: Loaded, spec: PreprocessSpec, description: str, request: Request, file_name: str) -> Suspect:
    """What was loaded as a suspect; only a network of PyTorch's has a choice of runtimes."""
    if isinstance(loaded, Network):
        return loaded.suspect(
            spec, fingerprint="", description=description, device=request.device, runtime=request.runtime
        )
    if request.runtime not in ("auto", "fastest"):
        raise SettingsError(
            f"{file_name} contains its own computation, which runs as it is; leave out the runtime "
            f"{request.runtime!r}.",
            key="runtime given",
        )
    return loaded.suspect(spec, fingerprint="", description=description, device=request.device)


def list_tensors(path: Path) -> TensorTable:
    """The tensors of a file of weights that the scanners have passed.

    Raises:
        SuspectError, RefusedError: as `open_suspect`.
    """
    kind = identify(path)
    if OPENERS.get(kind) is not _load_weights:
        raise SuspectError(
            f"{path.name} holds no weights as named tensors. It is {kind.value[0].lower()}{kind.value[1:]}",
            key="no tensors",
        )
    tensors = _read_weights(path, kind).tensors
    return TensorTable(tensor_rows(tensors), len(tensors))


def _read_weights(path: Path, kind: Format) -> Checkpoint:
    return read_hub(path, kind) if kind in FOLDERS else read_checkpoint(path, kind)


def _class_names(path: Path, loaded: Loaded) -> tuple[str, ...]:
    """The class names in the suspect's own file, which are claims; empty where it holds none."""
    if isinstance(loaded, Program):
        return names_in(loaded.source.tables, loaded.n_classes)
    if isinstance(loaded, TextClassifier) and loaded.arch == "skops":
        return loaded.class_names
    try:
        return read_class_names(path, loaded.n_classes)
    except SuspectError:  # names that cannot be read do not keep the suspect from being queried
        return ()


def _load_weights(path: Path, kind: Format, request: Request) -> Loaded:
    if request.output is not None:
        raise SettingsError(
            f"{path.name} holds weights and has one output; only an ONNX graph can have others. Leave out "
            f"{request.output!r}.",
            key="output of weights",
        )
    checkpoint = _read_weights(path, kind)
    if checkpoint.of_transformers:
        return _load_transformers(checkpoint, path, request)
    network = load_network(checkpoint, request.arch, path.name, progress=request.progress)
    hints = {key: value for key, value in checkpoint.hints.items() if key != "size" or not network.fixed_size}
    spec, is_hinted = _hinted_spec(network.spec, hints)
    origins = network.origins.known("file", *(NORMALISATION if is_hinted else ()), *(SIZE if "size" in hints else ()))
    classes = hints.get("classes", ())
    named = (f"the file names {len(classes)} classes: {', '.join(classes[:N_NAMES_SHOWN])}",) if classes else ()
    normalisation = "normalisation as the file specifies" if is_hinted else network.normalisation
    assumptions = (*checkpoint.assumptions, *network.assumptions)
    notes = (*checkpoint.notes, *network.notes, *(assumption.note for assumption in assumptions), *named)
    return replace(
        network, spec=spec, normalisation=normalisation, origins=origins, notes=notes, assumptions=assumptions
    )


def _load_transformers(checkpoint: Checkpoint, path: Path, request: Request) -> Network:
    if request.arch is not None:
        raise SettingsError(
            f"{path.name} specifies its architecture; leave out {request.arch!r}.", key="architecture given"
        )
    network: Network = _runtime("transformers_network", path.name).load_network(checkpoint, path.name)
    return replace(network, notes=(*checkpoint.notes, *network.notes))


def _load_graph(path: Path, kind: Format, request: Request) -> Loaded:
    if request.arch is not None:
        raise SettingsError(
            f"{path.name} is an ONNX graph, which contains its architecture; leave out {request.arch!r}."
        )
    model = read_graph(path)
    texts = text_input(model)
    if texts is not None:
        _refuse_input(path.name, request)
        return open_text_graph(model, texts, n_classes=request.n_classes, output=request.output)
    given = {name: request.overrides.get(name) for name in ("height", "width", "layout")}
    return open_graph(model, **given, n_classes=request.n_classes, output=request.output, progress=request.progress)


def _load_skops(path: Path, kind: Format, request: Request) -> Loaded:
    if request.arch is not None:
        raise SettingsError(f"{path.name} contains its own architecture; leave out {request.arch!r}.")
    _refuse_input(path.name, request)
    try:
        return open_skops(path)
    except ModuleNotFoundError as error:
        raise _missing(path.name, error) from error


def _refuse_input(name: str, request: Request) -> None:
    """Refuse what describes the input of a suspect of pictures."""
    given = [*request.overrides, *(["preset"] if request.preset is not None else [])]
    if given:
        raise SettingsError(
            f"{name} takes texts, whose input has no {', '.join(given)}. Leave that out.", key="input of texts"
        )


def _load_program(path: Path, kind: Format, request: Request) -> Loaded:
    """A file that contains its own computation."""
    if request.arch is not None:
        raise SettingsError(f"{path.name} contains its own architecture; leave out {request.arch!r}.")
    module, reader = PROGRAMS[kind]
    shape = (request.overrides.get("height"), request.overrides.get("width"))
    program: Program = getattr(_runtime(module, path.name), reader)(path, shape, request.n_classes)
    return program


def _runtime(module: str, file_name: str) -> Any:
    """A reader, imported when it is needed, as the library that it needs may be missing."""
    try:
        return importlib.import_module(f"fdcore.suspect.reading.{module}")
    except ModuleNotFoundError as error:
        raise _missing(file_name, error) from error


def _missing(file_name: str, error: ModuleNotFoundError) -> SuspectError:
    return SuspectError(
        f"{file_name} needs the package {error.name}, which is not installed: run pip install -r "
        "requirements-formats.txt.",
        key="runtime missing",
    )


PROGRAMS = {
    Format.TORCHSCRIPT: ("torch_program", "open_torchscript"),
    Format.TORCH_EXPORT: ("torch_program", "open_exported"),
    Format.TFLITE: ("tflite_suspect", "open_tflite"),
    Format.KERAS: ("keras_suspect", "open_keras_archive"),
    Format.HDF5: ("keras_suspect", "open_keras_hdf5"),
}
"""The module and the function that load each file with its own computation.

A function takes the file, the height and width that the analyst gives (None where the file says or usual ones are to be
tried), and the number of classes, for a model that answers class numbers. It raises a `SuspectError` if the file cannot
be loaded, holds code of its own, or is not a classifier of pictures.
"""

OPENERS: dict[Format, Callable[[Path, Format, Request], Loaded]] = {
    Format.TORCH_ZIP: _load_weights,
    Format.TORCH_LEGACY: _load_weights,
    Format.SAFETENSORS: _load_weights,
    Format.HUB: _load_weights,
    Format.HUB_PICKLED: _load_weights,
    Format.ONNX: _load_graph,
    Format.SKOPS: _load_skops,
    **dict.fromkeys(PROGRAMS, _load_program),
}
"""How each supported kind of file is loaded; a new format needs an entry here and in `fdcore.suspect.formats`."""


def _hinted_spec(spec: PreprocessSpec, hints: Mapping[str, Any]) -> tuple[PreprocessSpec, bool]:
    """The spec with the file's size, mean and std; whether the file specifies the latter two."""
    if "size" in hints:
        spec = replace(spec, height=hints["size"][0], width=hints["size"][1])
    mean, std = (_per_channel(hints.get(key, ()), spec.channels) for key in ("mean", "std"))
    if not mean or not std or min(std) <= 0:
        return spec, False
    white = 255.0 if max(*mean, *std) > 2 else 1.0
    return replace(spec, mean=mean, std=std, value_range=(0.0, white)), True


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) == 1:
        return values * channels
    return values if len(values) == channels else ()


def _final_spec(loaded: Loaded, request: Request) -> PreprocessSpec:
    """The file's values, replaced by the preset's, replaced by the analyst's own."""
    spec, overrides = loaded.spec, dict(request.overrides)
    for fixed in _fixed(loaded):
        if fixed in overrides and overrides[fixed] != getattr(spec, fixed):
            raise SettingsError(
                f"According to its file, the suspect's {fixed} is {getattr(spec, fixed)}, not {overrides[fixed]}.",
                key="file contradicts setting",
            )
    if request.preset is not None:
        spec = with_preset(spec, request.preset)
    for key in ("mean", "std"):
        if isinstance(overrides.get(key), int | float):
            overrides[key] = (float(overrides[key]),) * spec.channels
    return replace(spec, **overrides)


def _fixed(loaded: Loaded) -> tuple[str, ...]:
    """The parts of the input that the file fixes; the order of flat values is open."""
    return ("channels",) if loaded.origins.layout == "guess" else ("channels", "layout")


def _final_origins(loaded: Loaded, request: Request) -> Origins:
    given = (*(NORMALISATION if request.preset is not None else ()), *request.overrides)
    origins = loaded.origins.known("options", *(name for name in given if name not in _fixed(loaded)))
    for name in (*given, *(["architecture"] if request.arch else [])):
        if name in request.origins:
            origins = origins.known(request.origins[name], name)
    return origins


def _size_known(loaded: Loaded, origins: Origins, spec: PreprocessSpec, device: str) -> Origins:
    """The origins; the size counts as known where a known architecture runs with no other usual size."""
    if "height" not in origins.guessed or "architecture" in origins.guessed:
        return origins
    others = any(_runs(loaded, spec, side, device) for side in sides_near(spec.height))
    return origins if others else origins.known("file", *SIZE)


def _runs(loaded: Loaded, spec: PreprocessSpec, side: int, device: str) -> bool:
    """Whether pictures of another size get an answer, whatever it is."""
    other = replace(spec, height=side, width=side)
    if other == spec:
        return False
    if not isinstance(loaded, Network):
        assert not isinstance(loaded, TextClassifier)  # noqa: S101 - texts are of no size
        loaded = replace(loaded, batch_size=loaded.source.batch or min(loaded.batch_size, N_TRIED))
    try:
        suspect = loaded.suspect(other, fingerprint="", description="", device=device)  # a network answers one picture
        if not isinstance(loaded, Network):
            suspect.labels(np.zeros((1, side, side, spec.channels), np.uint8))
    except SuspectError as error:
        return error.key == "not finite"
    return True


def _size_notes(origins: Origins, spec: PreprocessSpec) -> tuple[str, ...]:
    guessed = {*SIZE} & {*origins.guessed}
    return (f"size {spec.height}x{spec.width} assumed, not fixed by the file",) if guessed else ()


def _describe(loaded: Loaded, request: Request, spec: PreprocessSpec) -> str:
    """Such as "ResNet-20 (option A), 10 classes, 32x32 colour, imagenet normalisation (assumed)"."""
    normalisation = loaded.normalisation
    if {"mean", "std", "value_range"} & request.overrides.keys():
        normalisation = "normalisation as given"
    elif request.preset is not None:
        normalisation = f"{request.preset} normalisation"
    if spec.kind == "text":
        return f"{loaded.title}, {loaded.n_classes} classes, {described_size(spec)}"
    size = f"{spec.height}x{spec.width} {'colour' if spec.channels == 3 else 'grey'}"
    return f"{loaded.title}, {loaded.n_classes} classes, {size}, {normalisation}"
