"""A job: a piece of long-running work on one case."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """The state of a job.

    queued ─> running ─> done | failed
                 ├─> pausing ─> paused
                 ├─> cancelling ─> cancelled
                 └─> interrupted: its process ended without being asked to
    """

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    CANCELLING = "cancelling"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"
    INTERRUPTED = "interrupted"


ACTIVE = frozenset({State.QUEUED, State.RUNNING, State.PAUSING, State.CANCELLING})
RESUMABLE = frozenset({State.PAUSED, State.CANCELLED, State.FAILED, State.INTERRUPTED})
ENDED = frozenset({State.CANCELLED, State.FAILED, State.DONE, State.INTERRUPTED})


@dataclass(frozen=True)
class Job:
    """One job at one moment.

    Attributes:
        id: never used twice.
        case: the id of its case.
        kind: a key of `fdcore.jobs.kinds.KINDS`.
        params: of the kind; JSON.
        by: who started it; may be empty.
        stage: its last step, as a short phrase.
        done, total: units of that stage.
        rate: units per second in this stage, over the last half minute or so; None while unknown.
        message: how it ended: the result, or what has to be fixed.
        created, started, ended: seconds since 1970; `started` is of its last process, None before the first starts.
        changed: seconds since 1970 of the last change to any of this.
    """

    id: int
    case: str
    kind: str
    params: dict[str, Any]
    by: str
    state: State
    stage: str
    done: int
    total: int
    rate: float | None
    message: str
    created: float
    started: float | None
    ended: float | None
    changed: float

    @property
    def active(self) -> bool:
        """Whether it runs, waits its turn or is about to stop."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether it can continue where it stopped."""
        return self.state in RESUMABLE

    @property
    def fraction(self) -> float:
        """How much of the stage is done, from 0 to 1."""
        if self.state is State.DONE:
            return 1.0
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left in this stage at its rate; None while unknown, or when nothing runs."""
        if self.state is not State.RUNNING or not self.rate:
            return None
        return max(self.total - self.done, 0) / self.rate
