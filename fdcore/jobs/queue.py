"""The jobs of all cases in one folder: submit, list, pause, cancel, resume.

Every call reads the list from disk, so that any number of sessions and servers see the same.
"""

import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fdcore.errors import CaseError, SettingsError
from fdcore.jobs.database import log_path, reading, writing
from fdcore.jobs.estimate import Part
from fdcore.jobs.job import ACTIVE, ENDED, Job, State
from fdcore.jobs.kinds import KINDS
from fdcore.jobs.process import Executor, ProcessId, start_process

KEPT = 200  # inactive jobs that stay listed
PATIENCE_S = 10.0  # for a cancelled job to finish its step, before it can be killed
_MAX_PARAMS = 100_000
_AFTER = {State.PAUSING: State.PAUSED, State.CANCELLING: State.CANCELLED}
_GONE = (
    "Its process is gone: it was killed, memory ran out or the machine was restarted. "
    "Finished work is kept; resume the job to continue."
)


class JobQueue:
    """The jobs of the cases below `root`."""

    def __init__(
        self,
        root: Path,
        *,
        command: Sequence[str] = (sys.executable, "-m", "fdcore.jobs"),
        executor: Executor | None = None,
    ) -> None:
        """Use a folder of cases; nothing is read or created before it is needed.

        Args:
            root: the folder of cases.
            command: starts a worker, with `ROOT JOB_ID` appended.
            executor: runs that command; None for a process on this machine.
        """
        self.root = root.absolute()
        self.command = tuple(command)
        self.executor = executor or start_process

    # Reading

    def get(self, job_id: int) -> Job:
        """One job.

        Raises:
            CaseError: there is no such job.
        """
        return _only(self._select("id = ?", (job_id,)), job_id)

    def of_case(self, case: str) -> list[Job]:
        """A case's last 20 jobs, the newest first."""
        return self._select('"case" = ? ORDER BY id DESC LIMIT 20', (case,))

    def latest(self, case: str) -> Job | None:
        """A case's active job, or else its newest; None if it never had one."""
        found = self._select(f'"case" = ? ORDER BY {_is_in(ACTIVE)} DESC, id DESC LIMIT 1', (case,))
        return found[0] if found else None

    def active(self) -> list[Job]:
        """The active jobs of all cases, the oldest first."""
        return [job for job in self._select(f"{_is_in(ACTIVE)} ORDER BY rank, queued, id") if job.active]

    def recent(self, days: float = 7.0) -> list[Job]:
        """The jobs of all cases that stopped in the last days, the latest first, at most 100."""
        since = time.time() - 86_400 * days
        found = self._select(f"{_is_in(ACTIVE)} OR ended > ? ORDER BY ended DESC LIMIT 100", (since,))
        return [job for job in found if not job.active]

    def unseen(self, case: str) -> list[Job]:
        """A case's ended jobs (paused ones have not ended) that nobody has dismissed yet, the newest first."""
        found = self._select(f'"case" = ? AND NOT seen AND {_is_in(ENDED | ACTIVE)} ORDER BY id DESC', (case,))
        return [job for job in found if job.state in ENDED]

    def log(self, job_id: int) -> Path:
        """The output of the job's process, with the details of faults."""
        return log_path(self.root, job_id)

    # Changing

    def submit(self, kind: str, case: str, params: Mapping[str, Any], *, by: str = "") -> Job:
        """Start a job, which runs in a process of its own when its turn comes.

        Args:
            kind: a key of `KINDS`.
            case: a case's id.
            params: of the kind; JSON.
            by: who starts it.

        Raises:
            CaseError: the case has an active job already, or the id is invalid.
            SettingsError: the parameters are not JSON.
            StorageError: the disk is full or read-only.
        """
        _require_case_id(case)
        now = time.time()
        values = (case, clean(kind, 100), _to_json(params), clean(by, 200), State.QUEUED, now, now)
        with writing(self.root) as connection:
            self._require_idle(connection, case)
            added = connection.execute(
                'INSERT INTO jobs ("case", kind, params, "by", state, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?)',
                values,
            ).lastrowid
            job_id = int(added or 0)
            self._start(connection, job_id)
            self._forget_oldest(connection)
            return self._settled(connection, job_id)

    def pause(self, job_id: int) -> Job:
        """Stop a job at its next opportunity, to be resumed later; one that waits its turn stops at once."""
        with writing(self.root) as connection:
            job = self._settled(connection, job_id)
            if job.state is State.QUEUED:
                _update(connection, job_id, state=State.PAUSED, ended=time.time())
            elif job.state is State.RUNNING:
                _update(connection, job_id, state=State.PAUSING)
            return self._settled(connection, job_id)

    def cancel(self, job_id: int) -> Job:
        """Cancel a job, which can still be resumed; one that does not run is cancelled at once.

        A cancelled job that still runs after `PATIENCE_S` is killed when cancelled again: its answers are kept, as
        after any other interruption.
        """
        with writing(self.root) as connection:
            job = self._settled(connection, job_id)
            if job.state in (State.QUEUED, State.PAUSED, State.INTERRUPTED):
                _update(connection, job_id, state=State.CANCELLED, ended=time.time(), message="", seen=0)
            elif job.state in (State.RUNNING, State.PAUSING):
                _update(connection, job_id, state=State.CANCELLING, asked=time.time())
            elif job.state is State.CANCELLING:
                _end_by_force(connection, job_id)
            return self._settled(connection, job_id)

    def resume(self, job_id: int) -> Job:
        """Resume a job that was paused, cancelled or interrupted, or that failed; an active one stays as it is.

        Raises:
            CaseError: the case has another active job, or this one is done.
        """
        with writing(self.root) as connection:
            job = self._settled(connection, job_id)
            if job.active:
                return job
            if not job.resumable:
                raise CaseError(
                    f"Job {job_id} is done: there is nothing to resume. Start a new one to repeat it.",
                    key="nothing to resume",
                )
            self._require_idle(connection, job.case)
            self._start(connection, job_id)
            return self._settled(connection, job_id)

    def run_next(self, job_id: int) -> Job:
        """Let a job that waits go before all others of its kind's lane; any other stays as it is."""
        with writing(self.root) as connection:
            job = self._settled(connection, job_id)
            if job.state is State.QUEUED:
                first = connection.execute("SELECT min(rank) FROM jobs WHERE state = 'queued'").fetchone()[0]
                _update(connection, job_id, rank=first - 1)
            return job

    def dismiss(self, job_id: int) -> None:
        """Note that the analyst saw how a job ended."""
        with writing(self.root) as connection:
            if not self._settled(connection, job_id).active:
                connection.execute("UPDATE jobs SET seen = 1 WHERE id = ?", (job_id,))

    # How

    def _select(self, where: str, values: Sequence[Any] = ()) -> list[Job]:
        with reading(self.root) as connection:
            return [] if connection is None else _jobs(connection, where, values)

    def _settled(self, connection: sqlite3.Connection, job_id: int) -> Job:
        """One job, with its end recorded if its process is gone."""
        job = _only(_jobs(connection, "id = ?", (job_id,)), job_id)
        if not job.active:
            values = (job.state, job.message, job.ended, job_id, *ACTIVE)
            marks = ", ".join("?" * len(ACTIVE))
            connection.execute(
                f"UPDATE jobs SET state = ?, message = ?, ended = ?, rate = NULL WHERE id = ? AND state IN ({marks})",  # noqa: S608 - question marks only
                values,
            )
        return job

    def _require_idle(self, connection: sqlite3.Connection, case: str) -> None:
        for row in connection.execute(f'SELECT id FROM jobs WHERE "case" = ? AND {_is_in(ACTIVE)}', (case,)).fetchall():  # noqa: S608 - constants only
            job = self._settled(connection, row["id"])
            if job.active:
                title = KINDS[job.kind].title if job.kind in KINDS else job.kind
                who = f", started by {job.by}" if job.by else ""
                raise CaseError(
                    f"Other work is running in this case already (job {job.id}: {title}{who}). "
                    "Wait until it has ended, or pause or cancel it.",
                    key="case busy",
                )

    def _start(self, connection: sqlite3.Connection, job_id: int) -> None:
        """Start a worker for a job; it waits for the end of the transaction, and exits if that was rolled back."""
        worker = self.executor([*self.command, str(self.root), str(job_id)], self.log(job_id))
        now = time.time()
        _update(
            connection, job_id, state=State.QUEUED, queued=now, started=None, ended=None, message="", rate=None, seen=0,
            claimed=0, lane=None, asked=None, rank=0, left_s=None, parts="[]", pid=worker.pid, ticks=worker.ticks,
            system=worker.system, heartbeat=now,
        )  # fmt: skip

    def _forget_oldest(self, connection: sqlite3.Connection) -> None:
        old = connection.execute(
            f"SELECT id FROM jobs WHERE NOT {_is_in(ACTIVE)} ORDER BY id DESC LIMIT -1 OFFSET ?",  # noqa: S608 - constants only
            (KEPT,),
        ).fetchall()
        for row in old:
            connection.execute("DELETE FROM jobs WHERE id = ?", (row["id"],))
            self.log(row["id"]).unlink(missing_ok=True)


