"""The tabs in the middle of the workbench; the open one is in the URL, and only that one is drawn."""

from collections.abc import Sequence

import streamlit as st

from ui import state

TAB = "tab"


def pick_tab(tabs: Sequence[str], key: str) -> str:
    """Draw the choice and return the tab that is open: that of the URL, or the first."""
    linked = st.query_params.get(TAB)
    state.seed_widget(key, TAB, linked if linked in tabs else tabs[0])

    def chosen() -> None:
        state.write(**{TAB: st.session_state[key]})

    picked = st.segmented_control(
        "What to look at", list(tabs), key=key, required=True, on_change=chosen, label_visibility="collapsed"
    )
    return picked or tabs[0]
