"""Uploaded files on their way into a case, each in its own folder, hidden beside the cases.

A job reads them from there. They are removed as soon as that job is done; anything left behind is removed by the first
upload after a day.
"""

import shutil
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from fdcore.jobs import Job, State
from fdcore.storage import disk_errors

KEPT_S = 86_400.0
MAX_NAME = 120
_FOLDER = ".uploads"


def spool(cases: Path, name: str, content: BinaryIO) -> Path:
    """Write an upload to the disk under a safe name, and return its path.

    Raises:
        StorageError: the disk is full or cannot be written.
    """
    sweep(cases)
    root = cases / _FOLDER
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=root)) / safe_name(name)
        try:
            content.seek(0)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
        except OSError:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
    return path


def sweep(cases: Path, now: float | None = None) -> None:
    """Remove uploads older than a day."""
    now = time.time() if now is None else now
    for folder in (cases / _FOLDER).glob("*"):
        try:
            old = now - folder.stat().st_mtime > KEPT_S
        except FileNotFoundError:  # another session was faster
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


def remove_taken(cases: Path, job: Job | None) -> None:
    """Remove a job's uploads once it is done; until then it may be resumed and need them."""
    if job is None or job.state is not State.DONE:
        return
    root = cases / _FOLDER
    for name in [job.params.get("source"), *job.params.get("samples", ())]:
        if name and Path(name).parent.parent == root:
            shutil.rmtree(Path(name).parent, ignore_errors=True)


def safe_name(name: str) -> str:
    """A safe file name: no folders, no control characters, not hidden, not too long; the suffix is kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(c if c.isprintable() else "_" for c in last).strip().lstrip(".")
    encoded = clean.encode("utf-8", "replace")
    return encoded[-MAX_NAME:].decode("utf-8", "ignore").lstrip(".") or "upload"
