"""The panels of the Report page: the saved conclusions, and whether they match what is shown elsewhere."""

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.spending import spent, spent_in_words
from fdcore.case.tables import selection_rows, selection_to_csv
from fdcore.method.findings import Findings
from fdcore.method.selection import SelectionSettings
from fdcore.report.audit import read_trail, trail_to_csv
from fdcore.work.conclude import has_later_notes
from ui import cached, saving
from ui.exports import export
from ui.frame import Desk
from ui.state import settings_in_words
from ui.text import inert
from ui.verdict import draw_domain


def notice(desk: Desk, case: Case, saved: SelectionSettings, shown: SelectionSettings) -> None:
    """Say where the case was changed, and which conclusions are shown, and offer to save those that are not saved."""
    if not (found := cached.checked(case)).intact:
        st.error(f"{inert(found.short)} Do not rely on this report.", icon=":material/gpp_bad:")
    if desk.card is None or desk.card.n_found is None:
        _offer(desk, case, shown, "info", "The suspect has been queried, but no conclusions are saved yet.",
               "Draw the conclusions")  # fmt: skip
    elif shown != saved:
        sentence = (
            f"This page shows the saved conclusions ({settings_in_words(saved)}). The Selection page shows "
            f"{settings_in_words(shown)}."
        )
        _offer(desk, case, shown, "info", sentence, "Save those of the Selection page")
    elif not case.has(layout.REPORT):
        sentence = (
            "This case was imported. Its sender's report was set aside in the case's folder “imported”; the report "
            "shown here is drawn from the answers."
        )
        _offer(desk, case, shown, "info", sentence, "Write report.html")
    elif not cached.saved_as_found(case, saved):
        sentence = (
            "The files in this case do not match its answers and the analyst's choices: a choice was locked later, "
            "another version wrote the files, or they were changed. This page shows what the answers give."
        )
        _offer(desk, case, shown, "warning", sentence, "Write the conclusions again")
    elif has_later_notes(case):
        sentence = (
            "Tags or comments were changed after the case's own report.html was written. The report that is shown and "
            "downloaded here has them."
        )
        _offer(desk, case, shown, "info", sentence, "Write report.html again")


def _offer(desk: Desk, case: Case, settings: SelectionSettings, kind: str, sentence: str, action: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="unsaved"):
        (st.warning if kind == "warning" else st.info)(sentence, icon=":material/edit_note:")
        if st.button(action, type="primary", key="save_conclusions"):
            saving.save(desk, case, settings)


def queries(case: Case) -> None:
    """How many queries were sent, and for what."""
    if len(parts := spent(case)) > 1:  # otherwise the head says it
        st.caption(spent_in_words(parts))


def export_menu(desk: Desk, case: Case, findings: Findings) -> None:
    """The Export menu."""
    scored = findings.scored
    export(
        f"{desk.case_id}-report",
        tables={
            "Verdict": lambda: selection_to_csv(
                selection_rows(
                    findings.classes, scored.scores, scored.hierarchy, cached.verdict(case, findings.settings).outcome
                )
            ),
            "Audit log": lambda: trail_to_csv(read_trail(case.audit())),
        },
        figures={"Domain": lambda: draw_domain(findings, desk.case_id)} if findings.overall.n_found else {},
    )
