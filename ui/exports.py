"""Downloads of what a page shows: tables as CSV, figures as HTML; PNG is in each file's toolbar."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from fdcore.case.casebook import Casebook

if TYPE_CHECKING:
    import plotly.graph_objects as go


def export(
    name: str,
    *,
    tables: Mapping[str, Callable[[], bytes]] | None = None,
    figures: Mapping[str, "Callable[[], go.Figure]"] | None = None,
) -> None:
    """Draw the Export menu; a file is made only when it is requested.

    Args:
        name: prefix of every file's name, such as the case's id and the step.
        tables, figures: a function for each title.
    """
    tables, figures = tables or {}, figures or {}
    with st.popover("Export", icon=":material/download:", key="export"):
        for title, make in tables.items():
            download(f"{title} (CSV)", make, f"{name}-{_slug(title)}.csv", "text/csv", key=f"csv_{_slug(title)}",
                     icon="table")  # fmt: skip
        for title, draw in figures.items():
            download(f"{title} (HTML)", _as_page(draw, title), f"{name}-{_slug(title)}.html", "text/html",
                     key=f"html_{_slug(title)}", icon="insert_chart")  # fmt: skip
        if figures:
            st.caption("For a picture (PNG), open the file and use the camera in its toolbar.")


def download(
    label: str, make: Callable[[], bytes], file_name: str, kind: str, *, key: str, icon: str = "download",
    type: Literal["primary", "secondary", "tertiary"] = "tertiary", help: str | None = None,
) -> None:  # fmt: skip
    """A button whose file is made when it is clicked."""
    st.download_button(label, make, file_name, kind, key=key, icon=f":material/{icon}:", type=type, help=help,
                       on_click="ignore")  # fmt: skip


def bundle_file(folder: Path) -> Callable[[], bytes]:
    """A function that makes a case's disclosure bundle, without pictures and the suspect's file."""

    def make() -> bytes:
        from fdcore.disclosure.bundle import write_bundle

        with tempfile.TemporaryFile() as file:
            write_bundle(folder, file)
            file.seek(0)
            return file.read()

    return make


def archive_file(book: Casebook, case_id: str) -> Callable[[], bytes]:
    """A function that packs a case into one ZIP file."""

    def make() -> bytes:
        with tempfile.TemporaryFile() as file:
            book.export(case_id, file)
            file.seek(0)
            return file.read()

    return make


def _as_page(draw: "Callable[[], go.Figure]", title: str) -> Callable[[], bytes]:
    def make() -> bytes:
        from fdcore.report.figures.style import standalone_html

        return standalone_html(draw(), title)

    return make


def _slug(title: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in title.casefold())
