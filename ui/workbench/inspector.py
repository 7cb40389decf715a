"""The inspector at the right of the workbench: what was clicked, and everything known about it.

It is a fragment of its own: a click draws it again and nothing else.
"""

import math
from typing import Any

import numpy as np
import streamlit as st

from fdcore.answers.ledger import NOT_ASKED
from fdcore.answers.views import Pictures
from fdcore.case.conclusions import pixels_of
from fdcore.case.notes import read_notes
from fdcore.corpus.generated import is_generated
from fdcore.method.findings import Scored
from fdcore.method.selection import Cluster
from fdcore.method.weaknesses import GENERATED
from fdcore.texts import as_text, is_text, visible
from fdcore.verdict.reasons import reason_for
from ui import cached
from ui.pictures import as_thumbnails, as_tile
from ui.sentences import fragment
from ui.text import counted, inert, listed, plain, shortened
from ui.workbench.bars import bar, bars, bars_of_leaves
from ui.workbench.bench import Bench
from ui.workbench.classes import go_to_class
from ui.workbench.clusters import cluster_name
from ui.workbench.components import picture_grid
from ui.workbench.deciding import lock_panel
from ui.workbench.notes import marks_of_images, notes_panel
from ui.workbench.picked import INSPECTOR, codes_of, pick, picked
from ui.workbench.pictures import LOST, TEXT_SIDE_PX, as_url, grid, images_of_leaf, share_of
from ui.workbench.views import draw_sent_views

LARGE_PX = 288
MAX_VIEWS, MAX_OTHERS, MAX_MEMBERS = 24, 6, 12
LEAST_SHARE = 0.01  # of a leaf's views, to be named among the classes that take it
EMPTY = "Click a bar, a picture or a cell to see here what is behind it."


@fragment(key=INSPECTOR)
def inspector(bench: Bench) -> None:
    """Draw what the URL names, or the class itself."""
    scored = bench.scored
    what = picked(bench.case, scored)
    if what.unknown:
        st.caption(f":material/info: The link names the {inert(what.unknown)}, which is not here.")
    is_class = what.image is None and what.leaf is None and what.cluster is None
    with st.container(key="inspector_class" if is_class else "inspector_picked"):  # bench.css keeps the latter in sight
        if what.image is not None:
            _image(bench, scored, what.image, what.view or 0)
        elif what.leaf is not None and what.other is not None:
            _pair(bench, scored, what.leaf, what.other)
        elif what.leaf is not None:
            _leaf(bench, scored, what.leaf)
        elif what.cluster is not None:
            _cluster(bench, scored, what.cluster)
        else:
            _class(bench, scored)
    lock_panel(bench.desk, bench.case, scored, bench.found)


def _back(*steps: tuple[str, dict[str, str]]) -> None:
    """Buttons that lead back to what the picked thing is part of."""
    with st.container(horizontal=True, gap="small", key="inspector_back"):
        for number, (label, target) in enumerate(steps):
            st.button(inert(shortened(label, 34)), key=f"back_{number}", type="tertiary", icon=":material/arrow_back:",
                      on_click=lambda target=target: pick(**target))  # fmt: skip


def _heading(scored: Scored, leaf: int) -> None:
    node = scored.scores.nodes[leaf]
    above = [scored.hierarchy.label(each) for each in reversed(scored.hierarchy.path_to_root(node)[1:])]
    st.markdown(f"**{inert(shortened(scored.label(leaf), 80))}**")
    if is_generated(node):
        reason = reason_for(GENERATED)
        st.badge(reason.short, color="orange", icon=":material/brush:", help=reason.why)
    st.caption(inert(" > ".join(shortened(name, 30) for name in above[-4:])) or "At the top of its hierarchy.",
               help=inert(f"{' > '.join([*above, scored.label(leaf)])} ({node})"))  # fmt: skip


# A class


def _class(bench: Bench, scored: Scored) -> None:
    number, found = bench.target_class, bench.found
    name = found.name.label if found.name else "not found"
    st.markdown(f"**Class {number}: {inert(shortened(name, 80))}**")
    st.caption(EMPTY)
    n_answers = int((scored.answers == number).sum())
    n_images = int((scored.answers == number).any(axis=1).sum())
    st.caption(f"{counted(n_answers, 'view')} of {counted(n_images, 'image')} were put in this class.")
    notes_panel(bench, "class", str(number), f"{number}: {name}")


