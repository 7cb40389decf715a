"""The panels of the Report page: the saved conclusions, and whether they match what is shown elsewhere."""

from collections import Counter

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.case.tables import selection_rows, selection_to_csv, selection_to_json
from fdcore.method.findings import Findings
from fdcore.method.grades import GRADES_IN_WORDS, MEASURED
from fdcore.method.selection import SelectionSettings
from fdcore.report.audit import read_trail, trail_to_csv
from fdcore.report.page import found_domain
from ui import cached, saving
from ui.exports import export
from ui.frame import Desk
from ui.panels import share_column, show_figure, show_numbers, show_table
from ui.state import settings_in_words
from ui.verdict import WITHOUT_HELP, draw_domain, verdict_table


def notice(desk: Desk, case: Case, saved: SelectionSettings, shown: SelectionSettings) -> None:
    """Say which conclusions are shown, and offer to save those that are not saved."""
    if desk.card is None or desk.card.n_found is None:
        _offer(desk, case, shown, "info", "The suspect has been queried, but no conclusions are saved yet.",
               "Draw the conclusions")  # fmt: skip
    elif shown != saved:
        sentence = (
            f"This page shows the saved conclusions ({settings_in_words(saved)}). The Selection page shows "
            f"{settings_in_words(shown)}."
        )
        _offer(desk, case, shown, "info", sentence, "Save those of the Selection page")
    elif not cached.saved_as_found(case, saved):
        sentence = (
            "The files in this case do not match its answers and the analyst's choices: a choice was locked later, "
            "another version wrote the files, or they were changed. This page shows what the answers give."
        )
        _offer(desk, case, shown, "warning", sentence, "Write the conclusions again")


def _offer(desk: Desk, case: Case, settings: SelectionSettings, kind: str, sentence: str, action: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="unsaved"):
        (st.warning if kind == "warning" else st.info)(sentence, icon=":material/edit_note:")
        if st.button(action, type="primary", key="save_conclusions"):
            saving.save(desk, case, settings)


def metrics(case: Case, findings: Findings) -> None:
    """The findings in five numbers."""
    total, scored = findings.overall, findings.scored
    counts = Counter(finding.grade.word for finding in findings.classes if finding.grade)
    trail = read_trail(case.audit())
    show_numbers(
        "metrics",
        ("Classes found", f"{total.n_found:,} of {total.n_classes:,}"),
        (
            "Certain, likely, weak",
            ", ".join(f"{counts[word]:,}" for word in MEASURED) if counts else "no grades",
            GRADES_IN_WORDS,
        ),
        ("Queries sent", f"{scored.n_sent:,}"),
        ("Corpus", f"{len(scored.scores.nodes):,} leaves", f"{len(scored.images.names):,} images"),
        ("Audit log", "broken" if trail.problem else "intact", trail.in_words),
    )
    if not scored.complete:
        st.warning(
            "Not every planned view is answered: the budget ran out or the run was stopped. The scores rest on the "
            "answered ones.",
            icon=":material/hourglass_bottom:",
        )


def domain(findings: Findings, case_id: str) -> None:
    """The found names, as a treemap and as a table."""
    if not findings.overall.n_found:
        with st.container(border=True, key="nothing"):
            st.markdown("**Nothing was found**")
            st.caption(
                "No leaf of the corpus reaches tau in any class. This is a result too: the domain lies "
                "outside this corpus."
            )
        return
    left, right = st.columns((3, 2))
    with left.container(border=True, height="stretch"):
        st.markdown("**The domain**")
        st.caption(
            "What the classes were found to be, in the hierarchy. The area is the number of classes; click a field to "
            "open it."
        )
        show_figure(draw_domain(findings, case_id), "domain_chart",
                    f"Treemap of what {findings.overall.n_found} classes were found to be.",
                    f"{case_id}-domain")  # fmt: skip
    with right.container(border=True, height="stretch"):
        st.markdown("**Names found**")
        st.caption("Each name with its classes; names of several classes first.")
        show_table(domain_table(findings), "domain_table", {
            "found": st.column_config.TextColumn("Found", width=130),
            "classes": st.column_config.TextColumn("Class no.", width=60),
            "L": share_column("Share of views put in the class, averaged over the classes", width=95),
        })  # fmt: skip


def domain_table(findings: Findings) -> pd.DataFrame:
    """Every found name with its classes and their mean L."""
    classes = selection_to_json(findings.classes, findings.scored.scores, findings.scored.hierarchy)
    rows = [
        {"found": row["label"], "classes": ", ".join(map(str, row["classes"])), "L": row["functional"]}
        for row in found_domain(classes)
    ]
    return pd.DataFrame(rows, columns=["found", "classes", "L"])


def verdict(case: Case, findings: Findings) -> None:
    """One row for each class."""
    column, table = st.column_config, verdict_table(findings, cached.verdict(case, findings.settings))
    if not table["Chosen by hand"].any():
        table = table.drop(columns="Chosen by hand")
    with st.container(border=True, key="verdict"):
        st.markdown("**Verdict per class**")
        st.caption(
            "L: share of the answer's views put in the class. S: mean closeness of its images in the hierarchy. "
            "Covers: selected leaves, of all leaves that the corpus has under that name."
        )
        show_table(table, "verdict_table", {
            "Class": column.NumberColumn(width=50),
            "Found": column.TextColumn(width=125),
            "Grade": column.TextColumn(help=GRADES_IN_WORDS, width=60),
            "L": share_column(width=85),
            "S": column.NumberColumn(format="%.2f", width=45),
            "Covers": column.TextColumn(width=70),
            "Images kept": column.TextColumn(width=90),
            "Without it": column.TextColumn(help=WITHOUT_HELP, width=120),
            "Caveats": column.TextColumn(width=140),
            "Leaves": column.TextColumn(width=220),
            "Chosen by hand": column.TextColumn(width=100),
        }, most_px=640)  # fmt: skip


def take_away(desk: Desk, case: Case, findings: Findings) -> None:
    """The Export menu."""
    scored = findings.scored
    export(
        f"{desk.case_id}-report",
        tables={
            "Verdict": lambda: selection_to_csv(selection_rows(findings.classes, scored.scores, scored.hierarchy)),
            "Audit log": lambda: trail_to_csv(read_trail(case.audit())),
        },
        figures={"Domain": lambda: draw_domain(findings, desk.case_id)} if findings.overall.n_found else {},
    )
