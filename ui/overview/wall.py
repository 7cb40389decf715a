"""The wall: a row for each class with its pictures, its name, the matched label and L as a bar. One component draws
all rows, because sixty widgets on a page are slow."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from fdcore.verdict.overview import N_PICTURES, Row
from fdcore.verdict.reasons import reason_for
from ui.text import shortened

MAX_LEAVES = 8  # named below a class's name

_HTML = '<div class="wall" role="list"></div>'

_CSS = """
:host { display: block; font-family: var(--st-font); color: var(--st-text-color); container-type: inline-size; }
.row { display: grid; align-items: center; column-gap: 14px; min-height: 58px; padding: 4px 0;
  grid-template-columns: 2.2em auto minmax(150px, 1fr) minmax(80px, 0.55fr) 190px;
  border-bottom: 1px solid color-mix(in srgb, var(--st-text-color) 14%, transparent); }
.number { text-align: right; opacity: 0.7; font-variant-numeric: tabular-nums; }
.strip { display: flex; gap: 2px; width: 298px; }
.tile { width: 48px; height: 48px; padding: 0; border: 0; border-radius: 4px; cursor: zoom-in;
  background-color: var(--st-secondary-background-color); background-size: auto 48px; }
.none { font-size: 12px; opacity: 0.7; align-self: center; }
.missing .tile { filter: grayscale(1); opacity: 0.65; }
.name { font: inherit; font-weight: 650; color: inherit; background: none; border: 0; padding: 0; text-align: left;
  cursor: pointer; overflow-wrap: anywhere; }
