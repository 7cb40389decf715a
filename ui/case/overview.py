"""The open case above the cards: what is known, or what runs, or what comes next."""

from typing import TYPE_CHECKING

import streamlit as st

from fdcore.case.casebook import CaseCard
from fdcore.case.conclusions import selection_settings
from fdcore.errors import FdError
from fdcore.method.findings import Findings
from fdcore.report.figures import config
from ui import cached, exports, frame, job_panel
from ui.case import cards as case_cards
from ui.sentences import show_error
from ui.text import inert, shortened
from ui.verdict import draw_domain, verdict_csv, verdict_panel, verdict_table

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("Class", "Found", "L", "S", "Take care")
_NEXT = {
    "new": "Next: say which model is under investigation.",
    "suspect": "Next: choose the images that the suspect will be shown.",
    "corpus": "Next: ask the suspect about the corpus.",
    "scoring": "Next: have the suspect asked to the end, and the conclusions drawn.",
    "found": "",
}


def draw(desk: frame.Desk) -> None:
    """The case in short; damage in it is a sentence, and the cards below stay usable."""
    card = desk.card
    if card is None:
        return
    with st.container(border=True, key="overview"):
        st.subheader(inert(shortened(card.title, 90)), anchor=False)
        if card.problem:
            st.error("This case cannot be read.", icon=":material/error:")
            st.text(card.problem)
            return
        try:
            _body(desk, card)
        except FdError as error:
            show_error(error)


def _body(desk: frame.Desk, card: CaseCard) -> None:
    if desk.case.facts().demo:
        st.caption(
            "The demo case: a drawn corpus, and a suspect trained on other drawings of some of the same things. "
            "It is here to try everything on; archive it when it is no longer wanted."
        )
    job = desk.jobs.latest(desk.case_id)
    if job and job.active:
        job_panel.live_bar(desk.jobs, job)
        if job.kind == "demo":
            st.text("This takes a few minutes. The page changes by itself; you may also close it and come back.")
    if card.n_found is not None:
        _verdict(desk)
    elif not (job and job.active):
        st.text(_NEXT[card.stage])
    with st.container(horizontal=True, horizontal_alignment="distribute", key="overview_doors"):
        if card.n_found is not None:
            _export(desk)
        if not (job and job.kind == "demo" and job.active):
            _go_on(case_cards.continues_at(card))


def _go_on(target: str) -> None:
    arrow = ":material/arrow_forward:"
    if st.button(f"Go on at {target}", type="primary", key="go_on", icon=arrow, icon_position="right"):
        frame.go_to(target)


def _findings(desk: frame.Desk) -> Findings:
    return cached.findings(desk.case, selection_settings(desk.case))


def _verdict(desk: frame.Desk) -> None:
    findings = _findings(desk)
    verdict_panel(cached.verdict(desk.case, selection_settings(desk.case)))
    _metrics(findings)
    left, right = st.columns((1, 2))
    with left.container(border=True, height="stretch"):
        st.markdown("**What the suspect seems to recognise**")
        st.plotly_chart(draw_domain(findings, desk.case_id), key="domain", config=config("domain"),
                        alt="Treemap of the found classes over the hierarchy")  # fmt: skip
        st.caption("A field for each group of found classes; its area is their number. Click to look into a group.")
    with right.container(border=True, height="stretch"):
        st.markdown("**Class by class**")
        _table(verdict_table(findings, _COLUMNS))
        st.caption("Not found is an answer: no leaf of this corpus reaches the threshold for that class.")


def _export(desk: frame.Desk) -> None:
    findings = _findings(desk)
    exports.export(
        f"{desk.case_id}-verdict",
        tables={"Class by class": lambda: verdict_csv(findings, _COLUMNS)},
        figures={"What the suspect seems to recognise": lambda: draw_domain(findings, desk.case_id)},
    )


def _metrics(findings: Findings) -> None:
    total, scored = findings.overall, findings.scored
    weak = sum(bool(entry.name and entry.weaknesses) for entry in findings.classes)
    with st.container(horizontal=True, key="verdict_metrics"):
        st.metric("Classes found", f"{total.n_found:,} of {total.n_classes:,}", border=True,
                  help="Classes of the suspect for which the corpus holds something that it puts there")  # fmt: skip
        st.metric("To be taken with care", f"{weak:,}", border=True,
                  help="Found, but with a reason for doubt: one leaf only, a low score, a close runner-up")  # fmt: skip
        st.metric("Leaves shown", f"{len(scored.scores.nodes):,}", border=True,
                  help="A leaf is a group of images with one label in the corpus")  # fmt: skip
        st.metric("Queries sent", f"{scored.n_sent:,}", border=True,
                  help="Pictures that the suspect was asked about, each view of an image counted")  # fmt: skip


def _table(rows: "pd.DataFrame") -> None:
    st.dataframe(
        rows,
        hide_index=True,
        key="verdict_table",
        height=min(420, 31 * (len(rows) + 1) + 3),
        placeholder="",
        column_config={
            "Class": st.column_config.NumberColumn(width=50, format="%d"),
            "Found": st.column_config.TextColumn(width=115),
            "Take care": st.column_config.TextColumn(width=310),
            "L": st.column_config.ProgressColumn(
                help="How often the suspect puts views of the found leaves in this class",
                min_value=0.0, max_value=1.0, format="%.2f", width=90,
            ),
            "S": st.column_config.NumberColumn(
                help="How near the found leaves lie to each other in the hierarchy; a single leaf has 0",
                format="%.2f", width=50,
            ),
        },
    )  # fmt: skip
