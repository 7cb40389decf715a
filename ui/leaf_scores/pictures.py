"""Every picture of the corpus of which at least one view was put in the class."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from fdcore.case.notes import read_notes
from fdcore.method.findings import Scored
from ui.workbench.bench import Bench
from ui.workbench.notes import marks_of_images
from ui.workbench.pictures import grid, images_of_class

ALL, FOUND, OTHER = "All leaves", "Found leaves", "Other leaves"


def all_pictures(bench: Bench) -> None:
    """Draw them, the most consistent first, with filters by leaf and tag."""
    scored, marks = bench.scored, marks_of_images(read_notes(bench.case), bench.scored)
    winner = bench.found.selection.winner
    images = images_of_class(scored, bench.target_class)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="picture_filters"):
        words = st.text_input(
            "Leaf", key="pictures_leaf", placeholder="Part of a leaf's name", width=170, label_visibility="collapsed"
        )
        where = st.segmented_control("Where", [ALL, FOUND, OTHER], default=ALL, required=True, key="pictures_where",
                                     label_visibility="collapsed") if winner else ALL  # fmt: skip
        tags = sorted({tag for text in marks.values() for tag in text.split(", ")})
        tag = (
            st.selectbox(
                "Tag",
                tags,
                index=None,
                key="pictures_tag",
                placeholder="Any tag",
                width=150,
                label_visibility="collapsed",
            )
            if tags
            else None
        )
    shown = images[kept(scored, images, words, winner.members if winner else (), where or ALL)]
    if tag:
        shown = np.array([n for n in shown if tag in marks.get(int(n), "").split(", ")], dtype=np.intp)
    of = f" of {len(images):,}" if len(shown) < len(images) else ""
    st.caption(f"{len(shown):,}{of} {'picture' if len(images) == 1 else 'pictures'} with at least one view in class "
               f"{bench.target_class}, the most consistent first. Below each: its views in the class.")  # fmt: skip
    grid(bench, shown, "all_pictures", marks=marks, caption=lambda one: f"{one.n_hits}/{one.n_views}")


def kept(
    scored: Scored, images: npt.NDArray[np.intp], words: str, found: tuple[int, ...], where: str
) -> npt.NDArray[np.bool_]:
    """Which of some images (n,) lie in leaves with every word in their name, and in or outside the `found` leaves."""
    leaves = scored.images.node_index[images]
    sought = words.casefold().split()
    named = [
        leaf for leaf in np.unique(leaves).tolist() if all(word in scored.label(leaf).casefold() for word in sought)
    ]
    inside = np.isin(leaves, found)
    chosen: npt.NDArray[np.bool_] = np.isin(leaves, named) & (inside | (where != FOUND)) & (~inside | (where != OTHER))
    return chosen
