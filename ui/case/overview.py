"""The open case: what was found, its running work, or its next step."""

import streamlit as st

from fdcore.case.casebook import CaseCard
from fdcore.case.conclusions import selection_settings
from fdcore.errors import FdError
from fdcore.method.findings import Findings
from ui import cached, exports, frame, job_panel
from ui.case import cards as case_cards
from ui.overview.head import draw_head
from ui.overview.helps import draw_helps
from ui.overview.holds import draw_holds
from ui.overview.panel import wall
from ui.panels import SENT_HELP, show_figure, show_numbers
from ui.sentences import show_error
from ui.verdict import draw_domain, verdict_csv, verdict_panel, weak_points

_COLUMNS = ("Class", "Found", "Grade", "L", "S", "Without it", "Caveats", "Statement")
_NEXT = {
    "new": "Next: choose the model under investigation.",
    "suspect": "Next: choose the images that the suspect will be shown.",
    "corpus": "Next: query the suspect with the corpus.",
    "scoring": "Next: finish querying the suspect, and draw the conclusions.",
    "found": "",
}


def draw(desk: frame.Desk) -> None:
    """The case in short; damage becomes a message."""
    card = desk.card
    if card is None:
        return
    with st.container(key="overview"):
        if card.problem:
            st.error("This case cannot be read.", icon=":material/error:")
            st.text(card.problem)
            return
        try:
            _body(desk, card)
        except FdError as error:
            show_error(error)


def _body(desk: frame.Desk, card: CaseCard) -> None:
    job = desk.jobs.latest(desk.case_id)
    if job and job.active:
        job_panel.live_bar(desk.jobs, job)
        if job.kind == "demo":
            st.text("This takes a few minutes. The page updates itself; you can also close it and come back.")
    findings = None if card.n_found is None else cached.findings(desk.case, selection_settings(desk.case))
    if findings:
        _findings(desk, card, findings)
    elif not (job and job.active):
        st.text(_NEXT[card.stage])
    if not findings and not (job and job.kind == "demo" and job.active):
        _continue(card)


def _continue(card: CaseCard) -> None:
    if st.button(case_cards.continue_in_words(card), type="primary", key="go_on", icon=":material/arrow_forward:",
                 icon_position="right"):  # fmt: skip
        frame.go_to(case_cards.continues_at(card))


def _doors(desk: frame.Desk, card: CaseCard, findings: Findings) -> None:
    with st.container(horizontal=True, key="overview_doors"):
        _continue(card)
        exports.export(
            f"{desk.case_id}-verdict",
            tables={"Class by class": lambda: _table_csv(desk, findings)},
            figures={"What the suspect seems to recognise": lambda: draw_domain(findings, desk.case_id)},
        )


def _table_csv(desk: frame.Desk, findings: Findings) -> bytes:
    return verdict_csv(findings, cached.verdict(desk.case, findings.settings), _COLUMNS)


def _findings(desk: frame.Desk, card: CaseCard, findings: Findings) -> None:
    """The answer in one picture; the numbers that it rests on are under "Method"."""
    overview = cached.overview(desk.case, findings.settings)
    verdict = cached.verdict(desk.case, findings.settings)
    draw_head(overview, findings.scored.n_sent)
    n_points = len(verdict.weak_points)
    names = ["Classes", "Method", *([f"Weak points ({n_points})"] if n_points else [])]
    tabs = st.tabs(names, key="overview_tabs", on_change="rerun")
    with tabs[0]:
        if tabs[0].open:
            left, right = st.columns((10, 3), gap="medium")
            with left:
                wall(desk, findings, overview)
            with right:
                _doors(desk, card, findings)
                draw_helps(desk, findings, overview)
                draw_holds(verdict)
    with tabs[1]:
        if tabs[1].open:
            verdict_panel(verdict)
            _numbers(findings)
            show_figure(draw_domain(findings, desk.case_id), "domain",
                        "Treemap of the found classes over the hierarchy", "domain")  # fmt: skip
            st.caption(
                "One field for each found class, one colour for each large branch; the area is the number of classes. "
                "Click a group to open it."
            )
    if n_points and tabs[2].open:
        with tabs[2]:
            weak_points(verdict)


def _numbers(findings: Findings) -> None:
    total, scored = findings.overall, findings.scored
    show_numbers(
        "verdict_metrics",
        ("Sum of L", f"{total.functional:.2f}", "Over the found classes (paper section 4.1.3)"),
        ("Sum of S", f"{total.semantic:.2f}", "Over the found classes (paper section 4.1.3)"),
        ("Leaves", f"{len(scored.scores.nodes):,}",
         "A leaf is a group of images with one label in the corpus"),
        ("Queries sent", f"{scored.n_sent:,}", SENT_HELP),
    )  # fmt: skip
