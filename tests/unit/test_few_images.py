"""A verdict on too few pictures says how many there were, how many are needed, and that this may be the reason."""

from dataclasses import replace

import numpy as np
import pytest
from verdict_world import by_family, make_scores, verdict_on

from fdcore.method.scores import Scores
from fdcore.verdict import Chance, Verdict

NEARLY = Chance(0.21, 0.2, 200, 0, 900)
NEEDED = "the median is 4 for each leaf, and at least 10 are needed."


def with_images(n_images: int, shares: np.ndarray) -> Scores:
    """Scores from this many images of each leaf, with ten views of each."""
    scores = make_scores(shares, asked=10 * n_images)
    return replace(scores, n_images=np.full(len(scores.nodes), n_images))


def few_images(verdict: Verdict) -> str:
    [text] = [f"{p.what} {p.why} {p.remedy}" for p in verdict.weak_points if p.key == "few images"] or [""]
    return text


@pytest.mark.parametrize(
    ("shares", "chance", "outcome"),
    [(np.full((6, 24), 1 / 6), None, "meaningless"), (by_family(), NEARLY, "undecided")],
)
def test_what_is_not_meaningful_may_be_due_to_too_few_images(shares, chance, outcome):
    """With four a leaf the reason and the headline say so; with ten they do not."""
    few, enough = (verdict_on(with_images(n, shares), chance=chance) for n in (4, 10))
    assert few.outcome == enough.outcome == outcome
    assert few.why_not.endswith(NEEDED)
    assert NEEDED in few.headline
    assert few.why_not.startswith(enough.why_not)
    assert "images alone" not in enough.why_not


def test_a_meaningful_verdict_needs_no_excuse():
    """Its weak point still says what few images mean."""
    verdict = verdict_on(with_images(4, by_family()))
    assert verdict.why_not == ""
    assert "(median 4)" in few_images(verdict)


@pytest.mark.parametrize(("n_images", "says"), [(9, True), (10, False), (19, False), (20, False)])
def test_the_weak_point_says_what_is_needed(n_images, says):
    """Below ten, that the verdict itself may fail for that reason; below twenty, that intervals are wide."""
    text = few_images(verdict_on(with_images(n_images, by_family())))
    assert ("for that reason alone" in text) == says
    assert bool(text) == (n_images < 20)
    assert not text or ("at least 10 for a verdict" in text and f"(median {n_images})" in text)
