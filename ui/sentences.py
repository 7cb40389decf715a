"""Errors that the analyst can mend, as sentences: in a page, and in the parts of it that run again by themselves."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

import streamlit as st

from fdcore.errors import FdError
from ui.text import inert


def show_error(error: FdError) -> None:
    """An error as a sentence; the program goes on."""
    st.error(inert(str(error)), icon=":material/error:")


def attempt(action: Callable[[], object], *, spinner: str = "", toast: bool = False) -> bool:
    """Whether something that the analyst wants could be done; where not, why is said here, or in passing."""
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
    """`st.fragment` whose errors become sentences: where a part runs again by itself, its page does not see them."""

    def decorate(function: Callable[..., None]) -> Any:
        @wraps(function)
        def guarded(*arguments: Any, **named: Any) -> None:
            try:
                function(*arguments, **named)
            except FdError as error:
                show_error(error)

        return st.fragment(run_every=run_every, key=key)(guarded)

    return decorate
