"""How well the clones copy the suspect: in words, as the paper's Table 5, and in figures."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.clones import CORPUS_SET, EvaluationSetFacts, made_from_another_finding
from fdcore.case.conclusions import read_choices
from fdcore.cloning.comparison import Comparison, carried_in_words, cost_points, cost_to_reach, made_alike
from fdcore.cloning.evaluation import Measure, lead
from fdcore.errors import FdError
from fdcore.method.findings import Findings
from ui import cached
from ui.clone.figures import draw_cost, draw_density, draw_rates
from ui.clone.tables import (
    SUSPECT,
    best_found,
    comparison_table,
    cost_sentence,
    differences,
    has_costs,
    has_density,
    one_class_notes,
    rate_of,
    run_titles,
    sentence,
    source_title,
)
from ui.folders import cannot_ask, choose_folder
from ui.frame import Desk, start_work
from ui.panels import show_figure, show_table
from ui.sentences import show_error
from ui.text import counted, distinct_texts, inert, shortened

_SET, _MEASURE = "clone_set", "clone_measure"
_MEASURES: dict[Measure, str] = {"agreement": "Agreement with the suspect", "accuracy": "Accuracy"}
_FIGURE_PX = 400  # below that the axes of two figures side by side are cut
_TABLE_PX, _CLASS_PX, _CELL_PX = 470, 118, 98  # five clones beside the suspect fit into a page of 768 px


class Shown(NamedTuple):
    """The results on show: clones tested on the chosen set, the measure, and the clones' titles by id."""

    comparison: Comparison
    measure: Measure
    titles: dict[str, str]


class Judgement(NamedTuple):
    """The conclusion from the results of the found and the random images, as a badge of `st.badge`."""

    text: str
    icon: str
    color: Literal["green", "orange", "gray"]


def headline(desk: Desk, case: Case, findings: Findings) -> Shown | None:
    """The answer in a sentence, on the chosen evaluation set; None if no clone was tested yet."""
    sets = cached.clone_sets(case)
    if not sets:
        return None
    with st.container(key="clone_results"):
        place = st.container()
        facts, measure = _choices(sets)
        try:
            comparison = cached.clone_comparison(case, facts.key)
        except FdError as error:
            show_error(error)
            return None
        if not comparison.columns:
            st.text("No finished clone was tested on these pictures.")
            return None
        shown = Shown(comparison, measure, run_titles([column.run for column in comparison.columns]))
        with place:
            _headline(shown, of_corpus=facts.key.startswith(f"{CORPUS_SET}-"))
        _name_stale(case, findings, shown)
        _set_notes(facts, comparison, cached.clone_left_out(case, facts.key))
    return shown


def draw(desk: Desk, shown: Shown | None, n_scored: int) -> None:
    """The figures and the classes; `n_scored` answers were needed for the finding."""
    if shown is None:
        st.text("No clone was tested yet.")
    else:
        _figures(desk, shown, n_scored)
        _table(shown)
    _test_on_more(desk)


# Parts


def _choices(sets: Sequence[EvaluationSetFacts]) -> tuple[EvaluationSetFacts, Measure]:
    """The set of pictures and the measure, with a widget for each if there is a choice."""
    by_key = {facts.key: facts for facts in sets}
    names = distinct_texts({facts.key: shortened(facts.name, 60) for facts in sets})
    if st.session_state.get(_SET) not in by_key:
        st.session_state[_SET] = sets[0].key
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(sets) > 1:
            st.selectbox("Tested on", list(by_key), key=_SET, format_func=lambda one: names.get(one, one), width=380)
        facts = by_key[st.session_state[_SET]]
        if not facts.labelled:
            return facts, "agreement"
        measure = st.segmented_control(
            "Measure", list(_MEASURES), default="agreement", required=True, key=_MEASURE,
            format_func=lambda one: _MEASURES[one],
        )  # fmt: skip
    return facts, measure or "agreement"


