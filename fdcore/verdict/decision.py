"""Meaningful, meaningless, or undecided: the decision that the measurements lead to (docs/decisions/0007)."""

from typing import Literal, NamedTuple

from fdcore.verdict.background import FEW_CLASSES
from fdcore.verdict.chance import Chance
from fdcore.verdict.specificity import Specificity, why_meaningless

Outcome = Literal["meaningful", "undecided", "meaningless"]


class Decision(NamedTuple):
    """The outcome and, unless it is "meaningful", the reason: the rest of a headline, with a full stop."""

    outcome: Outcome
    why: str


def decide(specificity: Specificity, chance: Chance | None) -> Decision:
    """Weigh the fixed limits against the comparison with untrained networks; None where that was not made.

    With many classes, both must favour the suspect. With few, the limits say too little, and the comparison decides.
    Where a background class is set aside, the limits do not suffice either.
    """
    outside = why_meaningless(specificity)
    few = specificity.n_classes <= FEW_CLASSES
    if not specificity.n_found or (outside and (chance is None or not chance.n_null)):
        return Decision("meaningless", outside)
    if chance is None or not chance.n_null:
        unsure = few or specificity.background
        return Decision("undecided", _not_compared(specificity)) if unsure else Decision("meaningful", "")
    if chance.ruled_out:
        beyond = outside and not few
        return Decision("undecided", _against_the_limits(outside)) if beyond else Decision("meaningful", "")
    if chance.left_open and (few or not outside):
        return Decision("undecided", _too_close(chance))
    return Decision("meaningless", outside or _as_untrained(chance))


def _not_compared(specificity: Specificity) -> str:
    like = "that puts most pictures in one class" if specificity.background else f"of {specificity.n_classes} classes"
    return (
        f"a suspect {like} can be distinguished from an untrained network only by querying such "
        "networks with the same pictures, which was not done for this case. Run it again with its images available."
    )


def _against_the_limits(outside: str) -> str:
    return (
        "the suspect gives pictures of one leaf the same answer more often than any untrained network does, so it has "
        f"learned something. However, {outside}"
    )


def _too_close(chance: Chance) -> str:
    as_well = f"{_share(chance)} do as well" if chance.n_as_high else "none does quite as well, but some come close"
    return (
        "the suspect gives pictures of one leaf the same answer about as often as the best of the untrained networks "
        f"that were queried with them ({as_well}). Use a corpus that shows more of what was found."
    )


def _as_untrained(chance: Chance) -> str:
    return (
        f"{_share(chance)} of the random last layers on untrained networks give one leaf's pictures the same answer as "
        "often as the suspect does. Alternatively, this corpus shows too little of what it was trained on."
    )


def _share(chance: Chance) -> str:
    """ "12%"; "under 1%" where rounding would give 0 for something."""
    share = chance.n_as_high / chance.n_null
    return f"{share:.0%}" if share >= 0.01 else "under 1%"
