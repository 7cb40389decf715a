"""A suspect factory: small networks trained on random leaves of a corpus, so that the truth about each is known.

    python benchmarks/factory.py --data REAL_DATA [--only 0,1,2] [--dla]

Each network learns 2 to 40 classes of Tiny ImageNet's training pictures: single leaves, groups of 2 to 8 leaves below
one node, groups of unrelated leaves, or pictures that no leaf of the corpus shows. The first five are the paper's
controlled test (section 5.2.1, Table 2): ten single leaves each. It is then asked about the validation pictures, two
views each. Results: factory.csv, a row for each class, and factory_answers.csv.gz, a row for each picture and a column
for each network and view. Rules are tried on these answers (ablation.py) without training anything again; networks with
an even number are for choosing a rule, those with an odd number for judging it.

`--dla` trains simplified DLA networks at a quarter of their usual width (0.96 million weights) instead, on three of the
paper's draws and on nine recipes that no other network has, into factory_dla.csv and factory_dla_answers.csv.gz. No
rule was chosen on them.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from calibration_networks import plain
from torch import Tensor, nn

from fdcore import open_corpus
from fdcore.answers.views import ViewSpec, make_views
from fdcore.corpus.corpus import Corpus
from fdcore.suspect.architectures.dla import SimpleDLA
from fdcore.suspect.architectures.registry import build

HERE = Path(__file__).resolve().parent
N_NETWORKS, N_TABLE_2 = 64, 5
OF_DLA = (0, 1, 2, *range(N_NETWORKS, N_NETWORKS + 9))
SIDE, N_VIEWS, BATCH = 32, 2, 100
MOST_IMAGES, MOST_OF_CLASS = 12_000, 800  # of a network's training set
STRONG, WEAK = 24_000, 8_000  # training steps of one picture
UNSEEN = {  # name: folder of pictures that no leaf of Tiny ImageNet shows
    "airplane": "gaps/n02691156", "horse": "gaps/n02374451", "flower": "flowers5", "face": "faces",
}  # fmt: skip
Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClassRecipe:
    """What one class is trained on: leaves, or unseen pictures; `node` is the true node where there is one."""

    kind: str
    node: str
    leaves: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """How a network is made."""

    number: int
    arch: str
    n_steps: int
    noise: float  # share of training labels that are random
    classes: tuple[ClassRecipe, ...] = field(repr=False)


def main() -> None:
    """Train, ask and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default="", help="numbers of networks, by commas")
    parser.add_argument("--dla", action="store_true", help="train simplified DLA networks")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpora = options.data / "corpora"
    train = open_corpus(corpora / "tiny-imagenet/train", input_size=SIDE, images_per_leaf=None)
    asked = open_corpus(corpora / "tiny-imagenet/val", input_size=SIDE, images_per_leaf=None)
    unseen = {name: _unseen(corpora / folder) for name, folder in UNSEEN.items()}
    groups = groups_of(asked)
    views = [make_views(np.array(asked.store.pixels), asked.store.image_ids, view=view, seed=0, spec=ViewSpec())
             for view in range(N_VIEWS)]  # fmt: skip
    numbers = [int(number) for number in options.only.split(",") if number] or (
        OF_DLA if options.dla else range(N_NETWORKS)
    )
    name = "factory_dla" if options.dla else "factory"
    rows, answers = [], {"node": [asked.store.nodes[leaf] for leaf in asked.store.node_index]}
    for number in numbers:
        start = time.monotonic()
        recipe = recipe_of(number, groups, asked.store.nodes)
        recipe = replace(recipe, arch="dla") if options.dla else recipe
        network = trained(recipe, train, unseen)
        given = [_answers(network, pictures) for pictures in views]
        correct = _recognised(recipe, asked, given[0])
        rows += [
            {"network": number, "arch": recipe.arch, "steps": recipe.n_steps, "noise": recipe.noise, "class": i,
             "kind": one.kind, "node": one.node, "leaves": " ".join(one.leaves), "recognised": round(share, 3)}
            for i, (one, share) in enumerate(zip(recipe.classes, correct, strict=True))
        ]  # fmt: skip
        answers |= {f"{number}.{view}": labels for view, labels in enumerate(given)}
        print(f"{recipe} {len(recipe.classes)} classes, recognised {np.nanmean(correct):.2f}, "
              f"{time.monotonic() - start:.0f} s", flush=True)  # fmt: skip
        pd.DataFrame(rows).to_csv(options.out / f"{name}.csv", index=False)
        pd.DataFrame(answers).to_csv(options.out / f"{name}_answers.csv.gz", index=False)


