"""Ask real suspects whose classes are known, and write their answers as factory.py does, for ablation.py.

    python benchmarks/known_suspects.py --data REAL_DATA --out FOLDER

REAL_DATA holds suspects, corpora and truth.json, which are not part of the repository; nor is what this writes.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

import fdcore
from fdcore.answers.asking import ask_suspect
from fdcore.answers.ledger import Ledger
from fdcore.case.plan import Settings
from fdcore.words.label_sets import label_set
from fdcore.work import investigate as work

N_VIEWS, PER_LEAF = 2, 50
EVEN_TOED = "n02394477"  # what counts as right for a deer
OPTIONS: dict[str, dict[str, Any]] = {
    "seized-01.th": {"arch": "resnet20"},
    "seized-08.pth": {"preset": "signed"},
    "seized-04.bin": {},
}
SETS = {"seized-08.pth": "cifar10", "seized-04.bin": "cifar100"}


def main() -> None:
    """Ask and write, one table for Tiny ImageNet alone and one with what it lacks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    corpora = options.data / "corpora"
    tiny, gaps = corpora / "tiny-imagenet/val", corpora / "gaps"
    for name, folders in (("tiny", [tiny]), ("tiny+gaps", [tiny, gaps])):
        rows: list[dict[str, Any]] = []
        answers: dict[str, Any] = {}
        for number, (file, given) in enumerate(OPTIONS.items()):
            suspect = fdcore.open_suspect(options.data / "suspects" / file, **given)
            spec = suspect.spec
            corpus = fdcore.open_corpus(folders, input_size=(spec.height, spec.width), images_per_leaf=PER_LEAF)
            store = corpus.store
            settings = Settings(n_views=N_VIEWS)
            header = work.ledger_header(suspect.fingerprint, suspect.n_classes, spec, store, settings)
            ledger = Ledger.in_memory(header, store.image_ids)
            ask_suspect(suspect, ledger, store.pixels)
            nodes = [store.nodes[leaf] for leaf in store.node_index]
            assert answers.setdefault("node", nodes) == nodes
            answers |= {f"{number}.{view}": ledger.answers[:, view].copy() for view in range(N_VIEWS)}
            rows += [
                {"network": number, "class": i, "kind": "group", "node": node, "leaves": "", "file": file}
                for i, node in enumerate(true_nodes(file, options.data))
            ]
            print(name, file, flush=True)
        pd.DataFrame(rows).to_csv(options.out / f"{name}.csv", index=False)
        pd.DataFrame(answers).to_csv(options.out / f"{name}_answers.csv.gz", index=False)


def true_nodes(file: str, data: Path) -> Iterator[str]:
    """The node of each class."""
    truth = json.loads((data / "suspects" / "truth.json").read_text("utf-8"))[file]
    nodes = truth["nodes"] if "nodes" in truth else label_set(SETS[file]).nodes
    for node in nodes:
        yield EVEN_TOED if node == "n02430045" else node or ""


if __name__ == "__main__":
    main()
