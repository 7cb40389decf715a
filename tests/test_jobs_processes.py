"""Jobs in real processes: killed, paused, resumed, queued, orphaned. What they do is in `job_kinds`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import job_kinds
import pytest
import tiny_world
from conftest import REPOSITORY

from fdcore.jobs import Job, JobQueue, State
from fdcore.jobs import queue as queue_module
from fdcore.jobs.database import reading
from fdcore.jobs.queue import worker_of

pytestmark = pytest.mark.slow

LONG = {"total": 100_000, "seconds": 0.01}
SHORT = {"total": 5, "seconds": 0.01}
# Another program that uses the list, as a server does: `CODE ROOT KIND CASE PARAMS`, then it waits to be killed.
SERVER = """
import json, sys, time
from pathlib import Path
import job_kinds
from fdcore.errors import CaseError
from fdcore.jobs import JobQueue
queue = JobQueue(Path(sys.argv[1]), command=job_kinds.COMMAND)
sys.stdin.readline()
try:
    print("started", queue.submit(sys.argv[2], sys.argv[3], json.loads(sys.argv[4])).id, flush=True)
except CaseError as error:
    print(error, flush=True)
time.sleep(60)
"""


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    queue = JobQueue(tmp_path / "cases", command=job_kinds.COMMAND)
    yield queue
    for job in queue.active():
        worker(queue, job).kill()


@pytest.fixture
def servers(queue: JobQueue) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start other programs that wait for a line before they submit a job."""
    started = []

    def start(kind: str, case: str, params: dict) -> subprocess.Popen:
        words = [sys.executable, "-c", SERVER, str(queue.root), kind, case, json.dumps(params)]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "tests")}
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(server: subprocess.Popen) -> None:
    server.stdin.write("\n")
    server.stdin.flush()


def worker(queue: JobQueue, job: Job):
    """The process that a job's row names."""
    with reading(queue.root) as connection:
        return worker_of(connection.execute("SELECT * FROM jobs WHERE id = ?", (job.id,)).fetchone())


def until(queue: JobQueue, job: Job, *states: State, timeout_s: float = 20.0) -> Job:
    """Look until the job is in one of the states; for RUNNING, until it has said how far it is."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = queue.get(job.id)
        if found.state in states and (found.state is not State.RUNNING or found.stage):
            return found
        time.sleep(0.02)
    raise AssertionError(f"still {found}\n{queue.log(job.id).read_text()}")


def ended(process: Path) -> bool:
    """Whether a process is gone from /proc, or only waits to be collected."""
    try:
        return ") Z " in (process / "stat").read_text()
    except OSError:
        return True


def starts(queue: JobQueue, case: str) -> list[int]:
    """Where each process of the case's counting began."""
    return [int(line.split()[0]) for line in (queue.root / case / "starts").read_text().splitlines()]


def test_a_job_goes_its_way(queue):
    """Queued, running with what it says, done with what came out."""
    job = queue.submit("count", "a", {"total": 60, "seconds": 0.02})
    assert job.state is State.QUEUED
    running = until(queue, job, State.RUNNING)
    assert (running.stage, running.total, running.active) == ("Counting", 60, True)
    time.sleep(1)
    running = queue.get(job.id)
    assert 5 < (running.rate or 0) <= 51
    assert 0 < (running.seconds_left or 0) < 12
    done = until(queue, job, State.DONE)
    assert (done.message, done.done, done.fraction) == ("counted to 60", 60, 1.0)
    assert done.created <= (done.started or 0) <= (done.ended or 0)
    assert queue.unseen("a") == [done]


def test_paused_and_resumed_it_goes_on(queue):
    """The same row, a new process, from where the first one was; cleaning up was not skipped."""
    job = queue.submit("count", "a", LONG)
    until(queue, job, State.RUNNING)
    time.sleep(0.5)
    asked = time.monotonic()
    assert JobQueue(queue.root).pause(job.id).state is State.PAUSING
    paused = until(queue, job, State.PAUSED)
    assert time.monotonic() - asked < 3
    assert (queue.root / "a" / "cleaned up").exists()
    assert paused.done > 0
    assert queue.resume(job.id).id == job.id
    until(queue, job, State.RUNNING)
    queue.cancel(job.id)
    until(queue, job, State.CANCELLED)
    assert starts(queue, "a")[0] == 0
    assert starts(queue, "a")[1] >= paused.done


def test_a_killed_worker_is_noticed_at_once_and_resumed(queue):
    """kill -9: interrupted, though the dead child was this process's; another session resumes it."""
    job = queue.submit("count", "a", LONG)
    until(queue, job, State.RUNNING)
    time.sleep(0.3)
    os.kill(worker(queue, job).pid, signal.SIGKILL)
    gone = until(queue, job, State.INTERRUPTED, timeout_s=1)
    assert "Its process is gone" in gone.message
    JobQueue(queue.root, command=job_kinds.COMMAND).resume(job.id)
    until(queue, job, State.RUNNING)
    assert starts(queue, "a")[1] > 0


