"""Why a class's answer calls for caution, judged by its own scores.

`fdcore.verdict` adds what depends on all classes or on changes of eta and alpha.
"""

from collections.abc import Sequence

import numpy as np

from fdcore.corpus.generated import is_generated
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings, limits_of

BELOW_TAU = "interval reaches below tau"  # the answer may be none at all
BELOW_LIMIT = "interval reaches below the evidence limit"  # nor may this one be an answer
EXCLUSIVE = "low score, but the class answers hardly anything else"
MAY_BE_NONE = frozenset((BELOW_TAU, BELOW_LIMIT))
GENERATED = "holds generated pictures"
CATCH_ALL = "answers much of everything"
BETTER_OUTSIDE = "a much better leaf lies outside"
MUCH_BETTER = 0.15  # how much higher than the answer a leaf outside it must score to be reported
CATCH_ALL_SHARE = 0.25  # of the answers elsewhere in the corpus: from here on, a class is a catch-all
CATCH_ALL_TIMES = 2.0  # from half that share on, it is one where L is less than this many times its share elsewhere


def weaknesses(selection: ClassSelection, scores: Scores, settings: SelectionSettings) -> tuple[str, ...]:
    """Why the class's answer calls for caution; empty where there is no reason."""
    winner = selection.winner
    found = ["chosen by hand"] if selection.choice else []
    if winner is None:
        return tuple(found)
    leaves = list(winner.members)
    if any(is_generated(scores.nodes[leaf]) for leaf in leaves):
        found.append(GENERATED)
    if selection.exclusive is not None:
        found.append(EXCLUSIVE)
    elif winner.low < settings.tau:
        found.append(BELOW_TAU)
    elif winner.low < limits_of(scores, settings).evidence:
        found.append(BELOW_LIMIT)
    if is_catch_all(winner.functional, share_elsewhere(scores, selection.target_class, leaves), scores.n_classes):
        found.append(CATCH_ALL)
    if best_outside(scores, selection.target_class, leaves) >= winner.functional + MUCH_BETTER:
        found.append(BETTER_OUTSIDE)
    runner_up = selection.clusters[1] if len(selection.clusters) > 1 else None
    if selection.choice and runner_up and runner_up.objective > winner.objective:
        found.append("another cluster has the higher objective")
    elif runner_up and winner.objective - runner_up.objective < 0.05:
        found.append("close runner-up")
    return tuple(found)


def share_elsewhere(scores: Scores, target_class: int, members: Sequence[int]) -> float:
    """The class's share of the answers in the leaves outside its answer, all leaves weighted equally; 0 without any."""
    outside = np.ones(len(scores.nodes), bool)
    outside[list(members)] = False
    outside &= scores.n_queries > 0
    return float(scores.functional[target_class, outside].mean()) if outside.any() else 0.0


def is_catch_all(functional: float, elsewhere: float, n_classes: int) -> bool:
    """Whether a class is given for so much of everything that its L says little.

    With few classes each must answer a large share of everything, so a share counts as large only where it is at least
    1.5 times that of an even split.
    """
    usual = 1.5 / n_classes
    large = elsewhere >= max(CATCH_ALL_SHARE, usual)
    return large or (elsewhere >= max(CATCH_ALL_SHARE / 2, usual) and functional < CATCH_ALL_TIMES * elsewhere)


def best_outside(scores: Scores, target_class: int, members: Sequence[int]) -> float:
    """The highest score of the class among the queried leaves outside its answer; 0 without any."""
    outside = scores.n_queries > 0
    outside[list(members)] = False
    return float(scores.functional[target_class, outside].max()) if outside.any() else 0.0
