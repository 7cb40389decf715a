"""What somebody says that the classes are: filled in from a set, a table or the suspect's file, edited, and kept."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.claims import write_claims
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

PAGE_ROWS = 1_000  # classes that are edited at once
BY_HAND, KNOWN_SET, CSV, OWN_WORDS = "By hand", "Known label set", "CSV file", "The file's own words"
_HEIGHT = 420


def panel(desk: Desk, case: Case, findings: Findings, agreements: Sequence[Agreement], kept: Claims) -> None:
    """What is claimed, and on demand the table in which it is changed."""

    @fragment()
    def editing() -> None:
        with st.container(border=True, key="claims"):
            _draw(desk, case, findings, agreements, kept)

    editing()


def own_words(case: Case) -> tuple[str, ...]:
    """The class names that the suspect's file tells; none where it tells none."""
    return suspect.class_names if (suspect := case.facts().suspect) else ()


# Parts


def _draw(desk: Desk, case: Case, findings: Findings, agreements: Sequence[Agreement], kept: Claims) -> None:
    base, version = draft.begin(desk.case_id, kept)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Claims**", width="content")
        if kept.names:
            st.toggle("Change them", key=draft.OPEN)
    _told(findings, kept)
    if kept.names and not st.session_state.get(draft.OPEN):
        return
    _fill(desk, case, len(findings.classes), agreements)
    now = _editor(desk.case_id, findings, base, version)
    _buttons(desk, case, kept, now)


def _told(findings: Findings, kept: Claims) -> None:
    if kept.names:
        st.text(f"{len(kept.names):,} of {counted(len(findings.classes), 'class', 'classes')}, from: "
                f"{shortened(kept.source or 'not said', 160)}")  # fmt: skip
    else:
        st.caption(
            "Nobody's claims are kept yet. Say what the classes are claimed to be: by a README, by the seller, by the "
            "suspect's own file. A claim is no evidence; it is what the finding is compared with."
        )


def _fill(desk: Desk, case: Case, n_classes: int, agreements: Sequence[Agreement]) -> None:
    """What the table may be filled from."""
    told = own_words(case)
    ways = [BY_HAND, *([KNOWN_SET] if agreements else []), CSV, *([OWN_WORDS] if told else [])]
    way = st.segmented_control("Fill the table", ways, default=BY_HAND, required=True, key="claims_way")
    if way == KNOWN_SET:
        _from_set(desk.case_id, n_classes, agreements)
    elif way == CSV:
        _from_csv(desk.case_id, n_classes)
    elif way == OWN_WORDS:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge("The file's own words", icon=":material/format_quote:", color="orange")
            st.button("Fill in", key="fill_own", on_click=_put, args=(desk.case_id, claims_from_list(
                told[:n_classes], source=FROM_SUSPECT)))  # fmt: skip
        st.caption("Whoever made the file wrote these names into it; nothing proves that they are right.")


def _from_set(case_id: str, n_classes: int, agreements: Sequence[Agreement]) -> None:
    names = {set_id(one): one.title for one in agreements}
    by_id = {set_id(one): one for one in agreements}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Which set", list(names), key=f"fill_set_choice_{case_id}",
                              format_func=lambda one: names.get(one, one), width=420)  # fmt: skip
        one = by_id.get(chosen, agreements[0])
        claims = claims_from_label_set(one.label_set, n_classes, one.offset)
        st.button("Fill in", key="fill_set", on_click=_put, args=(case_id, claims))


def _from_csv(case_id: str, n_classes: int) -> None:
    file = st.file_uploader(
        "A table with a row for each class: its number and its name, or the names alone, in order",
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
        st.warning("The table has no name in it. Nothing was changed.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        first = min(claims.names)
        st.text(f"{counted(len(claims.names), 'claim')} read. Class {first}: {shortened(claims.names[first], 60)}")
        st.button("Fill in", key="fill_csv", on_click=_put, args=(case_id, claims))


def _put(case_id: str, claims: Claims) -> None:
    draft.put(case_id, claims)


def _editor(case_id: str, findings: Findings, base: Claims, version: int) -> Claims:
    """The table, and what is claimed by it now."""
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
            "Found": column.TextColumn(width="medium", help="What the suspect's answers give"),
            "Claim": column.TextColumn(width="large", max_chars=MAX_CLAIM,
                                       help="Double click to change; empty for no claim"),
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
                          help="Back to what the case keeps.")  # fmt: skip
            else:
                st.button("Undo", icon=":material/undo:", key="claims_undo", type="tertiary", on_click=_put,
                          args=(desk.case_id, before or Claims()), disabled=before is None or before == kept,
                          help="Fill in the claims that were kept before.")  # fmt: skip
            st.button("Clear", icon=":material/backspace:", key="claims_clear", type="tertiary", on_click=_put,
                      args=(desk.case_id, Claims()), disabled=not now.names, help="Empty the table.")  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if changed:
                st.badge("Not kept", icon=":material/edit:", color="orange")
            if st.button("Keep these claims", key="claims_keep", disabled=not changed,
                         type="primary" if changed else "secondary"):  # fmt: skip
                _keep(desk, case, kept, now)


def _keep(desk: Desk, case: Case, kept: Claims, now: Claims) -> None:
    if not attempt(lambda: write_claims(case.folder, now, by=desk.by, expected=kept)):
        return
    draft.remember(desk.case_id, kept)
    draft.drop()
    st.session_state[_CLOSE] = True
    st.toast(f"{counted(len(now.names), 'claim')} kept.", icon=":material/check:")
    st.rerun()


_CLOSE = "claims_close"


def close_where_kept() -> None:
    """Close the editor once its claims are kept; to be called before it is drawn."""
    if st.session_state.pop(_CLOSE, False):
        st.session_state[draft.OPEN] = False
