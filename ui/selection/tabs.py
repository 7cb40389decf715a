"""What the answer of a class rests on, a tab each: leaves, pictures, clusters, stability, what is left without it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from fdcore.case.notes import read_notes
from fdcore.method.filtering import FilteredClass, filter_leaves
from fdcore.method.findings import ClassFinding, Scored
from fdcore.method.removal import Rest, look_again
from fdcore.verdict.weak_points import TwoGroups
from ui import cached
from ui.selection.figures import map_to_follow
from ui.selection.live_map import live_map
from ui.selection.tables import map_in_words
from ui.text import counted, inert, listed, shortened
from ui.workbench.bars import bar, bars, bars_of_leaves
from ui.workbench.bench import Bench
from ui.workbench.clusters import cluster_name
from ui.workbench.notes import marks_of_images
from ui.workbench.picked import CLUSTER, pick
from ui.workbench.pictures import grid

N_LEAVES, MAX_LEAVES, MAX_OF_GROUP, N_BESIDE, MAX_CLUSTERS = 14, 30, 10, 21, 20
HELD_OUT = " The L above differs: it comes from the half of the images that did not choose these leaves."


def leaves(bench: Bench) -> None:
    """The best leaves of the class as bars, the chosen ones in colour, with a few pictures beside them."""
    scored, found = bench.scored, bench.found
    chosen = found.selection.winner.members if found.selection.winner else ()
    shown = leaves_shown(scored, bench.target_class, chosen)
    if not shown:
        st.text("The suspect puts no picture of the corpus in this class.")
        return
    left, right = st.columns([5, 3], gap="small")
    with left:
        kept = Counter(scored.images.node_index[found.filtered.kept].tolist())

        def more(leaf: int) -> list[str]:
            return [f"{kept[leaf]:,} of its images are kept"] if leaf in chosen else []

        bars_of_leaves(bench, shown, key="leaf_bars", chosen=chosen, more=more)
        coloured = " Leaves of the answer are in colour." if chosen else ""
        st.caption(
            f"Share of views in class {bench.target_class}, over all images; whiskers 95 %; line: tau.{coloured}"
            f"{HELD_OUT if chosen and is_held_out(bench) else ''}"
        )
    with right:
        filtered, what = _pictures_of(scored, found)
        grid(
            bench,
            filtered.kept,
            "pictures_beside",
            side_px=46,
            per_page=N_BESIDE,
            marks=_marks(bench),
            least_percent=18,
        )
        st.caption(what)


def is_held_out(bench: Bench) -> bool:
    """Whether the L of an answer comes from other images than those that chose it."""
    return bench.settings.held_out and bench.scored.scores.halves is not None


def leaves_shown(scored: Scored, target_class: int, chosen: tuple[int, ...]) -> list[int]:
    """The class's best leaves and those of its answer, by score; without leaves that have no hit."""
    shares = scored.scores.functional[target_class]
    order = np.argsort(-shares, kind="stable").tolist()
    best = [leaf for leaf in order[:N_LEAVES] if shares[leaf] > 0]
    more = [leaf for leaf in order[N_LEAVES:] if leaf in set(chosen)]
    return [*best, *more][:MAX_LEAVES]


def pictures(bench: Bench) -> None:
    """The kept pictures, the most consistent first; the dropped ones on demand."""
    scored, found = bench.scored, bench.found
    filtered, what = _pictures_of(scored, found)
    n_kept, n_dropped = len(filtered.kept), len(filtered.dropped)
    marks = _marks(bench)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(f"{what} {n_kept:,} of {counted(n_kept + n_dropped, 'image')}.", width="content")
        dropped = n_dropped and st.toggle(f"Dropped ({n_dropped:,})", key="show_dropped")
    if not dropped:
        grid(bench, filtered.kept, "pictures_kept", marks=marks, caption=lambda one: f"{one.n_hits}/{one.n_views}")
        return
    answers = Counter(filtered.dropped_label.tolist()).most_common()
    st.text(f"Answered instead: {listed([f'{_answer(label)} ({n:,})' for label, n in answers], 6)}")
    instead = dict(zip(filtered.dropped.tolist(), filtered.dropped_label.tolist(), strict=True))
    grid(bench, filtered.dropped, "pictures_dropped", marks=marks, caption=lambda one: _answer(instead[one.image]))


