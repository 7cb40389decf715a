"""The audit log and the evidence on the Report page, verified now."""

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.errors import FdError
from fdcore.report.audit import AuditTrail, read_trail, trail_to_csv
from ui.exports import download
from ui.frame import Desk
from ui.panels import BY_HELP, show_table
from ui.sentences import show_error
from ui.text import inert

MAX_ROWS = 1_000  # of the table on the page, the newest; the CSV has all


def draw(desk: Desk, case: Case) -> None:
    """The log with its state and its CSV, and the evidence on demand."""
    trail = read_trail(case.audit())
    with st.container(key="audit"):
        download("Log (CSV)", lambda: trail_to_csv(trail), f"{desk.case_id}-audit.csv", "text/csv",
                 key="download_audit_csv")  # fmt: skip
        if trail.problem:
            st.error(f"{trail.in_words} {inert(trail.problem)}", icon=":material/link_off:")
        else:
            st.success(f"Verified now: {trail.in_words}", icon=":material/verified:")
        opened = _table(trail)
        if opened is None:
            st.caption("Select an entry to read all of its details.")
        else:
            _entry(case, opened)
        _evidence(case)


def trail_table(trail: AuditTrail) -> pd.DataFrame:
    """The log as a table, the newest entries first."""
    rows = [row._asdict() for row in reversed(trail.rows[-MAX_ROWS:])]
    table = pd.DataFrame(rows, columns=["n", "time", "event", "by", "words", "hash"])
    table["time"] = pd.to_datetime(table["time"], errors="coerce", utc=True, format="ISO8601")
    return table


def _table(trail: AuditTrail) -> int | None:
    """Draw the log; the number of the entry that is selected."""
    column, table = st.column_config, trail_table(trail)
    if len(trail.rows) > MAX_ROWS:
        st.caption(f"The newest {MAX_ROWS:,} of {len(trail.rows):,} entries; the CSV has all.")
    event = show_table(table, "audit_table", {
        "n": column.NumberColumn("Entry", width=50),
        "time": column.DatetimeColumn("Time (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"),
        "event": column.TextColumn("Event", width=170),
        "by": column.TextColumn("By", width=80, help=BY_HELP),
        "words": column.TextColumn("Details", width=330),
        "hash": column.TextColumn("Hash", width="small", help="The next entry is chained to it"),
    }, most_px=400, on_select="rerun", selection_mode="single-row")  # fmt: skip
    rows = event.selection.rows
    return int(table["n"].iloc[rows[0]]) if rows and rows[0] < len(table) else None


def _entry(case: Case, number: int) -> None:
    """An entry as it is in the file."""
    entry = next((entry for entry in case.audit() if entry["n"] == number), None)
    if entry is not None:
        with st.container(border=True, key="audit_entry"):
            st.text(f"Entry {number}: {entry['event']}, {entry['time']}")
            st.json(entry["details"])
            st.caption("Hash")
            st.code(entry["hash"], language=None, wrap_lines=True)


def _evidence(case: Case) -> None:
    if not case.facts().evidence:
        st.caption("This case holds no file of the suspect: a function or recorded answers were investigated.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button("Verify the evidence now", key="verify_evidence", icon=":material/fingerprint:",
                          help="Hashes the suspect's file again and compares with the hash from intake.")  # fmt: skip
        if not clicked:
            return
        try:
            with st.spinner("Hashing the evidence"):
                evidence = case.evidence()
        except FdError as error:
            show_error(error)
            return
        st.success(f"Unchanged since intake. SHA-256 {evidence.sha256}", icon=":material/verified_user:")
