"""The Selection page on the workbench: sliders, the answer, and what it rests on.

Everything in the middle follows a moving slider, for one class. Once a slider rests, the list of classes and the
inspector are drawn again, so that they agree.
"""

import streamlit as st

from fdcore.case.conclusions import read_choices
from fdcore.errors import CaseError
from ui import cached, saving, state
from ui.exports import export
from ui.frame import Desk
from ui.selection import controls as selection_controls
from ui.selection import tabs as selection_tabs
from ui.selection.figures import draw_clusters, draw_counts, draw_map
from ui.selection.parts import answer_line
from ui.selection.tables import classes_csv, clusters_csv, map_csv
from ui.sentences import fragment, show_error
from ui.workbench.bench import Bench, open_bench
from ui.workbench.deciding import locked_classes
from ui.workbench.inspector import inspector
from ui.workbench.picked import STEP
from ui.workbench.tabs import pick_tab


def draw_page(desk: Desk) -> None:
    """The workbench.

    If answers locked by hand do not fit the case, nothing can be weighed, and only unlocking is offered.
    """
    saving.redrawn()
    selection_controls.begin()
    case = desk.case
    scored = cached.scored(case)
    try:
        findings = cached.findings(case, state.shown_settings(case))
    except CaseError as error:
        if not (choices := read_choices(case)):
            raise
        show_error(error)
        locked_classes(desk, case, choices)
        return
    bench = open_bench(desk, findings, scored.scores.n_classes)
    with bench.middle:
        _live_part(bench)
    with bench.right:
        inspector(bench)


@fragment(key=STEP)
def _live_part(bench: Bench) -> None:
    room = selection_controls.reserve()
    answer_line(bench.scored, bench.found, bench.desk.card.outcome if bench.desk.card else "")
    with st.container(border=True, key="tabs_box"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            tab = pick_tab(list(selection_tabs.TABS), "selection_tab")
            _export(bench)
        selection_tabs.TABS[tab](bench)
    selection_controls.draw(bench.desk, bench.case, bench.settings, room)


def _export(bench: Bench) -> None:
    case, scored, found, settings = bench.case, bench.scored, bench.found, bench.settings
    stability = cached.stability(case, settings, bench.target_class)
    drawn = {"Stability map": lambda: draw_map(scored, stability, settings)} if stability.winners else {}
    if found.selection.clusters:
        drawn["Clusters"] = lambda: draw_clusters(scored, found, settings)
    if found.selection.winner:
        drawn["Images before and after"] = lambda: draw_counts(scored, found)
    export(
        f"{bench.desk.case_id}-selection-class-{bench.target_class}",
        tables={
            "Clusters of this class": lambda: clusters_csv(scored, found.selection),
            "All classes": lambda: classes_csv(cached.findings(case, settings), cached.verdict(case, settings).outcome),
            "Stability map": lambda: map_csv(scored, stability),
        },
        figures=drawn,
    )
