"""Stability: the map of winners over eta and alpha."""

from dataclasses import replace

import numpy as np
import pytest
from paper_example import DISTANCES, HITS, NODES, make_scores
from raising import raises

from fdcore.errors import SettingsError
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings, candidate_leaves, select
from fdcore.method.stability import (
    DEFAULT_ALPHAS,
    DEFAULT_ETAS,
    StabilityMap,
    find_flips,
    map_stability,
    stability_of,
)

LEAVES = np.arange(5)


PAPER = make_scores([HITS, [0] * 5])


def names(members: tuple[int, ...]) -> list[str]:
    return [NODES[leaf] for leaf in members]


def random_world(seed: int) -> tuple[Scores, np.ndarray]:
    """Scores with many ties, and symmetric whole distances, some of them infinite."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 14))
    apart = np.triu(rng.integers(1, 9, (n, n)), 1).astype(np.float32)
    apart[np.triu(rng.random((n, n)) < 0.1, 1)] = np.inf
    n_queries, n_images = rng.integers(1, 6, n) * 4, rng.integers(1, 6, n)
    hits = (rng.integers(0, 5, (2, n)) * n_queries // 4).astype(np.int32)
    nodes = tuple(f"n{i:02d}" for i in rng.permutation(n))
    return Scores(nodes, hits, n_queries, n_images, design_effect=1.0), apart + apart.T


def assert_agrees(
    stability: StabilityMap, scores: Scores, leaves: np.ndarray, distances: np.ndarray, settings: SelectionSettings
) -> None:
    """Every point of the map is what `select` answers there, to the last bit."""
    for row, eta in enumerate(stability.etas.tolist()):
        for column, alpha in enumerate(stability.alphas.tolist()):
            found = select(scores, leaves, distances, replace(settings, eta=eta, alpha=alpha))
            expected = found[stability.target_class].winner
            if expected is None:
                assert stability.winner[row, column] == -1
                continue
            winner = stability.winners[stability.winner[row, column]]
            assert (winner.medoid, winner.members) == (expected.medoid, expected.members)
            assert (winner.functional, winner.semantic) == (expected.functional, expected.semantic)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("k", [None, 3])
def test_every_point_is_what_select_answers_there(seed, k):
    """Ties, unrelated leaves and any k included, in random worlds."""
    scores, distances = random_world(seed)
    settings = SelectionSettings(tau=0.25, k=k, k_max=10)
    leaves = np.arange(len(scores.nodes))
    for target_class in (0, 1):
        stability = map_stability(
            scores, leaves, distances, settings, target_class, etas=(0, 1, 2, 2.5, 3, 5, 50), alphas=(0.1, 0.5, 1)
        )
        assert_agrees(stability, scores, leaves, distances, settings)


@pytest.mark.parametrize("score", [3, 6])
def test_where_no_cluster_is_found_the_leaf_that_holds_the_class_alone_is(score):
    """As `select` says: everywhere if there is no candidate, else where the best cluster falls short."""
    n = 300
    hits, asked = np.zeros((2, n), np.int32), np.full(n, 20)
    hits[0, 7], hits[0, 8], hits[1, 20] = score, score // 6, 20
    scores = Scores(tuple(f"n{i:03}" for i in range(n)), hits, asked, asked, design_effect=1.0)
    distances = np.full((n, n), np.inf, np.float32)
    distances[7, 8] = distances[8, 7] = 2
    settings = SelectionSettings(evidence=0.5, relative=0.3)
    stability = map_stability(scores, np.arange(n), distances, settings, 0, etas=(0, 2.5, 5), alphas=(0.1, 0.5, 1))
    assert_agrees(stability, scores, np.arange(n), distances, settings)
    assert [winner.members for winner in stability.winners] == [(7,)]
    assert stability.winners[0].share == 1


def test_a_leaf_that_outscores_what_is_no_evidence_wins_there():
    """As `select` says, wherever closeness would make a weak pair win."""
    n, asked = 40, np.full(40, 100)
    hits = np.zeros((2, n), np.int32)
    hits[0, [7, 8, 9]], hits[1, 20] = (60, 30, 30), 90
    distances = np.full((n, n), np.inf, np.float32)
    distances[8, 9] = distances[9, 8] = 1
    scores = Scores(tuple(f"n{i:03}" for i in range(n)), hits, asked, asked, design_effect=1.0)
    settings = SelectionSettings(relative=0.0, evidence=0.5)
    stability = map_stability(scores, np.arange(n), distances, settings, 0, etas=(0, 2.5, 5), alphas=(0.1, 0.5, 1))
    assert_agrees(stability, scores, np.arange(n), distances, settings)
    assert [winner.members for winner in stability.winners] == [(7,)]


def test_the_default_grid_holds_the_default_settings():
    """At the default eta and alpha the map is exact, not the nearest point."""
    defaults = SelectionSettings()
    assert defaults.eta in DEFAULT_ETAS
    assert defaults.alpha in DEFAULT_ALPHAS


def test_the_papers_example_shows_where_the_false_friend_takes_over():
    """The aircraft win where their nearness counts and they are together; the hammerhead where only scores count."""
    stability = map_stability(PAPER, LEAVES, DISTANCES, SelectionSettings(), 0)
    assert names(stability.at(7.5, 0.5).members) == ["airliner", "wing", "warplane"]
    assert names(stability.at(7.5, 1.0).members) == ["hammerhead"]
    assert names(stability.at(0, 0.5).members) == ["hammerhead"]
    assert_agrees(stability, PAPER, LEAVES, DISTANCES, SelectionSettings())


def test_winners_come_by_their_share_of_the_map():
    """Shares are those of the points, the largest first, and sum to 1."""
    stability = map_stability(PAPER, LEAVES, DISTANCES, SelectionSettings(), 0)
    shares = [winner.share for winner in stability.winners]
    assert shares == [np.mean(stability.winner == n) for n in range(len(shares))]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert len({winner.members for winner in stability.winners}) == len(shares)
    assert stability.winner.shape == (len(DEFAULT_ETAS), len(DEFAULT_ALPHAS))
    assert stability.winner.dtype == np.int16


def test_a_class_without_candidates_has_no_winner_anywhere():
    """ "Not found" is an answer, and it is stable."""
    stability = map_stability(PAPER, LEAVES, DISTANCES, SelectionSettings(), 1)
    assert stability.winners == ()
    assert (stability.winner == -1).all()
    assert stability.at(7.5, 0.7) is None
    assert stability_of(stability, ()) == stability_of(stability, (), near=SelectionSettings()) == 1
    assert stability_of(stability, (1,)) == 0


def test_a_lonely_candidate_wins_everywhere():
    """One leaf cannot merge with anything."""
    stability = map_stability(make_scores([[0, 0, 90, 0, 0]]), LEAVES, DISTANCES, SelectionSettings(), 0)
    assert [winner.members for winner in stability.winners] == [(2,)]
    assert stability_of(stability, (2,)) == 1


def test_only_the_candidates_distances_are_needed():
    """As for `select`: `candidate_leaves` is enough, fewer are refused."""
    scores, settings = make_scores([[94, 92, 10, 97, 10]]), SelectionSettings()
    leaves = candidate_leaves(scores, settings)
    some = map_stability(scores, leaves, DISTANCES[np.ix_(leaves, leaves)], settings, 0)
    assert some.winners == map_stability(scores, LEAVES, DISTANCES, settings, 0).winners
    with raises(SettingsError, "unknown distance", "hammerhead"):
        map_stability(scores, leaves[:2], DISTANCES[:2, :2], settings, 0)
    with raises(SettingsError, "other leaves"):
        map_stability(scores, leaves, DISTANCES, settings, 0)


def winner_at(settings: SelectionSettings) -> tuple[int, ...]:
    found: ClassSelection = select(PAPER, LEAVES, DISTANCES, settings)[0]
    return found.winner.members


def test_stability_is_the_share_of_points_with_the_same_winner():
    """Over the whole map it is the winner's share, in whatever order its leaves are given."""
    stability = map_stability(PAPER, LEAVES, DISTANCES, SelectionSettings(), 0)
    for winner in stability.winners:
        assert stability_of(stability, winner.members) == pytest.approx(winner.share)
        assert stability_of(stability, winner.members[::-1]) == pytest.approx(winner.share)
    assert stability_of(stability, (0, 3)) == 0


