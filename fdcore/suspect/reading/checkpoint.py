"""State dicts: the named tensors of a file, found anywhere in it, and the plain data beside them."""

import pickle  # for the exception's name only
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import safetensors
import torch
from torch import Tensor

from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.architectures.fitting import shapes_of
from fdcore.suspect.architectures.index import Shape
from fdcore.suspect.architectures.namings import inner_names, serves_training
from fdcore.suspect.formats import Format, damaged
from fdcore.suspect.preprocess import Assumption
from fdcore.suspect.reading.hints import Statistics, find_hints, pixel_statistics
from fdcore.suspect.reading.numpy_stand_ins import STAND_INS
from fdcore.suspect.reading.weights import check_number, check_sizes, refuse_unusual

PREFERRED = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module",
    "state_dict_ema", "model_ema", "ema", "teacher", "student",
)  # fmt: skip
MAX_DEPTH = 4
DIGITS = "0123456789"
NUMBER_OR_TEXT = re.compile(r"[0-9]{1,9}|[^0-9]+")
Place = tuple[str, ...]  # the keys that lead to something in a checkpoint
LOAD_ERRORS = (
    RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, struct.error,
    AssertionError, MemoryError, OSError, zipfile.BadZipFile,
)  # fmt: skip
Tensors = Mapping[str, Tensor]
AVERAGES = {"ema", "teacher", "swa", "avg", "average", "averaged", "shadow"}
NORMALISING = {
    "mean": "std", "mu": "sigma", "means": "stds", "_mean": "_std", "pixel_mean": "pixel_std",
    "image_mean": "image_std", "norm_mean": "norm_std",
}  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """What a file of weights holds.

    Attributes:
        tensors: key -> tensor, in the file's order, as stored.
        hints: plain data beside the weights, where present: "arch" (str), "size" (height, width), "mean" and "std"
            (tuples of numbers), "classes" (tuple of str).
        notes: where the tensors were found and what was left out, for people.
        assumptions: which of several copies of the weights was taken.
        of_transformers: config.json and preprocessor_config.json, where they are of the transformers library.
    """

    tensors: dict[str, Tensor]
    hints: dict[str, Any]
    notes: tuple[str, ...]
    assumptions: tuple[Assumption, ...] = ()
    of_transformers: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None


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
    found, assumptions = _find_state(content, path.name)
    if found.place:
        notes = (*notes, f"weights found under {'/'.join(found.place)}")
    check_number(len(found.tensors), path.name)
    refuse_unusual({key: value for key, value in found.group.items() if not isinstance(value, Mapping)}, path.name)
    tensors, more = choose_copy(found.tensors)
    tensors, statistics, layer = take_normalisation(tensors)
    check_sizes(tensors, path.name)
    hints = find_hints(content)
    if statistics:
        hints |= dict(zip(("mean", "std"), statistics, strict=True))
        notes = (*notes, f"mean and standard deviation from its layer {layer}")
    return Checkpoint(dict(tensors), hints, notes, (*assumptions, *more))


def read_torch(path: Path, kind: Format) -> tuple[Any, tuple[str, ...]]:
    """What a PyTorch file holds, and notes; raises as `read_checkpoint`."""
    content = load_weights_only(path, path.name, mmap=_is_stored(path, kind))
    return content, _archive_note(path) if kind is Format.TORCH_ZIP else ()


def load_weights_only(source: Path | BinaryIO, name: str, *, mmap: bool = False) -> Any:
    """What a checkpoint holds, read by PyTorch's restricted reader; raises as `read_checkpoint`."""
    try:
        with torch.serialization.safe_globals(STAND_INS):
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = f"it names {named[1]}" if named else "its pickle uses operations that weights do not need"
        raise RefusedError(
            f"{name} was refused: it contains more than tensors and plain data ({reason}). "
            "Ask for its state dict or a safetensors file.",
            key="not only weights",
        ) from error
    except LOAD_ERRORS as error:
        raise damaged(name, str(error).partition("\n")[0][:200]) from error


def _is_stored(path: Path, kind: Format) -> bool:
    """Whether the tensors lie in the file as they are, as PyTorch writes them, and not compressed."""
    if kind is not Format.TORCH_ZIP:
        return False
    if not zipfile.is_zipfile(path):  # cut short; PyTorch says what is wrong with it
        return False
    with zipfile.ZipFile(path) as archive:
        return all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())


def _archive_note(path: Path) -> tuple[str, ...]:
    """The file's original name, after which PyTorch names the archive, if it differs from the present one."""
    with zipfile.ZipFile(path) as archive:
        name = archive.namelist()[0].partition("/")[0]
    return () if name in ("archive", "model", path.stem) else (f"saved as {name!r}",)


def _read_safetensors(path: Path) -> tuple[Any, tuple[str, ...]]:
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            keys = file.keys()
            check_number(len(keys), path.name)
            tensors = {key: file.get_tensor(key) for key in keys}
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, *LOAD_ERRORS) as error:
        raise damaged(path.name, error) from error
    return {**metadata, "state_dict": _in_natural_order(tensors)}, ()


