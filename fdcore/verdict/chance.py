"""Would a network that was never trained have given similar answers about the same pictures?

An untrained network answers by colour, brightness and coarse shape, and the pictures of a leaf look alike: they get the
same answer far more often than by chance alone. The same is true of a network that learned noise. What neither can do
is agree on a leaf's pictures *beyond* what such simple features explain. This is measured in three steps:

1. *Consistency*. Ridge regression, fitted to the other leaves, predicts the suspect's answer from the outputs of
   untrained networks. The share of the unexplained part that pictures of one leaf have in common is the intraclass
   correlation of a one-way analysis of variance (Fisher 1925), summed over the classes.
2. *The null*. Other untrained networks, each with many random last layers, answer about the same pictures and use their
   classes as evenly as the suspect does. Their consistency is measured in the same way.
   A background class (`fdcore.verdict.background`) counts in both: the null has a class that is as frequent.
3. *Comparison*. The suspect's consistency is compared with the null's. This is not a significance test: the last layers
   of one network answer alike, so the null is only as deep as the number of its networks, and a test of exact level
   over six of them could not report less than 1/7. How often the rule errs was measured instead (docs/decisions/0007).

Neither the hierarchy nor any setting of the analysis matters: once the suspect has been queried, the outcome is fixed.
Only the second look without what was found (`fdcore.verdict.second_look`) depends on both.
The comparison needs the pictures, so it is made when the querying ends and kept as a few numbers.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from fdcore.method.findings import Findings, Pictures
from fdcore.method.sets import sets_of
from fdcore.progress import Progress, silent
from fdcore.texts import as_texts, is_text
from fdcore.verdict.second_look import SecondLook, leaves_left, sources_of, strongest

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.intp]
Outputs = tuple[Sequence[npt.NDArray[np.float32]], Sequence[npt.NDArray[np.float32]]]  # explaining, answering

PER_LEAF, MAX_PICTURES = 12, 2_400  # pictures that are compared, per leaf and in all
MIN_LEAVES = 20  # leaves with two pictures or more that a comparison needs
MIN_LEAVES_OF_SET = 10  # for one set, which is compared with the null on the same leaves
N_COMPONENTS = 20  # principal components of one untrained network's outputs
RIDGE, N_FOLDS = 0.3, 5
N_HEADS, N_HEADS_OF_MANY, MANY = 15, 4, 20  # random last layers per kind and network; fewer for many classes
N_HIDDEN = 64
N_BALANCING = 15  # steps that adjust the classes to their shares

MARGIN = 1.25  # untrained networks are ruled out above this multiple of the null's highest consistency
LEVEL = 0.05  # the largest share of the null, including the suspect, at which the question is left open


@dataclass(frozen=True)
class SetChance:
    """The same on one set of the corpus alone: its name, the suspect's consistency and the null's highest."""

    name: str
    consistency: float
    highest: float

    @property
    def in_words(self) -> str:
        """Such as "0.56 (untrained: at most 0.07)"."""
        return f"{self.consistency:.2f} (untrained: at most {max(self.highest, 0.0):.2f})"


@dataclass(frozen=True)
class Chance:
    """How the suspect's consistency compares with that of untrained networks over the same pictures.

    Attributes:
        consistency: the suspect's, -1 to 1; 0 where simple features explain everything.
        highest: the highest consistency of the null.
        n_null: measured random last layers, over all untrained networks.
        n_as_high: how many of these are at least as consistent as the suspect.
        n_pictures: pictures compared.
        n_networks: untrained networks with these last layers.
        rest: the same without what was found; None where fewer than `MIN_LEAVES` leaves are left.
        sets: the same for each set of the corpus, where there are several; one of few leaves is left out.
    """

    consistency: float
    highest: float
    n_null: int
    n_as_high: int
    n_pictures: int
    n_networks: int = 6  # cases of versions that did not record it used six
    rest: SecondLook | None = None
    sets: tuple[SetChance, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.consistency + self.highest) and 0 <= self.n_as_high <= self.n_null):
            raise ValueError("its numbers are impossible")

    @property
    def share(self) -> float:
        """The share of the null, including the suspect, that is as consistent: above 0, but not a p-value."""
        return (self.n_as_high + 1) / (self.n_null + 1)

    @property
    def ruled_out(self) -> bool:
        """Whether the suspect is clearly more consistent than the whole null."""
        return self.n_as_high == 0 and self.consistency > MARGIN * max(self.highest, 0.0)

    @property
    def left_open(self) -> bool:
        """Whether little of the null is as consistent, but untrained networks cannot be ruled out."""
        return not self.ruled_out and self.share <= LEVEL

    def in_words(self) -> str:
        """The measurement in one sentence."""
        return (
            f"Beyond what untrained networks see, the answers to pictures of one leaf correlate by "
            f"{self.consistency:.3f}; of {self.n_null:,} random last layers on {self.n_networks:,} untrained networks, "
            f"queried with {self.n_pictures:,} of the same pictures, {self.n_as_high:,} "
            f"{'reaches' if self.n_as_high == 1 else 'reach'} that value (highest: {self.highest:.3f})."
        )


def pictures_to_compare(answers: npt.NDArray[np.int32], leaf_of: npt.NDArray[np.integer[Any]]) -> Ints:
    """Sample the pictures to compare: the first answered ones of each leaf; of many leaves, those at even steps.

    Args:
        answers: (n_images,) labels of the unchanged pictures, -1 where not queried.
        leaf_of: (n_images,) the leaf of each.

    Returns:
        Numbers of pictures, leaf by leaf; none where fewer than `MIN_LEAVES` leaves have two.
    """
    asked = np.flatnonzero(answers >= 0)
    by_leaf = asked[np.argsort(leaf_of[asked], kind="stable")]
    groups = np.split(by_leaf, np.flatnonzero(np.diff(leaf_of[by_leaf])) + 1)
    several = [group for group in groups if len(group) > 1]
    if len(several) < MIN_LEAVES:
        return by_leaf[:0]
    per_leaf = min(max(MAX_PICTURES // len(several), 4), PER_LEAF)
    n_leaves = min(len(several), MAX_PICTURES // per_leaf)
    steps = np.linspace(0, len(several) - 1, n_leaves).round().astype(np.intp)
    return np.concatenate([several[step][:per_leaf] for step in steps])


def ask_untrained(findings: Findings, pixels: Pictures, progress: Progress = silent) -> Chance | None:
    """Query untrained networks with the pictures that the suspect answered, and compare; None for a small corpus.

    `pixels` (n_images, H, W, C) are in the order of the answers. The findings matter for the second look only.
    """
    scored = findings.scored
    chosen = pictures_to_compare(scored.answers[:, 0], scored.images.node_index)
    if not len(chosen):
        return None
    # imported here, so that a finished case is read without torch
    if is_text(pixels):
        from fdcore.verdict.untrained_texts import untrained_text_outputs

        return compare(findings, chosen, untrained_text_outputs(as_texts(pixels[chosen]), progress=progress), progress)
    from fdcore.verdict.untrained import untrained_outputs

    outputs = untrained_outputs(pixels, chosen, progress=progress)
    return compare(findings, chosen, outputs, progress)


def compare(findings: Findings, chosen: Ints, outputs: Outputs, progress: Progress = silent) -> Chance:
    """`ask_untrained` where the untrained networks' outputs for the chosen pictures (n,) are known."""
    progress("Comparing with untrained networks", 0, 2)
    # Hundreds of small products: a second BLAS thread waits for the first longer than it computes.
    with threadpool_limits(1, user_api="blas"):
        compared = _compare(findings, chosen, outputs)
        progress("Comparing with untrained networks", 1, 2)
        rest = _look_again(findings, chosen, outputs)
        sets = _each_set(findings, chosen, outputs)
    progress("Comparing with untrained networks", 2, 2)
    return replace(compared, rest=rest, sets=sets)


