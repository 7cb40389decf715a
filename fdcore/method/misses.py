"""Why a class was not found, and what comes nearest: "not found" must not hide an answer that only just fails."""

from typing import Literal, NamedTuple

import numpy as np

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.evidence import share_of_answers
from fdcore.method.naming import Name, name_selection
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings, limits_of


class Miss(NamedTuple):
    """What comes nearest to an answer of a class that was not found.

    Attributes:
        members: indices of leaves: the best cluster, or the best leaf where none is a candidate.
        name: their name.
        functional: their L.
        low, high: the 95 % interval of L.
        share: the part of the class's answers that falls in them, all leaves weighted equally.
        lacking: what they lack: a leaf above "tau", "evidence", or a large enough "share".
        limit: what L, or the product of `low` and `share`, would have to reach.
        near: whether the interval reaches the limit, so that more pictures may decide otherwise.
    """

    members: tuple[int, ...]
    name: Name
    functional: float
    low: float
    high: float
    share: float
    lacking: Literal["tau", "evidence", "share"]
    limit: float
    near: bool

    @property
    def why(self) -> str:
        """One sentence, without any label."""
        score = f"L = {self.functional:.2f} ({self.low:.2f} to {self.high:.2f})"
        near = " More images could decide it." if self.near else ""
        if (self.low, self.high) == (0, 1):
            return "No image is left to state a score: query at least two images of each leaf."
        if self.lacking == "share":
            return (
                f"{score}, but only {self.share:.1%} of the class's answers are there: {self.low:.2f} x "
                f"{self.share:.1%} = {self.low * self.share:.4f}, and {self.limit:g} is needed.{near}"
            )
        needed = "a candidate needs" if self.lacking == "tau" else "an answer of this suspect needs"
        return f"{score}; {needed} {self.limit:.2f}.{near}"


def nearest_miss(
    selection: ClassSelection, scores: Scores, hierarchy: Hierarchy, settings: SelectionSettings
) -> Miss | None:
    """What comes nearest; None for a class that was found or locked, and where no picture was put in the class."""
    if selection.winner or selection.choice:
        return None
    target, limits, split = selection.target_class, limits_of(scores, settings), scores.split(settings.held_out)
    best = int(np.argmax(split.choosing.functional[target])) if scores.nodes else 0
    if not scores.nodes or not scores.hits[target, best]:
        return None
    nearest = selection.nearest
    members = nearest.members if nearest else (best,)
    functional = nearest.functional if nearest else float(split.stating.functional[target, best])
    low, high = split.stating.interval_of(target, members)
    share = share_of_answers(split.stating, target, members)
    lacking: Literal["tau", "evidence", "share"] = selection.lacking or "tau"
    limit = {"tau": settings.tau, "evidence": limits.evidence, "share": limits.share}[lacking]
    near = (high * share if lacking == "share" else high) >= limit
    name = name_selection(hierarchy, [scores.nodes[leaf] for leaf in members], scores.nodes)
    return Miss(members, name, functional, low, high, share, lacking, limit, near)
