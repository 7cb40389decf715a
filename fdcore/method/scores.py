"""Functional scores: how consistently the suspect puts each leaf's views in each class (paper section 4.1.1, step 1).

`ask_suspect` fills the ledger; `score_leaves` turns a ledger's answers into scores without a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """

    nodes: tuple[str, ...]
    hits: npt.NDArray[np.int32]
    n_queries: npt.NDArray[np.int64]
    n_images: npt.NDArray[np.int64]
    design_effect: float

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
    def typical(self) -> float:
        """How clearly the suspect answers: the median over its classes of their best leaf's functional score."""
        return float(np.median(self.functional.max(axis=1))) if self.functional.size else 0.0

    def only(self, kept: npt.NDArray[np.bool_]) -> "Scores":
        """The scores of a corpus with only the leaves (n_leaves,) that are kept."""
        nodes = tuple(node for node, keep in zip(self.nodes, kept, strict=True) if keep)
        return Scores(nodes, self.hits[:, kept], self.n_queries[kept], self.n_images[kept], self.design_effect)

    def interval(self, target_class: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The 95 % interval of one class's scores: low and high, each (n_leaves,)."""
        return wilson_interval(self.hits[target_class], self.n_queries, design_effect=self.design_effect)

    def interval_of(self, target_class: int, leaves: Sequence[int]) -> tuple[float, float]:
        """The 95 % interval of the joint score of some leaves in a class."""
        members = list(leaves)
        hits, asked = self.hits[target_class, members].sum(), self.n_queries[members].sum()
        low, high = wilson_interval(hits, asked, design_effect=self.design_effect)
        return float(low), float(high)


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
    answers: npt.NDArray[np.int32], node_index: npt.NDArray[np.int32], nodes: tuple[str, ...], n_classes: int
) -> Scores:
    """Count a ledger's answers per leaf and class.

    Args:
        answers: (n_images, n_views) int32, -1 where not queried.
        node_index: (n_images,) the leaf of each image, an index into `nodes`.
        nodes: (n_leaves,) node ids.
        n_classes: the number of the suspect's classes.
    """
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
