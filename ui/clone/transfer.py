"""The images that the finding keeps for each class, of which a clone from the found images can be made."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fdcore.cloning.transfer import TransferSet, transfer_set
from fdcore.method.findings import Findings
from ui.frame import Desk
from ui.panels import show_figure, show_numbers

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_BARS = 60  # classes in the figure; the table has all


def kept_panel(desk: Desk, findings: Findings) -> None:
    """How many images each class offers, in numbers and as a figure, in an expander."""
    found = transfer_set(findings.classes)
    if not found.n_kept:
        return
    with st.expander("Images that the finding keeps", icon=":material/filter_alt:", key="kept",
                     on_change="rerun") as opened:  # fmt: skip
        if opened.open:
            _metrics(found)
            _figure(desk, findings, found)


def draw_kept(desk: Desk, findings: Findings) -> "go.Figure":
    """Kept and dropped images of each class, the first `MAX_BARS` that have any."""
    from fdcore.report.figures.selection import filter_counts

    shares = [share for share in transfer_set(findings.classes).classes if share.kept + share.dropped][:MAX_BARS]
    return filter_counts(
        [f"{share.target_class}: {share.label}" for share in shares],
        ids=["" for _ in shares],
        before=np.array([share.kept + share.dropped for share in shares]),
        after=np.array([share.kept for share in shares]),
        revision=f"{desk.case_id} transfer",
    )


def _metrics(found: TransferSet) -> None:
    show_numbers(
        "metrics",
        ("Classes with images", f"{found.n_covered:,} of {len(found.classes):,}",
         "A clone never learns a class without images."),
        ("Kept images", f"{found.n_kept:,}", "Images of the answers that the suspect itself puts in the class."),
        ("Balance", f"{found.balance:.0%}",
         "Kept images of the smallest class that has any, as a share of the largest."),
    )  # fmt: skip


def _figure(desk: Desk, findings: Findings, found: TransferSet) -> None:
    left_out = len([share for share in found.classes if share.kept + share.dropped]) - MAX_BARS
    more = f" The first {MAX_BARS} classes are drawn." if left_out > 0 else ""
    st.caption(f"Images of each class's answer: kept where the suspect agrees, dropped where it does not.{more}")
    alt = f"Bars of kept and dropped images of each class; {found.n_kept} are kept in total."
    show_figure(draw_kept(desk, findings), "kept_chart", alt, f"{desk.case_id}-kept-images")