def _headline(shown: Shown, *, of_corpus: bool) -> None:
    found = judgement(shown.comparison, shown.measure, of_corpus=of_corpus)
    seal = f":{found.color}[{found.icon}] " if found else ""
    st.subheader(seal + inert(sentence(shown.comparison, shown.measure)), anchor=False, width="stretch")
    if found:
        st.badge(found.text, icon=found.icon, color=found.color)
    if carried := carried_in_words(shown.comparison, shown.measure):
        st.text(carried)
    if caveat := differences(shown.comparison):
        st.caption(caveat)
    for note in one_class_notes(shown.comparison, shown.titles):
        st.warning(inert(note), icon=":material/warning:")


def _name_stale(case: Case, findings: Findings, shown: Shown) -> None:
    """Name the clones whose finding differs from the case's present one."""
    choices, corpus = read_choices(case), case.facts().corpus_fingerprint
    stale = [
        shown.titles[column.run.id]
        for column in shown.comparison.columns
        if made_from_another_finding(column.run, findings.settings, choices, corpus)
    ]
    if stale:
        were = "was" if len(stale) == 1 else "were"
        st.caption(
            f":material/history: {inert('; '.join(stale))} {were} made from an earlier finding: settings, locked "
            "answers or corpus have changed since. Train again to test the present one."
        )


def judgement(comparison: Comparison, measure: Measure, *, of_corpus: bool) -> Judgement | None:
    """Whether the found images made a better clone than random ones; None if the two cannot be compared.

    Only clones that were made alike are judged, and only on pictures from outside the corpus (`of_corpus` is False):
    on the corpus' own images a clone from random ones has the advantage.
    """
    column = best_found(comparison)
    base = comparison.baseline(column) if column else None
    if column is None or base is None or rate_of(column, measure) is None:
        return None
    if not made_alike(column.run, base.run):
        return Judgement("Not a fair comparison yet", ":material/question_mark:", "orange")
    if of_corpus:
        return Judgement("Images of the corpus cannot decide this: test on other pictures", ":material/info:", "gray")
    ahead = lead(column.evaluation, base.evaluation, measure)
    if ahead.low > 0:
        return Judgement("The found images made a better clone than random ones", ":material/check:", "green")
    if ahead.high < 0:
        return Judgement("Random images made a better clone than the found ones", ":material/warning:", "orange")
    return Judgement("The difference from random images may be chance", ":material/question_mark:", "orange")


def _set_notes(facts: EvaluationSetFacts, comparison: Comparison, n_left_out: int) -> None:
    n, sent = comparison.n_images, counted(facts.n_sent, "query", "queries")
    parts = [
        f"Tested on {inert(shortened(facts.name, 80))}: {counted(n, 'picture')} that all clones here answered.",
        _left_out(n_left_out) if n_left_out else "",
        f"{sent} {'was' if facts.n_sent == 1 else 'were'} sent for this set." if facts.n_sent else "",
        inert(shortened(facts.note, 400)),
    ]
    st.caption(" ".join(filter(None, parts)))


def _left_out(n: int) -> str:
    more = counted(n, "more picture")
    return (
        f"{more} of the set {'is' if n == 1 else 'are'} left out: a clone was trained on {'it' if n == 1 else 'them'}."
    )


def _figures(desk: Desk, shown: Shown, n_scored: int) -> None:
    comparison = shown.comparison
    cost = partial(_cost, n_scored=n_scored)
    wanted = ((_rates, True), (_density, has_density(comparison)), (cost, has_costs(comparison)))
    drawn = [draw_one for draw_one, wants in wanted if wants]
    with st.grid(len(drawn), min_column_width=_FIGURE_PX, key="clone_figures"):
        for draw_one in drawn:
            with st.container():
                draw_one(desk, shown)