class Wait(NamedTuple):
    """What a job waits for.

    Attributes:
        place: in its lane's queue, from 1.
        behind: the jobs of the lane that run.
    """

    place: int
    behind: tuple[Job, ...]


def wait_of(job: Job, active: Sequence[Job]) -> Wait:
    """The place of a job that waits among the active ones of all cases (`JobQueue.active`)."""
    lane = [one for one in active if _lane(one) == _lane(job)]
    waiting = [one.id for one in lane if one.state is State.QUEUED]
    place = waiting.index(job.id) + 1 if job.id in waiting else 1
    return Wait(place, tuple(one for one in lane if one.state is not State.QUEUED))


def _lane(job: Job) -> str:
    return KINDS[job.kind].lane if job.kind in KINDS else ""


def clean(text: str, length: int) -> str:
    """Text as the list can store it: limited in length, and without lone surrogates from odd file names."""
    return text[:length].encode("utf-8", "replace").decode()


def worker_of(row: sqlite3.Row) -> ProcessId:
    """The process that a row names."""
    return ProcessId(row["pid"] or 0, row["ticks"] or 0, row["system"] or "")


def _jobs(connection: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[Job]:
    rows = connection.execute(f"SELECT * FROM jobs WHERE {where}", values)  # noqa: S608 - the callers' own words
    return [_job(row) for row in rows]


def _job(row: sqlite3.Row) -> Job:
    state, message, ended = State(row["state"]), row["message"], row["ended"]
    if state in ACTIVE and not worker_of(row).alive(row["heartbeat"] or 0.0):
        state, ended = _AFTER.get(state, State.INTERRUPTED), row["heartbeat"]
        message = _GONE if state is State.INTERRUPTED else ""
    copied = ("id", "case", "kind", "by", "stage", "done", "total", "created", "started", "changed")
    return Job(
        **{name: row[name] for name in copied},
        params=json.loads(row["params"]),
        rate=row["rate"] if state is State.RUNNING else None,
        left_s=row["left_s"] if state is State.RUNNING else None,
        parts=tuple(Part(*part) for part in json.loads(row["parts"])),
        state=state,
        message=message,
        ended=ended,
    )


def _only(found: list[Job], job_id: int) -> Job:
    if not found:
        raise CaseError(
            f"There is no job {job_id} any more. Reload the page to see the current jobs.", key="no such job"
        )
    return found[0]


def _update(connection: sqlite3.Connection, job_id: int, **values: Any) -> None:
    names = ", ".join(f"{name} = ?" for name in (*values, "changed"))
    connection.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*values.values(), time.time(), job_id))  # noqa: S608 - names from this file


def _end_by_force(connection: sqlite3.Connection, job_id: int) -> None:
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if time.time() - (row["asked"] or 0.0) > PATIENCE_S:
        worker_of(row).kill()


def _is_in(states: Iterable[State]) -> str:
    """A condition in SQL."""
    return f"state IN ({', '.join(repr(str(state)) for state in sorted(states))})"


def _require_case_id(case: str) -> None:
    if not re.fullmatch(r"[^/\\\0.][^/\\\0]{0,199}", case) or clean(case, 200) != case:
        raise CaseError(
            f"{clean(repr(case), 200)} is not a case's id: the name of a folder, without `/` or a leading dot.",
            key="case id invalid",
        )


def _to_json(params: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(dict(params), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SettingsError(
            f"The job's parameters are not JSON ({error}). Give text, numbers and lists.", key="parameters invalid"
        ) from error
    if len(text) > _MAX_PARAMS:
        raise SettingsError(
            f"The job's parameters are too long: {len(text):,} of at most {_MAX_PARAMS:,} characters.",
            key="parameters invalid",
        )
    return text
