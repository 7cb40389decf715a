"""The views of one image, drawn on demand: torch is imported only then."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from fdcore.answers.views import Pictures, ViewSpec, make_views
from fdcore.case.case import Case
from fdcore.errors import CaseError, FdError
from fdcore.method.findings import Scored
from fdcore.work.intake import sample_pictures
from ui.pictures import as_tiles
from ui.sentences import show_error

N_PREVIEWED = 8


def draw_views(picture: Pictures, image_id: int, views: range, *, seed: int, spec: ViewSpec) -> Pictures:
    """Some views (len(views), H, W, C) of one picture (H, W, C)."""
    picture = np.array(picture)  # torch needs memory that it may write to
    ids = np.array([image_id], dtype=np.uint64)
    return np.stack([make_views(picture[None], ids, view=view, seed=seed, spec=spec)[0] for view in views])


def draw_sent_views(scored: Scored, pixels: Pictures | None, image: int, views: range) -> list[bytes]:
    """Some views of one image as PNG files, exactly as they were sent; a `CaseError` if the pictures are gone."""
    if pixels is None:
        raise CaseError("This case's decoded pictures are gone. Score it again to restore them.", key="pictures gone")
    drawn = draw_views(
        pixels[image], int(scored.image_ids[image]), views, seed=scored.header.seed, spec=scored.header.views
    )
    return as_tiles(drawn)


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
