"""Kill -9 at any moment and run again: the same result to the last digit, and no query asked twice."""

import random
import signal
import time
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import forked
import pytest
import tiny_world

from fdcore.answers.ledger import Ledger
from fdcore.case.case import Case

RESULTS = ("scores.csv", "scores.json", "selection.csv", "selection.json", "images.csv", "report.html")
N_IMAGES = len(tiny_world.LEAVES) * tiny_world.PER_LEAF
N_QUERIES = N_IMAGES * 4
LAST_BATCH = N_IMAGES % tiny_world.BATCH  # the third batch of each view
MOMENTS = ["after query 112", "before:ledger.json", "before:corpus.parquet", "after:scores.csv", "inside replace 4"]
RARE = ["after query 32", "after query 320", "after:ledger.json", "after:hierarchy.parquet", "before:case.json",
        "before:selection.csv", "after:selection.json", "before:report.html",
        *(f"inside replace {n}" for n in (1, 2, 7)), *(f"beside replace {n}" for n in (3, 5))]  # fmt: skip

pytestmark = pytest.mark.slow


def start(world: Path, case: Path, log: Path, moment: str = "") -> ForkServerProcess:
    process = forked.process(tiny_world.run, (world / "corpus", case, world / "cache", log, moment))
    process.start()
    return process


def run(world: Path, case: Path, log: Path, moment: str = "") -> int:
    """The exit code of one investigation; a killed one gives minus the signal's number."""
    process = start(world, case, log, moment)
    process.join(120)
    assert process.exitcode is not None, "the run hangs"
    return process.exitcode


def results(case: Path) -> dict[str, bytes]:
    return {name: (case / name).read_bytes() for name in RESULTS}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    tiny_world.build(folder / "corpus")
    return folder


@pytest.fixture(scope="module")
def undisturbed(world: Path) -> dict[str, bytes]:
    """The results of a run that nobody killed."""
    assert run(world, world / "straight", world / "straight.log") == 0
    assert len((world / "straight.log").read_text().splitlines()) == N_QUERIES
    return results(world / "straight")


@pytest.mark.parametrize("moment", [*MOMENTS, *(pytest.param(rare, marks=pytest.mark.nightly) for rare in RARE)])
def test_killed_between_two_steps_nothing_is_asked_twice(world, undisturbed, tmp_path, moment):
    """Whatever stood on disk when the process died, the next run asks only what is missing and ends the same."""
    log = tmp_path / "log"
    log.touch()
    assert run(world, tmp_path / "case", log, moment) == -signal.SIGKILL
    assert run(world, tmp_path / "case", log) == 0
    asked = log.read_text().splitlines()
    assert len(asked) == len(set(asked)) == N_QUERIES
    assert results(tmp_path / "case") == undisturbed
    assert list(Case.open(tmp_path / "case").audit())


def test_killed_while_a_batch_is_out_only_that_batch_is_sent_again(world, undisturbed, tmp_path):
    """Answers that never arrived must be asked for again: one batch at most, and both times are counted."""
    log = tmp_path / "log"
    assert run(world, tmp_path / "case", log, "during batch 3") == -signal.SIGKILL
    assert run(world, tmp_path / "case", log) == 0
    times = Counter(log.read_text().splitlines())
    assert len(times) == N_QUERIES
    assert sorted(times.values()) == [1] * (N_QUERIES - LAST_BATCH) + [2] * LAST_BATCH
    assert Ledger.open(tmp_path / "case" / "ledger").n_sent == N_QUERIES + LAST_BATCH
    same = {name: content for name, content in results(tmp_path / "case").items() if name.endswith(".csv")}
    assert same == {name: content for name, content in undisturbed.items() if name.endswith(".csv")}


@pytest.mark.nightly
def test_killed_at_random_times_over_and_over(world, undisturbed, tmp_path):
    """A process killed six times at times nobody chose still ends with the same tables."""
    log, rng = tmp_path / "log", random.Random(1)
    log.touch()
    for _ in range(6):
        process = start(world, tmp_path / "case", log)
        time.sleep(rng.uniform(0.1, 0.9))
        process.kill()
        process.join()
    assert run(world, tmp_path / "case", log) == 0
    assert (tmp_path / "case" / "scores.csv").read_bytes() == undisturbed["scores.csv"]
    assert (tmp_path / "case" / "selection.csv").read_bytes() == undisturbed["selection.csv"]
    asked = log.read_text().splitlines()
    assert len(set(asked)) == N_QUERIES
    assert len(asked) - N_QUERIES <= 6 * tiny_world.BATCH  # at most the batch in flight, each time
