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
from fdcore.cloning.run import ClassTransfer
from fdcore.cloning.settings import TransferSettings
from fdcore.cloning.transfer import share_evenly
from fdcore.errors import SettingsError
from fdcore.method.findings import ClassFinding
from fdcore.method.weaknesses import MAY_BE_NONE

Answers = npt.NDArray[np.int32]
Ids = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer[Any]]

MAX_SENTENCES = 5  # notes of one kind with a sentence each; more are summarised in one sentence
MAX_LISTED = 5  # classes that such a sentence names
MAX_LABEL = 60  # characters of a name in a note
ALL_TESTED = (
    "All pictures of this source are in the test set; a clone trained on them would only repeat them. Choose another "
    "source, or test on other pictures."
)
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


def draw_found(findings: Sequence[ClassFinding], answers: Answers, image_ids: Ids, settings: TransferSettings) -> Drawn:
    """Draw from the finding: the kept images of every class, the total shared evenly.

    A class with too few images is filled up with further views of them that the suspect puts in the class too; what is
    still missing goes to the other classes. A class that was not found, or whose answer is set aside, gets nothing, or
    images of the whole corpus that the suspect puts there, but no views of those, which would only give stray images
    more weight.

    Args:
        findings: one for each of the suspect's classes, in order.
        answers: (n_images, n_views) int32 of the corpus.
        image_ids: (n_images,) uint64.
        settings: how to draw.

    Raises:
        SettingsError: fewer than two classes get an image.
    """
    _require_answers(answers)
    answered = np.array([finding.selection.winner is not None for finding in findings], dtype=bool)
    uncertain = np.array([not MAY_BE_NONE.isdisjoint(finding.weaknesses) for finding in findings], dtype=bool)
    found = answered & ~uncertain if settings.uncertain == "set aside" else answered
    pool, classes = _pool(findings, found, answers, settings.not_found == "random")
    free = ~reserved_images(image_ids[pool], settings.reserved)
    pool, classes = pool[free], classes[free]
    usable = answers[pool] if settings.fill_views else answers[pool, :1]
    inside = usable == classes[:, None]
    inside[:, 1:] &= found[classes, None]
    rows = _rows(pool, inside, answers)
    has = np.bincount(rows.labels, minlength=len(findings))
    rows = rows.first(share_evenly(has.tolist(), settings.total), rows.labels, _places(image_ids, settings.seed))
    wanted = _wanted(settings.total, found | (settings.not_found == "random"))
    shares = _shares(rows, wanted, found, [finding.name.label if finding.name else "" for finding in findings])
    doubtful = [share for share in shares if answered[share.target_class] and uncertain[share.target_class]]
    notes = [*_found_notes(shares, found, settings), *_doubt_note(doubtful, settings), *_unasked_note(answers[:, 0])]
    return _drawn(rows, shares, notes)


def draw_random(answers: Answers, image_ids: Ids, settings: TransferSettings, *, n_classes: int) -> Drawn:
    """Draw images of the corpus regardless of the suspect's answers, like the paper's "randomly sample ... images".

    If there are fewer than the total, further views of them follow, with the suspect's labels for those: a baseline
    with fewer rows than the found images give would be easy to beat.

    Args:
        answers: (n_images, n_views) int32 of the corpus.
        image_ids: (n_images,) uint64.
        settings: how to draw.
        n_classes: how many classes the suspect has.

    Raises:
        SettingsError: nothing was answered, or everything in one class.
    """
    _require_answers(answers)
    pool = np.flatnonzero((answers[:, 0] != NOT_ASKED) & ~reserved_images(image_ids, settings.reserved))
    usable = answers[pool] if settings.fill_views else answers[pool, :1]
    rows = _rows(pool, usable != NOT_ASKED, answers)
    rows = rows.first([settings.total], np.zeros(len(rows.images), np.intp), _places(image_ids, settings.seed))
    shares = _shares(rows, _wanted(settings.total, np.ones(n_classes, bool)), np.ones(n_classes, bool))
    notes = [*_total_note(rows, settings.total), *_none_note(shares), *_unasked_note(answers[:, 0])]
    return _drawn(rows, shares, notes)


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
    nothing = np.zeros(len(order), np.int16)
    rows = _Rows(images[order], nothing, labels[order].astype(np.int32), nothing)
    shares = _shares(rows, _wanted(total, np.ones(n_classes, bool)), np.ones(n_classes, bool))
    return _drawn(rows, shares, [*_total_note(rows, total), *_none_note(shares)])


# The queue


class _Rows(NamedTuple):
    """Rows that may be drawn: image, view, label, and how many of the image's rows precede this one."""

    images: Indices
    views: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int32]
    rank: npt.NDArray[np.int16]

    def first(self, taken: Sequence[int], groups: Integers, places: Ids) -> "_Rows":
        """The first `taken` of each group; `places` (n_images,) are those of all images in the queue."""
        chosen = _first(taken, groups, self.rank, places[self.images])
        return _Rows(self.images[chosen], self.views[chosen], self.labels[chosen], self.rank[chosen])


def _rows(pool: Indices, usable: Flags, answers: Answers) -> _Rows:
    """A row for each usable view (n_pool, n_views) of a pool's images."""
    image, view = np.nonzero(usable)
    rank = np.cumsum(usable, axis=1, dtype=np.int16)[image, view] - 1
    images = pool[image]
    return _Rows(images, view.astype(np.int16), answers[images, view].astype(np.int32), rank.astype(np.int16))


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
    findings: Sequence[ClassFinding], found: Flags, answers: Answers, fill: bool
) -> tuple[Indices, npt.NDArray[np.int32]]:
    """Images that may be drawn and the class of each: the kept ones, and those that fill classes not found."""
    kept = [finding.filtered.kept for finding, is_found in zip(findings, found, strict=True) if is_found]
    pool = np.concatenate([*kept, np.empty(0, np.intp)]).astype(np.intp)
    if fill:
        itself = answers[:, 0]
        strays = np.flatnonzero((itself != NOT_ASKED) & ~found[itself])
        pool = np.concatenate([pool, strays])
    return pool, answers[pool, 0].astype(np.int32)


