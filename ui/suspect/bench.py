"""Which reading of the file is right? What its answers to the same pictures say, reading by reading."""

import streamlit as st

from fdcore.case import layout
from fdcore.case.readings import Reading, Readings, read_readings, reading_in_words, take_reading
from fdcore.tables import to_csv
from ui import frame
from ui.frame import Desk
from ui.text import counted, inert, shortened

_WIDTHS = (4, 5, 3, 4)
_PICTURE_PX = 52
_COLUMNS = ("reading", "bits", "behind", "error", "alike", "classes used", "found", "label set", "queries")


def draw(desk: Desk, *, locked: bool) -> None:
    """The comparison, or the button that starts it; `locked` fixes the reading.

    Raises:
        CaseError: the record of the comparison is damaged.
    """
    found = read_readings(desk.case)
    with st.container(border=True, key="readings"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**Which reading is right?**", width="content")
            if not locked:
                _start(desk, again=found is not None)
        if found is None:
            st.text(
                "A file seldom says how its pictures were prepared. Each reading that it allows can be sent the same "
                "few images of the corpus; under the right one, answers say most about what is on the images."
            )
            return
        sent = sum(one.n_queries for one in found.readings)
        st.caption(
            f"{counted(len(found.readings), 'reading')}, each sent the same {found.n_images:,} images of "
            f"{found.n_leaves:,} leaves in {found.n_views} views; {counted(sent, 'query', 'queries')} in the last "
            "comparison."
        )
        _table(desk, found, locked=locked)
        look = st.success if found.ahead else st.warning
        look(inert(reading_in_words(found)), icon=":material/check:" if found.ahead else ":material/help:")
        for name, reason in found.not_opened:
            st.caption(f"{inert(name)} is not possible: {inert(shortened(reason, 200))}")


def _start(desk: Desk, *, again: bool) -> None:
    if not desk.case.plan().corpora:
        if st.button("Choose a corpus first", key="readings_corpus", type="tertiary", icon=":material/arrow_forward:"):
            frame.go_to("Corpus")
        return
    if st.button("Compare again" if again else "Compare readings", key="compare_readings", disabled=desk.busy,
                 icon=":material/balance:", help="Up to eight readings, 2,400 queries each; close ones more. All of "
                 "them count against the budget."):  # fmt: skip
        frame.start_work(desk, "readings", by=desk.by)


def _table(desk: Desk, found: Readings, *, locked: bool) -> None:
    shares = (*_WIDTHS, *[1] * len(found.pictures), 3)
    head = st.columns(shares, vertical_alignment="bottom", gap="small")
    for column, title in zip(
        head, ("Reading", "What answers say about the leaf", "Classes", "Label set"), strict=False
    ):
        column.caption(title)
    for number, column in enumerate(head[len(_WIDTHS) : -1]):
        path = desk.case.path(layout.READING_PICTURE.format(number))
        if path.is_file():
            column.image(str(path), width=_PICTURE_PX)
    most = max((one.bits for one in found.readings), default=0.0)
    for place, one in enumerate(found.readings):
        _row(desk, found, one, place, shares=shares, most=most, locked=locked)


def _row(
    desk: Desk, found: Readings, one: Reading, place: int, *, shares: tuple[int, ...], most: float, locked: bool
) -> None:
    name, bits, used, label_set, *answers, action = st.columns(shares, vertical_alignment="center", gap="small")
    shown = inert(shortened(one.name, 60))
    name.markdown(f"**{shown}**" if place == 0 else shown)
    behind = f", {one.behind[0]:.2f} ± {one.behind[1]:.2f} behind" if any(one.behind) else ""
    bits.progress(min(max(one.bits, 0.0) / most, 1.0) if most > 0 else 0.0, text=f"{one.bits:.2f} bits{behind}")
    used.text(f"{one.n_used} of {one.n_classes}")
    label_set.text(shortened(one.label_set, 60) or "none agrees")
    for column, answer in zip(answers, one.shown, strict=False):
        column.text(str(answer) if answer >= 0 else "")
    with action:
        if found.taken == one.name:
            st.badge("Taken", icon=":material/check:", color="green")
        elif not locked and st.button("Take", key=f"take_{place}", disabled=desk.busy,
                                      type="primary" if place == 0 and found.ahead else "tertiary"):  # fmt: skip
            desk.require_idle()
            take_reading(desk.case, one.name, by=desk.by)
            frame.start_work(desk, "suspect", source=None, samples=[])


def readings_csv(found: Readings) -> bytes:
    """A row for each reading."""
    rows = (
        {
            "reading": one.name, "bits": round(one.bits, 4), "behind": round(one.behind[0], 4),
            "error": round(one.behind[1], 4), "alike": round(one.alike, 4), "classes used": one.n_used,
            "found": one.n_found, "label set": one.label_set, "queries": one.n_queries,
        }
        for one in found.readings
    )  # fmt: skip
    return to_csv(_COLUMNS, rows)
