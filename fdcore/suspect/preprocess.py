"""What a suspect expects at its input."""

from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError
from fdcore.texts import WIDTH, Kind, holds_text

Layout = Literal["NCHW", "NHWC"]
ChannelOrder = Literal["RGB", "BGR"]
Origin = Literal["file", "options", "bench", "guess"]
NORMALISATION = ("value_range", "mean", "std")
READING = "reading"  # the assumption that names other networks
SIDES = (28, 32, 48, 64, 96, 128, 160, 224, 256, 299, 384)  # pixels; usual sizes of an input
LARGEST_STEP = 2  # from a size to others; a picture of 224 pixels takes 49 times as long as one of 32


@dataclass(frozen=True)
class PreprocessSpec:
    """How a uint8 picture becomes the suspect's input; a text (`fdcore.texts`) is decoded, and the rest is not used.

    A pixel p in 0..255 becomes `((low + p / 255 * (high - low)) - mean) / std`, per channel, with
    `value_range = (low, high)`.

    Attributes:
        height, width: input size in pixels.
        channels: 3 for colour, 1 for grey.
        layout: the order of the axes.
        value_range: the values of black and white before mean and std are applied.
        mean, std: one number per channel, in units of `value_range`.
        order: the order of the colour channels.
    """

    height: int = 32
    width: int = 32
    channels: int = 3
    layout: Layout = "NCHW"
    value_range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    order: ChannelOrder = "RGB"

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise SettingsError(f"A suspect takes 1 or 3 channels, not {self.channels}.", key="wrong channels")
        if self.layout not in get_args(Layout):
            raise SettingsError(
                f"The layout is {' or '.join(get_args(Layout))}, not {self.layout!r}.", key="unknown layout"
            )
        if not (1 <= self.height <= 4096 and 1 <= self.width <= 4096):
            raise SettingsError(f"An input of {self.height} x {self.width} pixels is out of range (1 to 4096).")
        low, high = self.value_range if len(self.value_range) == 2 else (0.0, 0.0)
        if not (np.isfinite(low) and np.isfinite(high) and low != high):
            raise SettingsError(f"value_range needs two different finite numbers, not {self.value_range}.")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.channels or not np.isfinite(values).all():
                raise SettingsError(f"{name} needs {self.channels} finite numbers, one per channel, not {values}.")
        if min(self.std) <= 0:
            raise SettingsError(f"std must be above 0 in every channel, not {self.std}.", key="std not positive")

    @property
    def kind(self) -> Kind:
        """What samples of this size are."""
        return "text" if holds_text(self.height, self.channels) else "picture"

    def affine(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Scale and shift per channel, each (channels,), so that input = pixel * scale + shift."""
        low, high = self.value_range
        mean, std = np.asarray(self.mean), np.asarray(self.std)
        return ((high - low) / 255.0 / std).astype(np.float32), ((low - mean) / std).astype(np.float32)


def text_spec(width: int = WIDTH) -> PreprocessSpec:
    """The input of a suspect that takes texts of at most `width` bytes."""
    return PreprocessSpec(1, width, 1, value_range=(0.0, 255.0), mean=(0.0,), std=(1.0,))


@dataclass(frozen=True)
class Origins:
    """How the architecture, the number of classes, each part of the input and the choice among outputs are known.

    "file": the file specifies it, or runs with no other usual value; "options": the analyst set it; "bench": readings
    were compared and this one was clearly ahead; "guess": none of these, so the usual value was assumed.
    """

    architecture: Origin = "guess"
    n_classes: Origin = "guess"
    height: Origin = "guess"
    width: Origin = "guess"
    channels: Origin = "guess"
    layout: Origin = "guess"
    value_range: Origin = "guess"
    mean: Origin = "guess"
    std: Origin = "guess"
    order: Origin = "guess"
    output: Origin = "file"

    def known(self, origin: Origin, *names: str) -> "Origins":
        """A copy in which the named parts are known from `origin`."""
        return replace(self, **dict.fromkeys(names, origin))

    @property
    def guessed(self) -> tuple[str, ...]:
        """The parts that were guessed, in the order above."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) == "guess")

    @property
    def guess_decides(self) -> bool:
        """Whether the architecture, the normalisation, the order of the values or the output was guessed."""
        return bool({"architecture", *NORMALISATION, "layout", "output"} & {*self.guessed})


@dataclass(frozen=True)
class Assumption:
    """Something that can change answers and that neither the file nor the options say.

    Attributes:
        what: such as "activation".
        value: what was assumed.
        others: what it might be instead, the likeliest first; not necessarily all.
    """

    what: str
    value: str
    others: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """The assumption, for people."""
        return f"{self.what} {self.value} (assumed{'; others: ' if self.others else ''}{', '.join(self.others)})"


@dataclass(frozen=True)
class Normalisation:
    """A named pair of value range and per-channel mean and std (three channels)."""

    value_range: tuple[float, float]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


PRESETS: dict[str, Normalisation] = {
    "unit": Normalisation((0.0, 1.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "signed": Normalisation((0.0, 1.0), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "bytes": Normalisation((0.0, 255.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "imagenet": Normalisation((0.0, 1.0), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": Normalisation((0.0, 1.0), (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": Normalisation((0.0, 1.0), (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "mnist": Normalisation((0.0, 1.0), (0.1307, 0.1307, 0.1307), (0.3081, 0.3081, 0.3081)),
}


PREPARED = {
    "unit": "scaled to 0 to 1",
    "signed": "scaled to -1 to 1",
    "bytes": "left at 0 to 255",
    "imagenet": "prepared with ImageNet's mean and standard deviation",
    "cifar10": "prepared with CIFAR-10's mean and standard deviation",
    "cifar100": "prepared with CIFAR-100's mean and standard deviation",
    "mnist": "prepared with MNIST's mean and standard deviation",
}
"""The presets as what was done to pictures."""


def sides_near(side: int) -> tuple[int, ...]:
    """The usual sizes of an input from half of a size to twice of it, in pixels."""
    return tuple(one for one in SIDES if side <= LARGEST_STEP * one <= LARGEST_STEP**2 * side)


def with_preset(spec: PreprocessSpec, name: str) -> PreprocessSpec:
    """The same input with a named normalisation; a grey input uses the mean over the channels.

    Raises:
        SettingsError: the name is not a preset.
    """
    if name not in PRESETS:
        raise SettingsError(
            f"No preset is called {name!r}. The presets are {', '.join(PRESETS)}.", key="unknown preset"
        )
    preset = PRESETS[name]
    mean, std = preset.mean, preset.std
    if spec.channels == 1:
        return replace(spec, value_range=preset.value_range, mean=(float(np.mean(mean)),), std=(float(np.mean(std)),))
    return replace(spec, value_range=preset.value_range, mean=mean, std=std)
