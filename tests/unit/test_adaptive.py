"""Adaptive asking: what is sent next, when it ends, and why its answers can be stated."""

import numpy as np
import pytest
from raising import raises

from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import SettingsError
from fdcore.method.adaptive import Adaptive, AdaptiveSweep
from fdcore.method.scores import score_leaves, stating_half
from fdcore.method.selection import SelectionSettings, select
from fdcore.suspect.preprocess import PreprocessSpec

N_CLASSES, N_LEAVES, PER_LEAF = 6, 30, 40
NODES = tuple(f"leaf{i:02}" for i in range(N_LEAVES))
HIERARCHY = Hierarchy.from_rows(
    [("root", [], []), *((f"p{i}", ["root"], []) for i in range(10))]
    + [(node, [f"p{i // 3}"], []) for i, node in enumerate(NODES)]
)
NODE_INDEX = np.repeat(np.arange(N_LEAVES, dtype=np.int32), PER_LEAF)
IDS = np.random.default_rng(4).permutation(N_LEAVES * PER_LEAF).astype(np.uint64)


def empty(n_views: int = 2, ids: np.ndarray = IDS) -> Ledger:
    header = LedgerHeader("s", N_CLASSES, PreprocessSpec(height=1, width=1), "c", 0, ViewSpec(), len(ids), n_views)
    return Ledger.in_memory(header, ids)


def suspect(shares: np.ndarray, seed: int = 0, n_views: int = 2) -> np.ndarray:
    """The answers to everything: (n_images, n_views), with the (n_leaves, n_classes) shares of each leaf."""
    rng = np.random.default_rng(seed)
    edges = shares.cumsum(axis=1)[NODE_INDEX][:, None, :]
    own = rng.random((len(NODE_INDEX), 1))
    another = rng.random((len(NODE_INDEX), n_views))
    draws = np.where(rng.random((len(NODE_INDEX), n_views)) < 0.7, own, another)  # an image's views are alike
    return np.minimum((draws[:, :, None] > edges).sum(axis=2), N_CLASSES - 1).astype(np.int32)


def clear() -> np.ndarray:
    """Each class has one leaf of its own; all others are spread evenly."""
    shares = np.full((N_LEAVES, N_CLASSES), 1 / N_CLASSES)
    for target in range(N_CLASSES):
        shares[5 * target] = 0.02
        shares[5 * target, target] = 0.9
    return shares


def run(
    sweep: AdaptiveSweep, ledger: Ledger, answers: np.ndarray, batch_size: int = 64, stop_after: int = 10**9
) -> int:
    """Answer the strategy's batches, and return how many queries were sent."""
    n_sent = 0
    for number, batch in enumerate(sweep(ledger, batch_size)):
        if number >= stop_after:
            break
        missing = ledger.missing(batch.images, batch.view)
        ledger.answers[missing, batch.view] = answers[missing, batch.view]
        n_sent += len(missing)
    return n_sent


def sweep(budget: int | None = None, plan: Adaptive | None = None) -> AdaptiveSweep:
    return AdaptiveSweep(plan or Adaptive(), NODE_INDEX, NODES, HIERARCHY, budget)


def test_a_clear_suspect_needs_a_fraction_of_the_queries_for_the_same_answers():
    """It ends by itself, and finds for every class the leaf that all queries together find."""
    answers, ledger, adaptive = suspect(clear()), empty(), sweep()
    n_sent = run(adaptive, ledger, answers)
    assert n_sent == adaptive.outcome.n_planned == (ledger.answers >= 0).sum() < 0.4 * answers.size
    assert adaptive.outcome.finished
    apart = np.full((N_LEAVES, N_LEAVES), 8.0, np.float32)
    found = select(score_leaves(ledger.answers, NODE_INDEX, NODES, N_CLASSES, IDS), np.arange(N_LEAVES), apart,
                   SelectionSettings())  # fmt: skip
    assert [one.winner.members for one in found] == [(5 * target,) for target in range(N_CLASSES)]


@pytest.mark.parametrize("budget", [None, 900])
def test_the_size_of_batches_changes_no_query(budget):
    """Steps are fixed by the answers, so that another machine, with other batches, asks the same."""
    answers = suspect(np.random.default_rng(1).dirichlet([0.4] * N_CLASSES, N_LEAVES))
    ledgers = [empty() for _ in range(2)]
    for ledger, batch_size in zip(ledgers, (7, 1000), strict=True):
        run(sweep(budget), ledger, answers, batch_size)
    assert np.array_equal(ledgers[0].answers, ledgers[1].answers)


