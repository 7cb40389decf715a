"""Starting and identifying worker processes.

The system reuses a process number, but not together with its start time.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from fdcore.errors import StorageError
from fdcore.storage import disk_errors

SILENT_S = 60.0  # without a heartbeat, after which a process that cannot be inspected counts as gone


@dataclass(frozen=True)
class ProcessId:
    """A process, distinct from every other that ever ran.

    Attributes:
        pid: its number.
        ticks: its start, in clock ticks since the system started; 0 if unknown.
        system: the run of the system, and the container, in which the number is valid.
    """

    pid: int
    ticks: int
    system: str

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """The process that has this number now; without a start time if it has ended already."""
        return cls(pid, _ticks(pid) or 0, this_system())

    def alive(self, heartbeat: float) -> bool:
        """Whether the process still runs.

        Args:
            heartbeat: its last one, in seconds since 1970; used only where the process cannot be inspected.
        """
        if self.system == this_system() and Path("/proc/self/stat").exists():
            return self.ticks != 0 and _ticks(self.pid) == self.ticks
        return time.time() - heartbeat < SILENT_S

    def kill(self) -> None:
        """Kill it and the processes it started, unless it is gone or not of this system."""
        if self.system != this_system() or not self.ticks or _ticks(self.pid) != self.ticks:
            return
        with suppress(ProcessLookupError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)


class Executor(Protocol):
    """Starts a worker: `command` runs until the job has ended, and its output is appended to `log`.

    Raises:
        StorageError: it cannot be started.
    """

    def __call__(self, command: Sequence[str], log: Path) -> ProcessId: ...


def start_process(command: Sequence[str], log: Path) -> ProcessId:
    """The executor of this machine: a process that outlives the one that starts it."""
    with disk_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        file = log.open("ab")
    # This process may have found the package beside its own script; the worker needs the path.
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    # A page's visitor must not make this server query addresses of its choice: only those its administrator lists.
    environment = {"FDCORE_SERVICES": ""} | os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with file:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is the program's own
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
                env=environment,
            )  # fmt: skip
        except OSError as error:
            raise StorageError(
                f"The work could not be started ({error}). Close other programs, or ask the server's administrator.",
                key="work not started",
            ) from error
    # Without a wait, the ended child would stay a zombie.
    threading.Thread(target=process.wait, name=f"end of {log.stem}", daemon=True).start()
    return ProcessId.of(process.pid)


@cache
def this_system() -> str:
    """This run of the system, and the container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{os.uname().nodename}"


def _ticks(pid: int) -> int | None:
    """The start of a process; None if there is none, or only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
