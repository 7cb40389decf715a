"""Creating cases: a new one, the demo case, an import; and the demo that the very first visit starts."""

import os
from collections.abc import Mapping
from typing import Literal

import streamlit as st

from fdcore.case.casebook import MAX_TITLE
from fdcore.errors import FdError
from fdcore.jobs.database import database_path
from fdcore.storage import only_one
from ui import frame
from ui.sentences import show_error
from ui.state import RESET

SWITCH = "FDCORE_DEMO"  # "off": the first visit does not start the demo case
EXAMINER_HELP = "Who is responsible for the case, as written here. “By” in tables is who acted, as signed in."
_FILE_ROUND = "import_round"  # counts the imported files, so that the next uploader is empty


def first_start(desk: frame.Desk) -> str | None:
    """Start the demo case on a server that was never used; its id, or None if nothing was started.

    Of two sessions at the same time, the second waits and finds the case of the first.
    """
    root = desk.places.cases
    if os.environ.get(SWITCH) == "off" or _was_used(desk):
        return None
    with only_one(root / ".first.lock"):
        return None if _was_used(desk) else begin_demo(desk)


def begin_demo(desk: frame.Desk) -> str:
    """Create the demo case, or find the one that is not archived; returns its id."""
    for card in desk.book.cards():
        if not card.problem and not card.archived and desk.book.open(card.id).facts().demo:
            if not card.n_queries and desk.jobs.latest(card.id) is None:  # its start was lost
                _submit_demo(desk, card.id)
            return card.id
    case_id = desk.book.create("Demo", by=desk.by)
    case = desk.book.open(case_id)
    case.record(demo=True)
    case.log("demo begun", {"by": desk.by})
    _submit_demo(desk, case_id)
    return case_id


def _submit_demo(desk: frame.Desk, case_id: str) -> None:
    params = {"corpus": str(desk.places.demo), "cache": str(desk.places.cache)}
    desk.jobs.submit("demo", case_id, params, by=desk.by)


def welcome(desk: frame.Desk) -> None:
    """The page of a server without a case: what fdcore does, and three ways to begin."""
    with st.container(border=True, key="empty", horizontal_alignment="center"):
        st.space("small")
        st.subheader("Find out what an undocumented image classifier was trained to recognise.", anchor=False)
        st.text(
            "fdcore shows the model labelled pictures, and concludes from its answers alone what each class means and "
            "how sure that is. Every step is kept as evidence; start with the demo, which takes a few minutes, or with "
            "your own file."
        )
        toolbar(desk, primary=False)
        st.space("small")


def toolbar(desk: frame.Desk, *, primary: bool) -> None:
    """Demo case, new case (the `primary` action, unless there is no case yet), import."""
    with st.container(horizontal=True, width="content", key="toolbar"):
        is_first = not desk.book.ids()
        if st.button(
            "Open the demo case" if is_first else "Demo case",
            key="demo",
            type="primary" if is_first else "secondary",
            icon=":material/school:",
            help="A corpus of drawings and a suspect trained on other drawings, investigated from end to end",
        ):
            frame.go_to("Overview", **RESET, case=begin_demo(desk))
        _new_case(desk, primary=primary and not is_first)
        _import(desk)


def _new_case(desk: frame.Desk, *, primary: bool) -> None:
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    with (
        st.popover("New case", icon=":material/add:", type=kind, key="new_case"),
        st.form("new_case_form", border=False),
    ):
        title = st.text_input("Title", max_chars=MAX_TITLE, key="new_title", placeholder="Seized drive 7, model.pth")
        assigned = assignment("new", {"examiner": desk.by})
        if st.form_submit_button("Create the case", type="primary", key="new_submit"):
            try:
                case_id = desk.book.create(title, by=desk.by, **assigned)
            except FdError as error:
                show_error(error)
            else:
                frame.go_to("Suspect", **RESET, case=case_id)


def assignment(key: str, given: Mapping[str, str]) -> dict[str, str]:
    """Fields for who investigates, for whom, and the numbers of exhibit and case; `key` begins their keys."""
    left, right = st.columns(2)
    return {
        name: place.text_input(f"{label} (optional)", given.get(name, ""), max_chars=MAX_TITLE, key=f"{key}_{name}",
                               help=EXAMINER_HELP if name == "examiner" else None)
        for place, name, label in (
            (left, "examiner", "Examiner"), (right, "agency", "Agency"),
            (left, "number", "Case number"), (right, "exhibit", "Exhibit number"),
        )
    }  # fmt: skip


def _import(desk: frame.Desk) -> None:
    with st.popover("Import", icon=":material/upload:", key="import_case"):
        number = st.session_state.setdefault(_FILE_ROUND, 0)
        file = st.file_uploader("An exported case (ZIP)", type="zip", key=f"import_file_{number}")
        st.caption("Its evidence, audit log and every path in it are checked before the import.")
        if st.button("Import this case", type="primary", key="import_submit", disabled=file is None) and file:
            try:
                with st.spinner("Checking the case"):
                    case_id = desk.book.import_(file, by=desk.by)
            except FdError as error:
                show_error(error)
            else:
                st.session_state[_FILE_ROUND] = number + 1
                frame.go_to("Overview", **RESET, case=case_id)


def _was_used(desk: frame.Desk) -> bool:
    return bool(desk.book.ids()) or database_path(desk.places.cases).exists()
