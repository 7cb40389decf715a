"""Deciding a class by hand: its answer is locked with a reason, or unlocked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

import numpy as np
import streamlit as st

from fdcore.case.case import Case
from fdcore.case.conclusions import lock_class, unlock_class
from fdcore.method.findings import ClassFinding, Scored
from fdcore.method.selection import MAX_CALLED, MAX_CHOSEN, Choice, Cluster
from ui.frame import Desk
from ui.sentences import attempt
from ui.text import distinct_texts, shortened
from ui.workbench.clusters import cluster_choice, cluster_name

MAX_OPTIONS = 5_000  # leaves offered to choose from, the best score first
_DECIDED = "decided_by_hand"  # in the session, until the page is drawn again
OTHER, NOTHING = "Other leaves", "Not found"
_IN_WORDS = {OTHER: "Other leaves, chosen one by one", NOTHING: "Not found: none of these"}


def lock_panel(desk: Desk, case: Case, scored: Scored, found: ClassFinding) -> None:
    """Draw a popover that locks this class's answer by hand, with a reason, or unlocks it."""
    target_class, choice = found.selection.target_class, found.selection.choice
    if st.session_state.pop(_DECIDED, False):
        st.rerun()  # the whole page shows the decision, not only this fragment
    with st.popover(f"Decide class {target_class} by hand", icon=":material/lock:", key="lock", width="stretch"):
        if choice:
            st.text(_locked_when(choice))
            unlock = partial(unlock_class, case.folder, target_class, by=desk.by)
            st.button("Unlock", icon=":material/lock_open:", key="unlock", help="Return to the method's answer.",
                      on_click=_carry_out, args=(unlock,))  # fmt: skip
            return
        nodes = _chosen_nodes(desk.case_id, scored, found)
        called_key, note_key = (f"lock_{what}_{desk.case_id}_{target_class}" for what in ("called", "note"))
        if nodes:
            _ask_name(called_key, scored, nodes)
        note = st.text_area("Reason", key=note_key, max_chars=2_000, height=68,
                            placeholder="In your own words; kept with the case and in the report.")  # fmt: skip
        ready = nodes is not None and bool(note.strip())

        def lock() -> None:
            time = datetime.now(UTC).isoformat(timespec="seconds")
            written = st.session_state[note_key].strip()  # as it is now: the click may bring the last words with it
            called = " ".join(st.session_state.get(called_key, "").split()) if nodes else ""
            lock_class(case.folder, Choice(target_class, nodes or (), written, desk.by, time, called))

        st.button("Lock this answer", icon=":material/lock:", key="lock_class", disabled=not ready,
                  help=None if ready else "Choose an answer and give a reason.", on_click=_carry_out,
                  args=(lock,))  # fmt: skip


def _chosen_nodes(case_id: str, scored: Scored, found: ClassFinding) -> tuple[str, ...] | None:
    """The chosen leaves: of a cluster, any, or none for "not found"; None before a choice."""
    picked = _picked_answer(case_id, scored, found)
    if isinstance(picked, tuple):
        return picked
    return () if picked == NOTHING else _picked_leaves(case_id, scored, found.selection.target_class)


def _ask_name(key: str, scored: Scored, nodes: tuple[str, ...]) -> None:
    """What the analyst calls the answer; empty for what its leaves are called."""
    place = {node: leaf for leaf, node in enumerate(scored.scores.nodes)}
    usual = shortened(cluster_name(scored, [place[node] for node in nodes]), 60)
    st.text_input("Called (optional)", key=key, max_chars=MAX_CALLED, placeholder=usual,
                  help="In place of the leaves' name.")  # fmt: skip


def _picked_answer(case_id: str, scored: Scored, found: ClassFinding) -> str | tuple[str, ...]:
    """A cluster's node ids, `OTHER` or `NOTHING`.

    A choice is kept by its leaves even if the settings give other clusters. The default is what is shown: the answer,
    or "not found".
    """
    clusters = found.selection.clusters
    texts: dict[str | tuple[str, ...], str] = {
        _nodes(scored, cluster): cluster_choice(scored, cluster) for cluster in clusters
    }
    answer = {_nodes(scored, clusters[0]): texts[_nodes(scored, clusters[0])]} if found.selection.winner else {}
    key, by_hand = (f"lock_{what}_{case_id}_{found.selection.target_class}" for what in ("answer", "picked"))
    kept = st.session_state.get(by_hand)
    if isinstance(kept, tuple) and kept not in texts and set(kept) <= set(scored.scores.nodes):
        texts[kept] = shortened(f"Chosen before: {', '.join(map(scored.hierarchy.label, kept))}", 110)
    named = distinct_texts({**answer, NOTHING: _IN_WORDS[NOTHING], OTHER: _IN_WORDS[OTHER], **texts})
    st.session_state[key] = kept if kept in named else next(iter(named))

    def pick() -> None:
        st.session_state[by_hand] = st.session_state[key]

    picked: str | tuple[str, ...] = st.selectbox(
        "The answer is", list(named), key=key, format_func=lambda one: named.get(one, str(one)), on_change=pick
    )
    return picked


def _picked_leaves(case_id: str, scored: Scored, target_class: int) -> tuple[str, ...] | None:
    shares = scored.scores.functional[target_class]
    best_first = np.argsort(-shares, kind="stable")[:MAX_OPTIONS].tolist()
    first = f", {MAX_OPTIONS:,} of {len(shares):,} leaves" if len(shares) > MAX_OPTIONS else ""
    names = distinct_texts({scored.scores.nodes[leaf]: scored.label(leaf) for leaf in best_first})
    texts = {scored.scores.nodes[leaf]: f" ({shares[leaf]:.2f})" for leaf in best_first}
    texts = {node: names[node] + share for node, share in texts.items()}
    leaves = st.multiselect(
        "Leaves", list(texts), key=f"lock_leaves_{case_id}_{target_class}", max_selections=MAX_CHOSEN,
        format_func=lambda node: texts.get(node, node), 
        help=f"The best score first{first}. Type to search.",
    )  # fmt: skip
    return tuple(leaves) or None


def _nodes(scored: Scored, cluster: Cluster) -> tuple[str, ...]:
    return tuple(scored.scores.nodes[leaf] for leaf in cluster.members)


def locked_classes(desk: Desk, case: Case, choices: Mapping[int, Choice]) -> None:
    """Every locked class with its Unlock button, for a case that its locked answers no longer fit."""
    with st.container(border=True, key="locked_classes"):
        st.markdown("**Locked by hand**")
        st.caption("The case can be read again once the classes whose answers no longer fit are unlocked.")
        for target_class, choice in sorted(choices.items()):
            with st.container(horizontal=True, vertical_alignment="center", key=f"locked_{target_class}"):
                leaves = shortened(", ".join(choice.nodes), 110) or NOTHING
                st.text(f"Class {target_class}: {leaves}\n{_locked_when(choice)}", width="stretch")
                st.button("Unlock", icon=":material/lock_open:", key=f"unlock_{target_class}", on_click=_carry_out,
                          args=(partial(unlock_class, case.folder, target_class, by=desk.by),))  # fmt: skip


def _locked_when(choice: Choice) -> str:
    by = f" by {choice.by}" if choice.by else ""
    called = f"Called: {choice.name}\n" if choice.name else ""
    return f"{called}Locked{by} on {choice.time[:10]} at {choice.time[11:16]} UTC.\nNote: {choice.note}"


def _carry_out(action: Callable[[], None]) -> None:
    """For callbacks, which no other run of the page can interrupt halfway."""
    if attempt(action, toast=True):
        st.session_state[_DECIDED] = True
