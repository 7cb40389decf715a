"""A slider that is live while it is dragged: the page follows as fast as it can be drawn.

Streamlit's own slider reports its value only on release. This one sends it while it moves, and holds the next value
back until the page has answered the last: draw it as the last element of its fragment, into a container reserved above.
It also reports when it rests, for what is too slow to follow.
"""

from collections.abc import Callable

import streamlit as st

_HTML = """
<label class="row"><span class="name"></span><output></output></label>
<input type="range">
<div class="ends"><span class="low"></span><span class="high"></span></div>
"""

_CSS = """
:host { display: block; font-family: var(--st-font); color: var(--st-text-color); }
.row { display: flex; justify-content: space-between; align-items: baseline; font-size: 0.875rem; }
output { font-variant-numeric: tabular-nums; font-weight: 600; color: var(--st-primary-color); }
input { width: 100%; margin: 0.4rem 0 0.1rem; accent-color: var(--st-primary-color); cursor: pointer; }
input:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 4px; border-radius: 4px; }
.ends { display: flex; justify-content: space-between; font-size: 0.75rem; opacity: 0.7; }
"""

_JS = """
const ANSWER_MS = 1500;   // how long to wait for an answer that may be lost
const RESTING_MS = 400;   // after which the page's value applies again
const ELSEWHERE_MS = 600; // a click elsewhere is answered before the slider reports that it rests

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component;
  const input = parentElement.querySelector("input");
  const output = parentElement.querySelector("output");
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const show = value => write(output, value + data.unit);
  const memory = input.memory ??= { moved: 0, sent: null, sentAt: 0, timer: null, resting: null, stirred: false };

  const rest = () => {
    memory.resting = null;
    if (!memory.stirred || memory.timer !== null || memory.sent !== null) return;
    memory.stirred = false;
    setTriggerValue("rested", true);
  };

  const send = () => {
    clearTimeout(memory.timer);
    memory.timer = null;
    const value = Number(input.value);
    const waiting = memory.sent !== null && Date.now() - memory.sentAt < ANSWER_MS;
    if (waiting) { memory.timer = setTimeout(send, 50); return; }
    if (value === memory.value) return;
    memory.sent = value; memory.sentAt = Date.now(); memory.stirred = true;
    memory.setStateValue("value", [value, Date.now()]);  // with the time: the same value twice would change nothing
  };

  const apply = () => {
    const waiting = memory.sent !== null && Date.now() - memory.sentAt < ANSWER_MS;
    if (Date.now() - memory.moved <= RESTING_MS || waiting || memory.timer !== null) {
      memory.later = setTimeout(apply, RESTING_MS);
      return;
    }
    input.value = memory.value;
    show(memory.shown);
  };

  const elsewhere = () => {
    if (!input.isConnected) window.removeEventListener("pointerdown", elsewhere, true);
    if (memory.resting === null) return;
    clearTimeout(memory.resting);
    memory.resting = setTimeout(memory.rest, ELSEWHERE_MS);
  };

  if (!memory.listening) window.addEventListener("pointerdown", elsewhere, true);
  memory.listening = true;
  memory.rest = rest;
  memory.setStateValue = setStateValue;
  memory.value = data.value; memory.shown = data.shown;
  if (memory.sent !== null && Math.abs(memory.sent - data.value) < 1e-9) memory.sent = null;
  clearTimeout(memory.resting);
  const still = data.patience !== null && memory.sent === null && memory.stirred;
  memory.resting = still ? setTimeout(rest, data.patience) : null;
  write(parentElement.querySelector(".name"), data.label);
  write(parentElement.querySelector(".low"), data.low);
  write(parentElement.querySelector(".high"), data.high);
  input.min = data.min; input.max = data.max; input.step = data.step;
  input.setAttribute("aria-label", data.label);
  input.title = data.help;
  clearTimeout(memory.later);
  apply();
  input.oninput = () => {
    memory.moved = Date.now();
    clearTimeout(memory.resting);
    show(Number(input.value).toFixed(data.digits));
    send();
  };
  input.onchange = input.oninput;
  return () => {};
}
"""

_mount = st.components.v2.component("fdcore.live_slider", html=_HTML, css=_CSS, js=_JS)


def live_slider(
    label: str, *, key: str, value: float, low: float, high: float, step: float, on_move: Callable[[float], None],
    on_rest: Callable[[], None] | None = None, patience_ms: int = 0, ends: tuple[str, str] = ("", ""), unit: str = "",
    help: str = "",
) -> None:  # fmt: skip
    """Draw the slider; `on_move` is called with the new value before the fragment runs again.

    Args:
        value: its position, whatever the browser reports.
        on_rest: called once the page has answered and the slider has not moved for `patience_ms` after that. Without
            it nothing is sent at rest, which would redraw the fragment for nothing.
        ends: what `low` and `high` mean.
        unit: appended to the value, such as " steps".
    """
    digits = len(f"{step:g}".partition(".")[2])

    def moved() -> None:
        chosen = st.session_state[key].value
        if isinstance(chosen, list) and chosen and isinstance(chosen[0], int | float):
            on_move(round(min(max(float(chosen[0]), low), high), digits))

    shown = f"{value:.{digits}f}" if round(value, digits) == value else f"{value:g}"
    data = {"label": label, "value": value, "shown": shown, "min": low, "max": high, "step": step, "digits": digits,
            "unit": unit, "low": ends[0], "high": ends[1], "help": help,
            "patience": patience_ms if on_rest else None}  # fmt: skip
    _mount(
        key=key,
        data=data,
        default={"value": [value, 0]},
        on_value_change=moved,
        on_rested_change=on_rest or (lambda: None),
    )
