"""From a file to a suspect: identify its format, scan it, open it. START HERE to see what may happen to a file.

This process never parses a suspect's bytes: it copies and hashes them, and hands the copy to a cell.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from fdcore.errors import RefusedError, SettingsError
from fdcore.progress import Progress, silent
from fdcore.suspect.cell.cell import Cell, Limits
from fdcore.suspect.confined import ConfinedSuspect, Opened
from fdcore.suspect.formats import require_supported
from fdcore.suspect.packing import take
from fdcore.suspect.preprocess import Origin, PreprocessSpec
from fdcore.suspect.runtimes import TITLES, RuntimeChoice, this_machine
from fdcore.suspect.scan import identify, require_safe, scan
from fdcore.suspect.suspect import Suspect

SERVICE = ".toml"
REWRITING_VERSION = 1  # part of every fingerprint: a graph that is rewritten otherwise may answer otherwise


def open_suspect(
    path: str | Path,
    *,
    arch: str | None = None,
    spec_overrides: dict[str, Any] | None = None,
    preset: str | None = None,
    n_classes: int | None = None,
    output: str | None = None,
    device: str = "cpu",
    allow_unscanned: bool = False,
    allow_network: str = "",
    origins: Mapping[str, Origin] | None = None,
    runtime: RuntimeChoice = "auto",
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
    progress: Progress = silent,
) -> Suspect:
    """Open a suspect's file in a cell of its own; no pickle is executed, and a program runs only there.

    Args:
        path: a file of a kind in `fdcore.suspect.formats.SUPPORTED` under any name; a folder of timm;
            or `suspect.toml`, which describes a service (`fdcore.suspect.service`).
        arch: architecture of a state dict; None to find the one that fits.
        spec_overrides: fields of `PreprocessSpec` that replace what the file specifies.
        preset: a named normalisation, applied before the overrides.
        n_classes: needed if the file does not specify it, checked if it does.
        output: the output of an ONNX graph that answers; None to find it.
        device: where a PyTorch network runs.
        allow_unscanned: open even if the scanners could not agree that the file is safe.
        allow_network: the reason for opening it although its cell could reach the network.
        origins: how options are known that the analyst did not set; the others count as set by the analyst.
        runtime: what computes a PyTorch network's answers (docs/performance.md); "auto" finds the fastest with the same
            labels when that pays, "fastest" at once, both unless an earlier run of the case has found it.
        limits: memory and seconds that the cell may use.
        progress: notified of steps that may take seconds.

    Raises:
        SuspectError: the file cannot be opened; the message names its kind and a remedy.
        RefusedError: it is not safe to open, or this machine cannot keep it from the network.
        SettingsError: an override is unknown or out of range.
    """
    request = {
        "arch": arch, "overrides": _checked_overrides(spec_overrides or {}), "preset": preset, "n_classes": n_classes,
        "device": device, "output": output, "origins": dict(origins or {}),
        "runtime": _checked_runtime(runtime),
    }  # fmt: skip
    if Path(path).suffix == SERVICE:
        from fdcore.suspect.service import open_service  # imports a library that only services need

        return open_service(Path(path))
    evidence = take(Path(path))
    kind = identify(evidence, limits=limits)
    report = scan(evidence, kind, limits=limits)
    if report.verdict != "dangerous":
        require_supported(evidence.name, kind)
    require_safe(report, allow_unscanned=allow_unscanned)

    def open_cell() -> tuple[Cell, Opened]:
        cell = Cell(evidence, limits=limits, gpu=device != "cpu")
        if not cell.report.stops_network and not allow_network:
            cell.end()
            raise RefusedError(_not_isolated(evidence.name, cell), key="network not stopped")
        return cell, cell.ask("open", Opened, timeout_s=limits.opening_s, progress=progress, **request)

    suspect = ConfinedSuspect(
        open_cell, lambda opened: fingerprint(evidence.sha256, opened.arch, opened.spec), limits, this_machine(device)
    )
    suspect.scan, suspect.format = report, kind.name
    return suspect


def fingerprint(sha256: str, arch: str, spec: PreprocessSpec) -> str:
    """Hex SHA-256 over all that changes an answer: the file, its architecture, its input, the version of rewriting."""
    parts = {"file": sha256, "arch": arch, "spec": asdict(spec), "rewriting": REWRITING_VERSION}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _not_isolated(name: str, cell: Cell) -> str:
    missing = "; ".join(f"{layer}: {why}" for layer, why in cell.report.layers if why)
    return (
        f"{name} was not opened because this machine cannot keep it from the network ({missing}). Run fdcore where "
        "Linux allows Landlock, seccomp or network namespaces, or give a reason with --allow-network."
    )


def _checked_runtime(runtime: RuntimeChoice) -> RuntimeChoice:
    if runtime not in (known := ("auto", "fastest", *TITLES)):
        raise SettingsError(f"No runtime is called {runtime!r}; there are {', '.join(known)}.", key="unknown runtime")
    return runtime


def _checked_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(PreprocessSpec)}
    unknown = sorted(set(overrides) - known)
    if unknown:
        raise SettingsError(
            f"The input has no setting {', '.join(unknown)}; the settings are {', '.join(sorted(known))}.",
            key="unknown setting",
        )
    return {key: tuple(value) if isinstance(value, list) else value for key, value in overrides.items()}
