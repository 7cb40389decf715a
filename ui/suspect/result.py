"""What is known about a suspect: its identity, the scanners' findings, its input preprocessing."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from fdcore.case.case import Case
from fdcore.case.records import EvidenceFacts, SuspectFacts
from fdcore.errors import SuspectError
from fdcore.suspect.preprocess import Origin
from fdcore.suspect.scan import ScanReport
from ui import cached
from ui.text import file_size, inert, shortened

_SCANNERS = {
    "opcodes": "Built-in check of imports",
    "picklescan": "picklescan, strict",
    "fickling": "fickling",
}
_VERDICTS = {
    "clean": ("Nothing suspicious", ":material/check:", "green"),
    "dangerous": ("Could run code", ":material/gpp_bad:", "red"),
    "inconclusive": ("No conclusion", ":material/help:", "orange"),
}
_LONGEST_FINDING = 600
_ORIGINS: dict[Origin, str] = {"file": "file", "options": "options", "guess": "guessed"}
NOT_RECORDED = "not recorded"


def summary(case: Case, suspect: SuspectFacts, evidence: EvidenceFacts | None) -> None:
    """The suspect in one row, and its hash."""
    spec = suspect.preprocessing
    title = suspect.title or suspect.description
    with st.container(horizontal=True, key="suspect_metrics"):
        st.metric("Architecture", inert(shortened(title, 40)), border=True, width="content")
        st.metric("Classes", f"{suspect.n_classes:,}", border=True)
        colour = "grey" if spec.channels == 1 else "colour"
        st.metric("Input", f"{spec.width} x {spec.height} {colour}", border=True)
        st.metric("File", file_size(evidence.size) if evidence else "none", border=True)
    with st.container(border=True, key="evidence"):
        if evidence:
            evidence_block(case, evidence)
        if suspect.notes:
            st.caption("Remarks from opening the file")
            st.text("\n".join(shortened(note, 300) for note in suspect.notes))


def evidence_block(case: Case, evidence: EvidenceFacts) -> None:
    """Name, format and SHA-256 of the evidence."""
    try:
        kind = cached.file_format(case.folder / "evidence" / Path(evidence.file).name).value
    except SuspectError:
        kind = "The file is missing from the case; restore it."
    st.text(f"{evidence.name} · {file_size(evidence.size)} · {kind}")
    st.caption("SHA-256, taken on intake and verified before every run")
    st.code(evidence.sha256, language=None)


def scan_findings(scan: ScanReport | None) -> None:
    """What each scanner reported; one sentence if the format cannot hold code."""
    if not scan or not scan.findings:
        st.text((scan and scan.sentence) or "This case does not record what the scanners found.")
        return
    for finding in scan.findings:
        words, icon, colour = _VERDICTS.get(finding.verdict, _VERDICTS["inconclusive"])
        with st.container(gap=None):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.badge(words, icon=icon, color=colour)  # type: ignore[arg-type]  # a colour of ours
                st.text(_SCANNERS.get(finding.scanner, shortened(finding.scanner)))
            st.text(in_whole_words(finding.text, _LONGEST_FINDING))


def in_whole_words(text: str, length: int) -> str:
    """A string of at most `length` characters, cut after a word if its second half has a space."""
    cut = shortened(text, length)
    words = cut.rpartition(" ")[0]
    return cut if cut == text or len(words) < length // 2 else f"{words.rstrip()}…"


def is_dangerous(scan: ScanReport | None) -> bool:
    """Whether the file was refused for good: no option opens it."""
    return scan is not None and scan.verdict != "inconclusive"


def refused(case: Case, scan: ScanReport, evidence: EvidenceFacts, *, noticed: bool) -> None:
    """A file that was not opened because of its content; `noticed` says whether a notice above gives the reason."""
    if not is_dangerous(scan):
        st.warning("**Not opened.** The scanners reached no conclusion about this file. Nothing in it was executed.",
                   icon=":material/help:")  # fmt: skip
    else:
        st.error(
            "**Refused: opening this file could run code.** It was not opened, and nothing in it was executed. "
            "It is kept as evidence.",
            icon=":material/gpp_bad:",
        )
    if not noticed:
        st.text(scan.sentence)
    scan_findings(scan)
    evidence_block(case, evidence)


def preprocessing(suspect: SuspectFacts) -> None:
    """How a picture is prepared for the network, and the origin of each setting."""
    st.dataframe(pd.DataFrame(preprocessing_rows(suspect)), hide_index=True, placeholder="", key="preprocessing")
    if suspect.doubt:
        st.warning(
            f"{suspect.doubt} A wrong guess can change every verdict. Compare cases with other presets and "
            "architectures if the answers look arbitrary.",
            icon=":material/warning:",
        )


def preprocessing_rows(suspect: SuspectFacts) -> list[dict[str, str]]:
    """Setting, value and origin of the architecture and of each step of the input preprocessing."""
    spec, origins = suspect.preprocessing, suspect.origins
    low, high = spec.value_range

    def row(setting: str, value: str, name: str) -> dict[str, str]:
        known = _ORIGINS[getattr(origins, name)] if origins else NOT_RECORDED
        return {"Setting": setting, "Value": value, "Origin": known}

    return [
        row("Architecture", suspect.title or suspect.description, "architecture"),
        row("Size", f"{spec.width} x {spec.height} pixels", "height"),
        row("Channels", "1, grey" if spec.channels == 1 else "3, colour", "channels"),
        row("Black to white", f"{low:g} to {high:g}", "value_range"),
        row("Mean", _listed(spec.mean), "mean"),
        row("Standard deviation", _listed(spec.std), "std"),
        row("Order of the channels", spec.order, "order"),
        row("Order of the axes", spec.layout, "layout"),
    ]


def _listed(numbers: Sequence[float]) -> str:
    return "  ".join(f"{number:g}" for number in numbers)
