"""Arrays that may come from anywhere: a case can be imported, so what a file claims is checked before it is read."""

import zipfile
import zlib
from typing import IO, Any

import numpy as np

DAMAGED = (OSError, ValueError, KeyError, EOFError, TypeError, MemoryError, OverflowError, RuntimeError,
           NotImplementedError, zipfile.BadZipFile, zlib.error)  # fmt: skip


def read_array(file: IO[bytes], dtype: type[np.generic], most: int) -> Any:
    """A one-dimensional array of an .npy file; its header is checked before it is read.

    Raises:
        ValueError: it is something else, or longer than `most`.
    """
    if np.lib.format.read_magic(file) != (1, 0):  # type: ignore[no-untyped-call]  # numpy 1.26 has no type for it
        raise ValueError("another version of the format")
    shape, fortran_order, found = np.lib.format.read_array_header_1_0(file)  # type: ignore[no-untyped-call]  # the same
    if len(shape) != 1 or fortran_order or found != np.dtype(dtype) or shape[0] > most:
        raise ValueError(f"an array of {found} with shape {shape}")
    content = file.read(shape[0] * found.itemsize)
    return np.frombuffer(content, dtype=found, count=shape[0]).copy()