# A picture


def _image(bench: Bench, scored: Scored, image: int, view: int) -> None:
    leaf, one = int(scored.images.node_index[image]), share_of(scored, image, bench.target_class)
    _back((f"Class {bench.target_class}", {}), (scored.label(leaf), {"leaf": scored.scores.nodes[leaf]}))
    pixels = pixels_of(bench.case, bench.desk.places.cache)
    if pixels is None:
        st.caption(f":material/hide_image: {LOST}")
    else:
        large = draw_sent_views(scored, pixels, image, range(view, view + 1))[0] if view else pixels[image]
        alt = f"{f'View {view}' if view else 'An image'} of {shortened(scored.label(leaf), 60)}"
        if is_text(large):
            with st.container(border=True, key="inspector_text"):
                st.text(visible(as_text(large)))
        else:
            st.image(as_tile(large, LARGE_PX), width=LARGE_PX, alt=alt)
    _heading(scored, leaf)
    st.markdown(f"{one.n_hits} of {counted(one.n_views, 'view')} answered **{bench.target_class}**" if one.n_views
                else "Not queried yet")  # fmt: skip
    room = st.container(key="inspector_views")
    notes_panel(bench, "picture", scored.images.sha256[image], scored.images.names[image])
    st.caption(inert(shortened(scored.images.names[image], 80)), help=f"SHA-256 {scored.images.sha256[image]}")
    with room:
        _views(bench, scored, image, view, pixels)


def _views(bench: Bench, scored: Scored, image: int, large: int, pixels: Pictures | None) -> None:
    """The views as they were sent, each with its answer; drawn last, as the first one imports torch."""
    case, cache, target = bench.case, bench.desk.places.cache, bench.target_class
    smooth = "smooth" if case.facts().kind == "text" else ""
    shown = range(min(scored.header.n_views, MAX_VIEWS))
    answers = scored.answers[image, : len(shown)].tolist()
    if pixels is None:
        st.caption(f"Answers: {', '.join(map(_answer, answers))}")
        return
    with st.spinner("Drawing views"):
        files = cached.made(
            case, f"views {cache} {image} {shown}",
            lambda: as_thumbnails(draw_sent_views(scored, pixels, image, shown), shown),
        )  # fmt: skip

    def item(view: int, file: bytes, answer: int) -> dict[str, Any]:
        given = bench.class_name(answer) if answer >= 0 else "not queried yet"
        words = f"{f'View {view}' if view else 'The image itself'}: {plain(given)}"
        caption = f"{answer} \N{CHECK MARK}" if answer == target else _answer(answer)
        return {"id": str(view), "src": as_url(file, "jpeg"), "caption": caption, "words": words, "mark": "",
                "kind": f"{'' if answer == target else 'no'} {smooth}".strip()}  # fmt: skip

    def enlarge(view: Any) -> None:
        if view in map(str, shown):
            pick(image=codes_of(case, scored)[image], view=view)

    items = [item(*each) for each in zip(shown, files, answers, strict=True)]
    data = {"items": items, "picked": str(large), "side": TEXT_SIDE_PX if smooth else 54, "least_percent": 0,
            "page": 0, "per_page": MAX_VIEWS, "total": len(items),
            "alt": "The views that were sent, with the suspect's answers"}  # fmt: skip
    picture_grid(data, key="inspector_view_grid", chosen=enlarge)
    if scored.header.n_views > MAX_VIEWS:
        st.caption(f"The first {MAX_VIEWS} of {scored.header.n_views:,} views.")


def _answer(label: int) -> str:
    return str(label) if label != NOT_ASKED else "none"


# A leaf, two leaves


def _leaf(bench: Bench, scored: Scored, leaf: int) -> None:
    _back((f"Class {bench.target_class}", {}))
    _heading(scored, leaf)
    _score(bench, scored, leaf)
    marks = marks_of_images(read_notes(bench.case), scored)
    grid(bench, images_of_leaf(scored, bench.target_class, leaf), "inspector_leaf_grid", side_px=52, per_page=20,
         caption=lambda one: f"{one.n_hits} of {one.n_views}" if one.n_views else "", marks=marks)  # fmt: skip
    _other_classes(bench, scored, leaf)
    node = scored.scores.nodes[leaf]
    notes_panel(bench, "leaf", node, f"{scored.label(leaf)} ({node})")


