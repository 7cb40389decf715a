"""The images that a finding gives to train from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdcore.cloning.transfer import share_evenly, transfer_set
from fdcore.method.filtering import FilteredClass
from fdcore.method.findings import ClassFinding
from fdcore.method.naming import Name
from fdcore.method.selection import ClassSelection, Cluster


def finding(number: int, kept: int, dropped: int, label: str = "boat") -> ClassFinding:
    clusters = (Cluster(0, (0,), 0.9, 0.8, 1.0, 0.9, 0.0, 0.63),) if kept or dropped else ()
    filtered = FilteredClass(
        number, np.arange(kept), np.ones(kept, np.float32), np.arange(dropped), np.zeros(dropped, np.int32)
    )
    name = Name("n1", label, 1, 1) if clusters else None
    return ClassFinding(ClassSelection(number, (), clusters), filtered, name, ())


@pytest.mark.parametrize(
    ("available", "total", "expected"),
    [
        ([10, 100], 50, [10, 40]), ([10, 0, 10], 100, [10, 0, 10]), ([5, 5, 5], 10, [4, 3, 3]), ([], 10, []),
        ([3], 0, [0]),
    ],
)  # fmt: skip
def test_a_total_is_shared_as_evenly_as_the_classes_allow(available, total, expected):
    """What one class lacks goes to the others."""
    assert share_evenly(available, total) == expected


@given(st.lists(st.integers(0, 60), max_size=8), st.integers(0, 300))
def test_sharing_is_exact_and_fair(available, total):
    """All that can be taken is, nobody gives more than there is, and only the poor give less than another."""
    taken = share_evenly(available, total)
    assert sum(taken) == min(total, sum(available))
    assert all(0 <= t <= n for t, n in zip(taken, available, strict=True))
    for t, n in zip(taken, available, strict=True):
        assert t == n or t >= max(taken) - 1


def test_the_transfer_set_counts_what_filtering_kept():
    """Kept, dropped and the balance; "not found" is a class with nothing."""
    found = transfer_set([finding(0, 30, 10), finding(1, 10, 0), finding(2, 0, 0)])
    assert [(share.kept, share.dropped) for share in found.classes] == [(30, 10), (10, 0), (0, 0)]
    assert (found.n_kept, found.n_covered) == (40, 2)
    assert found.balance == pytest.approx(1 / 3)
    assert transfer_set([]).balance == 0
