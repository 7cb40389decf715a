"""What the classes are claimed to be: filled in from a set, a table or the suspect's file, edited, and saved."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.claims import names_beside, write_claims
from fdcore.errors import FdError
from fdcore.method.findings import Findings
from fdcore.words.agreement import Agreement
from fdcore.words.claims import (
    FROM_SUSPECT,
    MAX_CLAIM,
    MAX_CSV_BYTES,
    Claims,
    claims_from_csv,
    claims_from_label_set,
    claims_from_list,
    cleaned,
)
from ui.frame import Desk
from ui.sentences import attempt, fragment, show_error
from ui.text import counted, shortened
from ui.verification import draft
from ui.verification.tables import claims_table, set_id

PAGE_ROWS = 1_000  # classes edited at once
BY_HAND, KNOWN_SET, CSV, OWN_WORDS = "By hand", "Known label set", "CSV file", "The file's own names"
BESIDE = "A file beside it"
_HEIGHT = 420
_CLOSE = "claims_close"


def panel(desk: Desk, case: Case, findings: Findings, agreements: Sequence[Agreement], kept: Claims) -> None:
    """The claims, and on demand the table to change them."""

    @fragment()
    def editing() -> None:
        with st.container(border=True, key="claims"):
            _draw(desk, case, findings, agreements, kept)

    editing()


def own_words(case: Case) -> tuple[str, ...]:
    """The class names in the suspect's file; empty if it has none."""
    return suspect.class_names if (suspect := case.facts().suspect) else ()


def _draw(desk: Desk, case: Case, findings: Findings, agreements: Sequence[Agreement], kept: Claims) -> None:
    base, version = draft.begin(desk.case_id, kept)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Claims**", width="content")
        if kept.names:
            st.toggle("Edit", key=draft.OPEN)
    _current(findings, kept)
    if kept.names and not st.session_state.get(draft.OPEN):
        return
    _fill(desk, case, len(findings.classes), agreements)
    now = _editor(desk.case_id, findings, base, version)
    _buttons(desk, case, kept, now)


def _current(findings: Findings, kept: Claims) -> None:
    if kept.names:
        st.text(f"{len(kept.names):,} of {counted(len(findings.classes), 'class', 'classes')}. Source: "
                f"{shortened(kept.source or 'not given', 160)}")  # fmt: skip
    else:
        st.caption(
            "No claims are saved yet. Enter what the classes are claimed to be by a README, the seller or the "
            "suspect's own file. A claim is not evidence; the findings are compared with it."
        )


def _fill(desk: Desk, case: Case, n_classes: int, agreements: Sequence[Agreement]) -> None:
    """The sources that the table can be filled from."""
    own = own_words(case)
    ways = [BY_HAND, *([KNOWN_SET] if agreements else []), CSV, *([OWN_WORDS] if own else [])]
    if (beside := names_beside(case)).names:
        ways.append(BESIDE)
    way = st.segmented_control("Fill the table", ways, default=BY_HAND, required=True, key="claims_way")
    if way == KNOWN_SET:
        _from_set(desk.case_id, n_classes, agreements)
    elif way == CSV:
        _from_csv(desk.case_id, n_classes)
    elif way == OWN_WORDS:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(OWN_WORDS, icon=":material/format_quote:", color="orange")
            claims = claims_from_list(own[:n_classes], source=FROM_SUSPECT)
            st.button("Fill in", key="fill_own", on_click=draft.put, args=(desk.case_id, claims))
        st.caption("The file's author wrote these names into it; nothing proves that they are right.")
    elif way == BESIDE:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"From {shortened(beside.source, 120)}")
            st.button("Fill in", key="fill_beside", on_click=draft.put, args=(desk.case_id, beside))
        st.caption("Somebody left this file beside the suspect's; nothing proves that it belongs to it.")


def _from_set(case_id: str, n_classes: int, agreements: Sequence[Agreement]) -> None:
    names = {set_id(one): one.title for one in agreements}
    by_id = {set_id(one): one for one in agreements}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Which set", list(names), key=f"fill_set_choice_{case_id}",
                              format_func=lambda one: names.get(one, one), width=420)  # fmt: skip
        one = by_id.get(chosen, agreements[0])
        claims = claims_from_label_set(one.label_set, n_classes, one.offset)
        st.button("Fill in", key="fill_set", on_click=draft.put, args=(case_id, claims))


