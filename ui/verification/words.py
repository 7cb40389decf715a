"""The words of every class's answer, to compare with a claim."""

import pandas as pd
import streamlit as st

from fdcore.method.findings import Findings
from fdcore.words.words import Words, words_of
from ui.class_names import class_name, found_names
from ui.panels import share_column, show_numbers, show_table

MAX_ROWS = 2_000  # of the table on the page; the CSV has all


def draw(findings: Findings) -> None:
    """The words as metrics and a table; at least one class was found."""
    words = words_of(findings.classes, findings.scored.scores, findings.scored.hierarchy)
    with st.container(key="words"):
        show_numbers(
            "metrics",
            ("Classes with words", f"{len({w.target_class for w in words}):,} of {len(findings.classes):,}"),
            ("Nodes", f"{len({w.node for w in words}):,}",
             "Selected leaves and what they have in common, each counted once."),
            ("Words", f"{len({name for w in words for name in (w.label, *w.synonyms)}):,}",
             "Different labels and synonyms."),
            ("With a definition", f"{sum(bool(w.gloss) for w in words):,} of {len(words):,}",
             "Rows with a definition in WordNet."),
        )  # fmt: skip
        _table(findings, words)


def words_table(findings: Findings, words: list[Words]) -> pd.DataFrame:
    """The words as a table."""
    names = found_names(findings)
    return pd.DataFrame(
        {
            "class": [class_name(word.target_class, names[word.target_class], 40) for word in words],
            "role": ["in common" if word.functional_score is None else "selected leaf" for word in words],
            "label": [word.label for word in words],
            "synonyms": [", ".join(word.synonyms) for word in words],
            "gloss": [word.gloss for word in words],
            "score": [word.functional_score for word in words],
            "id": [word.node for word in words],
        }
    )


def _table(findings: Findings, words: list[Words]) -> None:
    column = st.column_config
    st.caption(
        "For each class: what its leaves have in common, then the leaves, highest score first. "
        + (f"The first {MAX_ROWS:,} of {len(words):,} rows; the CSV has all." if len(words) > MAX_ROWS else "")
    )
    show_table(words_table(findings, words[:MAX_ROWS]), "words_table", {
        "class": column.TextColumn("Class", width="medium"),
        "role": column.TextColumn("Role", width="small"),
        "label": column.TextColumn("Label", width="medium"),
        "synonyms": column.TextColumn("Also called", width="medium"),
        "gloss": column.TextColumn("Definition (WordNet)", width="large"),
        "score": share_column("Share of the leaf's views put in the class.", "L"),
        "id": column.TextColumn("Id", width="small"),
    })  # fmt: skip
