"""The list of jobs on disk: one SQLite file beside the cases, opened again for every call."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from fdcore.errors import CaseError, StorageError
from fdcore.storage import disk_errors, only_one

BUSY_S = 10.0
_VERSION = 2
_SPEEDS = """
CREATE TABLE IF NOT EXISTS speeds (
    "case" TEXT NOT NULL, stage TEXT NOT NULL, unit_s REAL NOT NULL, measured REAL NOT NULL, PRIMARY KEY ("case", stage)
);
"""
_SCHEMA = f"""
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, "case" TEXT NOT NULL, kind TEXT NOT NULL, params TEXT NOT NULL,
    "by" TEXT NOT NULL, state TEXT NOT NULL, stage TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, rate REAL, message TEXT NOT NULL DEFAULT '', created REAL NOT NULL, queued REAL,
    started REAL, ended REAL, changed REAL NOT NULL, seen INTEGER NOT NULL DEFAULT 0,
    pid INTEGER, ticks INTEGER, system TEXT, heartbeat REAL, claimed INTEGER NOT NULL DEFAULT 0, lane TEXT, asked REAL,
    rank INTEGER NOT NULL DEFAULT 0, left_s REAL, parts TEXT NOT NULL DEFAULT '[]'
);
{_SPEEDS}
CREATE INDEX IF NOT EXISTS by_case ON jobs ("case", id);
CREATE UNIQUE INDEX IF NOT EXISTS one_at_work ON jobs ("case")
    WHERE state IN ('queued', 'running', 'pausing', 'cancelling');
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_FROM_1 = f"""
BEGIN IMMEDIATE;
ALTER TABLE jobs ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN left_s REAL;
ALTER TABLE jobs ADD COLUMN parts TEXT NOT NULL DEFAULT '[]';
{_SPEEDS}
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR}


def database_path(root: Path) -> Path:
    """The file with the list of jobs."""
    return root / ".jobs.sqlite"


def slot_path(root: Path, lane: str, number: int) -> Path:
    """The lock file that a running job of the lane holds."""
    return root / ".jobs" / f"{lane}-{number}.lock"


def log_path(root: Path, job_id: int) -> Path:
    """The output of a job's process."""
    return root / ".jobs" / f"{job_id}.log"


@contextmanager
def reading(root: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection for reading; None while there is no list yet.

    Raises:
        CaseError: the list is damaged or of another version.
        StorageError: it cannot be read.
    """
    path = database_path(root)
    with disk_errors(path):
        is_there = path.exists()
    if not is_there:
        yield None
        return
    with sqlite_errors(path), closing(_connect_to_read(path)) as connection:
        version = _version(connection, path)
        if 0 < version < _VERSION:
            _bring_up_to_date(root)
        yield connection if version else None


@contextmanager
def writing(root: Path) -> Iterator[sqlite3.Connection]:
    """A connection in a transaction of its own: the block takes effect as a whole, or not at all.

    Raises:
        CaseError: the list is damaged, of another version or in use for too long.
        StorageError: the disk is full or read-only.
    """
    path = database_path(root)
    with disk_errors(path):
        root.mkdir(parents=True, exist_ok=True)
    with sqlite_errors(path), closing(_connect(path)) as connection:
        version = _version(connection, path)
        if not version:
            with only_one(root / ".jobs" / "making.lock"):
                connection.executescript(_SCHEMA)
        elif version < _VERSION:
            _bring_up_to_date(root)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _bring_up_to_date(root: Path) -> None:
    """Add to the list of an earlier version what this one keeps besides."""
    path = database_path(root)
    with only_one(root / ".jobs" / "making.lock"), closing(_connect(path)) as connection:
        if _version(connection, path) < _VERSION:
            connection.executescript(_FROM_1)


def open_anchor(root: Path) -> sqlite3.Connection:
    """An idle connection: while it stays open, closing another one does not checkpoint the whole file.

    Raises:
        FdError: see `reading`.
    """
    path = database_path(root)
    with sqlite_errors(path):
        connection = _connect(path)
        _version(connection, path)
    return connection


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Raises:
        CaseError: the file is damaged, of another version, or in use.
        StorageError: the disk is full or cannot be written.
    """
    try:
        yield
    except (sqlite3.DatabaseError, ValueError) as error:  # ValueError: a row of another origin
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise StorageError(
                f"The disk is full: {path} could not be written. Free some space and try again.", key="disk full"
            ) from error
        if code in _UNWRITABLE:
            raise StorageError(
                f"The list of jobs {path} cannot be opened or written ({error}). "
                "Long-running work needs a writable folder of cases, and free space on the disk.",
                key="job list unwritable",
            ) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise CaseError(
                f"The list of jobs {path} was in use for {BUSY_S:.0f} seconds. Try again.", key="in use"
            ) from error
        raise damaged(path, error) from error


def damaged(path: Path, reason: object) -> CaseError:
    """The error for a list that cannot be read."""
    return CaseError(
        f"The list of jobs is damaged ({reason}). Delete {path} and the files beside it whose names start with "
        f"{path.name}-: it records only what ran when. The findings and answers in the cases are kept.",
        key="job list damaged",
    )


def _connect(path: Path, how: str = "mode=rwc") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{how}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the file; as immutable on a full or read-only disk, where SQLite cannot create its files beside it."""
    connection = None
    try:
        connection = _connect(path)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError as error:
        if connection is not None:
            connection.close()
        unfinished = path.with_name(f"{path.name}-wal")
        if error.sqlite_errorcode & 0xFF not in _UNWRITABLE or (unfinished.exists() and unfinished.stat().st_size):
            raise
    return _connect(path, "immutable=1")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= found <= _VERSION:
        raise damaged(path, f"it has version {found}; this program reads versions up to {_VERSION}")
    return found
