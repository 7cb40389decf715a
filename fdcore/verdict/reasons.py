"""Why each weakness of a class's answer matters, and what helps; the only place where these texts are defined.

No text contains a label, so all of them may be shown as Markdown.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from fdcore.method.weaknesses import (
    BELOW_LIMIT,
    BELOW_TAU,
    BETTER_OUTSIDE,
    CATCH_ALL,
    EXCLUSIVE,
    GENERATED,
    MUCH_BETTER,
)

LITTLE_OF_NAME = 0.2  # the name covers too much where a smaller share of its leaves is in the answer
TOO_GENERAL = "a small part of its name"


ErrorKind = Literal["existence", "association", "incompleteness", "alteration", "misreading", "misinterpretation"]
"""The kinds of error that digital forensics distinguishes: something is reported that is not there; it is attributed to
the wrong thing; something that is there is not reported; the evidence was altered; it was misread; the result is
misunderstood."""


class Reason(NamedTuple):
    """A weakness in at most four words, the end of a sentence that begins with "1 class" or "3 classes", why it
    matters, what helps, the kind of error that it leads to, and what the program did about it."""

    short: str
    one: str
    several: str
    why: str
    remedy: str
    error: ErrorKind = "misinterpretation"
    done: str = ""


REASONS: Mapping[str, Reason] = {
    BELOW_TAU: Reason(
        "interval below tau",
        "has an interval that reaches below tau",
        "have an interval that reaches below tau",
        "With so few answers, the true score may lie below tau.",
        "Query more images of these leaves.",
        "existence",
        "The interval is stated beside L, and the grade rests on its lower end.",
    ),
    BELOW_LIMIT: Reason(
        "interval below the limit",
        "has an interval that reaches below the evidence limit",
        "have an interval that reaches below the evidence limit",
        "With so few images, the true score may be lower than what an answer of this suspect needs.",
        "Query more images of these leaves.",
        "existence",
        "The interval is stated beside L, and the grade rests on its lower end.",
    ),
    "close runner-up": Reason(
        "close runner-up",
        "has a second cluster that is nearly as good",
        "have a second cluster that is nearly as good",
        "The second cluster's objective is less than 0.05 lower: it might be the right answer.",
        "Compare the two by eye, and add leaves near both of them.",
        "association",
        "Every cluster that was weighed is kept with its objective (selection.json).",
    ),
    "another cluster has the higher objective": Reason(
        "higher objective elsewhere",
        "has a cluster with a higher objective than the answer",
        "have a cluster with a higher objective than the answer",
        "The method alone would have given a different answer.",
        "Read the note on the choice, or unlock the class.",
        "association",
        "The choice and the method's own answer are both kept, with the note.",
    ),
    "chosen by hand": Reason(
        "by hand",
        "was chosen by hand",
        "were chosen by hand",
        "This is an analyst's decision, not the method's; the note gives the reason.",
        "Let a second analyst decide without knowing the first one's choice.",
        "association",
        "The answer has no grade; who chose it, when and why is in the report and in the log.",
    ),
    GENERATED: Reason(
        "generated",
        "rests on generated pictures",
        "rest on generated pictures",
        "A generator draws what its prompt says as it learned it: its pictures may be wrong, or have what the suspect "
        "reacts to for another reason than what they show.",
        "Look at the pictures, and add real ones of the same nodes.",
        "existence",
        "Generated pictures have leaves of their own, marked wherever they are shown; the prompt, seed and command of "
        "each picture are kept (generated.json).",
    ),
    EXCLUSIVE: Reason(
        "low score",
        "scores low, but hardly any answer of the class lies elsewhere",
        "score low, but hardly any answer of these classes lies elsewhere",
        "The corpus's pictures differ from what the suspect was trained on, or the suspect has very many classes.",
        "Query more, or sharper, images of this leaf.",
        "association",
        "Only a single leaf is found in this way, if the lower bound of its part of the answers is large enough; the "
        "part is stated with the grade.",
    ),
    CATCH_ALL: Reason(
        "takes in much",
        "also takes in much of the corpus outside its answer",
        "also take in much of the corpus outside their answer",
        "A high L says little where everything else also scores high.",
        "Compare L with the class's share elsewhere; add a corpus that shows what sets this class apart.",
        "existence",
        "The grade counts the part of the class's answers that falls outside the finding.",
    ),
    BETTER_OUTSIDE: Reason(
        "better leaf outside",
        "leaves out a leaf that scores much higher",
        "leave out a leaf that scores much higher",
        f"A leaf elsewhere scores at least {MUCH_BETTER} more than the answer: the class may stand for that leaf, and "
        "the answer may merely be leaves that lie close together.",
        "Look at that leaf under Leaf scores, and try a smaller eta or a higher alpha.",
        "association",
        "The grade looks for unrelated leaves that score as high; the score of every leaf is in scores.csv.",
    ),
    TOO_GENERAL: Reason(
        "name too general",
        "has a name far more general than its leaves",
        "have names far more general than their leaves",
        f"Fewer than {LITTLE_OF_NAME:.0%} of the leaves under the name are in the answer: the name claims too much.",
        "Read the leaves rather than the name; a smaller eta separates leaves that lie far apart.",
        "misinterpretation",
        "The leaves stand below the name, with how many of the name's leaves they are.",
    ),
}


def reason_for(weakness: str) -> Reason:
    """The reason of a weakness; for an unknown one, only its name."""
    return REASONS.get(weakness) or Reason(
        weakness, f"has this weakness: {weakness}", f"have this weakness: {weakness}", "", ""
    )
