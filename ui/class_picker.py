"""Choosing the target class, the same on every page that looks at one; it lives in the URL."""

from collections.abc import Sequence

import streamlit as st

from fdcore.method.findings import Findings
from ui import state
from ui.frame import Desk
from ui.text import inert, shortened

MAX_PILLS = 12
_KEY = "class_picker"
_LONGEST = 28  # characters of a name on a pill


def class_picker(desk: Desk, findings: Findings, *, resets: Sequence[str] = ()) -> int:
    """Draw the choice of the target class and return it. To be drawn outside fragments: links carry the class.

    Args:
        desk: the page's.
        findings: what was found, by which the classes are called.
        resets: the page's own URL parameters that mean nothing in another class, such as a chosen leaf.
    """
    return pick_class(found_names(findings), resets=resets)


def found_names(findings: Findings) -> list[str | None]:
    """For each class what was found, as it is called; None for nothing."""
    return [finding.name.label if finding.name else None for finding in findings.classes]


def class_name(number: int, found: str | None, length: int = 60) -> str:
    """What a class is called: its number and what was found for it. Not inert."""
    return f"Class {number}: {shortened(found, length) if found is not None else 'not found'}"


def pick_class(found: Sequence[str | None], *, known: bool = True, resets: Sequence[str] = ()) -> int:
    """Draw the choice among classes and return the chosen one.

    Args:
        found: for each class, what was found; None for nothing.
        known: whether anything was analysed yet; where not, classes are called by their number alone.
        resets: see `class_picker`.
    """
    number, wrong = state.target_class(len(found))
    st.session_state[_KEY] = number  # the URL is the state, whatever the widget says
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
        "Target class",
        range(len(found)),
        key=_KEY,
        format_func=name,
        on_change=_chosen,
        args=(resets,),
        width=420,
        filter_mode="contains",
        help="Type a number or a part of what was found to search.",
    )
    _step("Previous", "class_previous", number - 1, len(found), resets)
    _step("Next class", "class_next", number + 1, len(found), resets)


def _step(label: str, key: str, number: int, n_classes: int, resets: Sequence[str]) -> None:
    back = key == "class_previous"
    st.button(
        label,
        key=key,
        icon=":material/chevron_left:" if back else ":material/chevron_right:",
        icon_position="left" if back else "right",
        disabled=not 0 <= number < n_classes,
        on_click=go_to_class,
        args=(number, resets),
    )


def go_to_class(number: int, resets: Sequence[str] = ()) -> None:
    """Look at another class; for callbacks."""
    state.write(**dict.fromkeys(resets), **{state.CLASS: number})


def _chosen(resets: Sequence[str]) -> None:
    chosen = st.session_state[_KEY]
    if chosen is not None:
        go_to_class(chosen, resets)
