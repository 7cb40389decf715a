"""The open case: what was found, its running work, or its next step."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import streamlit as st

from fdcore.case import spending
from fdcore.case.casebook import CaseCard
from fdcore.case.conclusions import selection_settings
from fdcore.case.cost import Cost, estimate, supply_of
from fdcore.case.intake import read_test_query
from fdcore.case.plan import Settings
from fdcore.errors import FdError
from fdcore.method.findings import Findings
from fdcore.method.weaknesses import MAY_BE_NONE
from fdcore.verdict import Verdict
from fdcore.verdict.overview import Overview
from fdcore.verdict.reach import NOT_COMPARED
from ui import cached, exports, frame, job_panel, querying
from ui.case import cards as case_cards
from ui.frame import Desk
from ui.overview.head import draw_head
from ui.overview.panel import wall
from ui.panels import SENT_HELP, show_figure, show_numbers
from ui.sentences import show_error
from ui.text import counted, duration
from ui.verdict import draw_domain, verdict_csv, verdict_panel, weak_points

_COLUMNS = ("Class", "Found", "Grade", "L", "S", "Without it", "Caveats", "Statement")
_NEXT = {
    "new": "Next: choose the model under investigation.",
    "suspect": "Next: choose the images that the suspect will be shown.",
    "corpus": "Next: query the suspect with the corpus.",
    "scoring": "Next: finish querying the suspect, and draw the conclusions.",
    "found": "",
}
MOST = 3  # buttons
_READINGS = "its cost is shown first"


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
    draw_head(desk.case, overview, findings.scored.n_sent)
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


def draw_holds(verdict: Verdict) -> None:
    """Two facts, in small; the whole sentences are under "Method"."""
    with st.container(border=True, key="holds", gap="small"):
        st.markdown("**Does it hold?**")
        if rests := verdict.rests:
            n_alone = sum(rest.winner is None for rest in rests.values())
            st.caption("Classes whose answer was taken out of the corpus")
            st.markdown(f"**{n_alone:,}** find nothing, **{len(rests) - n_alone:,}** something else",
                        help=verdict.removal_in_words)  # fmt: skip
        if chance := verdict.chance:
            st.caption("Consistency beyond simple features")
            st.markdown(f"**{chance.consistency:.3f}**; untrained networks reach **{max(chance.highest, 0):.3f}**",
                        help=chance.in_words())  # fmt: skip
        else:
            st.caption(NOT_COMPARED)


class Help(NamedTuple):
    """One button: its words, what it costs, and what it does."""

    key: str
    words: str
    cost: str
    act: Callable[[], None]


def draw_helps(desk: Desk, findings: Findings, overview: Overview) -> None:
    """The buttons; nothing where nothing would help."""
    helps = find_helps(desk, findings, overview)[:MOST]
    if not helps:
        return
    with st.container(border=True, key="helps", gap="small"):
        st.markdown("**What would help**")
        for one in helps:
            with st.container(gap=None):
                if st.button(one.words, key=f"help_{one.key}", width="stretch", disabled=desk.busy):
                    one.act()
                st.caption(one.cost)


def find_helps(desk: Desk, findings: Findings, overview: Overview) -> list[Help]:
    """Everything that would help, what could change the most first."""
    case, card = desk.case, desk.card
    facts, rows = case.facts(), overview.rows
    can_query = not querying.why_not_query(case)
    helps: list[Help] = []
    unsettled = facts.suspect is not None and not facts.suspect.reading_is_sure
    if can_query and unsettled and not facts.readings:
        helps.append(Help("readings", "Compare readings of the file", _READINGS, lambda: frame.go_to("Suspect")))
    if can_query and not findings.scored.complete:
        settings = case.plan().settings
        helps += _query(desk, findings, settings, "finish", "Finish the queries")
    unsure = [row for row in rows if MAY_BE_NONE & {*row.caveats}]
    unsure += [row for row in rows if not row.found and row.why_not.endswith("decide it.")]
    if can_query and findings.scored.complete and unsure:
        settings = _more_images(case.plan().settings, findings)
        helps += _query(
            desk, findings, settings, "images", f"More images for {counted(len(unsure), 'class', 'classes')}"
        )
    if n_missing := sum(not row.found for row in rows):
        what = f"{counted(n_missing, 'class', 'classes')} not found in this corpus"
        helps.append(Help("corpus", "Add a corpus", what, lambda: frame.go_to("Corpus")))
    if card and not card.cloned and n_missing < len(rows) and overview.head.seal != "nothing":
        helps.append(Help("clone", "Prove it with a clone", "no query; its cost is shown first",
                          lambda: frame.go_to("Clone")))  # fmt: skip
    return helps


def _more_images(settings: Settings, findings: Findings) -> Settings:
    """Twice as many images of each leaf as were queried."""
    counts = findings.scored.scores.n_images
    now = settings.images_per_leaf or int(counts.max(initial=1))
    return replace(settings, images_per_leaf=2 * now)


def _query(desk: Desk, findings: Findings, settings: Settings, key: str, words: str) -> list[Help]:
    """A button that queries with these settings; none where that would send nothing."""
    cost = _cost(desk, findings, settings)
    if cost is None or not cost.n_left:
        return []
    time = f", about {duration(cost.seconds)}" if cost.seconds is not None else ""
    price = f"{counted(cost.n_left, 'query', 'queries')}{time}"
    return [Help(key, words, price, partial(querying.start_and_redraw, desk, settings))]


def _cost(desk: Desk, findings: Findings, settings: Settings) -> Cost | None:
    case, scored = desk.case, findings.scored
    survey = cached.survey(case)
    if survey is None or survey.corpora != case.plan().corpora:
        return None
    query = read_test_query(case)
    per_s = query.pictures_per_s if query and query.pictures_per_s > 0 else None
    supply = supply_of(survey, scored)
    n_answered = int((scored.answers >= 0).sum())
    if supply is None:
        return None
    return estimate(supply, settings, n_answered=n_answered, n_sent=spending.n_sent(case), per_s=per_s)
