"""Architectures by name: the small ones implemented here, torchvision's and timm's. Nothing is ever downloaded."""

import difflib
import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from fdcore.errors import SettingsError, SuspectError
from fdcore.suspect.architectures.dla import SimpleDLA
from fdcore.suspect.architectures.googlenet import SmallGoogLeNet
from fdcore.suspect.architectures.index import Entry, Shape, entries, weight_shapes
from fdcore.suspect.architectures.plain import PREFIX
from fdcore.suspect.architectures.small import LeNet, SmallResNet

Builder = Callable[[int, int], nn.Module]

DEPTHS = (20, 32, 44, 56, 110)
TORCHVISION, TIMM = "torchvision/", "timm/"


@cache
def _small() -> dict[str, Builder]:
    """Builders (n_classes, channels) of the networks implemented here."""

    def residual(depth: int, project: bool) -> Builder:
        return lambda n_classes, channels: SmallResNet(depth, n_classes, channels=channels, project=project)

    builders: dict[str, Builder] = {f"resnet{depth}": residual(depth, False) for depth in DEPTHS}
    builders |= {f"resnet{depth}-b": residual(depth, True) for depth in DEPTHS}
    builders["dla-simple"] = lambda n_classes, channels: SimpleDLA(n_classes, channels=channels)
    builders["googlenet-32"] = lambda n_classes, channels: SmallGoogLeNet(n_classes, channels=channels)
    builders["lenet"] = lambda n_classes, channels: LeNet(n_classes, channels=channels)
    builders["lenet-28"] = lambda n_classes, channels: LeNet(n_classes, channels=channels, size=28)
    builders["lenet-28-padded"] = lambda n_classes, channels: LeNet(n_classes, channels=channels, size=28, padded=True)
    return builders


def small_names() -> list[str]:
    """The names of the networks implemented here."""
    return list(_small())


def names() -> list[str]:
    """Every registered name: the small ones, then torchvision/..., then timm/...

    Plain networks ("plain-cnn") are not registered: they are read from a state dict, not built from a name.
    """
    return list(entries())


def title(name: str) -> str:
    """A registered name, for people."""
    if residual := re.fullmatch(r"resnet(\d+)(-b)?", name):
        return f"ResNet-{residual[1]} (option {'B' if residual[2] else 'A'})"
    named = {
        "bag-of-words": "Bag of words, logistic regression",
        "dla-simple": "Simplified DLA",
        "googlenet-32": "GoogLeNet for 32x32",
    }
    return named.get(name, name.replace("lenet", "LeNet") if name.startswith("lenet") else name)


def find(name: str) -> Entry:
    """The table's entry for a registered architecture.

    Raises:
        SuspectError: the name is not registered; the message offers similar ones.
    """
    known = entries()
    if name in known:
        return known[name]
    same_ending = [other for other in known if other.rpartition("/")[2] == name.lower()]
    similar = same_ending or difflib.get_close_matches(name, known, n=5, cutoff=0.6)
    offered = f"Similar names: {', '.join(similar)}." if similar else f"Small ones are {', '.join(small_names())}."
    raise SuspectError(
        f"No architecture is called {name!r}. {offered} Others are torchvision/NAME, timm/NAME and {PREFIX}.",
        key="unknown architecture",
    )


def build(name: str, n_classes: int, *, channels: int = 3) -> nn.Module:
    """A network with random weights for at least 2 classes and 1 or 3 input channels.

    Raises:
        SuspectError: the name is not registered, or its library cannot build it with these numbers.
        SettingsError: fewer than two classes.
    """
    if n_classes < 2:
        raise SettingsError(f"A classifier has at least 2 classes, not {n_classes}.", key="too few classes")
    return build_with_outputs(name, n_classes, channels=channels)


def build_with_outputs(name: str, n_outputs: int, *, channels: int = 3) -> nn.Module:
    """As `build`, for any number of outputs; a single one distinguishes two classes by its sign."""
    if name in _small():
        return _small()[name](n_outputs, channels)
    find(name)
    if name.startswith(TORCHVISION):
        return _build_torchvision(name.removeprefix(TORCHVISION), n_outputs, channels)
    return _build_timm(name.removeprefix(TIMM), n_outputs, channels)


def skeleton_shapes(name: str, n_outputs: int, *, channels: int = 3) -> dict[str, Shape]:
    """Key -> shape of all tensors of a network except counters, without allocating its weights."""
    everywhere = torch.device("meta") if name.startswith(TIMM) else nullcontext()
    with everywhere, _WithoutWeights():
        network = build_with_outputs(name, n_outputs, channels=channels)
    return weight_shapes({key: tuple(value.shape) for key, value in network.state_dict().items()})


class _WithoutWeights(TorchFunctionMode):
    """Allocate uninitialised tensors, which are layers' weights, without storage, and skip filling them.

    `torch.device("meta")` does so for every tensor, which suits timm, but torchvision's RegNets compute their widths
    with tensors. Filling is skipped because drawing random numbers without storage imports PyTorch's compiler, which
    takes seconds.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        fills = getattr(func, "__name__", "").endswith("_") and not func.__name__.endswith("__")
        if fills and args and isinstance(args[0], torch.Tensor) and args[0].is_meta:
            return args[0]
        return func(*args, **kwargs)


def _build_torchvision(name: str, n_classes: int, channels: int) -> nn.Module:
    from torchvision import models  # here, because importing it takes seconds

    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):  # whose auxiliary heads serve training only
        options = {"aux_logits": False, "init_weights": True}
    if name == "inception_v3":
        options["transform_input"] = False
    network: nn.Module = models.get_model(name, weights=None, num_classes=n_classes, **options)
    if channels != 3:
        _replace_stem(network, channels)
    return network


def _replace_stem(network: nn.Module, channels: int) -> None:
    """Give the first convolution another number of channels, as is usual for grey pictures."""
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            parent, _, last = path.rpartition(".")
            options = {name: getattr(module, name) for name in ("out_channels", "kernel_size", "stride", "padding")}
            stem = nn.Conv2d(channels, bias=module.bias is not None, **options)
            setattr(network.get_submodule(parent), last, stem)
            return


def _build_timm(name: str, n_classes: int, channels: int) -> nn.Module:
    import timm  # here, because importing it takes seconds

    try:
        network: nn.Module = timm.create_model(name, pretrained=False, num_classes=n_classes, in_chans=channels)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise SuspectError(
            f"timm cannot build {name} with {n_classes} classes and {channels} channels: {error}."
        ) from error
    return network