def _compare(findings: Findings, chosen: Ints, outputs: Outputs) -> Chance:
    """The comparison on some pictures (n,), with the outputs of both groups of untrained networks for them."""
    scored = findings.scored
    return compare_with_chance(scored.answers[chosen, 0], scored.images.node_index[chosen], *outputs)


def _look_again(findings: Findings, chosen: Ints, outputs: Outputs) -> SecondLook | None:
    """The comparison on the pictures that are left without what was found, of the source that exceeds the null most."""
    scores, leaf_of = findings.scored.scores, findings.scored.images.node_index[chosen]
    leaves = np.unique(leaf_of)
    all_left = leaves_left(findings, leaves)
    source_of = sources_of(scores)[all_left]
    looks = []
    for folder in np.unique(source_of).tolist():
        left = all_left[source_of == folder]
        kept = np.isin(leaf_of, left)
        if len(left) < MIN_LEAVES:
            continue
        explaining, answering = ([seen[kept] for seen in group] for group in outputs)
        found = _compare(findings, chosen[kept], (explaining, answering))
        if found.n_null:
            looks.append(
                SecondLook(found.consistency, found.highest, int(kept.sum()), len(left), len(leaves) - len(left),
                           *strongest(scores, left), folder)
            )  # fmt: skip
    return max(looks, key=lambda look: look.times, default=None)


