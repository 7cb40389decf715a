"""Choosing one node of a hierarchy of any size: search by words, go up along the path to the root, down by a list.

Only what is shown goes to the browser. Labels are hostile: plain in options and texts, inert on buttons.
"""

import streamlit as st

from fdcore.corpus.hierarchy import Hierarchy
from ui.text import counted, inert, shortened

MAX_FOUND = 50
MAX_CHILDREN = 500
_N_ABOVE = 3  # ancestors that distinguish nodes of the same name
_LABEL = 40


def tree_picker(label: str, hierarchy: Hierarchy, *, key: str, value: str | None = None) -> str | None:
    """Draw the choice of a node and return its id; None if none is chosen.

    The choice stays as long as `value` does; another value, such as one from the URL, replaces it.

    Args:
        key: prefix of the widgets' keys; unique on the page.
        value: the initial node; one that is not in the hierarchy counts as none.
    """
    if st.session_state.get(f"{key}_given", ...) != value:
        st.session_state[f"{key}_given"] = st.session_state[f"{key}_node"] = value
    chosen: str | None = st.session_state[f"{key}_node"]
    if chosen is not None and chosen not in hierarchy:
        chosen = st.session_state[f"{key}_node"] = None
    with st.container(key=f"{key}_picker", gap="small"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            _find(label, hierarchy, key)
            if chosen is not None:
                _go_down(hierarchy, key, chosen)
                st.button("Clear", key=f"{key}_clear", icon=":material/close:", type="tertiary",
                          on_click=_choose, args=(key, None))  # fmt: skip
        if chosen is not None:
            _way_up(hierarchy, key, chosen)
    return chosen


def describe(hierarchy: Hierarchy, node: str) -> str:
    """A node in one line, such as "crane — wading bird < bird (n02012849)". Not inert."""
    above = [shortened(hierarchy.label(one), _LABEL) for one in hierarchy.path_to_root(node)[1 : 1 + _N_ABOVE]]
    way = f" — {' < '.join(above)}" if above else ""
    return f"{shortened(hierarchy.label(node), _LABEL)}{way} ({shortened(node, 24)})"


def _choose(key: str, node: str | None) -> None:
    """Choose a node and clear the search, before anything is drawn."""
    st.session_state[f"{key}_node"] = node
    st.session_state[f"{key}_words"] = ""


def _find(label: str, hierarchy: Hierarchy, key: str) -> None:
    words = st.text_input(
        label, key=f"{key}_words", icon=":material/search:", placeholder="Type a name or an id", width=300,
        max_chars=100, help="Type words of a name, or an id, and press Enter. Then choose one of the results.",
    )  # fmt: skip
    if not words.strip():
        return
    found = hierarchy.search(words, MAX_FOUND)
    if not found:
        st.text("No node has that name or id.")
        return
    many = f"the best {len(found)}" if len(found) == MAX_FOUND else counted(len(found), "node")
    _list(f"Found {many}", hierarchy, f"{key}_found", found, key)


def _go_down(hierarchy: Hierarchy, key: str, chosen: str) -> None:
    children = hierarchy.children(chosen)
    if not children:
        return
    ordered = sorted(children, key=lambda node: (hierarchy.label(node).casefold(), node))[:MAX_CHILDREN]
    listed = f"{counted(len(children), 'kind')} below"
    if len(children) > MAX_CHILDREN:
        listed += f", the first {MAX_CHILDREN}"
    _list(listed, hierarchy, f"{key}_below", ordered, key)


def _list(label: str, hierarchy: Hierarchy, own_key: str, nodes: tuple[str, ...] | list[str], key: str) -> None:
    """A searchable list of nodes that is empty again after a choice."""
    st.session_state[own_key] = None

    def take() -> None:
        _choose(key, st.session_state[own_key])

    below = own_key.endswith("_below")
    st.selectbox(
        label, nodes, index=None, key=own_key, on_change=take, width=300, filter_mode="contains",
        placeholder="Go down to" if below else "Choose one",
        format_func=(lambda node: f"{shortened(hierarchy.label(node), _LABEL)} ({shortened(node, 24)})") if below
        else (lambda node: describe(hierarchy, node)),
    )  # fmt: skip


def _way_up(hierarchy: Hierarchy, key: str, chosen: str) -> None:
    """The path from the root to the chosen node; each ancestor is a button."""
    path = hierarchy.path_to_root(chosen)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"{key}_way"):
        for place, node in enumerate(reversed(path[1:])):
            st.button(inert(shortened(hierarchy.label(node), 24)), key=f"{key}_up_{place}", type="tertiary",
                      on_click=_choose, args=(key, node))  # fmt: skip
            st.text("/")
        st.text(f"{shortened(hierarchy.label(chosen), 60)} ({shortened(chosen, 24)})")
