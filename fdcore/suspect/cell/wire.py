"""Messages between a cell and its parent: a length and that many bytes of JSON, over a stream socket."""

import os
import select
import time

MAX_MESSAGE = 16 << 20  # bytes
_LENGTH = 4  # bytes, little endian


class SilentError(Exception):
    """The other side did not answer in time."""


class GoneError(Exception):
    """The other side has closed the connection, or writes what is not a message."""


def send(descriptor: int, message: bytes) -> None:
    """Write one message.

    Raises:
        GoneError: the other side is gone.
    """
    rest = memoryview(len(message).to_bytes(_LENGTH, "little") + message)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        raise GoneError(str(error)) from error


def receive(descriptor: int, deadline: float | None = None) -> bytes:
    """Read one message.

    Args:
        descriptor: of the socket.
        deadline: of `time.monotonic`; None waits for ever.

    Raises:
        SilentError: the deadline has passed.
        GoneError: the connection is closed, or the message is longer than any that a cell has to send.
    """
    length = int.from_bytes(_read(descriptor, _LENGTH, deadline), "little")
    if length > MAX_MESSAGE:
        raise GoneError(f"a message of {length:,} bytes")
    return _read(descriptor, length, deadline)


def _read(descriptor: int, n: int, deadline: float | None) -> bytes:
    parts, missing = [], n
    while missing:
        if deadline is not None and not _readable(descriptor, deadline):
            raise SilentError
        try:
            part = os.read(descriptor, min(missing, 1 << 20))
        except OSError as error:
            raise GoneError(str(error)) from error
        if not part:
            raise GoneError("closed")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _readable(descriptor: int, deadline: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
