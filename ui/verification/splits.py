"""Was the suspect trained on these very pictures? The training split of a data set beside its test split."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.case.gaps import read_gaps
from fdcore.case.spending import budget_left
from fdcore.errors import FdError
from fdcore.report.figures.splits import split_bars
from fdcore.verdict.gap import Gap, strongest_first
from fdcore.work.gap import MAX_PICTURES
from ui.folders import cannot_ask, choose_folder
from ui.frame import Desk, start_work
from ui.panels import show_figure, show_table
from ui.sentences import show_error
from ui.text import counted, inert, moment_in_words, shortened

_LOOK = {
    "seen": (st.success, ":material/done_all:"),
    "undecided": (st.info, ":material/help:"),
    "no sign": (st.info, ":material/remove:"),
}
_INTRO = (
    "A network is right more often about pictures that it was trained on. If you suspect a certain data set, choose "
    "its training and its test split: folders in the corpora folder with a sub-folder for each class, named alike in "
    "both. No claims and no class order are needed."
)
_LIMITS = (
    "The two splits must differ in nothing else: same sizes, same compression, drawn from the same source. A network "
    "that does not overfit shows no gap, so “no sign” does not exclude a data set."
)


def panel(desk: Desk, case: Case) -> None:
    """The comparisons so far, those with a gap first and then the last one, and the form for another."""
    with st.container(key="splits"):
        try:
            gaps = strongest_first(read_gaps(case))
        except FdError as error:
            show_error(error)
            gaps = ()
        if gaps:
            _show(gaps, desk.case_id)
        _form(desk, case)


def _show(gaps: Sequence[Gap], case_id: str) -> None:
    say, icon = _LOOK[gaps[0].outcome]
    say(inert(gaps[0].in_words), icon=icon)
    show_figure(split_bars(gaps[:4], revision=case_id), "split_bars", "Share of right answers on each split", "splits")
    if gaps[0].n_shared:
        st.caption(f"Left out, as both splits hold them: {counted(gaps[0].n_shared, 'picture')}.")
    if gaps[1:]:
        column = st.column_config
        rows = [
            {"Training split": shortened(gap.train.name), "Test split": shortened(gap.test.name), "Gap": gap.points,
             "p": gap.p_value, "Outcome": gap.outcome, "When": moment_in_words(gap.time), "By": gap.by}
            for gap in gaps
        ]  # fmt: skip
        show_table(pd.DataFrame(rows), "split_table", {
            "Gap": column.NumberColumn(format="%+.1f", width=60, help="Percentage points"),
            "p": column.NumberColumn(format="%.4f", width=60),
        }, most_px=240, alt="Every comparison of splits in this case")  # fmt: skip


def _form(desk: Desk, case: Case) -> None:
    st.caption(_INTRO)
    if reason := cannot_ask(desk.card):
        st.caption(reason)
        return
    left, right, last = st.columns([3, 3, 2], vertical_alignment="bottom")
    try:
        with left:
            train = choose_folder(desk, "Training split", "split_train")
        with right:
            test = choose_folder(desk, "Test split", "split_test")
    except FdError as error:
        show_error(error)
        return
    with last:
        most = st.number_input("Pictures of each", 100, 100_000, MAX_PICTURES, 500, key="split_most",
                               help="At most, drawn evenly from the folders. Each costs one query.")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Compare the splits", key="split_go", icon=":material/compare_arrows:", type="primary",
                     disabled=desk.busy or not (train and test and train != test)):  # fmt: skip
            start_work(desk, "gap", train=train, test=test, most=int(most), by=desk.by)
        left_over = budget_left(case)
        budget = "" if left_over is None else f" The budget leaves {left_over:,}."
        st.caption(f"At most {2 * int(most):,} queries; known answers cost none.{budget}")
    st.caption(_LIMITS)
