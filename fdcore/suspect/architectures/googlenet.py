"""GoogLeNet for 32x32 pictures (Szegedy et al. 2015, table 1), with batch normalisation, without the strided stem."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fdcore.suspect.architectures.small import initialise

# Channels after: 1x1 | 1x1 then 3x3 | 1x1 then 5x5 (as two 3x3) | pooling then 1x1; the columns of the paper's table 1.
WIDTHS = {
    "a3": (64, 96, 128, 16, 32, 32),
    "b3": (128, 128, 192, 32, 96, 64),
    "a4": (192, 96, 208, 16, 48, 64),
    "b4": (160, 112, 224, 24, 64, 64),
    "c4": (128, 128, 256, 24, 64, 64),
    "d4": (112, 144, 288, 32, 64, 64),
    "e4": (256, 160, 320, 32, 128, 128),
    "a5": (256, 160, 320, 32, 128, 128),
    "b5": (384, 192, 384, 48, 128, 128),
}


class Inception(nn.Module):
    """Four branches side by side (Szegedy et al. 2015, figure 2b)."""

    def __init__(self, n_in: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        n_1x1, n_3x3_reduced, n_3x3, n_5x5_reduced, n_5x5, n_pool = widths
        self.b1 = nn.Sequential(*_layer(n_in, n_1x1, 1))
        self.b2 = nn.Sequential(*_layer(n_in, n_3x3_reduced, 1), *_layer(n_3x3_reduced, n_3x3, 3))
        self.b3 = nn.Sequential(
            *_layer(n_in, n_5x5_reduced, 1), *_layer(n_5x5_reduced, n_5x5, 3), *_layer(n_5x5, n_5x5, 3)
        )
        self.b4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *_layer(n_in, n_pool, 1))
        self.n_out = n_1x1 + n_3x3 + n_5x5 + n_pool

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, n_in, H, W) to (N, n_out, H, W)."""
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], dim=1)


class SmallGoogLeNet(nn.Module):
    """GoogLeNet for 32x32 pictures, with 6 million weights."""

    def __init__(self, n_classes: int, *, channels: int = 3) -> None:
        super().__init__()
        self.pre_layers = nn.Sequential(*_layer(channels, 192, 3))
        n_features = 192
        for name, widths in WIDTHS.items():
            module = Inception(n_features, widths)
            self.add_module(name, module)
            n_features = module.n_out
        self.linear = nn.Linear(n_features, n_classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, n_classes); the picture is halved before a4 and before a5."""
        x = self.pre_layers(x)
        for name in WIDTHS:
            if name in ("a4", "a5"):
                x = functional.max_pool2d(x, 3, stride=2, padding=1)
            x = self.get_submodule(name)(x)
        out: Tensor = self.linear(x.mean(dim=(2, 3)))
        return out


def _layer(n_in: int, n_out: int, kernel: int) -> list[nn.Module]:
    """A convolution, batch normalisation and ReLU; the convolution has a bias, as in published weights."""
    return [nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2), nn.BatchNorm2d(n_out), nn.ReLU()]
