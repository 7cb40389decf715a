"""How well does the gap between training and test split tell which data set a suspect was trained on?

    python benchmarks/gap.py --data REAL_DATA

Suspects of known training sets, each with the splits of three data sets: its own and others. Writes gap.csv.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from record import save

import fdcore
from fdcore.verdict.gap import compare_splits

SETS = {
    "CIFAR-10": ("labelled/cifar10-train", "labelled/cifar10-test"),
    "CIFAR-100": ("labelled/cifar100-train", "labelled/cifar100-test"),
    "GTSRB": ("corpora/gtsrb", "labelled/gtsrb-test"),
    "Tiny ImageNet": ("corpora/tiny-imagenet/train", "corpora/tiny-imagenet/val"),
}
SUSPECTS = (
    ("seized-01.th", {"arch": "resnet20"}, "CIFAR-10"),
    ("seized-08.pth", {"preset": "signed"}, "CIFAR-10"),
    ("seized-10.pth", {"preset": "cifar100"}, "CIFAR-100"),
    ("seized-02.onnx", {}, "GTSRB"),
    ("seized-11.pt", {"preset": "signed"}, "GTSRB"),
)
N_PICTURES = 2_000  # of each split


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    rows = []
    for file, options, own in SUSPECTS:
        suspect = fdcore.open_suspect(data / "suspects" / file, **options)
        for name, folders in SETS.items():
            splits = [
                fdcore.open_corpus(data / folder, input_size=(suspect.spec.height, suspect.spec.width),
                                   channels=suspect.spec.channels, images_per_leaf=None).store
                for folder in folders
            ]  # fmt: skip
            nodes = {node.rpartition("/")[2]: place for place, node in enumerate(splits[0].nodes)}
            drawn = [_drawn(len(split.node_index)) for split in splits]
            labels = [
                np.concatenate([suspect.labels(split.pixels[part]) for part in np.array_split(chosen, 20)])
                for split, chosen in zip(splits, drawn, strict=True)
            ]
            places = [
                np.array([nodes[node.rpartition("/")[2]] for node in split.nodes], dtype=np.int32)[split.node_index][
                    chosen
                ]
                for split, chosen in zip(splits, drawn, strict=True)
            ]
            gap = compare_splits((name, name), (labels[0], labels[1]), (places[0], places[1]))
            rows.append({
                "suspect": file, "trained_on": own, "set": name, "train": round(gap.train.right, 4),
                "test": round(gap.test.right, 4), "points": round(gap.points, 2), "low": round(gap.interval[0], 2),
                "high": round(gap.interval[1], 2), "p": gap.p_value, "outcome": gap.outcome,
            })  # fmt: skip
            print(rows[-1], flush=True)
    save(__file__, rows)


def _drawn(n: int) -> npt.NDArray[np.intp]:
    return np.sort(np.random.default_rng(0).permutation(n)[:N_PICTURES])


if __name__ == "__main__":
    main()