def _in_natural_order(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Restore the order of layers, which safetensors lose: convolutions first, then by the numbers in their names."""

    def rank(key: str) -> tuple[Any, ...]:
        module, _, leaf = key.rpartition(".")
        weight = tensors.get(f"{module}.weight", tensors[key])
        parts = [(int(part), "") if part[0] in DIGITS else (-1, part) for part in re.findall(NUMBER_OR_TEXT, module)]
        return -weight.dim(), parts, leaf != "weight", leaf

    return {key: tensors[key] for key in sorted(tensors, key=rank)}


class _State(NamedTuple):
    """A state dict in a checkpoint: the keys that lead to it, all that it holds, and its tensors."""

    place: Place
    group: Mapping[Any, Any]
    tensors: dict[str, Tensor]

    @property
    def name(self) -> str:
        return "/".join(self.place) or "the file's own"

    @property
    def preference(self) -> tuple[int, int, int]:
        """Sorts usual names first, then places near the top, then larger ones."""
        ranks = [PREFERRED.index(key) if key in PREFERRED else len(PREFERRED) for key in self.place]
        return max(ranks, default=-1), len(self.place), -len(self.tensors)


def _find_state(content: Any, name: str) -> tuple[_State, tuple[Assumption, ...]]:
    """The likeliest state dict in a checkpoint; of several copies the average."""
    found = list(_state_dicts(content))
    if not found:
        refuse_unusual(content, name)
        what = f"a {type(content).__name__}" + (f" with keys {list(content)[:6]}" if isinstance(content, dict) else "")
        raise SuspectError(
            f"{name} contains no state dict (names with tensors), but {what}. Ask for the model's state dict.",
            key="no state dict",
        )
    first = min(found, key=lambda state: state.preference)
    copies = [state for state in found if state is first or same_network(state.tensors, first.tensors)]
    if len(copies) == 1:
        return first, ()
    taken = next((state for state in copies if any(map(is_average, state.place))), first)
    others = tuple(state.name for state in copies if state is not taken)
    return taken, (Assumption("weights", taken.name, others),)


def _state_dicts(content: Any) -> Iterator[_State]:
    """Every group of named tensors among which is a layer's weight; what is shared is visited once."""
    level: list[tuple[Place, Any]] = [((), content)]
    seen = {id(content)}
    for _ in range(MAX_DEPTH + 1):
        inner: list[tuple[Place, Any]] = []
        for place, group in level:
            if not isinstance(group, Mapping):
                continue
            tensors = {key: value for key, value in group.items() if isinstance(value, Tensor)}
            if all(isinstance(key, str) for key in tensors) and _holds_weights(tensors):
                yield _State(place, group, tensors)
            for key, value in group.items():
                if id(value) not in seen:
                    seen.add(id(value))
                    inner.append(((*place, str(key)), value))
        level = inner


def _holds_weights(tensors: Mapping[str, Tensor]) -> bool:
    """Whether it directly contains the weight of a layer."""
    return any(value.dim() >= 2 and value.is_floating_point() for value in tensors.values())


def is_average(name: str) -> bool:
    """Whether a name says that what lies under it is a running average of weights."""
    return any(word.lower() in AVERAGES for word in re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", name))


def same_network(one: Tensors, other: Tensors) -> bool:
    """Whether two state dicts have the same names and shapes, apart from prefixes and single numbers."""
    return _network_shapes(one) == _network_shapes(other)


def _network_shapes(tensors: Tensors) -> dict[str, Shape]:
    shapes = {key: shape for key, shape in shapes_of(tensors).items() if shape}
    return {key: shapes[file_key] for key, file_key in inner_names(shapes).items() if not serves_training(key)}


def choose_copy(tensors: Tensors) -> tuple[Tensors, tuple[Assumption, ...]]:
    """One copy of the weights where a state dict holds an average beside them, and which one it is."""
    modules: dict[str, dict[str, Tensor]] = {}
    for key, file_key in inner_names(tensors, shared_by_all=True).items():
        modules.setdefault(key.partition(".")[0], {})[file_key] = tensors[file_key]
    for average in filter(is_average, modules):
        rest = {key: value for key, value in tensors.items() if key not in modules[average]}
        beside = {**{name: module for name, module in modules.items() if name != average}, "the others": rest}
        for name, copy in beside.items():
            if len(copy) > 1 and same_network(copy, modules[average]):
                kept = {key: value for key, value in tensors.items() if key not in copy}
                return kept, (Assumption("weights", average, (name,)),)
    return tensors, ()


def take_normalisation(tensors: Tensors) -> tuple[Tensors, Statistics | None, str]:
    """The tensors without a layer that normalises the pictures, its mean and standard deviation, and its name."""
    for key, mean in tensors.items():
        module, dot, leaf = key.rpartition(".")
        partner = f"{module}{dot}{NORMALISING.get(leaf)}"
        statistics = pixel_statistics(mean, tensors[partner]) if partner in tensors else None
        if statistics:
            rest = {other: value for other, value in tensors.items() if other not in (key, partner)}
            return rest, statistics, module or leaf
    return tensors, None, ""
