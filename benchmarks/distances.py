"""How long distances in the shipped hierarchy take, and how much memory they hold.

    python benchmarks/distances.py

Goals: among 1,000 leaves below 0.5 s; among 10,000 leaves no more memory than the float32 matrix and small change.
The 1,000 leaves are those of ILSVRC, the 10,000 a fixed sample of the table's nodes without children. Time and memory
are measured in separate calls, because tracing memory costs time. Results: distances.csv beside this script.
"""

import random
import statistics
import time
import tracemalloc
from collections.abc import Sequence

from record import save
from selection import ilsvrc_leaves

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.method.closeness import distances

N_REPEATS = 5
SEED = 0


def measure(hierarchy: Hierarchy, leaves: Sequence[str]) -> dict[str, object]:
    """Median and best time of several calls, and the peak of what another call allocates."""
    times = []
    for _ in range(N_REPEATS):
        start = time.perf_counter()
        distances(hierarchy, leaves)
        times.append(time.perf_counter() - start)
    tracemalloc.start()
    matrix = distances(hierarchy, leaves)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "n_leaves": len(leaves),
        "median_s": round(statistics.median(times), 4),
        "best_s": round(min(times), 4),
        "peak_mib": round(peak / 2**20, 1),
        "matrix_mib": round(matrix.nbytes / 2**20, 1),
    }


def main() -> None:
    """Measure both sizes, print them and write the CSV."""
    hierarchy = load_wordnet()
    childless = [node for node in hierarchy.ids if not hierarchy.children(node)]
    many = random.Random(SEED).sample(childless, 10_000)
    save(__file__, [measure(hierarchy, leaves) for leaves in (ilsvrc_leaves(), many)])


if __name__ == "__main__":
    main()
