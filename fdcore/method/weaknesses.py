"""Why a class's answer should be taken with care, as far as its own scores tell.

What depends on the whole, or on moves of eta and alpha, is added by `fdcore.verdict`.
"""

from collections.abc import Sequence

import numpy as np

from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings

BELOW_TAU = "interval reaches below tau"  # the answer may be none at all
CATCH_ALL = "answers much of everything"
BETTER_OUTSIDE = "a much better leaf lies outside"
MUCH_BETTER = 0.15  # by which a leaf outside an answer scores higher than the answer, to be told
CATCH_ALL_SHARE = 0.25  # of the answers elsewhere in the corpus, from which a class of many answers too much
CATCH_ALL_TIMES = 2.0  # a class of few answers too much when L is less than so many times its share elsewhere


def weaknesses(selection: ClassSelection, scores: Scores, settings: SelectionSettings) -> tuple[str, ...]:
    """Why the class's answer should be taken with care, in words; empty when nothing speaks against it."""
    winner = selection.winner
    found = ["chosen by hand"] if selection.choice else []
    if winner is None:
        return tuple(found)
    leaves = list(winner.members)
    low, high = scores.interval_of(selection.target_class, leaves)
    if len(leaves) == 1:
        found.append("a single leaf")
    if winner.functional < 0.5:
        found.append("low score")
    if low < settings.tau:
        found.append(BELOW_TAU)
    if high - low > 0.3:
        found.append("wide interval")
    if is_catch_all(winner.functional, share_elsewhere(scores, selection.target_class, leaves), scores.n_classes):
        found.append(CATCH_ALL)
    if best_outside(scores, selection.target_class, leaves) >= winner.functional + MUCH_BETTER:
        found.append(BETTER_OUTSIDE)
    runner_up = selection.clusters[1] if len(selection.clusters) > 1 else None
    if runner_up and runner_up.objective > winner.objective:
        found.append("another cluster has the higher objective")
    elif runner_up and winner.objective - runner_up.objective < 0.05:
        found.append("close runner-up")
    return tuple(found)


def share_elsewhere(scores: Scores, target_class: int, members: Sequence[int]) -> float:
    """The class's share of the answers in the leaves outside its answer, each leaf counting the same; 0 if none are."""
    outside = np.ones(len(scores.nodes), bool)
    outside[list(members)] = False
    outside &= scores.n_queries > 0
    return float(scores.functional[target_class, outside].mean()) if outside.any() else 0.0


def is_catch_all(functional: float, elsewhere: float, n_classes: int) -> bool:
    """Whether a class answers so much everywhere that its L says little.

    With few classes each must answer a large share of everything, so a share counts as large only from half as much
    again as an even split on.
    """
    usual = 1.5 / n_classes
    large = elsewhere >= max(CATCH_ALL_SHARE, usual)
    return large or (elsewhere >= max(CATCH_ALL_SHARE / 2, usual) and functional < CATCH_ALL_TIMES * elsewhere)


def best_outside(scores: Scores, target_class: int, members: Sequence[int]) -> float:
    """The highest score of the class among the leaves outside its answer that were asked; 0 if none were."""
    outside = scores.n_queries > 0
    outside[list(members)] = False
    return float(scores.functional[target_class, outside].max()) if outside.any() else 0.0
