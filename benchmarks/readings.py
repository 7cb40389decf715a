"""How often is the reading that is clearly ahead the right one? On networks whose normalisation and order are known.

    python benchmarks/readings.py --data REAL_DATA [--first 5] [--networks 24]

Networks of the factory (factory.py) are trained again, each with one of six normalisations and every fourth with its
channels in the order BGR. Each is sent the same images under every normalisation and the better order of the best, as
`fdcore identify` does: 12 images of 100 leaves in two views, and of all 200 where readings are close. Networks with an
even number are for choosing the rule (`fdcore.method.information`), those with an odd number for judging it.
Results: readings.csv, a row for each network.
"""

import argparse
import time
from pathlib import Path

import factory
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from factory import SIDE, recipe_of, trained
from torch import Tensor, nn

from fdcore import open_corpus
from fdcore.answers.views import ViewSpec, make_views
from fdcore.method.information import Information, information, is_ahead, lead
from fdcore.suspect.preprocess import PRESETS, PreprocessSpec, with_preset

RESULTS = Path(__file__).with_suffix(".csv")
TRUE = ("unit", "signed", "bytes", "imagenet", "cifar10", "mnist")
N_VIEWS, PER_LEAF, FIRST_LEAVES = 2, 12, 100
Pictures = npt.NDArray[np.uint8]
Reading = tuple[str, str]  # a preset and the order of the channels


def main() -> None:
    """Train, ask under every reading, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--first", type=int, default=5, help="the number of the first; those below are the slowest")
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpora = options.data / "corpora"
    train = open_corpus(corpora / "tiny-imagenet/train", input_size=SIDE, images_per_leaf=None)
    shown = open_corpus(corpora / "tiny-imagenet/val", input_size=SIDE, images_per_leaf=PER_LEAF).store
    unseen = {name: factory._unseen(corpora / folder) for name, folder in factory.UNSEEN.items()}
    groups = factory.groups_of(open_corpus(corpora / "tiny-imagenet/val", input_size=SIDE, images_per_leaf=None))
    pixels = np.array(shown.pixels)
    views = [make_views(pixels, shown.image_ids, view=view, seed=0, spec=ViewSpec()) for view in range(N_VIEWS)]
    rank = np.random.default_rng(0).permutation(len(shown.nodes))[shown.node_index]
    rows = []
    for number in range(options.first, options.first + options.networks):
        begun, recipe = time.monotonic(), recipe_of(number, groups, shown.nodes)
        truth = (TRUE[number % len(TRUE)], "BGR" if number % 4 == 3 else "RGB")
        factory._input = _prepared(truth)  # how this network is given its pictures in training
        network = trained(recipe, train, unseen)

        def ask(
            reading: Reading,
            of: npt.NDArray[np.bool_],
            network: nn.Module = network,
            n_classes: int = len(recipe.classes),
        ) -> Information:
            answers = np.stack([_labels(network, view[of], reading) for view in views], axis=1).astype(np.int32)
            return information(answers, shown.node_index[of], n_classes)

        said = _identify(ask, rank)
        rows.append({
            "network": number, "arch": recipe.arch, "classes": len(recipe.classes), "true": " ".join(truth),
            **said, "right": said["first"] == " ".join(truth),
        })  # fmt: skip
        print(rows[-1], f"{time.monotonic() - begun:.0f} s", flush=True)
        pd.DataFrame(rows).to_csv(RESULTS, index=False)


def _identify(ask, rank: npt.NDArray[np.int64]) -> dict[str, object]:  # type: ignore[no-untyped-def]
    first, every = rank < FIRST_LEAVES, rank >= 0
    told = {(preset, "RGB"): ask((preset, "RGB"), first) for preset in PRESETS}
    best = max(told, key=lambda one: told[one].bits)
    told[best[0], "BGR"] = ask((best[0], "BGR"), first)
    best = max(told, key=lambda one: told[one].bits)
    if best[1] == "BGR":
        told |= {(preset, "BGR"): ask((preset, "BGR"), first) for preset in PRESETS if (preset, "BGR") not in told}
        best = max(told, key=lambda one: told[one].bits)
    close = [one for one in told if one == best or not is_ahead(told[best], told[one])]
    if len(close) > 1:
        told = {one: ask(one, every) for one in close}
        best = max(told, key=lambda one: told[one].bits)
    others = sorted((one for one in told if one != best), key=lambda one: -told[one].bits)
    difference, error = lead(told[best], told[others[0]])
    return {
        "first": " ".join(best), "second": " ".join(others[0]), "bits": round(told[best].bits, 4),
        "behind": round(difference, 4), "error": round(error, 4), "ahead": is_ahead(told[best], told[others[0]]),
    }  # fmt: skip


def _prepared(reading: Reading):  # type: ignore[no-untyped-def]
    """A function from pictures (N, 32, 32, 3) uint8 to inputs (N, 3, 32, 32)."""
    scale, shift = with_preset(PreprocessSpec(SIDE, SIDE), reading[0]).affine()

    def prepare(pictures: Pictures) -> Tensor:
        ordered = pictures[..., ::-1] if reading[1] == "BGR" else pictures
        x = torch.from_numpy(np.ascontiguousarray(ordered)).permute(0, 3, 1, 2).float()
        return x * torch.from_numpy(scale).view(1, 3, 1, 1) + torch.from_numpy(shift).view(1, 3, 1, 1)

    return prepare


def _labels(network: nn.Module, pictures: Pictures, reading: Reading) -> npt.NDArray[np.int64]:
    prepare = _prepared(reading)
    with torch.inference_mode():
        parts = [network(prepare(pictures[at : at + 250])).argmax(1) for at in range(0, len(pictures), 250)]
    labels: npt.NDArray[np.int64] = torch.cat(parts).numpy()
    return labels


if __name__ == "__main__":
    main()
