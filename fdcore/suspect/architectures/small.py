"""Small networks for 32x32 pictures: residual networks with 6 n + 2 layers, and LeNet.

The attributes have the names under which such networks are commonly published, so that their state dicts load
unchanged.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016, section 4.2).

    Where the shapes differ, option A takes every second pixel and pads the missing channels with zeros, half before
    and half behind; option B projects with a 1x1 convolution.
    """

    def __init__(self, n_in: int, n_out: int, *, stride: int, project: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        changes = stride != 1 or n_in != n_out
        self.shortcut: nn.Module = nn.Identity()
        if changes and project:
            self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False), nn.BatchNorm2d(n_out))
        elif changes:
            self.shortcut = PaddedShortcut(n_out - n_in, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, n_in, H, W) to (N, n_out, H / stride, W / stride)."""
        inner = functional.relu(self.bn1(self.conv1(x)))
        out: Tensor = self.bn2(self.conv2(inner)) + self.shortcut(x)
        return functional.relu(out)


class PaddedShortcut(nn.Module):
    """Option A: every `stride`-th pixel, and zeros in the new channels. It has no weights."""

    def __init__(self, n_new: int, *, stride: int) -> None:
        super().__init__()
        self.before, self.behind, self.stride = n_new // 2, n_new - n_new // 2, stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C + n_new, H / stride, W / stride)."""
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.behind))


class SmallResNet(nn.Module):
    """A residual network of depth 6 n + 2 for 32x32 pictures (He et al. 2016, section 4.2).

    Args:
        depth: 20, 32, 44, 56, 110, or any other 6 n + 2.
        project: option B shortcuts in place of option A.
    """

    def __init__(self, depth: int, n_classes: int, *, channels: int = 3, project: bool = False) -> None:
        super().__init__()
        n_blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(channels, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.layer1 = _stage(WIDTHS[0], WIDTHS[0], n_blocks, stride=1, project=project)
        self.layer2 = _stage(WIDTHS[0], WIDTHS[1], n_blocks, stride=2, project=project)
        self.layer3 = _stage(WIDTHS[1], WIDTHS[2], n_blocks, stride=2, project=project)
        self.linear = nn.Linear(WIDTHS[2], n_classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, n_classes)."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        out: Tensor = self.linear(x.mean(dim=(2, 3)))
        return out


def _stage(n_in: int, n_out: int, n_blocks: int, *, stride: int, project: bool) -> nn.Sequential:
    first = ResidualBlock(n_in, n_out, stride=stride, project=project)
    rest = [ResidualBlock(n_out, n_out, stride=1, project=project) for _ in range(n_blocks - 1)]
    return nn.Sequential(first, *rest)


class LeNet(nn.Module):
    """Two 5x5 convolutions with pooling and three linear layers (LeCun et al. 1998), with ReLU and max pooling.

    Args:
        size: height and width of the input; if `padded`, the first convolution pads 28 to 32.
    """

    def __init__(self, n_classes: int, *, channels: int = 3, size: int = 32, padded: bool = False) -> None:
        super().__init__()
        side = ((size + 4 * padded - 4) // 2 - 4) // 2
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2 * padded)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * side * side, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, size, size) to (N, n_classes)."""
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(torch.flatten(x, 1)))
        x = functional.relu(self.fc2(x))
        out: Tensor = self.fc3(x)
        return out


def initialise(network: nn.Module) -> None:
    """Draw the weights of convolutions and linear layers as in He et al. 2015, so that training from scratch works."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
