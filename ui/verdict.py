"""What all classes together mean, in sentences, as a treemap and as CSV."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from fdcore.case.tables import statement_of
from fdcore.method.findings import ClassFinding, Findings, Scored
from fdcore.method.neighbourhood import tree_above
from fdcore.method.removal import Rest
from fdcore.tables import to_csv
from fdcore.verdict import Verdict, WeakPoint
from ui.text import inert, listed

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fdcore.report.figures.corpus import FoundClass

MAX_LEAVES = 12  # named for one class
MAX_LISTED = 20  # classes named beside a weak point
_SIGNS = {"meaningful": "", "undecided": ":orange[:material/help:] ", "meaningless": ":red[:material/block:] "}
COLUMNS = ("Class", "Found", "Grade", "L", "S", "Covers", "Images kept", "Without it", "Caveats", "Leaves",
           "Chosen by hand", "Statement")  # fmt: skip


def verdict_panel(verdict: Verdict) -> None:
    """The overall verdict in sentences, the evidence for it, and the known label set that agrees."""
    with st.container(border=True, key="verdict_panel"):
        st.subheader(_SIGNS[verdict.outcome] + inert(verdict.headline), anchor=False)
        if verdict.caution:
            st.markdown(f"**{verdict.caution}**")
        st.text(" ".join(filter(None, [verdict.removal_in_words, verdict.measured_in_words])))
        if agreed := verdict.label_set_sentence:
            st.markdown(f":material/fact_check: {inert(agreed)}")


def weak_points(verdict: Verdict) -> None:
    """The reasons for doubt, and what would help."""
    for point in verdict.weak_points:
        _weak_point(point)


def _weak_point(point: WeakPoint) -> None:
    noun = "Class" if len(point.classes) == 1 else "Classes"
    classes = f" {noun} {listed([str(each) for each in point.classes], MAX_LISTED)}." if point.classes else ""
    leaves = f" Strongest leaves: {inert(listed(point.leaves, MAX_LISTED))}." if point.leaves else ""
    groups = "".join(f"  \n{each}" for each in point.groups_in_words(inert))
    what = f"**{inert(point.what)}**{classes}{groups}{leaves}"
    st.markdown(f"{what}  \n{inert(point.why)}  \n:material/build: {inert(point.remedy)}")


def verdict_csv(findings: Findings, verdict: Verdict, columns: Sequence[str] = COLUMNS) -> bytes:
    """One row for each class, "not found" included, as CSV with formulas made inert."""
    return to_csv(columns, ({column: row[column] for column in columns} for row in _rows(findings, verdict)))


def draw_domain(findings: Findings, revision: str) -> "go.Figure":
    """A treemap of the found classes and the nodes above them; its zoom is kept while `revision` stays the same."""
    from fdcore.report.figures.corpus import domain_treemap

    hierarchy, found = findings.scored.hierarchy, _found_classes(findings)
    above = tree_above(hierarchy, [entry.node for entry in found])
    return domain_treemap(
        found, ids=list(above), labels=[hierarchy.label(node) for node in above], parents=list(above.values()),
        revision=revision,
    )  # fmt: skip


def _found_classes(findings: Findings) -> "list[FoundClass]":
    from fdcore.report.figures.corpus import FoundClass

    return [
        FoundClass(entry.selection.target_class, entry.name.ancestor, _leaves(findings.scored, winner.members))
        for entry in findings.classes
        if (winner := entry.selection.winner) and entry.name and entry.name.ancestor
    ]


def _rows(findings: Findings, verdict: Verdict) -> list[dict[str, Any]]:
    rests = verdict.rests
    return [
        _row(findings.scored, entry, rests.get(entry.selection.target_class), verdict.outcome)
        for entry in findings.classes
    ]


def _row(scored: Scored, entry: ClassFinding, rest: Rest | None, outcome: str) -> dict[str, Any]:
    winner, choice = entry.selection.winner, entry.selection.choice
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {
        "Class": entry.selection.target_class,
        "Found": "not found",
        "L": None,
        "S": None,
        "Caveats": ", ".join(entry.weaknesses),
        "Chosen by hand": choice.by or "yes" if choice else "",
    }
    if winner and entry.name:
        n_kept, n_dropped = len(entry.filtered.kept), len(entry.filtered.dropped)
        row |= {
            "Found": entry.name.label,
            "Grade": entry.grade.word if entry.grade else "",
            "L": winner.functional,
            "S": winner.semantic,
            "Covers": f"{entry.name.n_chosen} of {entry.name.n_leaves}",
            "Images kept": f"{n_kept:,} of {n_kept + n_dropped:,}",
            "Without it": _without(rest) if rest else "",
            "Leaves": _leaves(scored, winner.members),
            "Statement": statement_of(entry, outcome),
        }
    return row


def _without(rest: Rest) -> str:
    return f"{rest.name.label}, L {rest.winner.functional:.2f}" if rest.winner and rest.name else "nothing"


def _leaves(scored: Scored, members: Sequence[int]) -> str:
    return listed(scored.labels(members), MAX_LEAVES)
