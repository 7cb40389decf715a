"""The Corpus page: the plan's folders, reading them, and what was found."""

from collections import Counter

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.intake import Surveyed
from fdcore.case.plan import Plan
from fdcore.corpus.corpus import folder_of
from fdcore.corpus.layouts import folder_name
from fdcore.errors import CaseError
from ui import cached, job_panel
from ui.corpus import growing
from ui.corpus import result as corpus_result
from ui.corpus import sources as corpus_sources
from ui.frame import Desk, start_work
from ui.new_case import about_this_suspect
from ui.sentences import show_error
from ui.text import inert, shortened


def draw(desk: Desk) -> None:
    """Draw the parts that the case's state calls for."""
    plan = desk.case.plan()
    surveyed = _surveyed(desk.case)
    sources = corpus_sources.draw(desk, plan, surveyed)
    outdated = surveyed is None or surveyed.corpora != plan.corpora
    if surveyed is not None and outdated:
        st.warning(
            "The plan's folders have changed since they were read. Read the corpus again.",
            icon=":material/sync_problem:",
        )
    if sources:
        _reading(desk, plan, sources, outdated=outdated)
    with st.expander("Add a folder", key="adding_box", icon=":material/create_new_folder:", expanded=not sources):
        corpus_sources.draw_adding(desk, plan)
    growing.draw(desk, plan)
    if surveyed is not None:
        corpus_result.draw(desk, plan, surveyed)


def _surveyed(case: Case) -> Surveyed | None:
    try:
        return cached.survey(case)
    except CaseError as error:
        show_error(error)
        return None


def _reading(desk: Desk, plan: Plan, sources: list[corpus_sources.Source], *, outdated: bool) -> None:
    """The button that starts the reading, and what to know beforehand."""
    lost = _differences(desk, plan)
    unreadable = any(source.problem for source in sources)
    job = desk.jobs.latest(desk.case_id)
    if job and job.active and job.kind == "corpus":
        job_panel.follow(desk.jobs, lambda: desk.jobs.latest(desk.case_id), "reading_now")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="reading"):
        if st.button(
            "Read the corpus" if outdated else "Read it again", key="read", icon=":material/menu_book:",
            type="primary" if outdated else "secondary", disabled=desk.busy or unreadable,
        ):  # fmt: skip
            _read(desk, plan)
        if unreadable:
            st.caption("This server may not read a folder of the plan. Its administrator can name the folder above in "
                       "FDCORE_CORPORA; or remove it from the plan.")  # fmt: skip
        elif desk.busy:
            st.caption("Other work is in progress in this case.")
        elif outdated:
            st.caption("Lists the images, checks that each can be decoded, and finds their places in the hierarchy. "
                       "Nothing is sent to the suspect.")  # fmt: skip
    if lost:
        _new_case(desk, plan)


def _read(desk: Desk, plan: Plan) -> None:
    demo = desk.places.demo
    undrawn = demo in {folder_of(text) for text in plan.corpora} and not demo.exists()
    start_work(desk, "corpus", **({"draw_demo": str(demo)} if undrawn else {}))


def _differences(desk: Desk, plan: Plan) -> bool:
    """Show how the plan's folders differ from those queried; returns whether it leaves out some of them."""
    if not desk.case.has(layout.LEDGER_HEADER):
        return False
    facts = desk.case.facts()
    given = facts.asking.corpora if facts.asking else ()  # what a case of an earlier version records
    queried = Counter((facts.corpus and facts.corpus.folders) or [folder_name(folder_of(text)) for text in given])
    if not queried:
        return False
    planned = Counter(folder_name(folder_of(text)) for text in plan.corpora)
    gone, new = list((queried - planned).elements()), list((planned - queried).elements())
    if gone:
        st.warning(
            f"The suspect has been queried with {inert(shortened(', '.join(gone), 200))}, which the plan leaves out. "
            "Answers are never discarded, so scoring would refuse this plan. Add the folder or create a new case.",
            icon=":material/warning:",
        )
    elif new:
        st.info(
            f"New since the suspect was queried: {inert(shortened(', '.join(new), 200))}. Scoring will include these "
            "too; all existing answers are kept.",
            icon=":material/info:",
        )
    return bool(gone)


def _new_case(desk: Desk, plan: Plan) -> None:
    """Offer a new case about the same suspect with this plan's folders."""
    if not desk.case.facts().evidence:
        return
    if st.button("New case with these folders", key="new_with_folders", icon=":material/add:"):
        about_this_suspect(
            desk, "other corpus", page="Corpus", corpora=plan.corpora, hierarchy=plan.hierarchy, leaves=plan.leaves
        )