def _from_csv(case_id: str, n_classes: int) -> None:
    file = st.file_uploader(
        "A table with one row per class: number and name, or only the names in order",
        type=["csv", "tsv", "txt"], key=f"claims_csv_{case_id}", max_upload_size=MAX_CSV_BYTES >> 20,
    )  # fmt: skip
    if file is None:
        return
    try:
        claims = claims_from_csv(file.getvalue(), n_classes, source=f"the table {cleaned(shortened(file.name, 100))}")
    except FdError as error:
        show_error(error)
        return
    if not claims.names:
        st.warning("The table contains no names. Nothing was changed.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        first = min(claims.names)
        st.text(f"{counted(len(claims.names), 'claim')} read. Class {first}: {shortened(claims.names[first], 60)}")
        st.button("Fill in", key="fill_csv", on_click=draft.put, args=(case_id, claims))


def _editor(case_id: str, findings: Findings, base: Claims, version: int) -> Claims:
    """The table; returns the claims in it."""
    n_classes = len(findings.classes)
    n_pages = -(-n_classes // PAGE_ROWS)
    page = st.session_state.get("claims_page", 1) if n_pages > 1 else 1
    first = PAGE_ROWS * (page - 1)
    table = claims_table(findings, dict(base.names), first, first + PAGE_ROWS)
    key = f"claims_editor_{case_id}_{version}_{page}"
    column = st.column_config
    changed = st.data_editor(
        table, key=key, hide_index=True, height=min(31 * (len(table) + 1) + 3, _HEIGHT), disabled=["Class", "Found"],
        column_config={
            "Class": column.NumberColumn(width=60, format="%d"),
            "Found": column.TextColumn(width="medium", help="According to the suspect's answers"),
            "Claim": column.TextColumn(width="large", max_chars=MAX_CLAIM,
                                       help="Double-click to edit; empty for no claim"),
        },
        alt="What each class is claimed to be",
    )  # fmt: skip
    now = draft.edited(base, dict(zip(table["Class"].tolist(), changed["Claim"].tolist(), strict=True)))
    if n_pages > 1:
        st.pagination(n_pages, key="claims_page", on_change=partial(draft.put, case_id, now))
    return now


def _buttons(desk: Desk, case: Case, kept: Claims, now: Claims) -> None:
    changed = dict(now.names) != dict(kept.names)
    before = draft.remembered(desk.case_id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, width="content", gap="small"):
            if changed:
                st.button("Undo", icon=":material/undo:", key="claims_undo", type="tertiary", on_click=draft.drop,
                          help="Return to the saved claims.")  # fmt: skip
            else:
                st.button("Undo", icon=":material/undo:", key="claims_undo", type="tertiary", on_click=draft.put,
                          args=(desk.case_id, before or Claims()), disabled=before is None or before == kept,
                          help="Fill in the previously saved claims.")  # fmt: skip
            st.button("Clear", icon=":material/backspace:", key="claims_clear", type="tertiary", on_click=draft.put,
                      args=(desk.case_id, Claims()), disabled=not now.names, help="Empty the table.")  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if changed:
                st.badge("Not saved", icon=":material/edit:", color="orange")
            if st.button("Save claims", key="claims_keep", disabled=not changed,
                         type="primary" if changed else "secondary"):  # fmt: skip
                _keep(desk, case, kept, now)


def _keep(desk: Desk, case: Case, kept: Claims, now: Claims) -> None:
    if not attempt(lambda: write_claims(case.folder, now, by=desk.by, expected=kept)):
        return
    draft.remember(desk.case_id, kept)
    draft.drop()
    st.session_state[_CLOSE] = True
    st.toast(f"{counted(len(now.names), 'claim')} saved.", icon=":material/check:")
    st.rerun()


def close_if_saved() -> None:
    """Close the editor once its claims are saved; call it before the editor is drawn."""
    if st.session_state.pop(_CLOSE, False):
        st.session_state[draft.OPEN] = False
