"""Places of names beside points, so that they cover neither each other nor the points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.floating[Any]]  # (n, 4): left, bottom, right, top in pixels

PLACES = (
    "middle right", "middle left", "top center", "bottom center", "top right", "bottom right", "top left",
    "bottom left",
)  # fmt: skip
LINE_PX, GAP_PX = 15.0, 8.0  # height of a line, distance from the point
_REACH_PX = LINE_PX + 2 * GAP_PX  # the vertical distance within which a name may cover another point
MAX_TRIED = 1_000  # in a dense map most further names have no room, and the search takes time
_SIDE = {"left": -1.0, "center": 0.0, "right": 1.0, "bottom": -1.0, "middle": 0.0, "top": 1.0}
_DIRECTIONS = np.array([[_SIDE[place.split()[1]], _SIDE[place.split()[0]]] for place in PLACES])


def place_labels(
    points: npt.NDArray[np.floating[Any]],
    widths: Sequence[float],
    *,
    order: Sequence[int],
    n_always: int,
    max_labels: int,
    frame: tuple[float, float],
) -> dict[int, str]:
    """Choose a side for the name of each point that has room for it.

    Args:
        points: (n, 2) in pixels, from the lower left corner of the frame; no name may cover one of them.
        widths: (n,) of each name in pixels.
        order: the points to be named, the most important first.
        n_always: how many of them get a name even if it covers something.
        max_labels: the most names.
        frame: width and height in pixels.

    Returns:
        Point -> one of `PLACES`, Plotly's terms.
    """
    by_height = points[np.argsort(points[:, 1])]
    markers = np.hstack([by_height - GAP_PX / 2, by_height + GAP_PX / 2])
    names = np.zeros((0, 4))
    placed: dict[int, str] = {}
    for rank, point in enumerate(order[:MAX_TRIED]):
        if len(placed) >= max_labels:
            break
        boxes = _around(points[point], widths[point])
        outside = (boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > frame).any(axis=1)
        near = slice(*np.searchsorted(by_height[:, 1], points[point, 1] + np.array([-_REACH_PX, _REACH_PX])))
        cost = 100 * _overlaps(boxes, names) + _overlaps(boxes, markers[near]) + 30 * outside
        best = int(cost.argmin())
        if rank < n_always or cost[best] == 0:
            placed[point] = PLACES[best]
            names = np.vstack([names, boxes[best]])
    return placed


def _around(point: npt.NDArray[np.floating[Any]], width: float) -> Boxes:
    """The box of a name in each of `PLACES`."""
    size = np.array([width, LINE_PX])
    middle = point + _DIRECTIONS * (size / 2 + GAP_PX)
    return np.hstack([middle - size / 2, middle + size / 2])


def _overlaps(boxes: Boxes, others: Boxes) -> npt.NDArray[np.intp]:
    """How many of the others each box touches."""
    apart = (boxes[:, None, :2] >= others[None, :, 2:]) | (boxes[:, None, 2:] <= others[None, :, :2])
    touching: npt.NDArray[np.intp] = (~apart.any(axis=2)).sum(axis=1)
    return touching
