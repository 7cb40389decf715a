"""All classes at once: the model's overall scores, and a table whose rows lead to their class."""

import pandas as pd
import streamlit as st

from fdcore.method.findings import Findings
from fdcore.method.grades import GRADES_IN_WORDS
from ui import state
from ui.panels import share_column, show_numbers, show_table
from ui.selection.parts import L_HELP, OBJECTIVE_HELP, S_HELP
from ui.selection.tables import CAVEATS, GRADE, SHOWN, class_rows


def class_table(findings: Findings) -> None:
    """The metrics, the filter and the table."""
    rows = class_rows(findings)
    _metrics(findings, {name: int(keep(rows).sum()) for name, keep in SHOWN.items()})
    with st.container(border=True, key="all_classes"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**All classes**")
            shown = st.segmented_control("Show", list(SHOWN), default="All", required=True, key="classes_shown",
                                         label_visibility="collapsed")  # fmt: skip
        shown = shown or "All"
        kept = rows[SHOWN[shown](rows)]
        if kept.empty:
            st.text(f"No class matches “{shown}”.")
            return
        _table(kept.reset_index(drop=True), f"classes_{shown}", kept["Class"].tolist())
        st.caption("Select a row to go to its class. An empty score means that nothing was found.")


def _metrics(findings: Findings, counts: dict[str, int]) -> None:
    total, graded = findings.overall, any(found.grade for found in findings.classes)
    show_numbers(
        "class_numbers",
        ("Classes found", f"{total.n_found:,} of {total.n_classes:,}"),
        ("Overall L", f"{total.functional:,.2f}", f"Sum over all classes. {L_HELP}"),
        ("Overall S", f"{total.semantic:,.2f}", f"Sum over all classes. {S_HELP}"),
        ("Weak", f"{counts['Weak']:,}" if graded else "no grades", GRADES_IN_WORDS),
        ("With caveats", f"{counts[CAVEATS]:,}", "Classes whose answer has a weakness."),
        ("Locked by hand", f"{counts['Locked']:,}"),
    )


def _table(rows: pd.DataFrame, key: str, classes: list[int]) -> None:
    def chosen() -> None:
        picked = st.session_state[key].selection.rows
        if picked:
            state.write(**{state.CLASS: classes[picked[0]]})
        st.rerun()

    show_table(rows, key, {
        "Class": st.column_config.NumberColumn(width=45, format="%d"),
        "Found": st.column_config.TextColumn(width=120),
        GRADE: st.column_config.TextColumn(help=GRADES_IN_WORDS, width=60),
        "L": share_column(L_HELP, width=80),
        "S": share_column(S_HELP, width=80),
        "Objective": share_column(OBJECTIVE_HELP, width=80),
        "Images": st.column_config.NumberColumn(help="Images kept after filtering", width=60),
        CAVEATS: st.column_config.TextColumn(width=140),
        "Locked": st.column_config.TextColumn(width=55),
    }, on_select=chosen, selection_mode="single-row", alt="What was found for every class")  # fmt: skip
