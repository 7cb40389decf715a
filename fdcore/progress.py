"""How long-running work reports its progress, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """A listener, called often: `stage` is a short phrase; `done` of `total` units are finished."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


def silent(stage: str, done: int, total: int) -> None:
    """Ignore all progress."""
