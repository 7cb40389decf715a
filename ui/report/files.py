"""The downloads: the report as one page, every table, the whole case."""

import base64
from pathlib import Path

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.tables import n_left_out as n_rows_left_out
from fdcore.method.findings import Findings
from fdcore.method.selection import SelectionSettings
from ui import cached
from ui.exports import archive_file, bundle_file, download
from ui.frame import Desk
from ui.report.panels import export_menu
from ui.text import file_size

FILES = (
    (layout.SCORES_CSV, "Scores", "Every class and leaf with its score and 95 % interval", "text/csv"),
    (layout.SCORES_PARQUET, "Scores", "The same with every row, for programs", "application/vnd.apache.parquet"),
    (layout.SELECTION_CSV, "Selection", "One row per class: what was found", "text/csv"),
    (layout.IMAGES_CSV, "Images", "Every image of every answer, kept or dropped", "text/csv"),
    (layout.PROBLEMS, "Corpus problems", "Files that were left out or converted, and why", "text/csv"),
    (layout.SCORES_JSON, "Scores", "The same with the settings, for programs", "application/json"),
    (layout.SELECTION, "Selection", "The same with every cluster that was compared", "application/json"),
    (layout.FACTS, "Case", "What was investigated, with which settings and version", "application/json"),
    (layout.AUDIT, "Audit log", "What was done and when, as a hash chain", "application/jsonl"),
)
MAX_PREVIEW = 1_400_000  # bytes of a page that a browser shows from a data URL


def downloads(desk: Desk, case: Case, findings: Findings) -> None:
    """Each table of the case with its size."""
    with st.container(key="downloads"):
        columns = st.columns(2, gap="small")
        there = [entry for entry in FILES if case.has(entry[0])]
        n_left_out = n_rows_left_out(findings.scored.scores)
        for number, (name, title, what, kind) in enumerate(there):
            if n_left_out and name in (layout.SCORES_CSV, layout.SCORES_JSON):
                what += f"; {n_left_out:,} rows of leaves without a hit are left out"
            with columns[number % 2]:
                _file_row(desk, case.path(name), title, what, kind)


def take_away(desk: Desk, case: Case, findings: Findings) -> None:
    """The report as PDF and as a page, the case as one file, and the tables and figures of this page."""

    def page() -> bytes:
        return cached.report(case, findings.settings, desk.places.cache)

    def pdf() -> bytes:
        from fdcore.report.pdf import to_pdf

        return to_pdf(page().decode())

    with st.container(horizontal=True, vertical_alignment="center", key="take_away"):
        download("Report (PDF)", pdf, f"{desk.case_id}-report.pdf", "application/pdf", key="download_pdf",
                 type="primary", icon="print")  # fmt: skip
        download("Report (HTML)", page, f"{desk.case_id}-report.html", "text/html", key="download_report",
                 type="secondary", icon="html")  # fmt: skip
        size = file_size(sum(path.stat().st_size for path in case.folder.rglob("*") if path.is_file()))
        download(
            f"Whole case (ZIP), {size} unpacked", archive_file(desk.book, desk.case_id), f"{desk.case_id}.zip",
            "application/zip", key="download_bundle", type="secondary", icon="folder_zip",
        )  # fmt: skip
        download("Disclosure bundle (ZIP)", bundle_file(case.folder), f"{desk.case_id}-disclosure.zip",
                 "application/zip", key="download_disclosure", type="secondary", icon="balance",
                 help="Not made of a case that was changed, or whose tables are not what its answers give, or whose "
                 "log is signed where this server has no key. `fdcore export` says which.")  # fmt: skip
        export_menu(desk, case, findings)
    st.caption(
        "The disclosure bundle is for the other side's expert: answers, settings, log, tables, report, and a script "
        "that checks them; neither the suspect's file nor any picture, only their hashes."
    )


def preview(desk: Desk, case: Case, settings: SelectionSettings) -> None:
    """The report as it will be printed.

    It is drawn again from the answers, because the file in a case is not trusted. A data URL gives it an origin of its
    own, from which it cannot reach this page.
    """
    with st.container(key="preview"):
        content, note = cached.report(case, settings, desk.places.cache), ""
        if len(content) > MAX_PREVIEW:
            content = cached.report(case, settings, desk.places.cache, pictures=False)
            note = "Shown without pictures; the downloaded file has them."
        if len(content) > MAX_PREVIEW:
            st.caption(f"The report is too large to be shown here ({file_size(len(content))}). Download it above.")
            return
        if note:
            st.caption(note)
        st.iframe(f"data:text/html;charset=utf-8;base64,{base64.b64encode(content).decode()}", height=720, tab_index=0,
                  alt="The report as one page")  # fmt: skip


def _file_row(desk: Desk, path: Path, title: str, what: str, kind: str) -> None:
    size, ending = file_size(path.stat().st_size), path.suffix[1:].upper()
    with st.container(gap=None):
        download(f"{title} ({ending})", path.read_bytes, f"{desk.case_id}-{path.name}", kind,
                 key=f"download_{path.stem}_{path.suffix[1:]}")  # fmt: skip
        st.caption(f"{what} · {size}")