@pytest.mark.parametrize("stop_after", [0, 1, 5, 20, 40])
def test_a_run_that_stops_anywhere_continues_to_the_same_answers(stop_after):
    """The steps are gone through again, over what the ledger holds."""
    answers = suspect(np.random.default_rng(2).dirichlet([0.4] * N_CLASSES, N_LEAVES))
    straight, stopped = empty(), empty()
    n_sent = run(sweep(), straight, answers)
    first = run(sweep(), stopped, answers, stop_after=stop_after)
    assert sweep().replay(stopped) is None
    assert first + run(sweep(), stopped, answers) == n_sent
    assert np.array_equal(straight.answers, stopped.answers)
    assert sweep().replay(stopped) is not None


def test_answers_that_the_ledger_held_before_are_not_looked_at_too_early():
    """A ledger with all answers leads through the same steps as an empty one."""
    answers, fresh, full = suspect(clear()), sweep(), sweep()
    run(fresh, empty(), answers)
    ledger = empty()
    ledger.answers[:] = answers
    assert full.replay(ledger) == fresh.outcome


@pytest.mark.parametrize("budget", [200, 400, 700, 1_000])
def test_a_budget_is_kept_and_leaves_something_for_the_stating_half(budget):
    """The planned queries stay within the budget, and answers still get images that chose nothing."""
    answers, ledger, adaptive = suspect(clear()), empty(), sweep(budget)
    assert run(adaptive, ledger, answers) == adaptive.outcome.n_planned <= budget
    states = stating_half(NODE_INDEX, IDS)
    per_leaf = np.bincount(NODE_INDEX, (ledger.answers[:, 0] >= 0) & states, N_LEAVES)
    assert per_leaf.min() >= 2
    assert (per_leaf[::5] >= (3 if budget > 300 else 2)).all()


def test_the_half_that_states_decides_nothing():
    """With all of its answers changed, the same queries are sent: nothing was stopped or chosen because of them."""
    answers = suspect(np.random.default_rng(3).dirichlet([0.4] * N_CLASSES, N_LEAVES))
    changed, states = answers.copy(), stating_half(NODE_INDEX, IDS)
    changed[states] = (answers[states] + 1) % N_CLASSES
    asked = []
    for given in (answers, changed):
        ledger = empty()
        run(sweep(), ledger, given)
        asked.append(ledger.answers >= 0)
    assert np.array_equal(*asked)
    assert not np.array_equal(answers, changed)


def test_l_and_its_interval_hold_although_asking_stopped_early():
    """A leaf that stopped because it looked good is measured on other images, a number fixed beforehand."""
    shares = np.full((N_LEAVES, N_CLASSES), 0.1)
    shares[np.arange(N_LEAVES), np.arange(N_LEAVES) % N_CLASSES] = 0.5  # five equally good leaves for each class
    inside, stated, apparent = [], [], []
    apart = np.full((N_LEAVES, N_LEAVES), 8.0, np.float32)
    for seed in range(30):
        ids = np.random.default_rng(seed).permutation(len(IDS)).astype(np.uint64)
        ledger = empty(ids=ids)
        run(sweep(), ledger, suspect(shares, seed))
        scores = score_leaves(ledger.answers, NODE_INDEX, NODES, N_CLASSES, ids)
        for one in select(scores, np.arange(N_LEAVES), apart, SelectionSettings(evidence=0, share=0)):
            inside.append(one.winner.low <= 0.5 <= one.winner.high)
            stated.append(one.winner.functional)
            apparent.append(one.winner.apparent)
    assert len(inside) == 180
    assert np.mean(inside) >= 0.92
    assert abs(np.mean(stated) - 0.5) < 0.02
    assert np.mean(apparent) > 0.57  # what the choosing half would have said


def test_leaves_of_few_images_are_asked_completely():
    """A leaf of one image has nothing to state, and a leaf of three is soon asked whole; neither is an error."""
    few = np.concatenate([NODE_INDEX[: 28 * PER_LEAF], [28, 29, 29, 29]]).astype(np.int32)
    ids = IDS[: len(few)]
    header = LedgerHeader("s", N_CLASSES, PreprocessSpec(height=1, width=1), "c", 0, ViewSpec(), len(few), 2)
    ledger = Ledger.in_memory(header, ids)
    adaptive = AdaptiveSweep(Adaptive(), few, NODES, HIERARCHY)
    run(adaptive, ledger, suspect(clear())[: len(few)])
    assert (ledger.answers[-4:, 0] >= 0).all()
    assert adaptive.outcome.finished


def test_error_level_and_numbers_out_of_range_are_refused():
    """Each with the value that came and what is expected."""
    with raises(SettingsError, "error range", "1.5"):
        Adaptive(error=1.5)
    with raises(SettingsError, "most range", "0"):
        Adaptive(most=0)