def test_near_the_edge_an_answer_is_less_stable_than_far_from_it():
    """Only small moves of eta and alpha count when asked for."""
    stability = map_stability(PAPER, LEAVES, DISTANCES, SelectionSettings(), 0)
    safe, edge = SelectionSettings(eta=8, alpha=0.5), SelectionSettings(eta=4.5, alpha=0.5)
    assert winner_at(safe) == winner_at(edge)
    assert stability_of(stability, winner_at(safe), near=safe) == 1
    assert 0.4 < stability_of(stability, winner_at(edge), near=edge) < 0.6


def test_the_neighbourhood_is_cut_at_the_maps_border():
    """By hand: etas 2 and 4 of 0, 2, 4, 6 lie within 2 of 3.5 and 1, 0.9 of the alphas within 0.15 of 1."""
    stability = map_stability(
        PAPER, LEAVES, DISTANCES, SelectionSettings(), 0, etas=(0, 2, 4, 6), alphas=(0.5, 0.8, 0.9, 1)
    )
    near = stability.winner[1:3, 2:]
    members = stability.winners[near[0, 0]].members
    expected = float((near == near[0, 0]).mean())
    assert stability_of(stability, members, near=SelectionSettings(eta=3.5, alpha=1)) == expected


def test_settings_beyond_the_map_are_compared_with_its_nearest_points():
    """An eta of 1,000 is not on the map; its last row speaks for it."""
    stability = map_stability(PAPER, LEAVES, DISTANCES, SelectionSettings(), 0)
    far = SelectionSettings(eta=1000, alpha=0.5)
    assert stability_of(stability, winner_at(far), near=far) == 1


