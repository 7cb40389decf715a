"""From a file to a suspect: identify its format, scan it, load it. START HERE to see what may happen to a file."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from fdcore.errors import EvidenceError, SettingsError, SuspectError
from fdcore.progress import Progress, silent
from fdcore.storage import sha256_file
from fdcore.suspect.checkpoint import read_checkpoint
from fdcore.suspect.formats import Format, identify, require_supported, unreadable
from fdcore.suspect.onnx_graph import REWRITING_VERSION
from fdcore.suspect.onnx_suspect import OpenGraph, open_graph
from fdcore.suspect.preprocess import NORMALISATION, Origins, PreprocessSpec, with_preset
from fdcore.suspect.scan import require_safe, scan
from fdcore.suspect.suspect import Suspect
from fdcore.suspect.torch_suspect import Network, load_network

N_NAMES_SHOWN = 5
SIZE = ("height", "width")


@dataclass(frozen=True)
class Request:
    """What the analyst specifies about a suspect; see `open_suspect`."""

    arch: str | None
    overrides: Mapping[str, Any]
    preset: str | None
    n_classes: int | None
    device: str
    progress: Progress


Loaded = Network | OpenGraph  # what only lacks its final input to be a suspect


def open_suspect(
    path: str | Path,
    *,
    arch: str | None = None,
    spec_overrides: dict[str, Any] | None = None,
    preset: str | None = None,
    n_classes: int | None = None,
    device: str = "cpu",
    allow_unscanned: bool = False,
    progress: Progress = silent,
) -> Suspect:
    """Open a suspect's file; nothing in it is executed.

    Args:
        path: a PyTorch checkpoint, a safetensors file or an ONNX graph under any name (see `OPENERS`).
        arch: architecture of a state dict; None to find the one that fits.
        spec_overrides: fields of `PreprocessSpec` that replace what the file specifies.
        preset: a named normalisation, applied before the overrides.
        n_classes: needed if the file does not specify it, checked if it does.
        device: where a PyTorch network runs.
        allow_unscanned: open even if the scanners could not agree that the file is safe.
        progress: notified of steps that may take seconds.

    Raises:
        SuspectError: the file cannot be opened; the message names its kind and a remedy.
        RefusedError: it is not safe to open.
        SettingsError: an override is unknown or out of range.
        EvidenceError: the file changed while it was being opened.
    """
    request = Request(arch, _checked_overrides(spec_overrides or {}), preset, n_classes, device, progress)
    path = Path(path)
    kind = identify(path)
    sha256 = file_sha256(path)
    report = scan(path)
    if report.verdict != "dangerous":
        require_supported(path, kind)
    require_safe(report, allow_unscanned=allow_unscanned)
    loaded = OPENERS[kind](path, kind, request)
    if file_sha256(path) != sha256:
        raise EvidenceError(
            f"{path.name} changed while it was being opened. Copy it again from the evidence.", key="suspect changed"
        )
    suspect = _finish(loaded, request, sha256)
    suspect.scan, suspect.origins = report, _final_origins(loaded, request)
    suspect.title, suspect.notes = loaded.title, loaded.notes
    return suspect


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's content.

    Raises:
        SuspectError: the file cannot be read.
    """
    try:
        return sha256_file(path)
    except OSError as error:
        raise unreadable(path, error) from error


def fingerprint(sha256: str, arch: str, spec: PreprocessSpec) -> str:
    """Hex SHA-256 over all that changes an answer: the file, its architecture, its input, the version of rewriting."""
    parts = {"file": sha256, "arch": arch, "spec": asdict(spec), "rewriting": REWRITING_VERSION}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _load_weights(path: Path, kind: Format, request: Request) -> Loaded:
    checkpoint = read_checkpoint(path, kind)
    network = load_network(checkpoint, request.arch, path.name, progress=request.progress)
    hints = {key: value for key, value in checkpoint.hints.items() if key != "size" or not network.fixed_size}
    spec, is_hinted = _hinted_spec(network.spec, hints)
    origins = network.origins.known("file", *(NORMALISATION if is_hinted else ()), *(SIZE if "size" in hints else ()))
    classes = hints.get("classes", ())
    named = (f"the file names {len(classes)} classes: {', '.join(classes[:N_NAMES_SHOWN])}",) if classes else ()
    normalisation = "normalisation as the file specifies" if is_hinted else network.normalisation
    notes = (*checkpoint.notes, *network.notes, *named)
    return replace(network, spec=spec, normalisation=normalisation, origins=origins, notes=notes)


def _load_graph(path: Path, kind: Format, request: Request) -> Loaded:
    if request.arch is not None:
        raise SettingsError(
            f"{path.name} is an ONNX graph, which contains its architecture; leave out {request.arch!r}."
        )
    height, width = request.overrides.get("height"), request.overrides.get("width")
    return open_graph(path, height=height, width=width, n_classes=request.n_classes, progress=request.progress)


OPENERS: dict[Format, Callable[[Path, Format, Request], Loaded]] = {
    Format.TORCH_ZIP: _load_weights,
    Format.TORCH_LEGACY: _load_weights,
    Format.SAFETENSORS: _load_weights,
    Format.ONNX: _load_graph,
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


def _checked_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(PreprocessSpec)}
    unknown = sorted(set(overrides) - known)
    if unknown:
        raise SettingsError(
            f"The input has no setting {', '.join(unknown)}; the settings are {', '.join(sorted(known))}.",
            key="unknown setting",
        )
    return {key: tuple(value) if isinstance(value, list) else value for key, value in overrides.items()}


def _final_spec(loaded: Loaded, request: Request) -> PreprocessSpec:
    """The file's values, replaced by the preset's, replaced by the analyst's own."""
    spec, overrides = loaded.spec, dict(request.overrides)
    for fixed in ("layout", "channels"):
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


def _final_origins(loaded: Loaded, request: Request) -> Origins:
    given = (*(NORMALISATION if request.preset is not None else ()), *request.overrides)
    return loaded.origins.known("options", *(name for name in given if name not in ("layout", "channels")))


def _finish(loaded: Loaded, request: Request, sha256: str) -> Suspect:
    if request.n_classes not in (None, loaded.n_classes):
        raise SuspectError(
            f"According to its file, the suspect has {loaded.n_classes} classes, not {request.n_classes}.",
            key="file contradicts classes",
        )
    spec = _final_spec(loaded, request)
    return loaded.suspect(
        spec,
        fingerprint=fingerprint(sha256, loaded.arch, spec),
        description=_describe(loaded, request, spec),
        device=request.device,
    )


def _describe(loaded: Loaded, request: Request, spec: PreprocessSpec) -> str:
    """One line such as "ResNet-20 (option A), 10 classes, 32x32 colour, imagenet normalisation (assumed)"."""
    normalisation = loaded.normalisation
    if {"mean", "std", "value_range"} & request.overrides.keys():
        normalisation = "normalisation as given"
    elif request.preset is not None:
        normalisation = f"{request.preset} normalisation"
    size = f"{spec.height}x{spec.width} {'colour' if spec.channels == 3 else 'grey'}"
    line = f"{loaded.title}, {loaded.n_classes} classes, {size}, {normalisation}"
    return "; ".join([line, *loaded.notes])
