"""Networks whose meaning is known beforehand: untrained, trained on noise, trained on few classes. For calibration.py.

The first outputs of a network with 100 random outputs are networks with 2 and with 10, so each is queried once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from fdcore.answers.views import ViewSpec, make_views
from fdcore.corpus.corpus import open_corpus
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.method.findings import ImageTable
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.preprocess import PreprocessSpec, with_preset

SIZES = (2, 3, 5, 10, 100)  # classes that an untrained network is cut to
BATCH = 250
ARCHITECTURES = ("resnet20", "lenet", "plain")
INITIALISATIONS = ("torch", "kaiming")
OTHER_ARCHITECTURES = ("torchvision/shufflenet_v2_x0_5", "torchvision/squeezenet1_1")  # unlike those of the verdict
NORMALISED = ("resnet20", "torchvision/shufflenet_v2_x0_5")  # those with BatchNorm


@dataclass(frozen=True)
class Shown:
    """A corpus, decoded for one kind of input, as shown to many networks."""

    name: str
    views: np.ndarray  # (n_views, n_images, H, W, C) uint8
    images: ImageTable
    image_ids: np.ndarray  # (n_images,) uint64
    hierarchy: Hierarchy
    spec: PreprocessSpec


def show(
    name: str, folders: Sequence[str], *, channels: int, size: int, per_leaf: int, n_views: int, cache: Path
) -> Shown:
    """Decode a corpus and draw its views once."""
    corpus = open_corpus(
        folders, hierarchy=load_wordnet(), height=size, width=size, channels=channels, per_leaf=per_leaf, cache=cache
    )
    store, pixels = corpus.store, np.array(corpus.store.pixels)
    views = [make_views(pixels, store.image_ids, view=v, seed=0, spec=ViewSpec()) for v in range(n_views)]
    images = ImageTable(store.nodes, store.node_index, store.names, store.sha256)
    spec = with_preset(
        PreprocessSpec(size, size, channels, mean=(0.0,) * channels, std=(1.0,) * channels),
        "mnist" if channels == 1 else "imagenet",
    )
    return Shown(name, np.stack(views), images, np.array(store.image_ids), corpus.hierarchy, spec)


def outputs_of(network: nn.Module | Callable[[np.ndarray], np.ndarray], shown: Shown) -> np.ndarray:
    """Soft outputs (n_images, n_views, n_outputs) float32 for all views."""
    query = network if not isinstance(network, nn.Module) else _querying(network.eval(), shown.spec)
    n_views, n_images = shown.views.shape[:2]
    flat = shown.views.reshape(-1, *shown.views.shape[2:])
    answers = np.concatenate([query(flat[start : start + BATCH]) for start in range(0, len(flat), BATCH)])
    return answers.reshape(n_views, n_images, -1).transpose(1, 0, 2)


def _querying(network: nn.Module, spec: PreprocessSpec) -> Callable[[np.ndarray], np.ndarray]:
    def query(pictures: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(prepared(pictures, spec)).float().numpy()

    return query


def prepared(pictures: np.ndarray, spec: PreprocessSpec) -> Tensor:
    """The network's input (N, C, H, W) float32."""
    scale, shift = (torch.from_numpy(v).view(1, -1, 1, 1) for v in spec.affine())
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() * scale + shift


# Untrained


def untrained(arch: str, initialisation: str, seed: int, shown: Shown, *, after_batches: bool) -> nn.Module:
    """A network with random weights; its BatchNorm as initialised, or after a few batches of the corpus."""
    torch.manual_seed(seed)
    network = _build(arch, max(SIZES), shown.spec.channels, shown.spec.height)
    _initialise(network, initialisation)
    if after_batches:
        _see_batches(network, shown, seed)
    return network


def _build(arch: str, n_classes: int, channels: int, size: int) -> nn.Module:
    if arch == "plain":
        return plain(n_classes, channels, size, norm=False)
    if arch == "lenet" and size == 28:
        arch = "lenet-28"
    return build(arch, n_classes, channels=channels)


def plain(n_classes: int, channels: int, size: int, *, norm: bool) -> nn.Sequential:
    """Three convolutions with pooling and two linear layers."""
    layers: list[nn.Module] = []
    for width in (32, 64, 64):
        layers += [nn.Conv2d(channels, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else [])]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        channels, size = width, size // 2
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(channels * size * size, 128), nn.ReLU(), nn.Linear(128, n_classes)
    )


def _initialise(network: nn.Module, how: str) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if how == "torch":
                module.reset_parameters()
            else:
                nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _see_batches(network: nn.Module, shown: Shown, seed: int) -> None:
    """Let BatchNorm take its statistics from a few batches of the corpus, as the first steps of training would."""
    rng = np.random.default_rng(seed)
    network.train()
    with torch.inference_mode():
        for _ in range(12):
            chosen = rng.choice(len(shown.images.names), min(100, len(shown.images.names)), replace=False)
            network(prepared(shown.views[0][chosen], shown.spec))


# Trained


def train(pictures: np.ndarray, labels: np.ndarray, spec: PreprocessSpec, *, seed: int, epochs: int) -> nn.Module:
    """A plain network with BatchNorm, fitted to labels that are true or noise; mirroring is the only augmentation."""
    torch.manual_seed(seed)
    network = plain(int(labels.max()) + 1, spec.channels, spec.height, norm=True)
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    inputs, targets = prepared(pictures, spec), torch.from_numpy(labels)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(100):
            x = inputs[batch].flip(3) if torch.rand(()) < 0.5 else inputs[batch]
            optimiser.zero_grad()
            functional.cross_entropy(network(x), targets[batch]).backward()
            optimiser.step()
    return network.eval()


def accuracy(network: nn.Module, pictures: np.ndarray, labels: np.ndarray, spec: PreprocessSpec) -> float:
    """The share of pictures whose label the network gives."""
    with torch.inference_mode():
        return float((network.eval()(prepared(pictures, spec)).argmax(1).numpy() == labels).mean())


def labelled_pictures(
    folder: Path, size: int, per_class: int, channels: int = 3
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures (N, size, size, channels) of a folder of classes, their class numbers, and the class names."""
    names = sorted(child.name for child in folder.iterdir() if child.is_dir())
    pictures, labels = [], []
    for number, name in enumerate(names):
        for path in sorted((folder / name).iterdir())[:per_class]:
            with Image.open(path) as image:
                small = image.convert("RGB" if channels == 3 else "L").resize((size, size), Image.Resampling.BILINEAR)
                pictures.append(np.asarray(small).reshape(size, size, channels))
            labels.append(number)
    return np.stack(pictures), np.array(labels), names
