"""The worker's side of a job's row: claim it, report progress, notice a stop, record the end."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fdcore.errors import FdError
from fdcore.jobs.database import reading, writing
from fdcore.jobs.estimate import Estimate, Part
from fdcore.jobs.job import State
from fdcore.jobs.process import ProcessId
from fdcore.jobs.queue import clean, worker_of

WRITE_EVERY_S = 0.25
LOOK_EVERY_S = 0.2
BEAT_EVERY_S = 1.0
_TRIES = 10
_MAX_MESSAGE = 2_000
_STOPPING = (State.PAUSING, State.CANCELLING)


class Stopped(BaseException):
    """Raised by a progress call to end the work; a BaseException, so that no `except Exception` catches it."""


@dataclass
class Termination:
    """Whether this process was asked to end; a plain flag, as signal handlers cannot use locks."""

    asked: bool = False


class OwnRow:
    """A job's row, as its own worker writes it; no call has an effect once the row belongs to another worker."""

    def __init__(self, root: Path, job_id: int, me: ProcessId) -> None:
        self.root, self.job_id = root, job_id
        self._mine = (job_id, me.pid, me.ticks, me.system)
        self._me = me

    def claim(self, lane_of: Callable[[str], str | None]) -> sqlite3.Row | None:
        """Take a job that waits for a worker; None if it no longer does.

        Args:
            lane_of: the lane of a kind; None for an unknown kind.
        """
        with writing(self.root) as connection:
            taken = connection.execute(
                "UPDATE jobs SET claimed = 1, pid = ?, ticks = ?, system = ?, heartbeat = ? "
                "WHERE id = ? AND state = 'queued' AND NOT claimed",
                (self._me.pid, self._me.ticks, self._me.system, time.time(), self.job_id),
            ).rowcount
            if not taken:
                return None
            row: sqlite3.Row = connection.execute("SELECT * FROM jobs WHERE id = ?", (self.job_id,)).fetchone()
            connection.execute("UPDATE jobs SET lane = ? WHERE id = ?", (lane_of(row["kind"]), self.job_id))
            return row

    def state(self) -> State | None:
        """The job's state; None if it is no longer this process's."""
        with reading(self.root) as connection:
            query = "SELECT state FROM jobs WHERE id = ? AND pid = ? AND ticks = ? AND system = ?"
            found = connection and connection.execute(query, self._mine).fetchone()
            return State(found["state"]) if found else None

    def is_first(self) -> bool:
        """Whether no living worker stands before this one in its lane, or in a lane that is not known yet."""
        with reading(self.root) as connection:
            if connection is None:
                return True
            earlier = connection.execute(
                "SELECT a.* FROM jobs a JOIN jobs b ON (a.rank, a.queued, a.id) < (b.rank, b.queued, b.id) "
                "WHERE b.id = ? AND a.state = 'queued' AND (a.lane = b.lane OR a.lane IS NULL)",
                (self.job_id,),
            ).fetchall()
        return not any(worker_of(row).alive(row["heartbeat"] or 0.0) for row in earlier)

    def begin(self) -> bool:
        """Change from queued to running; False if the job was stopped meanwhile."""
        now = time.time()
        return self._write("state = 'running', started = ?, heartbeat = ?", (now, now), "AND state = 'queued'")

    def speeds(self, case: str) -> tuple[dict[str, float], dict[str, float]]:
        """Seconds per unit, by stage, as measured in this case, and as last measured in any case."""
        with reading(self.root) as connection:
            query = 'SELECT stage, unit_s, "case" = ? AS own FROM speeds ORDER BY measured'
            found = connection.execute(query, (case,)).fetchall() if connection else []
        own = {row["stage"]: row["unit_s"] for row in found if row["own"]}
        return own, {row["stage"]: row["unit_s"] for row in found}

    def keep_speeds(self, case: str, speeds: Mapping[str, float]) -> None:
        """Keep seconds per unit, by stage, for later jobs."""
        with writing(self.root) as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO speeds VALUES (?, ?, ?, ?)",
                [(case, stage, unit_s, time.time()) for stage, unit_s in speeds.items()],
            )

    def report(
        self, stage: str, done: int, total: int, rate: float | None, left_s: float | None = None,
        parts: Sequence[Part] = (),
    ) -> bool:  # fmt: skip
        """Write the progress."""
        values = (clean(stage, 200), done, total, rate, left_s, json.dumps(parts), time.time())
        what = "stage = ?, done = ?, total = ?, rate = ?, left_s = ?, parts = ?, heartbeat = ?"
        return self._write(what, values)

    def beat(self) -> None:
        """Write a heartbeat."""
        with writing(self.root) as connection:
            connection.execute(
                "UPDATE jobs SET heartbeat = ? WHERE id = ? AND pid = ? AND ticks = ? AND system = ?",
                (time.time(), *self._mine),
            )

    def end(self, state: State, message: str) -> bool:
        """Write how the job ended, retrying for a few seconds on a full disk; a pause that was cancelled ends so."""
        now = time.time()
        if_cancelled = State.CANCELLED if state is State.PAUSED else state
        for attempt in range(_TRIES):
            try:
                return self._write(
                    "state = CASE WHEN state = 'cancelling' THEN ? ELSE ? END, "
                    "message = ?, ended = ?, heartbeat = ?, rate = NULL",
                    (if_cancelled, state, clean(message, _MAX_MESSAGE), now, now),
                    "AND state IN ('queued', 'running', 'pausing', 'cancelling')",
                )
            except FdError as error:
                print(f"could not write how the job ended, attempt {attempt + 1}: {error}", flush=True)
                time.sleep(1)
        return False

    def _write(self, what: str, values: tuple[Any, ...], when: str = "") -> bool:
        with writing(self.root) as connection:
            written = connection.execute(
                f"UPDATE jobs SET {what}, changed = ? "  # noqa: S608 - `what` and `when` are constants of this file
                f"WHERE id = ? AND pid = ? AND ticks = ? AND system = ? {when}",
                (*values, time.time(), *self._mine),
            )
            return written.rowcount > 0


