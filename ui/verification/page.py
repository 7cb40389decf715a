"""The parts of the Verification page: one sentence, four numbers, and a tab for each kind of evidence."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fdcore.case.case import Case
from fdcore.case.claims import read_claims
from fdcore.errors import CaseError
from fdcore.method.findings import Findings
from fdcore.words.claims import Claims
from fdcore.words.comparison import Comparison
from fdcore.words.conclusion import why_little
from fdcore.words.similarity import similarity_to_csv
from fdcore.words.words import words_of, words_to_csv
from fdcore.work.compare_words import agreements_to_csv
from ui import cached, frame, state
from ui.exports import export
from ui.frame import Desk
from ui.sentences import show_error
from ui.verification import claims as claims_editor
from ui.verification import figures, label_sets, maps, similarity, splits, vectors
from ui.verification import words as finding_words
from ui.verification.stored import METHODS, StoredMap
from ui.verification.tables import conclusion
from ui.verification.vectors import Opened

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SETS, _CLAIMS, _MAP = "Known label sets", "Claims", "Map of the words"
_WORDS, _VECTORS, _SPLITS = "Words of the answers", "Word vectors", "Training split"


def draw_page(desk: Desk) -> None:
    """Draw everything about the words of the case."""
    case = desk.case
    settings = state.shown_settings(case)
    findings = cached.findings(case, settings)
    claims = _claims(case, len(findings.classes))
    claims_editor.close_if_saved()
    if not findings.overall.n_found:
        frame.empty(
            "No class is found with these settings, so there are no words to compare.",
            "Change the settings in Selection",
            "Selection",
        )
        claims_editor.panel(desk, case, findings, (), claims)
        return
    opened = vectors.open_chosen(desk, case)
    found = cached.comparison(case, settings, claims, opened.vectors)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="stretch"):
            _headline(case, findings, found, opened)
        top_right = st.container(width="content")
    similarity.metrics(findings, found)
    tabs = _tabs(found, claims)
    with tabs[_SETS]:
        label_sets.panel(desk, case, findings, found.agreements, opened.vectors)
    with tabs[_CLAIMS]:
        claims_editor.panel(desk, case, findings, found.agreements, claims)
        similarity.panel(findings, found.rows)
    with tabs[_MAP]:
        stored = maps.panel(desk, case, findings, claims, opened)
    with tabs[_SPLITS]:
        splits.panel(desk, case)
    with tabs[_WORDS]:
        finding_words.draw(findings)
    with tabs[_VECTORS]:
        vectors.draw(desk, case, opened)
    with top_right:
        _take_away(desk, findings, found, opened, stored)


def _tabs(found: Comparison, claims: Claims) -> dict[str, DeltaGenerator]:
    """The parts of the page; label sets stand first where one agrees, and where there is nothing else to look at."""
    first = not claims.names or bool(found.agreements and found.agreements[0].agrees)
    names = [_SETS, _CLAIMS, _MAP] if first else [_CLAIMS, _MAP, _SETS]
    names += [_SPLITS, _WORDS, _VECTORS]
    return dict(zip(names, st.tabs(names, key="word_tabs"), strict=True))


def _headline(case: Case, findings: Findings, found: Comparison, opened: Opened) -> None:
    """The conclusion, with its weaknesses in the same box."""
    doubts = []
    if any(row.compared for row in found.rows):
        outcome = cached.verdict(case, findings.settings).outcome
        doubts = why_little(found.rows, independent=opened.vectors.independent, outcome=outcome)
    text = conclusion(found.rows, found.agreements, doubts)
    if doubts:
        st.warning(text, icon=":material/warning:")
    else:
        st.markdown(text)


def _claims(case: Case, n_classes: int) -> Claims:
    """The saved claims; none, with a message, if they are damaged."""
    try:
        claims = read_claims(case)
        if wrong := [target for target in claims.names if target >= n_classes]:
            message = f"A saved claim is about class {wrong[0]:,}, but the suspect has classes 0 to {n_classes - 1:,}."
            raise CaseError(message, key="claim out of range")
        return claims
    except CaseError as error:
        show_error(error)
        st.caption("The page continues without claims. Saving new claims replaces them.")
        return Claims()


def _take_away(desk: Desk, findings: Findings, found: Comparison, opened: Opened, stored: StoredMap | None) -> None:
    """The Export menu."""
    scored = findings.scored
    words = words_of(findings.classes, scored.scores, scored.hierarchy)
    tables: dict[str, Callable[[], bytes]] = {"Words of the finding": lambda: words_to_csv(words)}
    drawn: dict[str, Callable[[], go.Figure]] = {}
    if found.agreements:
        one = label_sets.chosen_set(desk.case_id, found.agreements)
        tables = {"Known label sets": lambda: agreements_to_csv(found.agreements)} | tables
        drawn["Label set"] = lambda: figures.draw_matrix(findings, opened.vectors, one)
    if found.rows:
        tables = {"Claims and findings": lambda: similarity_to_csv(found.rows, scored.hierarchy)} | tables
        drawn["Similarity"] = lambda: figures.draw_bars(found.rows, scored.hierarchy, 0)
    if stored:
        for method in METHODS:
            drawn[f"Map {maps.NAMES[method]}"] = partial(figures.draw_map, stored, method, ())
    export(f"{desk.case_id}-verification", tables=tables, figures=drawn)
