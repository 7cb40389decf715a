"""Selection: which set of leaves explains each class best, and how firm that is."""

import streamlit as st

from fdcore.analysis import selection_settings
from ui import cached, frame, state
from ui.class_picker import class_picker
from ui.selection.page import draw

with frame.page("Selection") as desk:
    case = desk.case
    settings = state.linked_settings(selection_settings(case)).settings
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        with st.container(width="stretch"):
            target_class = class_picker(desk, cached.findings(case, settings))
        top_right = st.container(width="content", key="export_place")
    draw(desk, case, target_class, top_right)
