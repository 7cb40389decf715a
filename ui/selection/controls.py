"""The controls of the Selection page: live sliders, k, undo, resets and saving; their values live in the URL."""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.errors import FdError
from fdcore.method.evidence import automatic_evidence
from fdcore.method.selection import SelectionSettings
from ui import cached, saving, state
from ui.frame import Desk
from ui.live_slider import live_slider
from ui.state import settings_in_words
from ui.text import inert
from ui.workbench.picked import CLASSES, INSPECTOR, STEP

BIG_CELLS = 100_000  # classes x leaves above which weighing all classes is noticeably slow
PATIENCE_MS, PATIENCE_BIG_MS = 80, 200  # how long a slider must rest before what is beside it is drawn again
_HISTORY = "selection_history"
_DRAWN = "selection_drawn"  # the case and the settings that the step was last drawn with, to its end
_MAX_UNDO = 50
_ONE_MOVE_S = 1.5  # changes of one control within this time count as one

HELP = {
    "eta": "How many steps apart in the hierarchy two groups may be and still be merged. Larger is more general.",
    "alpha": "At 1, only the consistency of the suspect's answers (L) counts. Below 1, the closeness of the leaves (S) "
    "counts too.",
    "tau": "The lowest score of a candidate leaf: the share of its views that the suspect puts in this class.",
    "k": "The number of groups that the leaves are split into before eta merges them. Empty means automatic: "
    "each leaf is a group; by the paper's rule, the number whose groups are separated best (silhouette).",
    "evidence": "The lowest L of an answer. Automatic: 0.6 of the best score of a typical class of this suspect, "
    "between 0.2 and 0.6. A class whose best cluster stays below is not found.",
    "share": "The part of the class's answers that the cluster must hold, times the lower bound of its L. A class "
    "that answers a little everywhere is not found.",
    "exclusive": "Where nothing is found so, the best leaf is found despite a low score if at least this part of the "
    "class's answers falls in it (lower bound). At 1, never.",
    "rule": "Evidence: half of each leaf's images choose the leaves with the highest objective. They are the answer if "
    "their L on the other half reaches both limits. Paper: the paper's rule, where all images choose and the highest "
    "objective is always the answer.",
}
EVIDENCE, PAPER = "Evidence", "Paper"
TITLES = {"k": "k", "rule": "Found by"}
KEYS = {"share": "share_limit"}  # "share" is the key of the link
RANGES: dict[str, dict[str, Any]] = {
    "eta": {"low": 0.0, "high": 20.0, "step": 0.5, "unit": " steps", "ends": ("more specific", "more general")},
    "alpha": {"low": 0.05, "high": 1.0, "step": 0.05, "ends": ("closeness", "consistency")},
    "tau": {"low": 0.01, "high": 0.95, "step": 0.01, "ends": ("more leaves", "surer leaves")},
    "evidence": {"low": 0.0, "high": 0.95, "step": 0.01, "ends": ("more answers", "surer answers")},
    "share": {"low": 0.0, "high": 0.3, "step": 0.005, "ends": ("may be scattered", "in one place")},
    "exclusive": {"low": 0.05, "high": 1.0, "step": 0.05, "ends": ("more answers", "never")},
}


@dataclass
class _History:
    """Earlier settings, the latest at the end."""

    case_id: str
    entries: list[SelectionSettings] = field(default_factory=list)
    control: str = ""
    at: float = 0.0


def begin() -> None:
    """The whole page is being drawn: until the step is, a slider that comes to rest draws it."""
    st.session_state.pop(_DRAWN, None)


def reserve() -> list[DeltaGenerator]:
    """Reserve room for the controls at the top; they are drawn last, after what they change."""
    with st.container(border=True, key="controls", gap="xsmall"):
        sliders = st.columns(3, gap="small", vertical_alignment="top")
        return [*sliders, st.container(key="below_controls")]


def draw(desk: Desk, case: Case, settings: SelectionSettings, room: list[DeltaGenerator]) -> None:
    """Draw the controls in the `room` from `reserve`."""
    with room[-1]:
        more = _below(desk, case, settings)
    with more:
        _draw_k(desk.case_id, case, settings)
        _draw_rule(desk.case_id, case, settings)
        rare = [st.container() for _ in RANGES][3:]
        _explained(desk, case, settings)
    scores = cached.scored(case).scores
    limit = automatic_evidence(scores.split(settings.held_out))
    patience_ms = PATIENCE_BIG_MS if scores.hits.size > BIG_CELLS else PATIENCE_MS
    for (name, range_), place in zip(RANGES.items(), [*room[:3], *rare], strict=True):
        value = getattr(settings, name)
        title = name.capitalize() if value is not None else f"{name.capitalize()} (automatic)"
        with place:
            live_slider(
                title, key=KEYS.get(name, name), value=float(limit if value is None else value), help=HELP[name],
                on_move=partial(_change, desk.case_id, case, name), on_rest=partial(_redraw_beside, case),
                patience_ms=patience_ms,                 **range_,
            )  # fmt: skip
    st.session_state[_DRAWN] = (str(case.folder), settings)


