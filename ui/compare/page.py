"""The Compare page: two cases or two settings side by side; saved views; the history of the conclusions."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.saved_views import MAX_NAME, Concluded, read_history, read_views, remove_view, save_view
from ui import frame, saving, state
from ui.compare import sides
from ui.compare.sides import SAVED, Side
from ui.panels import BY_HELP, show_numbers, show_table
from ui.sentences import attempt
from ui.state import settings_in_words
from ui.steps import reached
from ui.text import counted, distinct_texts, inert, moment_in_words, shortened

if TYPE_CHECKING:
    import pandas as pd

BASELINE, OTHER = "baseline", "other"  # in the URL
_PICKED = "compared_class"
NO_OTHER = "Choose another case. To compare two settings of this one, save one of them as a view below."
DIFFERENT, ALL = "What differs", "All classes"
_SETTINGS = ("alpha", "eta", "tau", "k", "relative", "evidence", "share", "exclusive", "held_out")


def draw(desk: frame.Desk) -> None:
    """The comparison first, then the open case's views and history."""
    cards = [card for card in desk.cards if reached(card, "scoring")]
    if not cards:
        frame.empty("No case holds answers yet, so there is nothing to compare.", "Choose a case", "Cases")
        return
    titles = distinct_texts({card.id: shortened(card.title, 60) for card in cards})
    own = desk.case_id if desk.case_id in titles else cards[0].id
    _side_by_side(desk, titles, own)
    if desk.case_id in titles:
        left, right = st.columns(2)
        with left.container(border=True, height="stretch", key="views"):
            _views(desk, desk.case)
        with right.container(border=True, height="stretch", key="history"):
            _history(desk, desk.case)


def _side_by_side(desk: frame.Desk, titles: dict[str, str], own: str) -> None:
    another = next((case_id for case_id in titles if case_id != own), None)
    shown = sides.views_of(desk, desk.book.open(own))
    second = (own, next(name for name in reversed(shown))) if len(shown) > 1 else (another, SAVED) if another else None
    left, right = st.columns(2)
    with left.container(border=True):
        baseline = sides.choose(desk, BASELINE, "Baseline", titles, (own, SAVED))
        st.caption(settings_in_words(baseline.settings) if baseline else "")
    with right.container(border=True):
        other = sides.choose(desk, OTHER, "Other", titles, second)
        st.caption(settings_in_words(other.settings) if other else NO_OTHER)
    if baseline is None or other is None:
        return
    these, those = sides.findings_of(baseline), sides.findings_of(other)
    rows = sides.table(these, those)
    if len(these.classes) != len(those.classes):
        st.warning(
            f"The sides have {len(these.classes):,} and {len(those.classes):,} classes, so they are not the same "
            f"suspect. Only classes 0 to {len(rows) - 1:,} are compared, and one number need not mean one class.",
            icon=":material/compare_arrows:",
        )
    _numbers(rows)
    with st.container(horizontal=True, vertical_alignment="center"):  # the table's own buttons come up at the right
        which = st.segmented_control("Show", [DIFFERENT, ALL], default=DIFFERENT, required=True, key="compare_shown",
                                     label_visibility="collapsed")  # fmt: skip
        place = st.container(width="content")
    kept = (rows[rows["Differs"]] if which == DIFFERENT else rows).drop(columns="Differs")
    if kept.empty:
        st.text("Nothing differs: both sides find the same, with the same grades and L.")
        return
    _table(kept.sort_values("Change of L", key=lambda change: -change.abs().fillna(2.0), kind="stable"))
    with place:
        _doors((("baseline", baseline), ("other", other)))


def _numbers(rows: "pd.DataFrame") -> None:
    found = [rows[column].ne(sides.NOT_FOUND) for column in ("Baseline", "Other")]
    both = found[0] & found[1]
    same = int((rows["Baseline"].eq(rows["Other"]) & both).sum())
    change = rows["Change of L"].mean()
    show_numbers(
        "compared",
        ("Classes found", f"{int(found[0].sum()):,} and {int(found[1].sum()):,}", "In the baseline and in the other"),
        ("Same name", f"{same:,} of {int(both.sum()):,}", "Of the classes that both find"),
        ("Mean change of L", "-" if change != change else f"{change:+.3f}", "Over the classes that both find"),
        ("Classes that differ", f"{int(rows['Differs'].sum()):,} of {len(rows):,}", "In name, grade or L"),
    )


def _table(rows: "pd.DataFrame") -> None:
    classes = rows["Class"].tolist()
    key = f"compared_{len(classes)}_{hash(tuple(classes)) & 0xFFFF:x}"

    def chosen() -> None:
        selection = st.session_state[key].selection
        picked = [*selection.rows, *(row for row, _ in selection.cells)]
        st.session_state[_PICKED] = classes[picked[0]] if picked else None

    column = st.column_config
    with st.container(key="compared_classes"):
        show_table(rows.reset_index(drop=True), key, {
            "Class": column.NumberColumn(width=50, format="%d"),
            "Baseline": column.TextColumn(width=140),
            "Grade": column.TextColumn(width=65),
            "L": column.NumberColumn(format="%.2f", width=60),
            "Other": column.TextColumn(width=140),
            "Grade ": column.TextColumn(width=65),
            "L ": column.NumberColumn(format="%.2f", width=60),
            "Change of L": column.NumberColumn(format="%+.2f", width=90, help="Of the other against the baseline"),
        }, on_select=chosen, selection_mode=("single-row", "single-cell"),
            alt="What both sides find for each class")  # fmt: skip


