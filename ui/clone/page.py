"""The parts of the Clone page in their order."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.case.tables import image_rows_to_csv
from fdcore.cloning.comparison import Column, comparison_to_csv
from fdcore.cloning.evaluation import MAX_CONFUSION
from fdcore.cloning.run import CloneRun
from fdcore.method.findings import Findings
from fdcore.method.selection import SelectionSettings
from ui import cached, frame, state
from ui.clone import figures, form, live, one, results
from ui.clone.form import n_scoring_answers
from ui.clone.results import Shown
from ui.clone.tables import has_costs, has_density, run_titles, transfer_sets_to_csv
from ui.clone.transfer import draw_kept, kept_panel
from ui.exports import export
from ui.frame import Desk

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TABS = ("Results", "Each clone", "Train clones")
_INTRO = (
    "If the finding is right, it can be used: one network is trained on the found images, another on random images, "
    "both labelled by the suspect itself. If the clone from the found images agrees with the suspect more often, this "
    "supports the finding."
)


def draw_page(desk: Desk) -> None:
    """Draw everything about clones of the case's suspect."""
    case = desk.case
    saved = selection_settings(case)
    findings = cached.findings(case, saved)
    runs = cached.clone_runs(case)
    left, right = st.columns([5, 1], vertical_alignment="top")
    if not runs:
        left.markdown(_INTRO)
    top_right = right.container(horizontal=True, horizontal_alignment="right")
    _warn_unsaved(saved)
    one.damaged(desk, case, cached.damaged_clones(case))
    job = desk.newest_job(*live.KINDS)
    active = bool(job and job.active)
    if job and active:
        live.running(desk, case)
    elif job and job.resumable:
        live.stopped(desk, job)
    looked_at = [run for run in runs if run.finished or not active]
    shown = results.headline(desk, case, findings)
    parts = st.tabs(_TABS if looked_at else _TABS[2:], key="clone_tabs")
    chosen = None
    if looked_at:
        with parts[0]:
            results.draw(desk, shown, n_scoring_answers(findings))
        with parts[1]:
            chosen = one.panel(desk, case, looked_at, shown, active=active)
    with parts[-1]:
        _form(desk, case, findings, runs)
        kept_panel(desk, findings)
    with top_right:
        _export(desk, findings, runs, shown, chosen)


# Parts


def _warn_unsaved(saved: SelectionSettings) -> None:
    shown = state.linked_settings(saved).settings
    if shown != saved:
        st.warning(
            f"Clones use the saved conclusions ({state.settings_in_words(saved)}). To use others, save them on the "
            "Selection page.",
            icon=":material/update:",
        )


def _form(desk: Desk, case: Case, findings: Findings, runs: Sequence[CloneRun]) -> None:
    """The form, or why no clone can be trained."""
    if len(findings.classes) < 2:
        st.info("This suspect has only one class: every network agrees with it, so a clone would show nothing.",
                icon=":material/info:")  # fmt: skip
        return
    if not any(len(found.filtered.kept) for found in findings.classes):
        frame.empty("No image is kept for any class with these settings, so there is nothing to train on.",
                    "Change the settings in Selection", "Selection")  # fmt: skip
        return
    with st.container(key="clone_form"):
        form.draw(desk, case, findings, runs)


def _export(
    desk: Desk, findings: Findings, runs: Sequence[CloneRun], shown: Shown | None, chosen: Column | None
) -> None:
    """The Export menu: the tables and figures of this page."""
    scored = findings.scored
    tables: dict[str, Callable[[], bytes]] = {}
    if shown:
        tables["Comparison of the clones"] = partial(comparison_to_csv, shown.comparison)
    if runs:
        tables["What the clones are made of"] = partial(transfer_sets_to_csv, runs, run_titles(runs))
    tables["Found images"] = lambda: image_rows_to_csv(findings.classes, scored.images, scored.hierarchy)
    export(f"{desk.case_id}-clone", tables=tables, figures=_drawn(desk, findings, runs, shown, chosen))


def _drawn(
    desk: Desk, findings: Findings, runs: Sequence[CloneRun], shown: Shown | None, chosen: Column | None
) -> "dict[str, Callable[[], go.Figure]]":
    drawn: dict[str, Callable[[], go.Figure]] = {}
    if shown:
        comparison, measure, titles = shown
        drawn["Clones"] = partial(figures.draw_rates, comparison, titles, measure, desk.case_id)
        if has_density(comparison):
            drawn["Density"] = partial(figures.draw_density, comparison, titles, measure, desk.case_id)
        if has_costs(comparison):
            drawn["Cost"] = partial(figures.draw_cost, comparison, titles, desk.case_id)
        if chosen and len(comparison.names) <= MAX_CONFUSION:
            drawn["Confusion matrix"] = partial(figures.draw_confusion, comparison, chosen, desk.case_id)
    if any(run.history for run in runs):
        names = run_titles(runs)
        drawn["Agreement by epoch"] = partial(figures.draw_held_out, runs, names, desk.case_id)
        drawn["Loss by epoch"] = partial(figures.draw_loss, runs, names, desk.case_id)
    drawn["Kept images"] = partial(draw_kept, desk, findings)
    return drawn
