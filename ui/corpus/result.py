"""What a case's corpora hold: numbers, the map over the hierarchy, pictures of a node, leaves, and problems."""

from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fdcore.case import layout
from fdcore.case.generated import generated_to_csv, read_generated
from fdcore.case.intake import Surveyed
from fdcore.case.plan import Plan
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.leaf_names import names_to_csv
from fdcore.report.figures.corpus import corpus_treemap
from ui import cached, state
from ui.corpus import naming
from ui.corpus.problems import draw_problems
from ui.exports import export
from ui.frame import Desk
from ui.panels import show_figure, show_numbers, show_table
from ui.pictures import as_tiles
from ui.sentences import fragment
from ui.survey_tables import NO_SOURCE, SAMPLE_PX, below, filter_leaves, leaves_csv, n_available, tree_rows
from ui.text import counted, inert, shortened
from ui.tree_picker import tree_picker

if TYPE_CHECKING:
    import plotly.graph_objects as go

NODE = "node"  # URL parameter: the part of the hierarchy that is shown
MAX_ROWS = 2_000
SHOWN_PX = 96
ALL, FEWER, NONE = "All", "Fewer than planned", "None usable"
MAX_NODES = 1_200


def draw(desk: Desk, plan: Plan, surveyed: Surveyed) -> None:
    """Draw everything that was found."""
    leaves, problems = cached.corpus_leaves(desk.case), cached.corpus_problems(desk.case)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader("What was found", anchor=False, width="content")
        export(
            f"{desk.case_id}-corpus",
            tables={
                "Leaves": lambda: leaves_csv(leaves),
                **({"Names of leaves": lambda: names_to_csv(plan.leaves)} if plan.leaves else {}),
                **(
                    {"Generated pictures": lambda: generated_to_csv(read_generated(desk.case))}
                    if desk.case.has(layout.GENERATED)
                    else {}
                ),
                "Problems": lambda: desk.case.path(layout.SURVEY_PROBLEMS).read_bytes(),
            },
            figures={"Images over the hierarchy": lambda: _figure(desk, surveyed, None)},
        )
    _metrics(surveyed, len(problems))
    naming.draw(desk, plan, surveyed)
    _shortages(plan, leaves)
    _explore(desk, plan, surveyed, leaves)
    draw_problems(desk.case_id, problems, checked=surveyed.n_usable is not None)


def _metrics(surveyed: Surveyed, n_problems: int) -> None:
    usable = surveyed.n_usable
    show_numbers(
        "corpus_metrics",
        ("Leaves", f"{len(surveyed.n_files):,}", "A leaf is a node of the hierarchy that has its own images"),
        ("Image files", f"{sum(surveyed.n_files.values()):,}"),
        ("Usable", "not checked" if usable is None else f"{sum(usable.values()):,}",
         "Images that can be decoded and are not duplicates. Very large corpora, and those that scoring read first, "
         "are only counted; their images are decoded when the suspect is queried."),
        ("Remarks about files", f"{n_problems:,}",
         "Files that cannot be used, and those that had to be converted"),
    )  # fmt: skip


def _shortages(plan: Plan, leaves: pd.DataFrame) -> None:
    """Point out leaves with too few images."""
    available, wanted = n_available(leaves), plan.settings.images_per_leaf
    n_none = int((available == 0).sum())
    if n_none:
        st.warning(f"{counted(n_none, 'leaf has', 'leaves have')} no usable image and will not be queried.",
                   icon=":material/image_not_supported:")  # fmt: skip
    if wanted and (sentence := fewer_in_words(available[available > 0], wanted)):
        st.info(sentence, icon=":material/info:")


def fewer_in_words(available: "pd.Series[int]", wanted: int) -> str:
    """How many leaves have fewer images than planned, given the images of each; empty if none has."""
    n_fewer = int((available < wanted).sum())
    if not n_fewer:
        return ""
    if n_fewer < len(available):
        who = f"{n_fewer:,} of {counted(len(available), 'leaf has', 'leaves have')}"
        return (
            f"{who} fewer than the {wanted:,} images per leaf in the plan. All of their images are used, but their "
            "scores rest on less evidence."
        )
    return (
        f"Every leaf has fewer than the {wanted:,} images per leaf in the plan: the smallest {int(available.min()):,}, "
        f"the median {int(available.median()):,}. All images are used."
    )


def _explore(desk: Desk, plan: Plan, surveyed: Surveyed, leaves: pd.DataFrame) -> None:
    """Map, samples and leaves of the chosen node; only this part is redrawn when another is chosen."""

    @fragment()
    def exploring() -> None:
        named = st.query_params.get(NODE)
        if named is not None and named not in surveyed.hierarchy:
            st.caption(f":material/info: The link names the node {inert(repr(shortened(named, 40)))}, which this "
                       "corpus does not have. The whole corpus is shown.")  # fmt: skip
            named = None
        with st.container(border=True, key="map"):
            st.markdown("**Images over the hierarchy**")
            node = tree_picker("Show a node", surveyed.hierarchy, key="corpus_node", value=named)
            state.write(**{NODE: node})
            _map(desk, surveyed, node)
        with st.container(border=True, key="samples_box"):
            _samples(desk, surveyed, node)
        with st.container(border=True, key="leaves_box"):
            _leaves(plan, surveyed, leaves, node)

    exploring()