def _redraw_beside(case: Case) -> None:
    """Redraw what does not follow a moving slider: the list of classes and the inspector.

    The step too, where this cuts its run short: a click on Save, or a move of another slider.
    """
    cut_short = st.session_state.get(_DRAWN) != (str(case.folder), state.shown_settings(case))
    st.rerun([STEP, CLASSES, INSPECTOR] if cut_short or saving.pending(case.folder.name) else [CLASSES, INSPECTOR])


def _redraw_all() -> None:
    """Redraw the workbench."""
    st.rerun([STEP, CLASSES, INSPECTOR])


def _draw_k(case_id: str, case: Case, settings: SelectionSettings) -> None:
    empty = "silhouette" if settings.without_limits else None
    st.session_state["k"] = settings.k if isinstance(settings.k, int) else None  # the URL is the state

    def chosen() -> None:
        k = st.session_state["k"]
        _change(case_id, case, "k", empty if k is None else int(k))
        _redraw_all()

    st.number_input("k", min_value=1, step=1, value=None, placeholder=empty or state.AUTO, key="k", help=HELP["k"],
                    on_change=chosen)  # fmt: skip


def _draw_rule(case_id: str, case: Case, settings: SelectionSettings) -> None:
    st.session_state["rule"] = PAPER if settings.without_limits else EVIDENCE  # the URL is the state

    def chosen() -> None:
        by_paper = st.session_state["rule"] == PAPER
        _set_all(case_id, case, settings.by_paper_rule() if by_paper else settings.by_evidence())

    st.segmented_control("Found by", [EVIDENCE, PAPER], key="rule", help=HELP["rule"], required=True, on_change=chosen)


def _below(desk: Desk, case: Case, settings: SelectionSettings) -> DeltaGenerator:
    """The row below the sliders; returns the popover of the rarely used settings."""
    saved = selection_settings(case)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        with st.container(horizontal=True, width="content", gap="small"):
            more = st.popover("More settings", type="tertiary", icon=":material/tune:", key="more_settings")
            st.button(
                "Undo", icon=":material/undo:", key="undo", type="tertiary",
                disabled=not _history(desk.case_id).entries, on_click=_undo, args=(desk.case_id,),
                help="Undo the last change.",
            )  # fmt: skip
            st.button(
                "Reset to saved", key="to_case", type="tertiary", disabled=settings == saved,
                on_click=_set_all, args=(desk.case_id, case, None), help=settings_in_words(saved),
            )  # fmt: skip
        _saving(desk, case, settings, saved)
    return more


def _explained(desk: Desk, case: Case, settings: SelectionSettings) -> None:
    default = SelectionSettings(k_max=selection_settings(case).k_max)
    st.button(
        "Reset to defaults", key="to_default", type="tertiary", icon=":material/restart_alt:",
        disabled=settings == default, on_click=_set_all, args=(desk.case_id, case, default),
        help=settings_in_words(default),
    )  # fmt: skip
    st.caption("  \n".join(f"**{TITLES.get(name, name.capitalize())}:** {text}" for name, text in HELP.items()))


# Saving


def _saving(desk: Desk, case: Case, settings: SelectionSettings, saved: SelectionSettings) -> None:
    saving.show_saved(desk.case_id)
    if settings == saved and cached.saved_as_found(case, saved):
        st.badge("Conclusions saved", icon=":material/check:", color="green")
        return
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        st.badge("Not saved", icon=":material/edit:", color="orange")
        st.button(
            "Save conclusions", type="primary", key="save", on_click=saving.want, args=(desk.case_id,),
            help=f"Writes the case's tables and report with {settings_in_words(settings)}. "
            + (f"They now use {settings_in_words(saved)}." if settings != saved else "They are not up to date."),
        )  # fmt: skip
        if saving.wanted(desk.case_id):
            saving.save(desk, case, settings)


# Changes and undo


def _change(case_id: str, case: Case, name: str, value: Any) -> None:
    before = state.shown_settings(case)
    try:
        after = replace(before, **{name: value})
    except FdError as error:
        st.toast(inert(str(error)), icon=":material/error:")
        return
    _remember(case_id, before, after, name)
    state.write(**{name: state.AUTO if value is None else value})


def _set_all(case_id: str, case: Case, target: SelectionSettings | None) -> None:
    """Apply settings; None for the case's own, which a link need not name."""
    saved = selection_settings(case)
    _remember(case_id, state.linked_settings(saved).settings, target or saved, "all")
    if target is None:
        state.forget_settings()
    else:
        state.write_settings(target)
    _redraw_all()


def _undo(case_id: str) -> None:
    history = _history(case_id)
    if history.entries:
        state.write_settings(history.entries.pop())
        history.control = ""
    _redraw_all()


def _remember(case_id: str, before: SelectionSettings, after: SelectionSettings, control: str) -> None:
    """Remember the earlier settings; a drag is one change."""
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
