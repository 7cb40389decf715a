"""The images that a finding offers for a transfer set, and how a total is shared among classes; `sources` draws it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fdcore.method.findings import ClassFinding


class ClassShare(NamedTuple):
    """One class's part of a transfer set."""

    target_class: int
    label: str  # what was found; empty for "not found"
    kept: int  # images of the selection that the suspect itself puts in the class
    dropped: int  # images of the selection that it puts elsewhere


class TransferSet(NamedTuple):
    """The images that a finding offers for training."""

    classes: tuple[ClassShare, ...]  # one for each class, in order
    balance: float  # kept images of the smallest class with any, as a share of the largest; 0 without images

    @property
    def n_kept(self) -> int:
        """Kept images of all classes."""
        return sum(share.kept for share in self.classes)

    @property
    def n_covered(self) -> int:
        """Classes with at least one kept image."""
        return sum(share.kept > 0 for share in self.classes)


def transfer_set(findings: Sequence[ClassFinding]) -> TransferSet:
    """Count the images of each class's answer that filtering kept and dropped."""
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
    """How many to take of each, so that the smallest share is as large as possible and the sum is at most `total`.

    If one has too few, the others give more; a remainder goes to the first that can give one more.
    """
    have = np.asarray(available, dtype=np.int64)
    low, high = 0, int(have.max(initial=0))
    while low < high:  # the highest level such that every class gives what it has, up to that level
        level = (low + high + 1) // 2
        if np.minimum(have, level).sum() <= total:
            low = level
        else:
            high = level - 1
    taken = np.minimum(have, low)
    more = np.flatnonzero(have > low)[: max(total - int(taken.sum()), 0)]
    taken[more] += 1
    return [int(n) for n in taken]
