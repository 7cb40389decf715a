"""A case's survey as tables: leaves, problems, samples of a node. Nothing here draws."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from fdcore.answers.views import Pictures
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.intake import Surveyed
from fdcore.case.places import require_inside
from fdcore.corpus.containers import is_text_file, on_disk
from fdcore.corpus.decode import decode_file, quiet_pillow
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError, CorpusError, SettingsError
from fdcore.report.strips import strip_of
from fdcore.texts import WIDTH
from ui.panels import table_csv

N_SAMPLES = 12
SAMPLE_PX = 96
NO_SOURCE = "unknown"
_PICTURE = {"height": SAMPLE_PX, "width": SAMPLE_PX, "channels": 3}
_TEXT = {"height": 1, "width": WIDTH, "channels": 1}
MAX_STRIPS, PER_STRIP = 200, 3
_COLUMNS = ("label", "path", "files", "usable", "source", "node", "synonyms")


@dataclass(frozen=True)
class Sample:
    """One picture (SAMPLE_PX, SAMPLE_PX, 3) of the leaf `label`, or why it cannot be shown."""

    label: str
    name: str
    pixels: Pictures | None
    problem: str


class TreeRows(NamedTuple):
    """Part of a hierarchy as a tree: ids, labels, parents' ids (None for a root), files of each node itself."""

    ids: list[str]
    labels: list[str]
    parents: list[str | None]
    values: list[int]


def leaf_table(surveyed: Surveyed) -> pd.DataFrame:
    """A row for each leaf, sorted by label: label, path, files, usable, source, node, synonyms, words.

    `usable` is missing if files were only counted; `words` is the text that is searched.

    Raises:
        CaseError: the survey names nodes that its hierarchy lacks.
    """
    hierarchy = surveyed.hierarchy
    try:
        rows = [_leaf_row(surveyed, hierarchy, node, n_files) for node, n_files in surveyed.n_files.items()]
    except CorpusError as error:
        message = f"The record of the corpus's leaves is damaged ({error}). Read the corpus again."
        raise CaseError(message, key="survey damaged") from error
    frame = pd.DataFrame(rows, columns=[*_COLUMNS]).astype({"files": "int64", "usable": "Int64"})
    words = frame["label"] + "\n" + frame["synonyms"] + "\n" + frame["node"]
    frame["words"] = [text.casefold() for text in words]
    return frame.sort_values(
        ["label", "node"], key=lambda column: column.str.casefold(), kind="stable", ignore_index=True
    )


def filter_leaves(
    frame: pd.DataFrame, words: str, below: frozenset[str] | None, fewer_than: int | None
) -> pd.DataFrame:
    """The leaves with every word in a name or the id, among `below`, and with fewer usable images than a number."""
    kept = pd.Series(True, index=frame.index)
    for word in words.casefold().split():
        kept &= frame["words"].str.contains(word, regex=False)
    if below is not None:
        kept &= frame["node"].isin(below)
    if fewer_than is not None:
        kept &= n_available(frame) < fewer_than
    return frame[kept]


def n_available(frame: pd.DataFrame) -> "pd.Series[int]":
    """Images of each leaf that can be shown: the usable ones if known, else the files."""
    return frame["usable"].fillna(frame["files"])


def leaves_csv(frame: pd.DataFrame) -> bytes:
    """The leaves as CSV: node, label, path, source, files, usable."""
    return table_csv(frame[["node", "label", "path", "source", "files", "usable"]])


def problem_table(case: Case) -> pd.DataFrame:
    """The problems with files, as surveyed: path, reason, detail, used.

    Raises:
        CaseError: the table is missing or damaged.
    """
    path = case.path(layout.SURVEY_PROBLEMS)
    try:
        content = path.read_bytes()
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8")
        frame = frame[["path", "reason", "detail", "used"]]
    except (OSError, ValueError, KeyError) as error:
        message = f"The table {path} is damaged ({error}). Read the corpus again."
        raise CaseError(message, key="problems damaged") from error
    return frame.assign(used=frame["used"] == "True")


def reason_table(problems: pd.DataFrame) -> pd.DataFrame:
    """How many files each reason applies to, the most first: reason, files, used."""
    grouped = problems.groupby("reason", sort=True)["used"].agg(files="size", used="sum").reset_index()
    return grouped.sort_values("files", ascending=False, kind="stable", ignore_index=True)


