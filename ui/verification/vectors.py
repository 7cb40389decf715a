"""The word vectors that words are compared with: the built-in ones, a file, or those kept in the case."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.places import MAX_LISTED, inside, list_files, require_inside
from fdcore.errors import FdError
from fdcore.words.vectors import WordVectors, builtin_vectors
from fdcore.work.compare_words import choose_vectors, chosen_vectors, opens_at_once
from ui import cached, job_panel
from ui.frame import Desk, start_work
from ui.sentences import attempt
from ui.text import counted, distinct_texts, inert, shortened

BUILT_IN, KEPT, _FILE = "built in", "kept", "file:"  # the options of the choice; a file's name is appended
_KEY = "vectors_choice"


@dataclass(frozen=True)
class Opened:
    """The word vectors that the page compares by.

    Attributes:
        source: their origin, as for `fdcore.work.compare_words.case_vectors`; None for the built-in ones.
        wanted: the source that the case names.
        problem: why these are not the wanted ones; empty if they are, or if the wanted ones only need preparing.
        waits: whether the wanted ones must be prepared first.
    """

    vectors: WordVectors
    source: Path | None
    wanted: Path | None
    problem: str = ""
    waits: bool = False


def open_chosen(desk: Desk, case: Case) -> Opened:
    """Open what the case names if that is allowed and quick, else what the case kept, else the built-in vectors."""
    wanted, cache, problem = chosen_vectors(case), desk.places.cache, ""
    try:
        if wanted is not None and wanted != case.path(layout.WORD_VECTORS):
            require_inside(desk.places.vectors, wanted)
        if opens_at_once(case, wanted, cache):
            return Opened(cached.word_vectors(case, wanted, cache), wanted, wanted)
    except FdError as error:
        problem = str(error)
    kept = case.path(layout.WORD_VECTORS)
    if wanted != kept and case.has(layout.WORD_VECTORS):
        try:
            return Opened(cached.word_vectors(case, kept, cache), kept, wanted, problem, not problem)
        except FdError as error:
            problem = problem or str(error)
    return Opened(builtin_vectors(), None, wanted, problem, not problem)


def draw(desk: Desk, case: Case, opened: Opened) -> None:
    """The choice, the vectors in use, and the preparation of a file."""
    with st.container(key="vectors"):
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _choice(desk, case, opened)
        with right:
            _facts(case, opened)
        if opened.problem:
            st.warning(f"{inert(opened.problem)} {inert(_instead(case, opened))}", icon=":material/link_off:")
        if opened.waits:
            _preparing(desk, case, opened)


def _choice(desk: Desk, case: Case, opened: Opened) -> None:
    options = _options(desk, case, opened)
    st.session_state[_KEY] = _option_of(desk, case, opened.wanted)  # the case is the state

    def chosen() -> None:
        attempt(lambda: choose_vectors(case, _source_of(desk, case, st.session_state[_KEY]), by=desk.by), toast=True)

    st.selectbox(
        "Compare with", list(options), key=_KEY, format_func=lambda one: options.get(one, one), on_change=chosen,
        help="Words are similar if their vectors point in the same direction. Vectors made from independent texts are "
        "stronger evidence.",
    )  # fmt: skip
    if not any(one.startswith(_FILE) for one in options):
        st.caption("For independent evidence, put a word2vec, GloVe or fastText file into")
        st.text("\n".join(map(str, desk.places.vectors)))
    if len(options) >= MAX_LISTED:
        st.caption(f"At most {MAX_LISTED:,} files are listed; take some out of the folder to see the others.")


def _options(desk: Desk, case: Case, opened: Opened) -> dict[str, str]:
    """The options and their names."""
    names = {BUILT_IN: "Built in"}
    if case.has(layout.WORD_VECTORS):
        names[KEPT] = "Kept in this case"
    names |= {f"{_FILE}{name}": shortened(name, 80) for name in list_files(desk.places.vectors)}
    wanted = _option_of(desk, case, opened.wanted)
    names.setdefault(wanted, "Kept in this case" if wanted == KEPT else shortened(wanted.removeprefix(_FILE), 80))
    return distinct_texts(names)


def _option_of(desk: Desk, case: Case, source: Path | None) -> str:
    if source is None:
        return BUILT_IN
    if source == case.path(layout.WORD_VECTORS):
        return KEPT
    root = next((root for root in desk.places.vectors if source.is_relative_to(root)), None)
    return f"{_FILE}{source if root is None else source.relative_to(root).as_posix()}"


def _source_of(desk: Desk, case: Case, option: str) -> Path | None:
    if option == BUILT_IN:
        return None
    return case.path(layout.WORD_VECTORS) if option == KEPT else inside(desk.places.vectors, option.removeprefix(_FILE))


def _facts(case: Case, opened: Opened) -> None:
    vectors = opened.vectors
    with st.container(horizontal=True, gap="small", key="vectors_facts", vertical_alignment="center"):
        if vectors.independent:
            st.badge("Independent of the hierarchy", icon=":material/check:", color="green")
        else:
            st.badge("Not independent of the hierarchy", icon=":material/info:", color="orange")
        kept = opened.source == case.path(layout.WORD_VECTORS)
        st.badge(f"{counted(len(vectors), 'word')}{' kept in this case' if kept else ''}", color="gray")
        st.badge(counted(vectors.n_dims, "dimension"), color="gray")
    st.caption(
        f"In use: {inert(shortened(vectors.name, 100))} · SHA-256 {vectors.sha256[:12]}…",
        help=f"SHA-256 of the file: {vectors.sha256}",
    )
    if vectors.left_out:
        st.caption(
            f"{counted(vectors.left_out, 'word')} of the file could not be used: repeated, with spaces, not text, or "
            f"without {vectors.n_dims:,} usable numbers."
        )
    if not vectors.independent:
        st.caption(
            "These were made from the same hierarchy that names the findings, so neighbours there are similar here. "
            "Agreement shows that a claim fits, but less independently than vectors made from other texts."
        )
    if kept:
        st.caption("Only the words of the last comparison are kept: new claims may be unknown until the file is back.")


def _instead(case: Case, opened: Opened) -> str:
    kept = opened.source == case.path(layout.WORD_VECTORS)
    return f"The {'vectors kept in this case' if kept else 'built-in vectors'} are used instead."


def _preparing(desk: Desk, case: Case, opened: Opened) -> None:
    """Convert a file once, by a job; meanwhile the page uses others."""
    job = desk.jobs.latest(desk.case_id)
    if job and job.kind == "vectors" and job.active:
        job_panel.follow(desk.jobs, lambda: desk.jobs.latest(desk.case_id), "preparing")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="prepare_row"):
        st.info(f"This file must be prepared once. {_instead(case, opened)}", icon=":material/hourglass_top:")
        if job and job.kind == "vectors" and job.resumable:
            job_panel.controls(desk.jobs, job)
        elif st.button("Prepare", key="prepare_vectors", disabled=bool(job and job.active)):
            submit(desk, "vectors", opened.wanted)


def submit(desk: Desk, kind: str, source: Path | None) -> None:
    """Start a job that uses word vectors, and redraw the page."""
    start_work(desk, kind, vectors=str(source) if source else "", by=desk.by)
