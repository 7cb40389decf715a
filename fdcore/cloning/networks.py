"""Clone networks: a registered architecture with its normalisation built in, for pictures in 0..1."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from fdcore.cloning.architectures import BAG_OF_WORDS
from fdcore.cloning.bag_of_words import BagOfWords
from fdcore.cloning.devices import seeded
from fdcore.errors import CaseError, SettingsError
from fdcore.suspect.architectures.registry import build, title
from fdcore.suspect.preprocess import PreprocessSpec

PRESET = "signed"  # the body's input; a name of `fdcore.suspect.preprocess.PRESETS`
AUXILIARY = ("aux1", "aux2")  # GoogLeNet's intermediate heads, used in training only (Szegedy et al. 2015)


class CloneNetwork(nn.Module):
    """A classifier of pictures (N, C, H, W) float in 0..1; its body always receives values in -1..1."""

    def __init__(self, body: nn.Module, arch: str, n_classes: int) -> None:
        super().__init__()
        self.body, self.arch, self.n_classes = body, arch, n_classes

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) in 0..1 to logits (N, n_classes)."""
        return self.outputs(x)[0]

    def outputs(self, x: Tensor) -> tuple[Tensor, ...]:
        """The logits, followed in training by those of the auxiliary heads."""
        out = self.body(x * 2 - 1)
        return (out,) if isinstance(out, Tensor) else tuple(out)

    def weights(self) -> dict[str, Tensor]:
        """The body's state dict without auxiliary heads, on the CPU, in contiguous memory order."""
        state = self.body.state_dict()
        return {
            key: value.detach().cpu().contiguous()
            for key, value in state.items()
            if key.partition(".")[0] not in AUXILIARY
        }


def build_clone(arch: str, n_classes: int, spec: PreprocessSpec, seed: int) -> CloneNetwork:
    """A network for the suspect's input with random weights, a pure function of the arguments.

    Raises:
        SuspectError: no architecture has that name.
        SettingsError: it does not take pictures of that size, or `n_classes` is less than 2.
    """
    if (arch == BAG_OF_WORDS) != (spec.kind == "text"):
        raise SettingsError(
            f"A clone has the architecture {BAG_OF_WORDS} where the suspect takes texts, and only there. Leave out "
            f"{arch!r}.",
            key="wrong kind of clone",
        )
    if arch == BAG_OF_WORDS:
        return CloneNetwork(BagOfWords(n_classes), arch, n_classes)
    with seeded(torch.device("cpu"), seed):
        body = build(arch, n_classes, channels=spec.channels)
        if arch == "torchvision/googlenet":
            _add_auxiliary_heads(body, n_classes)
    network = CloneNetwork(body, arch, n_classes)
    _try_out(network, spec)
    return network


def restored(arch: str, n_classes: int, spec: PreprocessSpec, state: Mapping[str, Tensor]) -> CloneNetwork:
    """A network with the weights of a training's checkpoint, auxiliary heads included.

    Raises:
        CaseError: the weights are damaged or belong to another network; a case may come from anywhere.
        SuspectError, SettingsError: as in `build_clone`.
    """
    network = build_clone(arch, n_classes, spec, seed=0)
    try:
        network.load_state_dict(state)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise CaseError(
            f"The weights of this training are damaged or do not belong to {title(arch)} with {n_classes:,} classes. "
            "Remove the clone and train it again.",
            key="weights unusable",
        ) from error
    return network


def without_auxiliary_heads(network: CloneNetwork) -> CloneNetwork:
    """Remove the auxiliary heads in place; the state dict is then that of `CloneNetwork.weights`."""
    for name in AUXILIARY:
        if hasattr(network.body, name):
            setattr(network.body, name, None)
            network.body.aux_logits = cast(Tensor, False)  # typed as if every attribute of a module were a tensor
    return network


def _add_auxiliary_heads(body: nn.Module, n_classes: int) -> None:
    from torchvision.models.googlenet import InceptionAux  # here, because it takes seconds to import

    for name, n_features in zip(AUXILIARY, (512, 528), strict=True):
        setattr(body, name, InceptionAux(n_features, n_classes))
    body.aux_logits = cast(Tensor, True)  # as above


def _try_out(network: CloneNetwork, spec: PreprocessSpec) -> None:
    """Run the network once, so that an unsuitable input size is detected before anything is trained."""
    wanted = (2, network.n_classes)
    pictures = torch.zeros(2, spec.channels, spec.height, spec.width)
    try:
        with torch.inference_mode():
            given = tuple(network.eval()(pictures).shape)
    except (RuntimeError, AssertionError, ValueError) as error:
        detail = str(error).partition("\n")[0][:200]
        raise SettingsError(
            f"{title(network.arch)} does not take pictures of {spec.height} x {spec.width} ({detail}). For up to 64 x "
            "64 choose resnet20 or googlenet-32; for larger pictures torchvision/resnet18.",
            key="wrong picture size",
        ) from error
    if given != wanted:
        raise SettingsError(
            f"{title(network.arch)} returns the shape {given} for two pictures instead of {wanted}: it is not a "
            "classifier.",
            key="not a classifier",
        )
    network.train()
