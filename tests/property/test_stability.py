"""Laws of the stability map, with `select` as the oracle."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, select
from fdcore.method.stability import map_stability


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Scores, np.ndarray]:
    """Up to 8 leaves of one class with coarse scores and distances, so that ties are common."""
    n = draw(st.integers(1, 8))
    pairs = draw(st.lists(st.sampled_from([1, 2, 2, 3, 4, 7, np.inf]), min_size=n * n, max_size=n * n))
    apart = np.triu(np.array(pairs, np.float32).reshape(n, n), 1)
    apart = np.maximum(apart, apart.T)
    hits = np.array([draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))], np.int32)
    n_images = np.array(draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)))
    nodes = tuple(draw(st.permutations([f"n{i}" for i in range(n)])))
    return Scores(nodes, hits, np.full(n, 4), n_images, design_effect=1.0), apart


def increasing(values: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
    return st.lists(values, min_size=1, max_size=5, unique=True).map(sorted)


@settings(deadline=None, max_examples=50)
@given(
    world=worlds(),
    etas=increasing(st.sampled_from([0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 4.5, 7, 8, 1e6]) | st.floats(0, 10)),
    alphas=increasing(st.sampled_from([0.25, 0.5, 0.75, 1]) | st.floats(0.01, 1)),
    k=st.sampled_from([None, None, 2]),
)
def test_every_point_is_what_select_answers_there(world, etas, alphas, k) -> None:
    """Winner, medoid, L and S are those of `select` at every eta and alpha, ties included."""
    scores, apart = world
    leaves, knobs = np.arange(len(scores.nodes)), SelectionSettings(tau=0.25, k=k)
    stability = map_stability(scores, leaves, apart, knobs, 0, etas=etas, alphas=alphas)
    for row, eta in enumerate(etas):
        for column, alpha in enumerate(alphas):
            [found] = select(scores, leaves, apart, replace(knobs, eta=eta, alpha=alpha))
            winner = stability.winner_of(stability.winner[row, column])
            assert (winner is None) == (found.winner is None)
            if winner and found.winner:
                assert winner.members == found.winner.members
                assert winner.medoid == found.winner.medoid
                assert (winner.functional, winner.semantic) == (found.winner.functional, found.winner.semantic)
    assert abs(sum(winner.share for winner in stability.winners) - (stability.winner >= 0).mean()) < 1e-9