def _each_set(findings: Findings, chosen: Ints, outputs: Outputs) -> tuple[SetChance, ...]:
    """The comparison on the pictures of each set by itself; nothing where there is one set."""
    leaf_of = findings.scored.images.node_index[chosen]
    set_of = sets_of(findings.scored.scores.nodes)[leaf_of]
    names = np.unique(set_of).tolist()
    found = []
    for name in names if len(names) > 1 else ():
        kept = set_of == name
        if len(np.unique(leaf_of[kept])) >= MIN_LEAVES_OF_SET:
            explaining, answering = ([seen[kept] for seen in group] for group in outputs)
            one = _compare(findings, chosen[kept], (explaining, answering))
            found.append(SetChance(name, one.consistency, one.highest))
    return tuple(found)


def compare_with_chance(
    answers: npt.NDArray[np.integer[Any]],
    leaf_of: npt.NDArray[np.integer[Any]],
    explaining: Sequence[npt.NDArray[np.float32]],
    answering: Sequence[npt.NDArray[np.float32]],
) -> Chance:
    """Measure the suspect's consistency and that of untrained networks.

    Args:
        answers: (n,) the suspect's label of each picture.
        leaf_of: (n,) the leaf of each picture, in increasing order (see `pictures_to_compare`).
        explaining: (n, any) outputs of the untrained networks that explain answers.
        answering: outputs of the others, which form the null.
    """
    _, used = np.unique(answers, return_inverse=True)
    shares = np.bincount(used) / len(used)
    if len(shares) < 2:
        return Chance(0.0, 0.0, 0, 0, len(answers), len(answering))
    starts = np.flatnonzero(np.diff(leaf_of, prepend=-1))
    unexplained = _Unexplained(np.concatenate([_components(seen) for seen in explaining], axis=1), starts)
    [own] = unexplained.consistencies([used], len(shares))
    null = [
        value
        for labels in _random_answers(answering, shares)
        for value in unexplained.consistencies(labels, len(shares))
    ]
    return Chance(own, max(null), len(null), sum(value >= own for value in null), len(answers), len(answering))


