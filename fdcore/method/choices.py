"""Choices: an analyst's own answers for single classes, locked by hand, which override what the method found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fdcore.errors import CaseError
from fdcore.method.clustering import Indices, KnownDistances, Matrix
from fdcore.method.scores import Scores, Split
from fdcore.method.selection import Choice, ClassSelection, Cluster, SelectionSettings, candidate_leaves, weigh_groups

__all__ = ["Choice", "apply_choices", "leaves_needed"]


def leaves_needed(
    scores: Scores, settings: SelectionSettings, choices: Mapping[int, Choice], classes: Sequence[int] | None = None
) -> Indices:
    """The leaves whose distances matter, in increasing order: the candidates of `classes` (None: all), and the chosen.

    Raises:
        CaseError: a choice is about a leaf or a class that the scores do not have.
    """
    chosen = _chosen_leaves(scores, choices)
    needed: Indices = np.unique(np.concatenate([candidate_leaves(scores, settings, classes), *chosen.values()]))
    return needed


def apply_choices(
    selections: tuple[ClassSelection, ...],
    choices: Mapping[int, Choice],
    scores: Scores,
    leaves: Indices,
    distances: Matrix,
    settings: SelectionSettings,
) -> tuple[ClassSelection, ...]:
    """Apply the analyst's choices to the method's selections.

    The chosen leaves become the first cluster, measured like any other, even where some lie below tau; the method's own
    clusters follow. A choice of no leaf means "not found": no cluster wins, and the method's clusters remain visible.

    Args:
        selections: what `selection.select` found.
        choices: by class; each class must be among the selections.
        scores: functional scores of every class and leaf.
        leaves: (n,) increasing indices of the leaves whose distances are known: at least `leaves_needed`.
        distances: (n, n) steps in the hierarchy among them; inf where unrelated.
        settings: only alpha and `held_out` are used.

    Raises:
        CaseError: a choice is about a leaf or a class that the scores do not have.
        SettingsError: the distances of a chosen leaf are not known.
    """
    known = KnownDistances(scores.nodes, leaves, distances)
    locked = {selection.target_class: selection for selection in selections}
    for target_class, chosen in _chosen_leaves(scores, choices).items():
        selection = locked[target_class]
        split = scores.split(settings.held_out)
        clusters = _put_first(selection.clusters, chosen, split, known, selection.target_class, settings.alpha)
        locked[target_class] = replace(selection, clusters=clusters, choice=choices[target_class])
    return tuple(locked.values())


def _put_first(
    clusters: tuple[Cluster, ...],
    chosen: Indices,
    split: Split,
    known: KnownDistances,
    target_class: int,
    alpha: float,
) -> tuple[Cluster, ...]:
    """The chosen leaves as the first cluster, followed by the others; unchanged where no leaf is chosen."""
    if not len(chosen):
        return clusters
    wanted = set(chosen.tolist())
    same = [cluster for cluster in clusters if set(cluster.members) == wanted]
    if not same:
        together = np.zeros(len(chosen), np.intp)
        same = [*weigh_groups(split, target_class, chosen, together, known.among(chosen), alpha)]
    return (*same, *(cluster for cluster in clusters if set(cluster.members) != wanted))


def _chosen_leaves(scores: Scores, choices: Mapping[int, Choice]) -> dict[int, Indices]:
    """The leaves of each choice, best score first; ties in the order of the leaves."""
    index = {node: leaf for leaf, node in enumerate(scores.nodes)} if choices else {}
    chosen = {}
    for target_class, choice in choices.items():
        if not target_class < scores.n_classes or target_class != choice.target_class:
            raise CaseError(
                f"Class {target_class} was locked by hand, but the suspect's classes are 0 to "
                f"{scores.n_classes - 1}. Unlock it.",
                key="unknown class",
            )
        if unknown := next((node for node in choice.nodes if node not in index), None):
            raise CaseError(
                f"The answer locked for class {target_class} names the leaf {unknown[:80]!r}, which has no images in "
                "this case's corpus. Unlock the class, or choose again.",
                key="unknown leaf",
            )
        leaves = np.sort(np.array([index[node] for node in choice.nodes], dtype=np.intp))
        chosen[target_class] = leaves[np.argsort(-scores.functional[target_class, leaves], kind="stable")]
    return chosen
