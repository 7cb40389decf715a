"""The validation that the case cites, in one line, and what is to be done where it does not hold."""

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.validation import current
from fdcore.method.selection import SelectionSettings
from fdcore.report.page import NOT_RECORDED
from ui import frame, saving
from ui.frame import Desk
from ui.text import inert

HELP = (
    "Reference suspects whose truth is known are investigated on this server, in about two minutes, and a signed "
    "record says what came out. The report cites it."
)


def draw(desk: Desk, case: Case, saved: SelectionSettings) -> None:
    """What held when the conclusions were drawn; a button to validate, or to cite a validation made since."""
    cited, now = case.facts().validation, current()[0]
    sentence = cited.in_words if cited else NOT_RECORDED
    if cited and cited.holds:
        st.caption(f":green[:material/verified_user:] {inert(sentence)} SHA-256 `{cited.sha256[:16]}…`", help=HELP)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="validation"):
        st.caption(f":orange[:material/gpp_maybe:] {inert(sentence)}", help=HELP, width="stretch")
        if now.holds:
            if st.button("Cite the validation made since", key="cite_validation", disabled=desk.busy):
                saving.save(desk, case, saved)
        elif st.button("Validate this installation", key="validate", icon=":material/fact_check:",
                       disabled=desk.busy, help=HELP):  # fmt: skip
            frame.start_work(desk, "validate", by=desk.by)
