"""State dicts: the named tensors of a file, found anywhere in it, and the plain data beside them."""

import math
import pickle  # for the exception's name only
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from torch import Tensor

from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.formats import Format, damaged

PREFERRED = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module",
    "state_dict_ema", "model_ema", "ema", "teacher", "student",
)  # fmt: skip
NUMBER_TYPE = re.compile(r"[fiub][1248]")  # NumPy's notation, without the byte order
MAX_HINT_VALUES = 16
MAX_DEPTH = 4
Place = tuple[str, ...]  # the keys that lead to something in a checkpoint
MAX_ELEMENTS = 4_000_000_000  # total over all tensors: 16 GB of float32
HINTS = {
    "arch": ("arch", "architecture", "model_name", "arch_name", "backbone"),
    "size": ("input_size", "img_size", "image_size", "input_shape", "resolution", "crop_size"),
    "mean": ("mean", "normalize_mean", "norm_mean", "pixel_mean", "image_mean"),
    "std": ("std", "normalize_std", "norm_std", "pixel_std", "image_std"),
    "classes": ("classes", "class_names", "labels", "class_to_idx", "idx_to_class", "categories", "id2label"),
}
LOAD_ERRORS = (
    RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, struct.error,
    AssertionError, MemoryError, OSError,
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """What a file of weights holds.

    Attributes:
        tensors: key -> tensor, in the file's order, as stored.
        hints: plain data beside the weights, where present: "arch" (str), "size" (height, width), "mean" and "std"
            (tuples of numbers), "classes" (tuple of str).
        notes: where the tensors were found, for people.
    """

    tensors: dict[str, Tensor]
    hints: dict[str, Any]
    notes: tuple[str, ...]


def read_checkpoint(path: Path, kind: Format) -> Checkpoint:
    """Read a file's tensors without executing anything.

    Args:
        path: a file that the scanners have passed.
        kind: TORCH_ZIP, TORCH_LEGACY or SAFETENSORS.

    Raises:
        RefusedError: it contains more than tensors and plain data.
        SuspectError: it is damaged, or contains no state dict.
    """
    content, notes = _read_safetensors(path) if kind is Format.SAFETENSORS else read_torch(path, kind)
    place, state = _find_state(content, path.name)
    if place:
        notes = (*notes, f"weights found under {'/'.join(place)}")
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    _check_tensors(tensors, path)
    return Checkpoint(tensors, _find_hints(content), notes)


def read_torch(path: Path, kind: Format) -> tuple[Any, tuple[str, ...]]:
    try:
        with torch.serialization.safe_globals(_NUMPY_STAND_INS):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=kind is Format.TORCH_ZIP)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = f"it names {named[1]}" if named else "its pickle uses operations that weights do not need"
        raise RefusedError(
            f"{path.name} was refused: it contains more than tensors and plain data ({reason}). "
            "Ask for its state dict or a safetensors file.",
            key="not only weights",
        ) from error
    except LOAD_ERRORS as error:
        raise damaged(path.name, str(error).partition("\n")[0][:200]) from error
    return content, _archive_note(path) if kind is Format.TORCH_ZIP else ()


def _archive_note(path: Path) -> tuple[str, ...]:
    """The file's original name, after which PyTorch names the archive, if it differs from the present one."""
    with zipfile.ZipFile(path) as archive:
        name = archive.namelist()[0].partition("/")[0]
    return () if name in ("archive", "model", path.stem) else (f"saved as {name!r}",)


def _read_safetensors(path: Path) -> tuple[Any, tuple[str, ...]]:
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is not a dictionary
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, *LOAD_ERRORS) as error:
        raise damaged(path.name, error) from error
    return {**metadata, "state_dict": _in_natural_order(tensors)}, ()


