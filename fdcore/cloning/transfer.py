"""The transfer set that a finding gives: the kept images, and how a fixed total is shared among the classes.

It says what a clone could be trained from; `sources` draws it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fdcore.artefacts import ClassFinding, to_csv

TOTAL = 5_000  # images of the paper's transfer sets
COLUMNS = ("target_class", "found", "kept", "dropped", "share_kept", "taken")


class ClassShare(NamedTuple):
    """One class's part of a transfer set.

    Attributes:
        target_class: the class's number.
        label: what was found; empty for "not found".
        kept: images of the selection that the suspect itself puts in the class.
        dropped: images of the selection that it puts elsewhere.
        taken: images of a balanced set of a fixed total.
    """

    target_class: int
    label: str
    kept: int
    dropped: int
    taken: int


class TransferSet(NamedTuple):
    """What a finding gives to train from.

    Attributes:
        classes: one for each class, in their order.
        total: the images asked for.
        balance: kept images of the smallest class with any, as a share of the largest; 0 where there is none.
    """

    classes: tuple[ClassShare, ...]
    total: int
    balance: float

    @property
    def n_kept(self) -> int:
        """Kept images of all classes."""
        return sum(share.kept for share in self.classes)

    @property
    def n_taken(self) -> int:
        """Images in the balanced set; fewer than `total` where the classes do not hold enough."""
        return sum(share.taken for share in self.classes)

    @property
    def n_covered(self) -> int:
        """Classes with at least one kept image."""
        return sum(share.kept > 0 for share in self.classes)


def transfer_set(findings: Sequence[ClassFinding], total: int = TOTAL) -> TransferSet:
    """Share a total among the classes as evenly as their kept images allow; no image is taken twice."""
    kept = [len(finding.filtered.kept) for finding in findings]
    taken = share_evenly(kept, total)
    classes = tuple(
        ClassShare(
            finding.selection.target_class,
            finding.name.label if finding.name else "",
            n_kept,
            len(finding.filtered.dropped),
            n_taken,
        )
        for finding, n_kept, n_taken in zip(findings, kept, taken, strict=True)
    )
    some = [n for n in kept if n]
    return TransferSet(classes, total, min(some) / max(some) if some else 0.0)


def share_evenly(available: Sequence[int], total: int) -> list[int]:
    """How many to take of each, so that the least is as large as possible and all together are at most `total`.

    What one has too few of goes to the others; a remainder goes to the first that can give one more.
    """
    have = np.asarray(available, dtype=np.int64)
    low, high = 0, int(have.max(initial=0))
    while low < high:  # the highest level at which every class gives what it has, up to the level
        level = (low + high + 1) // 2
        if np.minimum(have, level).sum() <= total:
            low = level
        else:
            high = level - 1
    taken = np.minimum(have, low)
    more = np.flatnonzero(have > low)[: max(total - int(taken.sum()), 0)]
    taken[more] += 1
    return [int(n) for n in taken]


def transfer_to_csv(found: TransferSet) -> bytes:
    """The transfer set per class as a table."""
    rows = (
        {
            "target_class": share.target_class,
            "found": share.label,
            "kept": share.kept,
            "dropped": share.dropped,
            "share_kept": round(share.kept / max(share.kept + share.dropped, 1), 6),
            "taken": share.taken,
        }
        for share in found.classes
    )
    return to_csv(COLUMNS, rows)
