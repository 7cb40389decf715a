"""What every page has around it: sign-in, the case switcher, the steps, the case at a glance, errors as messages.

with frame.page("Selection") as desk:
    ...                       # desk.case is open and has reached the stage that the step needs
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.casebook import Casebook, CaseCard
from fdcore.case.places import Places
from fdcore.errors import CaseError, FdError
from fdcore.jobs import Job, JobQueue
from fdcore.method.selection import SelectionSettings
from ui import cached, job_panel, keys, state, tour
from ui.sentences import attempt, fragment, show_error
from ui.steps import CASES, GLOSSARY, JOBS, OVERVIEW, PLACES, STEPS, WITH_CLASS, Step, following, reached, step
from ui.text import distinct_texts, inert, inert_badge, shortened

SIDEBAR_PX = 230
_STYLE = "<style>.stMainBlockContainer { padding-inline: 1.5rem; padding-bottom: 3rem; }</style>"
ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.png"
_MARKS = {True: ":material/check_circle:", False: ":material/radio_button_unchecked:"}
_MENDS = {
    "suspect": ("First choose the model under investigation.", "Suspect"),
    "corpus": ("First choose the images that the suspect will be shown.", "Corpus"),
    "scoring": ("First query the suspect with the corpus.", "Leaf scores"),
}
_REFUSED = ("The suspect's file was refused and not opened, so it cannot be queried.", "Suspect")
_DOUBTS = {"undecided": ", as a whole undecided", "meaningless": ", as a whole meaningless"}  # by a verdict's outcome


@dataclass(frozen=True)
class Desk:
    """What a page works with; `by` is empty without sign-in, and `card` is None until a case is chosen."""

    step: Step
    places: Places
    book: Casebook
    jobs: JobQueue
    by: str
    card: CaseCard | None

    @cached_property
    def cards(self) -> list[CaseCard]:
        """Every case at a glance, the most recently changed first."""
        return cached.cards(self.book)

    @property
    def case_id(self) -> str:
        """The open case's id."""
        return self.card.id if self.card else ""

    @property
    def case(self) -> Case:
        """The open case."""
        return self.book.open(self.case_id)

    @property
    def busy(self) -> bool:
        """Whether a job is active in the open case."""
        job = self.jobs.latest(self.case_id)
        return bool(job and job.active)

    def newest_job(self, *kinds: str) -> Job | None:
        """The open case's newest job of one of these kinds; None if there is none."""
        return next((job for job in self.jobs.of_case(self.case_id) if job.kind in kinds), None)

    def require_idle(self) -> None:
        """Raise a `CaseError` while a job is active in the open case."""
        if self.busy:
            raise CaseError("Work is in progress in this case. Wait until it ends, or cancel it.", key="case busy")

    def submit(self, kind: str, **params: object) -> None:
        """Run work on the open case in a separate process.

        Raises:
            FdError: another job is active in the case, or a parameter is invalid.
        """
        self.jobs.submit(kind, self.case_id, {"cache": str(self.places.cache), **params}, by=self.by)


@contextmanager
def page(name: str) -> Iterator[Desk]:
    """Draw a page's frame; an error in its body that the analyst can correct becomes a message."""
    here = step(name)
    st.set_page_config(
        page_title=f"{name} · fdcore", page_icon=str(ICON), layout="wide", initial_sidebar_state=SIDEBAR_PX
    )
    st.logo(str(ICON), size="large")
    st.html(_STYLE)
    try:
        desk = _furnished(here)
    except FdError as error:  # such as a damaged list of jobs
        show_error(error)
        st.stop()
    try:
        yield desk
        _footer(desk)
    except FdError as error:
        show_error(error)


def start_work(desk: Desk, kind: str, **params: object) -> None:
    """Start long work and redraw the page, or show why it was refused."""
    if attempt(lambda: desk.submit(kind, **params)):
        st.rerun()


def go_to(name: str, **changed: str | None) -> None:
    """Switch to another page with the case and the settings."""
    named = {key: value for key, value in {**state.query(), **changed}.items() if value is not None}
    state.remember(named)
    st.switch_page(step(name).path, query_params=named)


