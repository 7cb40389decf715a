"""Sources of error in the case, what was done about them, the known error rates, and the limits, as in the report."""

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.method.known_rates import known_rates
from fdcore.method.selection import SelectionSettings
from fdcore.report.mitigation import limits, mitigations
from ui import cached
from ui.panels import show_table
from ui.text import inert


def draw(case: Case, saved: SelectionSettings) -> None:
    """Three parts, from the same texts as the report."""
    facts, verdict = case.facts(), cached.verdict(case, saved)
    with st.container(key="errors_and_limits"):
        rows = [
            {"Source of error": f"**{row.error}**  \n{inert(row.source)}", "How it shows here": inert(row.shows),
             "What the program did": inert(row.done), "What the examiner must do": inert(row.to_do)}
            for row in mitigations(facts, verdict)
        ]  # fmt: skip
        st.table(pd.DataFrame(rows), hide_index=True)
        st.subheader("Known error rates", anchor=False)
        rates, note = known_rates(saved, facts.kind)
        st.caption(
            f"Of suspects whose truth is known. {note} Right and wrong: of the classes that the corpus held. False: "
            "any answer, of the classes that it did not hold. Precision: right answers of all."
        )
        share = st.column_config.NumberColumn(format="percent")
        show_table(pd.DataFrame([_row(one._asdict()) for one in rates]), "known_rates",
                   dict.fromkeys(("Right", "Wrong", "False", "Precision"), share))  # fmt: skip
        st.subheader("Limits", anchor=False)
        for limit in limits(facts):
            st.text(limit)


def _row(rate: dict[str, object]) -> dict[str, object]:
    names = {"suspects": "Suspects", "n_suspects": "Networks", "n_held": "Classes held", "n_absent": "Classes absent"}
    return {names.get(name, name.capitalize()): value for name, value in rate.items()}
