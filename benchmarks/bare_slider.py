"""A page with a live slider and nothing else: the yardstick for dashboard.py."""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ui.live_slider import live_slider


@st.fragment
def draw() -> None:
    """The slider and its value."""
    place = st.container()
    st.text(f"{st.session_state.get('chosen', 0.0):g}")
    with place:
        live_slider(
            "Eta", key="eta", value=st.session_state.get("chosen", 0.0), low=0.0, high=20.0, step=0.5,
            on_move=lambda value: st.session_state.update(chosen=value),
        )  # fmt: skip


st.title("A slider")
draw()