def tree_rows(surveyed: Surveyed, root: str | None) -> TreeRows:
    """The nodes at or below a node (all for None) that have images below them, each under one parent.

    The parent is the next node on the shortest path to the hierarchy's root if that is within `root`, else the first
    parent that is.
    """
    hierarchy, leaves = surveyed.hierarchy, below(surveyed, root)
    family = None if root is None else hierarchy.descendants(root) | {root}
    parent_of: dict[str, str | None] = {}
    waiting = list(leaves)
    while waiting:
        node = waiting.pop()
        if node in parent_of:
            continue
        parent = parent_of[node] = None if node == root else _parent_within(hierarchy, node, family)
        if parent is not None:
            waiting.append(parent)
    ids = sorted(parent_of)
    return TreeRows(
        ids=ids,
        labels=[hierarchy.label(node) for node in ids],
        parents=[parent_of[node] for node in ids],
        values=[surveyed.n_files.get(node, 0) for node in ids],
    )


def below(surveyed: Surveyed, node: str | None) -> list[str]:
    """The leaves at or below a node; all for None."""
    if node is None:
        return list(surveyed.n_files)
    family = surveyed.hierarchy.descendants(node) | {node}
    return [leaf for leaf in surveyed.n_files if leaf in family]


def read_samples(surveyed: Surveyed, roots: tuple[Path, ...], node: str | None) -> list[Sample]:
    """At most N_SAMPLES pictures of a node, divided evenly among leaves spread over it.

    Their paths come from the case, which is not trusted: only those inside the roots are opened.
    """
    leaves = below(surveyed, node)
    step = max(len(leaves) // N_SAMPLES, 1)
    chosen = leaves[::step][:N_SAMPLES]
    in_turn = zip_longest(*([(leaf, path) for path in surveyed.samples.get(leaf, ())] for leaf in chosen))
    taken = sorted(list(filter(None, chain.from_iterable(in_turn)))[:N_SAMPLES], key=lambda one: chosen.index(one[0]))
    return [_read_sample(surveyed.hierarchy.label(leaf), path, roots) for leaf, path in taken]


def leaf_strips(surveyed: Surveyed, roots: tuple[Path, ...], leaves: Sequence[str]) -> dict[str, str]:
    """The first pictures of each leaf side by side, as data URLs; of at most `MAX_STRIPS` leaves."""
    strips = {}
    for leaf in leaves[:MAX_STRIPS]:
        read = [_read_sample(leaf, path, roots).pixels for path in surveyed.samples.get(leaf, ())[:PER_STRIP]]
        if good := [pixels for pixels in read if pixels is not None]:
            strips[leaf] = strip_of(good)
    return strips


def _leaf_row(surveyed: Surveyed, hierarchy: Hierarchy, node: str, n_files: int) -> tuple[Any, ...]:
    names = hierarchy.synonyms(node)
    path = " < ".join(hierarchy.label(one) for one in hierarchy.path_to_root(node)[1:])
    usable = None if surveyed.n_usable is None else surveyed.n_usable.get(node, 0)
    source = _sources_of(surveyed, surveyed.samples.get(node, ()))
    return names[0], path, n_files, usable, source, node, "\n".join(names[1:])


def _parent_within(hierarchy: Hierarchy, node: str, family: frozenset[str] | None) -> str | None:
    nearest = hierarchy.path_to_root(node)[1:2]
    for parent in (*nearest, *hierarchy.parents(node)):
        if family is None or parent in family:
            return parent
    return None


def _sources_of(surveyed: Surveyed, paths: Iterable[str]) -> str:
    """The names of the corpora that hold a leaf's first files."""
    names = []
    for text, source in zip(surveyed.corpora, surveyed.sources, strict=False):
        for folder in (text, text.rpartition("@")[0]):
            if folder and any(path.startswith(f"{folder.rstrip('/')}/") for path in paths):
                names.append(str(source.get("name", "")))
                break
    return ", ".join(names) or NO_SOURCE


def _read_sample(label: str, path: str, roots: Sequence[Path]) -> Sample:
    name = path.rpartition("/")[2]
    try:
        require_inside(tuple(roots), on_disk(path))
    except (SettingsError, ValueError):
        return Sample(label, name, None, "not on this machine")
    with quiet_pillow():
        decoded = decode_file(Path(path), **(_TEXT if is_text_file(on_disk(path).name) else _PICTURE))
    problem = "" if decoded.pixels is not None else decoded.notes[0].reason
    return Sample(label, name, decoded.pixels, problem)
