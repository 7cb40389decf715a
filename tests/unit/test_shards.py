"""Queries in shards: the same ledger as in one process, whatever is lost on the way."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from raising import raises

from fdcore.answers.asking import Batch, ask_suspect, dense_sweep
from fdcore.answers.ledger import NOT_ASKED, Ledger, LedgerHeader
from fdcore.answers.shards import (
    MAX_BYTES,
    MAX_PICTURES,
    LostError,
    Task,
    answer_shard,
    ask_in_shards,
    cut,
    seal,
    shard_size,
    unseal,
)
from fdcore.answers.views import ViewSpec
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import StorageError, SuspectError
from fdcore.method.adaptive import Adaptive, AdaptiveSweep
from fdcore.storage import SharedFolder
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import CallableSuspect

SPEC = PreprocessSpec(height=8, width=8)
N_IMAGES, N_VIEWS, BATCH = 90, 3, 4
HEADER = LedgerHeader("f" * 64, 3, SPEC, "corpus", 7, ViewSpec(), N_IMAGES, N_VIEWS)
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (N_IMAGES, 8, 8, 3), dtype=np.uint8)
IDS = RNG.permutation(N_IMAGES).astype(np.uint64) << np.uint64(50)


def by_sum(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1).astype(np.int64).sum(axis=1) % 3


class Threads:
    """Three workers, each with a suspect of its own; `loses` says what happens to the n-th shard that is handed out."""

    def __init__(
        self, loses: Callable[[int], str] = lambda _n: "", predict: Callable[[np.ndarray], np.ndarray] = by_sum
    ) -> None:
        self._pool, self._loses, self._predict = ThreadPoolExecutor(3), loses, predict
        self.tasks: list[Task] = []

    def size(self) -> int:
        return 3

    def submit(self, task: Task) -> "Future[bytes]":
        self.tasks.append(task)
        return self._pool.submit(self._answer, task, self._loses(len(self.tasks)))

    def _answer(self, task: Task, fate: str) -> bytes:
        if fate == "lost":
            raise LostError("its machine was switched off.")
        suspect = CallableSuspect(self._predict, n_classes=3, spec=SPEC, fingerprint="f" * 64, batch_size=BATCH)
        content = answer_shard(suspect, task)
        if fate == "lost after writing":
            raise LostError("its machine was switched off.")
        return content[:-1] if fate == "damaged" else content


def new_ledger() -> Ledger:
    return Ledger.in_memory(HEADER, IDS)


def in_one_process(budget: int | None = None) -> Ledger:
    ledger = new_ledger()
    suspect = CallableSuspect(by_sum, n_classes=3, spec=SPEC, fingerprint="f" * 64, batch_size=BATCH)
    ask_suspect(suspect, ledger, PIXELS, budget=budget)
    return ledger


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "shards")


def shards_in(place: str) -> list[str]:
    return SharedFolder(place).names()


@pytest.mark.parametrize("budget", [None, 91, 137, N_IMAGES * N_VIEWS])
def test_the_ledger_is_the_one_of_a_single_process(place, budget):
    """Row for row, view for view, with any budget; nothing stays in the folder of shards."""
    ledger, straight = new_ledger(), in_one_process(budget)
    how = ask_in_shards(Threads(), ledger, PIXELS, batch_size=BATCH, place=place, budget=budget)
    assert np.array_equal(ledger.answers, straight.answers)
    assert ledger.n_sent == straight.n_sent == (budget or N_IMAGES * N_VIEWS)
    assert how.finished == (budget in (None, N_IMAGES * N_VIEWS))
    assert how.n_shards == sum(how.runtimes.values()) >= 9
    assert shards_in(place) == []


def test_adaptive_asking_sends_the_same_queries_in_shards(place):
    """A strategy that depends on answers gets them in time, and decides the same."""
    leaves = [f"leaf{i}" for i in range(9)]
    tree = Hierarchy.from_rows([("top", (), ("top",)), *((leaf, ("top",), (leaf,)) for leaf in leaves)])
    index = np.arange(N_IMAGES, dtype=np.int32) % 9
    sweeps = [AdaptiveSweep(Adaptive(), index, leaves, tree) for _ in range(2)]
    suspect = CallableSuspect(by_sum, n_classes=3, spec=SPEC, fingerprint="f" * 64, batch_size=BATCH)
    straight, ledger = new_ledger(), new_ledger()
    ask_suspect(suspect, straight, PIXELS, strategy=sweeps[0])
    ask_in_shards(Threads(), ledger, PIXELS, batch_size=BATCH, place=place, strategy=sweeps[1])
    assert np.array_equal(ledger.answers, straight.answers)
    assert sweeps[0].outcome == sweeps[1].outcome is not None
    assert ledger.n_sent == straight.n_sent


@pytest.mark.parametrize("fate", ["lost", "damaged"])
def test_a_lost_worker_costs_one_shard(place, fate):
    """It is counted and sent again; the answers are the same."""
    workers, ledger = Threads(lambda n: fate if n == 4 else ""), new_ledger()
    how = ask_in_shards(workers, ledger, PIXELS, batch_size=BATCH, place=place)
    assert np.array_equal(ledger.answers, in_one_process().answers)
    assert how.finished
    assert how.n_lost == 1
    assert ledger.n_sent == N_IMAGES * N_VIEWS + len(workers.tasks[3].image_ids)
    assert ledger.n_sent == sum(len(task.image_ids) for task in workers.tasks)


def test_a_worker_that_is_lost_with_a_finished_shard_costs_nothing(place):
    """Its file is there, and is taken."""
    workers, ledger = Threads(lambda n: "lost after writing" if n % 2 else ""), new_ledger()
    how = ask_in_shards(workers, ledger, PIXELS, batch_size=BATCH, place=place)
    assert (how.n_lost, ledger.n_sent) == (0, N_IMAGES * N_VIEWS)
    assert np.array_equal(ledger.answers, in_one_process().answers)


def test_a_shard_that_is_lost_again_and_again_ends_the_run(place):
    """What was answered before is kept; the message says what happened to it."""
    ledger = new_ledger()
    with raises(SuspectError, "shard lost", "switched off"):
        ask_in_shards(Threads(lambda n: "lost" if n > 3 else ""), ledger, PIXELS, batch_size=BATCH, place=place)
    assert 0 < ledger.n_answered < ledger.n_sent


@pytest.mark.parametrize("budget", [100, 150])
def test_lost_shards_never_exceed_the_budget(place, budget):
    """What was lost counts; where the budget does not cover it again, its pictures stay unasked."""
    workers, ledger = Threads(lambda n: "lost" if n in (2, 5) else ""), new_ledger()
    how = ask_in_shards(workers, ledger, PIXELS, batch_size=BATCH, place=place, budget=budget)
    assert sum(len(task.image_ids) for task in workers.tasks) == ledger.n_sent == budget
    assert not how.finished
    assert ledger.n_answered == budget - sum(len(workers.tasks[n - 1].image_ids) for n in (2, 5))


def test_a_driver_that_starts_again_takes_what_was_finished(place):
    """Shards that workers had finished when the driver was killed are recorded, not sent."""
    killed, workers = new_ledger(), Threads()

    def die(_stage: str, done: int, _total: int) -> None:
        if done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_in_shards(workers, killed, PIXELS, batch_size=BATCH, place=place, progress=die)
    workers._pool.shutdown()
    left = shards_in(place)
    assert left
    n_sent, n_answered = killed.n_sent, killed.n_answered
    again = Threads()
    how = ask_in_shards(again, killed, PIXELS, batch_size=BATCH, place=place)
    assert how.n_found == len(left)
    assert np.array_equal(killed.answers, in_one_process().answers)
    assert killed.n_sent == n_sent + sum(len(task.image_ids) for task in again.tasks) == N_IMAGES * N_VIEWS
    assert n_answered < N_IMAGES * N_VIEWS
    assert shards_in(place) == []


def kept_shard(place: str) -> tuple[str, bytes]:
    """A finished shard whose driver was killed."""
    kept: list[bytes] = []

    class Once(Threads):
        def submit(self, task: Task) -> "Future[bytes]":
            kept.append(super().submit(task).result())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_in_shards(Once(), new_ledger(), PIXELS, batch_size=BATCH, place=place)
    [name] = shards_in(place)
    return name, kept[0]


@pytest.mark.parametrize(
    "change", [lambda c: c[:50], lambda c: c[:40] + b"?" + c[41:], lambda c: b"", lambda c: c + b"0"]
)
def test_a_damaged_file_is_asked_again(place, change):
    """The checksum decides, so half a file or a changed byte never becomes an answer."""
    name, content = kept_shard(place)
    SharedFolder(place).write(name, change(content))
    ledger = new_ledger()
    how = ask_in_shards(Threads(), ledger, PIXELS, batch_size=BATCH, place=place)
    assert how.n_found == 0
    assert np.array_equal(ledger.answers, in_one_process().answers)
    assert shards_in(place) == []


def test_a_file_about_other_queries_or_without_sense_is_not_taken(place):
    """Another seed, a view that the ledger lacks, pictures that it lacks, or a class that there is not."""
    _, content = kept_shard(place)
    shard = unseal(content)
    others = [
        replace(shard, header=replace(shard.header, seed=8)),
        replace(shard, view=N_VIEWS),
        replace(shard, image_ids=b"\xff" * len(shard.image_ids)),
    ]
    for number, other in enumerate(others):
        SharedFolder(place).write(f"{number}.shard", seal(other))
    ledger = new_ledger()
    ask_in_shards(Threads(), ledger, PIXELS, batch_size=BATCH, place=place, budget=1)
    n = len(shard.labels) // 4
    assert ledger.n_answered == n + 1  # the good one, and the one query that the budget allows
    for senseless in (replace(shard, labels=b"\x09\0\0\0" * n), replace(shard, labels=b""), replace(shard, view=-1)):
        assert unseal(seal(senseless)) is None


def test_what_the_suspect_fails_at_is_raised_and_the_rest_is_kept(place):
    """An error of the suspect is not a lost worker: it is not sent again."""

    def fails(pictures: np.ndarray) -> np.ndarray:
        return np.full(len(pictures), 9)

    workers = Threads(predict=fails)
    with raises(SuspectError, "unknown class"):
        ask_in_shards(workers, new_ledger(), PIXELS, batch_size=BATCH, place=place)
    assert len(workers.tasks) <= 4


def test_a_worker_with_another_suspect_answers_nothing(place):
    """The fingerprint goes with the task."""
    task = Task(replace(HEADER, n_images=N_IMAGES, n_views=1), 0, IDS, PIXELS, 0, place)
    other = CallableSuspect(by_sum, n_classes=3, spec=SPEC, fingerprint="e" * 64)
    with raises(SuspectError, "another suspect"):
        answer_shard(other, task)


def test_shards_hold_whole_batches_in_order_and_end_where_answers_are_needed():
    """Every query is in one shard; before a pause each worker gets something."""
    ledger = new_ledger()
    ledger.answers[5, 0] = 1
    shards = list(cut(dense_sweep, ledger, BATCH, 20))
    assert None not in shards
    assert [len(shard.images) for shard in shards] == [20, 20, 20, 20, 9, 20, 20, 20, 20, 10, 20, 20, 20, 20, 10]
    sent = [(int(image), shard.view) for shard in shards for image in shard.images]
    straight = in_one_process()
    assert sent == [(i, v) for v in range(N_VIEWS) for i in range(N_IMAGES) if ledger.answers[i, v] == NOT_ASKED]
    assert len(sent) == straight.n_sent - 1
    waves = [Batch(np.arange(10), 0, next_is_independent=True), Batch(np.arange(10, 13), 0), Batch(np.arange(9), 1)]
    found = [shard and len(shard.images) for shard in cut(lambda *_: iter(waves), new_ledger(), BATCH, 8)]
    assert found == [8, 4, 1, None, 4, 4, 1, None]


def test_a_shard_is_bounded_in_memory_and_small_where_there_is_little_to_do():
    """Thousands of small pictures or hundreds of large ones; never less than a batch."""
    large = PreprocessSpec(height=224, width=224)
    assert shard_size(SPEC, 256, 10**7, 8) == MAX_PICTURES
    n = shard_size(large, 4, 10**7, 8)
    assert n % 4 == 0
    assert MAX_BYTES * 0.9 < n * 224 * 224 * 3 <= MAX_BYTES
    assert shard_size(SPEC, 256, 10_000, 8) == 256
    assert shard_size(SPEC, 256, 0, 0) == 256


def test_a_folder_that_a_worker_does_not_see_is_left_alone(tmp_path):
    """The answers arrive all the same; without a driver's folder nothing is written."""
    SharedFolder(str(tmp_path / "absent")).write("a.shard", b"a")
    assert not (tmp_path / "absent").exists()
    (tmp_path / "file").write_text("")
    with raises(StorageError, "path unwritable"):
        ask_in_shards(Threads(), new_ledger(), PIXELS, batch_size=BATCH, place=str(tmp_path / "file" / "shards"))
