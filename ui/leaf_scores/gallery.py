"""The images of one leaf, ordered by how consistently the suspect puts them in the class, and the views of one."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fdcore.answers.views import Pictures
from fdcore.case.case import Case
from fdcore.case.conclusions import pixels_of
from fdcore.method.findings import Scored
from ui import cached, state
from ui import querying as scoring_start
from ui.class_picker import class_name
from ui.frame import Desk
from ui.leaf_scores.tables import ImageShare, images_of_leaf
from ui.leaf_scores.views import draw_sent_views
from ui.panels import page_of, share_column, show_table
from ui.pictures import as_tiles
from ui.text import counted, inert, shortened

LEAF = "leaf"  # URL parameter: a node's id
PER_PAGE = 24
VIEWS_PER_PAGE = 24
_LONGEST = 60  # characters of a label
MAX_LISTED = 500  # leaves to choose from, best first
_LOST = "This case's decoded pictures are not in this machine's cache, so only their numbers can be shown."
_BACK = "Reads the corpus's folders again and continues the case's plan. Existing answers are not requested again."


def leaf_gallery(desk: Desk, scored: Scored, target_class: int, ranked: Sequence[int], names: Sequence[str]) -> None:
    """Draw the choice of a leaf and its images; `ranked` holds all leaves, the best first."""
    case, pixels = desk.case, pixels_of(desk.case, desk.places.cache)
    st.markdown("**Images of a leaf**")
    leaf = _pick_leaf(scored, target_class, ranked)
    shares = images_of_leaf(scored, target_class, leaf)
    steady = sum(one.n_hits == one.n_views > 0 for one in shares)
    st.caption(
        f"{counted(len(shares), 'image')}, those most consistently put in class {target_class} first; {steady:,} in "
        "every view. Below each image: its views in the class, and the most frequent other answer."
    )
    if pixels is None:
        _offer_reading(desk)
        _numbers(scored, shares, names)
        return
    _pictures(scored, pixels, shares, target_class, names, leaf)
    _views(case, desk, scored, shares, names, leaf)


def _pick_leaf(scored: Scored, target_class: int, ranked: Sequence[int]) -> int:
    """The leaf that the URL names, or the class's best."""
    nodes = scored.scores.nodes
    wanted = st.query_params.get(LEAF)
    listed = [int(leaf) for leaf in ranked[:MAX_LISTED]]
    named = next((leaf for leaf, node in enumerate(nodes) if node == wanted), None) if wanted else None
    if named is not None and named not in listed:
        listed.append(named)
    if wanted and named is None:
        st.caption(f":material/info: The link names the leaf {inert(repr(shortened(wanted, 40)))}, which has no "
                   "images here. The best one is shown instead.")  # fmt: skip
    st.session_state["leaf_picker"] = listed[0] if named is None else named
    shares, labels = scored.scores.functional[target_class], Counter(scored.labels(listed))

    def name(leaf: int) -> str:  # distinct: the browser sends back what it shows
        label = scored.label(leaf)
        which = f" ({shortened(nodes[leaf], 40)})" if labels[label] > 1 or len(label) > _LONGEST else ""
        return f"{shortened(label, _LONGEST)}{which} · {shares[leaf]:.1%}"

    chosen: int = st.selectbox(
        "Leaf", listed, key="leaf_picker", width=420, filter_mode="contains",
        on_change=lambda: state.write(**{LEAF: nodes[st.session_state["leaf_picker"]]}),
        format_func=name,
        help="Ordered by score in the class." if len(ranked) <= MAX_LISTED else
        f"The best {MAX_LISTED} of {len(ranked):,} leaves, ordered by score in the class.",
    )  # fmt: skip
    return chosen


def _pictures(
    scored: Scored, pixels: Pictures, shares: Sequence[ImageShare], target_class: int, names: Sequence[str], leaf: int
) -> None:
    place = st.container()
    shown = [shares[number] for number in page_of(len(shares), PER_PAGE, f"gallery_page_{target_class}_{leaf}")]
    label = scored.label(leaf)
    with place:
        st.image(
            as_tiles([pixels[one.image] for one in shown]),
            caption=[inert(_in_words(one, names)) for one in shown],
            alt=[f"An image of {shortened(label, 40)}: {_in_words(one, names)}" for one in shown],
            width=136,
        )


def _in_words(one: ImageShare, names: Sequence[str]) -> str:
    if not one.n_views:
        return "not queried yet"
    instead = f", else {shortened(names[one.other], 24)}" if one.other is not None else ""
    return f"{one.n_hits} of {one.n_views}{instead}"


def _offer_reading(desk: Desk) -> None:
    st.info(_LOST, icon=":material/hide_image:")
    if reason := scoring_start.why_not_query(desk.case):
        st.caption(f"They cannot be read again here. {inert(reason)}")
    elif st.button("Read the pictures again", icon=":material/refresh:", key="bring_back", help=_BACK):
        scoring_start.start_and_redraw(desk)


def _numbers(scored: Scored, shares: Sequence[ImageShare], names: Sequence[str]) -> None:
    rows = pd.DataFrame({
        "Image": [scored.images.names[one.image] for one in shares],
        "Share of views": [one.n_hits / one.n_views if one.n_views else None for one in shares],
        "Views": [one.n_views for one in shares],
        "Other answer": [names[one.other] if one.other is not None else "" for one in shares],
    })  # fmt: skip
    show_table(rows, "leaf_images", {"Share of views": share_column(format="percent", width="medium")}, most_px=400)


def _views(
    case: Case, desk: Desk, scored: Scored, shares: Sequence[ImageShare], names: Sequence[str], leaf: int
) -> None:
    """All views of one image with their answers, drawn when an image is chosen."""

    def name(place: int) -> str:
        one = shares[place]
        return f"{place + 1}: {_in_words(one, names)} · {shortened(scored.images.names[one.image], 60)}"

    place = st.selectbox(
        "Views of an image", range(len(shares)), index=None, key=f"views_of_{leaf}", format_func=name, width=420,
        placeholder="Choose an image to see what the suspect was shown",
        help="Images are numbered in the order above. Views are drawn again exactly as they were sent.",
    )  # fmt: skip
    if place is None:
        return
    above, image = st.container(), shares[place].image
    shown = page_of(scored.header.n_views, VIEWS_PER_PAGE, f"views_page_{leaf}_{place}")
    with above, st.spinner("Drawing views"):
        files = cached.made(
            case,
            f"views {desk.places.cache} {image} {shown}",
            lambda: draw_sent_views(cached.scored(case), pixels_of(case, desk.places.cache), image, shown),
        )
    answers = scored.answers[image, shown.start : shown.stop].tolist()
    titles = [f"View {number}" if number else "The image" for number in shown]
    given = [shortened(names[answer], 28) if answer >= 0 else "not queried yet" for answer in answers]
    with above:
        st.image(
            files,
            caption=[inert(f"{title}: {answer}") for title, answer in zip(titles, given, strict=True)],
            alt=[f"{title}, answered as {answer}" for title, answer in zip(titles, given, strict=True)],
            width=136,
        )


def class_names(found: Sequence[str | None]) -> list[str]:
    """Each class's name in captions."""
    return [class_name(number, one, 40) if one else f"Class {number}" for number, one in enumerate(found)]
