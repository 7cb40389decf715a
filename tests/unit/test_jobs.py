"""The list of jobs: what it says, whatever lies on disk. No work is done here; see `test_jobs_processes`."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from raising import raises

from fdcore.errors import CaseError, SettingsError, StorageError
from fdcore.jobs import Job, JobQueue, State, wait_of
from fdcore.jobs.database import database_path, log_path
from fdcore.jobs.estimate import Estimate, Part, Phase, Rate
from fdcore.jobs.kinds import KINDS
from fdcore.jobs.process import ProcessId, start_process
from fdcore.jobs.queue import KEPT
from fdcore.jobs.reporting import OwnRow, Reporter, Stopped, Termination
from fdcore.jobs.worker import trim

IDLE = ("sh", "-c", "exec sleep 60")  # a worker that never takes its job


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list]:
    """The processes that a test starts; they end with it."""
    processes = []
    monkeypatch.setattr(
        "fdcore.jobs.queue.start_process", lambda *values: processes.append(start_process(*values)) or processes[-1]
    )
    yield processes
    for process in processes:
        process.kill()


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(tmp_path / "cases", command=IDLE)


def rows(queue: JobQueue, what: str) -> list[tuple]:
    with closing(sqlite3.connect(database_path(queue.root))) as connection:
        return connection.execute(f"SELECT {what} FROM jobs ORDER BY id").fetchall()  # noqa: S608 - the tests' own words


def put(queue: JobQueue, **values: object) -> None:
    """Change every row behind the queue's back."""
    with closing(sqlite3.connect(database_path(queue.root))) as connection, connection:
        names = ", ".join(f"{name} = ?" for name in values)
        connection.execute(f"UPDATE jobs SET {names}", tuple(values.values()))  # noqa: S608 - the tests' own words


def own_row(queue: JobQueue, job: Job) -> OwnRow:
    """The row as this very process's, running."""
    row = OwnRow(queue.root, job.id, ProcessId.of(os.getpid()))
    assert row.claim(lambda _: "heavy") is not None
    assert row.begin()
    return row


def dead() -> ProcessId:
    """A process that was, and whose number may be given again."""
    with subprocess.Popen(["sleep", "60"]) as child:
        found = ProcessId.of(child.pid)
        child.kill()
    return found


# Looking


def test_a_folder_without_jobs_is_not_touched(queue):
    """Looking makes no file and needs none."""
    assert (queue.of_case("a"), queue.active(), queue.unseen("a"), queue.latest("a")) == ([], [], [], None)
    assert not queue.root.exists()
    with raises(CaseError, "no such job", "job 7"):
        queue.get(7)


def test_a_job_says_what_it_was_told(queue):
    """Parameters come back as they were given, whoever looks."""
    params = {"cache": "/x/'; DROP TABLE jobs; --", "settings": {"alpha": 0.5, "k": None}, "list": ["ä", "\udcff"]}
    job = queue.submit("analyse", "crane's case", params, by="Ana 'x'")
    seen = JobQueue(queue.root).get(job.id)
    assert seen == job
    assert (seen.params, seen.by, seen.case, seen.kind) == (params, "Ana 'x'", "crane's case", "analyse")
    assert (seen.state, seen.active, seen.resumable, seen.fraction, seen.rate) == (State.QUEUED, True, False, 0.0, None)
    assert seen.created <= seen.changed
    assert seen.started is seen.ended is seen.seconds_left is None


@pytest.mark.parametrize("case", ["", "..", ".hidden", "a/b", "/etc", "a\\b", "a\0b", "x" * 201, "\udcff"])
def test_a_case_is_named_by_a_folder_here(queue, case):
    """No id leads out of the folder of cases."""
    with raises(CaseError, "case id invalid"):
        queue.submit("analyse", case, {})


@pytest.mark.parametrize("params", [{"path": Path("x")}, {"rate": float("nan")}, {"b": b""}, {"long": "x" * 200_000}])
def test_parameters_are_json(queue, params):
    """What JSON cannot say is refused before anything is written."""
    with raises(SettingsError, "parameters invalid"):
        queue.submit("analyse", "a", params)
    assert queue.of_case("a") == []


def test_fraction_and_time_left_stay_sensible():
    """Totals of zero, more done than planned, and rates that are not known."""

    def job(state: State, done: int, total: int, rate: float | None) -> Job:
        return Job(1, "a", "k", {}, "", state, "s", done, total, rate, "", 0.0, None, None, 0.0)

    assert job(State.RUNNING, 0, 0, None).fraction == 0
    assert job(State.RUNNING, 7, 5, 2.0).fraction == 1
    assert job(State.DONE, 0, 0, None).fraction == 1
    assert job(State.RUNNING, 20, 100, 4.0).seconds_left == 20
    assert job(State.RUNNING, 20, 100, None).seconds_left is None
    assert job(State.PAUSED, 20, 100, 4.0).seconds_left is None


