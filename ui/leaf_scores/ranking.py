"""The ranking of the leaves for a class, as bars and as a table, and the map of all classes."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st

from fdcore.method.findings import Scored
from ui import state
from ui.leaf_scores import tables as leaf_tables
from ui.panels import page_of, share_column, show_table
from ui.text import counted
from ui.workbench.bars import bars_of_leaves
from ui.workbench.bench import Bench
from ui.workbench.cells import cells
from ui.workbench.classes import go_to_class
from ui.workbench.picked import LEAF, pick

if TYPE_CHECKING:
    import plotly.graph_objects as go

CLASSES_PER_PAGE = 20
ROWS_PER_PAGE = 1000
_TOPS = (20, 50, 100)
_COLUMNS = ("rank", "leaf", "selected", "L", "low", "high")  # on the page; the CSV has more
_L_HELP = "L, the functional score: the share of the leaf's views that the suspect put in this class."


def ranking(bench: Bench, *, live: bool = False) -> None:
    """Draw the best leaves of the class as bars; `live` while answers still arrive."""
    scored, target_class = bench.scored, bench.target_class
    ranked = leaf_tables.ranked_leaves(scored, target_class)
    winner = None if live else bench.found.selection.winner
    n_hit = int((scored.scores.hits[target_class] > 0).sum())
    if not n_hit:
        st.info("The suspect put no view of any leaf in this class.", icon=":material/search_off:")
        return
    top = _TOPS[0] if live else _top(n_hit)
    bars_of_leaves(bench, ranked[: min(top, n_hit)], key="ranking_bars", chosen=winner.members if winner else ())
    st.caption(
        f"L is the share of a leaf's views that the suspect put in class {target_class}; whiskers show its 95 % "
        f"interval, the line is tau = {bench.settings.tau:g}, the lowest score of a candidate. "
        f"{counted(n_hit, 'leaf', 'leaves')} of {len(ranked):,} had at least one view in the class."
        f"{' Leaves of the answer are in colour.' if winner else ''}"
    )


def _top(n_leaves: int) -> int:
    """The number of bars to draw."""
    tops = [n for n in _TOPS if n < n_leaves]
    if not tops:
        return n_leaves
    tops = [*tops, _TOPS[len(tops)]] if len(tops) < len(_TOPS) else tops
    chosen: int = st.segmented_control(
        "Bars", tops, default=tops[0], key="ranking_top", required=True, format_func=lambda n: f"Best {n}",
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen


def table(bench: Bench) -> None:
    """Draw all leaves of the class as a table; a row opens its leaf."""
    scored, target_class = bench.scored, bench.target_class
    ranked = leaf_tables.ranked_leaves(scored, target_class)
    winner = bench.found.selection.winner
    place = st.container()
    shown = page_of(len(ranked), ROWS_PER_PAGE, "ranking_page")
    part = ranked[shown.start : shown.stop]
    key = f"ranking_table_{target_class}_{shown.start}"

    def chosen() -> None:
        if rows := st.session_state[key].selection.rows:
            pick(leaf=scored.scores.nodes[int(part[rows[0]])])

    column = st.column_config
    members = winner.members if winner else ()
    rows = leaf_tables.ranking_table(scored, target_class, part, members, first=shown.start + 1)
    with place:
        show_table(rows, key, {
            "rank": column.NumberColumn("Rank", width=45),
            "leaf": column.TextColumn("Leaf", width=130),
            "selected": column.CheckboxColumn("Chosen", width=55),
            "L": share_column(_L_HELP, format="percent", width=90),
            "low": column.NumberColumn("Low", format="percent", help="Lower end of the 95 % interval", width=60),
            "high": column.NumberColumn("High", format="percent", help="Upper end of the 95 % interval", width=60),
        }, most_px=560, column_order=_COLUMNS, on_select=chosen, selection_mode="single-row")  # fmt: skip


def overview(bench: Bench) -> None:
    """Draw classes by their best leaves; a cell opens its class and leaf."""
    scored, place = bench.scored, st.container()
    n_classes = scored.scores.n_classes
    classes = page_of(n_classes, CLASSES_PER_PAGE, "overview_page", default=bench.target_class // CLASSES_PER_PAGE + 1)
    leaves = leaf_tables.overview_leaves(scored, classes)
    with place:
        if not leaves:
            st.info("The suspect put no view of any leaf in these classes.", icon=":material/search_off:")
            return

        def open_cell(row: int, column: int) -> None:
            go_to_class(classes[row])
            state.write(**{LEAF: scored.scores.nodes[leaves[column]]})
            st.rerun()

        cells(
            scored.scores.functional[np.ix_(classes, leaves)], [bench.class_name(number) for number in classes],
            scored.labels(leaves), key="overview_cells", on_click=open_cell,
            alt=f"Classes {classes[0]} to {classes[-1]} by their best leaves",
        )  # fmt: skip
        st.caption(
            f"Each class with its {leaf_tables.N_BEST} best leaves: the brighter, the larger the share of a leaf's "
            "views in the class. A column that is bright in several rows is a leaf that these classes share. "
            "Click a cell to open its class and leaf."
        )


def page_with(target_class: int, n_classes: int) -> range:
    """The classes on the same page of the map as one of them."""
    first = target_class // CLASSES_PER_PAGE * CLASSES_PER_PAGE
    return range(first, min(first + CLASSES_PER_PAGE, n_classes))


def draw_ranking(
    scored: Scored, target_class: int, leaves: npt.NDArray[np.intp], selected: Collection[int], tau: float
) -> "go.Figure":
    """The bars of some leaves, for download."""
    from fdcore.report.figures.scores import leaf_ranking

    scores, nodes = scored.scores, scored.scores.nodes
    low, high = scores.interval(target_class)
    return leaf_ranking(
        scored.labels(leaves), ids=[nodes[leaf] for leaf in leaves], functional=scores.functional[target_class, leaves],
        low=low[leaves], high=high[leaves], n_queries=scores.n_queries[leaves], tau=tau,
        selected=[nodes[leaf] for leaf in selected], revision=f"{scored.header.suspect[:12]} {target_class}",
    )  # fmt: skip


def draw_overview(bench: Bench, classes: Sequence[int]) -> "go.Figure":
    """Some classes by their best leaves, for download."""
    from fdcore.report.figures.scores import classes_by_leaves

    scored = bench.scored
    leaves = leaf_tables.overview_leaves(scored, classes)
    return classes_by_leaves(
        scored.scores.functional[np.ix_(classes, leaves)],
        class_names=[bench.class_name(number) for number in classes],
        leaf_labels=scored.labels(leaves),
        leaf_ids=[scored.scores.nodes[leaf] for leaf in leaves],
        revision=f"{scored.header.suspect[:12]} {classes[0]}",
    )
