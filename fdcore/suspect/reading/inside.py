"""What runs in a cell: the tasks that read a suspect's bytes and query it. Only plain data leaves.

The parent sends {"task": name, "arguments": {...}}; the answer is one of {"progress": [text, done, total]}, any number
of times, and then {"answer": ...} or {"error": {...}}.
"""

import contextlib
import importlib
import mmap
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fdcore.errors import FdError, SuspectError
from fdcore.suspect.architectures.index import n_shared
from fdcore.suspect.cell import walls, wire
from fdcore.suspect.cell.probe import probe
from fdcore.suspect.confined import LABEL, Answered, Opened
from fdcore.suspect.reading import opening, scanners
from fdcore.suspect.reading.identify import identify
from fdcore.suspect.runtimes import RuntimeTrial
from fdcore.suspect.suspect import Suspect


def prepare() -> None:
    """Load what most cells need, once for all that are forked later: half of the time of an opening."""
    n_shared(())
    for module in ("picklescan.scanner", "fickling.analysis"):
        with contextlib.suppress(ImportError):  # the scanner that lacks it says so
            importlib.import_module(module)


def main(start: dict[str, Any], descriptors: list[int]) -> None:
    """Close the cell, then do what the parent asks until it closes the connection."""
    conversation, shared = descriptors
    layers = walls.close_cell(memory=start["memory"], gpu=start["gpu"])
    with contextlib.suppress(wire.GoneError):
        _Worker(conversation, shared, start["files"]).serve(layers)


class _Worker:
    def __init__(self, conversation: int, shared: int, files: list[str]) -> None:
        self._conversation = conversation
        self._shared = mmap.mmap(shared, os.fstat(shared).st_size)
        self._name = files[0]
        self._path = Path(self._name)
        self._suspect: Suspect | None = None
        self._tasks: dict[str, Callable[..., Any]] = {
            "identify": lambda: identify(self._path),
            "scan": lambda name, kind: scanners.run(name, kind, self._path),
            "tensors": lambda: opening.list_tensors(self._path),
            "open": self._open,
            "recall": self._recall,
            "label": self._label,
        }

    def serve(self, layers: list[tuple[str, str]]) -> None:
        """Say how the cell is closed, then answer task by task."""
        self._say({"answer": {"layers": layers, "probe": probe()}})
        while True:
            task = msgspec.json.decode(wire.receive(self._conversation))
            try:
                self._say({"answer": self._tasks[task["task"]](**task["arguments"])})
            except FdError as error:
                self._say({"error": {"kind": type(error).__name__, "message": str(error), "key": error.key}})
            except MemoryError:
                message = f"{self._name} needs more memory than its cell may use."
                self._say({"error": {"kind": SuspectError.__name__, "message": message, "key": "out of memory"}})
            except Exception as error:  # noqa: BLE001 - a fault of a reader: the parent must learn which
                self._say({"error": self._fault(error)})

    def _fault(self, error: Exception) -> dict[str, str]:
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"{self._name} could not be read because of a fault in the reader ({type(error).__name__}: {error}, "
            f"{Path(place.filename).name}:{place.lineno}). Please report it; another export of the model may open."
        )
        return {"kind": SuspectError.__name__, "message": message, "key": "reader failed"}

    def _say(self, content: object) -> None:
        wire.send(self._conversation, msgspec.json.encode(content))

    def _open(self, **request: Any) -> Opened:
        request["overrides"] = {k: tuple(v) if isinstance(v, list) else v for k, v in request["overrides"].items()}
        self._suspect, opened = opening.open_inside(self._path, opening.Request(**request, progress=self._progress))
        return opened

    def _progress(self, stage: str, done: int, total: int) -> None:
        self._say({"progress": (stage, done, total)})

    def _recall(self, trial: dict[str, Any]) -> None:
        if self._suspect is not None:
            self._suspect.recall(msgspec.convert(trial, RuntimeTrial))

    def _label(self, n: int, n_expected: int) -> Answered:
        """The labels of the first n pictures in the shared bytes, written to their end."""
        suspect = self._suspect
        if suspect is None:
            raise SuspectError("No suspect is open.")
        spec = suspect.spec
        shape = (n, spec.height, spec.width, spec.channels)
        pictures = np.frombuffer(self._shared, np.uint8, int(np.prod(shape))).reshape(shape)
        labels = np.frombuffer(self._shared, LABEL, n, offset=len(self._shared) - n * LABEL.itemsize)
        before = suspect.trial
        suspect.expect(n_expected)
        labels[:] = suspect.labels(pictures)
        return Answered(suspect.trial if suspect.trial != before else None)