def empty(sentence: str, action: str, target: str) -> None:
    """An empty state: what is missing, and the next step."""
    with st.container(border=True, key="empty", horizontal_alignment="center"):
        st.space("small")
        st.subheader(sentence, anchor=False, width="content")
        if st.button(action, type="primary", key="empty_action"):
            go_to(target)
        st.space("small")


def _furnished(here: Step) -> Desk:
    """Draw everything above the page's own part; stops if the page cannot continue."""
    by, places = _signed_in(), Places.from_environment()
    book = Casebook(places.cases)
    state.carry_over(here.name)
    card, problem = _open_card(book)
    desk = Desk(here, places, book, JobQueue(places.cases), by, card)
    _sidebar(desk)
    _header(desk)
    if problem:
        show_error(problem)
    if ignored := state.linked_settings(SelectionSettings()).ignored:
        st.warning(f"The link's {inert(', '.join(ignored))} is not valid and is ignored.", icon=":material/link_off:")
    _require(desk)
    if desk.card and not desk.card.problem:
        state.seen_conclusions(desk.case)
        if desk.card.n_found is not None and desk.case.facts().demo:
            tour.draw(desk.step.name, go_to)
    return desk


def _signed_in() -> str:
    """The analyst's name after sign-in; empty if the server's secrets do not require sign-in."""
    user = st.user.to_dict()
    if "is_logged_in" not in user:
        return ""
    if not user["is_logged_in"]:
        st.title("fdcore", anchor=False)
        st.text("Sign in to see the cases on this server.")
        st.button("Sign in", type="primary", on_click=st.login)
        st.stop()
    return str(user.get("name") or user.get("email") or user.get("sub") or "")


def _open_card(book: Casebook) -> tuple[CaseCard | None, FdError | None]:
    """The case that the URL names, or the reason it cannot be opened."""
    case_id = state.case_id()
    if case_id is None:
        return None, None
    try:
        book.folder(case_id)
    except FdError as error:
        return None, error
    return cached.card(book, case_id), None


def _sidebar(desk: Desk) -> None:
    with st.sidebar:
        _case_switcher(desk)
        case = {state.CASE: desk.case_id} if desk.card else {}
        for number, one in enumerate(STEPS):
            done = desk.card is not None and one.done(desk.card)
            label = one.name if number == 0 else f"{number} {one.name}"
            st.page_link(one.path, label=label, icon=_MARKS[done], query_params=case, width="stretch")
        for one in PLACES:
            if one is JOBS:
                job_panel.watch(desk.jobs, Case(desk.book.root / desk.case_id) if desk.card else None)
            else:
                st.page_link(one.path, label=one.name, icon=one.icon, query_params=case, width="stretch")
        _listen_to_keys(desk)
        if desk.card and desk.card.sha256:
            st.caption("Evidence", help="SHA-256 of the suspect's file, taken on intake and verified before every run")
            st.text(shortened(desk.card.evidence, 40))
            st.text(desk.card.sha256)  # as code it would load a syntax highlighter of 1.5 MB with every page
        if desk.by:
            st.text(f"Signed in as {desk.by}")
            st.button("Sign out", on_click=st.logout, type="tertiary")


def _listen_to_keys(desk: Desk) -> None:
    n_classes = desk.case.facts().n_classes if desk.card and not desk.card.problem else 0

    def step_on(by: int) -> None:
        state.write(**{state.CLASS: (state.target_class(n_classes)[0] + by) % n_classes})

    if keys.listen(on_step=step_on if n_classes and desk.step.name in WITH_CLASS else None):
        go_to(GLOSSARY.name)


def _case_switcher(desk: Desk) -> None:
    cards = {card.id: card for card in desk.cards if not card.archived or card.id == desk.case_id}
    if not cards:
        return
    st.session_state["case_switch"] = desk.case_id or None  # the URL always decides
    names = distinct_texts({card.id: shortened(card.title, 44) for card in cards.values()})
    st.selectbox(
        "Case",
        list(cards),
        key="case_switch",
        format_func=lambda case_id: names.get(case_id, case_id),
        placeholder="Choose a case",
        on_change=lambda: state.switch_case(st.session_state["case_switch"]),
    )


