"""What takes NumPy's place while a checkpoint is read, so that no function of NumPy is called by the file."""

import re
from typing import Any

import numpy as np

MAX_VALUES = 16  # of an array that are kept
_NUMBER_TYPE = re.compile(r"[fiub][1248]")  # NumPy's notation, without the byte order


class NumpyType:
    """Stands in for `numpy.dtype` while a file is read: it only remembers the name."""

    def __init__(self, name: object = "", *_: object) -> None:
        self.name = str(name)

    def __setstate__(self, state: object) -> None:
        """Ignore the byte order: a checkpoint's numbers are little endian."""


class NumpyArray:
    """Stands in for `numpy.ndarray` while a file is read; small arrays of numbers become a tuple afterwards."""

    values: tuple[float, ...] = ()

    def __setstate__(self, state: object) -> None:
        """Take (version, shape, type, order, bytes) as NumPy writes them."""
        if isinstance(state, tuple) and len(state) == 5 and isinstance(state[2], NumpyType):
            name, raw = state[2].name, state[4]
            if _NUMBER_TYPE.fullmatch(name) and isinstance(raw, bytes) and len(raw) % int(name[1]) == 0:
                self.values = tuple(np.frombuffer(raw, dtype=f"<{name}").tolist()[:MAX_VALUES])


def _numpy_array(*_: object) -> NumpyArray:
    """Stands in for the function that creates an array before its content is set."""
    return NumpyArray()


def _numpy_scalar(kind: object = None, data: object = b"") -> float | int | None:
    """Stands in for NumPy's scalar constructor: a number from its bytes, None for anything else."""
    raw = data if isinstance(data, bytes) else b""
    name = kind.name if isinstance(kind, NumpyType) else ""
    if not _NUMBER_TYPE.fullmatch(name) or len(raw) != int(name[1]):
        return None
    number: float | int = np.frombuffer(raw, dtype=f"<{name}")[0].item()
    return number


STAND_INS: list[Any] = [
    (_numpy_scalar, "numpy.core.multiarray.scalar"),
    (_numpy_scalar, "numpy._core.multiarray.scalar"),
    (_numpy_array, "numpy.core.multiarray._reconstruct"),
    (_numpy_array, "numpy._core.multiarray._reconstruct"),
    (NumpyArray, "numpy.ndarray"),
    (NumpyType, "numpy.dtype"),
]
