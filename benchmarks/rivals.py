"""Ways to name a class, on the same recorded answers and budget, without any suspect.

    python benchmarks/rivals.py [--answers NAME ...] [--vectors FILE] [--seeds N] [--save]

Reads what ablation.py reads. Every way sees the same queries: so many pictures, drawn evenly from the leaves, in the
plan's two views. Compared are

- ours: the default selection, which may answer "not found";
- the most frequent label: the leaf with most of the pictures that the class takes;
- hard-label ProbeLog: after Kahana et al. 2025, whose logits are replaced by labels, as hard labels give no more: the
  WordNet noun whose mean word similarity to the leaves of the taken pictures exceeds that to all leaves most. Nouns
  without a leaf of the corpus at or below them do not compete, which favours this way.

Right, wrong and false are counted as in ablation.py; an answer that is a noun counts as its leaves. The rivals name
every class that takes a picture, so "false" is nearly 1 for them by construction.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from ablation import HERE, Counts, Flags
from adaptive import Recorded, ask, evenly, everything, read
from record import save

from fdcore.method.closeness import distances
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, select
from fdcore.words.similarity import name_similarities
from fdcore.words.vectors import WordVectors, builtin_vectors, open_vectors

BUDGETS = {"2 x 1": (2, 1), "5 x 1": (5, 1), "10 x 1": (10, 1), "20 x 1": (20, 1), "20 x 2": (20, 2), "50 x 2": (50, 2)}
Answer = Flags | None  # the leaves that are answered
Namer = Callable[[Scores, int, Flags], Answer]  # given scores, a class, and the leaves that are there


def by_selection(scores: Scores, target: int, there: Flags, *, apart: npt.NDArray[np.float32]) -> Answer:
    """The default rule."""
    part = scores if there.all() else scores.part(there)
    kept = apart[np.ix_(there, there)]
    (found,) = select(part, np.arange(len(part.nodes)), kept, SelectionSettings(), [target])
    return _flags(np.flatnonzero(there)[list(found.winner.members)], there) if found.winner else None


def by_frequency(scores: Scores, target: int, there: Flags) -> Answer:
    """The leaf of most taken pictures."""
    hits = scores.hits[target] * there
    return _flags([int(hits.argmax())], there) if hits.any() else None


def by_words(scores: Scores, target: int, there: Flags, *, nouns: Flags, similar: npt.NDArray[np.float64]) -> Answer:
    """The noun that is most like the leaves of the taken pictures, compared with all leaves."""
    hits = scores.hits[target] * there
    if not hits.any():
        return None
    lift = similar[:, there] @ (hits[there] / hits.sum()) - similar[:, there].mean(axis=1)
    lift[~(nouns & there).any(axis=1)] = -np.inf
    return nouns[int(lift.argmax())] & there


def _flags(leaves: npt.ArrayLike, like: Flags) -> Flags:
    flags = np.zeros_like(like)
    flags[leaves] = True
    return flags


def namers(network: Recorded, vectors: WordVectors) -> dict[str, Namer]:
    """The ways, for the corpus of a network."""
    hierarchy, nodes = network.hierarchy, network.nodes
    below: dict[str, list[int]] = {}
    for leaf, node in enumerate(nodes):
        for one in {node, *hierarchy.ancestors(node)}:
            below.setdefault(one, []).append(leaf)
    nouns = np.stack([_flags(leaves, np.zeros(len(nodes), bool)) for leaves in below.values()])
    names = [hierarchy.synonyms(one) for one in below]
    similar = np.nan_to_num(name_similarities(names, [hierarchy.synonyms(node) for node in nodes], vectors))
    return {
        "ours": partial(by_selection, apart=distances(hierarchy, nodes)),
        "most frequent label": by_frequency,
        "hard-label ProbeLog": partial(by_words, nouns=nouns, similar=similar),
    }


def count(network: Recorded, scores: Scores, name: Namer) -> Counts:
    """What becomes of the classes, as they are and with their true regions taken away."""
    counts, everywhere = Counts(), np.ones(len(network.nodes), bool)
    for target, inside in enumerate(network.regions):
        answer = name(scores, target, everywhere)
        if not inside.any():
            counts.absent += 1
            counts.false += answer is not None
            counts.natural += answer is not None
            continue
        counts.covered += 1
        if answer is not None:
            right = inside[answer].mean() > 0.5
            counts.right += right
            counts.wrong += not right
        counts.absent += 1
        counts.false += name(scores, target, ~inside) is not None
    return counts


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", nargs="*", type=Path, default=[HERE / "factory"])
    parser.add_argument("--vectors", type=Path, help="word vectors (default: built in)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write rivals.csv")
    options = parser.parse_args()
    vectors = open_vectors(options.vectors, Path(".cache")) if options.vectors else builtin_vectors()
    rows = []
    for path in options.answers:
        known: dict[str, Namer] = {}
        for network in read(path):
            known = known or namers(network, vectors)
            for budget, (per_leaf, n_views) in BUDGETS.items():
                way = everything if per_leaf == 50 else partial(evenly, per_leaf=per_leaf, n_views=n_views)
                for seed in range(options.seeds):
                    scores, n_sent = ask(network, seed, way)
                    for title, name in known.items():
                        found = count(network, scores, name)
                        rows.append({"family": path.name, "network": network.name, "budget": budget, "way": title,
                                     "queries": n_sent, **vars(found)})  # fmt: skip
    sums = pd.DataFrame(rows).groupby(["family", "budget", "way"], sort=False)
    table = sums[["covered", "right", "wrong", "absent", "false", "natural"]].sum()
    done = [
        {"family": family, "budget": budget, "queries": round(queries), "way": way, "networks": n_networks,
         "right": round(row.right / row.covered, 3), "wrong": round(row.wrong / row.covered, 3),
         "false": round(row.false / row.absent, 3),
         "precision": round(row.right / max(row.right + row.wrong + row.natural, 1), 3)}
        for (family, budget, way), row, queries, n_networks in zip(
            table.index, table.itertuples(), sums["queries"].mean(), sums["network"].nunique(), strict=True)
    ]  # fmt: skip
    for row in done:
        print(row)
    if options.save:
        save(__file__, done)


if __name__ == "__main__":
    main()
