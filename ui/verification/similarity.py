"""The claims against the findings: in four numbers, as a figure, and as the paper's Table 4."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from fdcore.method.findings import Findings
from fdcore.report.figures.words import MAX_ROWS, n_pages
from fdcore.words.agreement import TOO_FEW, Agreement
from fdcore.words.comparison import Comparison
from fdcore.words.similarity import BY_HAND, ClassSimilarity
from ui.panels import share_column, show_figure, show_table
from ui.text import counted, inert, listed
from ui.verification import figures
from ui.verification.tables import (
    DIFFERS,
    MAX_UNKNOWN,
    NO_WORD,
    classes_text,
    fitting_set,
    judged,
    known_leaves,
    mean_percentile,
    p_text,
    similarity_table,
    unknown_words,
)


def metrics(findings: Findings, found: Comparison) -> None:
    """The comparison in four numbers."""
    n_classes, n_chosen = len(findings.classes), sum(row.by_hand for row in found.rows)
    rows = tuple(row for row in found.rows if not row.by_hand)
    n_compared = sum(row.compared for row in rows)
    mean, share = replace(found, rows=rows).mean_cosine, mean_percentile(rows)
    differ = sum(judged(row) == DIFFERS for row in rows)
    nothing = "none" if found.rows else "no claims"
    with st.container(horizontal=True, key="word_metrics"):
        _metric("Claims compared", f"{n_compared:,} of {n_classes:,}",
                f"{n_chosen:,} left out: {BY_HAND}" if n_chosen else None,
                help="Classes with a claim and a finding whose words have vectors. Classes whose answers were chosen "
                "by hand count in none of these numbers: the choice may follow the claim.")  # fmt: skip
        _metric("Mean similarity", nothing if mean is None else f"{mean:.2f}",
                None if share is None else f"closer than {round(share * 100)} % of random",
                help="Cosine of the nearest words, averaged over the claims. Below it, the mean share of random "
                "selections of as many leaves of the corpus that are less similar on average.")  # fmt: skip
        _metric("Do not agree", f"{differ:,} of {n_compared:,}" if n_compared else nothing,
                help="Claims without the same word in the finding, and with fewer than 80 % of random selections "
                "less similar to them.")  # fmt: skip
        _best_set(found.agreements)


def panel(findings: Findings, rows: Sequence[ClassSimilarity]) -> None:
    """Figure and table of the claims."""
    if not rows:
        return
    with st.container(key="similarity"):
        drawn = [row for row in rows if row.nodes and not row.by_hand]
        if len(drawn) > MAX_ROWS:
            _many(findings, drawn)
        elif drawn:
            _bars(findings, drawn, 0)
        _table(findings, rows)
        if chosen := [row.target_class for row in rows if row.by_hand]:
            st.caption(f"Not drawn and not counted: {classes_text(chosen)}, chosen by hand.")
        if known := known_leaves(rows, len(findings.scored.scores.nodes)):
            st.caption(known)
        _unknown(rows)


def _best_set(agreements: Sequence[Agreement]) -> None:
    help = "The known label set that agrees best with the findings in class order."
    if not agreements:
        _metric("Known label set", "none fits", help=help)
        return
    best = fitting_set(agreements) or agreements[0]
    name, p = inert(best.title), p_text(best.p_value)
    if best.fits:
        _metric("Known label set", name, f"fits {best.mean:.2f}, {TOO_FEW}", help=help)
        return
    if best.agrees:
        _metric("Known label set", name, p, help=help)
    else:
        alike = f"above chance: {name}, {best.mean:.2f}" if best.resembles else None
        _metric("Known label set", "none agrees", alike, help=help)


def _metric(label: str, value: str, below: str | None = None, *, help: str) -> None:
    st.metric(label, value, below, border=True, help=help, delta_color="off", delta_arrow="off", height="stretch")


def _many(findings: Findings, rows: Sequence[ClassSimilarity]) -> None:
    hierarchy = findings.scored.hierarchy
    show_figure(figures.draw_histogram(rows, hierarchy), "similarity_histogram", "Distribution of the similarities",
                "similarity")  # fmt: skip
    with st.expander("Class by class, lowest agreement first", key="bars_box"):
        pages = n_pages(len(rows))
        page = min(int(st.session_state.get("bars_page", 1)), pages)
        _bars(findings, rows, page - 1)
        st.pagination(pages, key="bars_page")


def _bars(findings: Findings, rows: Sequence[ClassSimilarity], page: int) -> None:
    show_figure(figures.draw_bars(rows, findings.scored.hierarchy, page), "similarity_bars",
                "The similarity of each claim to what was found, lowest agreement on top", "similarity")  # fmt: skip


def _table(findings: Findings, rows: Sequence[ClassSimilarity]) -> None:
    column, table = st.column_config, similarity_table(rows, findings.scored.hierarchy)
    if not any(table["Unknown words"]):
        table = table.drop(columns="Unknown words")
    show_table(table, "similarity_table", {
        "Class": column.NumberColumn(width=50, format="%d"),
        "Claimed": column.TextColumn(width=95),
        "Found": column.TextColumn(width=140, help="The leaves of the answer"),
        "Verdict": column.TextColumn(width=95, help="Agrees: the same word, or closer than 95 % of random selections "
                                     "from this corpus. Unclear: closer than 80 %. An answer chosen by hand neither "
                                     "agrees nor differs."),
        "Cosine": share_column("Of the nearest words of claim and finding, including all synonyms", width=90),
        "Closer than": column.NumberColumn(width=85, format="percent",
                                           help="Share of random selections of as many leaves that are less similar "
                                           "to the claim on average; leaves without a known word do not count"),
        "L": share_column("Share of the answer's views that the suspect puts in the class", width=90),
        "Nearest words": column.TextColumn(width=125, help="The word of the claim and the word of the finding"),
        "Euclidean": column.NumberColumn(width=75, format="%.2f", help="Distance of the vectors of these two words"),
        "Unknown words": column.TextColumn(width=150, help="Words without a vector in any spelling"),
    }, most_px=460, alt="For each class: what is claimed, what was found, and how similar the words are")  # fmt: skip


def _unknown(rows: Sequence[ClassSimilarity]) -> None:
    if lost := [row.target_class for row in rows if not row.nodes and not row.by_hand]:
        st.caption(f"Nothing was found for {classes_text(lost)}, so {'its claim' if len(lost) == 1 else 'their claims'}"
                   " cannot be compared.")  # fmt: skip
    claimed, found = unknown_words(rows)
    n_lost = sum(judged(row) == NO_WORD for row in rows)
    if not claimed and not found:
        st.caption("Every word of the claims and findings has a vector.")
        return
    cost = f" As a result, {counted(n_lost, 'claim')} could not be compared." if n_lost else ""
    st.caption(f"Words without a vector in any spelling do not count.{cost}")
    if claimed:
        st.text(f"In the claims: {listed(claimed, MAX_UNKNOWN)}")
    if found:
        st.text(f"In the findings: {listed(found, MAX_UNKNOWN)}")
