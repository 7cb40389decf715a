"""The verdict in one picture: the head, and below it the wall with its filters. Case and Report begin with it."""

import math
from collections.abc import Callable, Sequence

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import pixels_of
from fdcore.method.findings import Findings
from fdcore.report.strips import strip_of
from fdcore.verdict.overview import CERTAINTIES, Overview, Row, pictures_of
from ui import cached, frame, state
from ui.frame import Desk
from ui.overview.wall import draw_wall
from ui.panels import page_of
from ui.text import counted
from ui.workbench.picked import IMAGE, PICKS, codes_of

PER_PAGE = 40
_ALL, _CAVEATS = "all", "caveats"
_SORTS: dict[str, Callable[[Row], tuple[object, ...]]] = {
    "certainty": lambda row: (CERTAINTIES.index(row.certainty), _descending(row.functional), row.target_class),
    "class number": lambda row: (row.target_class,),
    "domain": lambda row: (not row.found, row.domain or "~", _descending(row.functional)),
}
MANY = 40  # classes from which on the surest come first


def wall(desk: Desk, findings: Findings, overview: Overview) -> None:
    """The filters and the rows that they leave, in pages."""
    with st.container(horizontal=True, vertical_alignment="center", key="wall_filter"):
        chosen = _filter(overview)
        order = st.selectbox(
            "Order", list(_SORTS), key="wall_order", label_visibility="collapsed", width=165,
            index=0 if len(overview.rows) > MANY else 1, format_func=lambda name: f"By {name}",
        )  # fmt: skip
    rows = sorted(_chosen(overview.rows, chosen), key=_SORTS[order])
    found, missing = [row for row in rows if row.found], [row for row in rows if not row.found]
    if chosen == _ALL and len(rows) > MANY and found and missing:  # the others are folded into one line
        shown = st.session_state.get("wall_missing", False)
        rows = [*found, *(missing if shown else [])]
    place = st.container()
    page = [rows[number] for number in page_of(len(rows), PER_PAGE, f"wall_page_{chosen}_{order}")]
    with place:
        _rows(desk, findings, overview, page)
    if chosen == _ALL and len(overview.rows) > MANY and found and missing:
        st.toggle(f"Show {counted(len(missing), 'class', 'classes')} not found", key="wall_missing")


def _filter(overview: Overview) -> str:
    counts = overview.counts
    n: dict[str, int] = {_ALL: len(overview.rows)}
    n |= {word: counts[word] for word in CERTAINTIES}
    n[_CAVEATS] = sum(bool(row.caveats) for row in overview.rows)
    options = [name for name, count in n.items() if count]
    if st.session_state.get("wall_shown") not in options:
        st.session_state["wall_shown"] = _ALL
    named = {_CAVEATS: "With caveats"}
    chosen = st.pills(
        "Classes", options, key="wall_shown", label_visibility="collapsed", required=True, width="content",
        format_func=lambda name: f"{named.get(name, name.capitalize())} {n.get(name, 0):,}",
    )  # fmt: skip
    return chosen or _ALL


def _chosen(rows: Sequence[Row], chosen: str) -> list[Row]:
    if chosen == _ALL:
        return list(rows)
    return [row for row in rows if (row.caveats if chosen == _CAVEATS else row.certainty == chosen)]


def _rows(desk: Desk, findings: Findings, overview: Overview, rows: Sequence[Row]) -> None:
    pictures = {
        row.target_class: pictures_of(findings.scored, findings.classes[row.target_class]) if row.name else []
        for row in rows
    }
    strips = strips_of(desk.case, desk, pictures)

    def opened(number: int, image: int | None) -> None:
        code = None if image is None else codes_of(desk.case, findings.scored)[image]
        frame.go_to("Selection", **dict.fromkeys(PICKS) | {state.CLASS: str(number), IMAGE: code})

    draw_wall(rows, pictures, strips, tau=overview.tau, key="wall", on_open=opened)


def strips_of(case: Case, desk: Desk, pictures: dict[int, list[int]]) -> dict[int, str]:
    """The pictures of each class side by side; empty where the cache lacks them."""
    cache = desk.places.cache

    def make() -> dict[int, str]:
        pixels = pixels_of(case, cache)
        if pixels is None:
            return {}
        return {number: strip_of([pixels[image] for image in images]) for number, images in pictures.items() if images}

    return cached.made(case, f"strips {cache} {sorted(pictures.items())}", make)


def _descending(value: float) -> float:
    return math.inf if math.isnan(value) else -value
