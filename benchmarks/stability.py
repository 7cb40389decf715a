"""How long it takes to map a class's winner over eta and alpha, compared with calling `select` at every point.

    python benchmarks/stability.py

Goal: at most 20 ms for 50 candidates and the default grid. The leaves are ILSVRC's, with their real distances; each
class gets a concept of the hierarchy whose leaves score high, and background noise elsewhere. Both ways must agree at
every point. Results: stability.csv beside this script.
"""

import statistics
import time
from dataclasses import replace
from itertools import product

import numpy as np
from record import save
from selection import ilsvrc_leaves, make_scores

from fdcore.corpus.wordnet import load_wordnet
from fdcore.method.closeness import distances
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, candidates, select
from fdcore.method.stability import StabilityMap, map_stability

N_CLASSES = 20
N_COMPARED = 2  # classes for which `select` is called at every point; about a second each


def select_everywhere(scores: Scores, among: np.ndarray, settings: SelectionSettings, stability: StabilityMap) -> float:
    """Milliseconds for `select` at every point, for the map's class alone; it must give the same winners."""
    i = stability.target_class
    alone = Scores(scores.nodes, scores.hits[i : i + 1], scores.n_queries, scores.n_images, scores.design_effect)
    leaves = np.arange(len(scores.nodes))
    _ = alone.functional
    start = time.perf_counter()
    grid = product(stability.etas.tolist(), stability.alphas.tolist())
    selected = [select(alone, leaves, among, replace(settings, eta=eta, alpha=alpha))[0] for eta, alpha in grid]
    elapsed = 1000 * (time.perf_counter() - start)
    for found, number in zip(selected, stability.winner.ravel().tolist(), strict=True):
        assert found.winner is not None
        assert found.winner.members == stability.winners[number].members
    return elapsed


def main() -> None:
    """Measure with the automatic k and with a fixed one."""
    nodes = ilsvrc_leaves()
    among = distances(load_wordnet(), nodes)
    leaves = np.arange(len(nodes))
    scores = make_scores(nodes, among, N_CLASSES)
    _ = scores.functional
    rows = []
    for k in (None, 10):
        settings = SelectionSettings(tau=0.2, k=k)
        _ = map_stability(scores, leaves, among, settings, 0)  # imports what PAM needs
        times, winners = [], []
        for target_class in range(N_CLASSES):
            start = time.perf_counter()
            stability = map_stability(scores, leaves, among, settings, target_class)
            times.append(1000 * (time.perf_counter() - start))
            winners.append(len(stability.winners))
        maps = [map_stability(scores, leaves, among, settings, i) for i in range(N_COMPARED)]
        everywhere = statistics.median(select_everywhere(scores, among, settings, m) for m in maps)
        sizes = [len(candidates(row, settings)) for row in scores.functional]
        rows.append(
            {
                "n_leaves": len(nodes),
                "k": k or "automatic",
                "mean_candidates": round(statistics.mean(sizes), 1),
                "n_points": stability.winner.size,
                "mean_winners": round(statistics.mean(winners), 1),
                "median_ms": round(statistics.median(times), 2),
                "worst_ms": round(max(times), 2),
                "select_everywhere_ms": round(everywhere),
                "times_faster": round(everywhere / statistics.median(times)),
            }
        )
    save(__file__, rows)


if __name__ == "__main__":
    main()
