"""Long-running work: progress, rate, time left, pause, resume, cancel, and how it ended."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.jobs import Job, JobQueue, State
from fdcore.jobs.kinds import KINDS
from ui.sentences import attempt, fragment
from ui.state import CASE
from ui.steps import JOBS
from ui.text import duration, inert, roughly

POLL_S, IDLE_POLL_S = 1.0, 5.0  # how often a page checks its case while work runs, and while none does
_SETTLED_S = 2.0  # after a job has ended, within which a change of its case is still its own
_SHOWN_SHARE = 0.01  # of a job's time, below which a phase to come is not shown
_DRAWN = "notices_drawn"  # the page on which each result was first shown, by the job's number
_STOPPING = {State.PAUSING: "Stopping at the next opportunity", State.CANCELLING: "Stopping"}
_LOOK = {
    State.DONE: ("success", ":material/check_circle:"),
    State.FAILED: ("error", ":material/error:"),
    State.CANCELLED: ("info", ":material/cancel:"),
    State.PAUSED: ("info", ":material/pause_circle:"),
    State.INTERRUPTED: ("warning", ":material/power_off:"),
}
_NEUTRAL = ("info", ":material/balance:")  # for a result that may be that nothing was decided
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
    """The bell: all jobs in one line, kept up to date; the page is redrawn when its case's work begins or ends, or when
    another session changed the case."""
    drawn = _glimpse(jobs, case) if case else None
    busy = bool(jobs.active())

    @fragment(run_every=POLL_S if busy else IDLE_POLL_S)
    def ticking() -> None:
        active = jobs.active()
        if (case and _glimpse(jobs, case) != drawn) or bool(active) != busy:
            st.rerun()
        query = {CASE: case.folder.name} if case else {}
        st.page_link(JOBS.path, label=in_short(active), icon=JOBS.icon, query_params=query, width="stretch")
        own = next((job for job in active if case and job.case == case.folder.name), None)
        if own:
            progress(own, where="sidebar")

    ticking()


def in_short(active: Sequence[Job]) -> str:
    """All active jobs in one line, such as "Jobs: 1 running · 2 min, 2 waiting", with what the longest still takes."""
    running = [job for job in active if job.state is not State.QUEUED]
    left = [job.seconds_left for job in running if job.seconds_left is not None]
    parts = []
    if running:
        longest = f" · {roughly(max(left))}" if left else ""
        parts.append(f"{len(running)} running{longest}")
    if n_waiting := len(active) - len(running):
        parts.append(f"{n_waiting} waiting")
    return f"{JOBS.name}: {', '.join(parts)}" if parts else JOBS.name


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
    """One job's bar with phase, count, rate and time left; `where` tells the sidebar's from the page's."""
    with st.container(border=True, key=f"job_{job.id}_{where}"):
        st.markdown(f"**{title(job)}**")
        if job.state is State.QUEUED:
            st.caption("Waiting for other work on this machine to finish.")
            return
        bar(job)


def bar(job: Job) -> None:
    """How far a running job is: its phase, the time left, all phases with those to come."""
    st.progress(job.fraction, text=phase(job))
    facts = [f"{duration(job.seconds_left)} left{'' if job.parts else ' in this phase'}"] if job.seconds_left else []
    facts += [f"{job.done:,} of {job.total:,}"] if job.total > 1 else []
    facts += [f"{job.rate:,.0f} per s"] if job.rate and job.rate >= 1 else []
    st.caption(" · ".join(facts) or "…")


def phase(job: Job) -> str:
    """The present phase, such as "Querying the suspect (phase 4 of 7)". Inert."""
    if job.state in _STOPPING:
        return _STOPPING[job.state]
    at = next((place for place, part in enumerate(job.parts) if part.done < 1), None)
    place = "" if at is None or len(job.parts) < 2 else f" (phase {at + 1} of {len(job.parts)})"
    return f"{inert(job.stage) or 'Starting'}{place}"


def phases(job: Job) -> str:
    """A job's phases, those to come included unless they are very short, as Markdown; empty where not known."""
    words = []
    for part in job.parts:
        name = inert(part.stage)
        if part.done >= 1:
            words.append(f":material/check: {name}")
        elif part.share >= _SHOWN_SHARE:
            words.append(f"{name} ({part.share:.0%} of the time)")
    return " · ".join(words)


def live_bar(jobs: JobQueue, job: Job) -> None:
    """A job's bar, updated every second; the page is redrawn when the job ends."""

    @fragment(run_every=POLL_S)
    def ticking() -> None:
        now = jobs.get(job.id)
        if not now.active:
            st.rerun()
        waiting = "Waiting for other work to finish"
        st.progress(now.fraction, text=waiting if now.started is None else phase(now))

    ticking()


def controls(jobs: JobQueue, job: Job) -> None:
    """Pause and cancel, or resume."""
    with st.container(horizontal=True):
        if job.active:
            st.button("Pause", icon=":material/pause:", key="job_pause", on_click=do, args=(jobs.pause, job.id))
            st.button("Cancel", icon=":material/close:", key="job_cancel", on_click=do, args=(jobs.cancel, job.id))
        elif can_resume(job):
            st.button("Resume", icon=":material/play_arrow:", key="job_resume", type="primary", on_click=do,
                      args=(jobs.resume, job.id))  # fmt: skip


def notices(jobs: JobQueue, case_id: str, page: str, changed: float) -> None:
    """How the last work on the case ended.

    A result is shown until another page is visited, the case changes or other work begins; what was stopped or failed,
    until it is dismissed or resumed.

    Args:
        page: the page that is drawn.
        changed: time of the case's last change, in seconds since 1970.
    """
    newest, drawn = jobs.latest(case_id), st.session_state.setdefault(_DRAWN, {})
    for job in (one for one in jobs.unseen(case_id) if newest and one.id == newest.id):
        is_over = drawn.setdefault(job.id, page) != page or changed > (job.ended or 0.0) + _SETTLED_S
        if job.state is State.DONE and is_over:
            jobs.dismiss(job.id)
            continue
        kind, icon = _NEUTRAL if job.kind == "readings" and job.state is State.DONE else _LOOK[job.state]
        with st.container(horizontal=True, vertical_alignment="center", key=f"notice_{job.id}"):
            getattr(st, kind)(f"**{title(job)}:** {inert(job.message) or job.state.value}", icon=icon)
            if can_resume(job):
                st.button("Resume", key=f"resume_{job.id}", on_click=do, args=(jobs.resume, job.id))
            st.button("Dismiss", key=f"dismiss_{job.id}", type="tertiary", on_click=do, args=(jobs.dismiss, job.id))


def do(action: Callable[[int], object], job_id: int) -> None:
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
