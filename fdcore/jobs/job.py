"""A job: a piece of long-running work on one case."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fdcore.jobs.estimate import Part


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
        left_s: seconds that it still takes; None while unknown.
        parts: its phases, those to come included; empty where they are not known beforehand.
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
    left_s: float | None = None
    parts: tuple[Part, ...] = ()

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
        """How much is done, from 0 to 1: of the whole job where its phases are known, else of the present stage."""
        if self.state is State.DONE:
            return 1.0
        if self.parts:
            return min(sum(part.share * part.done for part in self.parts), 1.0)
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left: in the whole job where its phases are known, else in this stage; None while unknown or at rest."""
        if self.state is not State.RUNNING:
            return None
        if self.left_s is not None:
            return self.left_s
        return max(self.total - self.done, 0) / self.rate if self.rate else None