.name:hover { color: var(--st-primary-color); text-decoration: underline; }
.missing .name { font-weight: 400; opacity: 0.8; }
.leaves { font-size: 12px; opacity: 0.72; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.what { min-width: 0; }
.chips { display: flex; flex-wrap: wrap; gap: 4px; margin-top: 2px; }
.chip { font-size: 11px; line-height: 16px; padding: 0 7px; border-radius: 8px;
  border: 1px solid color-mix(in srgb, var(--amber) 60%, transparent);
  background: color-mix(in srgb, var(--amber) 12%, transparent); }
.chip.plain { border-color: color-mix(in srgb, var(--st-text-color) 30%, transparent); background: none; }
.title { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: 10px; }
.title > .matched { display: none; }
.matched { overflow-wrap: anywhere; font-size: 13px; }
.yes::before { content: "✓ "; color: var(--green); font-weight: 700; }
.no::before { content: "≠ "; font-weight: 700; }
.no, .open { opacity: 0.72; }
.bar { position: relative; height: 11px; border-radius: 4px; overflow: visible;
  background: color-mix(in srgb, var(--st-text-color) 9%, transparent); }
.fill { position: absolute; inset: 0 auto 0 0; border-radius: 4px; }
.whisker { position: absolute; top: 5px; height: 1px; background: var(--st-text-color); }
.tau { position: absolute; top: -2px; bottom: -2px; width: 1px; background: var(--st-text-color); opacity: 0.7; }
.score { font-size: 12px; margin-top: 3px; font-variant-numeric: tabular-nums; }
.wall { --amber: #b26a00; --green: #1a7f4e; --certain: var(--st-primary-color);
  --likely: color-mix(in srgb, var(--st-primary-color) 62%, var(--st-background-color)); --grey: #8a929c; }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
@container (max-width: 860px) {
  .row { grid-template-columns: 2.2em auto minmax(0, 1fr) 150px; column-gap: 12px; min-height: 50px; }
  .strip { width: 250px; } .tile { width: 40px; height: 40px; background-size: auto 40px; }
  .row > .matched { display: none; } .title > .matched { display: block; }
}
@container (max-width: 640px) { .strip { width: 124px; } .tile:nth-child(n + 4) { display: none; } }
@container (max-width: 480px) {
  .row { grid-template-columns: 2.2em minmax(0, 1fr); row-gap: 4px; padding: 8px 0; }
  .row > * { grid-column: 2; } .row > .number { grid-column: 1; }
}
"""

_JS = """
const COLOURS = { certain: "--certain", "by hand": "--certain", likely: "--likely", ungraded: "--likely",
                  weak: "--amber", "not found": "--grey" };

const element = (kind, name, text) => {
  const made = document.createElement(kind);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};

const matched = row => {
  const label = element("div", `matched ${row.agrees === null ? "open" : row.agrees ? "yes" : "no"}`, row.matched);
  label.title = row.agrees === false ? "Another label of the set fits better or as well" : "";
  return label;
};

const bar = (row, tau) => {
  const measure = element("div", "measure");
  if (row.score === null) return measure;
  const track = element("div", "bar"), fill = element("div", "fill"), whisker = element("div", "whisker");
  fill.style.width = `${100 * row.score}%`;
  fill.style.background = `var(${COLOURS[row.certainty]})`;
  whisker.style.left = `${100 * row.low}%`;
  whisker.style.width = `${100 * (row.high - row.low)}%`;
  const line = element("div", "tau");
  line.style.left = `${100 * tau}%`;
  line.title = "tau, the lowest score of a candidate";
  track.append(fill, whisker, line);
  const score = element("div", "score", row.in_words);
  score.title = row.why;
  measure.append(track, score);
  return measure;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const wall = parentElement.querySelector(".wall");
  const rows = data.rows.map(row => {
    const drawn = element("div", row.certainty === "not found" ? "row missing" : "row");
    drawn.setAttribute("role", "listitem");
    const strip = element("div", "strip");
    for (let place = 0; place < row.pictures.length; place++) {
      const tile = element("button", "tile");
      tile.style.backgroundImage = `url(${row.strip})`;
      tile.style.backgroundPosition = `${row.pictures.length > 1 ? 100 * place / (row.pictures.length - 1) : 0}% 0`;
      tile.setAttribute("aria-label", `Picture ${place + 1} of class ${row.number}`);
      tile.onclick = () => setTriggerValue("opened", { number: row.number, picture: row.pictures[place] });
      strip.append(tile);
    }
    if (!row.pictures.length) strip.append(element("span", "none", data.without_pictures));
    const what = element("div", "what"), name = element("button", "name", row.name);
    name.title = row.all_leaves;
    name.onclick = () => setTriggerValue("opened", { number: row.number, picture: null });
    const title = element("div", "title");
    title.append(name, matched(row));
    what.append(title, element("div", "leaves", row.leaves));
    const chips = element("div", "chips");
    for (const [text, kind, title] of row.chips) {
      const chip = element("span", kind === "plain" ? "chip plain" : "chip", text);
      chip.title = title;
      chips.append(chip);
    }
    if (row.chips.length) what.append(chips);
    drawn.append(element("div", "number", row.number), strip, what, matched(row), bar(row, data.tau));
    return drawn;
  });
  wall.replaceChildren(...rows);
  return () => {};
}
"""

_mount = st.components.v2.component("fdcore.wall", html=_HTML, css=_CSS, js=_JS)


def draw_wall(
    rows: Sequence[Row],
    pictures: Mapping[int, Sequence[int]],
    strips: Mapping[int, str],
    *,
    tau: float,
    key: str,
    on_open: Callable[[int, int | None], None],
) -> None:
    """Draw the rows.

    Args:
        pictures: the images shown of each class, as indices of the corpus' images.
        strips: `fdcore.report.strips.strip_of` these; a class without one shows no pictures.
        on_open: called with the class that was clicked, and the image or None.
    """
    data = {
        "rows": [_as_data(row, pictures.get(row.target_class, ()), strips.get(row.target_class, "")) for row in rows],
        "tau": tau,
        "without_pictures": "" if strips else "pictures not in the cache",
    }
    clicked = _mount(key=key, data=data, on_opened_change=lambda: None).opened
    number = clicked.get("number") if isinstance(clicked, dict) else None
    if isinstance(number, int) and any(row.target_class == number for row in rows):
        picture = clicked.get("picture")
        on_open(number, picture if picture in pictures.get(number, ()) else None)


def _as_data(row: Row, pictures: Sequence[int], strip: str) -> dict[str, Any]:
    leaves = shortened(", ".join(row.leaves[:MAX_LEAVES]), 160)
    interval = f"{row.functional:.2f} ({row.low:.2f} to {row.high:.2f})"
    return {
        "number": row.target_class,
        "certainty": row.certainty,
        "pictures": list(pictures[:N_PICTURES]) if strip else [],
        "strip": strip,
        "name": shortened(row.name, 80) if row.found else "not found",
        "leaves": (leaves if row.leaves != (row.name,) else "") if row.found else _nearest(row),
        "all_leaves": shortened(", ".join(row.leaves), 600) if row.found else row.why_not,
        "chips": [*([reason_for(caveat).short, "", reason_for(caveat).why] for caveat in row.caveats),
                  *([[f"without it: {shortened(row.without, 40)}", "plain",
                      "What is found where these leaves and their relatives are taken away"]] if row.without else [])],
        "matched": shortened(row.matched, 60),
        "agrees": row.agrees,
        "score": None if math.isnan(row.functional) else row.functional,
        "low": None if math.isnan(row.low) else row.low,
        "high": None if math.isnan(row.high) else row.high,
        "why": shortened(row.grade_rests_on, 300),
        "in_words": f"{interval} · {row.certainty}" if row.found else interval,
    }  # fmt: skip


def _nearest(row: Row) -> str:
    return f"nearest: {shortened(row.name, 60)}" if row.name else row.why_not
