"""The paper's own example (Table 1): the airplane class, with distances as in its Figure 2."""

import numpy as np

from fdcore.method.scores import Scores

NODES = ("airliner", "wing", "warplane", "hammerhead", "alp")
HITS = [94, 92, 84, 97, 60]
DISTANCES = np.array([
    [0, 4, 3, 17, 13], [4, 0, 4, 17, 12], [3, 4, 0, 17, 13], [17, 17, 17, 0, 15], [13, 12, 13, 15, 0],
], np.float32)  # fmt: skip


def make_scores(hits: list[list[int]], n_queries: int = 100, nodes: tuple[str, ...] = NODES) -> Scores:
    """Scores of classes with these hits in each leaf, every image of which was asked about twice."""
    table = np.array(hits, np.int32)
    asked = np.full(table.shape[1], n_queries)
    return Scores(nodes, table, asked, asked // 2, design_effect=1.0)
