"""All cases as a table: searched, sorted, paged, each with its pictures; what can be done with the selected one."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from fdcore.case.casebook import CaseCard
from fdcore.jobs import Job
from ui import cached, frame
from ui.case import making
from ui.case import menu as case_menu
from ui.case.cards import found_in_words, state_in_words
from ui.panels import SENT_HELP, page_of
from ui.text import counted, distinct_texts, shortened

if TYPE_CHECKING:
    import pandas as pd

PER_PAGE = 50
ROW_PX, HEAD_PX = 58, 38  # a row that is higher than 4 rem wraps its texts
_PICKED = "case_picked"  # the id of the case whose row was selected last
_ORDERS: dict[str, Callable[[CaseCard], Any]] = {
    "Last change": lambda card: -card.changed,
    "Title": lambda card: card.title.casefold(),
    "Exhibit": lambda card: (not card.exhibit, card.exhibit.casefold()),
    "Examiner": lambda card: (not card.examiner, card.examiner.casefold()),
    "What was found": lambda card: (card.n_found is None, found_in_words(card).casefold()),
}


def draw(desk: frame.Desk) -> None:
    """The table, or how to begin where there is no case yet."""
    cards = desk.cards
    if not cards:
        making.welcome(desk)
        return
    running = {job.case: job for job in desk.jobs.active()}
    with st.container(horizontal=True, vertical_alignment="bottom", key="cases_head"):
        chosen = _chosen(cards, desk.case_id)
        making.toolbar(desk, primary=not (st.session_state.get(_PICKED) or desk.case_id))
    actions = st.container()
    if not chosen:
        st.caption("No case matches. Change the search, or show the archived cases.")
        return
    names = distinct_texts({card.id: shortened(card.title, 80) for card in cards})
    place = st.container()
    shown = [chosen[number] for number in page_of(len(chosen), PER_PAGE, "cases_page")]
    with place:
        _table(desk, shown, running, names)
    picked = {card.id: card for card in shown}.get(st.session_state.get(_PICKED) or desk.case_id)
    with actions:
        case_menu.draw(desk, picked, names[picked.id] if picked else "", busy=bool(picked and picked.id in running))


def _chosen(cards: Sequence[CaseCard], open_id: str) -> list[CaseCard]:
    """The cases that match the search and the toggle, in the chosen order."""
    words = st.text_input("Search", key="cases_search", icon=":material/search:", width=300,
                          placeholder="Title, suspect, exhibit, what was found")  # fmt: skip
    order = "Last change"
    if len(cards) > PER_PAGE:
        order = st.selectbox("Order", list(_ORDERS), key="cases_order", width=150)
    n_archived = sum(card.archived for card in cards)
    archived_too = bool(n_archived) and st.toggle(
        f"{counted(n_archived, 'archived case')} too", key="cases_archived", width="content"
    )
    found = [card for card in cards if _fits(card, words) and (archived_too or not card.archived or card.id == open_id)]
    return sorted(found, key=_ORDERS[order])


def _fits(card: CaseCard, words: str) -> bool:
    text = " ".join(
        (card.title, card.id, card.suspect, card.evidence, card.sha256, card.examiner, card.exhibit, card.head,
         card.verdict, *card.domain)
    ).casefold()  # fmt: skip
    return all(word in text for word in words.casefold().split())


def _table(desk: frame.Desk, shown: Sequence[CaseCard], running: Mapping[str, Job], names: Mapping[str, str]) -> None:
    ids = [card.id for card in shown]
    key = f"cases_{hashlib.sha256(repr(ids).encode()).hexdigest()[:8]}"  # other rows: another selection

    def selected() -> None:
        selection = st.session_state[key].selection
        rows = [*selection.rows, *(row for row, _ in selection.cells)]
        st.session_state[_PICKED] = ids[rows[0]] if rows and rows[0] < len(ids) else None

    column = st.column_config
    rows = _rows(desk, shown, running, names)
    with st.container(key="cases"):
        st.dataframe(
            rows, key=key, hide_index=True, row_height=ROW_PX, height=min(HEAD_PX + ROW_PX * len(rows), 720),
            on_select=selected, selection_mode=("single-row", "single-cell"), placeholder="",
            alt="All cases, with what was found in each",
            column_config={
                "Pictures": column.ImageColumn("", width=140, help="Pictures that the suspect puts in its classes"),
                "Case": column.TextColumn(width=108),
                "What was found": column.TextColumn(width=142),
                "State": column.TextColumn(width=78),
                "Suspect": column.TextColumn(width=88),
                "Exhibit": column.TextColumn(width=64),
                "Examiner": column.TextColumn(width=64, help=making.EXAMINER_HELP),
                "Queries sent": column.NumberColumn(width=66, format="localized", help=SENT_HELP),
                "Changed": column.DatetimeColumn(width=88, format="distance"),
            },
        )  # fmt: skip


def _rows(
    desk: frame.Desk, shown: Sequence[CaseCard], running: Mapping[str, Job], names: Mapping[str, str]
) -> "pd.DataFrame":
    """One row for each case; a column that would be empty in all of them is left out. Texts are not inert."""
    import pandas as pd

    table = pd.DataFrame({
        "Pictures": [cached.case_strip(desk.book, card, desk.places.cache) for card in shown],
        "Case": [names[card.id] for card in shown],
        "What was found": [found_in_words(card) for card in shown],
        "State": [state_in_words(card, running.get(card.id)) for card in shown],
        "Suspect": [card.evidence for card in shown],
        "Exhibit": [card.exhibit for card in shown],
        "Examiner": [card.examiner for card in shown],
        "Queries sent": pd.array([card.n_sent or None for card in shown], dtype="Int64"),
        "Changed": pd.to_datetime([card.changed for card in shown], unit="s", utc=True),
    })  # fmt: skip
    optional = ("Exhibit", "Examiner")
    return table.drop(columns=[name for name in optional if not table[name].astype(bool).any()])
