"""Saving the conclusions shown in the case: at once if that is quick, else as a job."""

from dataclasses import asdict

import streamlit as st

from fdcore.case.case import Case
from fdcore.method.selection import SelectionSettings
from fdcore.work.conclude import analyse
from ui.frame import Desk, start_work
from ui.sentences import attempt

MAX_INLINE_CELLS = 100_000  # classes x leaves up to which the page waits


def save(desk: Desk, case: Case, settings: SelectionSettings) -> None:
    """Write tables and report with these settings, and redraw the page."""
    facts = case.facts()
    n_cells = (facts.corpus.n_leaves if facts.corpus else 0) * facts.n_classes
    if n_cells > MAX_INLINE_CELLS:
        start_work(desk, "analyse", settings=asdict(settings), by=desk.by)
        return

    def write() -> None:
        analyse(case.folder, settings, cache=desk.places.cache, by=desk.by)

    if attempt(write, spinner="Writing tables and report"):
        st.toast("Saved. The tables and the report now use these settings.", icon=":material/check:")
        st.rerun()
