"""Writing the audit log: each entry binds the files that this thread wrote since its last one, and is signed.

What `fdcore.case.verify` checks. A file is bound only by the thread that wrote it, and only while it is still what that
thread wrote: whoever changes a file otherwise cannot have it bound by somebody else's next entry.
"""

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fdcore.case import layout
from fdcore.case.keys import SigningKey, load_key
from fdcore.case.verify import GENESIS, WRITING, entry_hash, journal, names, sha256_of
from fdcore.errors import CaseError
from fdcore.storage import disk_errors, only_one, write_atomically

_LOCK = ".writing.lock"
_thread = threading.local()  # `written`: by folder, what this thread wrote and no entry binds yet


def note_written(folder: Path, name: str, content: bytes) -> None:
    """Remember, before a file is written, what the next entry is to bind; a kill in between is then known as one."""
    sha256 = hashlib.sha256(content).hexdigest()
    _written(folder)[name] = sha256
    _journal(folder, [(name, sha256)])


def note_removed(folder: Path, name: str) -> None:
    """Remember, before a file is removed, that the next entry is to bind it as removed."""
    _written(folder)[name] = ""
    _journal(folder, [(name, "")])


def note_begun(folder: Path, place: str) -> dict[str, str]:
    """Remember that this thread is about to change files below a folder of the case; their hashes now, by name.

    What killed work left there unfinished is left out, so that it counts as changed.
    """
    begun, written = _unfinished(folder)
    _journal(folder, [(f"{place}/", "")])
    hashes = {name: sha256_of(folder / name) for name in names(folder) if name.startswith(f"{place}/")}
    return {
        name: found for name, found in hashes.items() if not name.startswith(begun) and (name, found) not in written
    }


def note_changed(folder: Path, place: str, before: Mapping[str, str]) -> None:
    """Have the next entry bind what was changed below a folder of the case, or added or removed.

    Args:
        before: from `note_begun`. A file that is as it was then is not bound again: somebody else may have changed it
            earlier.
    """
    own, below = _written(folder), f"{place}/"
    own[below] = ""
    for name in names(folder):
        if name.startswith(below) and before.get(name) != (found := sha256_of(folder / name)):
            own[name] = found


def _written(folder: Path) -> dict[str, str]:
    if not hasattr(_thread, "written"):
        _thread.written = {}
    found: dict[str, str] = _thread.written.setdefault(folder.absolute(), {})
    return found


def append(folder: Path, event: str, details: dict[str, Any], *, new: bool = False) -> None:
    """Append one entry, chained to the one before.

    Args:
        folder: the case's folder.
        new: whether the log may be begun.

    Raises:
        CaseError: the log was changed or is gone.
    """
    with only_one(folder / ".audit.lock"), disk_errors(folder):
        _append(folder, event, details, new=new)


def _append(folder: Path, event: str, details: dict[str, Any], *, new: bool) -> None:
    path = folder / layout.AUDIT
    content = path.read_bytes() if path.exists() else b""
    whole, torn = content[: content.rfind(b"\n") + 1], content[content.rfind(b"\n") + 1 :]
    lines = whole.splitlines()
    if not lines and not new:
        raise CaseError(
            f"The audit log {path} is missing or empty; every case has one. Restore it from a copy.",
            key="audit log missing",
        )
    try:
        previous = json.loads(lines[-1])["hash"] if lines else GENESIS
        own = _written(folder)
        made = [(event, details, _to_bind(folder, own, whole))]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CaseError(
            f"The audit log {path} was changed: a line of it is not an entry. Restore it from a copy.",
            key="audit log changed",
        ) from error
    if torn:  # a power cut in the middle of a write
        os.truncate(path, len(whole))
        made.insert(0, ("torn entry removed", {"text": torn.decode(errors="replace")}, {}))
    key = load_key()
    with path.open("ab") as file:
        for number, (name, values, files) in enumerate(made, start=len(lines)):
            entry = _entry(number, name, values, files, previous, key)
            previous = entry["hash"]
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    _forget(folder, own)
    own.clear()


def _entry(number: int, event: str, details: dict[str, Any], files: dict[str, str | None], previous: str,
           key: SigningKey | None) -> dict[str, Any]:  # fmt: skip
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    body: dict[str, Any] = {"n": number, "time": time, "event": event, "details": details}
    body |= {"files": files} if files else {}
    body["previous"] = previous
    body["hash"] = entry_hash(body)
    if key is None:
        return body
    signature = base64.b64encode(key.sign(bytes.fromhex(body["hash"]))).decode()
    return body | {"key": key.public_pem, "signature": signature}


def _to_bind(folder: Path, own: dict[str, str], log: bytes) -> dict[str, str | None]:
    """What this thread wrote and is still there as written; what another overwrote is left to that one."""
    files: dict[str, str | None] = {}
    for name, sha256 in own.items():
        if name.endswith("/"):
            files |= dict.fromkeys(one for one in _bound(log) if one.startswith(name) and not (folder / one).is_file())
        elif not (path := folder / name).is_file():
            files |= {} if sha256 else {name: None}
        elif sha256_of(path) == sha256:
            files[name] = sha256
    return dict(sorted(files.items()))


@lru_cache(maxsize=4)
def _bound(log: bytes) -> frozenset[str]:
    """The files that some entry binds."""
    return frozenset(name for line in log.splitlines() for name in json.loads(line).get("files", {}))


def _journal(folder: Path, lines: Iterable[tuple[str, str]]) -> None:
    with only_one(folder / _LOCK), disk_errors(folder), (folder / WRITING).open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps([*line, _me()]) + "\n" for line in lines))


def _forget(folder: Path, own: Mapping[str, str]) -> None:
    """Take out of the journal what this thread, or one of a killed process, wrote there of what is logged now."""
    path = folder / WRITING
    with only_one(folder / _LOCK):
        kept = [line for line in journal(folder) if not (line[0] in own and (line[2] == _me() or _is_dead(line[2])))]
        if kept:
            write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        else:
            path.unlink(missing_ok=True)


def _unfinished(folder: Path) -> tuple[tuple[str, ...], set[tuple[str, str]]]:
    """Folders and files (with their hashes) that a killed process was changing."""
    left = [(name, sha256) for name, sha256, who in journal(folder) if _is_dead(who)]
    return tuple(name for name, sha256 in left if not sha256), set(left)


def _me() -> str:
    return f"{os.getpid()}.{threading.get_ident()}"


def _is_dead(who: str) -> bool:
    try:
        os.kill(int(who.partition(".")[0]), 0)
    except (ProcessLookupError, ValueError):
        return True
    except PermissionError:
        return False
    return False