# One at a time


def test_a_case_has_one_active_job(queue):
    """The second is refused with what is under way; another case is free."""
    queue.submit("investigate", "a", {}, by="Ana")
    with raises(CaseError, "case busy", "job 1: Scoring the leaves, started by Ana"):
        queue.submit("analyse", "a", {})
    assert queue.submit("analyse", "b", {}).id == 2
    assert [job.id for job in queue.active()] == [1, 2]
    assert [job.id for job in queue.of_case("a")] == [1]


def test_a_job_that_waits_stops_at_once(queue):
    """Nothing has to be asked: it has not begun."""
    first = queue.submit("analyse", "a", {})
    assert queue.cancel(first.id).state is State.CANCELLED
    second = queue.submit("analyse", "a", {})
    assert queue.pause(second.id).state is State.PAUSED
    assert queue.latest("a") == queue.get(second.id)
    assert queue.resume(second.id).state is State.QUEUED
    with raises(CaseError, "case busy"):
        queue.resume(first.id)


def test_stopping_asks_and_the_worker_answers(queue):
    """pausing -> paused; cancelling wins over pausing; what has ended stays ended."""
    job = queue.submit("analyse", "a", {})
    row = own_row(queue, job)
    assert queue.pause(job.id).state is State.PAUSING
    assert queue.resume(job.id).state is State.PAUSING
    assert queue.cancel(job.id).state is State.CANCELLING
    assert queue.pause(job.id).state is State.CANCELLING
    assert row.end(State.PAUSED, "")
    assert queue.get(job.id).state is State.CANCELLED
    assert queue.get(job.id).ended is not None


def test_work_that_was_finished_first_is_done(queue):
    """A stop that comes too late takes nothing away."""
    job = queue.submit("analyse", "a", {})
    row = own_row(queue, job)
    queue.cancel(job.id)
    row.end(State.DONE, "Found 3 of 4 classes.")
    done = queue.cancel(job.id)
    assert (done.state, done.message, done.resumable) == (State.DONE, "Found 3 of 4 classes.", False)
    with raises(CaseError, "nothing to resume"):
        queue.resume(job.id)


def test_how_it_ended_is_shown_until_dismissed(queue):
    """Ended jobs are unseen until the analyst dismisses them; paused ones have not ended; resuming starts anew."""
    job = queue.submit("analyse", "a", {})
    queue.pause(job.id)
    assert queue.unseen("a") == []
    queue.cancel(job.id)
    assert queue.unseen("a") == [queue.get(job.id)]
    assert queue.unseen("b") == []
    queue.dismiss(job.id)
    assert queue.unseen("a") == []
    queue.resume(job.id)
    queue.dismiss(job.id)  # it is active: nothing to dismiss
    queue.cancel(job.id)
    assert len(queue.unseen("a")) == 1


def test_the_one_that_runs_next_goes_before_the_others(queue):
    """Pressed twice for two of them, the last one is first; one that does not wait stays where it is."""
    jobs = [queue.submit("investigate", case, {}) for case in "abcd"]
    own_row(queue, jobs[0])
    for job in (jobs[3], jobs[2], jobs[0]):
        queue.run_next(job.id)
    active = queue.active()
    assert [job.case for job in active if job.state is State.QUEUED] == ["c", "d", "b"]
    assert [wait_of(queue.get(job.id), active).place for job in jobs[1:]] == [3, 1, 2]
    assert [job.case for job in wait_of(queue.get(jobs[1].id), active).behind] == ["a"]


def test_short_work_waits_for_no_long_work():
    """Conclusions, words, readings and tests of clones have slots of their own."""
    lanes = {name: kind.lane for name, kind in KINDS.items()}
    short = {name for name, lane in lanes.items() if lane == "short"}
    assert {"analyse", "words", "readings", "clone-finish", "clone-test", "gap"} == short
    assert {lanes[name] for name in ("investigate", "clone", "clone-go-on", "demo")} == {"heavy"}


