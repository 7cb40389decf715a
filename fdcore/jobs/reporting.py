"""The worker's side of a job's row: claim it, report progress, notice a stop, record the end."""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

from fdcore.errors import FdError
from fdcore.jobs.database import reading, writing
from fdcore.jobs.job import State
from fdcore.jobs.process import ProcessId
from fdcore.jobs.queue import clean, worker_of

WRITE_EVERY_S = 0.25
LOOK_EVERY_S = 0.2
BEAT_EVERY_S = 1.0
REMEMBERED_S = 20.0  # time constant of a rate's moving mean
_MEASURED_S = 0.5  # the shortest time over which a rate is meaningful
_TRIES = 10
_MAX_MESSAGE = 2_000
_STOPPING = (State.PAUSING, State.CANCELLING)


class Stopped(BaseException):
    """Raised by a progress call to end the work; a BaseException, so that no `except Exception` catches it."""


@dataclass
class Termination:
    """Whether this process was asked to end; a plain flag, as signal handlers cannot use locks."""

    asked: bool = False


class Rate:
    """Units per second in one stage, as an exponential moving mean."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._done = 0
        self._time = self._units = self._seconds = 0.0

    def add(self, stage: str, done: int, now: float) -> None:
        """Record the units done at a time in seconds; another stage, or fewer units, starts a new rate."""
        if stage != self._stage or done < self._done:
            self._stage, self._units, self._seconds = stage, 0.0, 0.0
        else:
            fading = exp((self._time - now) / REMEMBERED_S)
            self._units = self._units * fading + (done - self._done)
            self._seconds = self._seconds * fading + (now - self._time)
        self._done, self._time = done, now

    @property
    def value(self) -> float | None:
        """The rate; None while too little was measured."""
        return self._units / self._seconds if self._seconds >= _MEASURED_S and self._units else None


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
        """Whether no living worker was queued earlier in this lane, or in a lane that is not known yet."""
        with reading(self.root) as connection:
            if connection is None:
                return True
            earlier = connection.execute(
                "SELECT a.* FROM jobs a JOIN jobs b ON (a.queued, a.id) < (b.queued, b.id) "
                "WHERE b.id = ? AND a.state = 'queued' AND (a.lane = b.lane OR a.lane IS NULL)",
                (self.job_id,),
            ).fetchall()
        return not any(worker_of(row).alive(row["heartbeat"] or 0.0) for row in earlier)

    def begin(self) -> bool:
        """Change from queued to running; False if the job was stopped meanwhile."""
        now = time.time()
        return self._write("state = 'running', started = ?, heartbeat = ?", (now, now), "AND state = 'queued'")

    def report(self, stage: str, done: int, total: int, rate: float | None) -> bool:
        """Write the progress."""
        values = (clean(stage, 200), done, total, rate, time.time())
        return self._write("stage = ?, done = ?, total = ?, rate = ?, heartbeat = ?", values)

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

    def __init__(self, row: OwnRow, termination: Termination, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._row, self._termination, self._clock = row, termination, clock
        self._lock = threading.Lock()
        self._rate = Rate()
        self._latest: tuple[str, int, int] | None = None  # not written yet
        self._written = self._looked = -1e9

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report the progress.

        Raises:
            Stopped: the job was paused or cancelled, or belongs to another process now.
        """
        now = self._clock()
        with self._lock:
            self._rate.add(stage, int(done), now)
            self._latest = stage, int(done), int(total)
        if now - self._written >= WRITE_EVERY_S:
            self.flush()
        self._stop_if_asked(now)

    def flush(self) -> None:
        """Write the latest progress, unless some was just written. Errors of the list do not stop the work."""
        with self._lock:
            if self._latest is None or self._clock() - self._written < WRITE_EVERY_S:
                return
            try:
                self._row.report(*self._latest, self._rate.value)
                self._latest = None
            except FdError as error:
                print(f"could not write the progress: {error}", flush=True)
            self._written = self._clock()

    def finish(self) -> None:
        """Write the latest progress now."""
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
