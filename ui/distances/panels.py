"""The panels of the Distances page: the matrix of the candidates, the tree above them, their pairs."""

import math
from collections.abc import Callable
from itertools import islice

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fdcore.case.case import Case
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import Scored
from fdcore.method.neighbourhood import Neighbourhood, matrix_to_csv, pairs_to_csv
from fdcore.method.selection import SelectionSettings
from ui import cached, frame, state
from ui.distances.figures import draw_heatmap, draw_tree
from ui.exports import export
from ui.frame import Desk
from ui.panels import show_figure, show_numbers, show_table
from ui.sentences import fragment
from ui.steps import step
from ui.text import counted, inert, shortened

ONE, ALL = "One class", "All classes"
CLUSTERS, HIERARCHY = "Cluster", "Hierarchy"
MAX_LEAVES = 150  # of all classes together: more are neither readable nor quickly compared
MAX_PAIRS = 2_000  # rows of the table on the page; the CSV has all
_SIDE_BY_SIDE = 14  # leaves up to which matrix and tree are side by side
_STEPS = "Steps are the links on the shortest path between two leaves, up and down the hierarchy."


def scope_picker() -> str:
    """Draw the choice between one class's candidates and those of all classes."""
    state.seed_widget("scope", "scope", ALL if st.query_params.get("scope") == "all" else ONE)

    def chosen() -> None:
        state.write(scope="all" if st.session_state["scope"] == ALL else None)

    picked = st.segmented_control(
        "Candidates of", [ONE, ALL], key="scope", required=True, on_change=chosen,
        help="A candidate is a leaf with at least a share tau of its views in the class.",
    )  # fmt: skip
    return picked or ONE


def one_class(desk: Desk, case: Case, settings: SelectionSettings, target_class: int, place: DeltaGenerator) -> None:
    """Draw the candidates of one class."""
    scored = cached.scored(case)
    shown = cached.candidates_of(case, settings, target_class, by_cluster=True)
    _settings_line(settings, f"{counted(len(shown.leaves), 'candidate')} of class {target_class}")
    if not shown.leaves:
        _nothing_found(scored, settings, target_class)
        return
    _metrics(scored, shown)
    if len(shown.leaves) == 1:
        _alone(scored, shown, target_class)
        return
    name = f"{desk.case_id}-distances-class-{target_class}"

    @fragment()
    def heatmap() -> None:
        by_cluster = st.session_state.get("order", CLUSTERS) != HIERARCHY
        ordered = cached.candidates_of(case, settings, target_class, by_cluster=by_cluster)
        _heatmap_panel(scored, ordered, name, choice=True)

    _panels(scored, shown, name, target_class, heatmap)
    with place:
        _export(scored, shown, name, target_class)


def all_classes(desk: Desk, case: Case, settings: SelectionSettings, place: DeltaGenerator) -> None:
    """Draw the candidates of all classes together, in the hierarchy's order."""
    scored = cached.scored(case)
    shown, n_found = cached.candidates_of_all(case, settings, MAX_LEAVES)
    _settings_line(settings, f"{counted(n_found, 'leaf', 'leaves')} of all classes")
    if not shown.leaves:
        frame.empty(f"No leaf reaches tau = {settings.tau:g} in any class.", "Change tau in Selection", "Selection")
        return
    if n_found > len(shown.leaves):
        st.info(
            f"The {len(shown.leaves):,} of {n_found:,} leaves with the highest scores are shown. Raise tau for fewer.",
            icon=":material/filter_alt:",
        )
    _metrics(scored, shown)
    if len(shown.leaves) == 1:
        _alone(scored, shown, None)
        return
    name = f"{desk.case_id}-distances-all-classes"
    _panels(scored, shown, name, None, lambda: _heatmap_panel(scored, shown, name, choice=False))
    with place:
        _export(scored, shown, name, None)


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


