"""The state of a view: the case, the class and the settings. It lives in the URL, so every view is a link.

Session state only remembers what was last written there, so that a changed link or the back button is noticed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.errors import SettingsError
from fdcore.method.selection import SelectionSettings
from ui.text import shortest

CASE, CLASS = "case", "class"
_LONGEST = 40  # characters of a setting that are read; the longest number has 24
AUTO = "auto"  # in a URL, for a setting that is None
_SETTINGS: dict[str, Callable[[str], Any]] = {
    "alpha": float, "eta": float, "tau": float, "k": lambda text: text if text == "silhouette" else int(text),
    "relative": float, "evidence": float, "share": float, "exclusive": float,
    "held_out": {"True": True, "False": False}.__getitem__,
}  # fmt: skip
_SHARED = (CASE, CLASS, *_SETTINGS)  # carried from page to page
RESET: dict[str, str | None] = dict.fromkeys((CLASS, *_SETTINGS))  # for another case, which has its own
_WRITTEN, _SEEN, _PAGE = "url_written", "url_seen", "page_seen"
_CONCLUSIONS = "conclusions_seen"


@dataclass(frozen=True)
class Linked:
    """The case's settings with those in the URL in their place; `ignored` lists the invalid ones."""

    settings: SelectionSettings
    ignored: tuple[str, ...]


def query() -> dict[str, str]:
    """The parameters that a link to this view carries."""
    return {name: st.query_params[name] for name in _SHARED if name in st.query_params}


def carry_over(page: str) -> None:
    """On a change of page within one case, carry over the last URL's parameters.

    The sidebar's links hold only the case: they were drawn before a slider moved.
    """
    before, st.session_state[_PAGE] = st.session_state.get(_PAGE), page
    seen: dict[str, str] = st.session_state.get(_SEEN, {})
    if before not in (None, page) and CASE in seen and st.query_params.get(CASE) == seen[CASE]:
        for name in seen.keys() - st.query_params.keys():
            st.query_params[name] = seen[name]
    remember(query())


def remember(parameters: dict[str, str]) -> None:
    """Note what the next page of the case takes over."""
    st.session_state[_SEEN] = parameters


def write(**values: str | float | None) -> None:
    """Put values in the URL; None removes one. Nothing is sent if nothing changes."""
    for name, value in values.items():
        text = None if value is None else shortest(value) if isinstance(value, float) else str(value)
        if text is None and name in st.query_params:
            del st.query_params[name]
        elif text is not None and st.query_params.get(name) != text:
            st.query_params[name] = text
        st.session_state.setdefault(_WRITTEN, {})[name] = text
    remember(query())


def switch_case(case_id: str | None) -> None:
    """Switch to another case and drop the last one's parameters."""
    st.query_params.from_dict({} if case_id is None else {CASE: case_id})
    st.session_state[_WRITTEN] = {}  # so that the widgets are filled from the URL again
    remember(query())


def arrived(name: str) -> bool:
    """Whether the URL's value is not the one that this session wrote: a link was followed, or the back button used."""
    known = st.session_state.setdefault(_WRITTEN, {})
    value = st.query_params.get(name)
    changed = name not in known or known[name] != value
    known[name] = value
    return changed


def case_id() -> str | None:
    """The case that the URL names."""
    return st.query_params.get(CASE)


def target_class(n_classes: int) -> tuple[int, str]:
    """The class in the URL, 0 by default, and the problem with it (empty if there is none)."""
    text = st.query_params.get(CLASS, "0")
    if text.isdecimal() and len(text) < 10 and int(text) < n_classes:
        return int(text), ""
    return 0, f"The link names class {text[:20]!r}; this suspect has classes 0 to {n_classes - 1}."


def linked_settings(default: SelectionSettings) -> Linked:
    """The case's settings with the URL's in their place; values out of range are left out and listed."""
    settings, ignored = default, []
    for name, parse in _SETTINGS.items():
        text = st.query_params.get(name)
        if text is None:
            continue
        try:
            value: Any = None if name in ("k", "evidence") and text == AUTO else parse(text[:_LONGEST])
            settings = replace(settings, **{name: value})
        except (ValueError, KeyError, OverflowError, SettingsError):
            ignored.append(f"{name} = {text[:20]!r}")
    return Linked(settings, tuple(ignored))


def settings_as_link(settings: SelectionSettings) -> dict[str, str]:
    """All settings as the parameters of a link."""
    values = {name: getattr(settings, name) for name in _SETTINGS}
    return {
        name: AUTO if value is None else shortest(value) if isinstance(value, float) else str(value)
        for name, value in values.items()
    }


def write_settings(settings: SelectionSettings) -> None:
    """Put all settings in the URL."""
    write(**settings_as_link(settings))


def forget_settings() -> None:
    """Take all settings out of the URL: those of the case apply."""
    write(**dict.fromkeys(_SETTINGS))


def settings_in_words(settings: SelectionSettings) -> str:
    """Such as "eta 6.5, alpha 0.7, tau 0.2, k auto, evidence auto, share 0.01, exclusive 0.35"."""
    k = AUTO if settings.k is None else settings.k
    names = ("eta", "alpha", "tau", "share", "exclusive")
    eta, alpha, tau, share, exclusive = (shortest(getattr(settings, name)) for name in names)
    words = f"eta {eta}, alpha {alpha}, tau {tau}, k {k}"
    if settings.without_limits:
        return f"{words}, no limits"
    halves = "" if settings.held_out else ", all images choose"
    evidence = AUTO if settings.evidence is None else shortest(settings.evidence)
    return f"{words}, evidence {evidence}, share {share}, exclusive {exclusive}{halves}"


def seen_conclusions(case: Case) -> SelectionSettings:
    """The settings of the conclusions that this session saw in the case when it opened it, or saved there since."""
    kept: dict[str, SelectionSettings] = st.session_state.setdefault(_CONCLUSIONS, {})
    return kept.setdefault(case.folder.name, selection_settings(case))


def note_conclusions(case: Case, settings: SelectionSettings) -> None:
    """Note that this session knows the case's conclusions with these settings."""
    st.session_state.setdefault(_CONCLUSIONS, {})[case.folder.name] = settings


def seed_widget(key: str, name: str, value: Any) -> None:
    """Set a widget's value before it is drawn: on its first run, and when the URL's `name` came from outside."""
    if arrived(name) or key not in st.session_state:
        st.session_state[key] = value


def fill_widgets(key: str, owner: str, values: Mapping[str, Any]) -> None:
    """Set widgets' values before they are drawn, once per owner; `key` remembers whose they are."""
    fresh, st.session_state[key] = st.session_state.get(key) != owner, owner
    for name, value in values.items():
        if fresh or name not in st.session_state:
            st.session_state[name] = value


def shown_settings(case: Case) -> SelectionSettings:
    """The settings shown: the case's, with the URL's in their place."""
    return linked_settings(selection_settings(case)).settings