@pytest.mark.parametrize(
    ("grid", "key"),
    [({"etas": ()}, "map size"), ({"alphas": ()}, "map size"), ({"etas": range(2000)}, "map size"),
     ({"etas": (2, 1)}, "map order"), ({"alphas": (0.5, 0.5)}, "map order"), ({"etas": (-1, 1)}, "eta range"),
     ({"alphas": (0, 1)}, "alpha range"), ({"alphas": (0.5, 1.5)}, "alpha range"),
     ({"etas": (1, float("nan"))}, "eta range")],
)  # fmt: skip
def test_bad_grids_are_refused(grid, key):
    """Empty, huge, unordered and out of range."""
    with raises(SettingsError, key):
        map_stability(PAPER, LEAVES, DISTANCES, SelectionSettings(), 0, **grid)


def test_flips_are_the_nearest_points_at_which_another_cluster_wins():
    """Each is a point of the map next to one where the current winner still wins, along one axis."""
    settings = SelectionSettings(eta=4.5, alpha=0.7, tau=0.5)
    stability = map_stability(PAPER, LEAVES, DISTANCES, settings, 0)
    row, column = stability.nearest(settings.eta, settings.alpha)
    here = stability.winner[row, column]
    flips = find_flips(stability, settings)
    assert flips
    for flip in flips:
        assert stability.at(*((flip.value, 0.7) if flip.axis == "eta" else (4.5, flip.value))) == flip.winner
        assert flip.winner != stability.winners[here]
        axis, along, start = (
            (stability.etas, stability.winner[:, column], row)
            if flip.axis == "eta"
            else (stability.alphas, stability.winner[row], column)
        )
        end = int(np.flatnonzero(axis == flip.value)[0])
        assert abs(end - start) == flip.n_points
        step = 1 if end > start else -1
        assert (along[start:end:step] == here).all()


def test_a_class_without_candidates_never_flips():
    """There is nothing that could win."""
    settings = SelectionSettings(tau=0.5)
    assert find_flips(map_stability(PAPER, LEAVES, DISTANCES, settings, 1), settings) == ()
