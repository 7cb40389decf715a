"""Keys for the whole page: next and previous class, search, glossary; none acts while somebody types."""

from collections.abc import Callable

import streamlit as st

_JS = """
const TYPING = "input, textarea, select, [contenteditable=true], [data-testid=stDataFrame], [role=dialog]";
const SEARCHES = ["search", "class_picker", "case_switch"].map(one => `[class*='st-key-'][class*='${one}'] input`);

export default function ({ data, setTriggerValue, parentElement }) {
  const search = () => SEARCHES.flatMap(one => [...document.querySelectorAll(one)])
    .find(field => field.checkVisibility());
  const pressed = event => {
    const [at] = event.composedPath();
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!(at instanceof Element) || at.closest(TYPING) || document.querySelector("[role=dialog]")) return;
    if (event.key === "/" && search()) { event.preventDefault(); search().focus(); }
    if (event.key === "?") setTriggerValue("asked", true);
    if (data.classes && (event.key === "n" || event.key === "p")) setTriggerValue("step", event.key === "n" ? 1 : -1);
  };
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}
"""

_KEY = "keys"
_mount = st.components.v2.component("fdcore.keys", html="<span></span>", js=_JS)


def listen(*, on_step: Callable[[int], None] | None) -> bool:
    """Listen to the keys; whether the glossary was asked for.

    Args:
        on_step: called with 1 for the next class or -1 for the previous one; None on a page without a class.
    """

    def stepped() -> None:
        if on_step and (step := st.session_state[_KEY].step):
            on_step(int(step))

    found = _mount(key=_KEY, data={"classes": on_step is not None}, height=1, on_step_change=stepped,
                   on_asked_change=lambda: None)  # fmt: skip
    return bool(found.asked)
