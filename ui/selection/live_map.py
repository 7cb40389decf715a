"""The stability map, which follows a slider: redrawn on a canvas.

`st.plotly_chart` replaces a chart whenever its figure changes, which takes a tenth of a second and loses the zoom. A
canvas is drawn in a few milliseconds. Downloaded figures are Plotly's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

_HTML = """
<div class="figure">
  <canvas role="img"></canvas>
  <button type="button" aria-label="Save as a picture (PNG)" title="Save as a picture (PNG)">
    <svg viewBox="0 0 24 24" aria-hidden="true" fill-rule="evenodd">
      <path d="M3 7h4.5l2-2.5h5l2 2.5H21v12.5H3z M12 9a4 4 0 1 0 0 8 4 4 0 0 0 0-8z"/>
    </svg>
  </button>
  <div class="tip" hidden></div>
</div>
"""

_CSS = """
:host { display: block; }
.figure { position: relative; font-family: var(--st-font); color: var(--st-text-color); }
canvas { display: block; width: 100%; }
button {
  position: absolute; top: 0; right: 0; padding: 3px; line-height: 0; border: 0; border-radius: 4px;
  background: none; color: inherit; opacity: 0.45; cursor: pointer;
}
button:hover, button:focus-visible { opacity: 1; }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
svg { width: 18px; height: 18px; fill: currentColor; }
.tip {
  position: absolute; z-index: 10; max-width: min(22rem, 90%); padding: 5px 9px; pointer-events: none;
  font-size: 12px; overflow-wrap: anywhere; border: 1px solid var(--st-border-color); border-radius: 6px;
  background: var(--st-background-color); box-shadow: 0 1px 4px rgb(0 0 0 / 0.2);
}
.tip[hidden] { display: none; }
.tip div:first-child { font-weight: 600; }
"""


_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_mount = st.components.v2.component("fdcore.live_map", html=_HTML, css=_CSS, js=_SCRIPT)


def live_map(data: Mapping[str, Any], *, key: str) -> None:
    """Draw the stability map of `figures.map_to_follow`."""
    _mount(key=key, data=dict(data))
