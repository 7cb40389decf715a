"""Saving the conclusions shown in the case: at once if that is quick, else as a job.

Who saves what another saved meanwhile is told first, and must confirm.
"""

from dataclasses import asdict

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.case.saved_views import Concluded, read_history
from fdcore.method.selection import SelectionSettings
from fdcore.work.conclude import analyse
from ui import state
from ui.frame import Desk, start_work
from ui.sentences import attempt
from ui.state import settings_in_words
from ui.text import counted, moment_in_words

MAX_INLINE_CELLS = 100_000  # classes x leaves up to which the page waits
_WANTED, _SAVED = "save_wanted", "save_done"


def want(case_id: str) -> None:
    """Remember a click on Save until it is carried out or withdrawn, for callbacks: a slider that comes to rest may
    interrupt the run that the click starts."""
    st.session_state[_WANTED] = case_id


def wanted(case_id: str) -> bool:
    """Whether a click on Save in this case is not carried out yet."""
    return bool(st.session_state.get(_WANTED) == case_id)


def pending(case_id: str) -> bool:
    """Whether a click on Save is not carried out yet, or was and the page does not show it yet."""
    return wanted(case_id) or st.session_state.get(_SAVED) == case_id


def show_saved(case_id: str) -> None:
    """Redraw the whole page after a save, until it was: a slider that comes to rest may take this run's place."""
    if st.session_state.get(_SAVED) == case_id:
        st.rerun()


def redrawn() -> None:
    """The whole page is being drawn, with what was saved."""
    st.session_state.pop(_SAVED, None)


def _settled() -> None:
    st.session_state.pop(_WANTED, None)


def save(desk: Desk, case: Case, settings: SelectionSettings) -> None:
    """Write tables and report with these settings, and redraw the page; ask first if another's would be replaced."""
    there = selection_settings(case)
    if there == state.seen_conclusions(case):
        _write(desk, case, settings, there)
    else:
        _ask(desk, case, settings, there)


@st.dialog("Replace the conclusions?", icon=":material/group:", on_dismiss=_settled)
def _ask(desk: Desk, case: Case, settings: SelectionSettings, there: SelectionSettings) -> None:
    st.text(would_replace(next(iter(read_history(case)), None), there))
    st.text(f"Yours: {settings_in_words(settings)}.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep theirs", key="keep_theirs"):
            _settled()
            state.note_conclusions(case, there)
            state.forget_settings()
            st.rerun()
        if st.button("Replace them", type="primary", key="replace_theirs"):
            _write(desk, case, settings, there)


def would_replace(last: Concluded | None, there: SelectionSettings) -> str:
    """Whose conclusions would be replaced, from when they are and what they say. Not inert."""
    who = (last.by if last else "") or "Somebody else"
    when = f" {moment_in_words(last.time)}" if last else ""
    found = f", {counted(last.n_found, 'class', 'classes')} found" if last else ""
    return f"{who} saved other conclusions{when}: {settings_in_words(there)}{found}."


def _write(desk: Desk, case: Case, settings: SelectionSettings, there: SelectionSettings) -> None:
    """Until all is done the click stays wanted: drawing a spinner is where another run may interrupt this one."""
    facts = case.facts()
    n_cells = (facts.corpus.n_leaves if facts.corpus else 0) * facts.n_classes
    if n_cells > MAX_INLINE_CELLS:
        _settled()
        state.note_conclusions(case, settings)
        start_work(desk, "analyse", settings=asdict(settings), replacing=asdict(there), by=desk.by)
        return

    def write() -> None:
        analyse(case.folder, settings, cache=desk.places.cache, by=desk.by, replacing=there)
        state.note_conclusions(case, settings)
        st.session_state[_SAVED] = desk.case_id
        _settled()

    if attempt(write, spinner="Writing tables and report"):
        st.toast("Saved. The tables and the report now use these settings.", icon=":material/check:")
        show_saved(desk.case_id)
    _settled()
