"""A network in training: its rows, its optimiser and one step."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fdcore.cloning.architectures import BAG_OF_WORDS
from fdcore.cloning.checkpoints import Moments, State
from fdcore.cloning.devices import Arithmetic
from fdcore.cloning.jacobian import Round
from fdcore.cloning.networks import CloneNetwork
from fdcore.cloning.settings import TrainingSettings

AUXILIARY_WEIGHT = 0.3  # of each auxiliary head's loss (Szegedy et al. 2015, section 5)
MOMENTUM = 0.9
MOST_ON_GPU = 4 << 30  # bytes of pictures kept in a GPU's memory; larger sets stay in the machine's
LARGEST_SHIFT = 8  # an eighth of the height and of the width


class Rows:
    """Labelled pictures: on the device if they fit, otherwise in memory that a GPU can copy from while it computes."""

    def __init__(self, pictures: Tensor, labels: Tensor, device: torch.device) -> None:
        self.device = device
        on_device = device.type == "cpu" or pictures.nbytes <= MOST_ON_GPU
        self.pictures = pictures.to(device) if on_device else pictures.pin_memory()
        self.labels = labels.to(self.pictures.device)

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures uint8 (n, H, W, C) and labels int64 (n,) of some rows, on the device."""
        rows = rows.to(self.pictures.device)
        pictures, labels = self.pictures[rows], self.labels[rows]
        return pictures.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)

    def enlarged(self, found: Round) -> "Rows":
        """These rows followed by another round's."""
        assert found.labels is not None  # noqa: S101 - only answered rounds come here
        pictures = torch.cat([self.pictures.cpu(), torch.from_numpy(found.pictures)])
        return Rows(pictures, torch.cat([self.labels.cpu(), torch.from_numpy(found.labels).long()]), self.device)


class Learner:
    """A network and its optimiser."""

    def __init__(self, network: CloneNetwork, settings: TrainingSettings, arithmetic: Arithmetic) -> None:
        self.network = network.to(arithmetic.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks this form
        self.arithmetic = arithmetic
        self.augment = settings.augment and settings.arch != BAG_OF_WORDS  # words are not moved
        self.optimiser = make_optimiser(self.network, settings)

    def step(self, pictures: Tensor, labels: Tensor, *, rate: float, generator: torch.Generator) -> Tensor:
        """Take one step; returns the sum of the losses and the number of agreements of these pictures, float64 (2,)."""
        n, height, width, channels = pictures.shape
        if self.augment:
            pictures = move(pictures, draw_moves(n, height, width, mirror=channels == 3, generator=generator))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        with self.arithmetic.autocast():
            outputs = self.network.train().outputs(_in_unit_range(pictures))
        losses = [functional.cross_entropy(out.float(), labels) for out in outputs]
        total = losses[0] + sum(AUXILIARY_WEIGHT * loss for loss in losses[1:])
        torch.autograd.backward(total)
        self.optimiser.step()
        agreed = (outputs[0].argmax(dim=1) == labels).sum()
        return torch.stack([losses[0].detach().double() * n, agreed.double()])


def answers(network: CloneNetwork, pictures: Tensor, arithmetic: Arithmetic) -> Tensor:
    """Labels int64 (n,) of uint8 pictures (n, H, W, C), on the device."""
    with torch.inference_mode(), arithmetic.autocast():
        logits: Tensor = network(_in_unit_range(pictures.to(arithmetic.device)))
    return logits.argmax(dim=1)


def on_cpu(state: State) -> State:
    """A copy that training does not change, in contiguous memory order."""
    return {key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in state.items()}


def make_optimiser(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """An optimiser with weight decay, except for biases and batch normalisation, which only shift and scale."""
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if settings.optimiser == "adam":
        return torch.optim.Adam(groups, lr=settings.peak_rate, fused=True)
    return torch.optim.SGD(groups, lr=settings.peak_rate, momentum=MOMENTUM, nesterov=True, fused=True)


KEPT = {torch.optim.Adam: {"step", "exp_avg", "exp_avg_sq"}, torch.optim.SGD: {"momentum_buffer"}}
"""What each optimiser keeps of a parameter that it has moved."""


def restore_moments(optimiser: torch.optim.Optimizer, moments: Moments) -> None:
    """Give an optimiser what it had kept, in the memory order of its parameters.

    The fused steps rely on shapes and orders without checking them.

    Raises:
        ValueError: it is not what this optimiser keeps of these parameters.
    """
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for number, kept in moments.items():
        if not 0 <= number < len(parameters) or kept.keys() != KEPT[type(optimiser)]:
            raise ValueError(f"parameter {number} has {', '.join(kept)}")
        for name, value in kept.items():
            like = torch.zeros((), device=parameters[number].device) if name == "step" else parameters[number].detach()
            if value.shape != like.shape or not value.is_floating_point():
                raise ValueError(f"{name} of parameter {number} has the shape {tuple(value.shape)}")
            optimiser.state[parameters[number]][name] = torch.empty_like(like).copy_(value)


def _in_unit_range(pictures: Tensor) -> Tensor:
    """Convert uint8 (n, H, W, C) to float32 (n, C, H, W) in 0..1; channels stay last in memory."""
    return pictures.permute(0, 3, 1, 2).to(torch.float32).div_(255)


class Moves(NamedTuple):
    """How each of n pictures is moved."""

    down: Tensor  # int64 (n,), pixels
    right: Tensor  # int64 (n,), pixels
    mirrored: Tensor  # bool (n,), left to right


def draw_moves(n: int, height: int, width: int, *, mirror: bool, generator: torch.Generator) -> Moves:
    """Draw random moves of n pictures, on the CPU so that they are the same on every device."""

    def shifts(side: int) -> Tensor:
        most = side // LARGEST_SHIFT
        return torch.randint(-most, most + 1, (n,), generator=generator)

    mirrored = torch.rand(n, generator=generator) < (0.5 if mirror else 0.0)
    return Moves(shifts(height), shifts(width), mirrored)


def move(pictures: Tensor, moves: Moves) -> Tensor:
    """Move each of n pictures (n, H, W, C) of any type by its own move; shape and type stay the same."""
    n, height, width, _ = pictures.shape
    device = pictures.device
    rows = _sources(height, moves.down)
    columns = _sources(width, moves.right)
    columns = torch.where(moves.mirrored[:, None], columns.flip(1), columns)
    each = torch.arange(n, device=device)[:, None, None]
    return pictures[each, rows.to(device)[:, :, None], columns.to(device)[:, None, :]]


def _sources(side: int, shifts: Tensor) -> Tensor:
    """The pixel of a line that each pixel comes from, (n, side), reflected at the ends."""
    wanted = torch.arange(side)[None, :] - shifts[:, None]
    last = side - 1
    return last - (last - wanted.abs()).abs()
