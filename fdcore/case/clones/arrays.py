"""Arrays from untrusted files: a case can be imported, so a file's header is checked before its content is read."""

import zipfile
import zlib
from typing import IO, Any

import numpy as np

DAMAGED = (OSError, ValueError, KeyError, EOFError, TypeError, MemoryError, OverflowError, RuntimeError,
           NotImplementedError, zipfile.BadZipFile, zlib.error)  # fmt: skip


def read_array(file: IO[bytes], dtype: type[np.generic], most: int) -> Any:
    """A one-dimensional array of an .npy file, with at most `most` values.

    Raises:
        ValueError: the header says something else.
    """
    if np.lib.format.read_magic(file) != (1, 0):  # type: ignore[no-untyped-call]  # numpy 1.26 has no type for it
        raise ValueError("another version of the format")
    shape, fortran_order, found = np.lib.format.read_array_header_1_0(file)  # type: ignore[no-untyped-call]  # the same
    if len(shape) != 1 or fortran_order or found != np.dtype(dtype) or shape[0] > most:
        raise ValueError(f"an array of {found} with shape {shape}")
    content = file.read(shape[0] * found.itemsize)
    return np.frombuffer(content, dtype=found, count=shape[0]).copy()
