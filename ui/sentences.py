"""Errors that the analyst can correct, as messages: in a page and in its fragments."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

import streamlit as st

from fdcore.errors import FdError
from ui.text import inert


def show_error(error: FdError) -> None:
    """Show an error as a message; the page continues."""
    st.error(inert(str(error)), icon=":material/error:")


def attempt(action: Callable[[], object], *, spinner: str = "", toast: bool = False) -> bool:
    """Whether an action succeeded; if not, the reason is shown here, or as a toast."""
    try:
        with st.spinner(spinner) if spinner else nullcontext():
            action()
    except FdError as error:
        if toast:
            st.toast(inert(str(error)), icon=":material/error:")
        else:
            show_error(error)
        return False
    return True


def fragment(*, run_every: float | None = None, key: str | None = None) -> Callable[[Callable[..., None]], Any]:
    """`st.fragment` whose errors become messages: its page does not see them when the fragment alone runs again."""

    def decorate(function: Callable[..., None]) -> Any:
        @wraps(function)
        def guarded(*arguments: Any, **named: Any) -> None:
            try:
                function(*arguments, **named)
            except FdError as error:
                show_error(error)

        return st.fragment(run_every=run_every, key=key)(guarded)

    return decorate
