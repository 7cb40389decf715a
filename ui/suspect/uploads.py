"""Files that came by upload, on their way into a case: each in a folder of its own, hidden beside the cases.

A job reads them from there. They go as soon as the job that was told of them is done; what a failed or forgotten one
leaves behind goes with the next upload after a day.
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
    """Write an upload to the disk, under a name that is only a name.

    Args:
        cases: the folder of cases.
        name: what the browser says the file is called; anything.
        content: the file, read from its beginning.

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
    """Remove what has lain here for a day."""
    now = time.time() if now is None else now
    for folder in (cases / _FOLDER).glob("*"):
        try:
            old = now - folder.stat().st_mtime > KEPT_S
        except FileNotFoundError:  # another session was faster
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


def remove_taken(cases: Path, job: Job | None) -> None:
    """Remove the uploads that a job was told of, once it is done; until then it may be resumed and needs them."""
    if job is None or job.state is not State.DONE:
        return
    root = cases / _FOLDER
    for name in [job.params.get("source"), *job.params.get("samples", ())]:
        if name and Path(name).parent.parent == root:
            shutil.rmtree(Path(name).parent, ignore_errors=True)


def safe_name(name: str) -> str:
    """A name for a file: no folders, no control characters, not hidden, not too long; its ending stays."""
    last = name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(c if c.isprintable() else "_" for c in last).strip().lstrip(".")
    encoded = clean.encode("utf-8", "replace")
    return encoded[-MAX_NAME:].decode("utf-8", "ignore").lstrip(".") or "upload"
