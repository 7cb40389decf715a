"""The head of a case: what the suspect is, how sure that is, and what is open."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.gaps import read_gaps
from fdcore.errors import CaseError
from fdcore.verdict.gap import strongest_first
from fdcore.verdict.overview import Overview, found_in_words
from ui.text import inert, inert_badge, shortened

_SEALS = {
    "identified": (":blue[:material/verified:]", "Identified: a known label set agrees class for class"),
    "described": (
        ":green[:material/category:]",
        "Described: the answers are meaningful, but no known label set agrees",
    ),
    "undecided": (":orange[:material/help:]", "Undecided: the answers may mean nothing"),
    "nothing": (":red[:material/block:]", "The answers mean nothing"),
}
MAX_OPEN = 4  # chips


def draw_head(case: Case, overview: Overview, n_sent: int) -> None:
    """The seal and the title, what they rest on, and a red chip for each open guess."""
    head = overview.head
    seal, meaning = _SEALS[head.seal]
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        with st.container(gap=None, width="stretch"):
            st.title(f"{seal} {inert(shortened(head.title, 160))}", anchor=False, help=meaning)
            st.text(shortened(head.because, 400))
            if seen := _seen(case):
                st.text(shortened(seen, 300))
            st.caption(inert(found_in_words(overview, n_sent)))
        if head.open:
            with st.container(width="content", gap="xsmall", key="open_guesses"):
                guess_chips(head.open)


def _seen(case: Case) -> str:
    """Whose training split the suspect knows better than the test split; page 6 reports a damaged record."""
    with suppress(CaseError):
        for gap in strongest_first(read_gaps(case))[:1]:
            return (
                f"{gap.headline.rstrip('.')}: {gap.points:+.1f} points above its test split"
                if gap.outcome == "seen"
                else ""
            )
    return ""


def guess_chips(guesses: Sequence[str]) -> None:
    """A red chip for each guess; the last ones share one."""
    shown = guesses if len(guesses) <= MAX_OPEN else guesses[: MAX_OPEN - 1]
    for guess in shown:
        st.badge(inert_badge(shortened(guess, 48)), color="red", icon=":material/help:")
    if rest := guesses[len(shown) :]:
        st.badge(f"{len(rest)} more", color="red", help=inert("; ".join(shortened(guess, 80) for guess in rest)))
