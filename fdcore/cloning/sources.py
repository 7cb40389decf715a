"""Drawing a transfer set: which images a clone is trained on, with which of the suspect's labels (section 5.4).

Every image has a place in a queue, a hash of the seed and its id, and the first in the queue are drawn. A draw is
therefore a pure function of (seed, image id): the order of two images does not depend on the rest of the corpus, and a
larger set contains all of a smaller one. Rows are shared among the classes as evenly as their images allow
(`share_evenly`); further views of an image follow behind all images.

Nothing here queries the suspect. Its answers come from the ledger, -1 where it was not queried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED
from fdcore.cloning.notes import doubt_notes, found_notes, named, none_note, total_note, unasked_note
from fdcore.cloning.run import ClassTransfer
from fdcore.cloning.settings import TransferSettings
from fdcore.cloning.transfer import share_evenly
from fdcore.errors import SettingsError
from fdcore.method.filtering import consistency
from fdcore.method.findings import ClassFinding
from fdcore.method.weaknesses import BELOW_LIMIT, BELOW_TAU, MAY_BE_NONE

Answers = npt.NDArray[np.int32]
Ids = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer[Any]]

ALL_TESTED = (
    "All pictures of this source are in the test set; a clone trained on them would only repeat them. Choose another "
    "source, or test on other pictures."
)
STEADY = 0.75  # from this share of its views in the class on, a found image comes before those of other leaves
_RESERVE = 2**64 - 1  # used like a seed but not a valid one, so that draws and the reserve are independent


@dataclass(frozen=True)
class Drawn:
    """The rows of a transfer set, class by class.

    Attributes:
        images: (n,) indices of images in the source's own store.
        views: (n,) int16, the view of each; 0 is the image itself.
        labels: (n,) int32, the suspect's hard labels.
        classes: the share of each of the suspect's classes, in order.
        notes: what is missing, filled or left out, as sentences for people. Labels in them come from outside.
    """

    images: Indices
    views: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int32]
    classes: tuple[ClassTransfer, ...]
    notes: tuple[str, ...]


def reserved_images(image_ids: Ids, share: float) -> Flags:
    """Which of n images no transfer set may use, so that clones can be tested on them; (n,) bool.

    It depends only on each image's id, so it does not change when the corpus grows, and a larger share, in 0..1 of all
    images, contains the smaller.
    """
    reserved: Flags = _places(image_ids, _RESERVE).astype(np.float64) < share * 2.0**64
    return reserved


def draw_found(
    findings: Sequence[ClassFinding],
    answers: Answers,
    image_ids: Ids,
    settings: TransferSettings,
    apart: npt.NDArray[np.float32] | None = None,
) -> Drawn:
    """Draw from the finding: different images of every class, the total shared evenly.

    First come the kept images of the answer's leaves whose views are consistent, then images of any leaf that the
    suspect puts in the class, most consistent first (the kept ones that are not, among them) and nearest first where
    they are equally so. A class with too few is filled up with further views of its kept images that the suspect puts
    in the class too; what is still missing goes to the other classes. A class that was not found, or whose answer is
    set aside, gets nothing, or images of the whole corpus that the suspect puts there, but no views of those, which
    would only give stray images more weight.

    Args:
        findings: one for each of the suspect's classes, in order.
        answers: (n_images, n_views) int32 of the corpus.
        image_ids: (n_images,) uint64.
        settings: how to draw.
        apart: (n_classes, n_images) steps from each image's leaf to the nearest leaf of the class's answer; None
            ignores them.

    Raises:
        SettingsError: fewer than two classes get an image.
    """
    _require_answers(answers)
    answered = np.array([finding.selection.winner is not None for finding in findings], dtype=bool)
    uncertain = np.array([not MAY_BE_NONE.isdisjoint(finding.weaknesses) for finding in findings], dtype=bool)
    found = answered & ~uncertain if settings.uncertain == "set aside" else answered
    pool, classes, kept = _pool(findings, found, answers, settings)
    free = ~reserved_images(image_ids[pool], settings.reserved)
    pool, classes, kept = pool[free], classes[free], kept[free]
    usable = answers[pool] if settings.fill_views else answers[pool, :1]
    inside = usable == classes[:, None]
    inside[:, 1:] &= kept[:, None]
    steady = consistency(answers[pool], classes)
    steps = np.zeros(len(pool), np.float32) if apart is None else apart[classes, pool]
    rows = _rows(pool, inside, answers, _ranked(~(kept & (steady >= STEADY)), -steady, steps))
    has = np.bincount(rows.labels, minlength=len(findings))
    rows = rows.first(share_evenly(has.tolist(), settings.total), rows.labels, _places(image_ids, settings.seed))
    wanted = _wanted(settings.total, found | (settings.not_found == "random"))
    strays = ~np.isin(rows.images, pool[kept])
    shares = _shares(rows, wanted, strays, [finding.name.label if finding.name else "" for finding in findings])
    doubtful = {
        limit: [
            share for share in shares if answered[share.target_class] and key in findings[share.target_class].weaknesses
        ]
        for key, limit in ((BELOW_TAU, "tau"), (BELOW_LIMIT, "the evidence limit"))
    }
    notes = [*found_notes(shares, found, settings), *doubt_notes(doubtful, settings), *unasked_note(answers[:, 0])]
    return _drawn(rows, shares, notes)


def draw_random(
    answers: Answers, image_ids: Ids, settings: TransferSettings, *, n_classes: int, balanced: bool = False,
    consistent: bool = False,
) -> Drawn:  # fmt: skip
    """Draw images of the corpus regardless of what was found, like the paper's "randomly sample ... images".

    If there are fewer than the total, further views of them follow, with the suspect's labels for those: a baseline
    with fewer rows than the found images give would be easy to beat.

    Args:
        answers: (n_images, n_views) int32 of the corpus.
        image_ids: (n_images,) uint64.
        settings: how to draw.
        n_classes: how many classes the suspect has.
        balanced: whether the total is shared evenly among the classes that the suspect puts the images in. Balance
            alone is worth points, and must not pass for the finding.
        consistent: whether images come first whose views the suspect puts in one class most consistently.

    Raises:
        SettingsError: nothing was answered, or everything in one class.
    """
    _require_answers(answers)
    pool = np.flatnonzero((answers[:, 0] != NOT_ASKED) & ~reserved_images(image_ids, settings.reserved))
    usable = answers[pool] if settings.fill_views else answers[pool, :1]
    itself = answers[pool, 0]
    order = _ranked(-consistency(answers[pool], itself)) if consistent else np.zeros(len(pool), np.intp)
    rows = _rows(pool, usable != NOT_ASKED, answers, order)
    groups = rows.labels if balanced else np.zeros(len(rows.images), np.intp)
    taken = share_evenly(np.bincount(groups, minlength=n_classes if balanced else 1).tolist(), settings.total)
    rows = rows.first(taken, groups, _places(image_ids, settings.seed))
    shares = _shares(rows, _wanted(settings.total, np.ones(n_classes, bool)))
    notes = [
        *total_note(len(rows.images), int((rows.views > 0).sum()), settings.total),
        *none_note(shares),
        *unasked_note(answers[:, 0]),
    ]
    return _drawn(rows, shares, notes)


def draw_all(answers: Answers, image_ids: Ids, settings: TransferSettings, *, n_classes: int) -> Drawn:
    """Every recorded answer: each view of each image under its own label. This is what the queries have paid for.

    Raises:
        SettingsError: nothing was answered, or everything in one class.
    """
    _require_answers(answers)
    pool = np.flatnonzero((answers[:, 0] != NOT_ASKED) & ~reserved_images(image_ids, settings.reserved))
    rows = _rows(pool, answers[pool] != NOT_ASKED, answers, np.zeros(len(pool), np.intp))
    rows = rows.first([len(rows.images)], np.zeros(len(rows.images), np.intp), _places(image_ids, settings.seed))
    shares = _shares(rows, _wanted(len(rows.images), np.ones(n_classes, bool)))
    return _drawn(rows, shares, [*none_note(shares), *unasked_note(answers[:, 0])])


def choose_images(node_index: Integers, total: int, seed: int, *, image_ids: Ids) -> Indices:
    """Choose at most `total` images of a folder before any query, balanced over the folder's own classes.

    Args:
        node_index: (n,) the folder's own class of each image, from 0.
        total: images wanted.
        seed: of the choice.
        image_ids: (n,) uint64.

    Returns:
        Indices of the chosen images, in ascending order.

    Raises:
        SettingsError: no image is left, because clones are tested on all of them.
    """
    _require_images(node_index)
    taken = share_evenly(np.bincount(node_index).tolist(), total)
    rank = np.zeros(len(node_index), np.intp)
    return np.sort(_first(taken, node_index.astype(np.intp), rank, _places(image_ids, seed)))


def draw_chosen(images: Indices, labels: npt.NDArray[np.int32], n_classes: int, total: int) -> Drawn:
    """The transfer set of chosen images, once the suspect has answered.

    Args:
        images: (k,) indices of the chosen images.
        labels: (k,) int32, the suspect's answer to each of them.
        n_classes: how many classes the suspect has.
        total: images wanted.

    Raises:
        SettingsError: there is no image, or the suspect puts all of them in one class.
    """
    _require_images(images)
    order = np.argsort(labels, kind="stable")
    nothing = np.zeros(len(order), np.intp)
    rows = _Rows(images[order], nothing.astype(np.int16), labels[order].astype(np.int32), nothing)
    shares = _shares(rows, _wanted(total, np.ones(n_classes, bool)))
    return _drawn(rows, shares, [*total_note(len(rows.images), int((rows.views > 0).sum()), total), *none_note(shares)])


# The queue


class _Rows(NamedTuple):
    """Rows that may be drawn: image, view, label, and rank; within a group, lower ranks are drawn first."""

    images: Indices
    views: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int32]
    rank: Indices

    def first(self, taken: Sequence[int], groups: Integers, places: Ids) -> "_Rows":
        """The first `taken` of each group; `places` (n_images,) are those of all images in the queue."""
        chosen = _first(taken, groups, self.rank, places[self.images])
        return _Rows(self.images[chosen], self.views[chosen], self.labels[chosen], self.rank[chosen])


def _rows(pool: Indices, usable: Flags, answers: Answers, order: Indices) -> _Rows:
    """A row for each usable view (n_pool, n_views) of a pool's images.

    First rows of images come in their order (n_pool,), then all second rows in the same order, and so on.
    """
    image, view = np.nonzero(usable)
    earlier = np.cumsum(usable, axis=1, dtype=np.intp)[image, view] - 1
    images = pool[image]
    rank = earlier * (int(order.max(initial=0)) + 1) + order[image]
    return _Rows(images, view.astype(np.int16), answers[images, view].astype(np.int32), rank)


def _ranked(*keys: npt.NDArray[Any]) -> Indices:
    """The rank of each by the first key, ties by the next, and so on; equal ones share a rank."""
    _, rank = np.unique(np.stack([key.astype(np.float64) for key in keys], axis=1), axis=0, return_inverse=True)
    ranked: Indices = rank.reshape(-1).astype(np.intp)
    return ranked


def _first(taken: Sequence[int], groups: Integers, rank: Integers, places: Ids) -> Indices:
    """The rows to draw: `taken` of each group, by rank, then by place; sorted by group."""
    order = np.lexsort((places, rank, groups))
    by_group = groups[order]
    start = np.searchsorted(by_group, np.arange(len(taken)))
    position = np.arange(len(order)) - start[by_group]
    chosen: Indices = order[position < np.asarray(taken, dtype=np.intp)[by_group]]
    return chosen


def _places(image_ids: Ids, seed: int) -> Ids:
    """The place of each image in the queue: uniform over 64 bits, and different for every seed."""
    return _mixed(_mixed(np.array([seed], np.uint64)) ^ image_ids.astype(np.uint64))


def _mixed(words: Ids) -> Ids:
    """SplitMix64's step and finaliser (Steele, Lea and Flood 2014), which is one-to-one."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Ids = words ^ (words >> np.uint64(31))
    return mixed


