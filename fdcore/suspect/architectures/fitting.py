"""Which registered architectures a file's tensors fit exactly.

A fit is exact if the file has every tensor of the network with the same shape, and nothing else. These differences are
allowed: a wrapper's prefix ("module."), another name for the head or the shortcut, missing counters of batch
normalisation, and auxiliary heads that serve training only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fdcore.progress import Progress, silent
from fdcore.suspect.architectures import index, plain
from fdcore.suspect.architectures.index import Entry, Shape, Shapes
from fdcore.suspect.architectures.registry import find, skeleton_shapes

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "base_model.", "encoder.", "resnet.")
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
ALIAS = (".downsample.", ".shortcut.")
N_CLOSEST = 3

Naming = dict[str, str]  # the name a network might use -> the key in the file


@dataclass(frozen=True)
class Fit:
    """How a file's tensors agree with one network.

    Attributes:
        n_outputs, channels: read from the file's shapes.
        keys: network's key -> file's key, for the tensors that agree.
        missing: the network's keys that the file lacks.
        unexpected: the file's keys that the network lacks.
        misshapen: (file's key, shape in the file, shape in the network).
        notes: what was renamed or left out, for people.
    """

    name: str
    n_outputs: int
    channels: int
    keys: Naming
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[tuple[str, Shape, Shape], ...] = ()
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
    """
    shapes = shapes_of(state)
    candidates = list(_candidates(shapes))
    found = []
    for done, name in enumerate(candidates):
        progress("comparing architectures", done, len(candidates))
        if compare(name, shapes).exact:
            found.append(name)
    return found or [reading.name for reading in plain.readings(shapes)]


def compare(name: str, shapes: Shapes) -> Fit:
    """How the tensors agree with one registered architecture, under the naming that agrees best.

    Raises:
        SuspectError: the name is not registered.
    """
    entry = find(name)
    fits = [_compare(entry, naming, shapes, notes) for naming, notes in _namings(shapes)]
    return min(fits, key=lambda fit: fit.n_wrong)


def closest(shapes: Shapes) -> list[tuple[str, int, int]]:
    """The architectures that share most tensors (name and shape): (name, shared, tensors of that architecture)."""
    likeness: dict[str, float] = {}
    for naming, _ in _namings(shapes):
        mine = index.sketch(index.tensor_hash(key, shapes[file_key]) for key, file_key in naming.items())
        for name, entry in index.entries().items():
            likeness[name] = max(likeness.get(name, 0.0), _estimate_overlap(mine, entry.sketch))
    best = sorted((name for name, value in likeness.items() if value > 0), key=lambda name: -likeness[name])
    counted = []
    for name in best[: 2 * N_CLOSEST]:
        fit = compare(name, shapes)
        counted.append((name, len(fit.keys), len(fit.keys) + len(fit.missing) + len(fit.misshapen)))
    return sorted(counted, key=lambda row: -row[1])[:N_CLOSEST]


def _estimate_overlap(mine: tuple[int, ...], other: tuple[int, ...]) -> float:
    """The share of common tensors, from the smallest hashes of both (Broder 1997)."""
    smallest = sorted({*mine, *other})[: index.SKETCH_SIZE]
    return len({*mine} & {*other} & {*smallest}) / max(1, len(smallest))


def _candidates(shapes: Shapes) -> dict[str, None]:
    """Architectures whose digest agrees without head and stem, in the table's order."""
    digests = []
    for naming, _ in _namings(shapes):
        hashes = {key: index.tensor_hash(key, shapes[file_key]) for key, file_key in naming.items()}
        digests.append((hashes, index.digest(hashes.values()), _last_linear(naming, shapes)))
    found: dict[str, None] = {}
    for name, entry in index.entries().items():
        for hashes, total, last in digests:
            head = entry.head if all(key in hashes for key in entry.head) else last
            variable = {*head, *entry.stem} & hashes.keys()
            if (total - sum(hashes[key] for key in variable)) % index.WORD == entry.digest:
                found[name] = None
    return found


def _namings(shapes: Shapes) -> Iterator[tuple[Naming, tuple[str, ...]]]:
    """Every way to name the file's tensors, with notes on the changes; the file's own naming first."""
    seen = set()
    bare = {key: key for key in shapes if not key.startswith(AUXILIARY)}
    for stripped in (bare, _strip(bare, whole=True), _strip(bare, whole=False)):
        without = {key: file_key for key, file_key in stripped.items() if not key.startswith(AUXILIARY)}
        for naming in (without, {key.replace(*ALIAS): file_key for key, file_key in without.items()}):
            if len(naming) == len(without) and (fingerprint := tuple(naming)) not in seen:
                seen.add(fingerprint)
                n_dropped = len(shapes) - len(naming)
                yield naming, (f"{n_dropped} tensors of auxiliary heads left out",) if n_dropped else ()


def _strip(naming: Naming, *, whole: bool) -> Naming:
    """Remove known prefixes repeatedly; with `whole`, only those that all keys share."""
    for _ in range(len(PREFIXES)):
        for prefix in PREFIXES:
            carries = [key.startswith(prefix) for key in naming]
            if all(carries) or (any(carries) and not whole):
                stripped = {key.removeprefix(prefix): file_key for key, file_key in naming.items()}
                if len(stripped) == len(naming):
                    naming = stripped
    return naming


def _last_linear(naming: Naming, shapes: Shapes) -> tuple[str, ...]:
    """The tensors of the last linear layer: its weight, and its bias if it has one."""
    for key, file_key in reversed(naming.items()):
        if len(shapes[file_key]) == 2 and key.endswith("weight"):
            bias = key.removesuffix("weight") + "bias"
            return (key, bias) if bias in naming else (key,)
    return ()


def _compare(entry: Entry, naming: Naming, shapes: Shapes, notes: tuple[str, ...]) -> Fit:
    named_head = all(key in naming for key in entry.head)
    head = entry.head if named_head else _last_linear(naming, shapes)
    n_outputs = max(1, shapes[naming[head[0]]][0]) if head and shapes[naming[head[0]]] else 1
    wanted = _wanted(entry.name, n_outputs, channels := _channels(entry, naming, shapes))
    if not named_head and _same_head(wanted, entry.head, [shapes[naming[key]] for key in head]):
        notes = (*notes, f"its head is called {head[0].rpartition('.')[0]}")
        renamed = dict(zip(head, _sorted_head(entry.head), strict=True))
        naming = {renamed.get(key, key): file_key for key, file_key in naming.items()}
    agree = {key: naming[key] for key, shape in wanted.items() if key in naming and shapes[naming[key]] == shape}
    return Fit(
        name=entry.name,
        n_outputs=n_outputs,
        channels=channels,
        keys=agree,
        missing=tuple(key for key in wanted if key not in naming),
        unexpected=tuple(file_key for key, file_key in naming.items() if key not in wanted),
        misshapen=tuple(
            (naming[key], shapes[naming[key]], shape)
            for key, shape in wanted.items()
            if key in naming and shapes[naming[key]] != shape
        ),
        notes=notes,
    )


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
