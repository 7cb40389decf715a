"""Corpora on object storage: mirrored into the cache once, and read there like any folder.

What has the size and the tag (ETag) of the last time is not fetched again, what is gone from the store is removed from
the mirror, and an interrupted transfer continues. Names of objects are untrusted: those that could not be files below
the mirror's folder are refused.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fdcore.errors import CorpusError, StorageError
from fdcore.progress import Progress
from fdcore.storage import disk_errors, file_system, only_one, reaching, write_atomically

AT_ONCE = 64  # objects fetched side by side
_MANIFEST, _KEEP_EVERY_S = "manifest.json", 10.0
_Stamp = list[Any]  # size in bytes and tag


def is_address(text: str) -> bool:
    """Whether a corpus is named by an address and not by a path."""
    return "://" in text


def split_node(text: str) -> tuple[str, str]:
    """An address and what stands after the @ of its last part, with the @; "" if there is none."""
    address, at, node = text.rpartition("@")
    return (address, at + node) if at and "/" not in node else (text, "")


def bring(text: str, cache: Path, progress: Progress) -> str:
    """The local form of a corpus, `DIR` or `DIR@NODE`; objects that an address names are mirrored first.

    Args:
        text: a path, which stays as it is, or an address, each with or without @NODE.
        cache: the mirror lies below it, in a folder of the address's last name.
        progress: a listener.

    Raises:
        CorpusError: nothing lies at the address, or an object's name cannot be that of a file.
        SettingsError: it is an address of an unknown kind, or the package for it is missing.
        StorageError: it cannot be reached, or the mirror does not fit on the disk.
    """
    if not is_address(text):
        return text
    address, node = split_node(text)
    files, path = file_system(address)
    if "file" in files.protocol:
        return path + node
    place = cache / "remote" / hashlib.sha256(address.encode()).hexdigest()[:16]
    with only_one(place.with_name(f"{place.name}.lock")), reaching(address):
        root = place / PurePosixPath(path).name
        _mirror(files, path, address, root, progress)
    return f"{root}{node}"


def _mirror(files: Any, path: str, address: str, root: Path, progress: Progress) -> None:
    stage = f"Fetching {address}"
    progress(stage, 0, 0)
    files.invalidate_cache()
    wanted = _listed(files.find(path, detail=True), path, address)
    manifest = root.parent / _MANIFEST
    with disk_errors(manifest):
        root.parent.mkdir(parents=True, exist_ok=True)
        known = _read(manifest)
        have = {name: stamp for name, stamp in known.items()
                if wanted.get(name) == stamp and _size(root / name) == stamp[0]}  # fmt: skip
        for name in known.keys() - have.keys():
            (root / name).unlink(missing_ok=True)
        write_atomically(manifest, json.dumps(have).encode())
    missing = sorted(wanted.keys() - have.keys())
    _require_space(address, root.parent, sum(wanted[name][0] for name in missing))
    kept = time.monotonic()
    for start in range(0, len(missing), AT_ONCE):
        progress(stage, len(have), len(wanted))
        names = missing[start : start + AT_ONCE]
        with disk_errors(root):
            for folder in {(root / name).parent for name in names}:
                folder.mkdir(parents=True, exist_ok=True)
        files.get([f"{path}/{name}".rstrip("/") for name in names], [str(root / name) for name in names])
        have |= {name: wanted[name] for name in names if _size(root / name) == wanted[name][0]}
        if time.monotonic() - kept > _KEEP_EVERY_S:
            write_atomically(manifest, json.dumps(have).encode())
            kept = time.monotonic()
    write_atomically(manifest, json.dumps(have).encode())
    if lacking := sorted(wanted.keys() - have.keys()):
        raise StorageError(
            f"{len(lacking):,} objects of {address} changed while they were fetched, such as {lacking[0]!r}. Run this "
            "again when nobody writes there.",
            key="address changed",
        )
    progress(stage, len(wanted), len(wanted))


def _listed(found: Mapping[str, Mapping[str, Any]], path: str, address: str) -> dict[str, _Stamp]:
    """The size and tag of each object by its name below the address, "" for the address itself.

    Raises:
        CorpusError: there is none, or a name that cannot be a file's.
    """
    wanted = {
        full[len(path) :].removeprefix("/"): [int(info["size"]), str(info.get("ETag") or info.get("LastModified"))]
        for full, info in found.items()
        if info.get("type") == "file" and not full.endswith("/")
    }
    if not wanted:
        raise CorpusError(f"Nothing lies at {address}. Give a bucket or a path in one that exists.", key="no objects")
    for name in wanted:
        parts = name.split("/") if name else []
        above = {str(folder) for folder in PurePosixPath(name).parents}
        if any(not _is_name(part) for part in parts) or above & wanted.keys():
            raise CorpusError(
                f"{address} holds the object {name!r}, which cannot be a file in a folder. Rename it, or give a part "
                "of the address that does not hold it.",
                key="object name",
            )
    return wanted


def _is_name(part: str) -> bool:
    return part not in ("", ".", "..") and "\0" not in part and len(os.fsencode(part)) <= 255


def _read(manifest: Path) -> dict[str, _Stamp]:
    """What the mirror held the last time; nothing where that is not known, so that all is fetched again."""
    try:
        known: dict[str, _Stamp] = json.loads(manifest.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _require_space(address: str, place: Path, n_bytes: int) -> None:
    free = shutil.disk_usage(place).free
    if n_bytes > free:
        raise StorageError(
            f"{address} needs {n_bytes / 2**30:.1f} GiB more in the cache {place}, whose disk has "
            f"{free / 2**30:.1f} GiB free. Free some space, or name another folder with --cache or FDCORE_CACHE.",
            key="disk full",
        )
