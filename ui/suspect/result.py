"""What was found out about a suspect: what it is, what the scanners said, what it expects at its input."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.errors import SuspectError
from ui import cached
from ui.text import file_size, inert, shortened

_SCANNERS = {
    "opcodes": "Our list of what the file would load",
    "picklescan": "picklescan, strict",
    "fickling": "fickling",
}
_VERDICTS = {
    "clean": ("Nothing suspicious", ":material/check:", "green"),
    "dangerous": ("Could run code", ":material/gpp_bad:", "red"),
    "inconclusive": ("No conclusion", ":material/help:", "orange"),
}
_LONGEST_FINDING = 600
GIVEN, ASSUMED, BY_FILE = "set in the options", "assumed", "the file or its architecture"


def summary(case: Case, facts: Mapping[str, Any]) -> None:
    """The suspect in one row, and its hash."""
    suspect, evidence = facts["suspect"], facts.get("evidence")
    spec = suspect["preprocessing"]
    title = str(suspect["description"]).split(",")[0]
    with st.container(horizontal=True, key="suspect_metrics"):
        st.metric("Architecture", inert(shortened(title, 40)), border=True, width="content")
        st.metric("Classes", f"{int(suspect['n_classes']):,}", border=True)
        colour = "grey" if spec["channels"] == 1 else "colour"
        st.metric("Input", f"{int(spec['width'])} x {int(spec['height'])} {colour}", border=True)
        st.metric("File", file_size(int(evidence["size"])) if evidence else "none", border=True)
    notes = str(suspect["description"]).split("; ")[1:]
    with st.container(border=True, key="evidence"):
        if evidence:
            evidence_block(case, evidence)
        if notes:
            st.caption("Also found while opening it")
            st.text("\n".join(shortened(note, 300) for note in notes))


def evidence_block(case: Case, evidence: Mapping[str, Any]) -> None:
    """Name, format and SHA-256 of the evidence."""
    try:
        kind = cached.file_format(case)
    except SuspectError:
        kind = "The file is missing from the case; restore it."
    st.text(f"{evidence['name']} · {file_size(int(evidence['size']))} · {kind}")
    st.caption("SHA-256, taken on intake and verified before every run")
    st.code(str(evidence["sha256"]), language=None)


def scan_findings(scan: Mapping[str, Any]) -> None:
    """What each scanner said; one sentence where the format cannot hold code."""
    findings = [finding for finding in scan.get("findings") or () if isinstance(finding, dict)]
    if not findings:
        st.text(str(scan.get("sentence") or "This case does not say what the scanners found."))
        return
    for finding in findings:
        words, icon, colour = _VERDICTS.get(str(finding.get("verdict")), _VERDICTS["inconclusive"])
        scanner = str(finding.get("scanner"))
        with st.container(gap=None):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.badge(words, icon=icon, color=colour)  # type: ignore[arg-type]  # a colour of ours
                st.text(_SCANNERS.get(scanner, shortened(scanner)))
            st.text(in_whole_words(str(finding.get("text")), _LONGEST_FINDING))


def in_whole_words(text: str, length: int) -> str:
    """A string of at most `length` characters, cut behind a word where its end holds a gap."""
    cut = shortened(text, length)
    words = cut.rpartition(" ")[0]
    return cut if cut == text or len(words) < length // 2 else f"{words.rstrip()}…"


def is_dangerous(facts: Mapping[str, Any]) -> bool:
    """Whether the case's file was refused for good: no option can have it opened."""
    scan = facts.get("refused") or {}
    return bool(scan) and scan.get("verdict") != "inconclusive"


def refused(case: Case, facts: Mapping[str, Any], *, told: bool) -> None:
    """The state of a file that was not opened for what is in it.

    Args:
        case: the case.
        facts: the content of its case.json.
        told: whether a notice above says the reason already.
    """
    scan = facts["refused"]
    if not is_dangerous(facts):
        st.warning("**Not opened.** The scanners came to no conclusion about this file. Nothing in it was executed.",
                   icon=":material/help:")  # fmt: skip
    else:
        st.error(
            "**Refused: opening this file could run code.** It was not opened, and nothing in it was executed. "
            "It is kept as evidence.",
            icon=":material/gpp_bad:",
        )
    if not told:
        st.text(str(scan.get("sentence", "")))
    scan_findings(scan)
    evidence_block(case, facts["evidence"])


def preprocessing(facts: Mapping[str, Any], overrides: Mapping[str, Any], preset: str | None) -> None:
    """What happens to a picture before the network sees it, and how that is known."""
    rows = preprocessing_rows(facts["suspect"], overrides, preset)
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="", key="preprocessing")
    if any(row["Known from"] == ASSUMED and row["Setting"] in ("Mean", "Black to white") for row in rows):
        st.warning(
            "The normalisation is assumed: nothing in the file says it. A wrong one can change every verdict. Look at "
            "the test query below, and try another one if the answers look arbitrary.",
            icon=":material/warning:",
        )


def preprocessing_rows(
    suspect: Mapping[str, Any], overrides: Mapping[str, Any], preset: str | None
) -> list[dict[str, str]]:
    """Setting, value and origin of each part of the suspect's input."""
    spec, (line, *notes) = suspect["preprocessing"], str(suspect["description"]).split("; ")
    size_assumed = any(note.startswith("size ") and "assumed" in note for note in notes)
    normalised = GIVEN if preset else ASSUMED if line.endswith("(assumed)") else _said(line)

    def origin(name: str, otherwise: str) -> str:
        return GIVEN if name in overrides else otherwise

    low, high = spec["value_range"]
    return [
        _row("Size", f"{spec['width']} x {spec['height']} pixels",
             origin("height", ASSUMED if size_assumed else BY_FILE)),
        _row("Channels", "1, grey" if spec["channels"] == 1 else "3, colour", origin("channels", BY_FILE)),
        _row("Black to white", f"{low:g} to {high:g}", origin("value_range", normalised)),
        _row("Mean", _listed(spec["mean"]), origin("mean", normalised)),
        _row("Standard deviation", _listed(spec["std"]), origin("std", normalised)),
        _row("Order of the channels", str(spec["order"]), origin("order", ASSUMED)),
    ]  # fmt: skip


def _row(setting: str, value: str, known_from: str) -> dict[str, str]:
    return {"Setting": setting, "Value": value, "Known from": known_from}


def _listed(numbers: list[float]) -> str:
    return "  ".join(f"{number:g}" for number in numbers)


def _said(line: str) -> str:
    """How the normalisation is known where it is not assumed, from the suspect's description."""
    last = line.rpartition(", ")[2]
    return last.rpartition("(")[2].rstrip(")") if "(" in last else "the file" if "file" in last else last
