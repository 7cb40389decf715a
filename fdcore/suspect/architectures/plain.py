"""Plain convolutional networks, read from the shapes of their tensors alone.

Such a network is [convolution, perhaps batch normalisation, ReLU, perhaps 2x2 max pooling]* then [linear, perhaps
batch normalisation, ReLU]* then linear. The order of the
tensors matters, their names do not. Padding, the places of pooling and the input size follow from the number of
features that enter the first linear layer; if several readings agree with it, all are given. Nothing shows the
activation and the kind of pooling, so these are assumptions (`Reading.assumptions`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fdcore.errors import SuspectError
from fdcore.suspect.architectures.index import Shape, Shapes
from fdcore.suspect.architectures.namings import serves_training
from fdcore.suspect.preprocess import Assumption

PREFIX = "plain-cnn"
USUAL_SIZES = {1: (28, 32, 48, 64), 3: (32, 28, 48, 64)}  # by the number of channels, the likeliest first
LESS_USUAL_SIZES = (224, 128, 96, 100, 150, 256, 40, 50, 60, 30, 36, 112, 160, 200, 180, 299, 300, 227, 512)
ALL_SIZES = range(8, 513)
OTHER_ACTIVATIONS = ("leaky ReLU", "ELU", "SiLU", "GELU", "tanh", "sigmoid")
PADDINGS = ("that keeps the size", "none")
NORM_PARTS, NORM_COUNTER = ("weight", "bias", "running_mean", "running_var"), "num_batches_tracked"
MAX_LAYERS = 16
N_OFFERED = 10
MAX_FREE_LAYERS = 6  # up to this depth, every combination of pooling places is tried
NAME = re.compile(r"plain-cnn(?::(?P<padding>same|valid))?(?::pool=(?P<pools>[01]+))?(?:@(?P<size>\d+))?")


class Layer(NamedTuple):
    """One layer's tensors in the file: their keys, the weight's shape, and the batch normalisation that follows it."""

    weight: str
    bias: str | None
    shape: Shape
    norm: str | None = None


@dataclass(frozen=True)
class Reading:
    """One network that has exactly these tensors.

    Attributes:
        same: whether convolutions pad so that the size stays the same; otherwise they do not pad.
        pools: for each convolution, whether 2x2 max pooling follows.
        size: height and width of the input.
    """

    convolutions: tuple[Layer, ...]
    linears: tuple[Layer, ...]
    same: bool
    pools: tuple[bool, ...]
    size: int

    @property
    def name(self) -> str:
        """The name that selects this reading and no other."""
        if not self.convolutions:
            return f"{PREFIX}@{self.size}"
        pools = "".join("01"[pool] for pool in self.pools)
        return f"{PREFIX}:{'same' if self.same else 'valid'}:pool={pools}@{self.size}"

    @property
    def title(self) -> str:
        """The architecture, for people."""
        layers = f"{len(self.convolutions)} convolutions and {len(self.linears)} linear layers"
        return f"Plain network of {layers} ({self.name})"

    @property
    def channels(self) -> int:
        """Input channels."""
        return self.convolutions[0].shape[1] if self.convolutions else self.linears[0].shape[1] // self.size**2

    @property
    def n_outputs(self) -> int:
        """Outputs of the last linear layer."""
        return self.linears[-1].shape[0]

    @property
    def exact(self) -> bool:
        """Whether pooling halves even sides only, so that no pixel is left over."""
        return all(side % 2 == 0 for side, pool in zip(self.sides()[1:], self.pools, strict=True) if pool)

    def sides(self) -> list[int]:
        """Height and width of the input, and after each convolution before pooling; below 1 if a kernel is larger."""
        sides, side = [self.size], self.size
        for layer, pool in zip(self.convolutions, self.pools, strict=True):
            sides.append(side if self.same else side - layer.shape[2] + 1)
            side = sides[-1] // (2 if pool else 1)
        return sides

    def assumptions(self, others: Sequence["Reading"]) -> tuple[Assumption, ...]:
        """What this network assumes, given the other readings of the same tensors."""
        made = [Assumption("activation", "ReLU", OTHER_ACTIVATIONS)]
        if any(layer.norm is not None for layer in (*self.convolutions, *self.linears)):
            made.append(Assumption("batch normalisation", "before the activation", ("after it",)))
        if self.convolutions:
            value, other = PADDINGS if self.same else PADDINGS[::-1]
            made.append(Assumption("padding", value, (other,)))
        if any(self.pools):
            places = ", ".join(str(i + 1) for i, pool in enumerate(self.pools) if pool)
            value = f"2x2 max pooling after convolution {places}"
            made.append(Assumption("pooling", value, ("average pooling", "convolutions with stride 2")))
        if others:
            made.append(Assumption("reading", self.name, tuple(other.name for other in others)))
        return tuple(made)

    def names(self) -> dict[str, str]:
        """From the keys of `PlainNetwork` to the keys in the file."""
        pairs = {}
        for group, layers in (("convolutions", self.convolutions), ("linears", self.linears)):
            for i, layer in enumerate(layers):
                pairs[f"{group}.{i}.weight"] = layer.weight
                if layer.bias is not None:
                    pairs[f"{group}.{i}.bias"] = layer.bias
                if layer.norm is not None:
                    pairs |= {f"{group}_norms.{i}.{part}": f"{layer.norm}{part}" for part in NORM_PARTS}
        return pairs


class PlainNetwork(nn.Module):
    """The network that a reading describes."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.pools = reading.pools
        self.convolutions, self.linears = nn.ModuleList(), nn.ModuleList()
        self.convolutions_norms = nn.ModuleList(_norm(layer, nn.BatchNorm2d) for layer in reading.convolutions)
        self.linears_norms = nn.ModuleList(_norm(layer, nn.BatchNorm1d) for layer in reading.linears)
        for layer in reading.convolutions:
            n_out, n_in, *kernel = layer.shape
            padding = kernel[0] // 2 if reading.same else 0
            self.convolutions.append(nn.Conv2d(n_in, n_out, kernel[0], padding=padding, bias=layer.bias is not None))
        for layer in reading.linears:
            self.linears.append(nn.Linear(layer.shape[1], layer.shape[0], bias=layer.bias is not None))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, size, size) to (N, n_classes)."""
        for convolution, norm, pool in zip(self.convolutions, self.convolutions_norms, self.pools, strict=True):
            x = functional.relu(norm(convolution(x)))
            if pool:
                x = functional.max_pool2d(x, 2)
        x = torch.flatten(x, 1)
        for linear, norm in zip(self.linears[:-1], self.linears_norms[:-1], strict=True):
            x = functional.relu(norm(linear(x)))
        out: Tensor = self.linears_norms[-1](self.linears[-1](x))
        return out


def _norm(layer: Layer, kind: type[nn.Module]) -> nn.Module:
    return nn.Identity() if layer.norm is None else kind(layer.shape[0])


def readings(shapes: Shapes) -> list[Reading]:
    """Every plain network with exactly these tensors (key -> shape, in the file's order), the likeliest first.

    Tensors that serve training only, by their names, may be left over.
    """
    layers = _layers(shapes) or _layers({key: shape for key, shape in shapes.items() if not serves_training(key)})
    if layers is None or not _chained(*layers):
        return []
    convolutions, linears = layers
    order = (*USUAL_SIZES[convolutions[0].shape[1] if convolutions else 3], *LESS_USUAL_SIZES)
    sizes = dict.fromkeys((*order, *ALL_SIZES))
    paddings = (True, False) if convolutions else (True,)
    patterns = _pool_patterns(convolutions)
    every = (
        Reading(convolutions, linears, same, pools, size) for pools in patterns for same in paddings for size in sizes
    )

    def rank(reading: Reading) -> tuple[int, bool]:
        """Usual sizes come first, then those at which pooling leaves no pixel over."""
        return (order.index(reading.size), False) if reading.size in order else (len(order), not reading.exact)

    return sorted(filter(_fits, every), key=rank)


def choose(found: Sequence[Reading], name: str) -> Reading:
    """The likeliest reading that agrees with a name such as "plain-cnn", "plain-cnn:valid" or "plain-cnn@28".

    Raises:
        SuspectError: the name is malformed, or no reading agrees.
    """
    wanted = NAME.fullmatch(name)
    if wanted is None:
        raise SuspectError(
            f"{name!r} is not the name of a plain network; write plain-cnn, optionally followed by :same or :valid, "
            ":pool= with a 0 or 1 for each convolution, and @ with the input size, as in plain-cnn:valid:pool=110@32.",
            key="malformed plain name",
        )
    for reading in found:
        parts = NAME.fullmatch(reading.name)
        if parts and all(wanted[part] in (None, parts[part]) for part in ("padding", "pools", "size")):
            return reading
    likely = ", ".join(reading.name for reading in found[:N_OFFERED])
    offered = f"It could be: {likely}." if found else "No plain network has its tensors."
    raise SuspectError(f"The weights do not fit {name}. {offered}", key="architecture does not fit")


def _layers(shapes: Shapes) -> tuple[tuple[Layer, ...], tuple[Layer, ...]] | None:
    """Split into convolutions and then linear layers; None if there are any other tensors."""
    layers: list[Layer] = []
    norms = _norms(shapes)
    for key, shape in shapes.items():
        if any(key.startswith(norm) and key[len(norm) :] in (*NORM_PARTS, NORM_COUNTER) for norm in norms):
            continue
        if len(shape) in (2, 4):
            layers.append(Layer(key, None, shape))
        elif len(shape) == 1 and layers and layers[-1].bias is None and shape[0] == layers[-1].shape[0]:
            layers[-1] = layers[-1]._replace(bias=key)
        else:
            return None
    ranks = [len(layer.shape) for layer in layers]
    if ranks != sorted(ranks, reverse=True) or 2 not in ranks or len(layers) > MAX_LAYERS:
        return None
    if not _attach(norms, layers):
        return None
    n_convolutions = ranks.count(4)
    return tuple(layers[:n_convolutions]), tuple(layers[n_convolutions:])


def _norms(shapes: Shapes) -> dict[str, int]:
    """The prefixes of batch normalisations, in the file's order, with their channels."""
    ending = "running_mean"
    found = {key.removesuffix(ending): shape for key, shape in shapes.items() if key.endswith(ending)}
    return {
        prefix: shape[0]
        for prefix, shape in found.items()
        if len(shape) == 1 and all(shapes.get(prefix + part) == shape for part in NORM_PARTS)
    }


def _attach(norms: dict[str, int], layers: list[Layer]) -> bool:
    """Give each batch normalisation to the next layer of its size, in order; whether all found one."""
    place = 0
    for prefix, n_channels in norms.items():
        while place < len(layers) and layers[place].shape[0] != n_channels:
            place += 1
        if place == len(layers):
            return False
        layers[place] = layers[place]._replace(norm=prefix)
        place += 1
    return True


def _chained(convolutions: Sequence[Layer], linears: Sequence[Layer]) -> bool:
    """Whether each layer takes what the one before gives, with square kernels and 1 or 3 channels at the input."""
    square = all(layer.shape[2] == layer.shape[3] <= 11 for layer in convolutions)
    chained = all(
        before.shape[0] == after.shape[1] for row in (convolutions, linears) for before, after in pairwise(row)
    )
    return square and chained and (not convolutions or convolutions[0].shape[1] in (1, 3))


def _pool_patterns(convolutions: Sequence[Layer]) -> list[tuple[bool, ...]]:
    """Where pooling may stand, the likeliest first."""
    n = len(convolutions)
    known = _pools_by_index(convolutions)
    usual = [(True,) * n, (True,) * (n - 1) + (False,), (False,) * (n - 1) + (True,)]
    usual.append(tuple(i % 2 == 1 for i in range(n)))
    every = sorted(product((True, False), repeat=n), key=sum, reverse=True) if n <= MAX_FREE_LAYERS else []
    patterns = dict.fromkeys(pattern for pattern in [*usual, *every] if len(pattern) == n)
    return [p for p in patterns if all(k in (None, pool) for k, pool in zip(known, p, strict=True))]


def _pools_by_index(convolutions: Sequence[Layer]) -> list[bool | None]:
    """Infer pooling from the gaps in a Sequential's numbering: conv, ReLU, conv is a gap of 2, with pooling 3 or more.

    Whether the last convolution pools is unknown, because it has no successor.
    """
    positions = [_position(layer.weight) for layer in convolutions]
    known: list[bool | None] = [None] * len(convolutions)
    for i, (here, there) in enumerate(pairwise(positions)):
        if here and there and here[0] == there[0] and there[1] - here[1] >= 2:
            known[i] = there[1] - here[1] >= (3 if convolutions[i].norm is None else 4)
    return known


def _position(key: str) -> tuple[str, int] | None:
    """A Sequential's name and the number of a layer in it: "features.3.weight" is ("features", 3), "c3.weight" none."""
    match = re.fullmatch(r"(?:(.*)\.)?([0-9]{1,6})\.[^.]+", key)
    return (match[1] or "", int(match[2])) if match else None


def _fits(reading: Reading) -> bool:
    """Whether the input size leads to the number of features that the first linear layer takes."""
    if reading.same and any(layer.shape[2] % 2 == 0 for layer in reading.convolutions):
        return False
    side = reading.sides()[-1] // (2 if reading.pools and reading.pools[-1] else 1)
    if side < 1 or reading.channels not in (1, 3):
        return False
    n_channels = reading.convolutions[-1].shape[0] if reading.convolutions else reading.channels
    return bool(side * side * n_channels == reading.linears[0].shape[1])
