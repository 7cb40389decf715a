"""The ranking of the leaves for a class, and the overview of all classes."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st

from fdcore.method.findings import Scored
from ui import state
from ui.class_picker import go_to_class
from ui.leaf_scores import tables as leaf_tables
from ui.panels import page_of, share_column, show_figure, show_table
from ui.sentences import fragment
from ui.text import counted

if TYPE_CHECKING:
    import plotly.graph_objects as go

CLASSES_PER_PAGE = 20
_TOPS = (10, 25, 50)
ROWS_PER_PAGE = 1000
_L_HELP = "L, the functional score: the share of the leaf's views that the suspect put in this class."


def ranking(
    scored: Scored, target_class: int, ranked: npt.NDArray[np.intp], selected: Collection[int], tau: float, *,
    live: bool = False,
) -> None:  # fmt: skip
    """Draw the best leaves of a class as bars and as a table.

    Args:
        ranked: all leaves, the best first.
        selected: the leaves in the class's finding.
        live: whether answers are still arriving; then only the chart is drawn.
    """
    n_hit = int((scored.scores.hits[target_class] > 0).sum())
    with st.container(border=True, key="ranking"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**Leaves of this class**")
            top = _top(len(ranked)) if not live else _TOPS[0]
        st.caption(
            f"L is the share of a leaf's views that the suspect put in class {target_class}. Whiskers show its 95 % "
            f"interval; the line is tau = {tau:g}, the lowest score of a candidate. "
            f"{counted(n_hit, 'leaf', 'leaves')} of {len(ranked):,} had at least one view in the class."
            f"{' Selected leaves are bold.' if selected else ''}"
        )
        if not n_hit:
            st.info("The suspect put no view of any leaf in this class.", icon=":material/search_off:")
            return
        if live:
            _bars(scored, target_class, ranked[:top], selected, tau)
            return
        chart, table = st.tabs(["Chart", "Table of all leaves"], key="ranking_tabs")
        with chart:
            _bars(scored, target_class, ranked[:top], selected, tau)
        with table:
            _table(scored, target_class, ranked, selected)


def overview(scored: Scored, target_class: int, names: Sequence[str]) -> None:
    """Draw all classes by their best leaves."""

    @fragment()
    def drawn() -> None:
        with st.container(border=True, key="overview"):
            st.markdown("**All classes**")
            st.caption(
                f"Each class with its {leaf_tables.N_BEST} best leaves: the brighter, the larger the share of a leaf's "
                "views in the class. A column that is bright in several rows is a leaf that these classes share."
            )
            chart, table = st.tabs(["Chart", "Table"], key="overview_tabs")
            with chart:
                _heatmap(scored, target_class, names)
            with table:
                _class_table(scored, names)
            if state.target_class(len(names))[0] != target_class:
                st.rerun()  # a row was chosen: the whole page changes class

    drawn()


def draw_ranking(
    scored: Scored, target_class: int, leaves: npt.NDArray[np.intp], selected: Collection[int], tau: float
) -> "go.Figure":
    """The bars of some leaves."""
    from fdcore.report.figures.scores import leaf_ranking

    scores, nodes = scored.scores, scored.scores.nodes
    low, high = scores.interval(target_class)
    return leaf_ranking(
        scored.labels(leaves), ids=[nodes[leaf] for leaf in leaves], functional=scores.functional[target_class, leaves],
        low=low[leaves], high=high[leaves], n_queries=scores.n_queries[leaves], tau=tau,
        selected=[nodes[leaf] for leaf in selected], revision=f"{scored.header.suspect[:12]} {target_class}",
    )  # fmt: skip


def draw_overview(scored: Scored, classes: Sequence[int], names: Sequence[str]) -> "go.Figure":
    """Some classes by their best leaves."""
    from fdcore.report.figures.scores import classes_by_leaves

    leaves = leaf_tables.overview_leaves(scored, classes)
    return classes_by_leaves(
        scored.scores.functional[np.ix_(classes, leaves)],
        class_names=[names[number] for number in classes],
        leaf_labels=scored.labels(leaves),
        leaf_ids=[scored.scores.nodes[leaf] for leaf in leaves],
        revision=f"{scored.header.suspect[:12]} {classes[0]}",
    )


def _top(n_leaves: int) -> int:
    """The number of bars to draw."""
    tops = [n for n in _TOPS if n < n_leaves] or [_TOPS[0]]
    if len(tops) == 1 and n_leaves <= tops[0]:
        return n_leaves
    chosen: int = st.segmented_control(
        "Bars", tops, default=tops[0], key="ranking_top", required=True, format_func=lambda n: f"Best {n}",
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen


def _bars(
    scored: Scored, target_class: int, leaves: npt.NDArray[np.intp], selected: Collection[int], tau: float
) -> None:
    shares = scored.scores.functional[target_class, leaves]
    best = f"the best is {scored.label(int(leaves[0]))} with {shares[0]:.0%}" if len(leaves) else "none"
    show_figure(draw_ranking(scored, target_class, leaves, selected, tau), "ranking_chart",
                f"Bars of the {len(leaves)} best leaves of class {target_class}; {best}.")  # fmt: skip


def _table(scored: Scored, target_class: int, ranked: npt.NDArray[np.intp], selected: Collection[int]) -> None:
    shown = page_of(len(ranked), ROWS_PER_PAGE, "ranking_page")
    part = ranked[shown.start : shown.stop]
    table = leaf_tables.ranking_table(scored, target_class, part, selected, first=shown.start + 1)
    column = st.column_config
    show_table(table, "ranking_table", {
        "rank": column.NumberColumn("Rank", width="small"),
        "leaf": column.TextColumn("Leaf", width="medium"),
        "selected": column.CheckboxColumn("Selected", width="small"),
        "L": share_column(_L_HELP, format="percent"),
        "low": column.NumberColumn("Low", format="percent", help="Lower end of the 95 % interval"),
        "high": column.NumberColumn("High", format="percent", help="Upper end of the 95 % interval"),
        "queries": column.NumberColumn("Answers", format="localized"),
        "images": column.NumberColumn("Images", format="localized"),
        "id": column.TextColumn("Id"),
    })  # fmt: skip


def _heatmap(scored: Scored, target_class: int, names: Sequence[str]) -> None:
    place = st.container()
    default = target_class // CLASSES_PER_PAGE + 1
    classes = page_of(len(names), CLASSES_PER_PAGE, "overview_page", default=default)
    with place:
        if not leaf_tables.overview_leaves(scored, classes):
            st.info("The suspect put no view of any leaf in these classes.", icon=":material/search_off:")
            return
        show_figure(draw_overview(scored, classes, names), "overview_chart",
                    f"Heatmap of classes {classes[0]} to {classes[-1]} by their best leaves.")  # fmt: skip


def _class_table(scored: Scored, names: Sequence[str]) -> None:
    def chosen() -> None:
        rows = st.session_state["overview_table"].selection.rows
        if rows:
            go_to_class(rows[0], ("leaf",))

    column = st.column_config
    show_table(leaf_tables.overview_table(scored, names), "overview_table", {
        "class": column.TextColumn("Class", width="medium"),
        "best leaf": column.TextColumn("Best leaf", width="medium"),
        "L": share_column("The best leaf's score", format="percent"),
        "second leaf": column.TextColumn("Second leaf", width="medium"),
        "L of the second": share_column("The second-best leaf's score", format="percent"),
    }, selection_mode="single-row", on_select=chosen)  # fmt: skip
    st.caption("Select a row to show that class.")
