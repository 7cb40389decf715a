"""What the Clone page shows: the transfer set that the finding gives."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from fdcore.analysis import Findings
from fdcore.artefacts import image_rows_to_csv
from fdcore.selection import SelectionSettings
from fdcore.transfer import TOTAL, TransferSet, transfer_set, transfer_to_csv
from ui import frame
from ui.exports import export
from ui.frame import Desk

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_BARS = 60  # classes in the figure; the table has all


def what_it_will_answer() -> None:
    """What this step is for, and what of it there is."""
    with st.container(border=True, key="later"):
        st.markdown("**Training a clone is not built yet**")
        st.caption(
            "If the finding is good, a network trained on the found images, labelled by the suspect itself, answers "
            "like the suspect. This step will train such a clone and measure how often the two agree. Until then, "
            "here are the images that it would be trained on: those of each answer that the suspect itself puts in "
            "the class."
        )


def draw(desk: Desk, findings: Findings, settings: SelectionSettings) -> None:
    """The transfer set as metrics, figure, table and CSV."""
    found = transfer_set(findings.classes)
    if not found.n_kept:
        sentence = f"No image is kept for any class at tau = {settings.tau:g}, so there is nothing to train from."
        frame.empty(sentence, "Change tau in Selection", "Selection")
        return
    _metrics(found)
    _figure(desk, findings, found)
    _table(found)


def transfer_table(found: TransferSet) -> pd.DataFrame:
    """The transfer set as a table for people."""
    return pd.DataFrame(
        {
            "class": [f"Class {share.target_class}" for share in found.classes],
            "found": [share.label or "not found" for share in found.classes],
            "kept": [share.kept for share in found.classes],
            "share": [share.kept / max(share.kept + share.dropped, 1) for share in found.classes],
            "taken": [share.taken for share in found.classes],
        }
    )


def _metrics(found: TransferSet) -> None:
    with st.container(horizontal=True, key="metrics"):
        st.metric("Classes with images", f"{found.n_covered:,} of {len(found.classes):,}", border=True,
                  help="A clone never learns a class without images.")  # fmt: skip
        st.metric("Kept images", f"{found.n_kept:,}", border=True,
                  help="Images of the answers that the suspect itself puts in the class.")  # fmt: skip
        st.metric("Balance", f"{found.balance:.0%}", border=True,
                  help="Kept images of the smallest class that has any, as a share of the largest.")  # fmt: skip
        st.metric(f"Of {found.total:,} wanted", f"{found.n_taken:,}", border=True,
                  help=f"A set of {TOTAL:,} images, shared as evenly as the classes allow, none twice.")  # fmt: skip


def _figure(desk: Desk, findings: Findings, found: TransferSet) -> None:
    from fdcore.figures.style import config

    with st.container(border=True, key="kept"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**Images of each class**", width="content")
            _export(desk, findings, found)
        left_out = len([share for share in found.classes if share.kept + share.dropped]) - MAX_BARS
        more = f" Of more classes, the first {MAX_BARS} are drawn." if left_out > 0 else ""
        st.caption(f"Images of each class's answer: kept where the suspect agrees, dropped where it does not.{more}")
        st.plotly_chart(
            _draw(desk, found), key="kept_chart", config=config(f"{desk.case_id}-kept-images"),
            alt=f"Bars of kept and dropped images of each class; {found.n_kept} are kept in all.",
        )  # fmt: skip


def _export(desk: Desk, findings: Findings, found: TransferSet) -> None:
    scored = findings.scored
    export(
        f"{desk.case_id}-transfer-set",
        tables={
            "Classes": lambda: transfer_to_csv(found),
            "Images": lambda: image_rows_to_csv(findings.classes, scored.images, scored.hierarchy),
        },
        figures={"Kept images": lambda: _draw(desk, found)},
    )


def _draw(desk: Desk, found: TransferSet) -> "go.Figure":
    from fdcore.figures import filter_counts

    shares = [share for share in found.classes if share.kept + share.dropped][:MAX_BARS]
    return filter_counts(
        [f"{share.target_class}: {share.label}" for share in shares],
        ids=["" for _ in shares],
        before=np.array([share.kept + share.dropped for share in shares]),
        after=np.array([share.kept for share in shares]),
        revision=f"{desk.case_id} transfer",
    )


def _table(found: TransferSet) -> None:
    column = st.column_config
    with st.container(border=True, key="shares"):
        st.markdown(f"**A balanced set of {found.total:,} images**")
        missing = found.total - found.n_taken
        st.caption(
            "What each class would give: as much as every other, or all that it has."
            + (f" The corpus is {missing:,} images short." if missing > 0 else "")
        )
        st.dataframe(
            transfer_table(found), hide_index=True, placeholder="", key="shares_table",
            height=min(31 * (len(found.classes) + 1) + 3, 640),
            column_config={
                "class": column.TextColumn("Class", width="small"),
                "found": column.TextColumn("Found", width="large"),
                "kept": column.NumberColumn("Kept images", format="localized"),
                "share": column.ProgressColumn("Kept, of all its images", min_value=0.0, max_value=1.0, format="%.2f"),
                "taken": column.NumberColumn("Taken", format="localized"),
            },
        )  # fmt: skip
