"""The knobs of the Selection page: live sliders, k, undo, resets and saving; what they say lives in the URL."""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.errors import FdError
from fdcore.method.selection import SelectionSettings
from ui import cached, saving, state
from ui.frame import Desk
from ui.live_slider import live_slider
from ui.state import settings_in_words
from ui.text import inert

PATIENCE_MS = 200  # for how long a slider of a big case must rest before what does not follow it is drawn
LIVE, SLOW = "live_part", "slow_part"  # the keys of the page's two fragments
_HISTORY = "selection_history"
_MAX_UNDO = 50
_ONE_MOVE_S = 1.5  # what one control does within this time is one change

HELP = {
    "eta": "How far apart, in steps of the hierarchy, two groups may lie and still be joined. Larger: more general.",
    "alpha": "1: only how consistently the suspect answers counts (L). "
    "Smaller: also how closely the leaves belong together (S).",
    "tau": "The least score of a leaf to be considered: the share of its views that the suspect puts in this class.",
    "k": "How many groups the leaves are split into before eta joins them. Empty: automatic, each leaf is a group.",
}  # fmt: skip


@dataclass
class _History:
    """What the settings were before, the last change at the end."""

    case_id: str
    entries: list[SelectionSettings] = field(default_factory=list)
    control: str = ""
    at: float = 0.0


def reserve() -> list[DeltaGenerator]:
    """Room for the knobs at the top; they are drawn last, so that what they change is drawn when they answer."""
    with st.container(border=True, key="controls"):
        return [*st.columns([3, 3, 3, 2], gap="medium", vertical_alignment="top"), st.container(key="below_controls")]


def draw(desk: Desk, case: Case, settings: SelectionSettings, room: list[DeltaGenerator], *, big: bool) -> None:
    """Fill the room.

    Args:
        desk: the page's.
        case: the open case.
        settings: what is shown.
        room: from `reserve`.
        big: whether all classes take so long to weigh that they are drawn only once a slider rests.
    """
    knobs: list[tuple[str, dict[str, Any]]] = [
        ("eta", {"low": 0.0, "high": 20.0, "step": 0.5, "unit": " steps", "ends": ("more specific", "more general")}),
        ("alpha", {"low": 0.05, "high": 1.0, "step": 0.05, "ends": ("belonging together", "consistency")}),
        ("tau", {"low": 0.01, "high": 0.95, "step": 0.01, "ends": ("more leaves", "surer leaves")}),
    ]
    with room[4]:
        _below(desk, case, settings)
    with room[3]:
        _draw_k(desk.case_id, case, settings)
    for (name, range_), place in zip(knobs, room, strict=False):
        with place:
            live_slider(
                name.capitalize(), key=name, value=float(getattr(settings, name)), help=HELP[name],
                on_move=partial(_change, desk.case_id, case, name), on_rest=_redraw_page if big else None,
                patience_ms=PATIENCE_MS, **range_,
            )  # fmt: skip


def _redraw_page() -> None:
    """All of it: the choice of the class, which calls classes by what is found, stands outside of the fragments."""
    st.rerun()


def _draw_k(case_id: str, case: Case, settings: SelectionSettings) -> None:
    st.session_state["k"] = settings.k  # the URL is the state

    def chosen() -> None:
        k = st.session_state["k"]
        _change(case_id, case, "k", None if k is None else int(k))
        _redraw_page()

    st.number_input("k", min_value=1, step=1, value=None, placeholder="auto", key="k", help=HELP["k"], on_change=chosen)


def _below(desk: Desk, case: Case, settings: SelectionSettings) -> None:
    saved = selection_settings(case)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, width="content", gap="small"):
            history = _history(desk.case_id)
            st.button(
                "Undo", icon=":material/undo:", key="undo", type="tertiary", disabled=not history.entries,
                on_click=_undo, args=(desk.case_id,), help="Take the last change back.",
            )  # fmt: skip
            st.button(
                "Reset to the case's", key="to_case", type="tertiary", disabled=settings == saved,
                on_click=_set_all, args=(desk.case_id, case, None), help=settings_in_words(saved),
            )  # fmt: skip
            default = SelectionSettings(k_max=saved.k_max)
            st.button(
                "Reset to the defaults", key="to_default", type="tertiary", disabled=settings == default,
                on_click=_set_all, args=(desk.case_id, case, default), help=settings_in_words(default),
            )  # fmt: skip
            with st.popover("What do these mean?", type="tertiary", key="knobs_explained"):
                st.markdown("\n\n".join(f"**{name}:** {text}" for name, text in HELP.items()))
        _saving(desk, case, settings, saved)


# Saving


def _saving(desk: Desk, case: Case, settings: SelectionSettings, saved: SelectionSettings) -> None:
    if settings == saved and cached.saved_as_found(case, saved):
        st.badge("Shown = saved conclusions", icon=":material/check:", color="green")
        return
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        st.badge("Not saved", icon=":material/edit:", color="orange")
        asked = st.button(
            "Save as the case's conclusions", type="primary", key="save",
            help=f"Writes tables and report with {settings_in_words(settings)}. "
            + (f"They hold {settings_in_words(saved)} now." if settings != saved else "They are not up to date."),
        )  # fmt: skip
        if asked:
            saving.save(desk, case, settings)


# Changes, and taking them back


def _change(case_id: str, case: Case, name: str, value: Any) -> None:
    before = state.shown_settings(case)
    try:
        after = replace(before, **{name: value})
    except FdError as error:
        st.toast(inert(str(error)), icon=":material/error:")
        return
    _remember(case_id, before, after, name)
    state.write(**{name: "auto" if value is None else value})


def _set_all(case_id: str, case: Case, target: SelectionSettings | None) -> None:
    """Go to some settings; None for the case's own, which a link need not name."""
    saved = selection_settings(case)
    _remember(case_id, state.linked_settings(saved).settings, target or saved, "all")
    if target is None:
        state.write(alpha=None, eta=None, tau=None, k=None)
    else:
        state.write_settings(target)
    _redraw_page()


def _undo(case_id: str) -> None:
    history = _history(case_id)
    if history.entries:
        state.write_settings(history.entries.pop())
        history.control = ""
    _redraw_page()


def _remember(case_id: str, before: SelectionSettings, after: SelectionSettings, control: str) -> None:
    """Note what the settings were; a drag is one change."""
    history, now = _history(case_id), time.monotonic()
    same_move = control == history.control != "all" and now - history.at < _ONE_MOVE_S
    history.control, history.at = control, now
    if before != after and not same_move:
        history.entries = [*history.entries, before][-_MAX_UNDO:]


def _history(case_id: str) -> _History:
    known = st.session_state.get(_HISTORY)
    if not isinstance(known, _History) or known.case_id != case_id:
        known = st.session_state[_HISTORY] = _History(case_id)
    return known