def _map(desk: Desk, surveyed: Surveyed, node: str | None) -> None:
    root = root_of_map(surveyed, node)
    key = f"corpus_map_{'all' if root is None else surveyed.hierarchy.index(root)}"

    def clicked() -> None:
        state.write(**{NODE: clicked_node(surveyed.hierarchy, st.session_state[key])})

    if not below(surveyed, root):
        st.text("This node has no images at or below it.")
        return
    show_figure(_figure(desk, surveyed, root), key, "Treemap of the number of images below each node",
                f"{desk.case_id}-corpus", on_select=clicked, selection_mode="points")  # fmt: skip
    st.caption("The area is the number of images below a node. Click a field to show that node here and below; the "
               "path above leads back. A node with several parents is drawn once.")  # fmt: skip


def _samples(desk: Desk, surveyed: Surveyed, node: str | None) -> None:
    name = "the whole corpus" if node is None else shortened(surveyed.hierarchy.label(node), 60)
    samples = cached.corpus_samples(desk.case, desk.places.corpora_of(desk.case.folder), node)
    st.markdown(f"**Pictures from {inert(name)}**")
    good = [sample for sample in samples if sample.pixels is not None]
    if good:
        st.image(
            as_tiles([sample.pixels for sample in good if sample.pixels is not None], SAMPLE_PX),
            caption=[inert(shortened(sample.label, 28)) for sample in good],
            alt=[f"{shortened(sample.label, 40)}: {shortened(sample.name, 40)}" for sample in good],
            width=SHOWN_PX,
        )
    elif not samples:
        st.text("This node has no images at or below it.")
    if bad := [sample for sample in samples if sample.pixels is None]:
        reasons = ", ".join(sorted({sample.problem for sample in bad}))
        st.text(f"{counted(len(bad), 'sample')} cannot be shown: {shortened(reasons, 120)}.")


def _leaves(plan: Plan, surveyed: Surveyed, leaves: pd.DataFrame, node: str | None) -> None:
    wanted = plan.settings.images_per_leaf
    st.markdown("**Leaves**")
    with st.container(horizontal=True, vertical_alignment="bottom", key="leaves_filter"):
        words = st.text_input("Search", key="leaf_words", icon=":material/search:", width=300, max_chars=100,
                              placeholder="A name, a synonym or an id")  # fmt: skip
        which = st.segmented_control("Usable images", (ALL, FEWER, NONE), default=ALL, required=True, key="leaf_which")
    fewer_than = {ALL: None, FEWER: wanted or 1, NONE: 1}[which or ALL]
    family = None if node is None else frozenset(below(surveyed, node))
    found = filter_leaves(leaves, words, family, fewer_than)
    shown = found.head(MAX_ROWS)
    st.caption(
        f"{len(found):,} of {counted(len(leaves), 'leaf', 'leaves')}"
        + (f", the first {MAX_ROWS:,} are listed; use the search for the others" if len(found) > MAX_ROWS else "")
        + ("" if node is None else f", at or below {inert(shortened(surveyed.hierarchy.label(node), 40))}")
    )
    if found.empty:
        st.text("No leaf matches. Change the search, or choose a node further up.")
        return
    columns = ["label", "path", "files", "usable", "source", "node"]
    if surveyed.n_usable is None:
        columns.remove("usable")
    if set(leaves["source"]) == {NO_SOURCE}:
        columns.remove("source")
    show_table(shown[columns], "leaves", _leaf_columns(int(leaves["files"].max())))


def _leaf_columns(most: int) -> dict[str, Any]:
    column = st.column_config
    return {
        "label": column.TextColumn("Leaf", width=140),
        "path": column.TextColumn("Path", width=320, help="The shortest path to the hierarchy's root"),
        "files": column.ProgressColumn("Files", format="%d", min_value=0, max_value=max(most, 1), width="small"),
        "usable": column.NumberColumn("Usable", format="localized", width="small",
                                      help="Images that can be decoded and are not duplicates"),
        "source": column.TextColumn("Folder", width="small", help="The corpora that hold its first files"),
        "node": column.TextColumn("Id", width=90),
    }  # fmt: skip


def _figure(desk: Desk, surveyed: Surveyed, root: str | None) -> "go.Figure":
    revision = desk.case.revision(*cached.SURVEY)
    what = f"corpus map {revision} {root!r}"
    return cached.made(desk.case, what, lambda: draw_map(surveyed, root, revision=revision))


def draw_map(surveyed: Surveyed, node: str | None, *, revision: str) -> go.Figure:
    """The treemap of the images at or below a node; of all for None."""
    rows = tree_rows(surveyed, node)
    return corpus_treemap(
        rows.ids, labels=rows.labels, parents=rows.parents, values=rows.values, max_nodes=MAX_NODES, max_depth=6,
        n_images=sum(surveyed.n_files.values()), revision=f"{revision} {node}",
    )  # fmt: skip


def root_of_map(surveyed: Surveyed, node: str | None) -> str | None:
    """The root of the treemap for a chosen node: the node, or its parent if it is a leaf."""
    if node is None or surveyed.hierarchy.children(node):
        return node
    return next(iter(surveyed.hierarchy.path_to_root(node)[1:]), None)


def clicked_node(hierarchy: Hierarchy, selection: Any) -> str | None:
    """The node that a click on the treemap chose; None for the whole, or if it is not a node."""
    try:
        text = str(selection["selection"]["points"][0]["id"])
    except (KeyError, IndexError, TypeError):
        return None
    node = text.partition("\N{NULL}")[0]  # the rest names the folded part of the node
    return node if node in hierarchy else None
