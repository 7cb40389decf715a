"""Which reading of the file is right? What its answers to the same pictures say, reading by reading."""

import streamlit as st

from fdcore.case import layout
from fdcore.case.readings import Reading, Readings, read_readings, reading_in_words, take_reading
from fdcore.case.spending import budget_left
from fdcore.tables import to_csv
from fdcore.work.readings import N_VIEWS, ReadingsCost, cost_of_readings
from ui import cached, frame, job_panel
from ui.frame import Desk
from ui.new_case import about_this_suspect
from ui.suspect.options import reading_meaning
from ui.text import counted, inert, shortened

_WIDTHS = (4, 5, 3, 4)
_PICTURE_PX = 52
_COLUMNS = ("reading", "bits", "behind", "error", "alike", "classes used", "found", "label set", "queries")


def draw(desk: Desk, *, locked: bool) -> None:
    """The comparison, or the button that starts it; `locked` fixes the reading.

    Raises:
        CaseError: the record of the comparison is damaged.
    """
    if desk.case.facts().kind == "text":
        return  # texts are sent unchanged, so no readings can be compared
    found, job = read_readings(desk.case), desk.newest_job("readings")
    with st.container(border=True, key="readings"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**Which reading is right?**", width="content")
            if locked:
                if st.button("New case with this suspect", key="new_with_suspect", icon=":material/add:"):
                    about_this_suspect(desk, "new options", page="Suspect")
            elif not (job and job.active):
                _start(desk, again=found is not None)
        if job and job.active:
            job_panel.live_bar(desk.jobs, job)
        elif not locked:
            _cost(desk)
        if locked:
            st.text(
                "The suspect has been queried with the corpus, and its answers belong to these options"
                + ("." if found else "; other readings are compared in a new case.")
            )
        elif found is None:
            st.text(
                "A file seldom says how its pictures were prepared. Each reading that it allows can be sent the same "
                "few images of the corpus; under the right one, answers say most about what is on the images."
            )
        if found is None:
            return
        sent = sum(one.n_queries for one in found.readings)
        st.caption(
            f"{counted(len(found.readings), 'reading')}, each sent the same {counted(found.n_images, 'image')} of "
            f"{counted(found.n_leaves, 'leaf', 'leaves')} in {counted(found.n_views, 'view')}; "
            f"{counted(sent, 'query', 'queries')} in the last comparison."
        )
        _table(desk, found, locked=locked)
        look = st.success if found.ahead else st.warning
        look(inert(reading_in_words(found)), icon=":material/check:" if found.ahead else ":material/help:")
        for line in found.not_possible:
            st.caption(f"Not possible: {inert(shortened(line, 300))}")


def _start(desk: Desk, *, again: bool) -> None:
    if not desk.case.plan().corpora:
        if st.button("Choose a corpus first", key="readings_corpus", type="tertiary", icon=":material/arrow_forward:"):
            frame.go_to("Corpus")
        return
    if st.button("Compare again" if again else "Compare readings", key="compare_readings", disabled=desk.busy,
                 icon=":material/balance:"):  # fmt: skip
        frame.start_work(desk, "readings", by=desk.by)


def _cost(desk: Desk) -> None:
    """What a comparison sends, against the budget."""
    suspect, survey, plan = desk.case.facts().suspect, cached.survey(desk.case), desk.case.plan()
    if suspect is None or not plan.corpora:
        return
    if survey is None or survey.corpora != plan.corpora:
        st.caption("The cost of a comparison is shown here once the corpus has been read on the Corpus page.")
        return
    cost, left = cost_of_readings(suspect, plan.suspect, survey.n_usable or survey.n_files), budget_left(desk.case)
    st.caption(cost_in_words(cost, left))
    if left is not None and cost.n_most > left:
        st.warning("The budget may end before the comparison does. Fewer readings are left once you settle some of the "
                   "options below.", icon=":material/warning:")  # fmt: skip


def cost_in_words(cost: ReadingsCost, left: int | None) -> str:
    """Readings, images and views, multiplied, and what the budget leaves."""
    readings = f"about {counted(cost.n_readings, 'reading')}"
    most = f", and up to {cost.n_most:,} if they stay close" if cost.n_more > cost.n_images else ""
    budget = "the case has no budget" if left is None else f"the budget leaves {left:,}"
    return (
        f"Sends {readings} x {cost.n_images:,} images x {N_VIEWS} views = {cost.n_queries:,} queries{most}; {budget}. "
        "Answers of an earlier comparison are not requested again."
    )


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
    meaning = reading_meaning(one.name)
    small = "; ".join(filter(None, [inert(meaning), "in use" if one.name == found.in_use else ""]))
    name.markdown((f"**{shown}**" if place == 0 else shown) + (f"  \n:small[{small}]" if small else ""))
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