def recipe_of(number: int, groups: dict[str, tuple[str, ...]], leaves: Sequence[str]) -> Recipe:
    """The same number always gives the same network."""
    rng = np.random.default_rng(number)
    if number < N_TABLE_2:
        drawn = rng.choice(leaves, 10, replace=False)
        return Recipe(number, "resnet20", STRONG, 0.0, tuple(ClassRecipe("single", leaf, (leaf,)) for leaf in drawn))
    n_classes = int(np.exp(rng.uniform(np.log(2), np.log(40.99))))
    kinds = rng.choice(["single", "group", "group", "unrelated"], n_classes)
    if rng.random() < 0.5:
        kinds[: max(1, n_classes // 6)] = "unseen"
    free, classes, unseen = set(leaves), [], list(rng.permutation(list(UNSEEN)))
    for kind in kinds:
        classes.append(_class(rng, kind, free, groups, unseen))
        free -= set(classes[-1].leaves)
    arch = str(rng.choice(["resnet20", "plain", "lenet"], p=[0.25, 0.5, 0.25]))
    return Recipe(
        number, arch, int(rng.choice([STRONG, WEAK], p=[0.7, 0.3])), float(rng.choice([0.0, 0.2])), tuple(classes)
    )


def _class(
    rng: np.random.Generator, kind: str, free: set[str], groups: dict[str, tuple[str, ...]], unseen: list[str]
) -> ClassRecipe:
    """One class from leaves that no other class has; a single leaf where nothing else is left."""
    if kind == "unseen" and unseen:
        return ClassRecipe("unseen", "", (unseen.pop(),))
    n = int(rng.integers(2, 9))
    if kind == "group":
        whole = [node for node, below in sorted(groups.items()) if free.issuperset(below)]
        if whole:
            node = str(rng.choice(whole))
            below = groups[node]
            return ClassRecipe("group", node, tuple(rng.choice(below, min(n, len(below)), replace=False)))
    if kind == "unrelated" and len(free) >= n:
        return ClassRecipe("unrelated", "", tuple(rng.choice(sorted(free), n, replace=False)))
    leaf = str(rng.choice(sorted(free)))
    return ClassRecipe("single", leaf, (leaf,))


def groups_of(corpus: Corpus) -> dict[str, tuple[str, ...]]:
    """Nodes with 3 to 20 leaves of the corpus below them, and these."""
    below: dict[str, list[str]] = {}
    for leaf in corpus.store.nodes:
        for node in corpus.hierarchy.ancestors(leaf):
            below.setdefault(node, []).append(leaf)
    return {node: tuple(leaves) for node, leaves in below.items() if 3 <= len(leaves) <= 20}


def _unseen(folder: Path) -> Pictures:
    """A folder's pictures, of all its subfolders."""
    parent = folder if any(child.is_dir() for child in folder.iterdir()) else folder.parent
    store = open_corpus(parent, input_size=SIDE, images_per_leaf=100).store
    wanted = [parent == folder or folder.name in store.nodes[leaf] for leaf in store.node_index]
    return np.array(store.pixels)[wanted]


def trained(recipe: Recipe, train: Corpus, unseen: dict[str, Pictures]) -> nn.Module:
    """A network fitted to the recipe, by SGD with momentum, mirroring and shifting, the learning rate down a cosine."""
    rng, _ = np.random.default_rng([recipe.number, 1]), torch.manual_seed(recipe.number)
    pictures, labels = _training_set(recipe, train, unseen, rng)
    network = _network(recipe.arch, len(recipe.classes))
    optimiser = torch.optim.SGD(network.parameters(), 0.1 if recipe.arch != "lenet" else 0.02, 0.9, weight_decay=5e-4,
                                nesterov=True)  # fmt: skip
    n_batches = recipe.n_steps // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, optimiser.defaults["lr"], n_batches, pct_start=0.15)
    network.train()
    for _ in range(n_batches):
        batch = torch.from_numpy(rng.integers(0, len(labels), BATCH))
        x = nn.functional.pad(pictures[batch], (3, 3, 3, 3))
        top, left = rng.integers(0, 7, 2)
        x = x[:, :, top : top + SIDE, left : left + SIDE]
        x = x.flip(3) if rng.random() < 0.5 else x
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), labels[batch]).backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def _network(arch: str, n_classes: int) -> nn.Module:
    if arch == "plain":
        return plain(n_classes, 3, SIDE, norm=True)
    return SimpleDLA(n_classes, width=16) if arch == "dla" else build(arch, n_classes)


def _training_set(
    recipe: Recipe, train: Corpus, unseen: dict[str, Pictures], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Inputs (N, 3, 32, 32) and labels (N,), the same number of pictures of each class, some labels noise."""
    store, parts, labels = train.store, [], []
    most = MOST_IMAGES // len(recipe.classes)
    for number, one in enumerate(recipe.classes):
        if one.kind == "unseen":
            pictures = unseen[one.leaves[0]]
        else:
            wanted = [store.nodes.index(leaf) for leaf in one.leaves]
            pictures = store.pixels[np.flatnonzero(np.isin(store.node_index, wanted))]
        chosen = rng.permutation(len(pictures))[: min(most, MOST_OF_CLASS)]
        parts.append(pictures[chosen])
        labels += [number] * len(chosen)
    given = np.array(labels)
    noisy = rng.random(len(given)) < recipe.noise
    given[noisy] = rng.integers(0, len(recipe.classes), noisy.sum())
    return _input(np.concatenate(parts)), torch.from_numpy(given)


def _input(pictures: Pictures) -> Tensor:
    return (torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() - 120) / 65


def _answers(network: nn.Module, pictures: Pictures) -> npt.NDArray[np.int64]:
    with torch.inference_mode():
        parts = [network(_input(pictures[start : start + 250])).argmax(1) for start in range(0, len(pictures), 250)]
    answers: npt.NDArray[np.int64] = torch.cat(parts).numpy()
    return answers


def _recognised(recipe: Recipe, asked: Corpus, labels: npt.NDArray[np.int64]) -> list[float]:
    """The share of each class's own validation pictures that is put in it; nan where the corpus has none."""
    shares = []
    for number, one in enumerate(recipe.classes):
        wanted = [asked.store.nodes.index(leaf) for leaf in one.leaves if one.kind != "unseen"]
        own = labels[np.isin(asked.store.node_index, wanted)] == number
        shares.append(float(own.mean()) if len(own) else float("nan"))
    return shares


if __name__ == "__main__":
    main()
