"""Writing the conclusions that are looked at into the case: at once where that is quick, as a job where it is not."""

from dataclasses import asdict

import streamlit as st

from fdcore.case.case import Case
from fdcore.errors import FdError
from fdcore.method.selection import SelectionSettings
from fdcore.work.conclude import analyse
from ui.frame import Desk
from ui.sentences import show_error

MAX_INLINE_CELLS = 100_000  # classes x leaves up to which the analyst waits for it


def save(desk: Desk, case: Case, settings: SelectionSettings) -> None:
    """Make tables and report of these settings, and draw the page again."""
    facts = case.facts()
    n_cells = (facts.corpus.n_leaves if facts.corpus else 0) * facts.n_classes
    try:
        if n_cells > MAX_INLINE_CELLS:
            params = {"settings": asdict(settings), "cache": str(desk.places.cache), "by": desk.by}
            desk.jobs.submit("analyse", desk.case_id, params, by=desk.by)
        else:
            with st.spinner("Writing tables and report"):
                analyse(case.folder, settings, cache=desk.places.cache, by=desk.by)
            st.toast("Saved: tables and report hold these settings now.", icon=":material/check:")
    except FdError as error:
        show_error(error)
        return
    st.rerun()
