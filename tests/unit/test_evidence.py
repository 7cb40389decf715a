"""Found or not found: what an answer must reach, relative to the suspect, and what comes nearest where nothing does."""

from dataclasses import replace

import numpy as np
import pytest

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.clustering import medoids_of
from fdcore.method.evidence import automatic_evidence, share_of_answers
from fdcore.method.misses import nearest_miss
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, select
from fdcore.method.weaknesses import BELOW_LIMIT, BELOW_TAU, EXCLUSIVE, weaknesses

LEAVES = ("poodle", "collie", "pug", "tabby", "oak", "elm")
WORLD = Hierarchy.from_rows(
    [("thing", (), ("thing",)), ("animal", ("thing",), ("animal",)), ("tree", ("thing",), ("tree",))]
    + [("dog", ("animal",), ("dog",))]
    + [(leaf, ("dog" if leaf in LEAVES[:3] else "animal" if leaf == "tabby" else "tree",), (leaf,)) for leaf in LEAVES]
)
STEPS = np.array([
    [0, 2, 2, 3, 5, 5], [2, 0, 2, 3, 5, 5], [2, 2, 0, 3, 5, 5],
    [3, 3, 3, 0, 4, 4], [5, 5, 5, 4, 0, 2], [5, 5, 5, 4, 2, 0],
], np.float32)  # fmt: skip
CLEAR = [0.9, 0.9, 0.8, 0, 0, 0]
FAINT = [0, 0, 0, 0, 0.3, 0.25]
SETTINGS = SelectionSettings(eta=2.5)


def scores_of(*shares: list[float], asked: int = 100) -> Scores:
    hits = np.round(np.array(shares) * asked).astype(np.int32)
    full = np.full(len(LEAVES), asked)
    return Scores(LEAVES, hits, full, full, design_effect=1.0)


def select_all(scores: Scores, settings: SelectionSettings = SETTINGS):
    return select(scores, np.arange(len(LEAVES)), STEPS, settings)


def test_what_an_answer_needs_depends_on_how_clearly_the_suspect_answers():
    """0.6 of the median class's best leaf, at least 0.2 and at most 0.6."""
    assert automatic_evidence(scores_of(CLEAR, CLEAR, FAINT).split(held_out=False)) == pytest.approx(0.54)
    assert automatic_evidence(scores_of(FAINT, FAINT).split(held_out=False)) == 0.2
    assert automatic_evidence(scores_of([1.0] * 6).split(held_out=False)) == 0.6


def test_the_same_answer_is_found_in_a_faint_suspect_and_not_in_a_clear_one():
    """The limit is relative: an L of 0.28 is nothing beside classes at 0.9, and all there is beside classes at 0.3."""
    among_clear = select_all(scores_of(CLEAR, CLEAR, FAINT))[2]
    among_faint = select_all(scores_of(FAINT, FAINT, FAINT))[2]
    assert (among_clear.found, among_clear.lacking) == (False, "evidence")
    assert among_faint.found
    assert among_clear.clusters == among_faint.clusters


def test_a_class_that_answers_a_little_everywhere_has_no_share():
    """Its best cluster passes on L and fails because hardly any of its answers are there."""
    nodes = tuple(f"n{i}" for i in range(400))
    shares = np.full((2, 400), 0.19)
    shares[0, 0], shares[1, 1:] = 0.21, 0.0
    shares[1, 1] = 0.3
    hits, full = np.round(shares * 100).astype(np.int32), np.full(400, 100)
    scores = Scores(nodes, hits, full, full, design_effect=1.0)
    apart = np.full((400, 400), np.inf, np.float32)
    scattered, _ = select(scores, np.arange(400), apart, SelectionSettings())
    assert scattered.lacking == "share"
    assert share_of_answers(scores, 0, [0]) < 0.003
    assert select(scores, np.arange(400), apart, SelectionSettings(share=0))[0].found


def test_without_limits_the_highest_objective_is_found_as_in_the_paper():
    """K-medoids, merging and the highest objective, whatever its evidence; k is chosen by silhouette."""
    paper = replace(SETTINGS, tau=0.2).by_paper_rule()
    assert paper.without_limits
    assert paper.k == "silhouette"
    assert all(selection.found for selection in select_all(scores_of(CLEAR, CLEAR, FAINT), paper))
    assert paper.by_evidence() == replace(SETTINGS, tau=0.2)


def test_the_silhouette_finds_the_groups():
    """Three dogs and two trees are two groups; two candidates stay alone."""
    dogs_and_trees = np.array([0, 1, 2, 4, 5])
    group = medoids_of(STEPS[np.ix_(dogs_and_trees, dogs_and_trees)], "silhouette")
    assert len(set(group[:3])) == 1
    assert len(set(group[3:])) == 1
    assert group[0] != group[3]
    assert medoids_of(STEPS[:2, :2], "silhouette").tolist() == [0, 1]


def test_a_miss_says_what_came_nearest_and_what_it_lacks():
    """The best cluster where there is one, the best leaf otherwise; nothing where no picture is in the class."""
    scores = scores_of(CLEAR, CLEAR, FAINT, [0, 0, 0, 0.1, 0, 0], [0] * 6)
    settings = replace(SETTINGS, evidence=0.5)
    faint, tabby, empty = (nearest_miss(s, scores, WORLD, settings) for s in select_all(scores, settings)[2:])
    assert faint is not None
    assert tabby is not None
    assert empty is None
    assert (faint.lacking, faint.limit, faint.name.label, faint.near) == ("evidence", 0.5, "tree", False)
    assert faint.functional == pytest.approx(0.275)
    assert (tabby.lacking, tabby.limit, tabby.name.label) == ("tau", 0.2, "tabby")
    assert "needs 0.50" in faint.why


