"""The two parts of the Selection page: the live part follows a moving slider, the slow part comes after it.

Usually both are drawn together, the slow part last, and a slider that moves again interrupts it. If weighing all
classes takes long, the slow part is its own fragment, drawn with the whole page once the slider rests.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fdcore.case.case import Case
from fdcore.case.conclusions import read_choices
from fdcore.errors import CaseError
from fdcore.method.selection import SelectionSettings
from ui import cached, state
from ui.class_picker import found_names, pick_class
from ui.exports import export
from ui.frame import Desk
from ui.selection import class_table
from ui.selection import controls as selection_controls
from ui.selection import evidence as selection_evidence
from ui.selection import parts as selection_parts
from ui.selection.controls import LIVE, SLOW
from ui.selection.figures import draw_clusters, draw_counts, draw_map
from ui.selection.tables import classes_csv, clusters_csv, map_csv
from ui.sentences import fragment, show_error

BIG_CELLS = 100_000  # classes x leaves above which weighing all classes is noticeably slow


def draw_page(desk: Desk) -> None:
    """The choice of the class, everything about it, and all classes.

    If answers locked by hand do not fit the case, nothing can be weighed, and only unlocking is offered.
    """
    case = desk.case
    scored = cached.scored(case)
    try:
        findings = cached.findings(case, state.shown_settings(case))
    except CaseError as error:
        if not (choices := read_choices(case)):
            raise
        show_error(error)
        selection_evidence.locked_classes(desk, case, choices)
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        with st.container(width="stretch"):
            target_class = pick_class(found_names(findings))
        top_right = st.container(width="content", key="export_place")
    big = scored.scores.hits.size > BIG_CELLS
    _live_part(desk, case, target_class, top_right, big)
    if big:
        fragment(key=SLOW)(_complete)(desk, case, target_class, top_right)


@fragment(key=LIVE)
def _live_part(desk: Desk, case: Case, target_class: int, top_right: DeltaGenerator, big: bool) -> None:
    _follow(desk, case, target_class, big)
    if not big:
        _complete(desk, case, target_class, top_right)


def _follow(desk: Desk, case: Case, target_class: int, big: bool) -> None:
    """Controls, answer, map and clusters of one class."""
    settings = state.shown_settings(case)
    scored = cached.scored(case)
    found = cached.class_finding(case, settings, target_class)
    stability = cached.stability(case, settings, target_class)
    room = selection_controls.reserve()
    left, right = st.columns([2, 3])
    with left:
        selection_parts.answer_panel(scored, found, settings)
    with right:
        selection_parts.map_panel(case, scored, found, settings, stability)
    selection_parts.clusters_panel(scored, found, settings)
    selection_controls.draw(desk, case, settings, room, big=big)


def _complete(desk: Desk, case: Case, target_class: int, top_right: DeltaGenerator) -> None:
    """Images, the lock, all classes, export."""
    settings = state.shown_settings(case)
    findings = cached.findings(case, settings)
    found = findings.classes[target_class]
    with top_right:
        _export(desk, case, target_class, settings)
    selection_evidence.images_panel(desk, case, findings.scored, found)
    selection_evidence.lock_panel(desk, case, findings.scored, found)
    class_table.class_table(findings)


def _export(desk: Desk, case: Case, target_class: int, settings: SelectionSettings) -> None:
    findings = cached.findings(case, settings)
    scored, found = findings.scored, findings.classes[target_class]
    stability = cached.stability(case, settings, target_class)
    drawn = {"Stability map": lambda: draw_map(scored, stability, settings)} if stability.winners else {}
    if found.selection.clusters:
        drawn["Clusters"] = lambda: draw_clusters(scored, found, settings)
    if found.selection.winner:
        drawn["Images before and after"] = lambda: draw_counts(scored, found)
    export(
        f"{desk.case_id}-selection-class-{target_class}",
        tables={
            "Clusters of this class": lambda: clusters_csv(scored, found.selection),
            "All classes": lambda: classes_csv(findings),
            "Stability map": lambda: map_csv(scored, stability),
        },
        figures=drawn,
    )
