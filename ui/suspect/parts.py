"""The Suspect page in its states: no file yet, not opened, opened, and with fixed options."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.casebook import same_weights
from fdcore.case.intake import read_test_query
from fdcore.case.plan import SuspectOptions
from fdcore.case.readings import read_readings
from fdcore.case.records import SuspectFacts
from fdcore.errors import CaseError, FdError, SettingsError
from fdcore.jobs import Job, State
from fdcore.tables import to_csv
from ui import cached, exports, frame, job_panel
from ui.frame import Desk
from ui.sentences import show_error
from ui.state import RESET
from ui.suspect import bench, uploads
from ui.suspect import options as suspect_options
from ui.suspect import result as suspect_result
from ui.suspect import source as suspect_source
from ui.suspect import test_query as suspect_test
from ui.suspect.source import check
from ui.text import inert


def draw(desk: Desk) -> None:
    """Draw the parts that the case's state calls for."""
    facts, job = desk.case.facts(), desk.newest_job("suspect")
    uploads.remove_taken(desk.places.cases, job)
    locked = desk.case.has(layout.LEDGER_HEADER)
    if facts.suspect:
        _opened(desk, facts.suspect, locked=locked)
    elif facts.evidence:
        _not_opened(desk, job)
    elif job:
        _failure(desk, job)
    if locked:
        return
    if suspect_result.is_dangerous(facts.refused):
        st.text("This case is about this file. Request its weights in a safe format, and create another case for them.")
        _another_file(desk)
    else:
        _choose(desk, taken=facts.evidence is not None)


def _another_file(desk: Desk) -> None:
    """A new case in place of one whose file could not be opened; the old one is archived, with its evidence."""
    pressed = st.button("Start over with another file", key="another_file", icon=":material/restart_alt:",
                        disabled=desk.busy)  # fmt: skip
    st.caption("Wrong file? This creates a new case with the same title and archives this one with its file. Archived "
               "cases can be restored on the Case page.")  # fmt: skip
    if pressed:
        case_id = desk.book.create(desk.card.title if desk.card else "Case", by=desk.by)
        desk.book.archive(desk.case_id, by=desk.by)
        frame.go_to("Suspect", **RESET, case=case_id)


def _opened(desk: Desk, suspect: SuspectFacts, *, locked: bool) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(inert(suspect_result.headline(suspect, has_file=bool(desk.case.facts().evidence))), width="content")
        _export(desk, suspect)
    suspect_result.summary(suspect, desk.case.facts().evidence, desk.case.facts().runtime)
    if suspect.weights and (same := same_weights(cached.cards(desk.book), desk.case_id)):
        st.info(inert(same), icon=":material/content_copy:")
    if suspect.scan and suspect.scan.verdict == "inconclusive":
        st.warning("The scanners reached no conclusion. The file was opened by the analyst's decision.",
                   icon=":material/warning:")  # fmt: skip
    if desk.case.facts().evidence:
        bench.draw(desk, locked=locked)
        suspect_test.draw(desk, locked=locked)


def _export(desk: Desk, suspect: SuspectFacts) -> None:
    query = read_test_query(desk.case)
    rows = suspect_result.preprocessing_rows(suspect)
    tables = {"Input": lambda: input_csv(rows)}
    figures = {}
    if (found := read_readings(desk.case)) is not None:
        tables["Readings"] = lambda: bench.readings_csv(found)
    if query is not None:
        tables["Test query"] = lambda: suspect_test.answers_csv(query)
        figures["Answers to the test query"] = lambda: suspect_test.answers_figure(query, suspect.n_classes)
    exports.export(f"{desk.case_id}-suspect", tables=tables, figures=figures)


def input_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """The preprocessing of the suspect's input, a row for each setting."""
    return to_csv(list(rows[0]), rows)


def _not_opened(desk: Desk, job: Job | None) -> None:
    facts = desk.case.facts()
    with st.container(border=True, key="not_opened"):
        if not facts.refused or not facts.evidence:
            if facts.evidence:
                suspect_result.evidence_block(facts.evidence)
            if job:
                _failure(desk, job)
            elif reason := _reason_logged(desk.case):
                show_error(FdError(reason))
            suspect_result.tensors(desk.case)
            _another_file(desk)
            return
        suspect_result.refused(facts.refused, facts.evidence, noticed=_is_noticed(desk, job))
        if not suspect_result.is_dangerous(facts.refused):
            _override(desk)
            _another_file(desk)


def _reason_logged(case: Case) -> str:
    """Why the file could not be opened from the command line, as the log says it; empty where it does not."""
    with suppress(CaseError):  # the log is damaged: the report says so
        for entry in reversed([*case.audit()]):
            if entry["event"] == "suspect not opened":
                return str(entry["details"].get("reason", ""))
    return ""


def _override(desk: Desk) -> None:
    sure = st.checkbox("I accept the risk of opening a file that the scanners could not judge", key="override_sure")
    st.caption("The decision is recorded in the case's plan and audit log, and shown in the report.")
    if st.button("Open it anyway", key="override", disabled=not sure or desk.busy):
        options = replace(desk.case.plan().suspect, allow_unscanned=True)
        desk.case.log("scan overridden", {"by": desk.by})
        check(desk, options, None)


def _choose(desk: Desk, *, taken: bool) -> None:
    """The choice of file and options, and the button that starts the check."""
    case = desk.case
    known = case.plan().suspect
    with st.container(border=True, key="choose"):
        try:
            source = None if taken else suspect_source.draw(desk)
        except SettingsError as error:
            source = None
            show_error(error)
        if taken:
            st.markdown("**Check it again with other options**")
            st.caption("This case is about this file. For another file, create another case.")
        try:
            options: SuspectOptions | None = suspect_options.draw(desk.case_id, known)
        except SettingsError as error:
            options = None
            show_error(error)
        ready = options is not None and (taken or source is not None) and not desk.busy
        if st.button("Check the suspect", type="secondary" if taken else "primary", key="check", disabled=not ready,
                     icon=":material/policy:") and options:  # fmt: skip
            if suspect_source.is_demo() and not taken:
                options = suspect_source.demo_options(options)
            check(desk, replace(options, allow_unscanned=taken and known.allow_unscanned), source)
        if (job := desk.jobs.latest(desk.case_id)) and job.active and job.kind != "readings":
            job_panel.live_bar(desk.jobs, job)
            return
        st.caption("The file is hashed, copied, scanned, opened without executing any code, and queried with a few "
                   "pictures.")  # fmt: skip


def _failure(desk: Desk, job: Job) -> None:
    """Why the last check failed, unless a notice above says so."""
    if job.state is State.FAILED and not _is_noticed(desk, job):
        show_error(FdError(job.message))


def _is_noticed(desk: Desk, job: Job | None) -> bool:
    """Whether a notice above says how the job ended."""
    return job is not None and any(job.id == notice.id for notice in desk.jobs.unseen(desk.case_id))
