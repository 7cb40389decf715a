"""What is known about a suspect: its identity, the scanners' findings, its input preprocessing."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.records import EvidenceFacts, SuspectFacts
from fdcore.suspect.cell.cell import CellReport
from fdcore.suspect.formats import Format
from fdcore.suspect.preprocess import Origin
from fdcore.suspect.runtimes import RuntimeTrial
from fdcore.suspect.scan import ScanReport
from fdcore.suspect.suspect import described_size
from ui.text import counted, file_size, inert, inert_badge, shortened

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
_WALLS = {
    "files": ("read a file", "write a file"),
    "network": ("connect to a port", "send a packet"),
    "programs": ("run a program", "start a process"),
}
_LONGEST_FINDING = 600
MAX_TENSORS = 400  # rows
_ORIGINS: dict[Origin, str] = {"file": "file", "options": "options", "bench": "compared", "guess": "guessed"}
NOT_RECORDED = "not recorded"


def summary(suspect: SuspectFacts, evidence: EvidenceFacts | None, runtime: RuntimeTrial | None = None) -> None:
    """The file, the cell that it is kept in, and what it is, side by side."""
    file, cell, network = st.columns((5, 4, 5))
    with file.container(border=True, height="stretch", key="the_file"):
        st.markdown("**The file**")
        if evidence:
            evidence_block(evidence, suspect.format)
        scan_findings(suspect.scan)
    with cell.container(border=True, height="stretch", key="its_cell"):
        st.markdown("**Its cell**")
        cell_block(suspect.cell)
    with network.container(border=True, height="stretch", key="what_it_is"):
        st.markdown("**What it is**")
        network_block(suspect)
        if runtime:
            st.caption(f"Answers computed by {runtime.sentence}.")


def headline(suspect: SuspectFacts, *, has_file: bool) -> str:
    """How well the file was understood, in a sentence."""
    if not has_file:
        return "This case holds recorded answers, not the file that gave them; nothing more can be queried."
    n_guessed = len(suspect.open_guesses)
    if not n_guessed:
        return "The suspect is open and answers; nothing about its input is a guess."
    settings = counted(n_guessed, "setting is a guess", "settings are guesses")
    return f"The suspect is open and answers; {settings}, which can change every verdict."


def evidence_block(evidence: EvidenceFacts, format: str = "") -> None:
    """Name, size, kind and SHA-256 of the evidence."""
    st.text(f"{evidence.name} · {file_size(evidence.size)}")
    if format in Format.__members__:
        st.caption(Format[format].value)
    st.caption("SHA-256, taken on intake and verified before every run")
    st.code(evidence.sha256, language=None, wrap_lines=True)


def cell_block(cell: CellReport | None) -> None:
    """What the process that reads and runs the suspect cannot do, as the probe found from inside."""
    if cell is None:
        st.text("This case does not record how the suspect was isolated.")
        return
    with st.container(horizontal=True, gap="small"):
        for what, attempts in _WALLS.items():
            possible = [attempt for attempt in attempts if attempt in cell.possible]
            st.badge(f"it can {' and '.join(possible)}" if possible else f"no {what}",
                     color="red" if possible else "green",
                     icon=":material/warning:" if possible else ":material/check:")  # fmt: skip
    missing = [f"{inert(layer)}: {inert(why)}" for layer, why in cell.layers if why]
    held = ", ".join(layer for layer, why in cell.layers if not why)
    st.caption(f"Tried from inside before the file was read. Layers: {inert(held)}.")
    if missing:
        st.caption(f"Not applied: {'; '.join(missing)}.")


def network_block(suspect: SuspectFacts) -> None:
    """Architecture, classes, input and what is guessed."""
    spec = suspect.preprocessing
    st.markdown(f"##### {inert(shortened(suspect.title or suspect.description, 80))}")
    colour = "grey" if spec.channels == 1 else "colour"
    size = f"input {spec.width} x {spec.height} {colour}" if spec.kind == "picture" else described_size(spec)
    st.text(f"{suspect.n_classes:,} classes, {size}")
    with st.container(horizontal=True, gap="small"):
        for guess in suspect.open_guesses:
            st.badge(inert_badge(shortened(guess, 60)), color="orange", icon=":material/help:")
    if suspect.notes:
        st.caption(inert("; ".join(shortened(note, 300) for note in suspect.notes)))
    with st.popover("Every setting and its origin", icon=":material/tune:", key="settings_and_origins"):
        preprocessing(suspect)


def scan_findings(scan: ScanReport | None) -> None:
    """What each scanner reported; one sentence if the format cannot hold code."""
    if not scan or not scan.findings:
        st.text((scan and scan.sentence) or "This case does not record what the scanners found.")
        return
    if all(finding.verdict == "clean" for finding in scan.findings):
        st.badge("Nothing suspicious", icon=":material/check:", color="green")
        st.caption(", ".join(_SCANNERS.get(one.scanner, inert(one.scanner)) for one in scan.findings))
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


def refused(scan: ScanReport, evidence: EvidenceFacts, *, noticed: bool) -> None:
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
    evidence_block(evidence)


def tensors(case: Case) -> None:
    """The tensors of a file whose network is not known, where the check has listed them."""
    if not case.has(layout.TENSORS):
        return
    try:
        table = pd.read_csv(case.path(layout.TENSORS), keep_default_na=False, nrows=MAX_TENSORS)
    except (OSError, ValueError):  # damaged, as it may come with an imported case
        return
    with st.expander("What the file holds: its tensors", icon=":material/table:", key="tensors"):
        st.dataframe(table, hide_index=True, key="tensor_table")


def preprocessing(suspect: SuspectFacts) -> None:
    """How a picture is prepared for the network, and the origin of each setting."""
    st.dataframe(pd.DataFrame(preprocessing_rows(suspect)), hide_index=True, placeholder="", key="preprocessing")
    if suspect.weights:
        st.caption("SHA-256 of the weights, the same in any file that holds them as named tensors")
        st.code(suspect.weights, language=None, wrap_lines=True)
    if suspect.doubt:
        st.warning(
            f"{suspect.doubt} A wrong guess can change every verdict. Compare readings of the file, or cases with "
            "other settings, if the answers look arbitrary.",
            icon=":material/warning:",
        )


def preprocessing_rows(suspect: SuspectFacts) -> list[dict[str, str]]:
    """Setting, value and origin of the architecture and of each step of the input preprocessing."""
    spec, origins = suspect.preprocessing, suspect.origins
    low, high = spec.value_range

    def row(setting: str, value: str, name: str) -> dict[str, str]:
        known = _ORIGINS[getattr(origins, name)] if origins else NOT_RECORDED
        return {"Setting": setting, "Value": value, "Origin": known}

    if spec.kind == "text":
        return [
            row("Architecture", suspect.title or suspect.description, "architecture"),
            row("Input", described_size(spec), "width"),
        ]
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