def _score(bench: Bench, scored: Scored, leaf: int) -> None:
    scores, number = scored.scores, bench.target_class
    low, high = scores.interval_of(number, (leaf,))
    st.markdown(f"L **{scores.functional[number, leaf]:.2f}** ({low:.2f} to {high:.2f}) in class {number}")
    n_images, n_answers = int(scores.n_images[leaf]), int(scores.n_queries[leaf])
    st.caption(f"Over all of its {counted(n_images, 'image')}: {counted(n_answers, 'answer')}.")


def _other_classes(bench: Bench, scored: Scored, leaf: int) -> None:
    shares = scored.scores.functional[:, leaf]
    others = [int(n) for n in np.argsort(-shares, kind="stable")[: MAX_OTHERS + 1] if n != bench.target_class]
    others = [number for number in others if shares[number] >= LEAST_SHARE][:MAX_OTHERS]
    if not others:
        st.caption("No other class takes it.")
        return
    st.caption("Other classes that take it")
    rows = [
        bar(str(number), plain(bench.class_name(number)), (shares[number],), end=f"{shares[number]:.2f}",
            words=(bench.class_name(number), f"{shares[number]:.1%} of this leaf's views"))
        for number in others
    ]  # fmt: skip

    def go(number: str) -> None:
        go_to_class(int(number))
        st.rerun()

    bars(rows, key="inspector_other_classes", alt="Other classes that take this leaf", on_click=go)


def _pair(bench: Bench, scored: Scored, first: int, second: int) -> None:
    _back((f"Class {bench.target_class}", {}))
    steps = float(scored.distances(np.array([first, second], dtype=np.intp))[0, 1])
    nodes = [scored.scores.nodes[leaf] for leaf in (first, second)]
    ancestor = scored.hierarchy.lowest_common_ancestor(nodes)
    common = f", both below **{inert(shortened(scored.hierarchy.label(ancestor), 60))}**" if ancestor else ""
    st.markdown(f"{counted(int(steps), 'step')} apart{common}" if math.isfinite(steps) else "Unrelated")
    for place, leaf in enumerate((first, second)):
        with st.container(key=f"inspector_pair_{place}"):
            _heading(scored, leaf)
            _score(bench, scored, leaf)
            grid(bench, images_of_leaf(scored, bench.target_class, leaf), f"inspector_pair_grid_{place}", side_px=52,
                 per_page=8)  # fmt: skip


# A cluster


def _cluster(bench: Bench, scored: Scored, medoid: int) -> None:
    _back((f"Class {bench.target_class}", {}))
    selection = bench.found.selection
    cluster = next((one for one in selection.clusters if one.medoid == medoid), None)
    if cluster is None:
        st.caption(f"With these settings no cluster is centred on {inert(shortened(scored.label(medoid), 60))}.")
        return
    role = "The answer" if cluster is selection.winner else "A cluster beside the answer"
    st.markdown(f"**{inert(shortened(cluster_name(scored, cluster.members), 80))}**")
    st.caption(f"{role}: {counted(len(cluster.members), 'leaf', 'leaves')} around {inert(scored.label(medoid))}.")
    st.caption(_numbers(cluster))
    by_score = sorted(cluster.members, key=lambda leaf: -scored.scores.functional[bench.target_class, leaf])
    bars_of_leaves(bench, by_score[:MAX_MEMBERS], key="inspector_members", chosen=cluster.members)
    if len(by_score) > MAX_MEMBERS:
        st.caption(f"And {inert(listed(scored.labels(by_score[MAX_MEMBERS:]), 30))}")


def _numbers(cluster: Cluster) -> str:
    return (
        f"L {cluster.functional:.2f} ({cluster.low:.2f} to {cluster.high:.2f}), apparent L {cluster.apparent:.2f}, "
        f"S {cluster.semantic:.2f}, objective {cluster.objective:.3f}"
    )
