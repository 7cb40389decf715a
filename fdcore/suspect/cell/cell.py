"""The parent's side of a cell: start one, ask it, end it."""

import fcntl
import json
import mmap
import os
import signal
import socket
import subprocess  # the nursery is our own program
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from fdcore.errors import EvidenceError, FdError, RefusedError, SettingsError, SuspectError
from fdcore.progress import Progress, silent
from fdcore.suspect.cell import wire
from fdcore.suspect.cell.evidence import Evidence
from fdcore.suspect.cell.probe import NETWORK

INSIDE = "fdcore.suspect.reading.inside"  # what runs in a cell
NURSERY = ("-m", "fdcore.suspect.cell.nursery")
SHARED = 256 << 20  # bytes of pictures and labels that fit into one batch; only what is used takes memory
START_S = 120.0  # for a nursery to import its libraries on a busy machine
MAX_TEXT = 2_000  # characters of a message from inside
PASSED = (
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "MKL_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
)
ERRORS: dict[str, type[FdError]] = {
    kind.__name__: kind for kind in (SuspectError, RefusedError, SettingsError, EvidenceError)
}
_SEALS = 0x1 | 0x2 | 0x4  # F_SEAL_SEAL, _SHRINK, _GROW: the size stays, so that reading never fails
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Limits:
    """What a cell may use.

    Attributes:
        memory: bytes that it may allocate; None for half of the machine's.
        scan_s: seconds for one scanner.
        opening_s: seconds for reading the suspect.
        batch_s: seconds for answering one batch of pictures.
    """

    memory: int | None = None
    scan_s: float = 60.0
    opening_s: float = 120.0
    batch_s: float = 120.0

    @property
    def bytes(self) -> int:
        """Bytes that a cell may allocate."""
        return self.memory or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


@dataclass(frozen=True)
class CellReport:
    """How a cell was closed.

    Attributes:
        layers: (name, "" or why it could not be applied).
        possible: the attempts of the probe that succeeded from inside; none should.
    """

    layers: tuple[tuple[str, str], ...] = ()
    possible: tuple[str, ...] = ()

    @property
    def stops_network(self) -> bool:
        """Whether no attempt reached the network."""
        return not set(NETWORK) & set(self.possible)


class CellError(SuspectError):
    """The cell hung, died or broke its limits; what it answered before stays valid."""


class _Error(msgspec.Struct):
    kind: str
    message: str
    key: str = ""


class _Reply(msgspec.Struct):
    progress: tuple[str, int, int] | None = None
    error: _Error | None = None
    answer: msgspec.Raw = msgspec.Raw(b"null")


class _Hello(msgspec.Struct):
    layers: tuple[tuple[str, str], ...]
    probe: dict[str, bool]


class Cell:
    """A process that holds one suspect's bytes and nothing else.

    Attributes:
        report: how it was closed.
        shared: bytes that both sides see, for pictures and labels.
    """

    def __init__(self, evidence: Evidence, *, limits: Limits, gpu: bool = False) -> None:
        self._name, self._limits = evidence.name, limits
        ours, theirs = socket.socketpair()
        memory = os.memfd_create("pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, SHARED)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
        start = {"files": list(evidence.files), "memory": limits.bytes, "gpu": gpu}
        with ours, theirs:
            self._number = _nursery().start(start, [theirs.fileno(), memory, *evidence.files.values()])
            self._socket = ours.detach()
        self.shared = mmap.mmap(memory, SHARED)
        os.close(memory)
        # A cell that nobody refers to ends when its socket closes. The collector may run anywhere, also between the
        # two halves of a conversation with the nursery, so it must not begin another one.
        self._closed = weakref.finalize(self, os.close, self._socket)
        hello = self._typed(self._reply(limits.opening_s, silent), _Hello)
        self.report = CellReport(hello.layers, tuple(name for name, succeeded in hello.probe.items() if succeeded))

    def ask(
        self, task: str, answer: type[_Answer], *, timeout_s: float, progress: Progress = silent, **arguments: Any
    ) -> _Answer:
        """Have a task done inside.

        Raises:
            CellError: it hung, died, or answered what is not an answer; the cell is ended.
            FdError: as the task raised it.
        """
        if not self._closed.alive:
            raise CellError(f"{self._name} was ended before.", key="suspect ended")
        try:
            wire.send(self._socket, msgspec.json.encode({"task": task, "arguments": arguments}))
        except wire.GoneError:
            raise self._died() from None
        return self._typed(self._reply(timeout_s, progress), answer)

    def end(self) -> None:
        """Kill it, if it still runs."""
        self._status()

    def _status(self) -> int | None:
        """The exit status of the ended process; None if it had been ended before."""
        if not self._closed.alive:
            return None
        self._closed()
        return _ended(self._number)

    def _reply(self, timeout_s: float, progress: Progress) -> msgspec.Raw:
        deadline = time.monotonic() + timeout_s
        try:
            while True:
                reply = self._typed(wire.receive(self._socket, deadline), _Reply)
                if reply.error is not None:
                    kind = ERRORS.get(reply.error.kind, SuspectError)
                    raise kind(printable(reply.error.message), key=printable(reply.error.key))
                if reply.progress is None:
                    return reply.answer
                progress(printable(reply.progress[0]), *reply.progress[1:])
        except wire.SilentError:
            self.end()
            raise CellError(
                f"{self._name} was ended because it did not finish within {timeout_s:g} s.", key="suspect hangs"
            ) from None
        except wire.GoneError:
            raise self._died() from None
        except BaseException as error:
            if not isinstance(error, FdError):  # cancelled: the cell is in the middle of something
                self.end()
            raise

    def _died(self) -> CellError:
        return CellError(f"{self._name} {_how_it_ended(self._status())}.", key="suspect died")

    def _typed(self, content: bytes | msgspec.Raw, kind: type[_Answer]) -> _Answer:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, SettingsError) as error:
            self.end()
            raise CellError(
                f"{self._name} was ended because its cell answered something else than expected "
                f"({printable(str(error))}).",
                key="suspect breaks protocol",
            ) from error


