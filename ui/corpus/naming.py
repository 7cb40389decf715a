"""Naming leaves whose folders say too little, and placing them in the hierarchy."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from fdcore.case import layout
from fdcore.case.intake import Surveyed
from fdcore.case.places import require_inside
from fdcore.case.plan import Plan
from fdcore.corpus.corpus import nodes_above
from fdcore.corpus.generated import is_generated
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.leaf_names import MAX_NAME, NamedLeaf, is_numbered
from fdcore.errors import SettingsError
from fdcore.work.leaf_names import name_leaves
from ui import cached
from ui.frame import Desk
from ui.sentences import attempt, fragment
from ui.text import counted, inert, listed, shortened
from ui.tree_picker import describe

N_FOUND = 4  # nodes offered for each name, and for each word of it where the whole name has none
_EDITOR = "leaf_names"


def draw(desk: Desk, plan: Plan, surveyed: Surveyed) -> None:
    """Say which leaves are only numbered, and offer to name and place the corpus's own leaves."""
    own = own_leaves(surveyed)
    if not own:
        return
    named = {one.leaf for one in plan.leaves}
    nameless = [leaf for leaf in own if is_numbered(leaf) and leaf not in named]
    if nameless:
        st.warning(nameless_in_words(nameless), icon=":material/tag:")
    with st.expander("Name and place leaves", key="naming_box", icon=":material/label:", expanded=bool(nameless)):
        _editor(desk, plan, surveyed, own)


def own_leaves(surveyed: Surveyed) -> list[str]:
    """The leaves that have no node in the hierarchy but their folder's name, numbers in order; no generated ones."""
    sources = {str(source.get("name", "")) for source in surveyed.sources}
    own = [
        leaf
        for leaf in surveyed.n_files
        if "/" in leaf and leaf.partition("/")[0] in sources and not is_generated(leaf)
    ]
    return sorted(own, key=_in_order)


def _in_order(leaf: str) -> tuple[str, int, str]:
    folder, _, name = leaf.partition("/")
    return folder, int(name) if name.isdecimal() else -1, name


def nameless_in_words(leaves: Sequence[str]) -> str:
    """What it means that these leaves are only numbered. Inert."""
    few = inert(listed([shortened(leaf, 40) for leaf in leaves], 3))
    return (
        f"**{counted(len(leaves), 'leaf has', 'leaves have')} only a number for a name** ({few}). Findings can say no "
        "more than these numbers, there are no words to compare with claims or known label sets, and in the hierarchy "
        "they are all in one place or unrelated. Look at their pictures and name them below."
    )


def _editor(desk: Desk, plan: Plan, surveyed: Surveyed, own: Sequence[str]) -> None:
    @fragment()
    def editing() -> None:
        st.caption(
            "Type what the pictures show. A name alone gives findings a word; choose the node that it means as well, "
            "and the leaf is placed below that node, related to its neighbours. Nothing in the folder is changed."
        )
        base = _base(desk, plan)
        table = editable(plan, surveyed, own, cached.leaf_strips(desk.case, desk.places.corpora, tuple(own)))
        key = f"{_EDITOR}_{desk.case_id}"
        typed = _typed(table, st.session_state.get(key))
        nodes = offered(base, typed, [one.parent for one in plan.leaves])
        column = st.column_config
        edited = st.data_editor(
            table, key=key, hide_index=True, num_rows="fixed", row_height=44, height=min(38 + 44 * len(table), 520),
            disabled=desk.busy, placeholder="", alt="The leaves with their names and places",
            column_config={
                "Pictures": column.ImageColumn("", width=130),
                "Folder": column.TextColumn(width=130, disabled=True),
                "Images": column.NumberColumn(width=60, format="localized", disabled=True),
                "Name": column.TextColumn(width=150, max_chars=MAX_NAME),
                "Node": column.SelectboxColumn("Placed below (optional)", width=320, options=nodes,
                                               format_func=lambda node: describe(base, str(node))),
            },
        )  # fmt: skip
        kept = [one for one in plan.leaves if one.leaf not in own]  # generated, or of folders that were taken out
        leaves = (*named_leaves(edited, base), *kept)
        changed = {*leaves} != {*plan.leaves}
        if st.button("Save names and places", key="save_names", type="primary" if changed else "secondary",
                     icon=":material/save:", disabled=desk.busy or not changed):  # fmt: skip
            _save(desk, plan, leaves)

    editing()


def _base(desk: Desk, plan: Plan) -> Hierarchy:
    """The hierarchy without the leaves' names; the plan may come from an imported case."""
    return cached.hierarchy(plan.hierarchy and require_inside(desk.places.corpora, Path(plan.hierarchy)))


def editable(plan: Plan, surveyed: Surveyed, own: Sequence[str], strips: Mapping[str, str]) -> pd.DataFrame:
    """A row for each leaf: pictures, folder, number of images, name, node. Texts are not inert."""
    known = {one.leaf: one for one in plan.leaves}
    return pd.DataFrame({
        "Pictures": [strips.get(leaf, "") for leaf in own],
        "Folder": list(own),
        "Images": [surveyed.n_files[leaf] for leaf in own],
        "Name": [known[leaf].name if leaf in known else "" for leaf in own],
        "Node": pd.Series([(known[leaf].parent or None) if leaf in known else None for leaf in own], dtype=object),
    })  # fmt: skip


def _typed(table: pd.DataFrame, state: Any) -> list[str]:
    """The names in the editor, those just typed included."""
    edits = (state or {}).get("edited_rows", {})
    names = dict(enumerate(table["Name"]))
    names |= {int(row): change["Name"] for row, change in edits.items() if "Name" in change}
    return [str(name) for name in names.values() if name]


def offered(hierarchy: Hierarchy, names: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """The nodes that names may mean, and those chosen before."""
    found: dict[str, None] = dict.fromkeys(node for node in chosen if node in hierarchy)
    for name in names:
        exact = hierarchy.search(name, N_FOUND)
        parts = re.findall(r"[^\W\d_]{3,}", name) if not exact else []
        found |= dict.fromkeys([*exact, *(node for word in parts for node in hierarchy.search(word, N_FOUND))])
    return list(found)


def named_leaves(edited: pd.DataFrame, hierarchy: Hierarchy) -> tuple[NamedLeaf, ...]:
    """The leaves with a name or a node; a node without a name gives its own."""
    leaves = []
    for leaf, name, node in zip(edited["Folder"], edited["Name"], edited["Node"], strict=True):
        name = " ".join("".join(c if c.isprintable() else " " for c in str(name or "")).split())[:MAX_NAME]
        node = node if isinstance(node, str) and node in hierarchy else ""
        if name or node:
            leaves.append(NamedLeaf(leaf, name or hierarchy.label(node), node))
    return tuple(leaves)


def _save(desk: Desk, plan: Plan, leaves: Sequence[NamedLeaf]) -> None:
    def save() -> None:
        if desk.case.plan().corpora != plan.corpora:
            raise SettingsError("The plan's folders were changed meanwhile. Look at them first.", key="plan changed")
        above = nodes_above(plan.corpora, _base(desk, plan))
        placed = [
            one if one.parent else NamedLeaf(one.leaf, one.name, above.get(one.leaf.partition("/")[0]) or "")
            for one in leaves
        ]
        name_leaves(desk.case.folder, placed, by=desk.by)

    if attempt(save, spinner="Naming the leaves"):
        scored = desk.case.has(layout.HIERARCHY)
        st.toast("Saved. " + ("Save the conclusions again on the Selection page." if scored else
                              "The plan and the table below use the names."), icon=":material/check:")  # fmt: skip
        st.rerun()