def _in_natural_order(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Restore the order of layers, which safetensors lose: convolutions first, then by the numbers in their names."""

    def rank(key: str) -> tuple[Any, ...]:
        module, _, leaf = key.rpartition(".")
        weight = tensors.get(f"{module}.weight", tensors[key])
        parts = [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", module)]
        return -weight.dim(), parts, leaf != "weight", leaf

    return {key: tensors[key] for key in sorted(tensors, key=rank)}


def _find_state(content: Any, name: str) -> tuple[Place, Mapping[str, Any]]:
    """The likeliest state dict in a checkpoint, and the keys that lead to it."""
    found = list(_state_dicts(content, (), MAX_DEPTH))
    if not found:
        what = f"a {type(content).__name__}" + (f" with keys {list(content)[:6]}" if isinstance(content, dict) else "")
        raise SuspectError(
            f"{name} contains no state dict (names with tensors), but {what}. Ask for the model's state dict.",
            key="no state dict",
        )
    return min(found, key=lambda pair: (_preference(pair[0]), -len(pair[1])))


def _state_dicts(content: Any, place: Place, depth: int) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if not isinstance(content, Mapping):
        return
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if all(isinstance(key, str) for key in tensors) and _holds_weights(tensors):
        yield place, tensors
    if depth:
        for key, value in content.items():
            yield from _state_dicts(value, (*place, str(key)), depth - 1)


def _holds_weights(content: Mapping[Any, Any]) -> bool:
    """Whether it directly contains the weight of a layer."""
    return any(isinstance(v, Tensor) and v.dim() >= 2 and v.is_floating_point() for v in content.values())


def _preference(place: Place) -> tuple[int, int]:
    """Sorts places under usual names and near the top first."""
    ranks = [PREFERRED.index(key) if key in PREFERRED else len(PREFERRED) for key in place]
    return (max(ranks, default=-1), len(place))


def _check_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse shapes larger than what the file stores, and more elements than fit in memory."""
    for key, tensor in tensors.items():
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise SuspectError(
                f"The tensor {key} of {path.name} is sparse or quantised; ask for dense weights.", key="not dense"
            )
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise SuspectError(
                f"The tensor {key} of {path.name} claims the shape {tuple(tensor.shape)}, but the file holds only "
                f"{tensor.untyped_storage().nbytes():,} bytes for it. The file is damaged or made to exhaust memory.",
                key="shape too large",
            )
    n_elements = sum(tensor.numel() for tensor in tensors.values())
    if n_elements > MAX_ELEMENTS:
        raise SuspectError(f"{path.name} holds {n_elements:,} numbers; at most {MAX_ELEMENTS:,} can be opened.")


def _find_hints(content: Any) -> dict[str, Any]:
    """What the checkpoint states about itself, two levels deep."""
    if not isinstance(content, Mapping):
        return {}
    flat = dict(content)
    for value in content.values():
        if isinstance(value, Mapping) and not _holds_weights(value):
            flat = {**value, **flat}
    found = {}
    for kind, keys in HINTS.items():
        values = (_hint(kind, flat.get(key)) for key in keys)
        if first := next((value for value in values if value), None):
            found[kind] = first
    return found


def _hint(kind: str, value: Any) -> Any:
    """The value in a fixed form, or None if it is not of the kind that its name implies."""
    if kind == "arch":
        return value if isinstance(value, str) and 0 < len(value) < 100 else None
    if kind == "classes":
        return _class_names(value)
    numbers = _numbers(value)
    if kind == "size":
        size = numbers * 2 if numbers and len(numbers) == 1 else numbers and numbers[-2:]
        fits = size and len(size) == 2 and all(side == int(side) and 8 <= side <= 2048 for side in size)
        return tuple(int(side) for side in size) if size and fits else None
    return numbers if numbers and len(numbers) in (1, 3) else None


def _numbers(value: Any) -> tuple[float, ...] | None:
    if isinstance(value, _NumpyArray):
        value = value.values
    if isinstance(value, Tensor):
        value = value.flatten().tolist() if value.numel() <= MAX_HINT_VALUES else None
    values = value if isinstance(value, list | tuple) else [value]
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    return tuple(float(v) for v in values) if values and numeric else None


def _class_names(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, Mapping):
        pairs = list(value.items())
        if all(isinstance(v, int) for _, v in pairs):  # name -> number
            pairs = [(v, k) for k, v in pairs]
        if all(isinstance(k, int | str) for k, _ in pairs) and all(isinstance(v, str) for _, v in pairs):
            value = [name for _, name in sorted(pairs, key=lambda pair: (len(str(pair[0])), str(pair[0])))]
    if isinstance(value, list | tuple) and len(value) > 1 and all(isinstance(v, str) for v in value):
        return tuple(value)
    return None


class _NumpyType:
    """Stands in for `numpy.dtype` while a file is read: it only remembers the name."""

    def __init__(self, name: object = "", *_: object) -> None:
        self.name = str(name)

    def __setstate__(self, state: object) -> None:
        """Ignore the byte order: a checkpoint's numbers are little endian."""


class _NumpyArray:
    """Stands in for `numpy.ndarray` while a file is read; small arrays of numbers become a tuple afterwards."""

    values: tuple[float, ...] = ()

    def __setstate__(self, state: object) -> None:
        """Take (version, shape, type, order, bytes) as NumPy writes them."""
        if isinstance(state, tuple) and len(state) == 5 and isinstance(state[2], _NumpyType):
            name, raw = state[2].name, state[4]
            if NUMBER_TYPE.fullmatch(name) and isinstance(raw, bytes) and len(raw) % int(name[1]) == 0:
                self.values = tuple(np.frombuffer(raw, dtype=f"<{name}").tolist()[:MAX_HINT_VALUES])


def _numpy_array(*_: object) -> _NumpyArray:
    """Stands in for the function that creates an array before its content is set."""
    return _NumpyArray()


def _numpy_scalar(kind: object = None, data: object = b"") -> float | int | None:
    """Stands in for NumPy's scalar constructor: a number from its bytes, None for anything else."""
    raw = data if isinstance(data, bytes) else b""
    name = kind.name if isinstance(kind, _NumpyType) else ""
    if not NUMBER_TYPE.fullmatch(name) or len(raw) != int(name[1]):
        return None
    number: float | int = np.frombuffer(raw, dtype=f"<{name}")[0].item()
    return number


_NUMPY_STAND_INS: list[Any] = [
    (_numpy_scalar, "numpy.core.multiarray.scalar"),
    (_numpy_scalar, "numpy._core.multiarray.scalar"),
    (_numpy_array, "numpy.core.multiarray._reconstruct"),
    (_numpy_array, "numpy._core.multiarray._reconstruct"),
    (_NumpyArray, "numpy.ndarray"),
    (_NumpyType, "numpy.dtype"),
]
