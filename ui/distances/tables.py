"""The table of the Distances page."""

import math
from itertools import islice

import pandas as pd

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.neighbourhood import Neighbourhood


def pairs_table(hierarchy: Hierarchy, shown: Neighbourhood, limit: int) -> pd.DataFrame:
    """The first pairs as a table: both names, steps (missing where unrelated), what they have in common, ids."""
    rows = [
        {
            "first": shown.labels[pair.first],
            "second": shown.labels[pair.second],
            "steps": pair.steps if math.isfinite(pair.steps) else None,
            "ancestor": hierarchy.label(pair.ancestor) if pair.ancestor else "",
            "ids": f"{shown.nodes[pair.first]}, {shown.nodes[pair.second]}",
        }
        for pair in islice(shown.pairs, limit)
    ]
    table = pd.DataFrame(rows, columns=["first", "second", "steps", "ancestor", "ids"])
    return table.astype({"steps": "Int64"})