def test_more_images_could_decide_a_miss_whose_interval_reaches_the_limit():
    """With 10 images an L of 0.4 may be 0.5; with 1,000 it is not."""
    for asked, near in ((10, True), (1000, False)):
        scores = scores_of([0.4, 0.4, 0.4, 0, 0, 0], asked=asked)
        settings = replace(SETTINGS, evidence=0.5)
        miss = nearest_miss(select_all(scores, settings)[0], scores, WORLD, settings)
        assert miss is not None
        assert miss.near is near


def test_an_answer_near_its_limit_is_doubted():
    """Its interval reaches below what an answer needs."""
    for settings, weakness in (
        (replace(SETTINGS, evidence=0.85), BELOW_LIMIT),
        (replace(SETTINGS, tau=0.85), BELOW_TAU),
    ):
        scores = scores_of([0.9, 0.9, 0.9, 0, 0, 0], asked=30)
        found = select_all(scores, settings)[0]
        assert weakness in weaknesses(found, scores, settings)


def test_closeness_does_not_outweigh_consistency():
    """Two trees at 0.32 lie close together and would beat a lone tabby at 0.6; by the paper's rule they do."""
    scores = scores_of([0, 0, 0, 0.6, 0.32, 0.32], CLEAR)
    settings = replace(SETTINGS, alpha=0.6)
    (by_evidence, _), (by_paper, _) = (select_all(scores, one) for one in (settings, replace(settings, relative=0.0)))
    assert [LEAVES[leaf] for leaf in by_evidence.winner.members] == ["tabby"]
    assert by_evidence.clusters[1].objective > by_evidence.winner.objective
    assert by_paper.nearest is not None
    assert {LEAVES[leaf] for leaf in by_paper.nearest.members} == {"oak", "elm"}


def test_what_is_no_evidence_does_not_hide_what_is():
    """Where two trees win by closeness, but fall short, a tabby that scores twice as high is found, if it does not."""
    settings = replace(SETTINGS, alpha=0.6, relative=0.0)

    def answer(tabby: float, tree: float, *, evidence: float = 0.5):
        scores = scores_of([0, 0, 0, tabby, tree, tree], CLEAR)
        found = select_all(scores, replace(settings, evidence=evidence))[0]
        shown = found.winner or found.nearest
        assert {LEAVES[leaf] for leaf in found.clusters[0].members} == {LEAVES[leaf] for leaf in shown.members}
        return found.found, {LEAVES[leaf] for leaf in shown.members}

    assert answer(0.6, 0.3) == (True, {"tabby"})
    assert answer(0.6, 0.32) == (False, {"oak", "elm"})
    assert answer(0.6, 0.3, evidence=0.7) == (False, {"oak", "elm"})
    assert answer(0.6, 0.3, evidence=0.3) == (True, {"oak", "elm"})


def many_leaves(own: int, elsewhere: int, n_leaves: int = 300, asked: int = 20) -> Scores:
    """One class that takes some views of leaf 7 and one view each of some others, and a clear class."""
    hits = np.zeros((2, n_leaves), np.int32)
    hits[0, 100 : 100 + elsewhere], hits[0, 7], hits[1, 20] = 1, own, asked
    full = np.full(n_leaves, asked)
    return Scores(tuple(f"n{i}" for i in range(n_leaves)), hits, full, full, design_effect=1.0)


def test_a_leaf_that_holds_the_class_alone_is_found_however_low_its_score():
    """Three of its twenty views are in the class, and hardly any other picture is; tau and evidence need more."""

    def found(scores: Scores, **changed: float):
        apart = np.full((len(scores.nodes),) * 2, np.inf, np.float32)
        return select(scores, np.arange(len(scores.nodes)), apart, SelectionSettings(**changed))[0]

    alone = found(many_leaves(3, 0))
    assert alone.winner is not None
    assert (alone.winner.members, alone.winner.functional) == ((7,), 0.15)
    assert alone.exclusive == pytest.approx(0.44, abs=0.01)
    assert weaknesses(alone, many_leaves(3, 0), SelectionSettings()) == (EXCLUSIVE,)
    assert not found(many_leaves(2, 0)).found  # two views are chance
    assert not found(many_leaves(3, 4)).found  # as many elsewhere
    assert not found(many_leaves(3, 0), exclusive=0.5).found
    assert not found(many_leaves(3, 0), exclusive=1.0).found
    assert not found(many_leaves(3, 0, n_leaves=110)).found  # in a small corpus it is no wonder
    strong = found(many_leaves(18, 0))
    assert strong.found
    assert strong.exclusive is None  # by its score


def test_exclusivity_changes_no_answer_that_the_score_gives():
    """It counts only where nothing is found by score."""
    drawn = np.random.default_rng(5)
    shares = drawn.random((8, 6)).tolist()
    scores = scores_of(*shares)
    with_it, without = select_all(scores), select_all(scores, replace(SETTINGS, exclusive=1.0))
    assert [a for a, b in zip(with_it, without, strict=True) if b.found] == [b for b in without if b.found]
