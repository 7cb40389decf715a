"""Writing the conclusions that are looked at into the case: at once where that is quick, as a job where it is not."""

from dataclasses import asdict

import streamlit as st

from fdcore.case.case import Case
from fdcore.method.selection import SelectionSettings
from fdcore.work.conclude import analyse
from ui.frame import Desk, start_work
from ui.sentences import attempt

MAX_INLINE_CELLS = 100_000  # classes x leaves up to which the analyst waits for it


def save(desk: Desk, case: Case, settings: SelectionSettings) -> None:
    """Make tables and report of these settings, and draw the page again."""
    facts = case.facts()
    n_cells = (facts.corpus.n_leaves if facts.corpus else 0) * facts.n_classes
    if n_cells > MAX_INLINE_CELLS:
        start_work(desk, "analyse", settings=asdict(settings), by=desk.by)
        return

    def write() -> None:
        analyse(case.folder, settings, cache=desk.places.cache, by=desk.by)

    if attempt(write, spinner="Writing tables and report"):
        st.toast("Saved: tables and report hold these settings now.", icon=":material/check:")
        st.rerun()
