"""The cost of scoring, shown before anything is sent: queries, images and time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fdcore.case.intake import Surveyed
from fdcore.case.plan import Settings
from fdcore.errors import SettingsError
from fdcore.method.findings import Scored


@dataclass(frozen=True)
class Supply:
    """The available images of each leaf; `exact` if these are all of them and known to be usable."""

    n_images: Mapping[str, int]
    exact: bool


@dataclass(frozen=True)
class Cost:
    """What a run would send.

    Attributes:
        n_planned: queries in the whole plan, before the budget.
        n_left: queries that this run would send.
        capped: whether the budget ends it before the plan is complete.
        seconds: an estimate; None if the suspect's speed is unknown.
    """

    n_leaves: int
    n_images: int
    n_planned: int
    n_left: int
    capped: bool
    seconds: float | None


def supply_of(surveyed: Surveyed | None, scored: Scored | None) -> Supply | None:
    """The available images: from the survey, else those queried before; None if neither is known."""
    if surveyed is not None:
        return Supply(surveyed.n_usable or surveyed.n_files, exact=surveyed.n_usable is not None)
    if scored is not None:
        counts = Counter(scored.images.node_index.tolist())
        return Supply({node: counts[leaf] for leaf, node in enumerate(scored.images.nodes)}, exact=False)
    return None


def estimate(
    supply: Supply, settings: Settings, *, n_answered: int = 0, n_sent: int = 0, per_s: float | None = None
) -> Cost:
    """The cost of a plan.

    Args:
        n_answered: answers already in the case; they are never requested again.
        n_sent: queries sent in this case so far, which count against the budget.
        per_s: pictures per second that the suspect answers.
    """
    most = settings.images_per_leaf
    asked = [n if most is None else min(n, most) for n in supply.n_images.values() if n]
    n_planned = sum(asked) * settings.n_views
    missing = max(n_planned - n_answered, 0)
    left = missing if settings.budget is None else min(missing, max(settings.budget - n_sent, 0))
    return Cost(len(asked), sum(asked), n_planned, left, left < missing, left / per_s if per_s else None)


def require_sensible(settings: Settings, cost: Cost | None, n_sent: int) -> None:
    """Raise a `SettingsError` if the budget does not suffice for the plan."""
    if settings.budget is None:
        return
    if cost and settings.budget < cost.n_leaves:
        raise SettingsError(
            f"A budget of {settings.budget:,} queries does not cover one image of each of {cost.n_leaves:,} leaves. "
            f"Set at least {cost.n_leaves:,}, or use a smaller corpus.",
            key="budget too small",
        )
    if settings.budget <= n_sent:
        raise SettingsError(
            f"The budget of {settings.budget:,} queries is used up: {n_sent:,} were sent. Set a larger budget.",
            key="budget used up",
        )