def test_what_stopped_lately_is_listed_for_all_cases(queue):
    """The latest first; what is active, and what ended long ago, is not there."""
    first, second, third = (queue.submit("analyse", case, {}) for case in "abc")
    queue.cancel(first.id)
    put(queue, ended=1.0)
    queue.cancel(second.id)
    assert [job.id for job in queue.recent()] == [second.id]
    queue.pause(third.id)
    assert [job.id for job in queue.recent()] == [third.id, second.id]


def test_a_list_of_the_version_before_is_brought_up_to_date(queue):
    """Its jobs stay, and can be resumed; nothing has to be deleted."""
    job = queue.submit("analyse", "a", {"x": 1})
    queue.pause(job.id)
    with closing(sqlite3.connect(database_path(queue.root))) as connection:
        for column in ("rank", "left_s", "parts"):
            connection.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        connection.executescript("DROP TABLE speeds; PRAGMA user_version = 1;")
    assert queue.get(job.id).params == {"x": 1}
    assert queue.resume(job.id).state is State.QUEUED


def test_speeds_are_kept_by_case(queue):
    """A case's own first; what others measured last is there for the rest."""
    row = OwnRow(queue.root, 1, ProcessId.of(os.getpid()))
    assert row.speeds("a") == ({}, {})
    for case, speeds in (("a", {"Querying": 2.0}), ("b", {"Querying": 3.0, "Decoding": 1.0}), ("a", {"Querying": 2.5})):
        row.keep_speeds(case, speeds)
    assert row.speeds("b") == ({"Querying": 3.0, "Decoding": 1.0}, {"Querying": 2.5, "Decoding": 1.0})


# Processes that are gone


def test_a_number_given_again_is_not_the_worker(queue):
    """The pid lives, but its start time is another's: the job is interrupted, and can be resumed."""
    job = queue.submit("analyse", "a", {})
    row = own_row(queue, job)
    assert queue.get(job.id).state is State.RUNNING
    put(queue, ticks=ProcessId.of(os.getpid()).ticks - 1)
    gone = queue.get(job.id)
    assert (gone.state, gone.active, gone.resumable) == (State.INTERRUPTED, False, True)
    assert "Its process is gone" in gone.message
    assert gone.ended is not None
    assert queue.active() == []
    assert queue.unseen("a") == [gone]
    assert row.state() is None, "a worker must notice that the row is not its own"
    assert queue.submit("analyse", "a", {}).state is State.QUEUED
    assert rows(queue, "state")[0] == ("interrupted",)


def test_a_zombie_is_not_taken_for_alive(queue):
    """A child that ended and was not waited for still has its number; it does no work."""
    job = queue.submit("analyse", "a", {})
    with subprocess.Popen(["sleep", "60"]) as child:
        zombie = ProcessId.of(child.pid)
        put(queue, pid=zombie.pid, ticks=zombie.ticks, system=zombie.system)
        assert queue.get(job.id).state is State.QUEUED
        os.kill(child.pid, 9)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        os.kill(child.pid, 0)  # it still has its number
        assert queue.get(job.id).state is State.INTERRUPTED


@pytest.mark.parametrize(
    ("asked", "found"),
    [("queued", "interrupted"), ("running", "interrupted"), ("pausing", "paused"), ("cancelling", "cancelled")],
)
def test_a_stop_that_was_asked_for_is_no_interruption(queue, asked, found):
    """A process that was told to stop and is gone did what it was told."""
    job, gone = queue.submit("analyse", "a", {}), dead()
    put(queue, state=asked, pid=gone.pid, ticks=gone.ticks)
    assert queue.get(job.id).state == found
    assert queue.resume(job.id).state is State.QUEUED
    assert queue.get(job.id).message == ""


@pytest.mark.parametrize(("silent_s", "state"), [(5, State.RUNNING), (500, State.INTERRUPTED)])
def test_of_another_system_the_heartbeat_tells(queue, silent_s, state):
    """After a reboot, or from another container, a pid means nothing."""
    job = queue.submit("analyse", "a", {})
    put(queue, system="another boot", pid=1, ticks=1, state="running", heartbeat=job.created - silent_s)
    assert queue.get(job.id).state is state


def test_only_the_newest_worker_writes(queue):
    """A worker whose job was given to another changes nothing any more, and is told to stop."""
    job = queue.submit("analyse", "a", {})
    row = own_row(queue, job)
    reporter = Reporter(row, Termination())
    reporter("Counting", 1, 5)
    put(queue, pid=1)
    assert not row.report("Counting", 4, 5, None)
    assert not row.end(State.DONE, "")
    with pytest.raises(Stopped):
        Reporter(row, Termination())("Counting", 2, 5)
    assert OwnRow(queue.root, job.id, ProcessId.of(os.getpid())).claim(lambda _: "heavy") is None
    assert queue.get(job.id).done == 1


