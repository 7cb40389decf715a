"""What all pages draw in the same way: tables, figures, rows of numbers, pages of a list."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from fdcore.tables import to_csv

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_ROW_PX, _FRAME_PX = 31, 3
BY_HELP = "Who acted, as signed in; empty if nobody was. The case's examiner may be somebody else."
SENT_HELP = "Pictures ever sent to the suspect in this case, for any purpose; each view of an image counts"


def show_table(
    table: "pd.DataFrame", key: str, columns: Mapping[str, Any], *, most_px: int = 420, **more: Any
) -> Any:  # fmt: skip
    """A table as high as its rows, and at most `most_px`; `more` goes to `st.dataframe`, whose result is returned."""
    height = min(_ROW_PX * (len(table) + 1) + _FRAME_PX, most_px)
    return st.dataframe(
        table, key=key, hide_index=True, placeholder="", height=height, column_config=dict(columns), **more
    )


def share_column(help: str | None = None, label: str | None = None, *, width: int | str = "small",
                 format: str = "%.2f") -> ColumnConfig:  # fmt: skip
    """A column of numbers from 0 to 1, as bars."""
    kind = st.column_config.ProgressColumn
    return kind(label, help=help, min_value=0.0, max_value=1.0, format=format, width=width)  # type: ignore[arg-type]


def table_csv(table: "pd.DataFrame") -> bytes:
    """A table as CSV with formulas made inert; missing values are empty."""
    columns = [str(name) for name in table.columns]
    plain = table.astype(object).where(table.notna(), "")
    return to_csv(columns, (dict(zip(columns, row, strict=True)) for row in plain.itertuples(index=False)))


def show_figure(figure: "go.Figure", key: str, alt: str, name: str = "figure", **more: Any) -> Any:
    """A figure with our toolbar; `name` is that of its PNG file, `more` goes to `st.plotly_chart`."""
    from fdcore.report.figures.style import config

    return st.plotly_chart(figure, key=key, config=config(name), alt=alt, **more)


def show_numbers(key: str, *numbers: tuple[str, str] | tuple[str, str, str]) -> None:
    """A row of numbers: label, value and, where needed, an explanation."""
    with st.container(horizontal=True, key=key):
        for label, value, *explained in numbers:
            st.metric(label, value, border=True, help=explained[0] if explained else None)


def page_of(n: int, per_page: int, key: str, *, default: int = 1) -> range:
    """Draw the choice of a page if there are several; returns the range of the `n` items on it."""
    n_pages = -(-n // per_page)
    page = st.pagination(n_pages, default=default, key=key) if n_pages > 1 else 1
    return range((page - 1) * per_page, min(page * per_page, n))