def _header(desk: Desk) -> None:
    number = STEPS.index(desk.step) if desk.step in STEPS else 0
    here = CASES if desk.step is OVERVIEW and desk.card is None else desk.step
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        with st.container(gap=None, width="content"):
            if here is OVERVIEW and desk.card:  # once there is a finding, that is the page's title
                draw = st.title if desk.card.n_found is None else st.subheader
                draw(inert(shortened(desk.card.title, 90)), anchor=False)
            else:
                st.title(f"{number} · {here.name}" if number else here.name, anchor=False)
                st.caption(here.question)
        if desk.card:
            with st.container(width="content"):
                _share()
    if desk.card and number:
        _glance(desk.card)
        _preliminary(desk.card)
    if desk.card and desk.step in STEPS:
        job_panel.notices(desk.jobs, desk.case_id, desk.step.name, desk.card.changed)


def _glance(card: CaseCard) -> None:
    with st.container(horizontal=True, gap="small", key="glance"):
        st.badge(inert_badge(shortened(card.title, 50)), icon=":material/folder_open:", color="primary")
        if card.suspect:
            st.badge(inert_badge(shortened(card.suspect.split(",")[0], 40)), icon=":material/memory:", color="gray")
        if card.corpus:
            st.badge(card.corpus, icon=":material/photo_library:", color="gray")
        if card.n_queries:
            share = card.n_answered / card.n_queries
            text = "all answered" if share == 1 else f"{share:.0%} answered"
            st.badge(text, icon=":material/question_answer:", color="gray" if share == 1 else "orange")
        if card.n_found is not None:
            doubt = _DOUBTS.get(card.outcome, "")
            text = f"{card.n_found} of {card.n_classes} classes found{doubt}"
            st.badge(text, icon=":material/flag:", color="orange" if doubt else "green")


@fragment()
def _share() -> None:
    with st.popover("Link", icon=":material/link:", type="tertiary", key="share", on_change="rerun"):
        st.caption("Opens this view for anyone who can reach this server.")
        base = (st.context.url or "").split("?")[0]
        st.code(f"{base}?{urlencode(st.query_params.to_dict())}", language=None, wrap_lines=True)


def _preliminary(card: CaseCard) -> None:
    """Warn that what is shown rests on some of the planned answers."""
    if 0 < card.n_answered < card.n_queries:
        share = card.n_answered / card.n_queries
        st.warning(
            f"Preliminary: {share:.0%} of the planned queries are answered. Everything below rests on these.",
            icon=":material/hourglass_top:",
        )


def _require(desk: Desk) -> None:
    """Stop with an empty state if the case has not reached the stage that the page needs."""
    needs = desk.step.needs
    if not needs or (desk.card and reached(desk.card, needs)):
        return
    if desk.card is None:
        empty("No case is open.", "Choose a case", "Cases")
        st.stop()
    if desk.card.problem:
        st.error("This case cannot be read.", icon=":material/error:")
        st.text(desk.card.problem)
        st.stop()
    missing = next(stage for stage in ("suspect", "corpus", "scoring") if not reached(desk.card, stage))
    sentence, target = _REFUSED if desk.card.refused else _MENDS[missing]
    empty(sentence, f"Go to {target}", target)
    st.stop()


def _footer(desk: Desk) -> None:
    after = following(desk.step)
    if after is None or not desk.step.needs or desk.card is None or not reached(desk.card, after.needs or "new"):
        return
    settled = desk.step.done(desk.card) or desk.step.needs == "scoring"
    kind: Literal["primary", "secondary"] = "primary" if settled else "secondary"
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(
            f"Next: {after.name}", type=kind, icon=":material/arrow_forward:", icon_position="right", key="next"
        ):
            go_to(after.name)
