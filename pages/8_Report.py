"""Report: what was found, how certain it is, and everything to take away."""

import streamlit as st

from fdcore.case.conclusions import selection_settings
from ui import cached, frame, state
from ui.overview.head import draw_head
from ui.overview.panel import wall
from ui.report import audit as audit_panel
from ui.report import errors as report_errors
from ui.report import files as report_files
from ui.report import panels as report_panels
from ui.report import validation as validation_line

with frame.page("Report") as desk:
    case = desk.case
    saved = selection_settings(case)
    report_panels.notice(desk, case, saved, state.linked_settings(saved).settings)
    if desk.card is None or desk.card.n_found is None:
        audit_panel.draw(desk, case)
    else:
        findings = cached.findings(case, saved)
        overview = cached.overview(case, saved)
        draw_head(case, overview, findings.scored.n_sent)
        report_panels.queries(case)
        report_files.take_away(desk, case, findings)
        validation_line.draw(desk, case, saved)
        classes, errors, printed, files, log = st.tabs(
            ["Classes", "Errors and limits", "As printed", "Files", "Audit log"], key="report_tabs", on_change="rerun"
        )
        with classes:
            if classes.open:
                wall(desk, findings, overview)
        with errors:
            if errors.open:
                report_errors.draw(case, saved)
        with printed:
            if printed.open:
                report_files.preview(desk, case, saved)
        with files:
            if files.open:
                report_files.downloads(desk, case, findings)
        with log:
            if log.open:
                audit_panel.draw(desk, case)
