"""The panels of the Distances page: the matrix of the candidates, the tree above them, their pairs."""

import math
from collections.abc import Sequence
from itertools import islice

import pandas as pd
import streamlit as st

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import Scored
from fdcore.method.neighbourhood import Neighbourhood, matrix_to_csv, pairs_to_csv
from fdcore.method.selection import SelectionSettings
from ui import cached, frame, state
from ui.distances.figures import draw_heatmap, draw_tree
from ui.exports import export
from ui.panels import show_figure, show_table
from ui.sentences import fragment
from ui.steps import step
from ui.text import counted, inert, shortened
from ui.workbench.bench import Bench
from ui.workbench.cells import cells
from ui.workbench.picked import STEP, pick
from ui.workbench.tabs import pick_tab

ONE, ALL = "One class", "All classes"
CLUSTERS, HIERARCHY = "Cluster", "Hierarchy"
MATRIX, TREE, PAIRS = "Matrix", "Tree", "Pairs"
MAX_LEAVES = 150  # of all classes together: more are neither readable nor quickly compared
MAX_PAIRS = 2_000  # rows of the table on the page; the CSV has all
_STEPS = "Steps are the links on the shortest path between two leaves, up and down the hierarchy."


@fragment(key=STEP)
def draw(bench: Bench) -> None:
    """Draw the candidates of the class, or of all classes."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom", gap="small"):
        everything = _pick_scope() == ALL
        export_place = st.container(width="content", key="export_place")
    shown = _everything(bench) if everything else _one_class(bench)
    if shown is None:
        return
    scored, what = bench.scored, "all-classes" if everything else f"class-{bench.target_class}"
    name, target_class = f"{bench.desk.case_id}-distances-{what}", None if everything else bench.target_class
    _numbers(scored, shown)
    if len(shown.leaves) == 1:
        _alone(scored, shown, target_class)
        return
    with st.container(border=True, key="tabs_box"):
        if shown.n_unrelated == len(shown.pairs):
            st.info(
                "These leaves are unrelated: no hierarchy joins them, so there are no distances and no common "
                "ancestor. On the Corpus page, place the folder below a node.",
                icon=":material/account_tree:",
            )
            _pairs(scored, shown)
        else:
            _one_tab(bench, shown, name, target_class)
    with export_place:
        _export(scored, shown, name, target_class)


def _pick_scope() -> str:
    """Draw the choice between one class's candidates and those of all classes."""
    state.seed_widget("scope", "scope", ALL if st.query_params.get("scope") == "all" else ONE)

    def chosen() -> None:
        state.write(scope="all" if st.session_state["scope"] == ALL else None)

    picked = st.segmented_control(
        "Candidates of", [ONE, ALL], key="scope", required=True, on_change=chosen,
        help="A candidate is a leaf with at least a share tau of its views in the class.",
    )  # fmt: skip
    return picked or ONE


def _one_class(bench: Bench) -> Neighbourhood | None:
    shown = cached.candidates_of(bench.case, bench.settings, bench.target_class, by_cluster=True)
    _settings_line(bench.settings, f"{counted(len(shown.leaves), 'candidate')} of class {bench.target_class}")
    if shown.leaves:
        return shown
    _nothing_found(bench.scored, bench.settings, bench.target_class)
    return None


def _everything(bench: Bench) -> Neighbourhood | None:
    """The candidates of all classes together, in the hierarchy's order."""
    shown, n_found = cached.candidates_of_all(bench.case, bench.settings, MAX_LEAVES)
    _settings_line(bench.settings, f"{counted(n_found, 'leaf', 'leaves')} of all classes")
    if not shown.leaves:
        no_leaf = f"No leaf reaches tau = {bench.settings.tau:g} in any class."
        frame.empty(no_leaf, "Change tau in Selection", "Selection")
        return None
    if n_found > len(shown.leaves):
        st.info(
            f"The {len(shown.leaves):,} of {n_found:,} leaves with the highest scores are shown. Raise tau for fewer.",
            icon=":material/filter_alt:",
        )
    return shown


