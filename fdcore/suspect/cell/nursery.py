"""The process that cells are forked from: `python -m fdcore.suspect.cell.nursery SOCKET MODULE`.

It imports MODULE, with all libraries that read and run models, so that a cell starts in milliseconds and never has to
find a library itself. It never sees a suspect's bytes: the parent hands it descriptors, which go to the cell.

It takes two commands, each answered by one message:
    {"start": {...}}  with the cell's descriptors -> {"number": N}
    {"end": N}        kills cell N if it still runs -> {"status": S}, as of `os.waitstatus_to_exitcode`
"""

import importlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from fdcore.suspect.cell import walls

MAX_COMMAND = 1 << 16  # bytes
MAX_DESCRIPTORS = 1_000


def main(arguments: list[str]) -> None:
    """Serve the parent until it closes the socket."""
    control = socket.socket(fileno=int(arguments[0]))
    inside = importlib.import_module(arguments[1])
    inside.prepare()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when a cell ends
    home = Path(tempfile.mkdtemp(prefix="fdcore-cells-"))
    home.chmod(0o755)
    try:
        control.sendall(b"ready")
        cells = _Cells(inside, home)
        while cells.serve(control):
            pass
    finally:
        shutil.rmtree(home, ignore_errors=True)


class _Cells:
    """The cells that run, by the number that the parent knows each by; processes' numbers are used again."""

    def __init__(self, inside: Any, home: Path) -> None:
        self._inside, self._home = inside, home
        self._running: dict[int, int] = {}
        self._ended: dict[int, int] = {}
        self._n_started = 0

    def serve(self, control: socket.socket) -> bool:
        """Obey one command; False once the parent is gone."""
        try:
            message, descriptors, _, _ = socket.recv_fds(control, MAX_COMMAND, MAX_DESCRIPTORS)
        except OSError:
            return False
        if not message:
            return False
        command = json.loads(message)
        for number in list(self._running):
            self._collect(number, os.WNOHANG)
        if "end" in command:
            answer = {"status": self._end(command["end"])}
        else:
            answer = {"number": self._start(command["start"], descriptors)}
        control.sendall(json.dumps(answer).encode())
        return True

    def _start(self, start: dict[str, Any], descriptors: list[int]) -> int:
        self._n_started += 1
        pid = os.fork()
        if pid == 0:
            _become_cell(start, descriptors, self._inside, self._home / str(os.getpid()))
        for descriptor in descriptors:
            os.close(descriptor)
        self._running[self._n_started] = pid
        return self._n_started

    def _end(self, number: int) -> int | None:
        if number in self._running:
            os.kill(self._running[number], signal.SIGKILL)
            self._collect(number, 0)
        return self._ended.pop(number, None)

    def _collect(self, number: int, options: int) -> None:
        pid, status = os.waitpid(self._running[number], options)
        if pid:
            shutil.rmtree(self._home / str(pid), ignore_errors=True)
            del self._running[number]
            self._ended[number] = os.waitstatus_to_exitcode(status)


def _become_cell(start: dict[str, Any], descriptors: list[int], inside: Any, folder: Path) -> None:
    """Close everything but the cell's own descriptors, then the cell; never returns."""
    status = 1
    try:
        walls.die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _keep_only(descriptors)
        _link(start["files"], descriptors[-len(start["files"]) :], folder)
        os.chdir(folder)
        os.environ.clear()
        inside.main(start, descriptors[: -len(start["files"])])
        status = 0
    finally:
        os._exit(status)


def _link(names: list[str], descriptors: list[int], folder: Path) -> None:
    """The cell's folder: a link for each file of the evidence, under its own name, to the copy in memory."""
    for name, descriptor in zip(names, descriptors, strict=True):
        link = folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"/proc/self/fd/{descriptor}")


def _keep_only(descriptors: list[int]) -> None:
    """Close every other descriptor; standard input, output and error become /dev/null."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    kept = sorted({0, 1, 2, *descriptors})
    for before, after in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(before + 1, after)


if __name__ == "__main__":
    main(sys.argv[1:])
