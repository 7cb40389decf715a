"""Leaf scores: querying the suspect, and how consistently it puts each leaf in each class."""

import streamlit as st

from ui import cached, frame, state
from ui.class_picker import found_names, pick_class
from ui.leaf_scores import form as scoring_form
from ui.leaf_scores import gallery as leaf_gallery
from ui.leaf_scores import ranking as leaf_ranking
from ui.leaf_scores import result as scoring_result
from ui.leaf_scores import run as scoring_run
from ui.leaf_scores.tables import ranked_leaves
from ui.sentences import fragment


def show(desk: frame.Desk) -> None:
    """Show the answers received so far."""
    case, scored = desk.case, cached.scored(desk.case)
    settings = state.shown_settings(case)
    found = cached.findings(case, settings)
    scoring_result.metrics(case, scored, settings.tau)
    scoring_form.ask_more(desk, scored)
    found_for = found_names(found)
    names = leaf_gallery.class_names(found_for)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        target_class = pick_class(found_for, resets=(leaf_gallery.LEAF,))
        winner = found.classes[target_class].selection.winner
        selected = winner.members if winner else ()
        scoring_result.take_away(desk.case_id, scored, target_class, selected, settings.tau, names)
    ranked = ranked_leaves(scored, target_class)

    @fragment()
    def rankings() -> None:
        leaf_ranking.ranking(scored, target_class, ranked, selected, settings.tau)

    @fragment()
    def gallery() -> None:
        with st.container(border=True, key="gallery"):
            leaf_gallery.leaf_gallery(desk, scored, target_class, ranked.tolist(), names)

    rankings()
    gallery()
    leaf_ranking.overview(scored, target_class, names)


with frame.page("Leaf scores") as desk:
    job = desk.newest_job(*scoring_run.KINDS)
    if job and job.active:
        scoring_run.running(desk)
    else:
        if job and job.resumable:
            scoring_run.stopped(desk, job)
        if desk.card and desk.card.n_answered:
            show(desk)
        else:
            scoring_form.begin(desk, primary=not (job and job.resumable))