def _settings_line(settings: SelectionSettings, count: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="settings_line"):
        st.caption(
            f"{count}: leaves with at least a share tau = {settings.tau:g} of their views in the class"
            f"{f', and {settings.relative:.0%} of the best leaf' if settings.relative else ''}; at most "
            f"{settings.k_max:,}. Groups merge below eta = {settings.eta:g} steps.",
            width="content",
        )
        st.page_link(
            step("Selection").path, label="Change in Selection", icon=":material/tune:", query_params=state.query(),
            width="content",
        )  # fmt: skip


def _numbers(scored: Scored, shown: Neighbourhood) -> None:
    nearest = shown.nearest
    ancestor = scored.hierarchy.label(shown.ancestor) if shown.ancestor else "none"
    pair = ""
    if nearest:
        pair = f" ({inert(shortened(f'{shown.labels[nearest.first]} and {shown.labels[nearest.second]}', 80))})"
    parts = [
        f"{counted(len(shown.leaves), 'candidate')}, {sum(shown.selected):,} in the answer",
        f"closest pair: {steps_in_words(nearest.steps if nearest else None)}{pair}",
        f"median distance: {steps_in_words(shown.median)}",
        f"in common: {inert(shortened(ancestor, 60))}",
    ]
    with st.container(key="metrics"):
        st.caption(" · ".join(parts), help=_STEPS)


def steps_in_words(steps: float | None) -> str:
    """A distance in words; a median may lie between two whole numbers."""
    if steps is None:
        return "none"
    return "unrelated" if steps == float("inf") else f"{steps:g} {'step' if steps == 1 else 'steps'}"


def _nothing_found(scored: Scored, settings: SelectionSettings, target_class: int) -> None:
    shares = scored.scores.functional[target_class]
    best = int(shares.argmax())
    if shares[best] > 0:
        low, high = (float(end[best]) for end in scored.scores.interval(target_class))
        reason = (
            f"Its best leaf is {inert(shortened(scored.label(best), 60))} with {shares[best]:.1%} of its views "
            f"({low:.1%} to {high:.1%}); a candidate needs tau = {settings.tau:.0%}."
        )
    else:
        reason = "The suspect put no view of any leaf in it."
    frame.empty(f"Nothing found for class {target_class}. {reason}", "Change tau in Selection", "Selection")


def _alone(scored: Scored, shown: Neighbourhood, target_class: int | None) -> None:
    with st.container(border=True, key="alone"):
        st.markdown("**Nothing to compare**")
        st.caption("A single leaf has no distance to another. This is its path from the root.")
        st.text(" > ".join(shown.paths[0]))
        if target_class is not None:
            st.text(f"L {scored.scores.functional[target_class, shown.leaves[0]]:.2f}")


def _one_tab(bench: Bench, shown: Neighbourhood, name: str, target_class: int | None) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
        tab = pick_tab((MATRIX, TREE, PAIRS), "distances_tab")
        by_hierarchy = tab == MATRIX and target_class is not None and _pick_order() == HIERARCHY
    if by_hierarchy:
        shown = cached.candidates_of(bench.case, bench.settings, bench.target_class, by_cluster=False)
    if tab == MATRIX:
        _matrix(shown)
    elif tab == TREE:
        _tree(bench.scored, shown, name, target_class)
    else:
        _pairs(bench.scored, shown)


def _pick_order() -> str:
    picked = st.segmented_control(
        "Order", [CLUSTERS, HIERARCHY], key="order", default=CLUSTERS, required=True, label_visibility="collapsed",
        format_func=lambda order: f"By {order.casefold()}",
    )  # fmt: skip
    return picked or CLUSTERS