def _rates(desk: Desk, shown: Shown) -> None:
    comparison, measure, titles = shown
    st.markdown(f"**{_MEASURES[measure]}**")
    show_figure(draw_rates(comparison, titles, measure, f"{desk.case_id} {measure}"), "clone_rates",
                f"The {measure} of each clone with its 95 % interval", f"{desk.case_id}-clones")  # fmt: skip
    if len({one.run.transfer.total for one in comparison.columns}) > 1:
        st.caption("The largest clones of each source.")


def _density(desk: Desk, shown: Shown) -> None:
    comparison, measure, titles = shown
    st.markdown("**How well the classes are copied**")
    show_figure(draw_density(comparison, titles, measure, f"{desk.case_id} {measure}"), "clone_density",
                f"Density of the classes' {measure}, a line for each clone",
                f"{desk.case_id}-clone-density")  # fmt: skip
    st.caption("The further right a peak lies, the more classes are copied well.")


def _cost(desk: Desk, shown: Shown, *, n_scored: int) -> None:
    """Agreement by cost, and the cost of reaching the agreement of random images from the other sources."""
    comparison = shown.comparison
    st.markdown("**Agreement by the number of answers**")
    show_figure(draw_cost(comparison, shown.titles, desk.case_id), "clone_cost_chart",
                "Agreement of each clone against the answers it rests on", f"{desk.case_id}-clone-cost")  # fmt: skip
    base = comparison.baseline(best_found(comparison))
    rate = base.evaluation.agreement if base else None
    reached = cost_to_reach(cost_points(comparison, source_title), rate.value) if rate else {}
    comparison_of_costs = inert(cost_sentence(reached, rate.value)) if rate else ""
    more = f"Not included: the {counted(n_scored, 'answer')} of the scoring, which the found images rest on."
    st.caption(" ".join(filter(None, (comparison_of_costs, more))))


def _table(shown: Shown) -> None:
    column = st.column_config
    comparison, titles = shown.comparison, shown.titles
    st.markdown("**Class by class**")
    largest = comparison.largest()
    if len(largest.columns) < len(comparison.columns) and not st.toggle(
        f"Show all {len(comparison.columns):,} clones", key="clone_all_columns"
    ):
        comparison, titles = largest, run_titles([column.run for column in largest.columns])
    table = comparison_table(comparison, titles, shown.measure)
    show_table(table, "comparison_table", {
        "Class": column.TextColumn(width=_CLASS_PX, pinned=True),
        **{name: column.TextColumn(width=_CELL_PX, help=inert(name)) for name in table.columns[1:]},
        **({SUSPECT: column.TextColumn("Suspect", width=_CELL_PX, help=SUSPECT)} if SUSPECT in table else {}),
    }, most_px=_TABLE_PX, alt="The rate of each clone in each class, with 95 % intervals")  # fmt: skip
    by = "pictures that the suspect puts in the class" if shown.measure == "agreement" else "pictures of the class"
    st.caption(
        f"Share of the {by}; in brackets the 95 % interval. A cell is empty if there is no such picture. The headline "
        f"is about all pictures, each with the same weight. {shown.comparison.about_names}".rstrip()
    )


def _test_on_more(desk: Desk) -> None:
    with st.expander("Test on other pictures", icon=":material/add_photo_alternate:", key="clone_test_more"):
        if reason := cannot_ask(desk.card):
            st.caption(reason)
            return
        st.caption(
            "Every finished clone is tested on a folder of pictures. Each picture costs one query to the suspect. If "
            "sub-folders are named by the classes' numbers or names, accuracy is measured as well."
        )
        try:
            folder = choose_folder(desk, "Folder of pictures", "clone_more_set")
        except FdError as error:
            show_error(error)
            return
        if (
            st.button("Test", key="clone_test", icon=":material/fact_check:", disabled=desk.busy or folder is None)
            and folder
        ):
            start_work(desk, "clone-test", evaluation=folder, by=desk.by)
