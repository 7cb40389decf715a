"""Starting to query the suspect, or to query more, as a job."""

from dataclasses import replace

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import pixels_of, selection_settings
from fdcore.case.plan import Settings, require_allowed
from ui.frame import Desk
from ui.sentences import attempt
from ui.text import inert

_BACK = "Reads the corpus's folders again and continues the case's plan. Existing answers are not requested again."


def why_not_query(case: Case) -> str:
    """Why the suspect cannot be queried in this case; empty if it can."""
    facts = case.facts()
    if facts.evidence is None:
        return "This case replays answers that were recorded elsewhere. It holds no suspect to query."
    if not case.plan().corpora:
        return "This case names no image folder. Choose one on the Corpus page."
    return ""


def start(desk: Desk, settings: Settings | None = None) -> None:
    """Put the settings, if given, in the plan, and start the job.

    Raises:
        FdError: the plan names folders that this server may not read, or another job is active in the case.
    """
    case = desk.case
    desk.require_idle()
    require_allowed(desk.places, case.plan(), case.folder)
    if settings is not None:
        if case.facts().selection:  # keep what the analyst chose since
            settings = replace(settings, selection=selection_settings(case))
        case.change_plan(settings=settings, by=desk.by)
    desk.submit("investigate")


def start_and_redraw(desk: Desk, settings: Settings | None = None) -> None:
    """Start and redraw the page, or show why not."""
    if attempt(lambda: start(desk, settings)):
        st.rerun()


def offer_reading(desk: Desk) -> None:
    """Where the decoded pictures are gone from the cache, offer to read them again."""
    if pixels_of(desk.case, desk.places.cache) is not None:
        return
    if reason := why_not_query(desk.case):
        st.caption(f"The pictures cannot be read again here. {inert(reason)}")
    elif st.button("Read the pictures again", icon=":material/refresh:", key="bring_back", help=_BACK):
        start_and_redraw(desk)
