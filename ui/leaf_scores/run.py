"""Scoring while it runs and after it has stopped: progress, controls, the ranking so far."""

import streamlit as st

from fdcore.case.case import Case
from fdcore.errors import CaseError
from fdcore.jobs import Job
from fdcore.method.findings import Scored
from ui import cached, job_panel
from ui.frame import Desk
from ui.leaf_scores import ranking as leaf_ranking
from ui.sentences import fragment
from ui.text import inert
from ui.workbench.bench import Bench, open_bench
from ui.workbench.inspector import inspector
from ui.workbench.picked import STEP

KINDS = ("investigate", "demo")
REFRESH_S = 5.0  # as often as answers reach the disk


def scored_or_none(case: Case) -> Scored | None:
    """The case's answers; None while there are none, or while a run is changing the corpus."""
    try:
        return cached.scored(case)
    except CaseError:
        return None


def running(desk: Desk) -> None:
    """Draw progress, controls and the ranking so far."""
    job_panel.follow(desk.jobs, lambda: desk.newest_job(*KINDS), "scoring")
    known = scored_or_none(desk.case)
    bench = open_bench(desk, None, desk.case.facts().n_classes if known is None else known.scores.n_classes)
    with bench.middle:
        _ranking_so_far(bench)
    with bench.right:
        if known is None:
            st.caption("What is clicked is shown here once there are answers.")
        else:
            inspector(bench)


def stopped(desk: Desk, job: Job) -> None:
    """How resumable scoring ended, and its Resume button."""
    done = f"{job.done:,} of {job.total:,} done in the step “{inert(job.stage)}”. " if job.total else ""
    then = f"{done}Every answer is kept; resuming queries only what is missing."
    job_panel.stopped(desk.jobs, job, "Scoring", then, "stopped")


@fragment(run_every=REFRESH_S, key=STEP)
def _ranking_so_far(bench: Bench) -> None:
    scored = scored_or_none(bench.case)
    if scored is None:
        st.caption("Waiting for the first answers.")
        return
    n_answered = int((scored.answers >= 0).sum())
    text = f"So far: {n_answered:,} of {scored.answers.size:,} answers"
    st.badge(text, icon=":material/hourglass_top:", color="orange")
    with st.container(border=True, key="ranking"):
        leaf_ranking.ranking(bench, live=True)
