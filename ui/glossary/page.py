"""The Glossary page: the terms of the method and the keys."""

import streamlit as st

from ui.glossary.drawing import draw as draw_shapes
from ui.glossary.terms import KEYS, fitting
from ui.text import inert

COLUMN_PX = 250


def draw() -> None:
    """The terms that fit the search, as cards, and the keys."""
    text = st.text_input("Search", key="glossary_search", icon=":material/search:", width=300, placeholder="A term")
    terms = fitting(text)
    if not terms:
        st.caption("No term fits.")
    with st.grid(3, min_column_width=COLUMN_PX, key="glossary"):
        for term in terms:
            with st.container(border=True, height="stretch", key=f"term_{term.name.replace(' ', '_')}", gap="small"):
                st.markdown(f"**{inert(term.name)}** · {inert(term.title)}")
                draw_shapes(term.shapes, term.alt, key=f"drawing_{term.name.replace(' ', '_')}")
                st.text(term.text)
    st.subheader("Keys", anchor=False)
    with st.container(horizontal=True, key="keys_explained"):
        for key, what in KEYS:
            st.markdown(f"`{key}` {what}", width="content")
    st.caption("On pages with a class, n and p change it. No key acts while you type in a field.")
