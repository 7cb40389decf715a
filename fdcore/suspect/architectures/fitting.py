"""Which registered architectures a file's tensors fit exactly.

A fit is exact if the file has every tensor of the network with the same shape, and nothing else. These differences are
allowed: prefixes and wrappers in the names, other names for the head or the shortcut, missing counters of batch
normalisation, auxiliary heads, and tensors that are no part of a network (`fdcore.suspect.architectures.namings`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from fdcore.progress import Progress, silent
from fdcore.suspect.architectures import index, plain
from fdcore.suspect.architectures.index import Entry, Shape, Shapes
from fdcore.suspect.architectures.namings import Naming, namings, passengers, serves_training
from fdcore.suspect.architectures.registry import find, skeleton_shapes

N_CLOSEST = 3
N_SHOWN = 5


class Match(NamedTuple):
    """How near some architectures are to a file, all equally: the tensors that they share with it, and have in all."""

    names: tuple[str, ...]
    shared: int
    total: int


@dataclass(frozen=True)
class Fit:
    """How a file's tensors agree with one network.

    Attributes:
        n_outputs, channels: read from the file's shapes.
        keys: network's key -> file's key, for the tensors that agree.
        missing: the network's keys that the file lacks.
        unexpected: the file's keys that the network lacks.
        misshapen: (file's key, shape in the file, shape in the network).
        passengers: the file's keys that are no part of a network.
        notes: what was renamed or left out, for people.
    """

    name: str
    n_outputs: int
    channels: int
    keys: Naming
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[tuple[str, Shape, Shape], ...] = ()
    passengers: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def exact(self) -> bool:
        """Whether nothing is missing, left over or of another shape."""
        return self.n_wrong == 0

    @property
    def n_wrong(self) -> int:
        """How many tensors do not agree."""
        return len(self.missing) + len(self.unexpected) + len(self.misshapen)


def shapes_of(state: Mapping[str, Any]) -> dict[str, Shape]:
    """Key -> shape of every tensor of a state dict except counters."""
    return index.weight_shapes({key: tuple(value.shape) for key, value in state.items()})


def fitting(state: Mapping[str, Any], *, progress: Progress = silent) -> list[str]:
    """Names of every architecture that fits exactly; plain networks only if no registered one does.

    Args:
        state: key -> tensor (anything with a shape), in the file's order.
        progress: notified of each network that is built to verify a candidate.

    Returns:
        Those that leave out the fewest tensors, in the table's order.
    """
    shapes = shapes_of(state)
    candidates = list(dict.fromkeys(_candidates(shapes)))
    found = []
    for done, name in enumerate(candidates):
        progress("comparing architectures", done, len(candidates))
        if (fit := compare(name, shapes)).exact:
            found.append(fit)
    fewest = min((len(fit.passengers) for fit in found), default=0)
    exact = [fit.name for fit in found if len(fit.passengers) == fewest]
    return exact or [reading.name for reading in plain.readings(shapes)]


def compare(name: str, shapes: Shapes) -> Fit:
    """How the tensors agree with one registered architecture, under the naming that agrees best.

    Raises:
        SuspectError: the name is not registered.
    """
    entry = find(name)
    return min((_compare(entry, naming, shapes) for naming in namings(shapes)), key=lambda fit: fit.n_wrong)


def closest(shapes: Shapes) -> list[Match]:
    """The architectures with the largest share of tensors (name and shape) in common, nearest first, ties together.

    The sizes of head and stem play no part.
    """
    best: dict[str, tuple[float, int, int]] = {}
    for naming in namings(shapes):
        hashes = {index.tensor_hash(key, shapes[file_key]) for key, file_key in naming.items()}
        for name, n_shared in index.n_shared(hashes).items():
            entry = index.entries()[name]
            variable = {*entry.head, *entry.stem}
            shared, total = n_shared + len(variable & naming.keys()), len(entry.tensors) + len(variable)
            best[name] = max(best.get(name, (0.0, 0, total)), (shared / (len(naming) + total - shared), shared, total))
    tied: dict[tuple[float, int, int], list[str]] = {}
    for name, likeness in best.items():
        tied.setdefault(likeness, []).append(name)
    nearest = sorted(tied, reverse=True)[:N_CLOSEST]
    return [Match(tuple(tied[likeness]), *likeness[1:]) for likeness in nearest if likeness[1]]


def _candidates(shapes: Shapes) -> Iterator[str]:
    """Architectures of which the file has every hash, and beside them only what might be no part of a network."""
    found = set()
    for naming in namings(shapes):
        hashes = {index.tensor_hash(key, shapes[file_key]): key for key, file_key in naming.items()}
        last = _last_linear(naming, shapes)
        for name, n_shared in index.n_shared(hashes).items():
            entry = index.entries()[name]
            if n_shared < len(entry.tensors) or name in found:
                continue
            head = entry.head if all(key in naming for key in entry.head) else last
            network = {*head, *entry.stem, *(hashes[value] for value in entry.tensors)} & naming.keys()
            left_over = naming.keys() - network
            if len(passengers(left_over, network, naming, shapes)) == len(left_over):
                found.add(name)
    return (name for name in index.entries() if name in found)


def _last_linear(naming: Naming, shapes: Shapes) -> tuple[str, ...]:
    """The tensors of the last linear layer: its weight, and its bias if it has one."""
    for key, file_key in reversed(naming.items()):
        if len(shapes[file_key]) == 2 and key.endswith("weight") and not serves_training(key):
            bias = key.removesuffix("weight") + "bias"
            return (key, bias) if bias in naming else (key,)
    return ()


def _compare(entry: Entry, naming: Naming, shapes: Shapes) -> Fit:
    n_auxiliary = len(shapes) - len(naming)
    notes = [f"{n_auxiliary} tensors of auxiliary heads left out"] if n_auxiliary else []
    named_head = all(key in naming for key in entry.head)
    head = entry.head if named_head else _last_linear(naming, shapes)
    n_outputs = max(1, shapes[naming[head[0]]][0]) if head and shapes[naming[head[0]]] else 1
    wanted = _wanted(entry.name, n_outputs, channels := _channels(entry, naming, shapes))
    if not named_head and _same_head(wanted, entry.head, [shapes[naming[key]] for key in head]):
        notes.append(f"its head is called {head[0].rpartition('.')[0]}")
        renamed = dict(zip(head, _sorted_head(entry.head), strict=True))
        naming = {renamed.get(key, key): file_key for key, file_key in naming.items()}
    agree = {key: naming[key] for key, shape in wanted.items() if key in naming and shapes[naming[key]] == shape}
    left_over = [key for key in naming if key not in wanted]
    left_out = passengers(left_over, agree, naming, shapes)
    return Fit(
        name=entry.name,
        n_outputs=n_outputs,
        channels=channels,
        keys=agree,
        missing=tuple(key for key in wanted if key not in naming),
        unexpected=tuple(naming[key] for key in left_over if key not in left_out),
        misshapen=tuple(
            (naming[key], shapes[naming[key]], shape)
            for key, shape in wanted.items()
            if key in naming and shapes[naming[key]] != shape
        ),
        passengers=tuple(naming[key] for key in left_out),
        notes=(*notes, *left_out_note([naming[key] for key in left_out])),
    )


def left_out_note(keys: list[str]) -> tuple[str, ...]:
    """A note that names the tensors that are no part of the network; empty if there are none."""
    shown = f"{', '.join(keys[:N_SHOWN])}{f' and {len(keys) - N_SHOWN} more' if len(keys) > N_SHOWN else ''}"
    return (f"left out, as no part of the network: {shown}",) if keys else ()


def _sorted_head(head: tuple[str, ...]) -> list[str]:
    """The weight first, then the bias."""
    return sorted(head, key=lambda key: key.endswith("bias"))


def _same_head(wanted: Shapes, head: tuple[str, ...], shapes: list[Shape]) -> bool:
    """Whether the linear layer has exactly the head's shapes."""
    return len(head) <= 2 and [wanted[key] for key in _sorted_head(head)] == shapes


def _channels(entry: Entry, naming: Naming, shapes: Shapes) -> int:
    """Input channels, read from the stem's second axis; 3 by default."""
    for key in entry.stem:
        shape = shapes.get(naming.get(key, ""), ())
        if len(shape) == 4 and shape[1] in (1, 3):
            return shape[1]
    return 3


@lru_cache(maxsize=256)
def _wanted(name: str, n_outputs: int, channels: int) -> dict[str, Shape]:
    return skeleton_shapes(name, n_outputs, channels=channels)
