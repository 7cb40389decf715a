"""Naming: what a selection is called, and how much of what it is called it covers."""

from collections.abc import Sequence
from dataclasses import dataclass

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.closeness import coverage


@dataclass(frozen=True)
class Name:
    """The lowest common ancestor of a selection.

    Attributes:
        ancestor: its node id, or None where the selection's leaves are unrelated.
        label: its label; the leaves' own labels where there is no ancestor.
        n_chosen: selected leaves at or under it.
        n_leaves: leaves of the corpus at or under it.
    """

    ancestor: str | None
    label: str
    n_chosen: int
    n_leaves: int


def name_selection(hierarchy: Hierarchy, chosen: Sequence[str], leaves: Sequence[str]) -> Name:
    """Name a selection of leaves by what they have in common.

    Args:
        hierarchy: the corpus' hierarchy.
        chosen: the selected leaves, at least one.
        leaves: all leaves of the corpus.
    """
    ancestor = hierarchy.lowest_common_ancestor(chosen)
    if ancestor is None:
        return Name(None, ", ".join(hierarchy.label(node) for node in chosen), len(chosen), len(chosen))
    n_chosen, n_leaves = coverage(hierarchy, ancestor, chosen, leaves)
    return Name(ancestor, hierarchy.label(ancestor), n_chosen, n_leaves)
