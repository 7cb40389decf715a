"""Errors are matched by their key and the values in their message, so that a sentence can be reworded freely."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fdcore.errors import FdError


@contextmanager
def raises(kind: type[FdError], key: str, *values: object) -> Iterator[pytest.ExceptionInfo[FdError]]:
    """Expect an error of exactly this kind and key whose message holds all of the values."""
    with pytest.raises(kind) as caught:
        yield caught
    assert (type(caught.value), caught.value.key) == (kind, key), caught.value
    message = str(caught.value)
    assert not [value for value in values if str(value) not in message], message
