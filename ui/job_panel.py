"""Long-running work: progress, rate, time left, pause, resume, cancel, and how it ended."""

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.jobs import Job, JobQueue, State
from fdcore.jobs.kinds import KINDS
from ui.sentences import attempt, fragment
from ui.text import duration, inert

POLL_S, IDLE_POLL_S = 1.0, 5.0  # how often a page checks its case while work runs, and while none does
_LOOK = {
    State.DONE: ("success", ":material/check_circle:"),
    State.FAILED: ("error", ":material/error:"),
    State.CANCELLED: ("info", ":material/cancel:"),
    State.PAUSED: ("info", ":material/pause_circle:"),
    State.INTERRUPTED: ("warning", ":material/power_off:"),
}
_ENDS = {
    State.PAUSED: "was paused", State.FAILED: "failed", State.CANCELLED: "was cancelled",
    State.INTERRUPTED: "was interrupted",
}  # fmt: skip


def can_resume(job: Job) -> bool:
    """Whether resuming may succeed: a suspect's file that could not be opened fails again."""
    return job.resumable and not (job.kind == "suspect" and job.state is State.FAILED)


def title(job: Job) -> str:
    """A job's title for people. Inert."""
    return KINDS[job.kind].title if job.kind in KINDS else inert(job.kind)


def watch(jobs: JobQueue, case: Case | None) -> None:
    """Check the case regularly; redraw the page when work begins or ends, or another session changed the case."""
    if case is None:
        return
    case_id, drawn = case.folder.name, _glimpse(jobs, case)

    @fragment(run_every=POLL_S if drawn.active else IDLE_POLL_S)
    def ticking() -> None:
        if _glimpse(jobs, case) != drawn:
            st.rerun()
        job = jobs.latest(case_id)
        if job and job.active:
            progress(job, where="sidebar")

    ticking()


class _Glimpse(NamedTuple):
    """What a page that shows a case depends on besides its answers."""

    job: int
    active: bool
    revision: str


def _glimpse(jobs: JobQueue, case: Case) -> _Glimpse:
    job = jobs.latest(case.folder.name)
    revision = case.revision(layout.FACTS, layout.CHOICES, layout.SELECTION, layout.CLAIMS, layout.WORDS)
    return _Glimpse(job.id if job else 0, bool(job and job.active), revision)


def progress(job: Job, *, where: str = "page") -> None:
    """One job's bar with stage, count, rate and time left; `where` tells the sidebar's from the page's."""
    with st.container(border=True, key=f"job_{job.id}_{where}"):
        st.markdown(f"**{title(job)}**")
        if job.state is State.QUEUED:
            st.caption("Waiting for other work on this machine to finish.")
            return
        st.progress(job.fraction, text=inert(job.stage) or "Starting")
        facts = [f"{job.done:,} of {job.total:,}"] if job.total else []
        facts += [f"{job.rate:,.0f} per s"] if job.rate else []
        facts += [f"{duration(job.seconds_left)} left"] if job.seconds_left is not None else []
        st.caption(" · ".join(facts) or "…")


def live_bar(jobs: JobQueue, job: Job) -> None:
    """A job's bar, updated every second; the page is redrawn when the job ends."""

    @fragment(run_every=POLL_S)
    def ticking() -> None:
        now = jobs.get(job.id)
        if not now.active:
            st.rerun()
        waiting = "Waiting for other work to finish"
        st.progress(now.fraction, text=waiting if now.started is None else inert(now.stage) or title(now))

    ticking()


def controls(jobs: JobQueue, job: Job) -> None:
    """Pause and cancel, or resume."""
    with st.container(horizontal=True):
        if job.active:
            st.button("Pause", icon=":material/pause:", key="job_pause", on_click=_do, args=(jobs.pause, job.id))
            st.button("Cancel", icon=":material/close:", key="job_cancel", on_click=_do, args=(jobs.cancel, job.id))
        elif can_resume(job):
            st.button("Resume", icon=":material/play_arrow:", key="job_resume", type="primary", on_click=_do,
                      args=(jobs.resume, job.id))  # fmt: skip


def notices(jobs: JobQueue, case_id: str) -> None:
    """How the last work on the case ended, until it is dismissed or other work begins."""
    newest = jobs.latest(case_id)
    for job in (one for one in jobs.unseen(case_id) if newest and one.id == newest.id):
        kind, icon = _LOOK[job.state]
        with st.container(horizontal=True, vertical_alignment="center", key=f"notice_{job.id}"):
            getattr(st, kind)(f"**{title(job)}:** {inert(job.message) or job.state.value}", icon=icon)
            if can_resume(job):
                st.button("Resume", key=f"resume_{job.id}", on_click=_do, args=(jobs.resume, job.id))
            st.button("Dismiss", key=f"dismiss_{job.id}", type="tertiary", on_click=_do, args=(jobs.dismiss, job.id))


def _do(action: Callable[[int], object], job_id: int) -> None:
    """Carry out a button; a refusal is shown as a toast."""
    attempt(lambda: action(job_id), toast=True)


def follow(
    jobs: JobQueue, newest: Callable[[], Job | None], key: str, below: Callable[[Job], None] | None = None
) -> None:
    """Progress and controls of running work, updated every second; `watch` redraws the page when it ends.

    Args:
        newest: the job to show.
        key: of the container.
        below: draws whatever else is shown for the job.
    """

    @fragment(run_every=POLL_S)
    def ticking() -> None:
        job = newest()
        if job is None or not job.active:
            return
        with st.container(border=below is not None, key=key):
            progress(job, where=key)
            controls(jobs, job)
            if below:
                below(job)

    ticking()


def stopped(jobs: JobQueue, job: Job, what: str, then: str, key: str) -> None:
    """How resumable work ended, and its Resume button."""
    with st.container(border=True, key=key):
        st.markdown(f"**{what} is not finished: it {_ENDS.get(job.state, 'stopped')}.**")
        if job.message:
            st.text(job.message)
        st.caption(then)
        controls(jobs, job)
