"""Choosing a folder of pictures that are sent to the suspect besides the corpus."""

from pathlib import Path

import streamlit as st

from fdcore.case.casebook import CaseCard
from fdcore.case.places import inside, require_inside
from fdcore.corpus.layouts import is_corpus
from fdcore.errors import SettingsError
from ui import cached
from ui.frame import Desk


def cannot_ask(card: CaseCard | None) -> str:
    """Why the suspect cannot be queried with more pictures; empty if it can."""
    if card is None or not card.evidence:
        return "This case replays recorded answers: it has no suspect that could be queried with other folders."
    return ""


def choose_folder(desk: Desk, label: str, key: str) -> str | None:
    """Draw the choice of a folder; None before one is chosen."""
    chosen = folder_box(desk, label, key)
    return str(checked_folder(desk, chosen)) if chosen else None


def folder_box(desk: Desk, label: str, key: str) -> str | None:
    """Draw the choice of a folder by its name inside the corpora folders; None before one is chosen."""
    return st.selectbox(
        label, cached.folders(desk.places.corpora), index=None, key=key, filter_mode="contains",
        accept_new_options=True, placeholder="Type to search, or a path inside the corpora folder",
    )  # fmt: skip


def checked_folder(desk: Desk, name: str) -> Path:
    """The folder of this name, if this server may read it."""
    path = inside(desk.places.corpora, name)
    if not is_corpus(path):
        raise SettingsError(f"{name!r} is a file. Give a folder of images, a tar archive, a parquet file, or a list of "
                            "pictures.", key="not a folder")  # fmt: skip
    return require_inside(desk.places.corpora, path)
