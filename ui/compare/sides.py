"""The two sides of a comparison: a case and settings on each, as the URL names them, and what differs between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.case.saved_views import read_history, read_views
from fdcore.method.findings import ClassFinding, Findings
from fdcore.method.selection import SelectionSettings
from ui import cached, state
from ui.frame import Desk

if TYPE_CHECKING:
    import pandas as pd

SAVED, BEFORE, SHOWN = "Saved conclusions", "Conclusions before", "Settings of this link"
NOT_FOUND = "not found"
_SETTLED = 0.005  # a smaller change of L is not shown


@dataclass(frozen=True)
class Side:
    """One side: a case and one of its settings.

    Attributes:
        view: `SAVED`, `SHOWN` or the name of a saved view.
        settings: what it stands for.
    """

    case: Case
    view: str
    settings: SelectionSettings


def views_of(desk: Desk, case: Case) -> dict[str, SelectionSettings]:
    """What can be compared of a case: its conclusions, those before them with other settings, its views and, for the
    open case, the link's settings.
    """
    saved = selection_settings(case)
    earlier = next((one.settings for one in read_history(case) if one.settings not in (None, saved)), None)
    before = {BEFORE: earlier} if earlier else {}
    shown = state.linked_settings(saved).settings
    linked = {SHOWN: shown} if case.folder.name == desk.case_id and shown != saved else {}
    return {SAVED: saved} | before | linked | {view.name: view.settings for view in read_views(case)}


def choose(
    desk: Desk, name: str, label: str, titles: Mapping[str, str], default: tuple[str, str] | None
) -> Side | None:
    """Draw the choice of one side, which the URL keeps as `name`, and read it; None where nothing is chosen."""
    case_key, view_key = f"{name}_case", f"{name}_view"
    linked, _, view = st.query_params.get(name, "").partition(" ")
    case_id, usual = (linked, SAVED) if linked in titles else default or (None, SAVED)

    def changed_case() -> None:
        state.write(**{name: f"{st.session_state[case_key]} {SAVED}"})

    def changed_view() -> None:
        state.write(**{name: f"{case_id} {st.session_state[view_key]}"})

    st.session_state[case_key] = case_id  # the URL is the state
    st.markdown(f"**{label}**")
    st.selectbox("Case", list(titles), key=case_key, format_func=lambda one: titles.get(one, one),
                 on_change=changed_case, placeholder="Choose a case")  # fmt: skip
    if case_id is None:
        return None
    case = desk.book.open(case_id)
    views = views_of(desk, case)
    view = st.session_state[view_key] = view if view in views else usual if usual in views else SAVED
    st.selectbox("Settings", list(views), key=view_key, on_change=changed_view)
    return Side(case, view, views[view])


def table(baseline: Findings, other: Findings) -> "pd.DataFrame":
    """One row for each class that both sides have: names, grades, L, and the change of L against the baseline."""
    import pandas as pd

    rows = []
    for number in range(min(len(baseline.classes), len(other.classes))):
        one, two = (_found(side, number) for side in (baseline, other))
        change = None if one.l is None or two.l is None else two.l - one.l
        differs = (one.name, one.grade) != (two.name, two.grade) or abs(change or 0.0) >= _SETTLED
        rows.append((number, one.name, one.grade, one.l, two.name, two.grade, two.l, change, differs))
    columns = ("Class", "Baseline", "Grade", "L", "Other", "Grade ", "L ", "Change of L", "Differs")
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({"L": float, "L ": float, "Change of L": float})


@dataclass(frozen=True)
class _Found:
    name: str
    grade: str
    l: float | None  # noqa: E741 - the paper's symbol


def _found(findings: Findings, number: int) -> _Found:
    entry: ClassFinding = findings.classes[number]
    winner = entry.selection.winner
    if winner is None or entry.name is None:
        return _Found(NOT_FOUND, "", None)
    return _Found(entry.name.label, entry.grade.word if entry.grade else "", winner.functional)


def findings_of(side: Side) -> Findings:
    """What a side's settings find in its case."""
    return cached.findings(side.case, side.settings)