class _Unexplained:
    """The part of the answers that simple features do not explain.

    Args:
        features: (n, d) standardised.
        starts: (n_leaves,) where each leaf begins; the pictures of a leaf are consecutive.
    """

    def __init__(self, features: Floats, starts: Ints) -> None:
        self._starts, self._sizes = starts, np.diff(starts, append=len(features))
        fold_of_leaf = np.random.default_rng(0).permutation(len(starts)) % N_FOLDS
        folds = np.repeat(fold_of_leaf, self._sizes)
        self._fits = [self._fit(features, folds == fold) for fold in range(N_FOLDS)]

    @staticmethod
    def _fit(features: Floats, out: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
        """The held-out pictures, their features, and the map from the others' answers to coefficients (d, others)."""
        seen = features[~out]
        inner = seen.T @ seen + RIDGE * len(seen) * np.eye(seen.shape[1], dtype=seen.dtype)
        return out, features[out], np.linalg.solve(inner, seen.T)

    def consistencies(self, labels: Sequence[Ints], n_classes: int) -> list[float]:
        """For each labelling (n,) the intraclass correlation, within leaves, of the unexplained part."""
        columns = slice(1 if n_classes == 2 else None)  # of two classes, one determines the other
        answers = np.concatenate([np.eye(n_classes, dtype=np.float32)[each][:, columns] for each in labels], axis=1)
        rest = np.empty_like(answers)
        for out, features, solve in self._fits:
            mean = answers[~out].mean(axis=0)
            rest[out] = answers[out] - mean - features @ (solve @ (answers[~out] - mean))
        per_labelling = np.split(rest, len(labels), axis=1)
        return [_intraclass(values, self._starts, self._sizes) for values in per_labelling]


def _intraclass(values: Floats, starts: Ints, sizes: Ints) -> float:
    """The intraclass correlation of values (n, k): the share of their variance that lies between groups."""
    between, within = _variances(values, starts, sizes)
    return between / (between + within) if between + within > 1e-12 else 0.0


def _variances(values: Floats, starts: Ints, sizes: Ints) -> tuple[float, float]:
    """Unbiased estimates of the variance of values (n, k) between groups and within them, summed over columns.

    The squared deviations of L means are divided by L - 1, because the grand mean is estimated from them too, and the
    part that stems from the variance within groups is subtracted. All groups have equal weight, regardless of size.
    """
    values = values.astype(np.float64)
    means = np.add.reduceat(values, starts) / sizes[:, None]
    squares = np.add.reduceat((values**2).sum(axis=1), starts) / sizes
    within = (squares - (means**2).sum(axis=1)) * sizes / (sizes - 1)
    spread = ((means - means.mean(axis=0)) ** 2).sum() / (len(means) - 1)
    return float(spread - (within / sizes).mean()), float(within.mean())


def _random_answers(answering: Sequence[npt.NDArray[np.float32]], shares: Floats) -> Iterator[list[Ints]]:
    """For each network, labels (n,) by random last layers, with each class as frequent as in `shares`.

    There are three kinds: over all outputs, over their principal components (which emphasise details), and over a
    random hidden layer of these (which emphasises unlikely combinations, like a network that learned noise).
    """
    rng = np.random.default_rng(1)
    n_heads = N_HEADS if len(shares) <= MANY else N_HEADS_OF_MANY
    for seen in answering:
        scaled, components, labels = _standardised(seen), _components(seen), []
        for _ in range(n_heads):
            to_hidden = _normal(rng, components.shape[1], N_HIDDEN) * np.float32(1.5 / math.sqrt(components.shape[1]))
            hidden = np.tanh(components @ to_hidden + _normal(rng, 1, N_HIDDEN) / 2)
            inputs = (scaled, components, hidden)
            labels += [_balanced(each @ _normal(rng, each.shape[1], len(shares)), shares) for each in inputs]
        yield labels


def _normal(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    """Independent normal numbers (rows, columns)."""
    drawn: Floats = rng.standard_normal((rows, columns), dtype=np.float32)
    return drawn


def _balanced(outputs: Floats, shares: Floats) -> Ints:
    """The class (n,) of each of the outputs (n, k), after offsets that bring every class close to its share."""
    outputs, n = _standardised(outputs), len(outputs)
    if len(shares) == 2:
        apart = outputs[:, 1] - outputs[:, 0]
        return np.asarray(apart > np.quantile(apart, shares[0]), np.intp)
    offsets = np.zeros(len(shares), np.float32)
    for step in range(N_BALANCING):
        got = np.bincount((outputs + offsets).argmax(axis=1), minlength=len(shares)) / n
        offsets += np.float32(0.7 if 2 * step < N_BALANCING else 0.3) * np.log((shares + 0.5 / n) / (got + 0.5 / n))
    return np.asarray((outputs + offsets).argmax(axis=1), np.intp)


def _components(seen: npt.NDArray[np.float32]) -> Floats:
    """The leading principal components (n, at most `N_COMPONENTS`) of outputs, each with variance 1."""
    centred = seen.astype(np.float64) - seen.mean(axis=0, dtype=np.float64)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(seen))  # in increasing order
    n_kept = min(N_COMPONENTS, int((variances > 1e-9 * max(variances[-1], 1e-300)).sum()))
    kept = np.arange(len(variances) - n_kept, len(variances))[::-1]
    return np.asarray(centred @ (directions[:, kept] / np.sqrt(variances[kept])), np.float32)


def _standardised(values: npt.NDArray[Any]) -> Floats:
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    scaled: Floats = (centred / np.maximum(centred.std(axis=0), 1e-12)).astype(np.float32)
    return scaled
