"""A small drawing in the page's own colours, from circles, boxes, lines and words; light and dark."""

from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

Shape = dict[str, Any]
Colour = Literal["ink", "faint", "accent", "second", "none"]

WIDTH, HEIGHT = 240, 110

_CSS = """
svg { display: block; width: 100%; max-width: 340px; height: auto; font-family: var(--st-font); }
.ink { --c: var(--st-text-color); }
.faint { --c: color-mix(in srgb, var(--st-text-color) 35%, var(--st-background-color)); }
.accent { --c: var(--st-primary-color); }
.second { --c: #D55E00; }
.none { --c: none; }
circle, rect { fill: var(--c); stroke: none; }
.open { fill: none; stroke: var(--c); stroke-width: 1.5; }
line { stroke: var(--c); stroke-width: 1.5; }
.dashed { stroke-dasharray: 4 3; }
text { fill: var(--st-text-color); font-size: 11px; }
"""

_JS = """
export default function ({ data, parentElement }) {
  const svg = parentElement.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  svg.setAttribute("aria-label", data.alt);
  svg.replaceChildren(...data.shapes.map(({ tag, words, ...values }) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(values)) shape.setAttribute(name, value);
    if (words) shape.textContent = words;
    return shape;
  }));
}
"""

_mount = st.components.v2.component("fdcore.drawing", html='<svg role="img"></svg>', css=_CSS, js=_JS)


def draw(shapes: Sequence[Shape], alt: str, key: str) -> None:
    """Draw shapes on a field of `WIDTH` by `HEIGHT` units; `alt` says what they show."""
    _mount(key=key, data={"shapes": list(shapes), "alt": alt, "width": WIDTH, "height": HEIGHT})


def dot(x: float, y: float, radius: float = 5, colour: Colour = "accent", *, is_open: bool = False) -> Shape:
    """A circle, filled or open."""
    return {"tag": "circle", "cx": x, "cy": y, "r": radius, "class": f"{colour} open" if is_open else colour}


def box(x: float, y: float, width: float, height: float, colour: Colour = "accent", *, is_open: bool = False) -> Shape:
    """A rectangle, filled or open."""
    shape = {"tag": "rect", "x": x, "y": y, "width": width, "height": height, "rx": 3}
    return shape | {"class": f"{colour} open" if is_open else colour}


def line(x1: float, y1: float, x2: float, y2: float, colour: Colour = "faint", *, dashed: bool = False) -> Shape:
    """A line."""
    kind = f"{colour} dashed" if dashed else colour
    return {"tag": "line", "x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": kind}


def words(x: float, y: float, text: str, anchor: Literal["start", "middle", "end"] = "middle") -> Shape:
    """A short text; `y` is its base line."""
    return {"tag": "text", "x": x, "y": y, "text-anchor": anchor, "words": text}
