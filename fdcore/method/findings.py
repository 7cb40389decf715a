"""From a suspect's answers to what was found: the paper's steps 1 to 4 in order, in memory. START HERE for the method.

`score` turns the answers into `Scored`, which every conclusion rests on; `weigh` draws the conclusion, as `Findings`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.store import ImageStore
from fdcore.method.choices import Choice, apply_choices, leaves_needed
from fdcore.method.closeness import MAX_KNOWN, distances
from fdcore.method.filtering import FilteredClass, filter_images
from fdcore.method.grades import Grade, grade_of
from fdcore.method.misses import Miss, nearest_miss
from fdcore.method.naming import Name, name_selection
from fdcore.method.scores import Scores, score_leaves
from fdcore.method.selection import ClassSelection, Overall, SelectionSettings, overall, select
from fdcore.method.weaknesses import weaknesses

Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClassFinding:
    """One class's answer."""

    selection: ClassSelection
    filtered: FilteredClass
    name: Name | None
    weaknesses: tuple[str, ...]
    miss: Miss | None = None  # what comes nearest, where nothing was found
    grade: Grade | None = None  # how far the method's answer can be relied on


@dataclass(frozen=True)
class ImageTable:
    """The images of a case, in the ledger's order.

    Attributes:
        nodes: (n_leaves,) ids of the leaves, sorted.
        node_index: (n_images,) int32, index into `nodes`.
        names: (n_images,) corpus folder and relative path.
        sha256: (n_images,) of the image files.
    """

    nodes: tuple[str, ...]
    node_index: npt.NDArray[np.int32]
    names: tuple[str, ...]
    sha256: tuple[str, ...]

    @classmethod
    def of(cls, store: ImageStore) -> "ImageTable":
        """The images of a store."""
        return cls(store.nodes, store.node_index, store.names, store.sha256)


@dataclass(frozen=True)
class Scored:
    """Everything that a conclusion can rest on once the suspect has been queried. Read only.

    Attributes:
        images: the images the suspect was queried with.
        answers: (n_images, n_views) int32, -1 where not queried; a copy in memory.
        image_ids: (n_images,) uint64.
        header: what the answers belong to.
        n_sent: queries ever sent to the suspect.
        saved: whether what was not sent was left out on purpose (`fdcore.method.adaptive`).
    """

    scores: Scores
    images: ImageTable
    answers: npt.NDArray[np.int32]
    image_ids: npt.NDArray[np.uint64]
    hierarchy: Hierarchy
    header: LedgerHeader
    n_sent: int
    saved: bool = False

    @property
    def complete(self) -> bool:
        """Whether every planned query was answered; False where the budget ran out first."""
        return self.saved or bool((self.answers >= 0).all())

    @cached_property
    def _all_distances(self) -> npt.NDArray[np.float32]:
        return distances(self.hierarchy, self.scores.nodes)

    def distances(self, leaves: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """The distances (n, n) among some leaves, in steps; cached where the corpus is small enough."""
        if len(self.scores.nodes) <= MAX_KNOWN:
            among: npt.NDArray[np.float32] = self._all_distances[np.ix_(leaves, leaves)]
            return among
        return distances(self.hierarchy, [self.scores.nodes[leaf] for leaf in leaves])

    def label(self, leaf: int) -> str:
        """The name of a leaf."""
        return self.hierarchy.label(self.scores.nodes[leaf])

    def labels(self, leaves: Any) -> list[str]:
        """The names of some leaves."""
        return [self.label(int(leaf)) for leaf in leaves]


@dataclass(frozen=True)
class Findings:
    """Everything that an analysis found: one answer per class, in order, and the whole model's L and S."""

    scored: Scored
    settings: SelectionSettings
    classes: tuple[ClassFinding, ...]
    overall: Overall


def score(ledger: Ledger, images: ImageTable, hierarchy: Hierarchy) -> Scored:
    """Score a copy of a ledger's answers; the ledger may still be written to."""
    answers, image_ids = np.array(ledger.answers), np.array(ledger.image_ids)
    return Scored(
        scores=score_leaves(answers, images.node_index, images.nodes, ledger.header.n_classes, image_ids),
        images=images,
        answers=answers,
        image_ids=image_ids,
        hierarchy=hierarchy,
        header=ledger.header,
        n_sent=ledger.n_sent,
    )


def weigh(
    scored: Scored, settings: SelectionSettings, choices: Mapping[int, Choice] = MappingProxyType({})
) -> Findings:
    """Closeness, selection, the analyst's choices, filtering and naming, without touching any file.

    Raises:
        CaseError: a choice is about leaves or classes that the case does not have.
    """
    classes = _weigh(scored, settings, choices, None)
    return Findings(scored, settings, classes, overall(tuple(found.selection for found in classes)))


def weigh_class(
    scored: Scored,
    settings: SelectionSettings,
    target_class: int,
    choices: Mapping[int, Choice] = MappingProxyType({}),
) -> ClassFinding:
    """One class's answer, identical to that of `weigh`, without computing the others.

    Raises:
        CaseError: the choice for this class is about leaves that the case does not have.
    """
    own = {target_class: choices[target_class]} if target_class in choices else {}
    return _weigh(scored, settings, own, (target_class,))[0]


def _weigh(
    scored: Scored, settings: SelectionSettings, choices: Mapping[int, Choice], classes: Sequence[int] | None
) -> tuple[ClassFinding, ...]:
    """The answers of some classes, or of all."""
    scores, hierarchy = scored.scores, scored.hierarchy
    leaves = leaves_needed(scores, settings, choices, classes)
    among = scored.distances(leaves)
    selections = select(scores, leaves, among, settings, classes)
    selections = apply_choices(selections, choices, scores, leaves, among, settings)
    filtered = filter_images(selections, scored.answers, scored.images.node_index)
    names = [_name(selection, scored) for selection in selections]
    doubts = [weaknesses(selection, scores, settings) for selection in selections]
    misses = [nearest_miss(selection, scores, hierarchy, settings) for selection in selections]
    grades = [grade_of(selection, scores, scored.distances, settings) for selection in selections]
    return tuple(map(ClassFinding, selections, filtered, names, doubts, misses, grades))


def _name(selection: ClassSelection, scored: Scored) -> Name | None:
    """The name of the answer: the analyst's own where one was given."""
    if selection.winner is None:
        return None
    nodes = scored.scores.nodes
    name = name_selection(scored.hierarchy, [nodes[leaf] for leaf in selection.winner.members], nodes)
    return replace(name, label=selection.choice.name) if selection.choice and selection.choice.name else name
