"""Which word vectors the words are compared by: the built-in ones, a file, or those that the case kept of one."""

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

BUILT_IN, KEPT, _FILE = "built in", "kept", "file:"  # what an option of the choice is; a file's name stands behind it
_KEY = "vectors_choice"


@dataclass(frozen=True)
class Opened:
    """The word vectors that the page compares by.

    Attributes:
        vectors: opened.
        source: where they come from, as `fdcore.work.compare_words.case_vectors` takes it; None for the built-in ones.
        wanted: what the case says should be compared by.
        problem: why these are not the wanted ones; empty where they are, or where the wanted only need preparing.
        waits: whether the wanted ones must be prepared first.
    """

    vectors: WordVectors
    source: Path | None
    wanted: Path | None
    problem: str = ""
    waits: bool = False


def open_chosen(desk: Desk, case: Case) -> Opened:
    """Open what the case wants, where that is allowed and quick; else what it kept, else the built-in vectors."""
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
    """The choice, what is compared by, and the preparing of a file."""
    with st.container(border=True, key="vectors"):
        st.markdown("**Word vectors**")
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _choice(desk, case, opened)
        with right:
            _facts(case, opened)
        if opened.problem:
            st.warning(f"{inert(opened.problem)} {inert(_instead(case, opened))}", icon=":material/link_off:")
        if opened.waits:
            _preparing(desk, case, opened)


# Parts


def _choice(desk: Desk, case: Case, opened: Opened) -> None:
    options = _options(desk, case, opened)
    st.session_state[_KEY] = _option_of(desk, case, opened.wanted)  # the case is the state

    def chosen() -> None:
        attempt(lambda: choose_vectors(case, _source_of(desk, case, st.session_state[_KEY]), by=desk.by), toast=True)

    st.selectbox(
        "Compare by", list(options), key=_KEY, format_func=lambda one: options.get(one, one), on_change=chosen,
        help="Words are alike where their vectors point the same way. Vectors made from other people's texts are the "
        "stronger evidence.",
    )  # fmt: skip
    if not any(one.startswith(_FILE) for one in options):
        st.caption("For independent evidence put a word2vec, GloVe or fastText file into")
        st.code("\n".join(map(str, desk.places.vectors)), language=None, wrap_lines=True)
    if len(options) >= MAX_LISTED:
        st.caption(f"At most {MAX_LISTED:,} files are listed; take some out of the folder to see the others.")


def _options(desk: Desk, case: Case, opened: Opened) -> dict[str, str]:
    """What may be chosen, and what each is called."""
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
            f"{counted(vectors.left_out, 'word')} of the file could not be used: repeated, with spaces, or no text."
        )
    if not vectors.independent:
        st.caption(
            "These were made from the same hierarchy that names the findings, so that words which are neighbours there "
            "are alike here: agreement shows that a claim fits, but not as independently as vectors of other texts do."
        )
    if kept:
        st.caption("Only the words of the last comparison are kept: a new claim may be unknown until the file is here.")


def _instead(case: Case, opened: Opened) -> str:
    kept = opened.source == case.path(layout.WORD_VECTORS)
    return f"Compared by {'those that this case kept' if kept else 'the built-in ones'} instead."


def _preparing(desk: Desk, case: Case, opened: Opened) -> None:
    """A file is converted once, by a job; the page goes on with others meanwhile."""
    job = desk.jobs.latest(desk.case_id)
    if job and job.kind == "vectors" and job.active:
        job_panel.follow(desk.jobs, lambda: desk.jobs.latest(desk.case_id), "preparing")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="prepare_row"):
        st.info(f"This file has to be prepared once. {_instead(case, opened)}", icon=":material/hourglass_top:")
        if job and job.kind == "vectors" and job.resumable:
            job_panel.controls(desk.jobs, job)
        elif st.button("Prepare it", key="prepare_vectors", disabled=bool(job and job.active)):
            submit(desk, "vectors", opened.wanted)


def submit(desk: Desk, kind: str, source: Path | None) -> None:
    """Hand work with word vectors to a process of its own, and draw the page again."""
    start_work(desk, kind, vectors=str(source) if source else "", by=desk.by)