# How far it is


def test_the_estimate_is_written_with_the_progress(queue):
    """Whoever looks sees the phases, those to come included, and one time left for the whole job."""
    job, clock = queue.submit("analyse", "a", {}), Clock()
    estimate = Estimate((Phase("Counting", 10, 1.0), Phase("Writing", 5, 2.0)))
    reporter = Reporter(own_row(queue, job), Termination(), estimate, clock=clock)
    reporter("Counting", 5, 10)
    seen = queue.get(job.id)
    assert (seen.seconds_left, seen.parts) == (15, (Part("Counting", 0.5, 0.5), Part("Writing", 0.5, 0.0)))
    assert seen.fraction == 0.25
    clock.now += 3
    reporter.flush()  # as the heart does, while nothing is reported
    assert queue.get(job.id).seconds_left == 12


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_counts_from_where_this_run_began():
    """What an earlier run did is not credited to this one; a new stage starts anew; no guess after a blink."""
    rate = Rate()
    for step in range(41):
        rate.add("Asking", 50_000 + 10 * step, 100 + step)
        assert step or rate.value is None
    assert rate.value == pytest.approx(10)
    rate.add("Writing", 0, 141)
    assert rate.value is None
    rate.add("Writing", 1, 141.1)
    assert rate.value is None


def test_a_rate_follows_what_is_recent():
    """After a slow minute the rate is the slow one; a single slow step does not halve it."""
    rate = Rate()
    for step in range(61):
        rate.add("Asking", 100 * step, float(step))
    rate.add("Asking", 6_100, 64.0)  # one step of four seconds
    assert 70 < (rate.value or 0) < 100
    for step in range(60):
        rate.add("Asking", 6_110 + 10 * step, 65.0 + step)
    assert 8 < (rate.value or 0) < 16


def test_progress_is_written_four_times_a_second_at_most(queue, monkeypatch):
    """Ten thousand calls in ten seconds write 40 times, look at most 50 times, and the last one is not lost."""
    row, clock, written, looked = own_row(queue, queue.submit("analyse", "a", {})), Clock(), [], []
    monkeypatch.setattr(row, "report", lambda *values: bool(written.append(values)))
    monkeypatch.setattr(row, "state", lambda: looked.append(clock.now) or State.RUNNING)
    reporter = Reporter(row, Termination(), clock=clock)
    for done in range(10_000):
        clock.now += 0.001
        reporter("Counting", done, 10_000)
        reporter.flush()
    assert 35 <= len(written) <= 41
    assert 35 <= len(looked) <= 50
    reporter.finish()
    assert written[-1][:3] == ("Counting", 9_999, 10_000)
    assert written[-1][3] == pytest.approx(1_000, rel=0.01)


def test_a_stop_is_noticed_within_a_fifth_of_a_second(queue):
    """The flag in the list is looked at again 0.2 s after the last look, a signal at once."""
    job, clock, termination = queue.submit("analyse", "a", {}), Clock(), Termination()
    reporter = Reporter(own_row(queue, job), termination, clock=clock)
    reporter("Counting", 0, 5)
    queue.pause(job.id)
    reporter("Counting", 1, 5)
    clock.now += 0.2
    with pytest.raises(Stopped):
        reporter("Counting", 2, 5)
    clock.now += 0.01
    termination.asked = True
    with pytest.raises(Stopped):
        reporter("Counting", 3, 5)


def test_a_list_that_cannot_be_written_holds_up_no_work(queue, capsys):
    """The investigation is worth more than its progress bar."""
    reporter = Reporter(own_row(queue, queue.submit("analyse", "a", {})), Termination())
    database_path(queue.root).write_bytes(b"no database at all" * 1000)
    reporter("Counting", 1, 5)
    assert "could not write" in capsys.readouterr().out


# Disks and damage


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_list_says_that_it_may_go(queue, content):
    """The sentence names the file and that nothing of worth is in it; deleting it mends everything."""
    queue.submit("analyse", "a", {})
    for leftover in queue.root.glob(".jobs.sqlite-*"):
        leftover.unlink()
    database_path(queue.root).write_bytes(content)
    for call in (lambda: queue.latest("a"), queue.active, lambda: queue.submit("analyse", "b", {})):
        with raises(CaseError, "job list damaged", ".jobs.sqlite"):
            call()
    database_path(queue.root).unlink()
    assert queue.latest("a") is None
    assert queue.submit("analyse", "a", {}).id == 1


