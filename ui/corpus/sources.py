"""The image folders in a case's plan: listing, adding, removing with undo, and their hierarchy."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from fdcore.case.intake import Surveyed
from fdcore.case.places import Places, inside, require_inside
from fdcore.case.plan import Plan
from fdcore.case.records import CorpusFacts
from fdcore.corpus.classes import wnid_of
from fdcore.corpus.corpus import folder_of
from fdcore.corpus.entering import is_split
from fdcore.corpus.layouts import folder_name, is_corpus
from fdcore.corpus.picture_list import is_list
from fdcore.corpus.topics import write_topics
from fdcore.errors import CorpusError, FdError, SettingsError
from ui import cached
from ui.frame import Desk
from ui.sentences import attempt, show_error
from ui.text import counted, inert, shortened
from ui.tree_picker import tree_picker

MAX_SHOWN = 40
WORDNET = "WordNet (included)"
_UNDO, _ADDED = "corpus_undo", "corpus_added"
MAX_PROBED = 3_000


@dataclass(frozen=True)
class Source:
    """One folder of a plan.

    Attributes:
        text: as in the plan, "DIR" or "DIR@NODE".
        node: the node that its classes are placed below, as written; empty for none.
        shown: the folder relative to the corpora folders if it lies in them.
        problem: why it cannot be read here; empty if it can.
    """

    text: str
    folder: Path
    node: str
    shown: str
    problem: str


def read_source(text: str, places: Places, case: Path) -> Source:
    """Interpret an entry of the plan of a case, given by its folder. The plan may come from an imported case."""
    folder = folder_of(text)
    node = "" if str(folder) == str(Path(text)) else text.rpartition("@")[2]
    root = next((root for root in places.corpora_of(case) if folder.is_relative_to(root)), None)
    shown = str(folder) if root is None or folder == root else folder.relative_to(root).as_posix()
    problem = ""
    try:
        if folder != places.demo or folder.exists():
            require_inside(places.corpora_of(case), folder)
    except (SettingsError, ValueError) as error:
        problem = str(error)
    return Source(text, folder, node, shown, problem)


def draw(desk: Desk, plan: Plan, surveyed: Surveyed | None) -> list[Source]:
    """The plan's folders with their buttons, and the hierarchy."""
    sources = [read_source(text, desk.places, desk.case.folder) for text in plan.corpora[:MAX_SHOWN]]
    with st.container(border=True, key="sources"):
        st.markdown("**Image folders in the plan**")
        if not sources:
            taken = "texts" if desk.case.facts().kind == "text" else "images"
            st.text(f"None yet. Add folders with labelled {taken} of anything that the suspect might recognise.")
        for place, source in enumerate(sources):
            _row(desk, plan, surveyed, source, place)
        if len(plan.corpora) > MAX_SHOWN:
            st.caption(f"And {counted(len(plan.corpora) - MAX_SHOWN, 'folder')} more.")
        _undo(desk, plan)
        _hierarchy(desk, plan)
    return sources


def draw_adding(desk: Desk, plan: Plan) -> None:
    """The choice of another folder."""
    if st.session_state.pop(_ADDED, False):
        st.session_state["add_folder"], st.session_state["add_path"] = None, ""
    names = cached.folders(desk.places.corpora)
    with st.container(key="adding"):
        if not names:
            _where_to_put_images(desk.places)
        left, right = st.columns(2)
        chosen = left.selectbox("Folder", names, index=None, key="add_folder", placeholder="Type to search",
                                disabled=not names, filter_mode="contains")  # fmt: skip
        typed = right.text_input("Or its path inside the corpora folder", key="add_path",
                                 placeholder="birds/photos").strip()  # fmt: skip
        try:
            folder = _checked_folder(desk.places, typed or chosen or "")
            node = _node_below(plan, desk.places) if folder else None
        except FdError as error:
            show_error(error)
            folder = node = None
        _add_buttons(desk, plan, folder, node)


def change(desk: Desk, plan: Plan, **changed: object) -> None:
    """Change the plan, which is logged in the audit log, and redraw the page."""
    new = replace(plan, **changed)  # type: ignore[arg-type]  # callers name fields of a Plan
    if attempt(lambda: desk.case.change_plan(corpora=new.corpora, hierarchy=new.hierarchy, by=desk.by)):
        st.rerun()