def test_dead_workers_are_buried(queue):
    """The server reaps what it started: no zombie stays behind."""
    job = queue.submit("count", "a", SHORT)
    pid = worker(queue, job).pid
    until(queue, job, State.DONE)
    end = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, Path(f"/proc/{pid}/stat").read_text()
        time.sleep(0.02)


def test_it_outlives_the_server(queue, servers):
    """kill -9 of the program that started it: the job goes on, and another program stops it."""
    server = servers("count", "a", LONG)
    go(server)
    assert server.stdout.readline() == "started 1\n"
    job = until(queue, queue.get(1), State.RUNNING)
    server.kill()
    server.wait()
    before = queue.get(job.id).done
    time.sleep(1)
    assert queue.get(job.id).state is State.RUNNING
    assert queue.get(job.id).done > before
    queue.cancel(job.id)
    until(queue, job, State.CANCELLED)


def test_two_servers_at_once_start_one_job(queue, servers):
    """Both press the button in the same moment: one starts, the other is told."""
    both = [servers("count", "a", LONG) for _ in range(2)]
    time.sleep(1)
    for server in both:
        go(server)
    said = sorted(server.stdout.readline() for server in both)
    assert said[1] == "started 1\n", said
    assert "is running in this case already" in said[0]
    assert len(queue.of_case("a")) == 1


def test_the_heavy_ones_run_one_after_the_other(queue):
    """The second and third wait, queued, in their order, and begin when the first has ended."""
    jobs = [queue.submit("count", case, {"total": 30, "seconds": 0.02}) for case in "abc"]
    until(queue, jobs[0], State.RUNNING)
    time.sleep(0.4)
    assert [job.state for job in queue.active()] == [State.RUNNING, State.QUEUED, State.QUEUED]
    for job in jobs:
        until(queue, job, State.DONE)
    ended = [float((queue.root / case / "ends").read_text()) for case in "abc"]
    begun = [float((queue.root / case / "starts").read_text().split()[2]) for case in "abc"]
    assert begun[0] < ended[0] < begun[1] < ended[1] < begun[2] < ended[2]


def test_two_light_ones_run_beside_a_heavy_one(queue):
    """The third light one waits; killing one of the two, however roughly, lets it in."""
    heavy = queue.submit("count", "h", LONG)
    light = [queue.submit("light", case, LONG) for case in "abc"]
    for job in (heavy, light[0], light[1]):
        until(queue, job, State.RUNNING)
    time.sleep(0.6)
    assert queue.get(light[2].id).state is State.QUEUED
    os.kill(worker(queue, light[0]).pid, signal.SIGKILL)
    until(queue, light[2], State.RUNNING)


def test_one_that_waits_is_cancelled_and_leaves(queue):
    """Its process goes, and the place in the queue with it."""
    first, second, third = (queue.submit("count", case, LONG) for case in "abc")
    until(queue, first, State.RUNNING)
    process = worker(queue, second)
    assert queue.cancel(second.id).state is State.CANCELLED
    end = time.monotonic() + 5
    while process.alive(0):
        assert time.monotonic() < end
        time.sleep(0.02)
    queue.cancel(first.id)
    until(queue, third, State.RUNNING)
    assert not (queue.root / "b").exists()
    assert queue.get(second.id).state is State.CANCELLED


def test_asked_to_terminate_it_pauses(queue):
    """A machine that shuts down asks politely: work that runs and work that waits can both be resumed."""
    first, second = queue.submit("count", "a", LONG), queue.submit("count", "b", LONG)
    until(queue, first, State.RUNNING)
    time.sleep(0.5)
    for job in (second, first):
        os.kill(worker(queue, job).pid, signal.SIGTERM)
    for job in (second, first):
        until(queue, job, State.PAUSED, timeout_s=3)
    assert (queue.root / "a" / "cleaned up").exists()


def test_work_that_swallows_exceptions_is_stopped_too(queue):
    """`except Exception` somewhere in a library does not hold a stop up."""
    job = queue.submit("swallow", "a", {})
    until(queue, job, State.RUNNING)
    queue.cancel(job.id)
    until(queue, job, State.CANCELLED, timeout_s=3)