def _metrics(scored: Scored, shown: Neighbourhood) -> None:
    nearest, median = shown.nearest, shown.median
    ancestor = scored.hierarchy.label(shown.ancestor) if shown.ancestor else "none"
    pair = f"{shown.labels[nearest.first]} and {shown.labels[nearest.second]}" if nearest else ""
    show_numbers(
        "metrics",
        ("Candidates", f"{len(shown.leaves):,}",
         f"{sum(shown.selected):,} of them belong to their class's answer."),
        ("Closest pair", steps_in_words(nearest.steps if nearest else None),
         f"{inert(shortened(pair, 120))}. {_STEPS}" if pair else _STEPS),
        ("Median distance", steps_in_words(median), f"Over all pairs. {_STEPS}"),
        ("In common", inert(shortened(ancestor, 30)),
         f"The most specific node above all candidates: {inert(shortened(ancestor, 200))}"),
    )  # fmt: skip


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


def _panels(
    scored: Scored, shown: Neighbourhood, name: str, target_class: int | None, heatmap: Callable[[], None]
) -> None:
    if shown.n_unrelated == len(shown.pairs):
        st.info(
            "These leaves are unrelated: no hierarchy joins them, so there are no distances and no common ancestor. "
            "On the Corpus page, place the folder below a node.",
            icon=":material/account_tree:",
        )
        _pairs_panel(scored, shown)
        return
    left, right = st.columns(2) if len(shown.leaves) <= _SIDE_BY_SIDE else (st.container(), st.container())
    with left.container(border=True, height="stretch"):
        heatmap()
    with right.container(border=True, height="stretch"):
        _tree_panel(scored, shown, name, target_class)
    _pairs_panel(scored, shown)


def _heatmap_panel(scored: Scored, shown: Neighbourhood, name: str, *, choice: bool) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Distances between candidates**", width="content")
        if choice:
            st.segmented_control(
                "Order", [CLUSTERS, HIERARCHY], key="order", default=CLUSTERS, required=True,
                label_visibility="collapsed", format_func=lambda order: f"By {order.casefold()}",
            )  # fmt: skip
    unrelated = f" {counted(shown.n_unrelated, 'pair is', 'pairs are')} unrelated." if shown.n_unrelated else ""
    order = "Framed squares are clusters, the answer first." if shown.groups else "Related leaves are adjacent."
    st.caption(f"Steps in the hierarchy between every two leaves: the brighter, the closer. {order}{unrelated}")
    nearest = shown.nearest
    alt = (
        f"Heatmap of the distances among {len(shown.leaves)} leaves; the closest two are "
        f"{steps_in_words(nearest.steps if nearest else None)} apart."
    )
    show_figure(draw_heatmap(scored, shown, name), "distances_heatmap", alt, name)


def _tree_panel(scored: Scored, shown: Neighbourhood, name: str, target_class: int | None) -> None:
    st.markdown("**Place in the hierarchy**")
    what = "its score" if target_class is not None else "its best score in any class"
    st.caption(
        f"Each leaf is coloured by {what}; those of the answer are marked. Nodes with a single branch are left out; "
        "the tooltip names them."
    )
    alt = f"Tree of the {len(shown.leaves)} candidates and the nodes above them."
    show_figure(draw_tree(scored, shown, target_class, name), "distances_tree", alt, f"{name}-tree")


def _pairs_panel(scored: Scored, shown: Neighbourhood) -> None:
    column = st.column_config
    with st.container(border=True, key="pairs"):
        st.markdown("**Pairs, the closest first**")
        if len(shown.pairs) > MAX_PAIRS:
            st.caption(f"The closest {MAX_PAIRS:,} of {len(shown.pairs):,} pairs; the CSV under Export has all.")
        show_table(pairs_table(scored.hierarchy, shown, MAX_PAIRS), "pairs_table", {
            "first": column.TextColumn("Leaf", width=180),
            "second": column.TextColumn("Other leaf", width=180),
            "steps": column.NumberColumn("Steps", help=f"{_STEPS} Empty if there is no path.", width="small"),
            "ancestor": column.TextColumn("In common", help="The lowest common ancestor of the two"),
            "ids": column.TextColumn("Ids", width=160),
        }, most_px=430)  # fmt: skip


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
