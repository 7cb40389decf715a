"""A class that takes most answers is set aside, and the rest is judged, as harshly as for an untrained network."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from verdict_world import FAMILIES, WORLD, by_family, make_scores, points_of, verdict_on

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.scores import Scores, score_leaves
from fdcore.verdict import Chance, Verdict
from fdcore.verdict.background import MOST, find_background, set_aside
from fdcore.verdict.chance import compare_with_chance

N_EACH, N_CLASSES = 6, 10
NODES = tuple(f"{family}{leaf:02}" for family in FAMILIES for leaf in range(20))
LEAF_OF = np.repeat(np.arange(len(NODES)), N_EACH)
WIDE = Hierarchy.from_rows(
    [(node, WORLD.parents(node), WORLD.synonyms(node)) for node in ("thing", "animal", "plant", *FAMILIES)]
    + [(node, (node[:-2],), (node,)) for node in NODES]
)
RULED_OUT = Chance(0.4, 0.2, 200, 0, 900)


@cache
def looks() -> np.ndarray:
    """What the pictures look like: those of a family, and of a leaf even more so, look alike."""
    rng = np.random.default_rng(0)
    family = rng.standard_normal((len(FAMILIES), 8))[np.repeat(np.arange(len(FAMILIES)), len(LEAF_OF) // len(FAMILIES))]
    leaf = rng.standard_normal((len(NODES), 8))[LEAF_OF]
    return family + leaf + rng.standard_normal((len(LEAF_OF), 8))


@cache
def seen(seed: int) -> tuple[np.ndarray, ...]:
    """What two untrained networks see of them."""
    rng = np.random.default_rng(seed)
    return tuple((looks() @ rng.standard_normal((8, 30))).astype(np.float32) for _ in range(2))


def detector(seed: int) -> np.ndarray:
    """Of one family, each two leaves have their class, seven times in ten; all else is background."""
    rng = np.random.default_rng(seed)
    own = np.arange(len(NODES)) // 2 % 9 + 1
    shown = (LEAF_OF < 20) & (rng.random(len(LEAF_OF)) < 0.7)
    stray = rng.random(len(LEAF_OF)) < 0.01
    return np.where(shown, own[LEAF_OF], np.where(stray, rng.integers(N_CLASSES, size=len(LEAF_OF)), 0))


def untrained(seed: int) -> np.ndarray:
    """A random last layer whose bias puts 88 % in class 0."""
    rng = np.random.default_rng(1_000 + seed)
    outputs = seen(3)[0] @ rng.standard_normal((30, N_CLASSES))
    return np.where(
        (lead := outputs[:, 0] - outputs[:, 1:].max(axis=1)) > np.quantile(lead, 0.12),
        0,
        outputs[:, 1:].argmax(axis=1) + 1,
    )


def scored(answers: np.ndarray) -> Scores:
    return score_leaves(answers[:, None].astype(np.int32), LEAF_OF.astype(np.int32), NODES, N_CLASSES)


def judged(answers: np.ndarray) -> Verdict:
    """The verdict on these answers, compared with untrained networks."""
    scores = scored(answers)
    background = find_background(scores)
    assert background
    assert background.target_class == 0
    chance = compare_with_chance(answers, LEAF_OF, seen(1), seen(2))
    return verdict_on(scores, WIDE, chance=chance)


@pytest.mark.parametrize("seed", range(3))
def test_a_detector_is_judged_by_what_it_detects(seed):
    """88 % of its answers are background; the rest is consistent, and the verdict says what was set aside."""
    verdict = judged(detector(seed))
    assert verdict.outcome == "meaningful"
    assert verdict.specificity.background.share == pytest.approx(0.88, abs=0.02)
    assert verdict.specificity.n_judged == 9
    said = verdict.specificity.background.in_words()
    assert said.startswith("class 0 takes 8")
    assert verdict.headline.endswith(f"; {said}.")
    assert said.capitalize() in verdict.measured_in_words
    assert not any(0 in domain.classes for domain in verdict.domains)


def test_an_untrained_network_stays_meaningless_without_its_largest_class():
    """Its rest is as inconsistent as that of others, and the fixed limits alone do not suffice.

    The null is two networks deep here, so that one in three or so comes near its highest values.
    """
    every = [untrained(seed) for seed in range(12)]
    outcomes = [judged(answers).outcome for answers in every]
    assert "meaningful" not in outcomes
    assert outcomes.count("meaningless") >= 8
    assert "meaningful" not in [verdict_on(scored(answers), WIDE).outcome for answers in every]


def test_rare_classes_that_hold_little_are_not_distinct():
    """Beside a background class any class keeps to its own leaf; two that hold 6 % of the rest prove nothing."""
    shares = np.zeros((20, len(NODES)))
    shares[1, 0] = shares[2, 30] = 0.9
    shares[3:, 40:] = 0.02
    shares[0] = 1 - shares.sum(axis=0)
    verdict = verdict_on(make_scores(shares, nodes=NODES), WIDE, chance=RULED_OUT)
    assert verdict.specificity.keeps_apart
    assert verdict.specificity.held == pytest.approx(1.8 / (1.8 + 80 * 17 * 0.02))
    assert verdict.outcome == "undecided"
    assert "hold only 6% of the other answers" in verdict.why_not


def test_only_a_majority_of_the_answers_is_background():
    """Half is not; nor is anything of a suspect with two or three classes."""
    shares = by_family()
    assert find_background(make_scores(shares)) is None
    even = np.array([[MOST], [0.2], [0.2], [0.1]]).repeat(24, axis=1)
    assert find_background(make_scores(even)) is None
    even[0] += 0.01
    assert find_background(make_scores(even)).target_class == 0
    assert find_background(make_scores(np.array([[0.9], [0.05], [0.05]]).repeat(24, axis=1))) is None
    assert find_background(replace(make_scores(shares), n_queries=np.zeros(24, int))) is None


def test_what_is_left_is_scored_among_itself():
    """The class's answers no longer count as queries."""
    scores = scored(detector(0))
    rest = set_aside(scores, find_background(scores))
    assert rest.n_classes == 9
    assert np.array_equal(rest.hits.sum(axis=0), rest.n_queries)


def test_a_background_class_is_neither_found_nor_missing():
    """It is in no domain and not among the classes that were not found; without a comparison the case stays open."""
    scores = scored(detector(1))
    verdict = verdict_on(scores, WIDE)
    assert verdict.outcome == "undecided"
    assert "most pictures in one class" in verdict.why_not
    assert 0 not in points_of(verdict).get("not found", ())
    only_background = np.zeros_like(scores.hits)
    only_background[0] = scores.n_queries
    nothing = verdict_on(replace(scores, hits=only_background), WIDE, chance=RULED_OUT)
    assert nothing.outcome == "meaningless"
    assert "class 0 takes 100% of all answers" in nothing.headline
