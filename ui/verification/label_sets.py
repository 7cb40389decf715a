"""Known label sets: does one of them agree with what was found, class for class? No input is needed."""

from collections.abc import Sequence

import streamlit as st

from fdcore.case.case import Case
from fdcore.method.findings import Findings
from fdcore.words.agreement import MAX_P, MIN_COMPARED, MIN_MEAN, SORTED, Agreement
from fdcore.words.claims import claims_from_label_set
from fdcore.words.label_sets import label_sets
from fdcore.words.vectors import WordVectors
from ui import cached
from ui.frame import Desk
from ui.panels import share_column, show_figure, show_table
from ui.text import counted
from ui.verification import draft
from ui.verification.figures import draw_matrix
from ui.verification.tables import agreement_table, headline, hints, near_sizes, set_id

_TABLE_PX, _SMALL_PX = 282, 520  # eight rows


def panel(desk: Desk, case: Case, findings: Findings, agreements: Sequence[Agreement], vectors: WordVectors) -> None:
    """The best set in a sentence, all sets of the right size in a table, one against the findings in a figure."""
    with st.container(key="label_sets"):
        if not agreements:
            n_classes = len(findings.classes)
            st.text(f"No known label set has {counted(n_classes, 'class', 'classes')}, or one fewer. "
                    f"The closest sizes: {near_sizes(n_classes, label_sets())}.")  # fmt: skip
            return
        _say(agreements)
        figure, table = st.container(), st.container()
        if not agreements[0].agrees:
            figure, table = table, figure
        with figure:
            _one_set(desk, case, findings, agreements, vectors)
        with table:
            _table(agreements)


def chosen_set(case_id: str, agreements: Sequence[Agreement]) -> Agreement:
    """The chosen set, by default the best. `agreements` holds at least one."""
    by_id = {set_id(one): one for one in agreements}
    return by_id.get(str(st.session_state.get(_key(case_id))), agreements[0])


def _key(case_id: str) -> str:
    return f"label_set_{case_id}"


def _say(agreements: Sequence[Agreement]) -> None:
    agrees = agreements[0].agrees
    (st.success if agrees else st.info)(
        headline(agreements), icon=":material/check_circle:" if agrees else ":material/help:"
    )
    for hint in hints(agreements):
        st.text(hint)


def _table(agreements: Sequence[Agreement]) -> None:
    column, table = st.column_config, agreement_table(agreements)
    unneeded = [name for name in ("Same names in", "Convincing") if not any(table[name])]
    table = table.drop(columns=["By hierarchy", "About", *unneeded])
    show_table(table, "label_set_table", {
        "Known set": column.TextColumn(width=200),
        "Convincing": column.TextColumn(width=105, help=f"p at most {MAX_P:g}, agreement at least {MIN_MEAN:g}, over "
                                        f"{MIN_COMPARED} classes or more. Five classes or fewer have too few orders "
                                        "for such a p, even if all of them fit."),
        "Agreement": share_column("In class order, the mean over the classes that could be compared: by the hierarchy "
                                  "if the label is in it, else by words", width=95),
        "p": column.NumberColumn(width=60, format="%.2g", help="How often randomly assigned labels agree as well"),
        "Compared": column.TextColumn(width=80, help="Classes that could be compared"),
        "Any order": column.NumberColumn(width=75, format="%.2f",
                                         help="The best agreement of any order of the labels"),
        "Same names in": column.TextColumn(width=170, help="Sets with the same names in the same order; only "
                                           "their pictures differ"),
    }, most_px=_TABLE_PX,
       alt="Known label sets of the suspect's size: those that agree first, then by p")  # fmt: skip
    st.caption(f"Every known set with as many classes as the suspect, or one fewer. {SORTED}")


def _one_set(desk: Desk, case: Case, findings: Findings, agreements: Sequence[Agreement], vectors: WordVectors) -> None:
    names = {set_id(one): one.title for one in agreements}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Compare with", list(names), key=_key(desk.case_id), format_func=lambda one: names.get(one, one),
                     width=320)  # fmt: skip
        one = chosen_set(desk.case_id, agreements)
        claims = claims_from_label_set(one.label_set, len(findings.classes), one.offset)
        st.button("Use its names as claims", key="use_set", on_click=draft.put, args=(desk.case_id, claims),
                  help="Fills the table of claims. Nothing is saved until you save it.")  # fmt: skip
    what = f"{findings.settings!r} {vectors.sha256} {len(vectors)} matrix {set_id(one)}"
    width = "stretch" if one.agrees else _SMALL_PX  # what does not convince is not the largest thing on the page
    show_figure(cached.made(case, what, lambda: draw_matrix(findings, vectors, one)), "agreement_matrix",
                f"What was found for each class against each label of {one.label_set.name}", "agreement",
                width=width)  # fmt: skip
    st.caption(f"{one.label_set.name}: {one.label_set.about}. A bright diagonal means that what was found for class 0 "
               "matches the set's label 0, and so on.")  # fmt: skip
