"""Claims while they are edited: a draft until they are saved in the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from fdcore.words.claims import Claims, cleaned

BY_HAND = "entered by hand"
_CHANGED = ", changed by hand"
_DRAFT, _BEFORE, _VERSION = "claims_draft", "claims_before", "claims_version"
OPEN = "claims_open"  # key of the toggle that shows the editor


@dataclass(frozen=True)
class _Held:
    case_id: str
    claims: Claims


def begin(case_id: str, kept: Claims) -> tuple[Claims, int]:
    """The editor's initial claims, the draft or else the saved ones, and their version.

    The version changes whenever the editor must forget what was typed into it.
    """
    held = _held(_DRAFT, case_id)
    return kept if held is None else held, int(st.session_state.get(_VERSION, 0))


def put(case_id: str, claims: Claims) -> None:
    """Start a new draft with these claims."""
    st.session_state[_DRAFT] = _Held(case_id, claims)
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1
    st.session_state[OPEN] = True


def drop() -> None:
    """Drop the draft and return to the saved claims."""
    st.session_state.pop(_DRAFT, None)
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1


def remember(case_id: str, claims: Claims) -> None:
    """Remember a case's saved claims before they are replaced."""
    st.session_state[_BEFORE] = _Held(case_id, claims)


def remembered(case_id: str) -> Claims | None:
    """The claims saved before; None if nothing was replaced."""
    return _held(_BEFORE, case_id)


def edited(base: Claims, rows: Mapping[int, Any]) -> Claims:
    """The editor's claims: `base` with the texts of the shown `rows`, empty or None for no claim."""
    names = dict(base.names)
    for target, text in rows.items():
        claim = cleaned(text) if isinstance(text, str) else ""
        if claim:
            names[target] = claim
        else:
            names.pop(target, None)
    if names == dict(base.names):
        return base
    source = base.source if base.source.endswith((_CHANGED, BY_HAND)) else f"{base.source}{_CHANGED}"
    return Claims(dict(sorted(names.items())), (source if base.source else BY_HAND) if names else "")


def _held(key: str, case_id: str) -> Claims | None:
    held = st.session_state.get(key)
    return held.claims if isinstance(held, _Held) and held.case_id == case_id else None
