"""Of two classes each must answer much of everything: a domain is named only for an answer that stands out."""

import numpy as np
import pytest
from verdict_world import LEAVES, make_scores, verdict_on

from fdcore.method.selection import SelectionSettings
from fdcore.verdict import Chance, Verdict

RULED_OUT = Chance(0.4, 0.2, 200, 0, 900)
FINE = SelectionSettings(eta=3)  # families stay apart


def verdict_of(first: np.ndarray) -> Verdict:
    """The verdict on two classes, the first of which has these shares."""
    return verdict_on(make_scores(np.stack([first, 1 - first])), settings=FINE, chance=RULED_OUT)


@pytest.mark.parametrize("loyal", [0.8, 0.95, 1.0])
def test_two_classes_that_share_everything_name_no_domain(loyal):
    """Each is given for half of every family: the headline says so, and names nothing."""
    verdict = verdict_of(np.where(np.arange(len(LEAVES)) % 2, loyal, 1 - loyal))
    assert (verdict.outcome, verdict.n_found, verdict.domains) == ("meaningful", 2, ())
    assert verdict.headline == (
        "The suspect distinguishes things, but each class that was found takes in much of everything, so no domain can "
        "be named."
    )


def test_a_class_that_stands_out_is_named_and_its_opposite_is_not():
    """One family, and everything else: the first is the domain."""
    verdict = verdict_of(np.where([leaf.startswith("animala") for leaf in LEAVES], 0.95, 0.1))
    assert [(domain.label, domain.classes) for domain in verdict.domains] == [("animala", (0,))]
    assert verdict.headline == (
        "The suspect's answers are consistent with training data from animala (1 class); 1 class takes in much of "
        "everything and cannot be named."
    )


def test_three_classes_are_named_as_before():
    """Each may stand out there, so a large share elsewhere remains a weak point of its own."""
    shares = np.full((3, len(LEAVES)), 0.02)
    shares[0] = 0.5
    shares[1, :4], shares[0, :4] = 0.9, 0.05
    shares[2, 4:8], shares[0, 4:8] = 0.9, 0.05
    shares[0, 8:12] = 0.9
    assert {each for domain in verdict_on(make_scores(shares)).domains for each in domain.classes} == {0, 1, 2}
