"""A job: a piece of long work on one case, as everybody sees it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands.

    queued ─> running ─> done | failed
                 ├─> pausing ─> paused
                 ├─> cancelling ─> cancelled
                 └─> interrupted: its process is gone, and nobody asked for that
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
        id: its number; never given twice.
        case: the id of the case that it works on.
        kind: what is done; a key of `fdcore.jobs.kinds.KINDS`.
        params: what the kind needs to know; JSON.
        by: who asked for it; may be empty.
        state: where it stands.
        stage: what it was doing last, as a short phrase.
        done, total: units of that stage.
        rate: units per second in this stage, over the last half minute or so; None while not known.
        seconds_left: of this stage, at that rate; None while not known.
        message: how it ended: what came out, or what has to be mended.
        created, started, ended: seconds since 1970; `started` is of its last process, None before its first turn.
        changed: seconds since 1970 when anything of this was last written.
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
        """Whether a process works on it, waits its turn or is about to stop."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether it can go on where it stopped."""
        return self.state in RESUMABLE

    @property
    def fraction(self) -> float:
        """How much of the stage is done, from 0 to 1."""
        if self.state is State.DONE:
            return 1.0
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left in this stage at its rate; None while not known, or when nothing runs."""
        if self.state is not State.RUNNING or not self.rate:
            return None
        return max(self.total - self.done, 0) / self.rate
