"""What lies beside a network's own weights: a second copy of them, and a layer that normalises the pictures.

Training often keeps a running average of the weights (EMA, SWA, a teacher). The average is what its author would use,
so it is preferred.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from fdcore.suspect.architectures.fitting import shapes_of
from fdcore.suspect.architectures.index import Shape
from fdcore.suspect.architectures.namings import inner_names, serves_training
from fdcore.suspect.preprocess import Assumption
from fdcore.suspect.reading.hints import Statistics, pixel_statistics

Tensors = Mapping[str, Tensor]

AVERAGES = {"ema", "teacher", "swa", "avg", "average", "averaged", "shadow"}
NORMALISING = {
    "mean": "std", "mu": "sigma", "means": "stds", "_mean": "_std", "pixel_mean": "pixel_std",
    "image_mean": "image_std", "norm_mean": "norm_std",
}  # fmt: skip


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