def _pool(
    findings: Sequence[ClassFinding], found: Flags, answers: Answers, settings: TransferSettings
) -> tuple[Indices, npt.NDArray[np.int32], Flags]:
    """Images that may be drawn, the class of each, and whether it is a kept image of the class's answer."""
    kept = np.zeros(len(answers), bool)
    for finding, is_found in zip(findings, found, strict=True):
        if is_found:
            kept[finding.filtered.kept] = True
    itself = answers[:, 0]
    usable = kept.copy()
    asked = itself != NOT_ASKED
    if settings.any_leaf:
        usable |= asked & found[itself]
    if settings.not_found == "random":
        usable |= asked & ~found[itself]
    pool = np.flatnonzero(usable)
    return pool, itself[pool].astype(np.int32), kept[pool]


def _wanted(total: int, sharing: Flags) -> list[int]:
    """How many rows each class gets if no class has too few."""
    return share_evenly(np.where(sharing, total, 0).tolist(), total)


def _shares(
    rows: _Rows, wanted: Sequence[int], strays: Flags | None = None, labels: Sequence[str] | None = None
) -> tuple[ClassTransfer, ...]:
    """What each class gets; `strays` (n_rows,) are rows of the whole corpus beside what was found, None for none."""
    n_classes = len(wanted)
    itself = rows.views == 0
    filled = itself & strays if strays is not None else np.zeros(len(itself), bool)
    counts = (np.bincount(rows.labels[which], minlength=n_classes) for which in (itself & ~filled, ~itself, filled))
    columns = [count.tolist() for count in counts]
    return tuple(
        ClassTransfer(i, label, *numbers)
        for i, (label, *numbers) in enumerate(zip(labels or [""] * n_classes, wanted, *columns, strict=True))
    )


def _drawn(rows: _Rows, shares: tuple[ClassTransfer, ...], notes: Sequence[str]) -> Drawn:
    """The finished draw.

    Raises:
        SettingsError: a clone could learn nothing from it.
    """
    some = [share for share in shares if share.n_rows]
    if len(shares) < 2:
        raise SettingsError("The suspect has only one class, so a clone could not learn anything.", key="single class")
    if len(some) < 2:
        of = f"only class {named(some[0])} gets images" if some else "no class gets an image"
        raise SettingsError(
            f"A clone needs images of at least two classes, but {of}. "
            "Choose another source, reserve fewer images, or find more classes first.",
            key="too few classes",
        )
    return Drawn(rows.images, rows.views, rows.labels, shares, tuple(notes))


def _require_answers(answers: Answers) -> None:
    if answers.shape[1] == 0 or not (answers[:, 0] != NOT_ASKED).any():
        raise SettingsError("The suspect has not been queried with these images yet. Query it first.", key="no answers")


def _require_images(images: Integers) -> None:
    if len(images) == 0:
        raise SettingsError(ALL_TESTED, key="all tested")
