"""The paper's controlled test (section 5.2.1, Table 2) over the factory's five draws of ten leaves.

    python benchmarks/table2.py [--answers NAME]

For each class the two leaves with the highest functional score, as in the paper; and how often the first is the leaf
that the class was trained on, or close to it in the hierarchy. Results: table2.csv.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from ablation import HERE, read
from factory import N_TABLE_2
from record import save

from fdcore.corpus.wordnet import load_wordnet

CLOSE = 4.0  # steps


def main() -> None:
    """Rank, count, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=HERE / "factory")
    path = parser.parse_args().answers
    truth, hierarchy = pd.read_csv(path.with_suffix(".csv"), keep_default_na=False), load_wordnet()
    rows: list[dict[str, object]] = []
    for network in read(path):
        if int(network.name) >= N_TABLE_2:
            continue
        own = truth[truth["network"] == int(network.name)]["node"].tolist()
        for target, node in enumerate(own):
            scores = network.scores
            first, second = np.argsort(-scores.functional[target], kind="stable")[:2].tolist()
            apart = float(network.apart[scores.nodes.index(node), first])
            rows.append({
                "draw": network.name, "original": hierarchy.label(node),
                "first": hierarchy.label(scores.nodes[first]), "L": round(float(scores.functional[target, first]), 2),
                "second": hierarchy.label(scores.nodes[second]),
                "L of second": round(float(scores.functional[target, second]), 2), "steps": apart,
            })  # fmt: skip
    if path.name == "factory":
        save(__file__, rows)
    else:
        print(pd.DataFrame(rows).to_string(index=False))
    steps = np.array([row["steps"] for row in rows])
    print(f"{len(rows)} classes: the first is the same leaf {np.mean(steps == 0):.0%}, within {CLOSE:g} steps "
          f"{np.mean(steps <= CLOSE):.0%}")  # fmt: skip


if __name__ == "__main__":
    main()
