"""Choosing the target class, in the same way on every page; it lives in the URL."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from fdcore.method.findings import Findings
from ui import state
from ui.text import inert, shortened

MAX_PILLS = 12
_KEY = "class_picker"
_LONGEST = 28  # characters of a name on a pill


def found_names(findings: Findings) -> list[str | None]:
    """The name of what was found for each class; None where nothing was."""
    return [finding.name.label if finding.name else None for finding in findings.classes]


def class_name(number: int, found: str | None, length: int = 60) -> str:
    """A class's number and what was found for it. Not inert."""
    return f"Class {number}: {shortened(found, length) if found is not None else 'not found'}"


def pick_class(found: Sequence[str | None], *, known: bool = True, resets: Sequence[str] = ()) -> int:
    """Draw the choice of the target class and return it. Draw it outside fragments: links carry the class.

    Args:
        found: see `found_names`.
        known: whether anything was analysed yet; if not, classes are shown by number alone.
        resets: the page's own URL parameters that mean nothing in another class, such as a chosen leaf.
    """
    number, wrong = state.target_class(len(found))
    st.session_state[_KEY] = number  # the URL is the state, not the widget
    with st.container(key="class_choice"):
        with st.container(horizontal=True, vertical_alignment="bottom", key="class_row"):
            if len(found) <= MAX_PILLS:
                _pills(found, known, resets)
            else:
                _list(found, known, number, resets)
        if wrong:
            st.caption(f":material/info: {inert(wrong)} Class 0 is shown instead.")
    return number


def _pills(found: Sequence[str | None], known: bool, resets: Sequence[str]) -> None:
    def name(number: int) -> str:
        return inert(class_name(number, found[number], _LONGEST)) if known else f"Class {number}"

    st.pills(
        "Target class", range(len(found)), key=_KEY, format_func=name, required=True, wrap=True,
        on_change=_chosen, args=(resets,),
    )  # fmt: skip


def _list(found: Sequence[str | None], known: bool, number: int, resets: Sequence[str]) -> None:
    def name(number: int) -> str:
        return class_name(number, found[number]) if known else f"Class {number}"

    st.selectbox(
        "Target class", range(len(found)), key=_KEY, format_func=name, on_change=_chosen, args=(resets,), width=420,
        filter_mode="contains", help="To search, type a number or part of what was found.",
    )  # fmt: skip
    _step("Previous class", "class_previous", number - 1, len(found), resets)
    _step("Next class", "class_next", number + 1, len(found), resets)


def _step(label: str, key: str, number: int, n_classes: int, resets: Sequence[str]) -> None:
    side: Literal["left", "right"] = "left" if key == "class_previous" else "right"
    st.button(label, key=key, icon=f":material/chevron_{side}:", icon_position=side, on_click=go_to_class,
              args=(number, resets), disabled=not 0 <= number < n_classes)  # fmt: skip


def go_to_class(number: int, resets: Sequence[str] = ()) -> None:
    """Show another class; for callbacks."""
    state.write(**dict.fromkeys(resets), **{state.CLASS: number})


def _chosen(resets: Sequence[str]) -> None:
    chosen = st.session_state[_KEY]
    if chosen is not None:
        go_to_class(chosen, resets)
