"""Files that are odd: how many for each reason, and which."""

import pandas as pd
import streamlit as st

from ui.sentences import fragment
from ui.survey_tables import reason_table
from ui.text import counted

PER_PAGE = 500
ALL = "All reasons"
_COLUMNS = {True: ("path", "reason", "detail", "used"), False: ("path", "detail", "used")}


def draw_problems(case_id: str, problems: pd.DataFrame) -> None:
    """Counts by reason and the files, filtered and a page at a time.

    Args:
        case_id: keeps the filter of one case from another's.
        problems: see `survey_tables.problem_table`.
    """
    with st.container(border=True, key="problems_box"):
        st.markdown("**Remarks about files**")
        if problems.empty:
            st.text("None: every file is an image that can be used as it is.")
            return
        _listing(case_id, problems)


@fragment()
def _listing(case_id: str, problems: pd.DataFrame) -> None:
    reasons = reason_table(problems)
    n_used = int(problems["used"].sum())
    st.caption(f"{counted(len(problems), 'remark')}; {n_used:,} of them about images that are used all the same.")
    left, right = st.columns((2, 3))
    with left:
        st.dataframe(
            reasons, hide_index=True, placeholder="", key="reasons", height=min(38 + 35 * len(reasons), 420),
            column_config={
                "reason": st.column_config.TextColumn("Reason"),
                "files": st.column_config.ProgressColumn("Files", format="%d", min_value=0, width="small",
                                                         max_value=int(reasons["files"].max())),
                "used": st.column_config.NumberColumn("Used", width="small", format="localized",
                                                     help="Used all the same, converted"),
            },
        )  # fmt: skip
    with right:
        reason = st.selectbox("Reason", [ALL, *reasons["reason"]], key=f"problem_reason_{case_id}")
        chosen = problems if reason == ALL else problems[problems["reason"] == reason]
        n_pages = -(-len(chosen) // PER_PAGE)
        place = st.container()
        page = st.pagination(n_pages, key=f"problems_page_{case_id}_{reason}") if n_pages > 1 else 1
        place.dataframe(
            chosen.iloc[(page - 1) * PER_PAGE : page * PER_PAGE], hide_index=True, key="problems",
            height=min(38 + 35 * len(chosen), 360), column_order=_COLUMNS[reason == ALL],
            column_config={
                "path": st.column_config.TextColumn("File", width="medium"),
                "reason": st.column_config.TextColumn("Reason", width="small"),
                "detail": st.column_config.TextColumn("Detail", width="small"),
                "used": st.column_config.CheckboxColumn("Used", width="small"),
            },
        )  # fmt: skip
