"""Does a known label set agree with the findings, in class order?

The paper argues in this way that its first field model is ImageNet (section 5.5): class by class, the finding matches
ImageNet's label of the same number. A permutation test rules out chance: how often would labels assigned at random
agree as well? A set whose classes cannot be compared with the findings gets p = 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log, perm
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import SettingsError
from fdcore.method.closeness import closeness, distances
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores
from fdcore.words.label_sets import LabelSet, label_sets
from fdcore.words.similarity import name_similarities
from fdcore.words.vectors import WordVectors

Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

N_PERMUTATIONS = 2_000
MAX_P = 0.005  # the largest p-value of a set that agrees
MIN_MEAN = 0.5  # the lowest mean agreement of a set that agrees
MIN_COMPARED = 5  # the fewest classes of a set that agrees: one lucky class of a thousand has p = 0.001
TOO_FEW = "too few classes to rule out chance"  # shown wherever a set fits but cannot agree
SORTED = (
    "Sets that agree come first, then those with exactly as many classes as the suspect; within these groups the "
    "smallest p comes first, even where the agreement is low. A small p with a low agreement is a trace of similarity, "
    "not a match."
)
USUAL_SIDE = 224  # pixels; the usual input size for pictures of varying size
_N_LEAVES = 2_000  # leaves whose distances are computed at once; limits memory
_N_CELLS = 5_000_000  # numbers summed at once; limits memory
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Agreement:
    """How well one label set agrees with what was found.

    Attributes:
        offset: class i of the suspect is label i - offset; 1 where the suspect has one more class in front.
        per_class: (n_classes,) float64, 0..1, agreement of each class with its label; nan where there is nothing to
            compare: the class was not found, has no label, or no word of either is known.
        by_node: (n_classes,) whether a class was compared by the hierarchy, not by words.
        nearest: (n_classes,) whether no other label of the set agrees as well with the class as its own.
        mean: of `per_class` over the classes that could be compared; 0 where none could.
        p_value: under random assignment of the labels, (1 + as good) / (1 + permutations); 1 if nothing was compared.
        n_compared: how many classes could be compared.
        any_order: the best mean under any assignment of the labels, counting pairs that cannot be compared as 0. A high
            value beside a low `mean` suggests the same names in another order; it is chosen with hindsight and
            therefore not evidence by itself.
        tied_with: display names of other sets with the same labels in the same order: only the pictures can
            distinguish them.
        by_number: whether most classes were compared by numbers alone, which folders of any corpus may have as names.
    """

    label_set: LabelSet
    offset: int
    per_class: Matrix
    by_node: Flags
    nearest: Flags
    mean: float
    p_value: float
    n_compared: int
    any_order: float
    tied_with: tuple[str, ...] = ()
    by_number: bool = False

    @property
    def title(self) -> str:
        """The set's name, and where the suspect's additional class is, if it has one."""
        if len(self.label_set) == len(self.per_class):
            return self.label_set.name
        return f"{self.label_set.name} ({'one class in front' if self.offset else 'one class at the end'})"

    @property
    def above_chance(self) -> bool:
        """Whether chance is ruled out: p at most `MAX_P`, over at least `MIN_COMPARED` classes.

        The set may still be a relative of the right one that shares some of its classes, or the right set over a corpus
        that covers little of it: CIFAR-100 over the 200 leaves of Tiny ImageNet has p = 0.0005 and a mean of 0.28.
        """
        return self.p_value <= MAX_P and self.n_compared >= MIN_COMPARED

    @property
    def in_order(self) -> bool:
        """Whether classes and labels come in the same order: above chance, and the mean is at least `MIN_MEAN`.

        Measured on real suspects: the right set has a mean of 0.69 or more where corpus and queries suffice (0.40 for
        a weak CIFAR-10 model with a fifth of the queries); STL-10, which has six of its ten classes in the same places
        as CIFAR-10, reaches 0.44 for CIFAR-10 models; with outputs in random orders, no set above chance, about one in
        300, had a mean above 0.27.
        """
        return self.above_chance and self.mean >= MIN_MEAN

    @property
    def agrees(self) -> bool:
        """Whether this is convincing: in order, and by more than numbers.

        The folders 0 to 9 of a corpus of clothes agree with the digits of MNIST as well as folders of digits do.
        """
        return self.in_order and not self.by_number

    @property
    def numbered(self) -> bool:
        """Whether classes and folders have the same numbers in order, which says nothing about what they show."""
        return self.in_order and self.by_number

    @property
    def resembles(self) -> bool:
        """Whether it is above chance and more than a trace of similarity, but not convincing."""
        return self.above_chance and MIN_MEAN / 2 <= self.mean < MIN_MEAN

    @property
    def too_few(self) -> bool:
        """Whether so few classes were compared that chance can never be ruled out.

        n classes can get their labels in n! orders, or more where the set has more labels. The right order is one of
        them, so p is at least about 1 / n!: 0.17 for three classes, 0.008 for five.
        """
        return self.n_compared < MIN_COMPARED or 1 / self._n_orders > MAX_P

    @property
    def fits(self) -> bool:
        """Whether it fits as well as so few classes can: `too_few`, a convincing mean, and no other order as good."""
        best_order_alone = self.p_value <= max(MAX_P, 1.5 / self._n_orders)
        alike = self.n_compared > 0 and self.mean >= MIN_MEAN and not self.by_number
        return self.too_few and alike and best_order_alone

    @property
    def in_words(self) -> str:
        """The result in one to three sentences of plain text where the set agrees, fits or is numbered alike; empty
        elsewhere."""
        if self.numbered:
            return (
                f"Classes and folders have the same numbers in order ({self.n_compared:,} classes, p = "
                f"{self.p_value:.2g}), as in {', '.join([self.title, *self.tied_with][:3])}; only the pictures can "
                "tell what they show."
            )
        return f"{self.claim} {self.tie_in_words}".rstrip() if self.agrees or self.fits else ""

    @property
    def claim(self) -> str:
        """The first sentence of `in_words`: what agrees, and how well."""
        over = f"{self.mean:.2f} over {self.n_compared:,} {'class' if self.n_compared == 1 else 'classes'}"
        if self.agrees:
            p = f"p = {self.p_value:.2g} against labels assigned at random"
            return f"The suspect answers like a model of {self.title}, class for class: agreement {over}, {p}."
        return f"{self.title} fits: agreement {over}, but these are {TOO_FEW}." if self.fits else ""

    @property
    def tie_in_words(self) -> str:
        """Which sets have the same labels as this one, as a sentence of plain text; empty for none."""
        if not self.tied_with:
            return ""
        *some, last = self.tied_with
        names = f"{', '.join(some)} and {last}" if some else last
        have = "have" if some else "has"
        return f"{names} {have} the same names in the same order: only the pictures can distinguish them."

    @property
    def _n_orders(self) -> int:
        """In how many ways the compared classes (at most ten of them) can be assigned labels of the set."""
        return perm(len(self.label_set), min(self.n_compared, len(self.label_set), 10))


def rank_label_sets(
    findings: Sequence[ClassFinding],
    scores: Scores,
    hierarchy: Hierarchy,
    vectors: WordVectors,
    *,
    height: int,
    width: int,
    channels: int,
    sets: Sequence[LabelSet] | None = None,
    seed: int = 0,
    n_permutations: int = N_PERMUTATIONS,
) -> tuple[Agreement, ...]:
    """Compare the findings with every label set that has as many classes as the suspect, or one fewer.

    A suspect with one class more may have its background class in front (offset 1) or at the end (offset 0).

    Args:
        findings: one per class.
        scores: functional scores; they name the leaves.
        hierarchy: the corpus' hierarchy.
        vectors: for labels without a node in the hierarchy, and leaves outside it.
        height, width, channels: of the suspect's input, in pixels.
        sets: the label sets; None for all that ship.
        seed: of the permutations.
        n_permutations: the lowest p-value is 1 / (1 + n_permutations).

    Returns:
        Convincing sets first; then sets of exactly the right size; then by p-value, by mean, and by how close the
        pictures' size is to the suspect's input. Empty where no set has a fitting size.

    Raises:
        SettingsError: fewer than one permutation.
    """
    if n_permutations < 1:
        raise SettingsError(
            f"A permutation test needs at least 1 permutation, not {n_permutations}.", key="permutations"
        )
    n_classes = scores.n_classes
    chosen = label_sets() if sets is None else sets
    fitting = [(each, offset) for each in chosen for offset in _offsets(len(each), n_classes)]
    found = _Found.of(findings, scores, hierarchy)
    table = _compare_leaves(found, [each for each, _ in fitting], hierarchy, vectors)
    sizes = {len(each) for each, _ in fitting}
    deals = {size: _deal(size, n_permutations, seed) for size in sizes}
    agreements = [_agreement(each, offset, n_classes, found, table, deals[len(each)]) for each, offset in fitting]
    ranked = sorted(agreements, key=lambda a: _rank(a, n_classes, height, width, channels))
    return tuple(replace(each, tied_with=_namesakes(each, ranked)) for each in ranked)


def agreement_matrix(
    findings: Sequence[ClassFinding],
    scores: Scores,
    hierarchy: Hierarchy,
    vectors: WordVectors,
    label_set: LabelSet,
) -> Matrix:
    """The agreement of every class with every label of a set, for a figure.

    Returns:
        float64 (n_classes, n_labels) in 0..1; nan where there is nothing to compare.
    """
    found = _Found.of(findings, scores, hierarchy)
    values, _ = _compare_classes(label_set, found, _compare_leaves(found, [label_set], hierarchy, vectors))
    matrix = np.full((scores.n_classes, len(label_set)), np.nan)
    matrix[found.classes] = values
    return matrix


def _offsets(n_labels: int, n_classes: int) -> tuple[int, ...]:
    return {0: (0,), 1: (1, 0)}.get(n_classes - n_labels, ())


def _rank(agreement: Agreement, n_classes: int, height: int, width: int, channels: int) -> tuple[float, ...]:
    """The sort key of an agreement, the best first."""
    known = agreement.label_set
    size = log(height / (known.height or USUAL_SIDE)), log(width / (known.width or USUAL_SIDE))
    return (
        not agreement.in_order,
        n_classes != len(known),
        agreement.p_value,
        -round(agreement.mean, 6),
        channels != known.channels,
        sum(map(abs, size)),
    )


def _namesakes(agreement: Agreement, others: Sequence[Agreement]) -> tuple[str, ...]:
    """Names of the other sets with the same labels in the same order."""
    same = (a for a in others if a.offset == agreement.offset and a.label_set.names == agreement.label_set.names)
    return tuple(a.label_set.name for a in same if a.label_set.key != agreement.label_set.key)


# Leaves against labels


class _Found(NamedTuple):
    """The classes that were found and the leaves of their answers.

    Attributes:
        classes: (n_found,) numbers of the classes.
        leaves: ids of all leaves of the answers, each once.
        names: all names of each leaf.
        members: the leaves of each class's answer, as places in `leaves`, class by class.
        starts: (n_found,) where each class starts in `members`.
    """

    classes: Indices
    leaves: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    members: Indices
    starts: Indices

    @classmethod
    def of(cls, findings: Sequence[ClassFinding], scores: Scores, hierarchy: Hierarchy) -> "_Found":
        answers = {f.selection.target_class: f.selection.winner.members for f in findings if f.selection.winner}
        leaves = sorted({leaf for members in answers.values() for leaf in members})
        place = {leaf: i for i, leaf in enumerate(leaves)}
        nodes = tuple(scores.nodes[leaf] for leaf in leaves)
        return cls(
            classes=np.array(list(answers), dtype=np.intp),
            leaves=nodes,
            names=tuple(map(hierarchy.synonyms, nodes)),
            members=np.array([place[leaf] for members in answers.values() for leaf in members], dtype=np.intp),
            starts=np.cumsum([0, *map(len, answers.values())], dtype=np.intp)[:-1],
        )

    def sums(self, values: Matrix) -> Matrix:
        """Per class, the sum of its leaves' rows: (n_leaves, n) to (n_found, n), float64."""
        if not len(self.classes):
            return np.zeros((0, values.shape[1]))
        block = max(1, _N_CELLS // len(self.members))
        parts = [
            np.add.reduceat(values[self.members, start : start + block], self.starts, axis=0)
            for start in range(0, values.shape[1], block)
        ]
        return np.concatenate(parts, axis=1)


class _LeafTable(NamedTuple):
    """Every leaf of the findings against every label of some sets, each label once.

    Attributes:
        columns: the column of each label, given by its names and node.
        values: (n_leaves, n_columns) agreement in 0..1, nan where there is nothing to compare.
        by_node: (n_leaves, n_columns) whether it comes from the hierarchy.
        equal: (n_leaves, n_columns) whether the leaf and the label share a name.
        numbers: (n_leaves,) whether the leaf's name is a number.
    """

    columns: Mapping[tuple[tuple[str, ...], str | None], int]
    values: Matrix
    by_node: Flags
    equal: Flags
    numbers: Flags


def _compare_leaves(found: _Found, sets: Sequence[LabelSet], hierarchy: Hierarchy, vectors: WordVectors) -> _LeafTable:
    """Compare leaves with labels: by the hierarchy where it contains both, by words otherwise.

    A leaf whose name is a number ("00014", below "street sign") is named after its folder: its place in the hierarchy
    says nothing about the class, and a number has no meaning for word vectors.
    """
    labels = list(dict.fromkeys(label for each in sets for label in zip(each.names, each.nodes, strict=True)))
    numbers = np.array([_is_number(names[0]) for names in found.names], dtype=bool)
    values = _node_closeness(found.leaves, [node for _, node in labels], hierarchy)
    values[numbers] = np.nan
    by_node = ~np.isnan(values)
    equal = _equal_names(found.names, [names for names, _ in labels])
    rows, columns = (~by_node).any(axis=1) & ~numbers, (~by_node).any(axis=0)
    if rows.any() and columns.any():
        some_leaves = [found.names[i] for i in np.flatnonzero(rows)]
        some_labels = [labels[j][0] for j in np.flatnonzero(columns)]
        by_words = np.full(values.shape, np.nan)
        by_words[np.ix_(rows, columns)] = np.clip(name_similarities(some_leaves, some_labels, vectors), 0, 1)
        values = np.where(by_node, values, by_words)
    return _LeafTable({label: j for j, label in enumerate(labels)}, values, by_node, equal, numbers)


def _node_closeness(leaves: Sequence[str], nodes: Sequence[str | None], hierarchy: Hierarchy) -> Matrix:
    """1 where the leaf is at, under or above the node, otherwise 1 / steps; nan where they are unrelated.

    Returns:
        float64 (len(leaves), len(nodes)).
    """
    values = np.full((len(leaves), len(nodes)), np.nan)
    known = sorted({node for node in nodes if node is not None and node in hierarchy})
    if not known or not leaves:
        return values
    place = {node: j for j, node in enumerate(known)}
    near = np.empty((len(leaves), len(known)))
    for start in range(0, len(leaves), _N_LEAVES):
        block = leaves[start : start + _N_LEAVES]
        both = {node: i for i, node in enumerate(dict.fromkeys([*block, *known]))}
        steps = distances(hierarchy, list(both))[: len(block), [both[node] for node in known]]
        near[start : start + _N_LEAVES] = np.where(np.isinf(steps), np.nan, np.maximum(closeness(steps), steps == 0))
    row = {leaf: i for i, leaf in enumerate(leaves)}
    for leaf, i in row.items():
        near[i, [place[above] for above in hierarchy.ancestors(leaf) if above in place]] = 1
    for node, j in place.items():
        near[[row[above] for above in hierarchy.ancestors(node) if above in row], j] = 1
    columns = [j for j, node in enumerate(nodes) if node in place]
    values[:, columns] = near[:, [place[nodes[j] or ""] for j in columns]]
    return values


def _equal_names(a: Sequence[Sequence[str]], b: Sequence[Sequence[str]]) -> Flags:
    """Whether each of `a` shares a name with each of `b`, ignoring case and leading zeros."""
    by_name: dict[str, list[int]] = {}
    for j, names in enumerate(b):
        for name in names:
            by_name.setdefault(_fold(name), []).append(j)
    equal = np.zeros((len(a), len(b)), dtype=bool)
    for i, names in enumerate(a):
        equal[i, [j for name in names for j in by_name.get(_fold(name), ())]] = True
    return equal


def _fold(name: str) -> str:
    """A name for comparison: lower case, spaces for underscores and hyphens, no leading zeros of a number."""
    words = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
    return (words.lstrip("0") or "0") if _is_number(words) else words


def _is_number(name: str) -> bool:
    return name.strip().isdecimal()


# Classes against one label set


def _compare_classes(label_set: LabelSet, found: _Found, table: _LeafTable) -> tuple[Matrix, Flags]:
    """The agreement of each found class with each label, the mean over its leaves, and whether it is by node.

    Among labels compared by words, a leaf with the name of one of them matches none of the others; a number matches
    only the same number.

    Returns:
        float64 and bool, both (n_found, n_labels).
    """
    columns = [table.columns[label] for label in zip(label_set.names, label_set.nodes, strict=True)]
    values, by_node, equal = table.values[:, columns], table.by_node[:, columns], table.equal[:, columns]
    has_numbers = any(_is_number(name) for names in label_set.names for name in names)
    named = (equal & ~by_node).any(axis=1) | (table.numbers & has_numbers)
    values = np.where(named[:, None] & ~by_node, equal, values)
    known = ~np.isnan(values)
    n_known = found.sums(known.astype(np.float64))
    total = found.sums(np.where(known, values, 0))
    mean = np.divide(total, n_known, out=np.full(total.shape, np.nan), where=n_known > 0)
    return mean, found.sums(by_node.astype(np.float64)) > 0


def _agreement(
    label_set: LabelSet, offset: int, n_classes: int, found: _Found, table: _LeafTable, deals: Indices
) -> Agreement:
    """How well one set agrees in class order, and how unusual that is."""
    values, by_node = _compare_classes(label_set, found, table)
    labels = found.classes - offset
    has_label = (labels >= 0) & (labels < len(label_set))
    values, by_node = values[has_label], by_node[has_label]
    classes, labels = found.classes[has_label], labels[has_label]
    rows = np.arange(len(classes))
    per_class, nodes, nearest = np.full(n_classes, np.nan), np.zeros(n_classes, bool), np.zeros(n_classes, bool)
    per_class[classes], nodes[classes] = values[rows, labels], by_node[rows, labels]
    nearest[classes] = (
        (values >= values[rows, labels, None] - _TOLERANCE) == np.eye(len(label_set), dtype=bool)[labels]
    ).all(axis=1)
    compared = ~np.isnan(per_class)
    n_compared, numbered = int(compared.sum()), np.zeros(n_classes, dtype=bool)
    numbered[found.classes] = found.sums(table.numbers[:, None].astype(np.float64))[:, 0] > 0
    by_number = 2 * int((numbered & compared & ~nodes).sum()) > n_compared
    mean = float(np.nanmean(per_class)) if n_compared else 0.0
    p_value = _p_value(values, mean, deals) if n_compared else 1.0
    return Agreement(
        label_set, offset, per_class, nodes, nearest, mean, p_value, n_compared, _any_order(values), by_number=by_number
    )


def _deal(n_labels: int, n_permutations: int, seed: int) -> Indices:
    """Random orders of the labels, (n_permutations, n_labels); the same for all sets of one size."""
    rng = np.random.default_rng((seed, n_labels))
    return rng.permuted(np.tile(np.arange(n_labels), (n_permutations, 1)), axis=1)


def _p_value(values: Matrix, observed: float, deals: Indices) -> float:
    """The share of orders whose mean agreement is at least the observed one, which counts too (Phipson and Smyth 2010).

    Args:
        values: (n, n_labels) of the found classes.
        observed: the mean in class order.
        deals: (n_permutations, n_labels); the first n of a row are the labels of the classes.
    """
    known = ~np.isnan(values)
    cells = np.arange(len(values)) * values.shape[1] + deals[:, : len(values)]  # flat places are faster to take
    n_known = np.take(known, cells).sum(axis=1) if not known.all() else len(values)
    means = np.take(np.where(known, values, 0), cells).sum(axis=1) / np.maximum(n_known, 1)
    return float((1 + (means >= observed - _TOLERANCE).sum()) / (1 + len(deals)))


def _any_order(values: Matrix) -> float:
    """The best mean over the found classes under any one-to-one assignment of labels; 0 without any."""
    from scipy.optimize import linear_sum_assignment

    comparable = np.nan_to_num(values[~np.isnan(values).all(axis=1)])
    if not comparable.size:
        return 0.0
    return float(comparable[linear_sum_assignment(comparable, maximize=True)].mean())
