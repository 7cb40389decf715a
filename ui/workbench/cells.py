"""A matrix whose cells can be clicked: classes by leaves, and leaves by leaves."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.report.figures.style import BORDER, CIVIDIS, NOTHING
from ui.text import plain, shortened
from ui.workbench.components import cell_map

_NAME = 60  # characters


def cells(
    values: npt.NDArray[np.floating[Any]], rows: Sequence[str], columns: Sequence[str], *, key: str, alt: str,
    on_click: Callable[[int, int], None], near_is_bright: bool = False, unit: str = " %", square: bool = False,
    frames: Sequence[tuple[int, int]] = (),
) -> None:  # fmt: skip
    """Draw the matrix.

    Args:
        values: (n_rows, n_columns): shares from 0 to 1, or steps; inf is drawn as unrelated.
        rows, columns: their names.
        on_click: gets a cell's row and column.
        near_is_bright: whether the values are steps, of which few are bright; else they are shares.
        unit: appended to a value.
        square: whether cells are.
        frames: first and last row (exclusive) of squares on the diagonal to be framed.
    """
    finite = values[np.isfinite(values)]
    high = float(finite.max(initial=1.0)) if near_is_bright else 1.0
    digits = 0 if near_is_bright else 3
    data = {
        "values": [[round(v, digits) if math.isfinite(v) else None for v in row] for row in values.tolist()],
        "rows": [shortened(plain(name), _NAME) for name in rows],
        "columns": [shortened(plain(name), _NAME) for name in columns],
        "colors": list(reversed(CIVIDIS) if near_is_bright else CIVIDIS), "low": 0.0, "high": high,
        "nothing": NOTHING, "none": "unrelated", "border": BORDER, "unit": unit, "percent": not near_is_bright,
        "square": square, "frames": [list(frame) for frame in frames], "alt": alt,
    }  # fmt: skip

    def chosen(given: Any) -> None:
        try:
            row, column = (int(number) for number in given)
        except (TypeError, ValueError):
            return
        if 0 <= row < len(rows) and 0 <= column < len(columns):
            on_click(row, column)

    cell_map(data, key=key, chosen=chosen)
