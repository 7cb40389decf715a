"""The Selection page on the workbench: sliders, the answer, and what it rests on.

Everything in the middle follows a moving slider, for one class. Once a slider rests, the list of classes and the
inspector are drawn again, so that they agree.
"""

import math
from typing import Literal

import streamlit as st

from fdcore.case.conclusions import read_choices
from fdcore.errors import CaseError
from fdcore.method.findings import ClassFinding, Scored
from fdcore.method.grades import MEASURED, Word
from fdcore.method.naming import Name
from fdcore.method.selection import Cluster
from fdcore.verdict import reason_for
from ui import cached, state
from ui.exports import export
from ui.frame import Desk
from ui.selection import controls as selection_controls
from ui.selection import tabs as selection_tabs
from ui.selection.figures import draw_clusters, draw_counts, draw_map
from ui.selection.tables import classes_csv, clusters_csv, map_csv
from ui.sentences import fragment, show_error
from ui.text import inert, listed
from ui.workbench.bench import Bench, open_bench
from ui.workbench.deciding import locked_classes
from ui.workbench.inspector import inspector
from ui.workbench.picked import STEP
from ui.workbench.tabs import pick_tab

GRADE_MARKS: dict[Word, tuple[str, Literal["green", "blue", "orange"]]] = {
    "certain": (":material/verified:", "green"),
    "likely": (":material/thumb_up:", "blue"),
    "weak": (":material/help:", "orange"),
}
L_HELP = (
    "L, consistency: the share of views of these leaves that the suspect puts in the class, 0 to 1, measured on the "
    "half of the images that had no part in choosing the leaves (by the paper's rule, on all images). The interval "
    "contains the true L of these leaves in 95 of 100 such cases (docs/decisions/0003)."
)
SUPPORT_HELP = (
    "The grade rests on the support and on whether a leaf at least eta steps away reaches the lower bound of L. "
    "docs/error-rates.md says how it was measured."
)
NUMBERS_HELP = (
    "**S**: closeness of the leaves in the hierarchy, the mean of 1 / distance over pairs of images in different "
    "leaves; 0 for a single leaf.  \n**Objective**: alpha x apparent L + (1 - alpha) x S. The highest objective is the "
    "answer if its evidence suffices.  \n**Invariance**: of the images that the suspect itself puts in the class, the "
    "share of transformed views that stay there.  \n**Covers**: how many of the corpus's leaves under this "
    "name are in the answer.  \n**Medoid**: the most central leaf."
)


def draw_page(desk: Desk) -> None:
    """The workbench.

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
    answer_line(bench.scored, bench.found)
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
            "All classes": lambda: classes_csv(cached.findings(case, settings)),
            "Stability map": lambda: map_csv(scored, stability),
        },
        figures=drawn,
    )


def answer_line(scored: Scored, found: ClassFinding) -> None:
    """The answer: its name and leaves, L with its interval, the grade, and its weaknesses as badges."""
    winner, name, choice = found.selection.winner, found.name, found.selection.choice
    with st.container(border=True, key="winner", gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
            st.header(inert(name.label) if winner and name else "Not found", anchor=False, width="content")
            if winner:
                st.markdown(
                    f"**L {winner.functional:.2f}** ({winner.low:.2f} to {winner.high:.2f})", help=L_HELP,
                    width="content",
                )  # fmt: skip
        st.text(listed(scored.labels(winner.members), 12) if winner else _why_not(scored, found))
        if found.miss:
            st.markdown(f"Nearest: **{inert(found.miss.name.label)}**. {found.miss.why}")
        if winner and name:
            st.caption(_numbers(scored, winner, name, found.filtered.invariance), help=NUMBERS_HELP)
        _badges(found)
        if found.grade:
            st.caption(inert(found.grade.rests_on(scored.label)), help=SUPPORT_HELP)
        if choice:
            st.text(f"{f'{choice.by}, ' if choice.by else ''}{choice.time[:10]}: {choice.note}")


def _badges(found: ClassFinding) -> None:
    """The grade with its counted right answers, weaknesses, and whether a person decided."""
    if not (found.grade or found.weaknesses or found.selection.choice):
        return
    with st.container(horizontal=True, gap="small", key="answer_badges"):
        if found.grade:
            (icon, color), (n_right, n) = GRADE_MARKS[found.grade.word], MEASURED[found.grade.word]
            st.badge(f"{found.grade.word.capitalize()}: {n_right} of {n} such answers were right", icon=icon,
                     color=color, help=f"{found.grade.measured} (docs/error-rates.md).")  # fmt: skip
        for weakness in found.weaknesses:
            why = reason_for(weakness).why
            st.badge(weakness.capitalize(), icon=":material/warning:", color="orange", help=why)
        if found.selection.choice:
            st.badge("Locked by hand", icon=":material/lock:", color="violet")


def _why_not(scored: Scored, found: ClassFinding) -> str:
    if found.selection.choice:
        return "An analyst decided that the corpus holds no answer for this class."
    if found.miss:
        return f"Nearest leaves: {listed(scored.labels(found.miss.members), 12)}"
    return "The suspect puts no picture of the corpus in this class."


def _numbers(scored: Scored, winner: Cluster, name: Name, invariance: float) -> str:
    parts = [
        f"S {winner.semantic:.2f}",
        f"objective {winner.objective:.3f}",
        *([] if math.isnan(invariance) else [f"invariance {invariance:.0%}"]),
        f"covers {name.n_chosen} of {name.n_leaves}",
        f"medoid {inert(scored.label(winner.medoid))}",
    ]
    return " · ".join(parts)
