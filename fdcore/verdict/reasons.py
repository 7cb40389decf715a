"""Why each weakness of a class's answer matters, and what helps: the one place that says so.

All texts are ours and hold no label: they may be read as Markdown.
"""

from collections.abc import Mapping
from typing import NamedTuple

from fdcore.method.stability import FIRM, UNSTABLE
from fdcore.method.weaknesses import BELOW_TAU, BETTER_OUTSIDE, CATCH_ALL, MUCH_BETTER

LITTLE_OF_NAME = 0.2  # share of a name's leaves that are in the answer, below which the name promises too much
TOO_GENERAL = "a small part of its name"


class Reason(NamedTuple):
    """A class's weakness: the end of a sentence that begins with "1 class" or "3 classes", why, and what helps."""

    one: str
    several: str
    why: str
    remedy: str


REASONS: Mapping[str, Reason] = {
    "a single leaf": Reason(
        "rests on a single leaf",
        "rest on a single leaf",
        "Nothing else supports it: one leaf can attract the suspect by its background or colour alone.",
        "Add the nearest relatives of that leaf to the corpus and see whether they get the same answer.",
    ),
    "low score": Reason(
        "has an L below 0.5",
        "have an L below 0.5",
        "The suspect puts fewer than half of these views in the class, so the corpus shows something like it at best.",
        "Add a corpus that shows more kinds of this domain, and try other preprocessing presets.",
    ),
    BELOW_TAU: Reason(
        "has an interval that reaches below tau",
        "have an interval that reaches below tau",
        "With so few answers, the true score may lie below tau.",
        "Ask about more images of these leaves.",
    ),
    "wide interval": Reason(
        "has a wide interval",
        "have a wide interval",
        "There are too few answers to know the score well.",
        "Ask about more images of these leaves.",
    ),
    "close runner-up": Reason(
        "has a second cluster that is nearly as good",
        "have a second cluster that is nearly as good",
        "The second cluster's objective is less than 0.05 lower: the answer might be the other one.",
        "Compare the two by eye, and add leaves near both of them.",
    ),
    "another cluster has the higher objective": Reason(
        "has a cluster with a higher objective than the answer",
        "have a cluster with a higher objective than the answer",
        "The method alone would have answered otherwise.",
        "Read the note beside the choice, or give the class back to the method.",
    ),
    "chosen by hand": Reason(
        "was chosen by hand",
        "were chosen by hand",
        "This is an analyst's decision, not the method's; the note says why.",
        "Let a second analyst decide without knowing the first one's choice.",
    ),
    UNSTABLE: Reason(
        "changes with small moves of eta or alpha",
        "change with small moves of eta or alpha",
        f"Fewer than {FIRM:.0%} of the settings nearby give the same answer, and nothing says which setting is right.",
        "Look at the stability map, and add leaves near the clusters that take turns.",
    ),
    CATCH_ALL: Reason(
        "answers much of the corpus outside its answer too",
        "answer much of the corpus outside their answer too",
        "A high L says little where everything else scores high as well.",
        "Compare L with the class's share elsewhere; add a corpus in which this class has something to be told from.",
    ),
    BETTER_OUTSIDE: Reason(
        "leaves out a leaf that scores much higher",
        "leave out a leaf that scores much higher",
        f"A leaf elsewhere scores at least {MUCH_BETTER} more than the answer: it may be what the class is about, and "
        "the answer only what lies close together.",
        "Look at that leaf under Leaf scores, and see what a smaller eta or a higher alpha answers.",
    ),
    TOO_GENERAL: Reason(
        "is named far more generally than its leaves are",
        "are named far more generally than their leaves are",
        f"Fewer than {LITTLE_OF_NAME:.0%} of the leaves under the name are in the answer: the name promises more.",
        "Read the leaves rather than the name; a smaller eta keeps apart what lies far apart.",
    ),
}


def reason_for(weakness: str) -> Reason:
    """The reason of a weakness; one that says no more than its name where there is none."""
    return REASONS.get(weakness) or Reason(f"has this weakness: {weakness}", f"have this weakness: {weakness}", "", "")
