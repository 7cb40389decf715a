"""The answers on the workbench: their numbers in one line, the page's tabs and its Export menu."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.notes import notes_to_csv, read_notes
from fdcore.case.tables import set_rows
from fdcore.method.findings import Scored
from ui import cached, exports, state
from ui import querying as scoring_start
from ui.frame import Desk
from ui.leaf_scores import form as scoring_form
from ui.leaf_scores import pictures as class_pictures
from ui.leaf_scores import ranking as leaf_ranking
from ui.leaf_scores import sets as set_scores
from ui.leaf_scores import tables as leaf_tables
from ui.panels import table_csv
from ui.sentences import fragment
from ui.text import counted
from ui.workbench.bench import Bench, open_bench
from ui.workbench.inspector import inspector
from ui.workbench.picked import STEP
from ui.workbench.tabs import pick_tab

if TYPE_CHECKING:
    import pandas as pd

_DESIGN = (
    "**Design effect**: the number of answers that weigh as much as one independent answer. Views of one image are "
    "alike, so {views} views of it count for less than {views} images. The 95 % intervals are wider accordingly.  \n"
    "**Queries**: every query ever sent in this case, including those whose answers were lost in a crash.  \n"
    "**Candidate**: a leaf that scores tau = {tau:g} or more."
)


def draw(desk: Desk) -> None:
    """Show the answers received so far."""
    scored, settings = cached.scored(desk.case), state.shown_settings(desk.case)
    bench = open_bench(desk, cached.findings(desk.case, settings), scored.scores.n_classes)
    with bench.middle:
        numbers(desk.case, scored, settings.tau)
        _tabs(bench)
    with bench.right:
        inspector(bench)
        scoring_start.offer_reading(desk)


@fragment(key=STEP)
def _tabs(bench: Bench) -> None:
    with st.container(border=True, key="tabs_box"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            tab = pick_tab(list(TABS), "scores_tab")
            _take_away(bench)
        TABS[tab](bench)


TABS: dict[str, Callable[[Bench], None]] = {
    "Leaves": leaf_ranking.ranking,
    "Pictures": class_pictures.all_pictures,
    "Sets": set_scores.sets,
    "Classes": leaf_ranking.overview,
    "Table": leaf_ranking.table,
    "Query more": lambda bench: scoring_form.ask_more(bench.desk, bench.scored),
}


def numbers(case: Case, scored: Scored, tau: float) -> None:
    """Draw the numbers of the answers."""
    n_answered, n_planned = int((scored.answers >= 0).sum()), scored.answers.size
    above = int((scored.scores.functional.max(axis=1, initial=0.0) >= tau).sum())
    parts = [
        f"**{_how_it_ended(case, scored)}**",
        counted(scored.n_sent, "query sent", "queries sent"),
        f"{n_answered:,} of {n_planned:,} answers",
        f"{above:,} of {scored.scores.n_classes:,} classes with a candidate",
        f"design effect {scored.scores.design_effect:.1f}",
    ]
    with st.container(key="scoring_metrics"):
        st.caption(" · ".join(parts), help=_DESIGN.format(views=scored.header.n_views, tau=tau))


def _how_it_ended(case: Case, scored: Scored) -> str:
    if scored.saved:
        return "Ended by itself"
    if scored.complete:
        return "All queried"
    budget = asking.budget if (asking := case.facts().asking) else None
    return "Budget ended" if budget is not None and scored.n_sent >= budget else "Stopped early"


def _sets(bench: Bench) -> "pd.DataFrame":
    chance = bench.case.facts().chance
    return set_rows(cached.sets(bench.case), bench.scored, chance.sets if chance else ())


def _take_away(bench: Bench) -> None:
    """Draw the Export menu."""
    scored, target_class, found, tau = bench.scored, bench.target_class, bench.found, bench.settings.tau
    selected = found.selection.winner.members if found.selection.winner else ()
    ranked = leaf_tables.ranked_leaves(scored, target_class)
    classes = leaf_ranking.page_with(target_class, scored.scores.n_classes)
    exports.export(
        f"{bench.desk.case_id}-leaf-scores",
        tables={
            f"Ranking for class {target_class}": partial(leaf_tables.ranking_csv, scored, target_class, selected),
            "All scores": partial(leaf_tables.all_scores_csv, scored),
            "Sets": lambda: table_csv(_sets(bench)),
            "Notes": lambda: notes_to_csv(read_notes(bench.case)),
        },
        figures={
            f"Best leaves for class {target_class}": partial(
                leaf_ranking.draw_ranking, scored, target_class, ranked[:50], selected, tau
            ),
            "Classes by leaves": partial(leaf_ranking.draw_overview, bench, classes),
        },
    )
