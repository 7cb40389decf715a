"""The map of the words: drawn by a job, saved in the case, shown here (paper Figure 3)."""

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.errors import CaseError
from fdcore.method.findings import Findings
from fdcore.words.claims import Claims
from fdcore.words.maps import Method
from fdcore.words.points import MAX_POINTS
from ui import cached
from ui.class_names import class_name, found_names
from ui.frame import Desk
from ui.panels import show_figure
from ui.sentences import show_error
from ui.state import settings_in_words
from ui.text import inert, listed, shortened
from ui.verification import vectors as word_vectors
from ui.verification.figures import draw_map
from ui.verification.stored import METHODS, StoredMap, differences, read_stored
from ui.verification.tables import MAX_UNKNOWN
from ui.verification.vectors import Opened

NAMES: dict[Method, str] = {"tsne": "t-SNE", "umap": "UMAP"}
_ALL = -1  # in the choice of the class


def panel(desk: Desk, case: Case, findings: Findings, claims: Claims, opened: Opened) -> StoredMap | None:
    """The maps in the case, whether they are up to date, and the button that draws them; returns them."""
    with st.container(border=True, key="word_map_panel"):
        stored, damaged = _stored(case)
        stale = differences(stored, findings, claims, opened.vectors, findings.settings) if stored else []
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**Map of the words**", width="content")
            _draw_button(desk, opened, stored, fresh=bool(stored) and not stale)
        if damaged:
            show_error(damaged)
        if stale:
            _say_stale(case, findings, stale)
        if stored:
            _map(desk, case, findings, stored)
        elif not damaged:
            st.text(
                "A map places claimed and found words with similar meanings close together. Drawing the maps takes "
                "up to a minute, slightly longer the first time. They are saved in the case."
            )
    return stored


def _stored(case: Case) -> tuple[StoredMap | None, CaseError | None]:
    try:
        return read_stored(case), None
    except CaseError as error:
        return None, error


def _draw_button(desk: Desk, opened: Opened, stored: StoredMap | None, *, fresh: bool) -> None:
    if st.button(
        "Draw them again" if stored else "Compare and draw the maps", key="draw_maps", icon=":material/scatter_plot:",
        type="tertiary" if fresh else "primary", disabled=desk.busy,
        help="Writes the comparison, the maps and the report to the case.",
    ):  # fmt: skip
        word_vectors.submit(desk, "words", opened.source)


def _say_stale(case: Case, findings: Findings, stale: list[str]) -> None:
    saved = selection_settings(case)
    unsaved = (
        f" Maps show the saved conclusions ({settings_in_words(saved)}). Save yours on the Selection page."
        if saved != findings.settings
        else ""
    )
    st.warning(f"The maps show {inert('; '.join(stale))}.{unsaved}", icon=":material/update:")


def _map(desk: Desk, case: Case, findings: Findings, stored: StoredMap) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.segmented_control(
            "Method", METHODS, default=METHODS[0], required=True, key="map_method", format_func=lambda one: NAMES[one],
            width="content",
        )  # fmt: skip
        target = _class_choice(findings, stored)
    method = method or METHODS[0]
    chosen = () if target == _ALL else (target,)
    what = f"word map {method} {chosen}"
    show_figure(cached.made(case, what, lambda: draw_map(stored, method, chosen, desk.case_id)), "word_map",
                "Claimed, found and other words, close together if similar", f"words-{method}")  # fmt: skip
    note = stored.notes[method]
    st.caption(
        (f"{inert(note)} " if note else "")
        + "Words that are close together have similar meanings; large distances mean little. "
        + f"Vectors: {inert(shortened(stored.vectors_name, 60))}."
    )
    if stored.unknown:
        st.text(f"Not on the map, because they have no vector: {listed(stored.unknown, MAX_UNKNOWN)}")
    if len(stored.points) + len(stored.unknown) >= MAX_POINTS:
        st.text(f"A map holds at most {MAX_POINTS:,} words, claims and findings first. The others are left out.")


def _class_choice(findings: Findings, stored: StoredMap) -> int:
    drawn = sorted({point.target_class for point in stored.points if point.target_class is not None})
    names = found_names(findings)

    def called(target: int) -> str:
        if target == _ALL:
            return "All classes"
        return class_name(target, names[target] if target < len(names) else None, 40)

    return st.selectbox("Colour", [_ALL, *drawn], key=f"map_class_{len(drawn)}", format_func=called, width=320,
                        filter_mode="contains")  # fmt: skip