@pytest.mark.parametrize("values", [{"state": "dancing"}, {"params": "{"}])
def test_a_row_of_somebody_else_is_damage(queue, values):
    """What we did not write is not guessed at."""
    queue.submit("analyse", "a", {})
    put(queue, **values)
    with raises(CaseError, "job list damaged", ".jobs.sqlite"):
        queue.of_case("a")


def test_a_list_of_another_version_is_not_read(queue):
    """Neither read nor written."""
    queue.submit("analyse", "a", {})
    with closing(sqlite3.connect(database_path(queue.root))) as connection:
        connection.execute("PRAGMA user_version = 99")
    for call in (lambda: queue.latest("a"), lambda: queue.submit("analyse", "b", {})):
        with raises(CaseError, "job list damaged", "version 99"):
            call()


def test_a_list_that_was_never_finished_is_made_anew(queue):
    """A process that died while it made the file leaves an empty one."""
    queue.root.mkdir()
    database_path(queue.root).touch()
    assert queue.latest("a") is None
    assert queue.submit("analyse", "a", {}).id == 1


def test_a_root_that_cannot_be_written_is_a_sentence(tmp_path):
    """A file where the folder should be, as much as a read-only disk."""
    (tmp_path / "file").touch()
    with raises(StorageError, "path unwritable"):
        JobQueue(tmp_path / "file" / "cases").submit("analyse", "a", {})
    (tmp_path / "cases" / ".jobs.sqlite").mkdir(parents=True)
    with raises(StorageError, "job list unwritable"):
        JobQueue(tmp_path / "cases").latest("a")


def test_a_full_disk_is_a_sentence(tmp_path):
    """Really: this process may write no file longer than 20 kB, and says so without a traceback."""
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from fdcore.jobs import JobQueue; from fdcore.errors import *\n"
        "q = JobQueue(Path(sys.argv[1]), command=('true',))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n  q.submit('analyse', 'a', {'x': 'x' * 50_000})\n"
        "except StorageError as error: print(error.key)"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path / "cases")], capture_output=True, text=True)
    assert result.stdout.strip() in ("job list unwritable", "disk full"), result.stderr


def test_a_worker_that_cannot_be_started_leaves_no_job(tmp_path):
    """The row and the process come together or not at all."""
    queue = JobQueue(tmp_path, command=("/no/such/program",))
    with raises(StorageError, "work not started"):
        queue.submit("analyse", "a", {})
    assert queue.of_case("a") == []


def test_old_jobs_are_forgotten_with_their_logs(queue):
    """The newest 200 that ended stay; numbers are never given twice."""
    job = queue.submit("analyse", "a", {})
    queue.cancel(job.id)
    with closing(sqlite3.connect(database_path(queue.root))) as connection, connection:
        columns = 'kind, params, "by", state, created, changed'
        connection.executemany(
            f'INSERT INTO jobs ("case", {columns}) SELECT ?, {columns} FROM jobs WHERE id = 1',  # noqa: S608 - the tests' own words
            [(f"case {n}",) for n in range(KEPT + 20)],
        )
    assert log_path(queue.root, job.id).exists()
    assert queue.submit("analyse", "a", {}).id == KEPT + 22
    assert not log_path(queue.root, job.id).exists()
    assert len(rows(queue, "id")) == KEPT + 1


def test_a_log_keeps_its_end(tmp_path):
    """A process that never stops talking does not fill the disk."""
    log = tmp_path / "1.log"
    with log.open("ab") as file:
        file.write(b"x" * 1_000_000 + b"the end\n")
        file.flush()
        trim(log)
        file.write(b"and more\n")
    assert log.stat().st_size < 100_000
    assert log.read_bytes().endswith(b"the end\nand more\n")


def test_a_first_job_from_many_threads_at_once(tmp_path):
    """Ten sessions press the button at once, on a folder that has no list yet: one job, nine sentences."""
    queues = [JobQueue(tmp_path, command=IDLE) for _ in range(10)]
    barrier, won, lost = threading.Barrier(10), [], []

    def press(queue: JobQueue) -> None:
        barrier.wait()
        try:
            won.append(queue.submit("analyse", "a", {}))
        except CaseError as error:
            lost.append(error)

    threads = [threading.Thread(target=press, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1, lost
    assert {error.key for error in lost} == {"case busy"}


def test_looking_at_jobs_loads_no_engine():
    """Every page polls: no numpy, pandas or torch for that."""
    heavy = "('numpy', 'pandas', 'torch', 'fdcore.case.case')"
    code = f"import sys, fdcore.jobs; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
