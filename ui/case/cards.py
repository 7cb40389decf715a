"""Cases as cards: search, pages, and for each case its state and actions."""

from collections.abc import Sequence

import streamlit as st

from fdcore.case.casebook import CaseCard
from fdcore.jobs import Job
from ui import frame, job_panel
from ui.case import menu as case_menu
from ui.panels import page_of
from ui.state import RESET
from ui.text import counted, inert, listed, shortened, since

PER_PAGE = 30
SEARCH_FROM = 10
N_NAMES = 3
COLUMN_PX = 250
_CONTINUES = {
    "new": "Suspect", "suspect": "Corpus", "corpus": "Leaf scores", "scoring": "Leaf scores", "found": "Selection",
}  # fmt: skip
_STAGES = {
    "new": ("No suspect yet", ":material/draft:", "gray"),
    "suspect": ("Suspect checked", ":material/memory:", "blue"),
    "corpus": ("Ready to query", ":material/photo_library:", "blue"),
    "asking": ("Partly queried", ":material/question_answer:", "orange"),
    "scoring": ("Queried, no tables yet", ":material/question_answer:", "orange"),
    "found": ("Scored", ":material/flag:", "green"),
    "damaged": ("Damaged", ":material/error:", "red"),
}


def draw(desk: frame.Desk, cards: Sequence[CaseCard]) -> None:
    """The cards that match the search and the toggle, in pages."""
    chosen = _chosen(cards, desk.case_id)
    running = {job.case: job for job in desk.jobs.active()}
    if not chosen:
        st.caption("No case matches. Change the search, or show the archived cases.")
    above = st.container()
    shown = page_of(len(chosen), PER_PAGE, "cards_page")
    with above, st.grid(3, min_column_width=COLUMN_PX, key="cards"):
        for number in shown:
            _card(desk, chosen[number], running.get(chosen[number].id))


def continues_at(card: CaseCard) -> str:
    """The step at which work on a case continues."""
    return _CONTINUES[card.stage]


def _chosen(cards: Sequence[CaseCard], open_id: str) -> list[CaseCard]:
    """The cases to show, the open one first."""
    n_archived = sum(card.archived for card in cards)
    words, archived_too = "", False
    if n_archived or len(cards) >= SEARCH_FROM:
        with st.container(horizontal=True, vertical_alignment="bottom", key="cards_filter"):
            if len(cards) >= SEARCH_FROM:
                words = st.text_input("Search", key="cards_search", icon=":material/search:", width=340,
                                      placeholder="Title, suspect or what was found")  # fmt: skip
            if n_archived:
                archived_too = st.toggle(f"Show {counted(n_archived, 'archived case')}", key="cards_archived")
    found = [card for card in cards if _fits(card, words) and (archived_too or not card.archived or card.id == open_id)]
    return sorted(found, key=lambda card: card.id != open_id)


def _fits(card: CaseCard, words: str) -> bool:
    text = " ".join((card.title, card.id, card.suspect, card.evidence, card.sha256, *card.domain)).casefold()
    return all(word in text for word in words.casefold().split())


def _card(desk: frame.Desk, card: CaseCard, job: Job | None) -> None:
    with st.container(border=True, height="stretch", key=f"card_{card.id}", gap="xsmall"):
        _head(desk, card, job)
        if card.problem:
            st.text(card.problem)
            st.caption("It cannot be opened, copied or exported until this is repaired. Nothing in it was changed.")
            return
        _facts(card)
        st.space("stretch")
        if job:
            job_panel.live_bar(desk.jobs, job)
        st.caption(f"Changed {since(card.changed)}")
        with st.container(horizontal=True, key=f"doors_{card.id}"):
            if st.button(f"Open at {continues_at(card)}", key=f"open_{card.id}", icon=":material/arrow_forward:"):
                frame.go_to(continues_at(card), **RESET, case=card.id)
            if card.id != desk.case_id and st.button("Overview", key=f"show_{card.id}", type="tertiary"):
                frame.go_to("Case", **RESET, case=card.id)


def _head(desk: frame.Desk, card: CaseCard, job: Job | None) -> None:
    partly = card.stage == "scoring" and card.n_answered != card.n_queries
    words, icon, colour = _STAGES["asking" if partly else card.stage]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        with st.container(horizontal=True, gap="xsmall", width="content"):
            st.badge(words, icon=icon, color=colour)  # type: ignore[arg-type]  # a colour of ours
            if card.id == desk.case_id:
                st.badge("Open", icon=":material/folder_open:", color="primary")
            if card.archived:
                st.badge("Archived", icon=":material/inventory_2:", color="gray")
        if not card.problem:
            case_menu.draw(desk, card, busy=job is not None)
    st.markdown(f"**{inert(shortened(card.title, 80))}**")


def _facts(card: CaseCard) -> None:
    if card.suspect:
        st.text(shortened(f"{card.evidence or 'Recorded answers'}: {card.suspect.split('; ')[0]}", 110))
    elif card.evidence:
        what = "refused: it was not opened" if card.refused else "not opened yet"
        st.text(shortened(f"{card.evidence}, {what}", 110))
    if card.n_found is None:
        if card.n_queries:
            st.text(f"{card.n_answered / card.n_queries:.0%} of {card.n_queries:,} queries answered")
        return
    st.text(f"{card.n_found:,} of {card.n_classes:,} classes found")
    st.text(shortened(card.verdict, 160) or _names(card))


def _names(card: CaseCard) -> str:
    """What was found, for a case analysed by an earlier version."""
    return listed(card.domain, N_NAMES) or "Nothing in the corpus fits any class"
