"""Filtering: which images of a selection stay."""

import numpy as np

from fdcore.method.filtering import filter_images
from fdcore.method.selection import ClassSelection, Cluster

ANSWERS = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 0], [-1, -1, -1], [0, 0, 1], [0, 0, 0]], np.int32)
LEAF = np.array([0, 0, 0, 1, 1, 2], np.int32)


def selection(target_class: int, *members: int) -> ClassSelection:
    clusters = (Cluster(members[0], members, 0.5, 0.4, 0.6, 0.5, 0.0, 0.5),) if members else ()
    return ClassSelection(target_class, members, clusters)


def test_images_stay_when_they_themselves_are_in_the_class():
    """View 0 decides; the most consistent of the kept come first; the others say what they were taken for."""
    [filtered] = filter_images((selection(0, 0, 1),), ANSWERS, LEAF)
    assert filtered.kept.tolist() == [0, 4, 1]
    assert np.allclose(filtered.consistency, [1, 2 / 3, 1 / 3])
    assert dict(zip(filtered.dropped.tolist(), filtered.dropped_label.tolist(), strict=True)) == {2: 1, 3: -1}


def test_a_class_that_was_not_found_keeps_nothing():
    """No selection, no images."""
    [filtered] = filter_images((selection(0),), ANSWERS, LEAF)
    assert len(filtered.kept) == len(filtered.dropped) == 0
