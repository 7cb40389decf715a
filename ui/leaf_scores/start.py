"""Starting to ask, or to ask more: what may be started, and handing it to a process of its own."""

from dataclasses import replace

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.case.plan import Settings, require_allowed
from ui.frame import Desk
from ui.sentences import attempt


def cannot_ask(case: Case) -> str:
    """Why nothing can be asked in this case; empty where it can."""
    facts = case.facts()
    if facts.evidence is None:
        return "This case replays answers that were recorded elsewhere. There is no suspect here to ask more."
    if not case.plan().corpora:
        return "This case names no image folder to ask about. Choose one on the Corpus page."
    return ""


def start(desk: Desk, settings: Settings | None = None) -> None:
    """Put the settings in the plan, where any are given, and hand the work to a process of its own.

    Raises:
        FdError: the plan names folders that this server may not read, or work is under way in the case.
    """
    case = desk.case
    desk.require_idle()
    require_allowed(desk.places, case.plan())
    if settings is not None:
        if case.facts().selection:  # what the analyst chose since stays
            settings = replace(settings, selection=selection_settings(case))
        case.change_plan(settings=settings, by=desk.by)
    desk.submit("investigate")


def start_and_redraw(desk: Desk, settings: Settings | None = None) -> None:
    """Start, and show the work; an error is said instead."""
    if attempt(lambda: start(desk, settings)):
        st.rerun()
