"""Functional scores: how consistently the suspect puts each leaf's views in each class (paper section 4.1.1, step 1).

`ask_suspect` fills the ledger; `score_leaves` turns a ledger's answers into scores without a model. Half of each leaf's
images choose a class's leaves and the other half state how they score, because a score that was chosen for being high
is too high (docs/decisions/0003).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


@dataclass(frozen=True)
class Scores:
    """Functional scores of every class and leaf.

    Attributes:
        nodes: (n_leaves,) node ids.
        hits: (n_classes, n_leaves) int32, views of the leaf that the suspect put in the class.
        n_queries: (n_leaves,) int64, views of the leaf that were answered.
        n_images: (n_leaves,) int64, images of the leaf with at least one answer.
        design_effect: how many answers carry as much information as one independent answer (1 or more).
        halves: the same for each half of the images; None where they were not divided.
    """

    nodes: tuple[str, ...]
    hits: npt.NDArray[np.int32]
    n_queries: npt.NDArray[np.int64]
    n_images: npt.NDArray[np.int64]
    design_effect: float
    halves: "Split | None" = None

    @property
    def n_classes(self) -> int:
        """The number of the suspect's classes."""
        return len(self.hits)

    @cached_property
    def functional(self) -> npt.NDArray[np.float32]:
        """(n_classes, n_leaves) float32, the share of the leaf's views put in the class; 0 without a query."""
        share: npt.NDArray[np.float32] = (self.hits / np.maximum(self.n_queries, 1)).astype(np.float32)
        return share

    @cached_property
    def _undivided(self) -> "Split":
        return Split(self, self)

    def split(self, held_out: bool) -> "Split":
        """The scores that choose and those that state: of one half of the images each, or both of all images."""
        return self.halves if held_out and self.halves else self._undivided

    def part(self, leaves: npt.NDArray[Any], classes: Sequence[int] | None = None) -> "Scores":
        """The scores of some leaves, by index or as flags (n_leaves,), and of some classes; None for all."""
        nodes = tuple(np.array(self.nodes, dtype=object)[leaves])
        hits = (self.hits if classes is None else self.hits[list(classes)])[:, leaves]
        halves = self.halves and Split(self.halves.choosing.part(leaves, classes),
                                       self.halves.stating.part(leaves, classes))  # fmt: skip
        return Scores(nodes, hits, self.n_queries[leaves], self.n_images[leaves], self.design_effect, halves)

    def interval(self, target_class: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The 95 % interval of one class's scores: low and high, each (n_leaves,)."""
        return wilson_interval(self.hits[target_class], self.n_queries, design_effect=self.design_effect)

    def interval_of(self, target_class: int, leaves: Sequence[int]) -> tuple[float, float]:
        """The 95 % interval of the joint score of some leaves in a class."""
        members = list(leaves)
        hits, asked = self.hits[target_class, members].sum(), self.n_queries[members].sum()
        low, high = wilson_interval(hits, asked, design_effect=self.design_effect)
        return float(low), float(high)


@dataclass(frozen=True)
class Split:
    """The scores by which a class's leaves are chosen, and those by which the choice is stated."""

    choosing: Scores
    stating: Scores

    @cached_property
    def typical(self) -> float:
        """How clearly the suspect answers: the median over its classes of their best leaf's functional score."""
        if not self.choosing.functional.size:
            return 0.0
        best = self.choosing.functional.argmax(axis=1)
        return float(np.median(self.stating.functional[np.arange(len(best)), best]))


def wilson_interval(
    hits: npt.ArrayLike, trials: npt.ArrayLike, *, design_effect: float = 1.0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Wilson's 95 % score interval of a proportion, with the sample size divided by the design effect.

    Views of one image are not independent: counting each as a separate trial would make the interval too narrow
    (docs/decisions/0003). Without any trial the interval is 0 to 1.
    """
    n = np.asarray(trials, dtype=np.float64) / design_effect
    p = np.asarray(hits, dtype=np.float64) / np.maximum(np.asarray(trials, dtype=np.float64), 1)
    safe = np.maximum(n, 1e-12)
    centre = (p + Z_95**2 / (2 * safe)) / (1 + Z_95**2 / safe)
    half = Z_95 / (1 + Z_95**2 / safe) * np.sqrt(p * (1 - p) / safe + Z_95**2 / (4 * safe**2))
    low, high = np.clip(centre - half, 0, p), np.clip(centre + half, p, 1)
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0)


def score_leaves(
    answers: npt.NDArray[np.int32],
    node_index: npt.NDArray[np.int32],
    nodes: tuple[str, ...],
    n_classes: int,
    image_ids: npt.NDArray[np.uint64] | None = None,
) -> Scores:
    """Count a ledger's answers per leaf and class.

    Args:
        answers: (n_images, n_views) int32, -1 where not queried.
        node_index: (n_images,) the leaf of each image, an index into `nodes`.
        nodes: (n_leaves,) node ids.
        n_classes: the number of the suspect's classes.
        image_ids: (n_images,) decide which half an image belongs to; None does not divide them.
    """
    whole = _count(answers, node_index, nodes, n_classes)
    per_image = (answers != NOT_ASKED).sum(axis=1)
    alike: float | None = None
    if len(np.unique(per_image[per_image > 0])) > 1:  # only images of several views tell how alike an image's views are
        several = per_image > 1
        part = _count(answers[several], node_index[several], nodes, n_classes)
        alike = (part.design_effect - 1) / (_views(part) - 1)
        whole = replace(whole, design_effect=1 + (_views(whole) - 1) * alike)
    if image_ids is None:
        return whole
    states = stating_half(node_index, image_ids)
    halves = [_count(answers[half], node_index[half], nodes, n_classes) for half in (~states, states)]
    choosing, stating = (
        # One correlation for all: a half of a few images cannot tell how alike an image's views are.
        replace(half, design_effect=whole.design_effect if alike is None else 1 + max(_views(half) - 1, 0) * alike)
        for half in halves
    )
    return replace(whole, halves=Split(choosing, stating))


def _views(scores: Scores) -> float:
    """Views per image."""
    return float(scores.n_queries.sum() / max(scores.n_images.sum(), 1))


def stating_half(node_index: npt.NDArray[np.int32], image_ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Every second image of each leaf, in the order of the ids, which come from the images' content; (n_images,)."""
    order = np.lexsort((image_ids, node_index))
    leaf = node_index[order]
    place = np.arange(len(leaf)) - np.searchsorted(leaf, leaf)
    states = np.zeros(len(leaf), bool)
    states[order] = place % 2 == 1
    return states


def _count(
    answers: npt.NDArray[np.int32], node_index: npt.NDArray[np.int32], nodes: tuple[str, ...], n_classes: int
) -> Scores:
    asked = answers != NOT_ASKED
    per_image = asked.sum(axis=1)
    image, view = np.nonzero(asked)
    labels = answers[image, view].astype(np.int64)
    # One entry per image and class it was put in.
    keys, counts = np.unique(image * n_classes + labels, return_counts=True)
    entry_image, entry_label = np.divmod(keys, n_classes)
    cells = entry_label * len(nodes) + node_index[entry_image]
    hits = np.bincount(cells, weights=counts, minlength=n_classes * len(nodes)).reshape(n_classes, len(nodes))
    n_queries = np.bincount(node_index, weights=per_image, minlength=len(nodes)).astype(np.int64)
    n_images = np.bincount(node_index, weights=per_image > 0, minlength=len(nodes)).astype(np.int64)
    agreement = float((counts**2 / per_image[entry_image]).sum())
    return Scores(
        nodes=nodes,
        hits=hits.astype(np.int32),
        n_queries=n_queries,
        n_images=n_images,
        design_effect=_design_effect(hits, n_queries, n_images, agreement),
    )


def _design_effect(
    hits: npt.NDArray[Any], n_queries: npt.NDArray[np.int64], n_images: npt.NDArray[np.int64], agreement: float
) -> float:
    """Kish's design effect 1 + (v - 1) rho, with v views per image and rho the correlation between an image's views.

    rho is the intraclass correlation of the one-way analysis of variance, pooled over all leaves and classes (Donner
    1986, "A review of inference procedures for the intraclass correlation coefficient"). `agreement` is the sum over
    images and classes of hits^2 / views. Where images have a single view there is nothing to correct; where there are
    too few images to estimate rho, an image counts as one trial.
    """
    asked = n_queries > 0
    views = float(n_queries.sum() / max(n_images.sum(), 1))
    if views <= 1:
        return 1.0
    df_between, df_within = int((n_images[asked] - 1).sum()), int((n_queries[asked] - n_images[asked]).sum())
    between = agreement - float((hits[:, asked] ** 2 / n_queries[asked]).sum())
    within = float(hits.sum()) - agreement
    if df_between == 0 or df_within == 0 or between + within <= 0:
        return views
    ms_between, ms_within = between / df_between, within / df_within
    rho = (ms_between - ms_within) / (ms_between + (views - 1) * ms_within)
    return 1 + (views - 1) * float(np.clip(rho, 0, 1))
