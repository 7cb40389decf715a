"""What a closed cell can still do, tried from inside."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

FOREIGN = "/etc/passwd"  # exists everywhere and is readable by everybody
NOWHERE = ("127.0.0.1", 9)  # nothing listens there; "refused" already means that the network was reached


def probe() -> dict[str, bool]:
    """Which of six attempts succeeded: all should be False."""
    return {name: _succeeds(attempt) for name, attempt in ATTEMPTS.items()}


def _succeeds(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def _read() -> None:
    Path(FOREIGN).read_bytes()


def _write() -> None:
    for folder in (".", "/tmp", "/dev/shm"):  # noqa: S108 - an attempt that should fail
        try:
            descriptor = os.open(f"{folder}/written-by-a-cell", os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            refused = error
            continue
        os.close(descriptor)
        return
    raise refused


def _connect() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.settimeout(1)
        one.connect(NOWHERE)


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"", NOWHERE)


def _execute() -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


ATTEMPTS: dict[str, Callable[[], None]] = {
    "read a file": _read,
    "write a file": _write,
    "connect to a port": _connect,
    "send a packet": _send,
    "run a program": _execute,
    "start a process": _fork,
}
NETWORK = ("connect to a port", "send a packet")
