"""Distances: how close a class's candidates are in the hierarchy."""

import streamlit as st

from ui import cached, frame, state
from ui.class_picker import found_names, pick_class
from ui.distances import panels as distance_panels

with frame.page("Distances") as desk:
    case = desk.case
    settings = state.shown_settings(case)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        everything = distance_panels.scope_picker() == distance_panels.ALL
        export_place = st.container(width="content", key="export_place")
    if everything:
        distance_panels.all_classes(desk, case, settings, export_place)
    else:
        target_class = pick_class(found_names(cached.findings(case, settings)))
        distance_panels.one_class(desk, case, settings, target_class, export_place)
