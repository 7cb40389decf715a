"""The audit log on the Report page, and the check of every file against it."""

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.case.verify import Checked
from fdcore.errors import FdError
from fdcore.report.audit import AuditTrail, read_trail, trail_to_csv
from ui import cached
from ui.exports import download
from ui.frame import Desk
from ui.panels import BY_HELP, show_table
from ui.sentences import show_error
from ui.text import inert

MAX_ROWS = 1_000  # of the table on the page, the newest; the CSV has all


def draw(desk: Desk, case: Case) -> None:
    """The log with its CSV, and what the check of the whole case says."""
    trail = read_trail(case.audit())
    with st.container(key="audit"):
        download("Log (CSV)", lambda: trail_to_csv(trail), f"{desk.case_id}-audit.csv", "text/csv",
                 key="download_audit_csv")  # fmt: skip
        if trail.problem:
            st.error(f"{trail.in_words} {inert(trail.problem)}", icon=":material/link_off:")
        _checked(cached.checked(case))
        _replay(desk, case)
        opened = _table(trail)
        if opened is None:
            st.caption("Select an entry to read all of its details.")
        else:
            _entry(case, opened)


def _checked(checked: Checked) -> None:
    """What the check of the whole case says, and every file that is not as the log says."""
    short, odd = inert(checked.short), [one for one in checked.files if one.state != "intact"]
    if not checked.intact:
        st.error(short, icon=":material/gpp_bad:")
    elif odd:
        st.info(f"Checked now. {short}", icon=":material/gpp_maybe:")
    else:
        st.success(f"Checked now. {short}", icon=":material/verified:")
    if checked.set_back:
        which = ", ".join(map(str, checked.set_back))
        st.caption(
            f"The machine's clock was set back before entry {which}. The order of the entries is sure all the same."
        )
    if not checked.signers:
        st.caption(
            "Nobody signed this log, so whoever can write to the case could have rewritten both log and files. "
            "`fdcore key new` makes a key; entries are signed from then on."
        )
    for one in checked.stamps:
        time = one.time[:19].replace("T", " ")
        said = f"entry {one.entry} and all before it existed at {time} UTC, says {inert(one.signer)}"
        st.caption(f"Timestamp {inert(one.name)}: {inert(one.problem) or said}. "
                   "`fdcore check CASE --tsa-ca ROOTS.pem` verifies its root.")  # fmt: skip
    if not checked.stamps:
        st.caption(
            "No authority confirmed when entries existed; the times are those of the machine's clock. "
            "`fdcore timestamp` asks one."
        )
    if 0 < len(odd) < len(checked.files):
        rows = [{"File": one.name, "State": one.state, "Last entry": one.entry} for one in odd]
        show_table(pd.DataFrame(rows), "checked_files", {"Last entry": st.column_config.NumberColumn(width=80)},
                   most_px=240)  # fmt: skip


def _replay(desk: Desk, case: Case) -> None:
    """Make tables and report again from the recorded answers, on demand."""
    clicked = st.button("Replay from the recorded answers", key="replay", icon=":material/replay:",
                        help="Makes every table and the report again and compares them, byte for byte. No query is "
                        "sent, and nothing is written. `fdcore replay CASE --ask 500` also sends 500 recorded queries "
                        "again.")  # fmt: skip
    if not clicked:
        return
    from fdcore.work.replay import replay

    try:
        with st.spinner("Replaying"):
            found = replay(case.folder, cache=desk.places.cache)
    except FdError as error:
        show_error(error)
        return
    if found.agrees:
        st.success(f"The same, byte for byte: {', '.join(found.same)}.", icon=":material/verified:")
    else:
        st.error(f"Different from what the case holds: {', '.join(found.differ)}.", icon=":material/difference:")


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
