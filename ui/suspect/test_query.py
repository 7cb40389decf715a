"""The test query: a few pictures, the class that the suspect put each in, and whether that looks right."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fdcore.case.intake import TestQuery, read_test_query
from fdcore.case.plan import SuspectOptions
from fdcore.report.figures.scores import answer_bars
from fdcore.suspect.preprocess import PRESETS
from fdcore.tables import to_csv
from fdcore.work.intake import sample_pictures
from ui.frame import Desk
from ui.panels import page_of, show_figure
from ui.suspect import uploads
from ui.suspect.options import preset_meaning
from ui.suspect.source import check
from ui.text import counted, inert, shortened

if TYPE_CHECKING:
    import plotly.graph_objects as go

PER_PAGE = 30
MAX_SAMPLES = 60
PICTURE_PX = 84
_FILES = ("png", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff")


def draw(desk: Desk, *, locked: bool) -> None:
    """The pictures with their answers, and a new query; `locked` fixes the preprocessing.

    Raises:
        CaseError: the record of the test query is damaged.
    """
    query, kind = read_test_query(desk.case), desk.case.facts().kind
    with st.container(border=True, key="test_query"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**Test query: answers to a few {kind}s**", width="content")
            _query_again(desk)
        if query is None:
            st.text(f"The suspect has not been queried with sample {kind}s yet.")
            return
        speed = f", {query.pictures_per_s:,.0f} {kind}s per second" if query.pictures_per_s else ""
        st.caption(
            f"{counted(len(query.names), kind)}, {counted(query.n_sent, 'query', 'queries')}{speed}. "
            "Classes are only numbers here; the investigation finds out what they mean."
        )
        if len(query.labels) > 1 and len(set(query.labels)) == 1:
            _one_class(desk, query, locked=locked)
        left, right = st.columns((3, 2))
        with left:
            _gallery(desk, query)
        with right:
            _bars(desk, query)


def _gallery(desk: Desk, query: TestQuery) -> None:
    above = st.container()
    shown = page_of(len(query.names), PER_PAGE, "samples_page")
    pictures = sample_pictures(desk.case, shown)
    with above, st.grid("auto", min_column_width=PICTURE_PX + 12, key="samples"):
        for i, picture in zip(shown, pictures, strict=True):
            with st.container(gap=None):
                if picture is None:
                    st.caption("Missing or not a picture.")
                else:
                    st.image(picture, width=PICTURE_PX, alt=shortened(query.names[i]))
                st.caption(f"{inert(shortened(query.names[i], 24))} → **{query.labels[i]}**")


def _bars(desk: Desk, query: TestQuery) -> None:
    n_classes = desk.case.facts().n_classes
    show_figure(answers_figure(query, n_classes), "answer_bars", "How many pictures were put in each class",
                "test-query")  # fmt: skip
    st.caption(f"Pictures in each class; the answers name {len(set(query.labels))} of {n_classes:,} classes.")


def answers_figure(query: TestQuery, n_classes: int) -> "go.Figure":
    """The number of pictures in each class."""
    counts = np.bincount([label for label in query.labels if 0 <= label < n_classes], minlength=n_classes)
    return answer_bars([f"Class {number}" for number in range(n_classes)], counts=counts)


def answers_csv(query: TestQuery) -> bytes:
    """Each picture with its class."""
    rows = zip(query.names, query.labels, strict=True)
    return to_csv(["picture", "class"], ({"picture": name, "class": label} for name, label in rows))


def _one_class(desk: Desk, query: TestQuery, *, locked: bool) -> None:
    if desk.case.facts().kind == "text":
        st.warning(f"All texts were put in class {query.labels[0]}. They may be unlike those it was trained on.",
                   icon=":material/warning:")  # fmt: skip
        return
    st.warning(
        f"All pictures were put in class {query.labels[0]}. This suggests a wrong normalisation, or pictures that "
        "are unlike those it was trained on.",
        icon=":material/warning:",
    )
    if locked:
        return
    options = desk.case.plan().suspect
    st.caption("Query the same pictures with another normalisation")
    with st.container(horizontal=True, key="try_presets"):
        for name in PRESETS:
            if name != options.preset and st.button(name, key=f"try_{name}", help=inert(preset_meaning(name))):
                check(desk, with_only_preset(options, name), None)


def with_only_preset(options: SuspectOptions, name: str) -> SuspectOptions:
    """The same options with a named normalisation in place of typed numbers."""
    numbers = ("mean", "std", "value_range")
    kept = {key: value for key, value in options.spec_overrides.items() if key not in numbers}
    return replace(options, preset=name, spec_overrides=kept)


def _query_again(desk: Desk) -> None:
    kind = desk.case.facts().kind
    with st.popover(f"Query other {kind}s", icon=":material/add_photo_alternate:", key="ask_again",
                    disabled=desk.busy):  # fmt: skip
        options = desk.case.plan().suspect
        files = st.file_uploader(
            f"{kind.title()}s, at most {MAX_SAMPLES}",
            type="txt" if kind == "text" else _FILES,
            accept_multiple_files=True,
            key="sample_files",
        )
        if len(files) > MAX_SAMPLES:
            st.caption(f"Only the first {MAX_SAMPLES} of {len(files):,} pictures are sent to the suspect.")
        if st.button("Query these", type="primary", key="ask_files", disabled=not files):
            paths = [uploads.spool(desk.places.cases, file.name, file) for file in files[:MAX_SAMPLES]]
            check(desk, options, None, tuple(map(str, paths)))
        built_in = "texts" if kind == "text" else "drawings"
        if st.button(f"Query the built-in {built_in}", key="ask_drawings"):
            check(desk, options, None)
