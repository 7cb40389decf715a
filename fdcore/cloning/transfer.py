"""The transfer set that a finding gives: the kept images, and how a fixed total is shared among the classes.

It says what a clone could be trained from; `sources` draws it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fdcore.method.findings import ClassFinding


class ClassShare(NamedTuple):
    """One class's part of a transfer set.

    Attributes:
        target_class: the class's number.
        label: what was found; empty for "not found".
        kept: images of the selection that the suspect itself puts in the class.
        dropped: images of the selection that it puts elsewhere.
    """

    target_class: int
    label: str
    kept: int
    dropped: int


class TransferSet(NamedTuple):
    """What a finding gives to train from.

    Attributes:
        classes: one for each class, in their order.
        balance: kept images of the smallest class with any, as a share of the largest; 0 where there is none.
    """

    classes: tuple[ClassShare, ...]
    balance: float

    @property
    def n_kept(self) -> int:
        """Kept images of all classes."""
        return sum(share.kept for share in self.classes)

    @property
    def n_covered(self) -> int:
        """Classes with at least one kept image."""
        return sum(share.kept > 0 for share in self.classes)


def transfer_set(findings: Sequence[ClassFinding]) -> TransferSet:
    """Count what filtering kept and dropped of each class's answer."""
    classes = tuple(
        ClassShare(
            finding.selection.target_class,
            finding.name.label if finding.name else "",
            len(finding.filtered.kept),
            len(finding.filtered.dropped),
        )
        for finding in findings
    )
    some = [share.kept for share in classes if share.kept]
    return TransferSet(classes, min(some) / max(some) if some else 0.0)


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
