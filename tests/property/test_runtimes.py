"""Runtimes of one network agree, whatever the network, its input and the number of pictures."""

from importlib.util import find_spec

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.reading.torch_runtimes import Runtimes

RUNTIMES = ("channels-last", "folded", "onnxruntime", *(["openvino"] if find_spec("openvino") else []))


class Residual(nn.Module):
    """A block that adds its input, halved in size beside a strided path."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(n, n, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(n), nn.ReLU(inplace=True),
            nn.Conv2d(n, n, 3, padding=1, bias=False), nn.BatchNorm2d(n),
        )  # fmt: skip
        self.beside = nn.Sequential(nn.Conv2d(n, n, 1, stride=2, bias=False), nn.BatchNorm2d(n))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.path(x) + self.beside(x))


def depthwise(n: int) -> nn.Module:
    """A depthwise and a pointwise convolution, as of MobileNets."""
    return nn.Sequential(
        nn.Conv2d(n, n, 3, padding=1, groups=n, bias=False), nn.BatchNorm2d(n), nn.Hardswish(inplace=True),
        nn.Conv2d(n, n + 3, 1), nn.BatchNorm2d(n + 3), nn.ReLU6(),
    )  # fmt: skip


BLOCKS = {
    "plain": (lambda n: nn.Sequential(nn.Conv2d(n, n, 3), nn.BatchNorm2d(n), nn.ReLU()), 0),
    "residual": (Residual, 0),
    "depthwise": (depthwise, 3),
}


def network(kind: str, channels: int, width: int, n_outputs: int, seed: int) -> nn.Module:
    """A classifier with one such block; its batch norms have seen other statistics than zero and one."""
    torch.manual_seed(seed)
    block, more = BLOCKS[kind]
    built = nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), block(width),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width + more, n_outputs),
    )  # fmt: skip
    for part in built.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 2)
    return built.eval()


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(sorted(BLOCKS)), height=st.integers(5, 33), side=st.integers(5, 33),
    channels=st.sampled_from([1, 3]), width=st.integers(3, 17), n_outputs=st.sampled_from([1, 2, 10]),
    order=st.sampled_from(["RGB", "BGR"]), n=st.integers(1, 9), seed=st.integers(0, 99),
)  # fmt: skip
def test_every_runtime_gives_the_same_scores(kind, height, side, channels, width, n_outputs, order, n, seed):
    """Plain, residual and depthwise networks of odd sizes get the same scores within rounding, and the same labels
    where rounding cannot decide; any number of pictures is taken.
    """
    spec = PreprocessSpec(
        height, side, channels, mean=(0.4,) * channels, std=(0.3, 0.2, 0.25)[:channels],
        order=order if channels == 3 else "RGB",
    )  # fmt: skip
    built = network(kind, channels, width, n_outputs, seed)
    runtimes = Runtimes(built, spec, batch_size=4, device=torch.device("cpu"))
    pictures = np.random.default_rng(seed).integers(0, 256, (n, height, side, channels), dtype=np.uint8)
    eager = runtimes.build("eager")(pictures)
    x = torch.from_numpy(pictures[..., ::-1].copy() if spec.order == "BGR" else pictures).permute(0, 3, 1, 2).float()
    scale, shift = (torch.from_numpy(one)[:, None, None] for one in spec.affine())
    with torch.inference_mode():
        assert np.allclose(eager, built(x * scale + shift).numpy(), rtol=1e-4, atol=1e-4)
    top = np.sort(eager, axis=1)
    sure = (top[:, -1] - top[:, -2] > 1e-3) if n_outputs > 1 else np.abs(eager[:, 0]) > 1e-3
    for name in RUNTIMES:
        scores = runtimes.build(name)(pictures)
        assert scores.dtype == np.float32
        assert np.allclose(scores, eager, rtol=1e-4, atol=1e-4), name
        found, wanted = (one.argmax(axis=1) if n_outputs > 1 else one[:, 0] > 0 for one in (scores, eager))
        assert (found == wanted)[sure].all(), name
