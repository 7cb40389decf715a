"""Deep layer aggregation for 32x32 pictures, in its simplified form (Yu et al. 2018, section 3).

A tree of residual blocks: each inner node joins the features of its two halves by a 1x1 convolution. The simplified
form joins exactly two children at every node, without the skip from a stage's input to its root.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fdcore.suspect.architectures.small import ResidualBlock, initialise


class Join(nn.Module):
    """The root of a tree: the children's features side by side, through a 1x1 convolution."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 1, bias=False)
        self.bn = nn.BatchNorm2d(n_out)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Map two (N, n_in / 2, H, W) to (N, n_out, H, W)."""
        return functional.relu(self.bn(self.conv(torch.cat([left, right], dim=1))))


class Tree(nn.Module):
    """A binary tree of `2 ** level` residual blocks."""

    def __init__(self, n_in: int, n_out: int, *, level: int, stride: int) -> None:
        super().__init__()
        self.root = Join(2 * n_out, n_out)
        if level == 1:
            self.left_tree: nn.Module = ResidualBlock(n_in, n_out, stride=stride, project=True)
            self.right_tree: nn.Module = ResidualBlock(n_out, n_out, stride=1, project=True)
        else:
            self.left_tree = Tree(n_in, n_out, level=level - 1, stride=stride)
            self.right_tree = Tree(n_out, n_out, level=level - 1, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, n_in, H, W) to (N, n_out, H / stride, W / stride)."""
        left = self.left_tree(x)
        joined: Tensor = self.root(left, self.right_tree(left))
        return joined


class SimpleDLA(nn.Module):
    """Simplified deep layer aggregation for 32x32 pictures; 15 million weights at the usual width of 64 channels."""

    def __init__(self, n_classes: int, *, channels: int = 3, width: int = 64) -> None:
        super().__init__()
        self.base = _convolution(channels, 16)
        self.layer1 = _convolution(16, 16)
        self.layer2 = _convolution(16, 32)
        self.layer3 = Tree(32, width, level=1, stride=1)
        self.layer4 = Tree(width, 2 * width, level=2, stride=2)
        self.layer5 = Tree(2 * width, 4 * width, level=2, stride=2)
        self.layer6 = Tree(4 * width, 8 * width, level=1, stride=2)
        self.linear = nn.Linear(8 * width, n_classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, n_classes)."""
        x = self.layer2(self.layer1(self.base(x)))
        x = self.layer6(self.layer5(self.layer4(self.layer3(x))))
        out: Tensor = self.linear(x.mean(dim=(2, 3)))
        return out


def _convolution(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU())
