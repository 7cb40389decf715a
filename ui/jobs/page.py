"""The Jobs page: the work of all cases, what runs, what waits and for what, and how it ended."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from fdcore.jobs import Job, JobQueue, State, wait_of
from ui import frame, job_panel
from ui.job_panel import do
from ui.panels import BY_HELP
from ui.sentences import fragment
from ui.state import RESET
from ui.text import counted, distinct_texts, duration, inert, roughly, shortened

if TYPE_CHECKING:
    import pandas as pd

DAYS = 7
LOG_LINES = 200
_NOT_FINISHED = (State.PAUSED, State.INTERRUPTED)
_PICKED = "job_picked"


def draw(desk: frame.Desk) -> None:
    """What is under way, updated every second; below, what ended in the last days."""
    titles = {card.id: shortened(card.title, 60) for card in desk.cards}
    names = distinct_texts(titles)
    busy = bool(desk.jobs.active())

    @fragment(run_every=job_panel.POLL_S if busy else None)
    def ticking() -> None:
        active = desk.jobs.active()
        for job in active:
            _active(desk, job, active, names)
        if not active:
            st.text("Nothing is under way.")

    ticking()
    ended = desk.jobs.recent(DAYS)
    if not busy and not ended:
        st.caption(
            f"Nothing ended in the last {DAYS} days either. Checks, scoring, comparisons and clones that you start in "
            "a case appear here, with what they wait for, the time left and their logs."
        )
    resumable = [job for job in ended if job.state in _NOT_FINISHED and desk.jobs.latest(job.case) == job]
    for job in resumable:
        _stopped(desk, job, names)
    if finished := [job for job in ended if job not in resumable]:
        _finished(desk, finished, names)


def _active(desk: frame.Desk, job: Job, active: Sequence[Job], names: Mapping[str, str]) -> None:
    with st.container(border=True, key=f"job_{job.id}"):
        _head(job, names)
        if job.state is State.QUEUED:
            st.text(waits_for(job, active, names))
        else:
            job_panel.bar(job)
            if phases := job_panel.phases(job):
                st.caption(phases)
        with st.container(horizontal=True):
            if job.state is State.QUEUED and wait_of(job, active).place > 1:
                _button("Run next", "keyboard_double_arrow_up", f"next_{job.id}", desk.jobs.run_next, job)
            _button("Pause", "pause", f"pause_{job.id}", desk.jobs.pause, job)
            _button("Cancel", "close", f"cancel_{job.id}", desk.jobs.cancel, job)
            _doors(desk, job)


def _stopped(desk: frame.Desk, job: Job, names: Mapping[str, str]) -> None:
    """Work that can go on where it stopped."""
    with st.container(border=True, key=f"job_{job.id}"):
        _head(job, names)
        st.text(f"{job.state.value.capitalize()} at {job.fraction:.0%}. {job.message}".strip())
        with st.container(horizontal=True):
            if job_panel.can_resume(job):
                _button("Resume", "play_arrow", f"resume_{job.id}", desk.jobs.resume, job)
            _button("Cancel", "close", f"cancel_{job.id}", desk.jobs.cancel, job)
            _doors(desk, job)


def _head(job: Job, names: Mapping[str, str]) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{job_panel.title(job)}**", width="content")
        st.text(names.get(job.case, job.case) + (f", started by {job.by}" if job.by else ""), width="content")


def _button(label: str, icon: str, key: str, action: object, job: Job) -> None:
    st.button(label, icon=f":material/{icon}:", key=key, on_click=do, args=(action, job.id))


def _doors(desk: frame.Desk, job: Job) -> None:
    if st.button("Log", icon=":material/article:", key=f"log_{job.id}", type="tertiary"):
        show_log(desk.jobs, job)
    if st.button("Open the case", icon=":material/arrow_forward:", key=f"case_{job.id}", type="tertiary"):
        frame.go_to("Overview", **RESET, case=job.case)


def waits_for(job: Job, active: Sequence[Job], names: Mapping[str, str]) -> str:
    """The place of a waiting job and what it waits for. Not inert."""
    wait = wait_of(job, active)
    behind = " and ".join(f"{job_panel.title(one)} in {names.get(one.case, one.case)}" for one in wait.behind)
    left = [one.seconds_left for one in wait.behind]
    soonest = min((seconds for seconds in left if seconds is not None), default=None)
    begins = "" if soonest is None or wait.place > 1 else f" It begins in about {roughly(soonest)}."
    ahead = wait.place - 1
    others = f", after {counted(ahead, 'other job that waits', 'other jobs that wait')}" if ahead else ""
    return f"Number {wait.place} in the queue{others}. It waits for: {behind or 'its process to start'}.{begins}"


def _finished(desk: frame.Desk, jobs: Sequence[Job], names: Mapping[str, str]) -> None:
    st.subheader(f"Ended in the last {DAYS} days", anchor=False)
    key = f"jobs_{jobs[0].id}_{len(jobs)}"

    def selected() -> None:
        rows = st.session_state[key].selection.rows
        st.session_state[_PICKED] = jobs[rows[0]].id if rows else None

    column = st.column_config
    with st.container(key="ended"):
        st.dataframe(
            ended_table(jobs, names), key=key, hide_index=True, on_select=selected, selection_mode="single-row",
            placeholder="", alt="Jobs that ended",
            column_config={
                "Work": column.TextColumn(width=170),
                "Case": column.TextColumn(width=120),
                "Ended": column.DatetimeColumn(format="distance", width=110),
                "Took": column.TextColumn(width=60),
                "By": column.TextColumn(width=80, help=BY_HELP),
            },
        )  # fmt: skip
    picked = next((job for job in jobs if job.id == st.session_state.get(_PICKED)), None)
    if picked is None:
        st.caption("Select a row to read its log.")
        return
    with st.container(border=True, key="picked_job"):
        _head(picked, names)
        if picked.message:
            st.text(picked.message)
        with st.container(horizontal=True):
            if job_panel.can_resume(picked) and desk.jobs.latest(picked.case) == picked:
                _button("Resume", "play_arrow", f"resume_{picked.id}", desk.jobs.resume, picked)
            _doors(desk, picked)


def ended_table(jobs: Sequence[Job], names: Mapping[str, str]) -> "pd.DataFrame":
    """One row for each job that ended. Texts are not inert."""
    import pandas as pd

    table = pd.DataFrame({
        "Work": [job_panel.title(job) for job in jobs],
        "Case": [names.get(job.case, job.case) for job in jobs],
        "Result": [_how_it_ended(job) for job in jobs],
        "Ended": [datetime.fromtimestamp(job.ended, UTC) if job.ended else None for job in jobs],
        "Took": [duration(job.ended - job.started) if job.started and job.ended else "" for job in jobs],
        "By": [job.by for job in jobs],
    })  # fmt: skip
    return table if table["By"].any() else table.drop(columns="By")


def _how_it_ended(job: Job) -> str:
    if job.state is State.DONE:
        return job.message
    return f"{job.state.value}: {job.message}" if job.message else job.state.value


@st.dialog("Log", width="large", icon=":material/article:")
def show_log(jobs: JobQueue, job: Job) -> None:
    """The end of what a job's process wrote."""
    st.markdown(f"**{inert(f'Job {job.id}')}: {job_panel.title(job)}**")
    st.code(log_end(jobs, job), language=None, wrap_lines=True, height=420)


def log_end(jobs: JobQueue, job: Job) -> str:
    """The last lines of a job's log, or that there are none."""
    path = jobs.log(job.id)
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-LOG_LINES:]) or "Its process wrote nothing, which is usual."