def _pictures_of(scored: Scored, found: ClassFinding) -> tuple[FilteredClass, str]:
    """The pictures of the answer; where nothing was found, the nearest ones, so that it is seen what is left out."""
    if not found.miss:
        return found.filtered, "Kept, the most consistent first."
    target = found.selection.target_class
    nearest = filter_leaves(target, found.miss.members, scored.answers, scored.images.node_index)
    return nearest, "Not an answer: the nearest pictures that are put in this class."


def _marks(bench: Bench) -> dict[int, str]:
    return marks_of_images(read_notes(bench.case), bench.scored)


def _answer(label: int) -> str:
    return f"class {label}" if label >= 0 else "not queried"


def clusters(bench: Bench) -> None:
    """The clusters by their objective."""
    scored, selection = bench.scored, bench.found.selection
    if not selection.clusters:
        st.text("No leaf is a candidate, so there is nothing to group.")
        return
    alpha = bench.settings.alpha

    def row(cluster: Any) -> dict[str, Any]:
        name = cluster_name(scored, cluster.members)
        words = [
            name,
            f"{counted(len(cluster.members), 'leaf', 'leaves')}: {listed(scored.labels(cluster.members), 12)}",
            f"L {cluster.functional:.2f}, apparent L {cluster.apparent:.3f}, S {cluster.semantic:.3f}",
            f"objective {cluster.objective:.3f}",
        ]
        return bar(scored.scores.nodes[cluster.medoid], f"{name} ({len(cluster.members)})",
                   (alpha * cluster.apparent, (1 - alpha) * cluster.semantic), end=f"{cluster.objective:.2f}",
                   words=words, strong=cluster is selection.winner)  # fmt: skip

    shown = selection.clusters[:MAX_CLUSTERS]
    best = max(selection.clusters, key=lambda cluster: cluster.objective)
    bars([row(cluster) for cluster in shown], key="cluster_bars", picked=st.query_params.get(CLUSTER, ""),
         on_click=lambda node: pick(cluster=node),
         alt=f"Objective of {counted(len(shown), 'cluster')}; the highest is {best.objective:.3f}")  # fmt: skip
    hidden = len(selection.clusters) - len(shown)
    more = f" {hidden:,} weaker clusters are not drawn; the CSV under Export has all." if hidden else ""
    st.caption(
        f"Objective at alpha {alpha:.2f}: blue is alpha x apparent L, gold is (1 - alpha) x S. The answer is bold: the "
        f"highest objective of those that score enough beside the class's best leaf.{more}"
    )


def stability(bench: Bench) -> None:
    """The winning cluster at each eta and alpha, with the current point."""
    case, scored, found, settings = bench.case, bench.scored, bench.found, bench.settings
    known = cached.stability(case, settings, bench.target_class)
    if known.winners:
        live_map(map_to_follow(case, scored, known, settings), key="stability_map")
    locked = "The answer is locked by hand; the map shows what the method alone finds. "
    st.caption((locked if found.selection.choice else "") + map_in_words(scored, found, known, settings))


def without(bench: Bench) -> None:
    """What the class is found to be once its answer is taken out of the corpus."""
    rest = look_again(bench.scored, bench.found.selection, bench.settings)
    if rest is None:
        st.text("Nothing was found that could be taken away.")
        return
    st.markdown(rest_in_words(rest))
    if rest.winner:
        bars_of_leaves(bench, rest.winner.members[:MAX_LEAVES], key="rest_bars")
    _second_group(bench)


def _second_group(bench: Bench) -> None:
    """Both groups of leaves of a class that answers in a second domain as well."""
    first, name = bench.found.selection.winner, bench.found.name
    second = cached.groups_left(bench.case, bench.settings).get(bench.target_class)
    if not (first and name and second and second.winner and second.name):
        return
    groups = TwoGroups(bench.target_class, name.label, first.functional, second.name.label, second.winner.functional)
    st.markdown(f":orange[:material/warning:] The suspect may have been hardened. {groups.in_words(inert)}")
    members = (*first.members[:MAX_OF_GROUP], *second.winner.members[:MAX_OF_GROUP])
    bars_of_leaves(bench, members, key="groups_bars", chosen=first.members)


def rest_in_words(rest: Rest) -> str:
    """What remains, as Markdown."""
    if rest.winner is None or rest.name is None:
        return f":green[:material/check:] {rest.in_words}"
    label = inert(shortened(rest.name.label, 60))
    return f":orange[:material/warning:] {rest.in_words.rstrip('.')}: **{label}**."


TABS: dict[str, Callable[[Bench], None]] = {
    "Leaves": leaves, "Pictures": pictures, "Clusters": clusters, "Stability": stability, "Without it": without,
}  # fmt: skip
