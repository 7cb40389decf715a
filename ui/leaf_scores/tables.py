"""The numbers on the Leaf scores page: a class's ranking and its best leaves."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from fdcore.case import tables
from fdcore.method.findings import Scored
from ui.panels import table_csv

N_BEST = 3  # leaves of each class in the overview


def ranked_leaves(scored: Scored, target_class: int) -> npt.NDArray[np.intp]:
    """All leaves, the best score in the class first; ties in the order of the leaves, unqueried ones last."""
    scores = scored.scores
    order: npt.NDArray[np.intp] = np.lexsort((scores.n_queries == 0, -scores.functional[target_class]))
    return order


def ranking_table(
    scored: Scored, target_class: int, leaves: Sequence[int] | npt.NDArray[np.intp], selected: Collection[int], *,
    first: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """Some leaves' scores in the class, ranks counted from `first`: rank, leaf, selected, L, low, high, ..., id."""
    scores, among = scored.scores, np.asarray(leaves, dtype=np.intp)
    low, high = scores.interval(target_class)
    return pd.DataFrame(
        {
            "rank": np.arange(first, first + len(among)),
            "leaf": scored.labels(among),
            "selected": [leaf in selected for leaf in among.tolist()],
            "L": scores.functional[target_class, among].round(4),
            "low": low[among].round(4),
            "high": high[among].round(4),
            "queries": scores.n_queries[among],
            "images": scores.n_images[among],
            "id": [scores.nodes[leaf] for leaf in among.tolist()],
        }
    )


def ranking_csv(scored: Scored, target_class: int, selected: Collection[int]) -> bytes:
    """The whole ranking of a class as CSV, with formulas made inert."""
    return table_csv(ranking_table(scored, target_class, ranked_leaves(scored, target_class), selected))


def all_scores_csv(scored: Scored) -> bytes:
    """The scores of every class and leaf, as in the case's scores.csv."""
    table = tables.score_rows(scored.scores, scored.hierarchy)
    return table.to_csv(index=False, lineterminator="\n").encode()


def best_leaves(scored: Scored, target_class: int, n: int = N_BEST) -> list[int]:
    """The class's best leaves, without those that have no hit."""
    row = scored.scores.functional[target_class]
    best = np.argpartition(-row, min(n, len(row)) - 1)[:n]
    return [int(leaf) for leaf in best[np.argsort(-row[best], kind="stable")] if row[leaf] > 0]


def overview_leaves(scored: Scored, classes: Sequence[int], n: int = N_BEST) -> list[int]:
    """The best leaves of some classes, in the order of the classes, each once."""
    return list(dict.fromkeys(leaf for number in classes for leaf in best_leaves(scored, number, n)))