class Reporter:
    """Passes progress on, not too often, and raises `Stopped` when the work is to end."""

    def __init__(
        self,
        row: OwnRow,
        termination: Termination,
        estimate: Estimate | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._row, self._termination, self._clock = row, termination, clock
        self.estimate = estimate or Estimate(())
        self._lock = threading.Lock()
        self._latest: tuple[str, int, int] | None = None
        self._is_written = True
        self._written = self._looked = -1e9

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report the progress.

        Raises:
            Stopped: the job was paused or cancelled, or belongs to another process now.
        """
        now = self._clock()
        with self._lock:
            self.estimate.report(stage, int(done), int(total), now)
            self._latest, self._is_written = (stage, int(done), int(total)), False
        if now - self._written >= WRITE_EVERY_S:
            self.flush()
        self._stop_if_asked(now)

    def flush(self) -> None:
        """Write the latest progress, unless some was just written, and the time left as it passes.

        Errors of the list do not stop the work.
        """
        with self._lock:
            now = self._clock()
            wait_s = BEAT_EVERY_S if self._is_written else WRITE_EVERY_S
            if self._latest is None or now - self._written < wait_s:
                return
            try:
                estimate = self.estimate
                self._row.report(*self._latest, estimate.rate, estimate.seconds_left(now), estimate.parts())
                self._is_written = True
            except FdError as error:
                print(f"could not write the progress: {error}", flush=True)
            self._written = self._clock()

    def finish(self) -> None:
        """Write the latest progress now."""
        with self._lock:
            self.estimate.end(self._clock())
        self._written = -1e9
        self.flush()

    def _stop_if_asked(self, now: float) -> None:
        if self._termination.asked:
            raise Stopped
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        try:
            state = self._row.state()
        except FdError as error:
            print(f"could not read whether to stop: {error}", flush=True)
            return
        if state is None or state in _STOPPING:
            raise Stopped
