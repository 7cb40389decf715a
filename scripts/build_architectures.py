"""Write the table of architectures (fdcore/suspect/architectures/index.csv.xz); takes about ten minutes.

Run it again after changing a small network or the pinned version of torchvision or timm:

    python scripts/build_architectures.py
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import timm
import torch
from torch import nn
from torchvision import models
from tqdm import tqdm

from fdcore.suspect.architectures import index, registry
from fdcore.suspect.architectures.index import Entry, Input, Shape
from fdcore.suspect.preprocess import PRESETS

TARGET = Path(index.__file__).with_name(index.TABLE)


def main() -> None:
    """Describe every architecture and replace the table."""
    warnings.filterwarnings("ignore")
    small = registry.small_names()
    vision = [f"torchvision/{name}" for name in models.list_models(module=models)]
    others = [f"timm/{name}" for name in timm.list_models(pretrained=False)]
    rows = list(describe_all([*small, *vision, *others]))
    TARGET.write_bytes(index.write_table(rows))
    print(f"{len(rows)} architectures, {TARGET.stat().st_size:,} bytes in {TARGET}")


def describe_all(names: list[str]) -> Iterator[Entry]:
    """The rows of all architectures that have a head."""
    index.entries = lambda: dict.fromkeys(names)  # the registry looks up in the table which names exist; now these do
    registry.entries = index.entries
    for name in tqdm(names):
        row = describe(name)
        if row is not None:
            yield row


def describe(name: str) -> Entry | None:
    """Build a network three times: what changes with the classes is its head, with the channels its stem."""
    plain = shapes(name, 17, 3)
    head = [key for key, shape in shapes(name, 19, 3).items() if plain[key] != shape]
    stem = [key for key, shape in shapes(name, 17, 1).items() if plain[key] != shape]
    if not head or any(plain[key][0] != 17 for key in head):
        print(f"left out, no plain head: {name} {head[:3]}")
        return None
    return index.describe(name, plain, head=head, stem=stem, default=default_input(name))


def shapes(name: str, n_classes: int, channels: int) -> dict[str, Shape]:
    """Shapes of all tensors, with three channels where the network accepts no other number."""
    try:
        return registry.skeleton_shapes(name, n_classes, channels=channels)
    except Exception as error:
        if channels == 3:
            raise
        print(f"only colour: {name} ({type(error).__name__}: {error})")
        return shapes(name, n_classes, 3)


def default_input(name: str) -> Input:
    """The input that the network's library documents."""
    if name.startswith("timm/"):
        return timm_input(name.removeprefix("timm/"))
    usual = PRESETS["imagenet"]
    if name.startswith("torchvision/"):
        sides = [w.transforms().crop_size[0] for w in models.get_model_weights(name.removeprefix("torchvision/"))]
        return Input(min(sides), min(sides), usual.mean, usual.std)
    side = 28 if name.startswith("lenet-28") else 32
    return Input(side, side, usual.mean, usual.std)


def timm_input(name: str) -> Input:
    """The input in the configuration of the default weights."""
    with torch.device("meta"):
        network: nn.Module = timm.create_model(name, pretrained=False)
    cfg = network.pretrained_cfg
    _, height, width = cfg["input_size"]
    return Input(height, width, tuple(cfg["mean"]), tuple(cfg["std"]))


if __name__ == "__main__":
    main()