def _doors(both: tuple[tuple[str, Side], tuple[str, Side]]) -> None:
    """Open the selected class in either side."""
    picked = st.session_state.get(_PICKED)
    if picked is None:
        st.caption("Select a row to open that class in either side.")
        return
    with st.container(horizontal=True, key="compare_doors"):
        for name, side in both:
            if st.button(f"Class {picked} in the {name}", key=f"open_{name}", icon=":material/arrow_forward:"):
                settings = {} if side.view == SAVED else state.settings_as_link(side.settings)
                where = {state.CLASS: str(picked), state.CASE: side.case.folder.name}
                frame.go_to("Selection", **(state.RESET | settings | where))


# Views


def _views(desk: frame.Desk, case: Case) -> None:
    st.markdown("**Saved views**")
    shown = state.shown_settings(case)
    with st.form("view_form", border=False, clear_on_submit=True):
        name = st.text_input("Save the settings of this link as", max_chars=MAX_NAME, key="view_name",
                             placeholder="general")  # fmt: skip
        st.caption(settings_in_words(shown))
        if st.form_submit_button("Save the view", key="view_save") and attempt(
            lambda: save_view(case, name, shown, by=desk.by)
        ):
            st.rerun()
    for number, view in enumerate(read_views(case)):
        with st.container(border=True, key=f"view_{number}", gap="xsmall"):
            st.markdown(f"**{inert(view.name)}**")
            st.caption(settings_in_words(view.settings))
            st.caption(inert(f"{f'{view.by}, ' if view.by else ''}{moment_in_words(view.saved)}"))
            with st.container(horizontal=True):
                if st.button("Open", key=f"view_open_{number}", icon=":material/arrow_forward:"):
                    frame.go_to("Selection", **state.settings_as_link(view.settings))
                if st.button("Remove", key=f"view_remove_{number}", type="tertiary") and attempt(
                    partial(remove_view, case, view.name, by=desk.by)
                ):
                    st.rerun()


# History


def _history(desk: frame.Desk, case: Case) -> None:
    st.markdown("**History of the conclusions**")
    history = read_history(case)
    if not history:
        st.caption("No conclusions were saved yet.")
        return
    picked = _picked_of(history)
    if picked is None:
        st.caption("Select a row to restore it.")
        return
    if picked.settings is None:
        st.caption("An earlier version saved these; their settings cannot be restored.")
        return
    st.caption(settings_in_words(picked.settings))
    if st.button("Restore", key="restore", icon=":material/history:", disabled=picked is history[0],
                 help="Saves these settings as the case's conclusions again."):  # fmt: skip
        saving.save(desk, case, picked.settings)


def _picked_of(history: tuple[Concluded, ...]) -> Concluded | None:
    """Draw the history; the row that is selected."""
    import pandas as pd

    by = [entry.by for entry in history]
    table = pd.DataFrame({
        "When": pd.to_datetime([entry.time for entry in history], utc=True, format="ISO8601"),
        "By": by,
        "Found": [entry.n_found for entry in history],
        "Settings": [_in_short(entry, before) for entry, before in zip(history, [*history[1:], None], strict=True)],
    })  # fmt: skip
    column = st.column_config
    event = show_table(
        table if any(by) else table.drop(columns="By"), f"history_{len(history)}", {
            "When": column.DatetimeColumn(format="distance", width=100),
            "By": column.TextColumn(width=80, help=BY_HELP),
            "Found": column.NumberColumn(width=55, help=f"{counted(2, 'class', 'classes')[2:]} found"),
            "Settings": column.TextColumn(width=200, help="What changed against the conclusions before"),
        }, most_px=280, on_select="rerun", selection_mode="single-row",
        alt="When conclusions were saved, and by whom",
    )  # fmt: skip
    rows = event.selection.rows
    return history[rows[0]] if rows else None


def _in_short(entry: Concluded, before: Concluded | None) -> str:
    """The settings that differ from those before. Not inert."""
    if entry.settings is None or before is None or before.settings is None:
        return settings_in_words(entry.settings) if entry.settings else "of an earlier version"
    pairs = [(name, getattr(before.settings, name), getattr(entry.settings, name)) for name in _SETTINGS]
    changed = [f"{name} {_short(old)} → {_short(new)}" for name, old, new in pairs if old != new]
    return ", ".join(changed) or "as before"


def _short(value: object) -> str:
    return state.AUTO if value is None else f"{value:g}" if isinstance(value, float) else str(value)
