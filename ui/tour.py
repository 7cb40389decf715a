"""A tour of the demo case in five steps, each on its page; it can be ended on any of them."""

from collections.abc import Callable

import streamlit as st

from ui.sentences import fragment

_ENDED = "tour_ended"
_STOPS = (
    ("Overview", "The answer comes first: what the suspect knows, what that rests on, and in red what is "
                 "only guessed. Each row is a class: its pictures, what was found, L with its interval. Click one."),
    ("Leaf scores", "Each bar is a leaf of the corpus: the share of its views that the suspect puts in the class "
                    "at the left. Click a bar to see the leaf's pictures, and a picture to see its views."),
    ("Selection", "Leaves that lie close together are the answer. Drag eta and alpha and watch it change. “Without it” "
                  "shows what would be found if these leaves were not in the corpus."),
    ("Clone", "The proof: a network trained on the found pictures, with the suspect's answers as labels, should copy "
              "the suspect better than one trained on random pictures."),
    ("Report", "Everything on one page to print or send, every table as CSV, and the whole case as one file that "
               "another server can import."),
)  # fmt: skip


def stop_of(page: str) -> int | None:
    """The number of the page's stop, from 0; None where the tour does not stop or was ended."""
    pages = [name for name, _ in _STOPS]
    return pages.index(page) if page in pages and not st.session_state.get(_ENDED) else None


def draw(page: str, go_to: Callable[[str], None]) -> None:
    """The stop on this page, with the way to the next one; nothing elsewhere."""

    @fragment()
    def stop() -> None:
        number = stop_of(page)
        if number is None:
            return
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="tour"):
            st.markdown(f":material/explore: **{number + 1} of {len(_STOPS)}** · {_STOPS[number][1]}", width="stretch")
            if number + 1 < len(_STOPS) and st.button("Next stop", key="tour_next"):
                go_to(_STOPS[number + 1][0])
            st.button("End the tour", key="tour_end", type="tertiary", on_click=_end)

    stop()


def _end() -> None:
    st.session_state[_ENDED] = True
