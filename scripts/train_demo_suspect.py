"""Train the suspect of the demo case and write its weights, without any class names.

    python scripts/train_demo_suspect.py [--out fdcore/demo/suspect.pt]

A ResNet-20 with option-A shortcuts learns the sticker drawings of fdcore.demo.stickers; it never sees a picture of the
demo corpus. Input: 32x32 RGB, value range 0..1, normalised with the preset named in
NORMALISATION. The file is a typical checkpoint: a dictionary with "epoch" and a half-precision "state_dict", its keys
prefixed "module.". Training takes about eight minutes on two cores.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from fdcore.demo.stickers import CLASSES, sticker
from fdcore.suspect.architectures.small import SmallResNet
from fdcore.suspect.preprocess import PRESETS

REPOSITORY = Path(__file__).resolve().parents[1]
NORMALISATION = "imagenet"
MAX_BYTES = 1_000_000


def draw_training_set(*, per_class: int, seed: int) -> tuple[Tensor, Tensor]:
    """Stickers (N, 3, 32, 32) in 0..1 and their classes (N,)."""
    pictures, labels = [], []
    for label, target in enumerate(tqdm(CLASSES, desc="drawing", disable=None)):
        for number in range(per_class):
            rng = np.random.Generator(np.random.PCG64([seed, label, number]))
            pictures.append(sticker(target, rng))
            labels.append(label)
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous().float() / 255
    return images, torch.tensor(labels)


def augment(images: Tensor, draw: torch.Generator) -> Tensor:
    """The batch (N, 3, H, W) in 0..1 with other poses, colours, light, softness, noise and gaps."""
    images = _moved(images, draw)
    images = _recoloured(images, draw)
    images = _lit(images, draw)
    n = len(images)
    soft = functional.avg_pool2d(functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    share = torch.rand(n, 1, 1, 1, generator=draw) * 0.7
    images = images * (1 - share) + soft * share
    grain = torch.rand(n, 1, 1, 1, generator=draw) * 0.06
    images = images + grain * torch.randn(images.shape, generator=draw)
    return _erased(images, draw).clamp(0, 1)


def _uniform(draw: torch.Generator, n: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=draw)


def _moved(images: Tensor, draw: torch.Generator) -> Tensor:
    """Rotate by up to 14 degrees, scale, shear and shift a little."""
    n = len(images)
    angle, scale = _uniform(draw, n, -0.25, 0.25), _uniform(draw, n, 0.88, 1.15)
    shear = _uniform(draw, n, -0.12, 0.12)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cos, -sin + shear
    theta[:, 1, 0], theta[:, 1, 1] = sin, cos
    theta[:, :, 2] = torch.stack([_uniform(draw, n, -0.14, 0.14), _uniform(draw, n, -0.14, 0.14)], dim=1)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _recoloured(images: Tensor, draw: torch.Generator) -> Tensor:
    """Mix the channels a little, change saturation, contrast and brightness."""
    n = len(images)
    mix = torch.eye(3) + 0.15 * torch.randn(n, 3, 3, generator=draw)
    images = torch.einsum("nij,njhw->nihw", mix / mix.sum(dim=2, keepdim=True).clamp(min=0.5), images)
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * _uniform(draw, n, 0.3, 1.3)[:, None, None, None]
    centre = images.mean(dim=(1, 2, 3), keepdim=True)
    images = centre + (images - centre) * _uniform(draw, n, 0.5, 1.25)[:, None, None, None]
    return images + _uniform(draw, n, -0.15, 0.15)[:, None, None, None]


def _lit(images: Tensor, draw: torch.Generator) -> Tensor:
    """Multiply by a smooth random light, both coarse and fine."""
    n, _, height, width = images.shape
    for cells, strength in ((3, 0.5), (9, 0.3)):
        field = torch.rand(n, 1, cells, cells, generator=draw) - 0.5
        light = functional.interpolate(field, (height, width), mode="bicubic", align_corners=False)
        images = images * (1 + strength * light)
    return images


def _erased(images: Tensor, draw: torch.Generator) -> Tensor:
    """Fill a rectangle with the mean grey in half of the pictures."""
    n, _, height, width = images.shape
    rows, columns = torch.arange(height)[None, :, None], torch.arange(width)[None, None, :]
    top, left = (torch.randint(0, size, (n, 1, 1), generator=draw) for size in (height, width))
    high, wide = (torch.randint(3, 11, (n, 1, 1), generator=draw) for _ in range(2))
    gap = (rows >= top) & (rows < top + high) & (columns >= left) & (columns < left + wide)
    gap &= torch.rand(n, 1, 1, generator=draw) < 0.5
    return torch.where(gap[:, None], images.mean(dim=(2, 3), keepdim=True), images)


def train(images: Tensor, labels: Tensor, *, epochs: int, seed: int) -> nn.Module:
    """A network trained on the pictures with one cycle of the learning rate."""
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    network = SmallResNet(20, len(CLASSES)).to(memory_format=torch.channels_last)
    batch, peak = 128, 0.2
    steps = epochs * (len(images) // batch)
    optimiser = torch.optim.SGD(network.parameters(), lr=peak, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=steps, pct_start=0.25)
    preset = PRESETS[NORMALISATION]
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preset.mean, preset.std))
    for _ in (bar := tqdm(range(epochs), desc="training", unit="epoch", disable=None)):
        order = torch.randperm(len(images), generator=draw)
        right = 0
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            inputs = ((augment(images[chosen], draw) - mean) / std).to(memory_format=torch.channels_last)
            scores = network(inputs)
            loss = functional.cross_entropy(scores, labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimiser.step()
            schedule.step()
            right += int((scores.argmax(dim=1) == labels[chosen]).sum())
        bar.set_postfix(accuracy=f"{right / len(order):.3f}")
    return network.eval()


def checkpoint(network: nn.Module, *, epochs: int) -> dict[str, Any]:
    """The file's content: the epoch and the half-precision weights under prefixed keys."""
    weights = {
        f"module.{key}": value.half() if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    return {"epoch": epochs, "state_dict": {key: value.contiguous() for key, value in weights.items()}}


def main() -> None:
    """Draw, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "fdcore" / "demo" / "suspect.pt")
    parser.add_argument("--per-class", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(2)
    images, labels = draw_training_set(per_class=options.per_class, seed=options.seed)
    network = train(images, labels, epochs=options.epochs, seed=options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint(network, epochs=options.epochs), options.out)
    size = options.out.stat().st_size
    if size > MAX_BYTES:
        sys.exit(f"{options.out} has {size} bytes; at most {MAX_BYTES} may be committed.")
    print(f"{options.out}: {size} bytes, {len(CLASSES)} classes, preset {NORMALISATION}")


if __name__ == "__main__":
    main()