def test_work_that_never_listens_is_ended_by_force(queue, monkeypatch):
    """Asked again after a while, cancel kills it with all its children; not before."""
    job = queue.submit("deaf", "a", {})
    until(queue, job, State.RUNNING)
    child = Path(f"/proc/{(queue.root / 'a' / 'child').read_text()}")
    queue.cancel(job.id)
    queue.cancel(job.id)
    time.sleep(0.3)
    assert queue.get(job.id).state is State.CANCELLING
    monkeypatch.setattr(queue_module, "PATIENCE_S", 0.1)
    queue.cancel(job.id)
    until(queue, job, State.CANCELLED, timeout_s=3)
    end = time.monotonic() + 5  # the signal was sent; the system ends a process when it is next scheduled
    while not ended(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert ended(child)


@pytest.mark.parametrize(
    ("how", "state", "message"),
    [
        ("sentence", State.FAILED, "The folder ? holds no image. Give another."),
        ("fault", State.FAILED, "A fault in the program (ZeroDivisionError); details are in the log of job 1."),
        ("exit", State.FAILED, "A fault in the program (SystemExit); details are in the log of job 1."),
        ("crash", State.INTERRUPTED, "Its process is gone"),
    ],
)
def test_a_failure_is_a_sentence_and_its_details_a_log(queue, how, state, message):
    """What the user can mend is said; what he cannot is in the log, and only there; either can be tried again."""
    job = queue.submit("fail", "a", {"how": how})
    failed = until(queue, job, state)
    assert failed.message.startswith(message)
    assert "secret" not in failed.message
    assert failed.resumable
    log = queue.log(job.id).read_text()
    assert {"fault": "secret/path", "crash": "Segmentation fault"}.get(how, "") in log


def test_what_nobody_can_do_fails(queue):
    """A kind from another version of the program, and a case that is a link to elsewhere."""
    failed = until(queue, queue.submit("divine", "a", {}), State.FAILED)
    assert "'divine'" in failed.message
    (queue.root / "link").symlink_to(queue.root.parent)
    failed = until(queue, queue.submit("count", "link", SHORT), State.FAILED)
    assert "symbolic link" in failed.message


def test_a_log_stays_small(queue):
    """1.3 MB of complaints leave the last of them."""
    job = queue.submit("noisy", "a", {})
    until(queue, job, State.DONE)
    assert queue.log(job.id).stat().st_size < 300_000
    assert "the last line" in queue.log(job.id).read_text()


def test_it_gets_the_servers_surroundings_and_leaves_them_room(queue, monkeypatch, tmp_path):
    """Working folder and environment are passed on; no terminal, an own session, nice 10."""
    monkeypatch.setenv("FDCORE_TEST", "passed on")
    monkeypatch.chdir(tmp_path)
    before = os.nice(0)
    done = until(queue, queue.submit("surroundings", "a", {}), State.DONE)
    assert done.message == f"{tmp_path} passed on /dev/null True {min(before + 10, 19)}"


def test_a_list_deleted_under_a_worker_ends_it(queue):
    """Nobody could stop it any more, so it stops by itself, and nothing is written into a new list."""
    job = queue.submit("count", "a", LONG)
    until(queue, job, State.RUNNING)
    process = worker(queue, job)
    for file in queue.root.glob(".jobs.sqlite*"):
        file.unlink()
    end = time.monotonic() + 5
    while process.alive(0):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert queue.latest("a") is None


def test_a_second_worker_for_one_job_goes_home(queue):
    """Started by hand beside the one that works, it leaves it alone."""
    job = queue.submit("count", "a", LONG)
    until(queue, job, State.RUNNING)
    words = [*job_kinds.COMMAND, str(queue.root), str(job.id)]
    second = subprocess.run(words, capture_output=True, text=True, timeout=20)
    assert (second.returncode, second.stderr[:6]) == (1, "Job 1 ")
    assert queue.get(job.id).state is State.RUNNING


def test_the_programs_own_command_does_the_programs_own_kinds(tmp_path):
    """Through `python -m fdcore.jobs`: an analysis of a case that is none fails with a sentence."""
    queue = JobQueue(tmp_path)
    job = queue.submit("analyse", "nothing", {"settings": {}, "cache": str(tmp_path / "cache")})
    failed = until(queue, job, State.FAILED, timeout_s=60)
    assert "is not a case" in failed.message


def test_an_investigation_killed_and_paused_asks_nothing_twice(queue, tmp_path):
    """The real pipeline: kill -9, resume, pause, resume; every query is sent once, and all classes are there."""
    tiny_world.build(tmp_path / "corpus")
    log, cache, n_queries = tmp_path / "log", tmp_path / "cache", len(tiny_world.LEAVES) * tiny_world.PER_LEAF * 4
    params = {"corpus": str(tmp_path / "corpus"), "cache": str(cache), "log": str(log), "seconds": 0.3}
    job = queue.submit("tiny", "case", params)

    def asked(n_lines: int) -> None:
        end = time.monotonic() + 60
        while not log.exists() or len(log.read_text().splitlines()) < n_lines:
            assert time.monotonic() < end, queue.log(job.id).read_text()
            time.sleep(0.02)
        time.sleep(0.1)  # between two batches

    asked(64)
    os.kill(worker(queue, job).pid, signal.SIGKILL)
    until(queue, job, State.INTERRUPTED)
    queue.resume(job.id)
    asked(160)
    queue.pause(job.id)
    until(queue, job, State.PAUSED)
    assert len(log.read_text().splitlines()) < n_queries
    queue.resume(job.id)
    done = until(queue, job, State.DONE, timeout_s=60)
    assert done.message == "found 3"
    sent = log.read_text().splitlines()
    assert len(sent) == len(set(sent)) == n_queries
