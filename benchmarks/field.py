"""The second field model of the paper (section 5.5): three kinds of flowers, narrowed down with sets without a tree.

    python benchmarks/field.py --data REAL_DATA --out FOLDER

Trains a small network of timm's on three of five garden flowers, writes it as a model's folder of the hub, asks it over
Tiny ImageNet with six plants of Caltech 101 at their nodes, then hangs flat sets below the plant node. Writes field.csv
and leaves the model's folder and both cases in FOLDER.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import safetensors.torch
import timm
import torch
from PIL import Image
from record import save

import fdcore
from fdcore.case.case import Case
from fdcore.case.tables import set_rows
from fdcore.method.sets import compare_sets

FLOWERS = ("dandelion", "rose", "tulip")
PLANTS = {"sunflower": "n11978233", "water_lilly": "n11714853", "lotus": "n11717399", "strawberry": "n12630144",
          "bonsai": "n13111881", "joshua_tree": "n12482893"}  # fmt: skip
SETS = ("flowers17", "caltech101", "gtsrb", "fashion-mnist")
NAME, SIDE, EPOCHS, BATCH = "resnet10t", 64, 20, 50
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    """Train, ask twice, and compare the sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    corpora, out = options.data / "corpora", options.out
    folder = out / "flowers-net"
    held_out = _train(corpora / "flowers5", folder)
    plants = out / "plants"
    for name, node in PLANTS.items():
        shutil.copytree(corpora / "caltech101" / name, plants / node, dirs_exist_ok=True)
    tree = [str(corpora / "tiny-imagenet" / "val"), str(plants)]
    rows: list[dict[str, object]] = []
    for step, folders in (
        ("hierarchy", tree),
        ("sets", [*tree, *(f"{corpora / name}@n00017222" for name in SETS)]),
    ):
        found = fdcore.investigate(folder, folders, case=out / f"case-{step}")
        print(found)
        sets, chance = compare_sets(found.scored), Case.open(out / f"case-{step}").facts().chance
        table = set_rows(sets, found.scored, chance.sets if chance else ()).to_dict(orient="records")
        rows += [{"step": step, "held_out": round(held_out, 3), **row} for row in table]
    save(__file__, rows)


def _train(source: Path, folder: Path) -> float:
    """Train on half of the pictures and write the folder; the share of the other half that it classifies rightly."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    pixels, labels = [], []
    for number, name in enumerate(FLOWERS):
        for path in sorted((source / name).iterdir()):
            picture = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            pixels.append(np.asarray(picture))
            labels.append(number)
    x = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    y = torch.tensor(labels)
    order = torch.from_numpy(rng.permutation(len(y)))
    train, rest = order[::2], order[1::2]
    network = timm.create_model(NAME, num_classes=len(FLOWERS))
    steps = EPOCHS * (len(train) // BATCH)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.05, total_steps=steps)
    for _ in range(EPOCHS):
        for batch in train[torch.randperm(len(train))].split(BATCH):
            if len(batch) < BATCH:
                continue
            seen = torch.nn.functional.pad(x[batch], (6, 6, 6, 6), mode="reflect")
            top, left = rng.integers(0, 13, 2)
            seen = seen[:, :, top : top + SIDE, left : left + SIDE]
            if rng.random() < 0.5:
                seen = seen.flip(3)
            loss = torch.nn.functional.cross_entropy(network(seen), y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.inference_mode():
        right = float((network(x[rest]).argmax(1) == y[rest]).float().mean())
    folder.mkdir(parents=True, exist_ok=True)
    config = {"architecture": NAME, "num_classes": len(FLOWERS),
              "pretrained_cfg": {"input_size": [3, SIDE, SIDE], "mean": MEAN, "std": STD}}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    safetensors.torch.save_file(network.state_dict(), folder / "model.safetensors")
    return right


if __name__ == "__main__":
    main()
