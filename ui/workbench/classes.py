"""The list of classes at the left of the workbench: what was found for each, and the choice of one."""

from typing import Any

import streamlit as st

from fdcore.case.case import Case
from fdcore.method.findings import ClassFinding, Findings, Scored
from ui import cached, state
from ui.sentences import fragment
from ui.text import inert, listed, plain, shortened
from ui.workbench.components import class_list
from ui.workbench.picked import CLASSES, PICKS

NAME_LENGTH, WORDS_LENGTH = 60, 200
HINT = "j next, k previous"


def choose_class(case: Case, findings: Findings | None, n_classes: int) -> int:
    """Draw the list and return the class shown: that of the URL, or the first that was found. Not in a fragment.

    The list is a fragment of its own, which is drawn again once a slider rests.

    Args:
        case: whose classes they are.
        findings: None while answers still arrive; the classes are then shown by number alone.
        n_classes: of the suspect.
    """
    number = _shown(findings, n_classes)
    _list(case, n_classes, known=findings is not None)
    return number


@fragment(key=CLASSES)
def _list(case: Case, n_classes: int, *, known: bool) -> None:
    if known:
        findings = cached.findings(case, state.shown_settings(case))
        rows = [class_row(findings.scored, found) for found in findings.classes]
    else:
        rows = _unknown(n_classes)

    def chosen(given: Any) -> None:
        if isinstance(given, int | float) and 0 <= given < n_classes:
            go_to_class(int(given))
            st.rerun()

    class_list(
        {"rows": rows, "current": state.target_class(n_classes)[0], "hint": HINT}, key="class_list", chosen=chosen
    )


def go_to_class(number: int) -> None:
    """Show another class, with nothing picked in it; for callbacks."""
    state.write(**dict.fromkeys(PICKS), **{state.CLASS: number})


def _shown(findings: Findings | None, n_classes: int) -> int:
    """The class in the URL; without one, the first found is written there, so that no slider changes it."""
    if state.CLASS in st.query_params:
        number, wrong = state.target_class(n_classes)
        if wrong:
            st.caption(f":material/info: {inert(wrong)} Class 0 is shown instead.")
        return number
    if findings is None:
        return 0
    number = next((found.selection.target_class for found in findings.classes if found.selection.winner), 0)
    state.write(**{state.CLASS: number})
    return number


def class_row(scored: Scored, found: ClassFinding) -> dict[str, Any]:
    """What the list shows of a class, and the words that find it."""
    winner, name, miss = found.selection.winner, found.name, found.miss
    locked = ["locked by hand"] if found.selection.choice else []
    row = {"number": found.selection.target_class, "sought": "", "kind": "missing", "share": 0.0}
    if winner is None or name is None:
        near = f"nearest: {plain(miss.name.label)}, L {miss.functional:.2f}" if miss else "no picture was put in it"
        words = "; ".join(["not found", shortened(near, WORDS_LENGTH), *locked])
        return row | {"name": "not found", "words": words, "share": miss.functional if miss else 0.0}
    grade = [found.grade.word] if found.grade else []
    caveats = [f"caveats: {', '.join(found.weaknesses)}"] if found.weaknesses else []
    score = f"L {winner.functional:.2f} ({winner.low:.2f} to {winner.high:.2f})"
    return row | {
        "name": shortened(plain(name.label), NAME_LENGTH),
        "kind": found.grade.word if found.grade else "graded",
        "share": winner.functional,
        "words": "; ".join([shortened(plain(name.label), WORDS_LENGTH), score, *grade, *caveats, *locked]),
        "sought": shortened(plain(listed(scored.labels(winner.members), 8)), WORDS_LENGTH),
    }


def _unknown(n_classes: int) -> list[dict[str, Any]]:
    row = {"name": "", "kind": "missing", "share": 0.0, "sought": ""}
    return [{**row, "number": number, "words": f"Class {number}"} for number in range(n_classes)]
