"""Networks that PyTorch saved with their computation: TorchScript and torch.export, asked on the CPU.

Both are programs: TorchScript runs in its own interpreter, an exported graph as Python that PyTorch writes from it.
Neither is ever loaded outside a cell.
"""

import contextlib
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fdcore.errors import SuspectError
from fdcore.suspect.formats import damaged
from fdcore.suspect.preprocess import NORMALISATION, with_preset
from fdcore.suspect.reading.class_names import KEYS
from fdcore.suspect.reading.program import (
    USUAL_SIDES,
    Program,
    Shape,
    Source,
    Values,
    failed,
    input_specs,
    named_outputs,
    open_program,
    short,
    specs_of,
)  # fmt: skip
from fdcore.suspect.reading.weights import fingerprint

USUAL_PRESET = {3: "imagenet", 1: "mnist"}  # by the number of channels
FAILURES = (RuntimeError, ValueError, TypeError, AssertionError, IndexError, KeyError, AttributeError)
SIGMOIDS = ("aten::sigmoid", "aten.sigmoid.default")
MAX_TABLE = 1 << 20  # bytes


def open_torchscript(path: Path, shape: Shape, n_classes: int | None) -> Program:
    """A TorchScript module in evaluation mode, of which usual sizes are tried; see `opening.PROGRAMS`."""
    try:
        module = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        graph = module.inlined_graph
    except FAILURES as error:
        raise damaged(path.name, short(error)) from error
    weights = [tuple(tensor.shape) for tensor in (*module.parameters(), *module.buffers())]
    declared = _declared_sides(module)
    channels = _channels(path.name, weights)
    sides = (*declared, *_flattened_sides(path.name, weights), *USUAL_SIDES)
    specs = [with_preset(spec, USUAL_PRESET[spec.channels]) for spec in specs_of(shape, sides, channels, "NCHW")]
    last = graph.return_node().inputsAt(0).node().kind()
    return open_program(
        Source(
            lambda values: _run(module, values), "torchscript", "TorchScript module", specs, _usual(channels),
            sigmoid=last in SIGMOIDS, tables=_tables(path, module), weights=fingerprint(module.state_dict()),
        ), n_classes,
    )  # fmt: skip


def open_exported(path: Path, shape: Shape, n_classes: int | None) -> Program:
    """A graph saved by torch.export; see `opening.PROGRAMS`."""
    try:
        exported = torch.export.load(str(path))
        module = exported.module()
    except (*FAILURES, NotImplementedError, SyntaxError, ImportError, zipfile.BadZipFile) as error:
        raise damaged(path.name, short(error)) from error
    named = exported.graph_signature.user_inputs
    inputs = [node.meta["val"] for node in exported.graph.nodes if node.name in named]
    shapes = [tuple(side if isinstance(side, int) else None for side in getattr(one, "shape", ())) for one in inputs]
    specs = input_specs(path.name, shapes, shape, "NCHW")
    dtype, channels = inputs[0].dtype, (specs[0].channels,)
    preset = "bytes" if dtype is torch.uint8 else None
    specs = [with_preset(spec, preset or USUAL_PRESET[spec.channels]) for spec in specs]
    outputs = [one for node in exported.graph.nodes if node.op == "output" for one in node.args[0]]
    return open_program(
        Source(
            lambda values: _run(module, values, dtype), "torch.export", "torch.export graph", specs,
            "bytes, as its input is uint8" if preset else _usual(channels), batch=shapes[0][0],
            known=NORMALISATION if preset else (),
            sigmoid=any(str(getattr(one, "target", "")) in SIGMOIDS for one in outputs[:1]),
            tables=_tables(path, None), weights=fingerprint(exported.state_dict),
        ), n_classes,
    )  # fmt: skip


def _run(module: Any, values: Values, dtype: torch.dtype = torch.float32) -> dict[str, Values]:
    """The tensors that a module returns, in their order, by key or number."""
    try:
        with torch.inference_mode():
            return named_outputs(module(torch.from_numpy(values).to(dtype)))
    except FAILURES as error:
        raise failed(values, error) from error


def _channels(name: str, weights: list[tuple[int, ...]]) -> tuple[int, ...]:
    """What the first convolution takes; colour, then grey, where there is none."""
    first = next((shape for shape in weights if len(shape) == 4), None)
    if first is None:
        return (3, 1)
    if first[1] not in (1, 3):
        raise _other_channels(name, first[1])
    return (first[1],)


def _usual(channels: tuple[int, ...]) -> str:
    return f"{' or '.join(USUAL_PRESET[n] for n in channels)} normalisation (assumed)"


def _other_channels(name: str, channels: int) -> SuspectError:
    return SuspectError(
        f"{name} takes inputs of {channels} channels; pictures have 3, or 1 if they are grey.", key="not a picture"
    )


def _flattened_sides(name: str, weights: list[tuple[int, ...]]) -> list[int]:
    """The side of a square picture with as many values as the first linear layer takes, where nothing is convolved."""
    matrices = [shape for shape in weights if len(shape) == 2]
    if not matrices or any(len(shape) == 4 for shape in weights):
        return []
    n_values = matrices[0][1]
    sides = [math.isqrt(n_values // n) for n in (3, 1) if math.isqrt(n_values // n) ** 2 * n == n_values]
    if not sides:
        raise SuspectError(
            f"{name} takes vectors of {n_values} numbers, which are not the values of a square picture; a classifier "
            "of pictures was expected.",
            key="not a picture",
        )
    return sides


def _declared_sides(module: Any) -> list[int]:
    """The sides of square example inputs that were bundled with a module."""
    try:
        examples = module.get_all_bundled_inputs() if hasattr(module, "get_all_bundled_inputs") else []
        return [one[0].shape[2] for one in examples if one[0].ndim == 4 and one[0].shape[2] == one[0].shape[3]]
    except FAILURES:
        return []


def _tables(path: Path, module: Any) -> tuple[Mapping[Any, Any], ...]:
    """What may hold class names: texts saved beside the program, by name, and the module's own lists and tables."""
    texts: dict[str, Any] = {}
    with contextlib.suppress(zipfile.BadZipFile, NotImplementedError, EOFError), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            inner = Path(member.filename.partition("/")[2])
            if inner.parts[:1] == ("extra",) and member.file_size <= MAX_TABLE:
                texts[inner.stem] = archive.read(member).decode("utf-8", "replace").strip()
    return (texts, {key: getattr(module, key) for key in KEYS if hasattr(module, key)})
