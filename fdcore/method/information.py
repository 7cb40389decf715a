"""How much a suspect's answers say about what is on the pictures: the measure by which readings of a file are compared.

A network that is given its pictures as in its training puts pictures of one leaf in one class, and different leaves in
different classes. Under a wrong normalisation its answers are as consistent (often more so: everything is class 6) but
say less. The measure is therefore the mutual information between leaf and answer, and not the agreement of views.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED

N_SHUFFLES = 20
N_GROUPS = 10  # of leaves, each left out once for the error
AHEAD_ERRORS = 2.0
AHEAD_SHARE = 0.05


@dataclass(frozen=True)
class Information:
    """Mutual information between leaf and answer, beyond chance.

    Attributes:
        bits: of all leaves, less the mean over shuffled images.
        without: (N_GROUPS,) the same without each tenth of the leaves.
    """

    bits: float
    without: npt.NDArray[np.float64]


def information(
    answers: npt.NDArray[np.int32], node_index: npt.NDArray[np.int32], n_classes: int, *, seed: int = 0
) -> Information:
    """The information that answers carry about leaves.

    Few images per leaf make the plain estimate too high, for any answers. The same images under shuffled leaves, with
    their views kept together, show by how much.

    Args:
        answers: (n_images, n_views), NOT_ASKED where a query was not sent.
        node_index: (n_images,) the leaf of each image.
        n_classes: the suspect's classes.
        seed: of the shuffles.
    """
    group = _groups(node_index, seed)
    bits = _beyond_chance(answers, node_index, n_classes, seed)
    kept = [group != number for number in range(N_GROUPS)]
    without = [_beyond_chance(answers[one], node_index[one], n_classes, seed) for one in kept]
    return Information(bits, np.array(without))


def lead(first: Information, second: Information) -> tuple[float, float]:
    """By how many bits `first` is ahead of `second`, and the standard error of that, by the jackknife over leaves.

    Both must have been asked about the same images. Whole leaves are left out, because images of one leaf are alike.
    """
    differences = first.without - second.without
    error = np.sqrt((N_GROUPS - 1) / N_GROUPS * ((differences - differences.mean()) ** 2).sum())
    return first.bits - second.bits, float(error)


def is_ahead(first: Information, second: Information) -> bool:
    """Whether `first` is clearly ahead: beyond its error, and by more than a trifle.

    How often the rule is right, wrong and silent on suspects whose reading is known: benchmarks/readings.csv.
    """
    difference, error = lead(first, second)
    return difference > least_lead(first.bits, error)


def least_lead(bits: float, error: float) -> float:
    """How many bits a reading of so many bits must be ahead to be clearly ahead."""
    return max(AHEAD_ERRORS * error, AHEAD_SHARE * bits)


def _groups(node_index: npt.NDArray[np.int32], seed: int) -> npt.NDArray[np.int64]:
    """A tenth of the leaves for each image, drawn so that every tenth has as many leaves, up to one."""
    leaves, place = np.unique(node_index, return_inverse=True)
    return np.random.default_rng(seed).permutation(len(leaves))[place] % N_GROUPS


def _beyond_chance(
    answers: npt.NDArray[np.int32], node_index: npt.NDArray[np.int32], n_classes: int, seed: int
) -> float:
    _, leaf = np.unique(node_index, return_inverse=True)
    n_leaves = int(leaf.max(initial=-1)) + 1
    asked = answers != NOT_ASKED
    if not asked.any():
        return 0.0
    answered, views = answers[asked].astype(np.int64), asked.sum(axis=1)
    generator = np.random.default_rng(seed)
    shuffled = [_bits(np.repeat(generator.permutation(leaf), views), answered, n_leaves, n_classes)
                for _ in range(N_SHUFFLES)]  # fmt: skip
    return _bits(np.repeat(leaf, views), answered, n_leaves, n_classes) - float(np.mean(shuffled))


def _bits(leaf: npt.NDArray[np.int64], answer: npt.NDArray[np.int64], n_leaves: int, n_classes: int) -> float:
    """The plain estimate of the mutual information."""
    joint = np.bincount(leaf * n_classes + answer, minlength=n_leaves * n_classes).reshape(n_leaves, n_classes)
    shares = joint / joint.sum()
    independent = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nansum(np.where(shares > 0, shares * np.log2(shares / independent), 0.0)))
