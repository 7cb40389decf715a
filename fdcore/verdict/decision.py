"""Meaningful, meaningless, or undecided: what the measurements come to (docs/decisions/0007)."""

from typing import Literal, NamedTuple

from fdcore.verdict.chance import Chance
from fdcore.verdict.specificity import Specificity, why_meaningless
from fdcore.verdict.weak_points import FEW_CLASSES

Outcome = Literal["meaningful", "undecided", "meaningless"]


class Decision(NamedTuple):
    """What was decided, and unless it is "meaningful", why: the rest of a headline, with a full stop."""

    outcome: Outcome
    why: str


def decide(specificity: Specificity, chance: Chance | None) -> Decision:
    """Weigh the fixed limits and the comparison with untrained networks.

    Of many classes both must speak for the suspect. Of few, the limits say too little, and the comparison decides.

    Args:
        specificity: how far the answers follow what is shown.
        chance: the comparison; None where it was not made, as in cases of an earlier version.
    """
    outside = why_meaningless(specificity)
    few = specificity.n_classes <= FEW_CLASSES
    if not specificity.n_found or (outside and (chance is None or not chance.n_null)):
        return Decision("meaningless", outside)
    if chance is None or not chance.n_null:
        return Decision("undecided", _not_compared(specificity.n_classes)) if few else Decision("meaningful", "")
    if chance.ruled_out:
        return (
            Decision("undecided", _against_the_limits(outside)) if outside and not few else Decision("meaningful", "")
        )
    if chance.left_open and (few or not outside):
        return Decision("undecided", _too_close(chance))
    return Decision("meaningless", outside or _as_untrained(chance))


def _not_compared(n_classes: int) -> str:
    return (
        f"a suspect of {n_classes} classes can be told from an untrained network only by asking such networks about "
        "the same pictures, which was not done for this case. Run it again, with its images at hand."
    )


def _against_the_limits(outside: str) -> str:
    return (
        "pictures of one leaf get the same answer more often than from any untrained network, so the suspect has "
        f"learned something. Yet {outside}"
    )


def _too_close(chance: Chance) -> str:
    as_well = f"{_share(chance)} do as well" if chance.n_as_high else "none does quite as well, some nearly"
    return (
        "pictures of one leaf get the same answer about as often as from the best of the untrained networks that were "
        f"asked about them ({as_well}). Ask over a corpus that shows more of what was found."
    )


def _as_untrained(chance: Chance) -> str:
    return (
        f"{_share(chance)} of the random last layers on untrained networks give one leaf's pictures the same answer as "
        "often as the suspect does. Or this corpus shows too little of what it was trained on."
    )


def _share(chance: Chance) -> str:
    """ "12%"; "under 1%" where rounding would say 0 for something."""
    share = chance.n_as_high / chance.n_null
    return f"{share:.0%}" if share >= 0.01 else "under 1%"
