"""Which nodes to make pictures of next: from general to specific, by the scores (paper section 6.1).

The first round is the node itself. After each round the children of the node that scored best are next, as long as the
best score rises.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fdcore.corpus.generated import is_generated
from fdcore.corpus.hierarchy import Hierarchy


class Tried(NamedTuple):
    """A node whose pictures were sent.

    Attributes:
        score: the share of their views that the suspect put in the class, from 0 to 1.
    """

    node: str
    score: float


class Step(NamedTuple):
    """The nodes of the next round. After the last round it has none, and `why` says in words why it was the last."""

    nodes: tuple[str, ...]
    why: str = ""


def best_of(tried: Sequence[Tried]) -> Tried:
    """The node with the highest score; among equals the one with the smaller id."""
    return min(tried, key=lambda one: (-one.score, one.node))


def next_step(
    hierarchy: Hierarchy, below: str, rounds: Sequence[Sequence[Tried]], *, max_rounds: int, max_nodes: int
) -> Step:
    """The next round.

    Args:
        hierarchy: leaves of generated pictures in it are not taken for children.
        below: the node of the first round.
        rounds: those made so far, each with at least one node.
        max_rounds: the most rounds.
        max_nodes: the most nodes of a round; of more children, those with the most descendants are taken.

    Raises:
        CorpusError: a node is unknown.
    """
    if not rounds:
        hierarchy.index(below)
        return Step((below,))
    best = best_of(rounds[-1])
    if len(rounds) > 1 and best.score <= best_of(rounds[-2]).score:
        return Step((), "the score no longer rises")
    children = [node for node in hierarchy.children(best.node) if not is_generated(node)]
    if not children:
        return Step((), f"nothing lies below {hierarchy.label(best.node)} in the hierarchy")
    if len(rounds) >= max_rounds:
        return Step((), f"{max_rounds} {'round was' if max_rounds == 1 else 'rounds were'} allowed")
    children.sort(key=lambda node: (-len(hierarchy.descendants(node)), node))
    return Step(tuple(children[:max_nodes]))
