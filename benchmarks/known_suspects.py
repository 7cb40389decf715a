"""Ask real suspects whose classes are known, and write their answers as factory.py does, for ablation.py and grades.py.

    python benchmarks/known_suspects.py --data REAL_DATA --out FOLDER

REAL_DATA holds suspects, corpora and truth.json, which are not part of the repository; nor is what this writes: a table
for each group of suspects over one corpus.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import fdcore
from fdcore.answers.asking import ask_suspect
from fdcore.answers.ledger import Ledger
from fdcore.case.plan import Settings
from fdcore.corpus.corpus import Corpus
from fdcore.words.label_sets import label_set
from fdcore.work import investigate as work

N_VIEWS, PER_LEAF = 2, 50
EVEN_TOED = "n02394477"  # what counts as right for a deer
TINY, GAPS = "tiny-imagenet/val", "gaps"


class Asked(NamedTuple):
    """A suspect, how it is opened, and its label set: a known one, or the folder whose leaves are its classes."""

    file: str
    options: dict[str, Any]
    classes: str


CIFAR10 = (
    Asked("seized-01.th", {"arch": "resnet20"}, "cifar10"),
    Asked("seized-08.pth", {"preset": "signed"}, "cifar10"),
)
CIFAR100 = (Asked("seized-04.bin", {}, "cifar100"),)
GROUPS = {
    "cifar10": ([TINY], CIFAR10),
    "cifar10+gaps": ([TINY, GAPS], CIFAR10),
    "cifar100": ([TINY], CIFAR100),
    "cifar100+gaps": ([TINY, GAPS], CIFAR100),
    "imagenet": ([TINY], (Asked("seized-06.onnx", {}, "imagenet1k-devkit"),)),
    "signs": ([TINY, "gtsrb@n06794110"], (Asked("seized-02.onnx", {}, "gtsrb@n06794110"),)),
    "digits": ([TINY, "mnist"], (Asked("seized-03.onnx", {}, "mnist"),)),
}


def main() -> None:
    """Ask and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(GROUPS), choices=list(GROUPS))
    options = parser.parse_args()
    for name in options.only:
        folders, group = GROUPS[name]
        rows: list[dict[str, Any]] = []
        answers: dict[str, Any] = {}
        for number, one in enumerate(group):
            suspect = fdcore.open_suspect(options.data / "suspects" / one.file, **one.options)
            spec = suspect.spec
            corpus = fdcore.open_corpus(
                [options.data / "corpora" / folder for folder in folders],
                input_size=(spec.height, spec.width),
                channels=spec.channels,
                images_per_leaf=PER_LEAF,
            )
            store = corpus.store
            header = work.ledger_header(suspect.fingerprint, suspect.n_classes, spec, store, Settings(n_views=N_VIEWS))
            ledger = Ledger.in_memory(header, store.image_ids)
            ask_suspect(suspect, ledger, store.pixels)
            nodes = [store.nodes[leaf] for leaf in store.node_index]
            assert answers.setdefault("node", nodes) == nodes
            answers |= {f"{number}.{view}": ledger.answers[:, view].copy() for view in range(N_VIEWS)}
            rows += [{"network": number, "class": i} | row for i, row in enumerate(truth(one, corpus, options.data))]
            print(name, one.file, flush=True)
        pd.DataFrame(rows).to_csv(options.out / f"{name}.csv", index=False)
        pd.DataFrame(answers).to_csv(options.out / f"{name}_answers.csv.gz", index=False)


def truth(asked: Asked, corpus: Corpus, data: Path) -> Iterator[dict[str, str]]:
    """What each class is: its true node, its leaf of ImageNet, or the leaf of a folder that hangs below a node."""
    folder, _, parent = asked.classes.partition("@")
    own = [node for node in corpus.store.nodes if node.startswith(f"{folder}/")]
    if own:
        yield from ({"kind": "exact", "node": parent, "leaves": leaf} for leaf in own)
        return
    known = json.loads((data / "suspects" / "truth.json").read_text("utf-8"))[asked.file].get("nodes")
    for node in known or label_set(asked.classes).nodes:
        node = EVEN_TOED if node == "n02430045" else node or ""
        if asked.classes.startswith("imagenet"):
            node = node if node in corpus.store.nodes else ""
            yield {"kind": "single" if node else "unseen", "node": "", "leaves": node}
        else:
            yield {"kind": "group", "node": node, "leaves": ""}


if __name__ == "__main__":
    main()
