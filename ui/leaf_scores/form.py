"""What the suspect is queried with, what that costs, and the button that starts it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from fdcore.answers.views import ViewSpec
from fdcore.case import spending
from fdcore.case.case import Case
from fdcore.case.cost import Cost, Supply, estimate, require_sensible, supply_of
from fdcore.case.intake import read_test_query
from fdcore.case.plan import Plan, Settings
from fdcore.errors import FdError, SettingsError
from fdcore.method.adaptive import Adaptive
from fdcore.method.findings import Scored
from fdcore.records import to_plain
from fdcore.work.cluster import Cluster
from ui import cached, state
from ui.frame import Desk, go_to
from ui.leaf_scores import views as views_of_image
from ui.overview.head import guess_chips
from ui.panels import show_numbers
from ui.querying import start_and_redraw, why_not_query
from ui.sentences import fragment, show_error
from ui.text import counted, duration, inert

_MOST = 10_000_000
_STRENGTHS = (  # field of ViewSpec, label, most, step
    ("rotation_deg", "Rotation (degrees)", 180.0, 1.0),
    ("translation", "Shift (share of the side)", 1.0, 0.01),
    ("perspective", "Perspective", 0.45, 0.01),
    ("noise", "Noise (share of the range)", 1.0, 0.01),
)

_FORM = "scoring_form"  # the plan that the widgets were filled from


@dataclass(frozen=True)
class Given:
    """What the form starts from.

    Attributes:
        supply: the available images; None if unknown.
        n_answered, n_sent: answers in the case, and queries sent for them.
        per_s: pictures per second that the suspect answers; None if not measured.
        before: the settings of the answers in the case; None if there are none.
    """

    plan: Plan
    supply: Supply | None
    n_answered: int
    n_sent: int
    per_s: float | None
    before: Settings | None


def begin(desk: Desk, *, primary: bool = True) -> None:
    """The form before the first answer."""
    if reason := why_not_query(desk.case):
        st.info(inert(reason), icon=":material/info:")
        return
    with st.container(border=True, key="begin"):
        st.markdown("**Query plan**")
        st.caption("The suspect is shown several views of every leaf's images. It returns only a class for each.")
        _guesses(desk.case)
        scoring_form(desk, read_given(desk.case, None), action="Start scoring", primary=primary)


def _guesses(case: Case) -> None:
    """What should be settled first, because the answers belong to it."""
    if not (guesses := case.facts().open_guesses):
        return
    with st.container(border=True, key="guesses_first", gap="small"):
        st.markdown("**Settle these guesses first**")
        st.text("They are fixed once the suspect is queried. With a wrong one all queries are wasted.")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            guess_chips(guesses)
            if st.button("Compare readings on the Suspect page", key="settle_guesses", type="tertiary",
                         icon=":material/balance:"):  # fmt: skip
                go_to("Suspect")


def ask_more(desk: Desk, scored: Scored) -> None:
    """The form for more views, images or budget."""
    if reason := why_not_query(desk.case):
        st.caption(inert(reason))
        return
    st.caption(
        "More views or images narrow the intervals. Existing answers are kept and not requested again. "
        "Fewer than before is refused, because answers would be discarded."
    )
    action = "Query more" if scored.complete else "Continue querying"
    scoring_form(desk, read_given(desk.case, scored), action=action, primary=False)


def read_given(case: Case, scored: Scored | None) -> Given:
    """Read what the form starts from."""
    plan = case.plan()
    query, survey = read_test_query(case), cached.survey(case)
    if survey is not None and survey.corpora != plan.corpora:
        survey = None  # of other folders
    return Given(
        plan=plan,
        supply=supply_of(survey, scored),
        n_answered=int((scored.answers >= 0).sum()) if scored else 0,
        n_sent=spending.n_sent(case),
        per_s=query.pictures_per_s if query and query.pictures_per_s > 0 else None,
        before=_before(plan, case, scored),
    )


def scoring_form(desk: Desk, given: Given, *, action: str, primary: bool) -> None:
    """Draw the form; its cost follows every change, and its button starts the work."""

    @fragment()
    def form() -> None:
        _fill(desk.case_id, given.plan.settings)
        columns = st.columns(4)
        with columns[0]:
            n_views = _views_input(given)
        with columns[1]:
            per_leaf = _images_input(given)
        with columns[2]:
            budget = _budget_input()
        with columns[3]:
            seed = _seed_input(given)
        adaptive = _adaptive_input()
        strengths = _strengths(desk, given)
        settings, cost = None, None
        try:
            settings = _settings(given, n_views, per_leaf, budget, seed, strengths, adaptive=adaptive)
            if given.supply is not None:
                cost = estimate(given.supply, settings, n_answered=given.n_answered, n_sent=given.n_sent,
                                per_s=given.per_s)  # fmt: skip
            require_sensible(settings, cost, given.n_sent)
        except FdError as error:
            show_error(error)
            settings = None
        fits = settings is not None and (cost is None or cost.n_left > 0)
        if fits:
            _show_cost(cost, given, saving=adaptive)
            if cluster := Cluster.of(desk.case):
                st.caption(f"The queries are sent from the cluster at {inert(cluster.address)}.")
        elif settings:
            st.caption("All of this has been queried. To query more, set more views, more images or a larger budget.")
        if st.button(action, type="primary" if primary else "secondary", icon=":material/play_arrow:", key="start",
                     disabled=not fits) and settings:  # fmt: skip
            start_and_redraw(desk, settings)

    form()


def _before(plan: Plan, case: Case, scored: Scored | None) -> Settings | None:
    if scored is None:
        return None
    asking = case.facts().asking
    per_leaf = asking.images_per_leaf if asking else plan.settings.images_per_leaf
    known = scored.header
    return replace(plan.settings, n_views=known.n_views, seed=known.seed, images_per_leaf=per_leaf, views=known.views)


def _fill(case_id: str, settings: Settings) -> None:
    """Fill the widgets from the plan, once for each plan."""
    values = {
        "n_views": min(int(settings.n_views), 1000),
        "images_per_leaf": _whole(settings.images_per_leaf),
        "budget": _whole(settings.budget),
        "seed": str(settings.seed),
        "adaptive": settings.adaptive is not None,
        **{f"strength_{name}": float(value) for name, value in to_plain(settings.views).items()},
    }
    state.fill_widgets(_FORM, f"{case_id} {settings!r}", values)


def _whole(value: int | None) -> int | None:
    return None if value is None else int(min(value, _MOST))


def _views_input(given: Given) -> int:
    least = given.before.n_views if given.before else 1
    st.session_state["n_views"] = max(st.session_state["n_views"], least)
    note = f" This case has {least}; fewer would discard answers." if given.before else ""
    return st.number_input(
        "Views per image", least, 1000, key="n_views", step=1,
        help="How many times each image is shown, with small changes; the first view is the image itself. "
        f"More views distinguish a consistent answer from a chance one.{note}",
    )  # fmt: skip


def _images_input(given: Given) -> int | None:
    every = given.before is not None and given.before.images_per_leaf is None
    least = given.before.images_per_leaf if given.before and given.before.images_per_leaf else 1
    current = st.session_state["images_per_leaf"]
    st.session_state["images_per_leaf"] = None if every or current is None else max(current, least)
    note = f" This case has {least:,}; fewer would discard answers." if given.before and not every else ""
    chosen: int | None = st.number_input(
        "Images per leaf", least, _MOST, None, key="images_per_leaf", step=10, placeholder="all", disabled=every,
        help=f"The maximum number of images queried per leaf. Leave it empty for all.{note}",
    )  # fmt: skip
    return chosen


def _budget_input() -> int | None:
    chosen: int | None = st.number_input(
        "Budget (queries)", 1, _MOST, None, key="budget", step=1000, placeholder="no limit",
        help="The maximum number of queries ever sent to the suspect in this case. Scoring ends there, and the answers "
        "so far count. Leave it empty for no limit.",
    )  # fmt: skip
    return chosen


def _adaptive_input() -> bool:
    return st.toggle(
        "Save queries", key="adaptive",
        help="Sends images where they may still change an answer, and ends by itself or with the budget. For suspects "
        "that cost money or time: on those we measured, 2,700 to 7,900 queries gave answers almost as good as 20,000. "
        "Its choices cannot be undone, but a later run without it sends the rest.",
    )  # fmt: skip


def _seed_input(given: Given) -> str:
    return st.text_input(
        "Seed", key="seed", disabled=given.before is not None, max_chars=20,
        help="Determines the views and the choice of images: the same seed gives exactly the same queries. "
        "It is fixed once there are answers.",
    )  # fmt: skip


def _strengths(desk: Desk, given: Given) -> Callable[[], ViewSpec]:
    """Draw the strengths of the views; returns a function that makes the `ViewSpec`, which may fail."""
    fixed = given.before is not None
    with st.expander("How much views differ from the image", key="strengths"):
        if desk.case.facts().kind == "text":
            st.caption("A view of a text drops or swaps some of its words, and replaces some by synonyms. How many is "
                       "fixed.")  # fmt: skip
            return lambda: given.plan.settings.views
        if fixed:
            st.caption("These belong to the existing answers. Other views need a new case.")
        columns = st.columns(4)
        values = {}
        for column, (name, label, most, step) in zip(columns, _STRENGTHS, strict=True):
            values[name] = column.number_input(
                label, 0.0, most, key=f"strength_{name}", step=step, format="%g", disabled=fixed,
                help="The largest change in either direction; each view draws its own value.",
            )  # fmt: skip
        views_of_image.preview(desk.case, lambda: ViewSpec(**values), st.session_state["seed"])
    return lambda: ViewSpec(**values)


def _settings(
    given: Given, n_views: int, per_leaf: int | None, budget: int | None, seed: str, views: Callable[[], ViewSpec], *,
    adaptive: bool,
) -> Settings:  # fmt: skip
    """The settings in the form; a `SettingsError` if a field is invalid."""
    if not seed.strip().isdecimal():
        raise SettingsError(f"The seed must be a whole number of 0 or more, not {seed!r}.", key="invalid seed")
    known, fixed = given.plan.settings, given.before
    seed_number, spec = (fixed.seed, fixed.views) if fixed else (int(seed), views())
    saving = (known.adaptive or Adaptive(selection=known.selection)) if adaptive else None
    return replace(known, n_views=n_views, images_per_leaf=per_leaf, budget=budget, seed=seed_number, views=spec,
                   adaptive=saving)  # fmt: skip


def _show_cost(cost: Cost | None, given: Given, *, saving: bool) -> None:
    """The cost as a row of numbers and one sentence."""
    if cost is None:
        st.caption("The cost is shown once the corpus has been read on the Corpus page.")
        return
    exact = given.supply and given.supply.exact and not saving
    about = "" if exact else "at most "
    time = "unknown" if cost.seconds is None else f"about {duration(cost.seconds)}"
    show_numbers(
        "cost",
        ("Queries to send", f"{about}{cost.n_left:,}"),
        ("Images", f"{about}{cost.n_images:,}"),
        ("Leaves", f"{cost.n_leaves:,}"),
        ("Time", time, _time_help(given)),
    )
    if saving:
        st.caption("It ends by itself as soon as further answers are unlikely to change what is found.")
    elif cost.capped:
        st.caption(
            f"The budget ends before all {counted(cost.n_planned, 'query', 'queries')} of the plan are sent. "
            "View 0 of every image is sent first, then view 1, and so on."
        )
    elif given.n_answered:
        st.caption(f"The {counted(given.n_answered, 'answer')} in the case will not be requested again.")


def _time_help(given: Given) -> str:
    if given.per_s is None:
        return "The suspect's speed has not been measured in this case. Check the suspect on the Suspect page."
    return (
        f"Estimated from the test query, in which the suspect answered about {given.per_s:,.0f} pictures per second. "
        "Reading and decoding the images takes additional time on the first run."
    )
