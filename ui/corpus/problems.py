"""Remarks about files: how many for each reason, and which files."""

import pandas as pd
import streamlit as st

from ui.panels import page_of, show_table
from ui.sentences import fragment
from ui.survey_tables import reason_table
from ui.text import counted

PER_PAGE = 500
ALL = "All reasons"
_COLUMNS = {True: ("path", "reason", "detail", "used"), False: ("path", "detail", "used")}


def draw_problems(case_id: str, problems: pd.DataFrame, *, checked: bool) -> None:
    """Counts by reason, and the files in pages, filtered; `problems` is `survey_tables.problem_table`.

    `checked` says whether every file was read, not only those that were sampled.
    """
    with st.container(border=True, key="problems_box"):
        st.markdown("**Remarks about files**")
        if problems.empty:
            tried = "every file" if checked else "every file that was sampled"
            st.text(f"None: {tried} is an image that can be used unchanged.")
            return
        _listing(case_id, problems)


@fragment()
def _listing(case_id: str, problems: pd.DataFrame) -> None:
    column, reasons = st.column_config, reason_table(problems)
    n_used = int(problems["used"].sum())
    st.caption(f"{counted(len(problems), 'remark')}, {n_used:,} of them about images that are used nevertheless.")
    left, right = st.columns((2, 3))
    with left:
        show_table(reasons, "reasons", {
            "reason": column.TextColumn("Reason"),
            "files": column.ProgressColumn("Files", format="%d", min_value=0, width="small",
                                           max_value=int(reasons["files"].max())),
            "used": column.NumberColumn("Used", width="small", format="localized", help="Used after conversion"),
        })  # fmt: skip
    with right:
        reason = st.selectbox("Reason", [ALL, *reasons["reason"]], key=f"problem_reason_{case_id}")
        chosen = problems if reason == ALL else problems[problems["reason"] == reason]
        place = st.container()
        shown = page_of(len(chosen), PER_PAGE, f"problems_page_{case_id}_{reason}")
        with place:
            show_table(chosen.iloc[shown.start : shown.stop], "problems", {
                "path": column.TextColumn("File", width="medium"),
                "reason": column.TextColumn("Reason", width="small"),
                "detail": column.TextColumn("Detail", width="small"),
                "used": column.CheckboxColumn("Used", width="small"),
            }, most_px=360, column_order=_COLUMNS[reason == ALL])  # fmt: skip