def _matrix(shown: Neighbourhood) -> None:
    nearest = shown.nearest
    cells(
        shown.among, shown.labels, shown.labels, key="distances_cells", near_is_bright=True, unit=" steps", square=True,
        frames=_frames(shown.groups),
        on_click=lambda row, column: _open_pair(shown, row, column),
        alt=f"Distances among {len(shown.leaves)} leaves; the closest two are "
        f"{steps_in_words(nearest.steps if nearest else None)} apart",
    )  # fmt: skip
    unrelated = f" {counted(shown.n_unrelated, 'pair is', 'pairs are')} unrelated." if shown.n_unrelated else ""
    placed = "Framed squares are clusters, the answer first." if shown.groups else "Related leaves are adjacent."
    st.caption(
        f"Steps in the hierarchy between every two leaves: the brighter, the closer. {placed}{unrelated} Click "
        "a cell to see both leaves."
    )


def _frames(groups: Sequence[int]) -> list[tuple[int, int]]:
    """The first and the last row (exclusive) of each cluster's square; leaves of one cluster are adjacent."""
    ends = [at for at in range(1, len(groups) + 1) if at == len(groups) or groups[at] != groups[at - 1]]
    return [(first, last) for first, last in zip([0, *ends], ends, strict=False) if groups[first] >= 0]


def _open_pair(shown: Neighbourhood, first: int, second: int) -> None:
    other = {} if first == second else {"other": shown.nodes[second]}
    pick(leaf=shown.nodes[first], **other)


def _tree(scored: Scored, shown: Neighbourhood, name: str, target_class: int | None) -> None:
    alt = f"Tree of the {len(shown.leaves)} candidates and the nodes above them."
    show_figure(draw_tree(scored, shown, target_class, name), "distances_tree", alt, f"{name}-tree")
    what = "its score" if target_class is not None else "its best score in any class"
    st.caption(
        f"Each leaf is coloured by {what}; those of the answer are marked. Nodes with a single branch are left out; "
        "the tooltip names them."
    )


def _pairs(scored: Scored, shown: Neighbourhood) -> None:
    if len(shown.pairs) > MAX_PAIRS:
        st.caption(f"The closest {MAX_PAIRS:,} of {len(shown.pairs):,} pairs; the CSV under Export has all.")

    def chosen() -> None:
        if rows := st.session_state["pairs_table"].selection.rows:
            pair = shown.pairs[rows[0]]
            _open_pair(shown, pair.first, pair.second)

    column = st.column_config
    show_table(pairs_table(scored.hierarchy, shown, MAX_PAIRS), "pairs_table", {
        "first": column.TextColumn("Leaf", width=130),
        "second": column.TextColumn("Other leaf", width=130),
        "steps": column.NumberColumn("Steps", help=f"{_STEPS} Empty if there is no path.", width=50),
        "ancestor": column.TextColumn("In common", help="The lowest common ancestor of the two", width=120),
        "ids": column.TextColumn("Ids", width=120),
    }, most_px=560, on_select=chosen, selection_mode="single-row")  # fmt: skip
    st.caption("Pairs, the closest first. Select a row to see both leaves.")


def pairs_table(hierarchy: Hierarchy, shown: Neighbourhood, limit: int) -> pd.DataFrame:
    """The first pairs as a table: both names, steps (missing if unrelated), what they have in common, ids."""
    rows = [
        {
            "first": shown.labels[pair.first],
            "second": shown.labels[pair.second],
            "steps": pair.steps if math.isfinite(pair.steps) else None,
            "ancestor": hierarchy.label(pair.ancestor) if pair.ancestor else "",
            "ids": f"{shown.nodes[pair.first]}, {shown.nodes[pair.second]}",
        }
        for pair in islice(shown.pairs, limit)
    ]
    return pd.DataFrame(rows, columns=["first", "second", "steps", "ancestor", "ids"]).astype({"steps": "Int64"})


def _export(scored: Scored, shown: Neighbourhood, name: str, target_class: int | None) -> None:
    related = shown.n_unrelated < len(shown.pairs)
    export(
        name,
        tables={
            "Distances": lambda: matrix_to_csv(shown),
            "Pairs": lambda: pairs_to_csv(shown, scored.hierarchy),
        },
        figures={
            "Heatmap": lambda: draw_heatmap(scored, shown, name),
            "Tree": lambda: draw_tree(scored, shown, target_class, name),
        } if related else {},
    )  # fmt: skip
