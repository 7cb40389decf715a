"""How long it takes to select again for all classes when alpha, eta or tau change.

    python benchmarks/selection.py

Goals: below 50 ms at 1,000 leaves x 10 classes, below 1 s at 1,000 x 1,000. The leaves are ILSVRC's, with their real
distances; each class gets a concept of the hierarchy whose leaves score high, and background noise elsewhere.
Results: selection.csv beside this script.
"""

import itertools
import statistics
import time

import numpy as np
from record import save

from fdcore.corpus.wordnet import load_wordnet, timm_info
from fdcore.method.closeness import distances
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, select

N_QUERIES = 400
SETTINGS = [
    SelectionSettings(alpha=alpha, eta=eta, tau=tau)
    for alpha, eta, tau in itertools.product((0.3, 0.7, 1.0), (2.5, 4.5, 8.5), (0.2, 0.3))
]


def ilsvrc_leaves() -> tuple[str, ...]:
    """The 1,000 leaves of ILSVRC, sorted."""
    return tuple(sorted((timm_info() / "imagenet_synsets.txt").read_text("utf-8").split()))


def make_scores(nodes: tuple[str, ...], among: np.ndarray, n_classes: int) -> Scores:
    """Scores that decrease with the distance to each class's own leaf, plus a few strays."""
    rng = np.random.default_rng(0)
    centres = rng.permutation(len(nodes))[np.arange(n_classes) % len(nodes)]
    expected = np.clip(1.0 - 0.09 * among[centres], 0.02, 0.95)
    strays = rng.random(expected.shape) < 0.005
    hits = rng.binomial(N_QUERIES, np.where(strays, 0.5, expected)).astype(np.int32)
    asked = np.full(len(nodes), N_QUERIES)
    return Scores(nodes, hits, asked, asked // 8, design_effect=2.0)


def main() -> None:
    """Measure both sizes over a grid of settings."""
    nodes = ilsvrc_leaves()
    among = distances(load_wordnet(), nodes)
    leaves = np.arange(len(nodes))
    rows = []
    for n_classes in (10, 1000):
        scores = make_scores(nodes, among, n_classes)
        _ = scores.functional  # computed once per case, not per slider move
        times, candidates = [], []
        for settings in SETTINGS:
            start = time.perf_counter()
            selections = select(scores, leaves, among, settings)
            times.append(1000 * (time.perf_counter() - start))
            candidates.append(statistics.mean(len(s.candidates) for s in selections))
        rows.append(
            {
                "n_leaves": len(nodes),
                "n_classes": n_classes,
                "median_ms": round(statistics.median(times), 1),
                "worst_ms": round(max(times), 1),
                "mean_candidates": round(statistics.mean(candidates), 1),
            }
        )
    save(__file__, rows)


if __name__ == "__main__":
    main()
