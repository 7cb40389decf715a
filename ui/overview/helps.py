"""What would help: the few actions that would make the verdict surer, each with its cost."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import streamlit as st

from fdcore.case import spending
from fdcore.case.cost import Cost, estimate, supply_of
from fdcore.case.intake import read_test_query
from fdcore.case.plan import Settings
from fdcore.method.findings import Findings
from fdcore.method.weaknesses import MAY_BE_NONE
from fdcore.verdict.overview import Overview
from ui import cached, frame, querying
from ui.frame import Desk
from ui.text import counted, duration

MOST = 3  # buttons
_READINGS = "its cost is shown first"


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
