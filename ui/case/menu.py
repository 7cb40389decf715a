"""The menu of a case: rename, duplicate, export, archive."""

import streamlit as st

from fdcore.case.casebook import MAX_TITLE, Casebook, CaseCard
from fdcore.errors import FdError
from ui import frame
from ui.exports import archive_file, download
from ui.sentences import attempt, show_error
from ui.state import RESET
from ui.text import inert

RENAME, DUPLICATE, EXPORT, ARCHIVE, RESTORE = "Rename", "Duplicate", "Export", "Archive", "Restore"


def draw(desk: frame.Desk, card: CaseCard, *, busy: bool) -> None:
    """The menu of one card; a `busy` case can only be renamed."""
    last = RESTORE if card.archived else ARCHIVE
    options = [RENAME] if busy else [RENAME, DUPLICATE, EXPORT, last]
    chosen = st.menu_button("More", options, type="tertiary", key=f"menu_{card.id}")
    if chosen == RENAME:
        _rename(desk, card)
    elif chosen == EXPORT:
        _export(desk.book, card)
    elif chosen:
        _at_once(desk, card, chosen)


def _at_once(desk: frame.Desk, card: CaseCard, chosen: str) -> None:
    try:
        if chosen == DUPLICATE:
            with st.spinner("Copying the case"):
                case_id: str | None = desk.book.duplicate(card.id, by=desk.by)
        else:
            desk.book.archive(card.id, chosen == ARCHIVE, by=desk.by)
            case_id = card.id if chosen == RESTORE else None
    except FdError as error:
        st.toast(inert(str(error)), icon=":material/error:")
        return
    frame.go_to("Case", **RESET, case=case_id)


@st.dialog("Rename the case", icon=":material/edit:")
def _rename(desk: frame.Desk, card: CaseCard) -> None:
    with st.form("rename_form", border=False):
        title = st.text_input("Title", card.title, max_chars=MAX_TITLE, key=f"rename_{card.id}")
        st.caption("Links to the case keep working.")
        pressed = st.form_submit_button("Rename", type="primary")
        if pressed and attempt(lambda: desk.book.rename(card.id, title, by=desk.by)):
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
