"""Leaf scores: querying the suspect, and how consistently it puts each leaf in each class."""

from ui import frame
from ui.leaf_scores import form as scoring_form
from ui.leaf_scores import result as scoring_result
from ui.leaf_scores import run as scoring_run

with frame.page("Leaf scores") as desk:
    job = desk.newest_job(*scoring_run.KINDS)
    if job and job.active:
        scoring_run.running(desk)
    else:
        if job and job.resumable:
            scoring_run.stopped(desk, job)
        if desk.card and desk.card.n_answered:
            scoring_result.draw(desk)
        else:
            scoring_form.begin(desk, primary=not (job and job.resumable))
