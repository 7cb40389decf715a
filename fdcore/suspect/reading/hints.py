"""What a checkpoint states about itself: plain data beside the weights, taken only where it is what its name says."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from fdcore.suspect.reading.numpy_stand_ins import MAX_VALUES, NumpyArray

Statistics = tuple[tuple[float, ...], tuple[float, ...]]  # mean and standard deviation

HINTS = {
    "arch": ("arch", "architecture", "model_name", "arch_name", "backbone"),
    "size": ("input_size", "img_size", "image_size", "input_shape", "resolution", "crop_size"),
    "classes": ("classes", "class_names", "labels", "class_to_idx", "idx_to_class", "categories", "id2label"),
}
STATISTICS = (
    ("mean", "std"), ("normalize_mean", "normalize_std"), ("norm_mean", "norm_std"), ("pixel_mean", "pixel_std"),
    ("image_mean", "image_std"),
)  # fmt: skip
SETTINGS = """
    config cfg args hparams hyper hyperparameters params parameters settings options opt meta metadata info normalize
    normalise normalization normalisation norm preprocess preprocessing preprocessor processor transform transforms
    augmentation data dataset datamodule input image images pixel pixels
"""  # words in the names of mappings that may describe pictures
RESULTS = "accuracy acc score scores loss losses metric metrics result results error time f1 auc"
MAX_DEPTH = 3
MAX_MAPPINGS = 10_000
SMALLEST_STD = 0.02  # of the pixels of photographs, where white is 1


def find_hints(content: Any) -> dict[str, Any]:
    """What the checkpoint states about itself: "arch", "size" and "classes" two levels deep, "mean" and "std" three."""
    if not isinstance(content, Mapping):
        return {}
    inner = [value for value in content.values() if isinstance(value, Mapping)][:MAX_MAPPINGS]
    found: dict[str, Any] = {}
    for kind, keys in HINTS.items():
        values = (_hint(kind, group[key]) for key in keys for group in (content, *inner) if key in group)
        if first := next((value for value in values if value), None):
            found[kind] = first
    statistics = (pixel_statistics(mean, std) for mean, std in _statistics(content))
    if first := next((pair for pair in statistics if pair), None):
        found["mean"], found["std"] = first
    return found


def pixel_statistics(mean: Any, std: Any) -> Statistics | None:
    """Mean and standard deviation, if they can be those of pixels: one or three each, within 0..1 or 0..255.

    A standard deviation of 1 leaves the scale as it is, so any network may use it.
    """
    means, stds = numbers(mean), numbers(std)
    if not means or not stds or not {len(means), len(stds)} <= {1, 3}:
        return None
    white = 255.0 if max(*means, *stds) > 2 else 1.0
    plausible = all(0 <= m <= white for m in means) and all(s == 1 or SMALLEST_STD * white <= s <= white for s in stds)
    return (means, stds) if plausible else None


def _statistics(content: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Every mean with the standard deviation beside it, the outermost first, unless it stands below another subject."""
    level, seen = [content], {id(content)}
    for _ in range(MAX_DEPTH):
        for group in level:
            yield from ((group[mean], group[std]) for mean, std in STATISTICS if mean in group and std in group)
        inner = {
            id(value): value
            for group in level
            for key, value in group.items()
            if isinstance(value, Mapping) and id(value) not in seen and _may_describe_pictures(str(key))
        }
        seen |= inner.keys()
        level = list(inner.values())[:MAX_MAPPINGS]


def _may_describe_pictures(key: str) -> bool:
    words = set(re.split(r"[^a-z0-9]+", key.lower()))
    return bool(words & {*SETTINGS.split()}) and not words & {*RESULTS.split()}


def _hint(kind: str, value: Any) -> Any:
    """The value in a fixed form, or None if it is not of the kind that its name implies."""
    if kind == "arch":
        return value if isinstance(value, str) and 0 < len(value) < 100 else None
    if kind == "classes":
        return _class_names(value)
    sides = numbers(value)
    size = sides * 2 if sides and len(sides) == 1 else sides and sides[-2:]
    fits = size and len(size) == 2 and all(side == int(side) and 8 <= side <= 2048 for side in size)
    return tuple(int(side) for side in size) if size and fits else None


def numbers(value: Any) -> tuple[float, ...] | None:
    """The finite numbers in a number, a list, a tensor or an array; None if it holds anything else."""
    if isinstance(value, NumpyArray):
        value = value.values
    if isinstance(value, Tensor):
        plain = value.layout is torch.strided and not value.is_quantized and not value.is_meta
        value = value.flatten().tolist() if plain and value.numel() <= MAX_VALUES else None
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