def _row(desk: Desk, plan: Plan, surveyed: Surveyed | None, source: Source, place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"source_{place}"):
        with st.container(gap=None, width="stretch"):
            st.text(shortened(source.shown, 120))
            st.caption(inert(_in_words(source, surveyed, desk.case.facts().corpus)))
            if source.problem:
                st.caption(f":material/warning: {inert(shortened(source.problem, 300))}")
        if st.button("Remove", key=f"remove_{place}", icon=":material/delete:", type="tertiary", disabled=desk.busy,
                     help=inert(f"Remove {shortened(source.shown)} from the plan; the files stay.")):  # fmt: skip
            st.session_state[_UNDO] = (desk.case_id, place, source.text)
            change(desk, plan, corpora=tuple(text for text in plan.corpora if text != source.text))


def _in_words(source: Source, surveyed: Surveyed | None, queried: CorpusFacts | None) -> str:
    facts = [f"classes are below {shortened(_node_name(source.node, surveyed), 80)}"] if source.node else []
    known = dict(zip(surveyed.corpora, surveyed.sources, strict=False)).get(source.text) if surveyed else None
    if known is None:
        read = "queried; not listed here yet" if _was_queried(source, queried) else "not read yet"
        return " · ".join([*facts, read])
    n_nodes, n_files = int(known["n_nodes"]), int(known["n_files"])
    layout = shortened(str(known["layout"]), 60)
    return " · ".join([*facts, f"layout: {layout}", counted(n_nodes, "leaf", "leaves"), counted(n_files, "file")])


def _was_queried(source: Source, queried: CorpusFacts | None) -> bool:
    return queried is not None and folder_name(source.folder) in queried.folders


def _node_name(node: str, surveyed: Surveyed | None) -> str:
    if surveyed and node in surveyed.hierarchy:
        return f"{surveyed.hierarchy.label(node)} ({node})"
    return node


def _undo(desk: Desk, plan: Plan) -> None:
    removed = st.session_state.get(_UNDO)
    if not removed or removed[0] != desk.case_id or removed[2] in plan.corpora:
        return
    _, place, text = removed
    with st.container(horizontal=True, vertical_alignment="center", key="undo_row"):
        st.text(f"Removed {shortened(read_source(text, desk.places, desk.case.folder).shown, 80)}.")
        if st.button("Undo", key="undo", icon=":material/undo:", disabled=desk.busy):
            del st.session_state[_UNDO]
            change(desk, plan, corpora=(*plan.corpora[:place], text, *plan.corpora[place:]))


def _where_to_put_images(places: Places) -> None:
    st.text("This server has no image folders yet. Put them here, one folder per class of images:")
    st.code("\n".join(map(str, places.named_corpora)), language=None)
    st.code(
        "birds/\n  n01503061/  one.jpg  two.jpg     named by a WordNet id, which gives its place\n"
        "  kingfisher/ one.jpg  two.jpg     or by any word; choose a node above it when you add it",
        language=None,
    )
    st.caption("The environment variable FDCORE_CORPORA names other folders. The original layouts of ImageNet and "
               "Tiny ImageNet, tar archives, parquet files and lists of pictures are read as they are. Or start with "
               "the built-in demo corpus.")  # fmt: skip


def _checked_folder(places: Places, name: str) -> Path | None:
    if not name:
        return None
    folder = inside(places.corpora, name)
    if not is_corpus(folder):
        mend = "Give the folder that holds the images, a tar archive, a parquet file, or a list of pictures."
        raise SettingsError(f"{name!r} is a file. {mend}", key="not a folder")
    st.caption("First impression")
    st.text(first_look(folder))
    return folder


def _node_below(plan: Plan, places: Places) -> str | None:
    if not st.toggle("Place its classes below a node", key="add_below",
                     help="For folders named by words: the node gives them neighbours in the hierarchy. Folders "
                     "named by ids keep their own place."):  # fmt: skip
        return None
    table = None if plan.hierarchy is None else require_inside(places.corpora, Path(plan.hierarchy))
    return tree_picker("Node above the classes", cached.hierarchy(table), key="add_node")


def _add_buttons(desk: Desk, plan: Plan, folder: Path | None, node: str | None) -> None:
    demo = desk.places.demo
    with st.container(horizontal=True):
        waits = folder is None or (bool(st.session_state.get("add_below")) and node is None)
        if st.button("Add this folder", key="add", icon=":material/add:", disabled=waits or desk.busy,
                     type="secondary" if plan.corpora else "primary") and folder:  # fmt: skip
            _add(desk, plan, f"{folder}@{node}" if node else str(folder))
        if desk.case.facts().kind == "text":
            _add_topics(desk, plan)
        elif str(demo) not in plan.corpora and st.button(
            "Add the built-in demo corpus", key="add_demo", icon=":material/brush:", type="tertiary",
            disabled=desk.busy, help="203 leaves with 20 drawings each, from aircraft to garments. Drawing them takes "
            "about 20 seconds when the corpus is read.",
        ):  # fmt: skip
            _add(desk, plan, str(demo))


