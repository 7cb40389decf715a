"""Selection: which set of leaves explains each class best, and how firm that is."""

import streamlit as st

from fdcore.analysis import selection_settings
from ui import cached, frame, state
from ui.class_picker import class_picker
from ui.selection.page import draw
from ui.text import inert

with frame.page("Selection") as desk:
    case = desk.case
    linked = state.linked_settings(selection_settings(case))
    if linked.ignored:
        st.warning(
            f"The link's {inert(', '.join(linked.ignored))} makes no sense and is ignored.", icon=":material/link_off:"
        )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        with st.container(width="stretch"):
            target_class = class_picker(desk, cached.findings(case, linked.settings))
        top_right = st.container(width="content", key="export_place")
    draw(desk, case, target_class, top_right)
