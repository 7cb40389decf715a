"""Report: what was found, how, how certain it is, and everything to download."""

from fdcore.case.conclusions import selection_settings
from ui import cached, frame, state
from ui.report import audit as audit_panel
from ui.report import files as report_files
from ui.report import panels as report_panels
from ui.verdict import verdict_panel

with frame.page("Report") as desk:
    case = desk.case
    saved = selection_settings(case)
    shown = state.linked_settings(saved).settings
    report_panels.notice(desk, case, saved, shown)
    if desk.card is not None and desk.card.n_found is not None:
        findings = cached.findings(case, saved)
        verdict_panel(cached.verdict(case, saved))
        report_panels.metrics(case, findings)
        report_panels.domain(findings, desk.case_id)
        report_panels.verdict(case, findings)
        report_files.downloads(desk, case, findings)
        report_files.preview(desk, case, saved)
    audit_panel.draw(desk, case)