def ask_once(
    evidence: Evidence, task: str, answer: type[_Answer], *, limits: Limits, timeout_s: float, **arguments: Any
) -> _Answer:
    """Have one task done in a cell of its own.

    Raises:
        FdError: as `Cell.ask`.
    """
    cell = Cell(evidence, limits=limits)
    try:
        return cell.ask(task, answer, timeout_s=timeout_s, **arguments)
    finally:
        cell.end()


def printable(text: str) -> str:
    """Text from inside, without control characters and not longer than a message should be."""
    return "".join(one if one.isprintable() else " " for one in text[:MAX_TEXT])


def _how_it_ended(status: int | None) -> str:
    if status is None or status >= 0:
        return "ended its process" if not status else f"ended its process with status {status}"
    reasons: dict[int, str] = {
        signal.SIGKILL: "the system killed it, perhaps for memory",
        signal.SIGXCPU: "it used up its processor time",
    }
    return f"ended its process ({reasons.get(-status, f'signal {-status}')})"


# The nursery of this process


class _Nursery:
    def __init__(self) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[3])
        environment = {name: os.environ[name] for name in PASSED if name in os.environ}
        # Threads that wait by spinning would take a processor from the parent, which draws the next views meanwhile.
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        environment["PYTHONPATH"] = os.pathsep.join(part for part in (root, environment.get("PYTHONPATH")) if part)
        command = [sys.executable, "-P", *NURSERY, str(theirs.fileno()), INSIDE]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command, pass_fds=[theirs.fileno()], env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        self._control = ours
        ours.settimeout(START_S)
        if ours.recv(64) != b"ready":
            raise SuspectError("The program that isolates suspects did not start.", key="no nursery")

    @property
    def serves(self) -> bool:
        """Whether it runs and belongs to this process."""
        return self.owner == os.getpid() and self._process.poll() is None

    def start(self, start: Mapping[str, Any], descriptors: Sequence[int]) -> int:
        number: int = self._command({"start": start}, descriptors)["number"]
        return number

    def end(self, number: int) -> int | None:
        status: int | None = self._command({"end": number})["status"]
        return status

    def _command(self, command: Mapping[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        """One command and its answer; a nursery that gives none is killed, so that no later command reads it."""
        with self._lock:
            try:
                socket.send_fds(self._control, [json.dumps(command).encode()], list(descriptors))
                answer: dict[str, Any] = json.loads(self._control.recv(1024))
            except (OSError, ValueError) as error:
                self._process.kill()
                self._process.wait()
                raise CellError("The program that isolates suspects has ended. Try again.", key="no nursery") from error
            return answer


_shared_nursery: _Nursery | None = None
_starting = threading.Lock()


def _nursery() -> _Nursery:
    """This process's nursery, started when first needed; a forked process starts its own."""
    global _shared_nursery
    with _starting:
        if _shared_nursery is None or not _shared_nursery.serves:
            _shared_nursery = _Nursery()
        return _shared_nursery


def _ended(number: int) -> int | None:
    """Kill a cell; its exit status, None where the nursery is gone and its cells with it."""
    nursery = _shared_nursery
    if nursery is None or not nursery.serves:
        return None
    try:
        return nursery.end(number)
    except CellError:
        return None
