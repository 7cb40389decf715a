"""Clones in training and after it stopped: progress, controls and curves."""

from collections.abc import Sequence

import streamlit as st

from fdcore.case.case import Case
from fdcore.cloning.run import CloneRun
from fdcore.jobs import Job
from ui import cached, job_panel
from ui.clone.figures import MAX_CURVES, draw_held_out, draw_loss
from ui.clone.tables import run_titles, runs_table, seconds_left, unfinished
from ui.frame import Desk
from ui.panels import show_figure, show_table
from ui.text import duration, inert

KINDS = ("clone", "clone-go-on", "clone-test", "clone-finish")
_TABLE_PX = 300


def running(desk: Desk, case: Case) -> None:
    """Progress, controls and curves, updated every second."""

    def below(job: Job) -> None:
        runs = cached.clone_runs(case)
        left = seconds_left(runs) if len(unfinished(runs)) > 1 else None
        if left is not None and job.kind == "clone":
            st.caption(f"About {duration(left)} left for all clones at this pace.")
        if runs:
            runs_overview(runs, run_titles(runs), active=True)
            curves(desk.case_id, runs)
        elif job.kind == "clone":
            st.caption("Images are drawn first. The time left is shown after the first epoch of training.")

    job_panel.follow(desk.jobs, lambda: desk.newest_job(*KINDS), "clone_running", below)


def stopped(desk: Desk, job: Job) -> None:
    """The state of stopped work, and the button that resumes it."""
    then = (
        f"It stopped at “{inert(job.stage) or 'the beginning'}”. Every finished epoch is kept, and resuming continues "
        "from there. Alternatively, keep a clone's best weights so far below."
    )
    job_panel.stopped(desk.jobs, job, job_panel.title(job), then, "clone_stopped")


def curves(case_id: str, runs: Sequence[CloneRun]) -> None:
    """Loss and agreement of the newest clones, side by side."""
    begun, titles = [run for run in runs if run.history], run_titles(runs)
    if not begun:
        st.caption("The first epoch is in progress; the time left is shown after it.")
        return
    left, right = st.columns(2)
    with left:
        show_figure(draw_held_out(runs, titles, case_id), "clone_agreement_curves",
                    "Agreement with the suspect on held-out images by epoch, a line for each clone",
                    f"{case_id}-clone-agreement")  # fmt: skip
    with right:
        show_figure(draw_loss(runs, titles, case_id), "clone_loss_curves", "Loss by epoch, a line for each clone",
                    f"{case_id}-clone-loss")  # fmt: skip
    more = f" The newest {MAX_CURVES} of {len(begun)} clones are drawn." if len(begun) > MAX_CURVES else ""
    st.caption(f"A diamond marks the epoch whose weights are kept.{more}")


def runs_overview(runs: Sequence[CloneRun], titles: dict[str, str], *, active: bool) -> None:
    """A table with a row for each clone."""
    column = st.column_config
    show_table(runs_table(runs, titles, active=active), "clone_runs_table", {
        "Clone": column.TextColumn(width="medium"),
        "State": column.TextColumn(width="small"),
        "Epochs": column.TextColumn(width="small", help="Done, out of those planned"),
        "Held out": column.NumberColumn(format="%.0f %%", width="small",
                                        help="Agreement of the kept weights with the suspect, on images of the clone's "
                                        "transfer set that it is not trained on"),
        "Images": column.NumberColumn(format="localized", width="small", help="Rows of its transfer set"),
        "Answers": column.NumberColumn(format="localized", width="small",
                                       help="Answers of the suspect to the training images, without those of the "
                                       "scoring that found them"),
        "Sent": column.NumberColumn(format="localized", width="small", help="Queries that were sent for it"),
    }, most_px=_TABLE_PX, alt="Every clone with its state, its epochs and what it rests on")  # fmt: skip