def _wanted(total: int, sharing: Flags) -> list[int]:
    """How many rows each class gets if no class has too few."""
    return share_evenly(np.where(sharing, total, 0).tolist(), total)


def _shares(
    rows: _Rows, wanted: Sequence[int], found: Flags, labels: Sequence[str] | None = None
) -> tuple[ClassTransfer, ...]:
    n_classes = len(wanted)
    itself = rows.views == 0
    n_images = np.bincount(rows.labels[itself], minlength=n_classes)
    n_views = np.bincount(rows.labels[~itself], minlength=n_classes)
    columns = (np.where(found, n_images, 0).tolist(), n_views.tolist(), np.where(found, 0, n_images).tolist())
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
        of = f"only class {_named(some[0])} gets images" if some else "no class gets an image"
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


# Notes


def _found_notes(shares: Sequence[ClassTransfer], found: Flags, settings: TransferSettings) -> list[str]:
    scarce = [share for share in shares if found[share.target_class] and share.n_images < share.wanted]
    strays = [share for share in shares if not found[share.target_class]]
    notes = _scarce_notes(scarce)
    if strays and settings.not_found == "random":
        notes += _filled_notes(strays)
    elif strays:
        notes.append(f"Not found and left out: {_classes(strays)}.")
    if idle := [share for share in shares if not share.wanted and found[share.target_class]]:
        notes.append(f"A total of {settings.total:,} is too small for all classes: {_classes(idle)} got no share.")
    n_rows = sum(share.n_rows for share in shares)
    return [*notes, *([_short_of(n_rows, settings.total)] if n_rows < settings.total else [])]


def _doubt_note(doubtful: Sequence[ClassTransfer], settings: TransferSettings) -> list[str]:
    """Classes whose answer is uncertain."""
    if not doubtful:
        return []
    done = "counted as not found" if settings.uncertain == "set aside" else "used anyway; it can be set aside"
    return [f"The interval of the score reaches below tau in {_classes(doubtful)}: {done}."]


def _scarce_notes(scarce: Sequence[ClassTransfer]) -> list[str]:
    """Classes with too few images of their own."""
    if len(scarce) <= MAX_SENTENCES:
        return [
            f"Class {_named(share)}: {_counted(share.n_images, 'image')}"
            + (f" and {_counted(share.n_views, 'view')} of them" if share.n_views else "")
            + f"; {share.wanted:,} were wanted."
            for share in scarce
        ]
    views = [share.n_views for share in scarce]
    return [
        f"Too few images in {_classes(scarce)}: {_span([share.n_images for share in scarce])} each"
        + (f", and {_span(views)} views of them" if any(views) else "")
        + f"; {_span([share.wanted for share in scarce])} were wanted."
    ]


def _filled_notes(strays: Sequence[ClassTransfer]) -> list[str]:
    """Classes that were not found, and their images from the whole corpus."""
    if len(strays) <= MAX_SENTENCES:
        return [
            f"Class {share.target_class} was not found: {_counted(share.n_filled, 'image')} of the whole corpus that "
            f"the suspect puts there; {share.wanted:,} were wanted."
            for share in strays
        ]
    return [
        f"Not found: {_classes(strays)}. {_span([share.n_filled for share in strays])} images of the whole corpus each "
        f"that the suspect puts there; {_span([share.wanted for share in strays])} were wanted."
    ]


def _total_note(rows: _Rows, total: int) -> list[str]:
    n_rows, n_views = len(rows.images), int((rows.views > 0).sum())
    if not n_views:
        return [_short_of(n_rows, total)] if n_rows < total else []
    rows_in_words = f"{_counted(n_rows - n_views, 'image')} and {_counted(n_views, 'view')} of them"
    return [f"There are {rows_in_words}; {total:,} images were wanted."]


def _short_of(n_rows: int, total: int) -> str:
    return f"The set has {_counted(n_rows, 'row')} in all; {total:,} were wanted."


def _none_note(shares: Sequence[ClassTransfer]) -> list[str]:
    empty = [share for share in shares if not share.n_rows]
    return [f"The suspect puts none of these images in {_classes(empty)}."] if empty else []


def _unasked_note(itself: npt.NDArray[np.int32]) -> list[str]:
    n_unasked = int((itself == NOT_ASKED).sum())
    if not n_unasked:
        return []
    return [f"The suspect was never queried with {n_unasked:,} of {_counted(len(itself), 'image')}; they are left out."]


def _classes(shares: Sequence[ClassTransfer]) -> str:
    """ "class 3 (dog)", "classes 1 and 3 (dog)", "120 classes (1, 3 (dog), 4, 5, 6 and 115 more)"."""
    names = [_named(share) for share in shares]
    if len(names) == 1:
        return f"class {names[0]}"
    if len(names) <= MAX_LISTED:
        return f"classes {', '.join(names[:-1])} and {names[-1]}"
    more = len(names) - MAX_LISTED
    return f"{len(names):,} classes ({', '.join(names[:MAX_LISTED])} and {more:,} more)"


def _named(share: ClassTransfer) -> str:
    label = " ".join(share.label.split())
    short = label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1]}…"
    return f"{share.target_class} ({short})" if short else str(share.target_class)


def _counted(n: int, what: str) -> str:
    return f"{n or 'no'} {what}" if n < 2 else f"{n:,} {what}s"


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
