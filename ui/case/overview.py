"""The open case above the cards: its findings, its running work, or its next step."""

from collections import Counter

import streamlit as st

from fdcore.case.casebook import CaseCard
from fdcore.case.conclusions import selection_settings
from fdcore.errors import FdError
from fdcore.method.findings import Findings
from fdcore.method.grades import GRADES_IN_WORDS, MEASURED
from ui import cached, exports, frame, job_panel
from ui.case import cards as case_cards
from ui.panels import share_column, show_figure, show_numbers, show_table
from ui.sentences import show_error
from ui.text import inert, shortened
from ui.verdict import WITHOUT_HELP, draw_domain, verdict_csv, verdict_panel, verdict_table

_COLUMNS = ("Class", "Found", "Grade", "L", "S", "Without it", "Caveats")
_NEXT = {
    "new": "Next: choose the model under investigation.",
    "suspect": "Next: choose the images that the suspect will be shown.",
    "corpus": "Next: query the suspect with the corpus.",
    "scoring": "Next: finish querying the suspect, and draw the conclusions.",
    "found": "",
}


def draw(desk: frame.Desk) -> None:
    """The case in short; damage becomes a message, and the cards below stay usable."""
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
            "The demo case: a corpus of drawings, and a suspect trained on other drawings of some of the same things. "
            "Try everything on it; archive it when you are done."
        )
    job = desk.jobs.latest(desk.case_id)
    if job and job.active:
        job_panel.live_bar(desk.jobs, job)
        if job.kind == "demo":
            st.text("This takes a few minutes. The page updates itself; you can also close it and come back.")
    findings = None if card.n_found is None else cached.findings(desk.case, selection_settings(desk.case))
    if findings:
        _verdict(desk, findings)
    elif not (job and job.active):
        st.text(_NEXT[card.stage])
    with st.container(horizontal=True, horizontal_alignment="distribute", key="overview_doors"):
        if findings:
            exports.export(
                f"{desk.case_id}-verdict",
                tables={"Class by class": lambda: _table_csv(desk, findings)},
                figures={"What the suspect seems to recognise": lambda: draw_domain(findings, desk.case_id)},
            )
        if not (job and job.kind == "demo" and job.active):
            target, arrow = case_cards.continues_at(card), ":material/arrow_forward:"
            if st.button(f"Continue at {target}", type="primary", key="go_on", icon=arrow, icon_position="right"):
                frame.go_to(target)


def _table_csv(desk: frame.Desk, findings: Findings) -> bytes:
    return verdict_csv(findings, cached.verdict(desk.case, findings.settings), _COLUMNS)


def _verdict(desk: frame.Desk, findings: Findings) -> None:
    verdict = cached.verdict(desk.case, findings.settings)
    verdict_panel(verdict)
    _metrics(findings)
    left, right = st.columns((1, 2))
    with left.container(border=True, height="stretch"):
        st.markdown("**What the suspect seems to recognise**")
        show_figure(draw_domain(findings, desk.case_id), "domain",
                    "Treemap of the found classes over the hierarchy", "domain")  # fmt: skip
        st.caption("One field per group of found classes; its area is their number. Click a group to open it.")
    with right.container(border=True, height="stretch"):
        st.markdown("**Class by class**")
        column = st.column_config
        show_table(verdict_table(findings, verdict, _COLUMNS), "verdict_table", {
            "Class": column.NumberColumn(width=50, format="%d"),
            "Found": column.TextColumn(width=115),
            "Grade": column.TextColumn(help=GRADES_IN_WORDS, width=60),
            "Without it": column.TextColumn(help=WITHOUT_HELP, width=120),
            "Caveats": column.TextColumn(width=180),
            "L": share_column("How often the suspect puts views of the found leaves in this class", width=90),
            "S": column.NumberColumn(format="%.2f", width=50, help="How close the found leaves are in the hierarchy; "
                                     "0 for a single leaf"),
        })  # fmt: skip
        st.caption("“Not found” is a result too: nothing in this corpus is evidence enough for that class.")


def _metrics(findings: Findings) -> None:
    total, scored = findings.overall, findings.scored
    counts = Counter(entry.grade.word for entry in findings.classes if entry.grade)
    show_numbers(
        "verdict_metrics",
        ("Classes found", f"{total.n_found:,} of {total.n_classes:,}",
         "Classes of the suspect with at least one leaf of the corpus that it puts there"),
        ("Certain, likely, weak", ", ".join(f"{counts[word]:,}" for word in MEASURED) if counts else "no grades",
         GRADES_IN_WORDS),
        ("Leaves", f"{len(scored.scores.nodes):,}",
         "A leaf is a group of images with one label in the corpus"),
        ("Queries sent", f"{scored.n_sent:,}",
         "Pictures sent to the suspect; each view of an image counts"),
    )  # fmt: skip
