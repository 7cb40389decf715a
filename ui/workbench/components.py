"""The small custom components of the workbench: a list of classes, bars, a grid of pictures, a map of cells.

Each is one element for Streamlit, however many marks it draws. Every text is set as text, so that a name cannot be
markup, and every mark is reached with the keyboard.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).resolve().parent


def _read(file: str) -> str:
    return (_HERE / file).read_text(encoding="utf-8")


class Component:
    """The component in `name`.js; its root is a `<div class="name">`, and all share marks.css and marks.js."""

    def __init__(self, name: str) -> None:
        script = "\n".join((_read("marks.js"), _read(f"{name}.js")))
        html = f'<div class="{name}"></div>'
        self._mount = st.components.v2.component(f"fdcore.{name}", html=html, css=_read("marks.css"), js=script)

    def __call__(self, data: Mapping[str, Any], *, key: str, **on: Callable[[Any], None]) -> None:
        """Draw it.

        Args:
            data: what it shows.
            key: Streamlit's; the page finds the component by it.
            on: what to call with the value of the trigger of this name, before the script runs again. The value comes
                from the browser and is untrusted.
        """
        heard: dict[str, Any] = {
            f"on_{trigger}_change": lambda trigger=trigger: on[trigger](_value(key, trigger)) for trigger in on
        }
        self._mount(key=key, data=dict(data), **heard)


def _value(key: str, trigger: str) -> Any:
    return getattr(st.session_state[key], trigger, None)


class_list, leaf_bars, picture_grid, cell_map = map(Component, ("class_list", "leaf_bars", "picture_grid", "cell_map"))
