"""The outputs of classifiers of texts that were never trained, for the comparison in `fdcore.verdict.chance`.

Each is a random linear classifier over hashed words, word pairs or letters: it answers by which words a text has, and
so agrees on texts that share words. What it cannot do is agree on a topic's texts beyond that.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from fdcore.progress import Progress, silent
from fdcore.verdict.untrained import ANSWERING, EXPLAINING, N_OUTPUTS, Outputs

N_HASHES = 1 << 14
READINGS: tuple[dict[str, Any], ...] = (
    {"binary": True},
    {"norm": None},
    {"ngram_range": (1, 2)},
    {"analyzer": "char_wb", "ngram_range": (1, 1)},
    {"analyzer": "char_wb", "ngram_range": (2, 3)},
    {"analyzer": "char_wb", "ngram_range": (3, 5)},
)
"""What a classifier sees of a text: its words, how often, pairs of them, its letters, groups of letters."""


def untrained_text_outputs(texts: Sequence[str], *, progress: Progress = silent) -> tuple[list[Outputs], list[Outputs]]:
    """The outputs (n, `N_OUTPUTS`) of two groups of classifiers: one explains answers, the other gives them."""
    groups: tuple[list[Outputs], list[Outputs]] = ([], [])
    for number, reading in enumerate(READINGS):
        hashed = HashingVectorizer(n_features=N_HASHES, dtype=np.float32, **reading).transform(texts)
        for group, seed in zip(groups, (EXPLAINING, ANSWERING), strict=True):
            weights = np.random.default_rng([seed, number]).standard_normal((N_HASHES, N_OUTPUTS), np.float32)
            group.append(np.asarray(normalize(hashed) @ weights, np.float32))
        progress("Querying untrained classifiers", number + 1, len(READINGS))
    return groups
