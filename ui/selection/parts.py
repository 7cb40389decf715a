"""The panels of the Selection page that follow the sliders: the answer, its weaknesses, the clusters, the map."""

import math
from typing import Literal

import streamlit as st

from fdcore.case.case import Case
from fdcore.method.findings import ClassFinding, Scored
from fdcore.method.grades import Grade, Word
from fdcore.method.removal import Rest, look_again
from fdcore.method.selection import SelectionSettings
from fdcore.method.stability import StabilityMap
from fdcore.verdict import reason_for
from ui.panels import share_column, show_table
from ui.selection.figures import bars_to_follow, map_to_follow
from ui.selection.live_figure import live_bars, live_map
from ui.selection.tables import cluster_rows, map_in_words
from ui.text import inert, listed, shortened

GRADE_MARKS: dict[Word, tuple[str, Literal["green", "blue", "orange"]]] = {
    "certain": (":material/verified:", "green"),
    "likely": (":material/thumb_up:", "blue"),
    "weak": (":material/help:", "orange"),
}
_CLUSTERS_PX = 282  # eight rows

L_HELP = (
    "Consistency: the share of views of these leaves that the suspect puts in the class, 0 to 1, measured on the half "
    "of the images that had no part in choosing the leaves (by the paper's rule, on all images)."
)
SUPPORT_HELP = (
    "The grade rests on the support, which is the lower bound of L times the part of the class's answers that these "
    "leaves hold, and on whether an unrelated leaf scores as high. docs/error-rates.md says how it was measured."
)
INTERVAL_HELP = "Contains the true L of these leaves in 95 of 100 such cases (docs/decisions/0003)."
INVARIANCE_HELP = (
    "Of the images that the suspect itself puts in the class, the share of transformed views that stay there. Training "
    "data answers the same when it is turned or shifted a little."
)
APPARENT_HELP = "The same on the other half, which chose the leaves: on average too high. The objective rests on it."
S_HELP = (
    "Closeness of the leaves in the hierarchy: the mean of 1 / distance over pairs of images in different leaves. "
    "0 for a single leaf."
)
OBJECTIVE_HELP = "alpha x apparent L + (1 - alpha) x S. The highest objective is the answer if its evidence suffices."


def answer_panel(scored: Scored, found: ClassFinding, settings: SelectionSettings) -> None:
    """The winner, its numbers, what remains without it, and its weaknesses."""
    with st.container(border=True, key="winner", height="stretch"):
        _headline(scored, found)
        if rest := look_again(scored, found.selection, settings):
            st.markdown(_rest_in_words(rest))
        choice = found.selection.choice
        if choice:
            st.badge("Locked by hand", icon=":material/lock:", color="violet")
            st.text(f"{f'{choice.by}, ' if choice.by else ''}{choice.time[:10]}: {choice.note}")
        if text := _doubts(found):
            st.warning(text, icon=":material/warning:")


def _rest_in_words(rest: Rest) -> str:
    if rest.winner is None or rest.name is None:
        return f":green[:material/check:] {rest.in_words}"
    label = inert(shortened(rest.name.label, 60))
    return f":orange[:material/warning:] {rest.in_words.rstrip('.')}: **{label}**."


def _headline(scored: Scored, found: ClassFinding) -> None:
    winner, name = found.selection.winner, found.name
    if winner is None or name is None:
        st.header("Not found", anchor=False)
        if found.selection.choice:
            st.text("An analyst decided that the corpus holds no answer for this class.")
        elif miss := found.miss:
            st.markdown(f"Nearest: **{inert(miss.name.label)}**. {miss.why}")
            st.text(listed(scored.labels(miss.members), 40))
        else:
            st.text("The suspect puts no picture of the corpus in this class.")
        return
    st.header(inert(name.label), anchor=False)
    if found.grade:
        _show_grade(found.grade)
    st.text(listed(scored.labels(winner.members), 40))
    with st.container(horizontal=True, gap="small"):
        st.metric("L", f"{winner.functional:.2f}", help=L_HELP, width="content")
        st.metric("95 % interval", f"{winner.low:.2f} to {winner.high:.2f}", help=INTERVAL_HELP, width="content")
        st.metric("S", f"{winner.semantic:.2f}", help=S_HELP, width="content")
        st.metric("Objective", f"{winner.objective:.3f}", help=OBJECTIVE_HELP, width="content")
        if not math.isnan(found.filtered.invariance):
            st.metric("Invariance", f"{found.filtered.invariance:.0%}", help=INVARIANCE_HELP, width="content")
        st.metric("Covers", f"{name.n_chosen} of {name.n_leaves}", width="content",
                  help="How many of the corpus's leaves under this name are in the answer.")  # fmt: skip
    st.caption(f"Medoid, the most central leaf: {inert(scored.label(winner.medoid))}")


def _show_grade(grade: Grade) -> None:
    """The grade as a coloured word, and how often such answers were right."""
    icon, color = GRADE_MARKS[grade.word]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(grade.word.capitalize(), icon=icon, color=color, help=SUPPORT_HELP)
        st.caption(grade.measured, width="content")


def _doubts(found: ClassFinding) -> str:
    """The weaknesses as Markdown, a line each."""
    return "  \n".join(f"**{weakness.capitalize()}.** {reason_for(weakness).why}" for weakness in found.weaknesses)


def clusters_panel(scored: Scored, found: ClassFinding, settings: SelectionSettings) -> None:
    """All clusters as bars and as a table."""
    with st.container(border=True, key="clusters_panel"):
        st.markdown("**Clusters**")
        if not found.selection.clusters:
            st.text("No leaf is a candidate, so there is nothing to group.")
            return
        left, right = st.columns([2, 3], gap="medium")
        with right:
            _clusters_table(scored, found)
        with left:
            live_bars(bars_to_follow(scored, found, settings), key="cluster_bars")


def _clusters_table(scored: Scored, found: ClassFinding) -> None:
    rows = cluster_rows(scored, found.selection)
    show_table(rows, "clusters", {
        "Answer": st.column_config.TextColumn(width="small"),
        "Medoid": st.column_config.TextColumn(help="The leaf closest to all others in its cluster"),
        "n": st.column_config.NumberColumn(help="Leaves in the cluster", width="small"),
        "L": share_column(L_HELP),
        "Apparent L": share_column(APPARENT_HELP),
        "S": share_column(S_HELP),
        "Objective": share_column(OBJECTIVE_HELP, format="%.3f"),
    }, most_px=_CLUSTERS_PX, alt="The clusters of leaves, the best first")  # fmt: skip
    st.caption("Each row is a cluster of close leaves. The first has the highest objective of those that may win: they "
               "score enough beside the class's best leaf.")  # fmt: skip


def map_panel(
    case: Case, scored: Scored, found: ClassFinding, settings: SelectionSettings, stability: StabilityMap
) -> None:
    """The winning cluster at each eta and alpha, with the current point."""
    with st.container(border=True, key="stability", height="stretch"):
        st.markdown("**Does the answer change with eta and alpha?**")
        if stability.winners:
            live_map(map_to_follow(case, scored, stability, settings), key="stability_map")
        locked = "The answer is locked by hand; the map shows what the method alone finds. "
        st.caption((locked if found.selection.choice else "") + map_in_words(scored, found, stability, settings))
