"""The outputs of networks that were never trained, for the comparison in `fdcore.verdict.chance`."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from fdcore.progress import Progress, silent
from fdcore.suspect.architectures.registry import build

Outputs = npt.NDArray[np.float32]

SIDE = 32  # pixels; pictures are shown at this size, regardless of the suspect's
N_OUTPUTS = 100
BATCH = 250
ARCHITECTURES = ("resnet20", "plain", "lenet")
INITIALISATIONS = ("torch", "kaiming")
EXPLAINING, ANSWERING = 71, 72  # seeds of the two groups


def untrained_outputs(
    pixels: npt.NDArray[np.uint8], chosen: npt.NDArray[np.intp], *, progress: Progress = silent
) -> tuple[list[Outputs], list[Outputs]]:
    """The outputs (n, `N_OUTPUTS`) of two groups of untrained networks: one explains answers, the other gives them.

    Args:
        pixels: (n_images, H, W, C) uint8, in memory or mapped.
        chosen: (n,) numbers of the pictures to show.
        progress: receives how many networks have answered.
    """
    groups: tuple[list[Outputs], list[Outputs]] = ([], [])
    inputs = _prepared(pixels, chosen)
    n_networks = len(groups) * len(ARCHITECTURES) * len(INITIALISATIONS)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        for group, seed in zip(groups, (EXPLAINING, ANSWERING), strict=True):
            for network in _networks(inputs.shape[1], seed):
                group.append(_outputs(network, inputs))
                progress("Querying untrained networks", sum(map(len, groups)), n_networks)
    return groups


def _prepared(pixels: npt.NDArray[np.uint8], chosen: npt.NDArray[np.intp]) -> Tensor:
    """The chosen pictures as the networks' input (n, C, `SIDE`, `SIDE`), each channel with mean 0 and deviation 1."""
    parts = [
        functional.interpolate(
            torch.from_numpy(pixels[chosen[start : start + BATCH]]).permute(0, 3, 1, 2).float(),
            (SIDE, SIDE), mode="bilinear", antialias=True,
        )
        for start in range(0, len(chosen), BATCH)
    ]  # fmt: skip
    inputs = torch.cat(parts)
    mean, deviation = inputs.mean(dim=(0, 2, 3), keepdim=True), inputs.std(dim=(0, 2, 3), keepdim=True)
    return (inputs - mean) / deviation.clamp(min=1.0)


def _networks(channels: int, seed: int) -> Iterator[nn.Module]:
    """Networks with random weights; normalisation layers use the statistics of the batch (training mode)."""
    for number, (arch, initialisation) in enumerate(
        (arch, initialisation) for arch in ARCHITECTURES for initialisation in INITIALISATIONS
    ):
        torch.manual_seed(1_000 * seed + number)
        network = _plain(channels) if arch == "plain" else build(arch, N_OUTPUTS, channels=channels)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.reset_parameters()
                if initialisation == "kaiming":
                    nn.init.kaiming_normal_(module.weight)
        yield network.train()


def _plain(channels: int) -> nn.Sequential:
    """Three convolutions with pooling and two linear layers."""
    layers: list[nn.Module] = []
    for width in (32, 64, 64):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    n_inputs = channels * (SIDE // 8) ** 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(n_inputs, 128), nn.ReLU(), nn.Linear(128, N_OUTPUTS))


def _outputs(network: nn.Module, inputs: Tensor) -> Outputs:
    """A network's outputs; batches mix leaves, so that normalisation reveals nothing about a leaf."""
    order = np.random.default_rng(0).permutation(len(inputs))
    outputs = np.empty((len(inputs), N_OUTPUTS), np.float32)
    for batch in np.array_split(order, -(-len(order) // BATCH)):
        outputs[batch] = network(inputs[batch]).numpy()
    return outputs