def _add_topics(desk: Desk, plan: Plan) -> None:
    """The built-in corpus of texts, written when it is first added."""
    folder = desk.places.demo.with_name("topics")
    if str(folder) in plan.corpora:
        return
    pressed = st.button(
        "Add the built-in topics", key="add_topics", icon=":material/article:", type="tertiary", disabled=desk.busy,
        help="Names and definitions of things, living beings, food and people, in some 450 topics of WordNet.",
    )  # fmt: skip
    if pressed and (folder.exists() or attempt(lambda: write_topics(folder), spinner="Writing the topics")):
        _add(desk, plan, str(folder))


def _add(desk: Desk, plan: Plan, text: str) -> None:
    folder = folder_of(text)
    if any(folder_of(known) == folder for known in plan.corpora):
        show_error(CorpusError(f"{folder.name} is already in the plan. To place it elsewhere, remove it first."))
        return
    st.session_state[_ADDED] = True
    change(desk, plan, corpora=(*plan.corpora, text))


def _hierarchy(desk: Desk, plan: Plan) -> None:
    """The choice of the hierarchy."""
    roots = desk.places.corpora
    with st.expander(f"Hierarchy: {inert(shortened(_table_name(plan.hierarchy, roots), 60))}", key="hierarchy_box"):
        st.caption("Distances between leaves are measured in this graph. Your own table is a CSV or JSON file in a "
                   "corpora folder with the columns id, parent and label.")  # fmt: skip
        names = [WORDNET, *cached.tables(roots)]
        now = _table_name(plan.hierarchy, roots)
        chosen = st.selectbox("Hierarchy", names if now in names else [*names, now], key="hierarchy_file",
                              index=names.index(now) if now in names else len(names), disabled=desk.busy)  # fmt: skip
        if chosen == now or not st.button("Use this hierarchy", key="hierarchy_use", disabled=desk.busy):
            return
        try:
            path = None if chosen == WORDNET else inside(roots, chosen)
            cached.hierarchy(path)
        except FdError as error:
            show_error(error)
            return
        change(desk, plan, hierarchy=str(path) if path else None)


def _table_name(path: str | None, roots: Sequence[Path]) -> str:
    if path is None:
        return WORDNET
    root = next((root for root in roots if Path(path).is_relative_to(root)), None)
    return path if root is None else Path(path).relative_to(root).as_posix()


def first_look(folder: Path) -> str:
    """What a folder seems to hold, in a sentence; only reading the corpus settles it."""
    if is_list(folder):
        return "A list of pictures, which lie in its folder or below."
    if folder.is_file():
        return "A tar archive or parquet file, which is read like a folder."
    try:
        with os.scandir(folder) as entries:
            probed = list(itertools.islice(entries, MAX_PROBED))
    except OSError as error:
        return f"It cannot be read ({error.strerror})."
    more = "at least " if len(probed) == MAX_PROBED else ""
    names = sorted(entry.name for entry in probed if entry.is_dir() and not entry.name.startswith("."))
    n_files = len(probed) - len(names)
    n_known = sum(bool(wnid_of(name)) for name in names)
    if n_known:
        return f"{more}{counted(n_known, 'folder')} named by WordNet ids; each has its own place in the hierarchy."
    if "val_annotations.txt" in {entry.name for entry in probed}:
        return "Tiny ImageNet's validation images; a table names the node of each."
    if names and all(map(is_split, names)):
        return f"A data set in parts ({', '.join(names)}), which are read together."
    if names and all(name.isdecimal() for name in names):
        few = ", ".join(names[:3])
        return (
            f"{more}{counted(len(names), 'folder')} named by numbers ({few}{', …' if len(names) > 3 else ''}), which "
            "say nothing about the pictures. Once the corpus is read, they can be named here."
        )
    if names:
        few = ", ".join(shortened(name, 24) for name in names[:3])
        return (
            f"{more}{counted(len(names), 'folder')} named by words ({few}{', …' if len(names) > 3 else ''}): one class "
            "each, unrelated to everything else unless they are placed below a node."
        )
    return f"No folders, {more}{counted(n_files, 'file')}." if n_files else "It is empty."
