"""The ledger: cache, budget, resume and replay."""

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import case_factory
import numpy as np
import pytest
import reshaping
from raising import raises

from fdcore.answers.asking import Batch, ask_suspect, n_queries_left
from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case.case import Case
from fdcore.errors import CaseError, SuspectError
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import CallableSuspect
from fdcore.work.investigate import run_plan
from ui import cached

SPEC = PreprocessSpec(height=8, width=8)
N_IMAGES, N_VIEWS = 30, 4


class Counter:
    """A suspect's function that remembers every picture it was sent."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.seen: list[bytes] = []
        self.fail_at = fail_at

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        self.seen += [p.tobytes() for p in pictures]
        if self.fail_at is not None and len(self.seen) > self.fail_at:
            raise SuspectError("the wire was cut", key="wire cut")
        return pictures.reshape(len(pictures), -1).astype(np.int64).sum(axis=1) % 3

    def suspect(self) -> CallableSuspect:
        return CallableSuspect(self, n_classes=3, spec=SPEC, fingerprint="f" * 64, batch_size=7)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (N_IMAGES, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def ids() -> np.ndarray:
    return np.arange(1, N_IMAGES + 1).astype(np.uint64) << np.uint64(20)


HEADER = LedgerHeader("f" * 64, 3, SPEC, "corpus", 0, ViewSpec(), N_IMAGES, N_VIEWS)


def test_every_query_is_sent_once(tmp_path, pixels, ids):
    """A full run sends each view of each image once; a second run sends nothing and answers the same."""
    counter = Counter()
    ledger = Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    assert ask_suspect(counter.suspect(), ledger, pixels)
    assert len(counter.seen) == len(set(counter.seen)) == N_IMAGES * N_VIEWS == ledger.n_sent
    before = ledger.answers.copy()
    again = Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    assert ask_suspect(counter.suspect(), again, pixels)
    assert len(counter.seen) == N_IMAGES * N_VIEWS
    assert np.array_equal(again.answers, before)


def test_a_ledger_in_memory_is_asked_like_one_on_disk(tmp_path, pixels, ids):
    """Without a folder the answers and the count are the same, and a copy on disk opens with all of them."""
    ledger, on_disk = Ledger.in_memory(HEADER, ids), Ledger.open_or_create(tmp_path / "disk", HEADER, ids)
    with ledger.exclusively():
        assert not ask_suspect(Counter().suspect(), ledger, pixels, budget=50)
        assert ask_suspect(Counter().suspect(), ledger, pixels)
    ask_suspect(Counter().suspect(), on_disk, pixels)
    ledger.copy_to(tmp_path / "copy")
    copy = Ledger.open(tmp_path / "copy")
    assert ledger.n_sent == copy.n_sent == N_IMAGES * N_VIEWS
    assert np.array_equal(ledger.answers, on_disk.answers)
    assert np.array_equal(copy.answers, on_disk.answers)
    with raises(CaseError, "ledger in memory"):
        _ = ledger.folder


@pytest.mark.parametrize("budget", [1, 6, 7, 8, 50, 119, 120, 500])
def test_a_budget_of_n_never_sends_one_more(tmp_path, pixels, ids, budget):
    """The budget holds to the query, in one run and over several."""
    counter = Counter()
    ledger = Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    for _ in range(3):
        complete = ask_suspect(counter.suspect(), ledger, pixels, budget=budget)
    assert len(counter.seen) == min(budget, 120) == ledger.n_sent
    assert complete == (budget >= 120)


def test_a_strategy_may_stop_early_and_sends_nothing_twice(tmp_path, pixels, ids):
    """It sees every answer before it chooses the next queries, and the run is complete when it ends."""
    counter, ledger = Counter(), Ledger.in_memory(HEADER, ids)

    def until_class_0(known: Ledger, batch_size: int) -> Iterator[Batch]:
        """The views of every image, until one of them was put in class 0."""
        for view in range(known.header.n_views):
            yield Batch(np.flatnonzero((known.answers != 0).all(axis=1)), view)
        yield Batch(np.arange(N_IMAGES), 0)

    assert not ask_suspect(counter.suspect(), ledger, pixels, budget=N_IMAGES + 1, strategy=until_class_0)
    assert ask_suspect(counter.suspect(), ledger, pixels, strategy=until_class_0)
    is_0 = ledger.answers == 0
    first = np.where(is_0.any(axis=1), is_0.argmax(axis=1), N_VIEWS - 1)
    assert (ledger.answers >= 0).sum(axis=1).tolist() == (first + 1).tolist()
    assert len(counter.seen) == len(set(counter.seen)) == ledger.n_sent == ledger.n_answered < N_IMAGES * N_VIEWS


def test_views_are_drawn_while_the_suspect_answers(pixels, ids):
    """The pictures of the next batch are taken before the answers to the one in flight are there."""
    taken, waited = threading.Semaphore(0), []

    class Watched:
        def __getitem__(self, images: np.ndarray) -> np.ndarray:
            taken.release()
            return pixels[images]

    def answer(pictures: np.ndarray) -> np.ndarray:
        waited.append(all(taken.acquire(timeout=10) for _ in range(2)))
        return np.zeros(len(pictures), np.int64)

    header = replace(HEADER, n_views=1)
    suspect = CallableSuspect(answer, n_classes=3, spec=SPEC, fingerprint="f" * 64, batch_size=15)
    ask_suspect(suspect, Ledger.in_memory(header, ids), Watched(), budget=15)
    assert waited == [True]


def test_a_batch_that_decides_the_next_is_answered_first(pixels, ids):
    """A strategy is not asked for another batch before the answers that it said it needs, even in small pieces."""
    ledger, seen = Ledger.in_memory(HEADER, ids), []

    def in_turns(known: Ledger, batch_size: int) -> Iterator[Batch]:
        for view in range(N_VIEWS):
            yield Batch(np.arange(10), view, next_is_independent=True)
            yield Batch(np.arange(10), view)  # which is answered, so that nothing of it is sent
            seen.append(known.n_answered)
            yield Batch(np.arange(10, N_IMAGES), view)
            seen.append(known.n_answered)

    assert ask_suspect(Counter().suspect(), ledger, pixels, strategy=in_turns)
    assert seen == [10, 30, 40, 60, 70, 90, 100, 120]


def test_a_larger_budget_continues(tmp_path, pixels, ids):
    """After a small budget a larger one asks the rest, and the whole equals a run without interruption."""
    parts, whole = Counter(), Counter()
    ledger = Ledger.open_or_create(tmp_path / "a", HEADER, ids)
    for budget in (10, 33, None):
        ask_suspect(parts.suspect(), ledger, pixels, budget=budget)
    straight = Ledger.open_or_create(tmp_path / "b", HEADER, ids)
    ask_suspect(whole.suspect(), straight, pixels)
    assert np.array_equal(ledger.answers, straight.answers)
    assert sorted(parts.seen) == sorted(whole.seen)


def test_a_failing_suspect_loses_only_the_batch_in_flight(tmp_path, pixels, ids):
    """When the suspect fails, what it answered before stays, and the failed batch counts as sent."""
    counter = Counter(fail_at=20)
    ledger = Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    with raises(SuspectError, "wire cut"):
        ask_suspect(counter.suspect(), ledger, pixels)
    assert (ledger.n_answered, ledger.n_sent) == (14, 21)
    assert Ledger.open(tmp_path / "ledger").n_answered == 14


def test_more_views_and_images_keep_what_is_known(tmp_path, pixels, ids):
    """A wider ledger asks only what is new; answers follow the image, not its place."""
    counter = Counter()
    small = replace(HEADER, n_images=20, n_views=2)
    ask_suspect(counter.suspect(), Ledger.open_or_create(tmp_path / "ledger", small, ids[:20]), pixels[:20])
    order = np.random.default_rng(1).permutation(N_IMAGES)
    wide = Ledger.open_or_create(tmp_path / "ledger", HEADER, ids[order])
    assert n_queries_left(wide, None) == N_IMAGES * N_VIEWS - 40
    ask_suspect(counter.suspect(), wide, pixels[order])
    assert len(counter.seen) == len(set(counter.seen)) == N_IMAGES * N_VIEWS
    straight = Ledger.open_or_create(tmp_path / "b", HEADER, ids[order])
    ask_suspect(Counter().suspect(), straight, pixels[order])
    assert np.array_equal(wide.answers, straight.answers)


def test_a_cut_short_change_of_shape_loses_nothing(tmp_path, pixels, ids):
    """A kill while an earlier version swapped whole folders left the ledger aside; it is found again, and reshaped."""
    small = replace(HEADER, n_views=2)
    ask_suspect(Counter().suspect(), Ledger.open_or_create(tmp_path / "ledger", small, ids), pixels)
    header = json.loads((tmp_path / "ledger" / "ledger.json").read_text())
    del header["generation"]
    (tmp_path / "ledger" / "ledger.json").write_text(json.dumps(header | {"format": 1}))
    (tmp_path / "ledger").rename(tmp_path / ".ledger.old")
    assert Ledger.open(tmp_path / "ledger").n_answered == N_IMAGES * 2
    assert not (tmp_path / "ledger").exists()
    assert Ledger.open_or_create(tmp_path / "ledger", small, ids).n_answered == N_IMAGES * 2
    assert Ledger.open_or_create(tmp_path / "ledger", HEADER, ids).n_sent == N_IMAGES * 2


def test_a_finished_change_of_shape_is_tidied_up(tmp_path, pixels, ids):
    """A kill before the old ledger was removed leaves both; the next change of shape works."""
    small = replace(HEADER, n_views=2)
    ask_suspect(Counter().suspect(), Ledger.open_or_create(tmp_path / "ledger", small, ids), pixels)
    shutil.copytree(tmp_path / "ledger", tmp_path / ".ledger.old")
    assert Ledger.open_or_create(tmp_path / "ledger", HEADER, ids).n_answered == N_IMAGES * 2
    assert not (tmp_path / ".ledger.old").exists()


def test_readers_beside_a_run_that_reshapes_the_ledger_always_find_it_whole(tmp_path):
    """A reader changes nothing on disk, so that the run writes undisturbed and every reader sees all answers."""
    reshaping.answered(tmp_path / "ledger")
    running = [reshaping.start(what, tmp_path / "ledger", 2) for what in (reshaping.write, *[reshaping.read] * 2)]
    for process, results in running:
        n_done, failures = results.recv()
        process.join()
        assert (failures[:3], len(failures)) == ([], 0)
        assert n_done > 10


def test_a_kill_while_the_ledger_is_reshaped_loses_no_answer(tmp_path):
    """Killed at twenty random moments, the ledger opens each time with all its answers, and no array is left over."""
    rng = random.Random(0)
    folder = tmp_path / "ledger"
    reshaping.answered(folder)
    reader, seen = reshaping.start(reshaping.read, folder, 1)
    for _ in range(20):
        process, _ = reshaping.start(reshaping.write, folder, 60)
        time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.join()
        assert reshaping.is_whole(Ledger.open(folder))
    assert seen.recv()[1] == []
    reader.join()
    n_views = Ledger.open(folder).header.n_views + 1
    assert reshaping.is_whole(Ledger.open_or_create(folder, replace(reshaping.HEADER, n_views=n_views), reshaping.IDS))
    assert len(list(folder.glob("*.npy"))) == 3


@pytest.mark.parametrize("change", [{"n_views": 1}, {"n_images": 20}])
def test_no_answer_is_ever_thrown_away(tmp_path, pixels, ids, change):
    """Fewer views or images on a scored case are refused, because the answers were paid for."""
    ledger = Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    ask_suspect(Counter().suspect(), ledger, pixels)
    fewer = replace(HEADER, **change)
    with raises(CaseError, "answers would be lost"):
        Ledger.open_or_create(tmp_path / "ledger", fewer, ids[: fewer.n_images])
    assert Ledger.open(tmp_path / "ledger").n_answered == N_IMAGES * N_VIEWS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"suspect": "e" * 64}, "suspect"),
        ({"seed": 1}, "seed"),
        ({"views": ViewSpec(noise=0.2)}, "kind of views"),
    ],
)
def test_answers_to_other_questions_are_not_mixed(tmp_path, ids, change, words):
    """Another suspect, seed or kind of view is refused by name."""
    Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    with raises(CaseError, "other queries", words):
        Ledger.open_or_create(tmp_path / "ledger", replace(HEADER, **change), ids)


def test_a_strange_suspect_is_not_asked(tmp_path, pixels, ids):
    """The ledger takes answers only from the suspect whose fingerprint it bears."""
    stranger = CallableSuspect(Counter(), n_classes=3, spec=SPEC, fingerprint="e" * 64)
    ledger = Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    with raises(SuspectError, "another suspect"):
        ask_suspect(stranger, ledger, pixels)
    assert ledger.n_sent == 0


DAMAGE = [
    ("ledger.json", b"{"), ("ledger.json", {"format": 99}), ("ledger.json", {"n_classes": 10**12}),
    ("answers.npy", b"\x93NUMPY"), ("answers.npy", np.full((N_IMAGES, N_VIEWS), 3, np.int32)),
    ("answers.npy", np.full((N_IMAGES, N_VIEWS), -2, np.int32)), ("answers.npy", np.zeros((2, 2), np.int32)),
    ("sent.npy", np.empty(0, np.int64)), ("image_ids.npy", np.arange(5, dtype=np.uint64)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), DAMAGE)
def test_a_damaged_ledger_is_refused(tmp_path, ids, name, content):
    """Broken files give CaseError, never a traceback of json or numpy."""
    folder = tmp_path / "ledger"
    Ledger.open_or_create(folder, HEADER, ids)
    path = folder / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif isinstance(content, dict):
        path.write_text(json.dumps(json.loads(path.read_text()) | content))
    else:
        path.write_bytes(content)
    with pytest.raises(CaseError):
        Ledger.open(folder)


def test_a_missing_array_is_refused(tmp_path, ids):
    """It is looked for twice, because a run may just have replaced it, but not for ever."""
    Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    (tmp_path / "ledger" / "sent.npy").unlink()
    with raises(CaseError, "ledger damaged", "sent.npy"):
        Ledger.open(tmp_path / "ledger")


@pytest.mark.parametrize("name", ["answers.npy", "image_ids.npy", "sent.npy"])
def test_a_ledger_that_was_cut_short_is_damaged_and_stays_as_it_is(tmp_path, ids, name):
    """The missing end is never filled with zeros, which would pass for answers."""
    folder = tmp_path / "ledger"
    Ledger.open_or_create(folder, HEADER, ids)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-4])
    with raises(CaseError, "ledger damaged", folder):
        Ledger.open(folder)
    assert (folder / name).read_bytes() == whole[:-4]


def test_a_ledger_that_was_reshaped_meanwhile_is_not_written_to(tmp_path, ids):
    """Answers that went into the arrays of the old shape would be lost."""
    ledger = Ledger.open_or_create(tmp_path / "ledger", replace(HEADER, n_views=2), ids)
    Ledger.open_or_create(tmp_path / "ledger", HEADER, ids)
    with raises(CaseError, "ledger changed"), ledger.exclusively():
        pass


def test_only_one_process_asks_at_a_time(tmp_path, ids):
    """While one process holds the ledger another is refused; when it ends the lock is free."""
    folder = tmp_path / "ledger"
    ledger = Ledger.open_or_create(folder, HEADER, ids)
    code = (
        "import sys, time; from pathlib import Path; from fdcore.answers.ledger import Ledger\n"
        "with Ledger.open(Path(sys.argv[1])).exclusively(): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(CaseError, match="Another process"), ledger.exclusively():
        pass
    with pytest.raises(CaseError, match="Another process"):
        Ledger.open_or_create(folder, replace(HEADER, n_views=N_VIEWS + 1), ids)
    other.kill()
    other.wait()
    with ledger.exclusively():
        assert ledger.n_sent == 0


def test_every_flush_is_seen_by_who_keeps_what_it_read(tmp_path, pixels, ids):
    """Answers written through the memory map change the case's revision, although the system may not date them."""
    case = Case.create(tmp_path / "case")
    ledger = Ledger.open_or_create(case.path("ledger"), HEADER, ids)
    revisions = [case.revision(*cached.SCORED)]
    for images in ledger.pending(0, 7):
        ledger.ask(Counter().suspect(), images, 0, pixels[images])
        ledger.flush()
        revisions.append(case.revision(*cached.SCORED))
    assert len(set(revisions)) == len(revisions) > 4


def test_a_page_that_watched_a_run_shows_all_of_its_answers(tmp_path):
    """Answers that were cached in the middle of a run are not taken for all of them."""
    case = Case.open(case_factory.planned(tmp_path / "case"))

    def look(stage: str, done: int, _total: int) -> None:
        if stage == "Querying the suspect" and done:
            cached.scored(case)

    found = run_plan(case.folder, cache=case_factory.world().cache, progress=look)
    assert (cached.scored(case).answers >= 0).sum() == (found.scored.answers >= 0).sum() == found.scored.answers.size
