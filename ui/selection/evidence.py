"""The images behind one class's answer, before and after filtering, and the answer locked by hand."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import streamlit as st

from fdcore.analysis import Scored, lock_class, unlock_class
from fdcore.artefacts import ClassFinding
from fdcore.case import Case
from fdcore.errors import FdError
from fdcore.figures.style import config
from fdcore.selection import MAX_CHOSEN, Choice
from ui import cached, frame
from ui.frame import Desk
from ui.selection.figures import draw_counts
from ui.selection.tables import cluster_choice
from ui.text import counted

N_THUMBNAILS = 24
MAX_OPTIONS = 5_000  # leaves offered to choose from, the best score first
OTHER, NOTHING = "Other leaves", "Not found"


def images_panel(desk: Desk, case: Case, scored: Scored, found: ClassFinding) -> None:
    """How many images stay in each leaf, the surest of them, and on demand those that went."""
    with st.container(border=True, key="images"):
        filtered = found.filtered
        n_kept, n_all = len(filtered.kept), len(filtered.kept) + len(filtered.dropped)
        st.markdown("**Images before and after filtering**")
        if not n_all:
            st.text("Nothing was selected, so there are no images to filter.")
            return
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _counts_figure(case, scored, found)
            st.caption(
                f"{n_kept:,} of {counted(n_all, 'image')} stay: those that the suspect itself puts in this class."
            )
        with right:
            kept = filtered.kept[:N_THUMBNAILS].tolist()
            shares = [f"{share:.0%}" for share in filtered.consistency[:N_THUMBNAILS].tolist()]
            _pictures(desk, case, kept, shares, "Kept, the most consistent first: the share of views in this class.")
            if len(filtered.dropped) and st.toggle(
                f"Show what was dropped ({len(filtered.dropped):,})", key="show_dropped"
            ):
                _dropped(desk, case, found)


def _counts_figure(case: Case, scored: Scored, found: ClassFinding) -> None:
    members = found.selection.winner.members if found.selection.winner else ()
    what = f"filter counts {found.selection.target_class} {members}"
    st.plotly_chart(
        cached.figure(case, what, lambda: draw_counts(scored, found)), key="filter_counts",
        config=config("filtering"), alt="Images of each selected leaf before and after filtering",
    )  # fmt: skip


def _pictures(desk: Desk, case: Case, images: list[int], captions: list[str], caption: str) -> None:
    files = cached.thumbnails(case, desk.places.cache, images)
    if not images:
        st.text("No image stays.")
    elif not files:
        st.text("The pictures are no longer in this server's cache; the counts are complete without them.")
    else:
        st.image(files, caption=captions, width=64, alt=[f"Image {number}" for number in images])
        st.caption(caption)


def _dropped(desk: Desk, case: Case, found: ClassFinding) -> None:
    labels = found.filtered.dropped_label
    said = Counter(labels.tolist()).most_common(6)
    st.text("Said instead: " + ", ".join(f"{_said(label)} ({n:,})" for label, n in said))
    dropped = found.filtered.dropped[:N_THUMBNAILS].tolist()
    instead = [_said(label) for label in labels[:N_THUMBNAILS].tolist()]
    _pictures(desk, case, dropped, instead, "Dropped, with what the suspect says of them.")


def _said(label: int) -> str:
    return f"class {label}" if label >= 0 else "not asked"


# Locked by hand


def lock_panel(desk: Desk, case: Case, scored: Scored, found: ClassFinding) -> None:
    """Choose this class's answer by hand, with a reason; or give it back to the method."""
    target_class, choice = found.selection.target_class, found.selection.choice
    with st.container(border=True, key="lock"):
        st.markdown("**Decide this class by hand**")
        if choice:
            by = f" by {choice.by}" if choice.by else ""
            st.text(f"Locked{by} on {choice.time[:10]} at {choice.time[11:16]} UTC.\nNote: {choice.note}")
            if st.button("Unlock", icon=":material/lock_open:", key="unlock", help="The method's answer counts again."):
                _carry_out(lambda: unlock_class(case.folder, target_class, by=desk.by))
            return
        nodes = _chosen_nodes(scored, found)
        note = st.text_area("Why", key=f"lock_note_{target_class}", max_chars=2_000, height=68,
                            placeholder="What supports this answer? The note is kept with the case.")  # fmt: skip
        ready = nodes is not None and bool(note.strip())
        if st.button("Lock this answer", icon=":material/lock:", key="lock_class", disabled=not ready,
                     help=None if ready else "Choose an answer and say why."):  # fmt: skip
            time = datetime.now(UTC).isoformat(timespec="seconds")
            _carry_out(lambda: lock_class(case.folder, Choice(target_class, nodes or (), note.strip(), desk.by, time)))


def _chosen_nodes(scored: Scored, found: ClassFinding) -> tuple[str, ...] | None:
    """The leaves that the analyst points at: of a cluster, any, or none for "not found"; None where still open."""
    clusters, target_class = found.selection.clusters, found.selection.target_class
    texts = [cluster_choice(scored, cluster) for cluster in clusters]
    options = [*range(len(clusters)), OTHER, NOTHING]
    picked = st.selectbox(
        "The answer is", options, key=f"lock_answer_{target_class}",
        format_func=lambda option: texts[option] if isinstance(option, int) and option < len(texts) else str(option),
    )  # fmt: skip
    names = scored.scores.nodes
    if isinstance(picked, int):
        return tuple(names[leaf] for leaf in clusters[picked].members)
    if picked == NOTHING:
        return ()
    best_first = np.argsort(-scored.scores.functional[target_class], kind="stable")[:MAX_OPTIONS].tolist()
    leaves = st.multiselect(
        "Leaves", best_first, key=f"lock_leaves_{target_class}", max_selections=MAX_CHOSEN,
        format_func=lambda leaf: f"{scored.label(leaf)} ({scored.scores.functional[target_class, leaf]:.2f})",
        help="The best score first; type to search.",
    )  # fmt: skip
    return tuple(names[leaf] for leaf in leaves) or None


def _carry_out(action: Callable[[], None]) -> None:
    try:
        with st.spinner("Writing the decision"):
            action()
    except FdError as error:
        frame.show_error(error)
        return
    st.rerun()
