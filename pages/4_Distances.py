"""Distances: how near a class's candidates lie to each other in the hierarchy."""

import streamlit as st

from fdcore.analysis import selection_settings
from ui import cached, frame, state
from ui.class_picker import class_picker
from ui.distances import panels as distance_panels
from ui.text import inert

with frame.page("Distances") as desk:
    case = desk.case
    linked = state.linked_settings(selection_settings(case))
    if linked.ignored:
        st.warning(
            f"The link's {inert(', '.join(linked.ignored))} makes no sense and is ignored.", icon=":material/link_off:"
        )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        everything = distance_panels.scope_picker() == distance_panels.ALL
        export_place = st.container(width="content", key="export_place")
    if everything:
        distance_panels.all_classes(desk, case, linked.settings, export_place)
    else:
        target_class = class_picker(desk, cached.findings(case, linked.settings))
        distance_panels.one_class(desk, case, linked.settings, target_class, export_place)
