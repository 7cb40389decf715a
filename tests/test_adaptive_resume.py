"""An adaptive run that is killed with -9 at any moment ends with the answers of one that was left alone."""

import signal
from collections import Counter
from pathlib import Path

import forked
import numpy as np
import pytest
import tiny_world

from fdcore.answers.ledger import Ledger
from fdcore.case.case import Case

RESULTS = ("scores.csv", "selection.csv", "selection.json", "images.csv", "near_tau.csv", "report.html")
N_ALL = len(tiny_world.LEAVES) * tiny_world.PER_LEAF * 4

pytestmark = pytest.mark.slow


def run(world: Path, case: Path, log: Path, moment: str = "") -> int:
    process = forked.process(tiny_world.run, (world / "corpus", case, world / "cache", log, moment, True))
    process.start()
    process.join(120)
    assert process.exitcode is not None, "the run hangs"
    return process.exitcode


def answers(case: Path) -> np.ndarray:
    return np.array(Ledger.open(case / "ledger").answers)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    tiny_world.build(folder / "corpus")
    assert run(folder, folder / "straight", folder / "straight.log") == 0
    return folder


@pytest.mark.parametrize("moment", ["after query 16", "after query 48", "before:near_tau.csv", "after:scores.csv"])
def test_killed_between_two_steps_the_same_queries_are_sent_once(world, tmp_path, moment):
    """What comes next follows from the ledger, so a second run sends exactly what the first one lacks."""
    log, straight = tmp_path / "log", (world / "straight.log").read_text().splitlines()
    assert len(straight) < N_ALL / 2
    assert run(world, tmp_path / "case", log, moment) == -signal.SIGKILL
    assert run(world, tmp_path / "case", log) == 0
    assert sorted(log.read_text().splitlines()) == sorted(straight)
    assert np.array_equal(answers(tmp_path / "case"), answers(world / "straight"))
    for name in RESULTS:
        assert (tmp_path / "case" / name).read_bytes() == (world / "straight" / name).read_bytes(), name


def test_killed_while_a_batch_is_out_only_that_batch_is_sent_again(world, tmp_path):
    """Answers that never arrived are asked for again, and decide what they would have decided."""
    log, straight = tmp_path / "log", (world / "straight.log").read_text().splitlines()
    assert run(world, tmp_path / "case", log, "during batch 4") == -signal.SIGKILL
    assert run(world, tmp_path / "case", log) == 0
    times = Counter(log.read_text().splitlines())
    assert sorted(times) == sorted(straight)
    assert 1 <= sum(times.values()) - len(straight) <= tiny_world.BATCH
    assert np.array_equal(answers(tmp_path / "case"), answers(world / "straight"))


def test_a_finished_run_sends_nothing_more_and_says_what_it_decided(world):
    """Running it again changes no file; the log names the counts and the error level."""
    before = {name: (world / "straight" / name).read_bytes() for name in RESULTS}
    log = world / "straight.log"
    n_sent = len(log.read_text().splitlines())
    assert run(world, world / "straight", log) == 0
    assert len(log.read_text().splitlines()) == n_sent
    assert before == {name: (world / "straight" / name).read_bytes() for name in RESULTS}
    decided = Case.open(world / "straight").facts().asking.decided
    assert (decided.finished, decided.n_planned, decided.error) == (True, n_sent, 0.05)
    assert decided.n_above >= len(tiny_world.LEAVES) - 1
    events = [entry["event"] for entry in Case.open(world / "straight").audit()]
    assert events.count("asking decided") == events.count("asking started") == 1
