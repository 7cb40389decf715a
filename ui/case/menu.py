"""What can be done with a case: open, name, duplicate, export, archive."""

from collections.abc import Callable

import streamlit as st

from fdcore.case.casebook import ASSIGNED, MAX_TITLE, Casebook, CaseCard
from fdcore.errors import FdError
from ui import frame
from ui.case import cards, making
from ui.exports import archive_file, download
from ui.sentences import attempt, show_error
from ui.state import RESET
from ui.text import inert


def draw(desk: frame.Desk, card: CaseCard | None, name: str, *, busy: bool) -> None:
    """The selected case's name and a button for each action; a `busy` case can only be opened and named."""
    with st.container(border=True, key="actions", horizontal=True, vertical_alignment="center", gap="small"):
        if card is None:
            st.caption("Select a row to open a case, name it, copy it, export it or put it away.")
            return
        st.markdown(f"**{inert(name)}**", width="content")
        if card.problem:
            st.text(card.problem)
            st.caption("It cannot be opened, copied or exported until this is repaired. Nothing in it was changed.")
            return
        if st.button("Open", key="open", type="primary", icon=":material/arrow_forward:"):
            frame.go_to("Overview", **RESET, case=card.id)
        if st.button(cards.continue_in_words(card), key="continue"):
            frame.go_to(cards.continues_at(card), **RESET, case=card.id)
        if st.button("Name and exhibit", key="edit", type="tertiary", icon=":material/edit:"):
            _edit(desk, card)
        if busy:
            st.caption("Work is in progress in it: it can be copied, exported and archived afterwards.")
            return
        if st.button("Duplicate", key="duplicate", type="tertiary", icon=":material/content_copy:"):
            _at_once(lambda: desk.book.duplicate(card.id, by=desk.by), "Copying the case")
        if st.button("Export", key="export_case", type="tertiary", icon=":material/download:"):
            _export(desk.book, card)
        label = "Restore" if card.archived else "Archive"
        if st.button(label, key="archive", type="tertiary", icon=":material/inventory_2:"):
            _at_once(lambda: desk.book.archive(card.id, not card.archived, by=desk.by))


def _at_once(change: Callable[[], str | None], spinner: str = "") -> None:
    """Carry out a change, and show the list of cases again; a copy is opened."""
    made: list[str | None] = []
    if attempt(lambda: made.append(change()), spinner=spinner, toast=True):
        frame.go_to("Cases", **RESET, case=made[0])


@st.dialog("Name and exhibit", icon=":material/edit:")
def _edit(desk: frame.Desk, card: CaseCard) -> None:
    with st.form("edit_form", border=False):
        title = st.text_input("Title", card.title, max_chars=MAX_TITLE, key=f"rename_{card.id}")
        facts = desk.book.open(card.id).facts()
        assigned = making.assignment(f"edit_{card.id}", {name: getattr(facts, name) for name in ASSIGNED})
        st.caption("Links to the case keep working.")

        def change() -> None:
            if title != card.title:
                desk.book.rename(card.id, title, by=desk.by)
            desk.book.assign(card.id, by=desk.by, **assigned)

        if st.form_submit_button("Save", type="primary") and attempt(change):
            st.rerun()


@st.dialog("Export the case", icon=":material/download:")
def _export(book: Casebook, card: CaseCard) -> None:
    st.text(
        "One ZIP file with everything in the case: evidence, answers, findings, audit log. The evidence's hash is "
        "verified first. Another server can import the file."
    )
    try:
        with st.spinner("Verifying the evidence"):
            case = book.open(card.id)
            if case.facts().evidence:
                case.evidence()
    except FdError as error:
        show_error(error)
        return
    st.caption("The evidence is included unchanged. Store the file as securely as the evidence.")
    download("Download", archive_file(book, card.id), f"{card.id}.zip", "application/zip", key=f"export_{card.id}",
             type="primary")  # fmt: skip
