"""A preview of the views that the form describes."""

from collections.abc import Callable

import streamlit as st

from fdcore.answers.views import ViewSpec
from fdcore.case.case import Case
from fdcore.errors import FdError
from fdcore.work.intake import sample_pictures
from ui.pictures import as_tiles
from ui.sentences import show_error
from ui.workbench.views import draw_views

N_PREVIEWED = 8


def preview(case: Case, spec: Callable[[], ViewSpec], seed: str) -> None:
    """Eight views of a picture of the test query, with the strengths in the form."""
    if not st.button("Preview", icon=":material/visibility:", key="preview_views"):
        return
    try:
        picture = sample_pictures(case, [0])[0]
        if picture is None:
            st.caption("There is no picture for a preview. Check the suspect on the Suspect page first.")
            return
        number = int(seed) if seed.isdecimal() and len(seed) < 19 else 0
        with st.spinner("Drawing views"):
            drawn = draw_views(picture, 0, range(N_PREVIEWED), seed=number, spec=spec())
    except FdError as error:
        show_error(error)
        return
    st.image(
        as_tiles(drawn),
        caption=["The image", *(f"View {view}" for view in range(1, N_PREVIEWED))],
        alt=[f"View {view} of a sample picture" for view in range(N_PREVIEWED)],
    )
