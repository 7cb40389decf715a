"""Does it hold? How the answers survive their own removal, and how untrained networks compare."""

import streamlit as st

from fdcore.verdict import Verdict
from fdcore.verdict.reach import NOT_COMPARED


def draw_holds(verdict: Verdict) -> None:
    """Two facts, in small; the whole sentences are under "Method"."""
    with st.container(border=True, key="holds", gap="small"):
        st.markdown("**Does it hold?**")
        if rests := verdict.rests:
            n_alone = sum(rest.winner is None for rest in rests.values())
            st.caption("Classes whose answer was taken out of the corpus")
            st.markdown(f"**{n_alone:,}** find nothing, **{len(rests) - n_alone:,}** something else",
                        help=verdict.removal_in_words)  # fmt: skip
        if chance := verdict.chance:
            st.caption("Consistency beyond simple features")
            st.markdown(f"**{chance.consistency:.3f}**; untrained networks reach **{max(chance.highest, 0):.3f}**",
                        help=chance.in_words())  # fmt: skip
        else:
            st.caption(NOT_COMPARED)
