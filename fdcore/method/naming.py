"""Naming: the name of a selection, and how much of what the name stands for is selected."""

from collections.abc import Sequence
from dataclasses import dataclass

from fdcore.corpus.generated import MARK, is_generated
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.closeness import coverage


@dataclass(frozen=True)
class Name:
    """The lowest common ancestor of a selection.

    Attributes:
        ancestor: its node id; None where the selected leaves are unrelated.
        label: its label; the leaves' own labels where there is no ancestor.
        n_chosen: selected leaves at or under it.
        n_leaves: leaves of the corpus at or under it.
    """

    ancestor: str | None
    label: str
    n_chosen: int
    n_leaves: int


def name_selection(hierarchy: Hierarchy, chosen: Sequence[str], leaves: Sequence[str]) -> Name:
    """Name the chosen leaves, at least one, by their lowest common ancestor; `leaves` are all leaves of the corpus.

    The name carries the mark of generated pictures where all of the chosen leaves hold such.
    """
    ancestor = hierarchy.lowest_common_ancestor(chosen)
    if ancestor is None:
        return Name(None, ", ".join(hierarchy.label(node) for node in chosen), len(chosen), len(chosen))
    n_chosen, n_leaves = coverage(hierarchy, ancestor, chosen, leaves)
    mark = f" {MARK}" if ancestor not in chosen and all(map(is_generated, chosen)) else ""
    return Name(ancestor, f"{hierarchy.label(ancestor)}{mark}", n_chosen, n_leaves)
