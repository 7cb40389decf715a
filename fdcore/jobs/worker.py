"""The process that does one job: it waits its turn, works, reports progress, and records how it ended."""

import faulthandler
import fcntl
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from json import loads
from pathlib import Path
from sqlite3 import Row

from fdcore.errors import CaseError, FdError
from fdcore.jobs.database import log_path, open_anchor, slot_path
from fdcore.jobs.estimate import Estimate, Phase
from fdcore.jobs.job import State
from fdcore.jobs.kinds import KINDS, SLOTS, Kind, Lane, Params
from fdcore.jobs.process import ProcessId
from fdcore.jobs.reporting import BEAT_EVERY_S, OwnRow, Reporter, Stopped, Termination
from fdcore.storage import disk_errors

NICE = 10
_POLL_S = 0.25
_MAX_LOG = 256 << 10
_KEPT_LOG = 64 << 10


def main(arguments: Sequence[str] | None = None, *, kinds: Mapping[str, Kind] = KINDS) -> int:
    """`python -m fdcore.jobs ROOT JOB_ID`; returns 0 if the job is done or was stopped, else 1."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) != 2 or not words[1].isdecimal():
        print("usage: python -m fdcore.jobs ROOT JOB_ID", file=sys.stderr)
        return 2
    faulthandler.enable()
    os.nice(NICE)
    termination = Termination()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(termination, "asked", True))
    try:
        return do_job(Path(words[0]).absolute(), int(words[1]), kinds, termination)
    except FdError as error:
        print(error, file=sys.stderr)
        return 1


def do_job(root: Path, job_id: int, kinds: Mapping[str, Kind], termination: Termination) -> int:
    """Claim a job, do it when its turn comes and record how it ended; a termination pauses it.

    Raises:
        FdError: the list of jobs cannot be used.
    """
    row = OwnRow(root, job_id, ProcessId.of(os.getpid()))
    job = row.claim(lambda kind: kinds[kind].lane if kind in kinds else None)
    if job is None:
        print(f"Job {job_id} is not waiting for a worker.", file=sys.stderr)
        return 1
    reporter = Reporter(row, termination)
    with closing(open_anchor(root)), _heart(row, reporter, log_path(root, job_id)):
        state, message = _outcome(root, job, row, reporter, kinds, termination)
        reporter.finish()
        row.keep_speeds(job["case"], reporter.estimate.speeds())
    row.end(state, message)
    return 1 if state is State.FAILED else 0


def _outcome(
    root: Path, job: Row, row: OwnRow, reporter: Reporter, kinds: Mapping[str, Kind], termination: Termination
) -> tuple[State, str]:
    try:
        kind, folder = kinds.get(job["kind"]), root / job["case"]
        if kind is None:
            raise CaseError(
                f"This version has no kind of work called {job['kind']!r}. Use the version that started it."
            )
        if folder.is_symlink():
            raise CaseError(
                f"The case {job['case']!r} is a symbolic link, which could lead anywhere. Replace it with a copy."
            )
        with _turn(root, kind.lane, row, termination):
            if not row.begin():
                raise Stopped
            params = loads(job["params"])
            phases = _announced(kind, folder, params)
            reporter.estimate = Estimate(phases, *row.speeds(job["case"]))
            if phases:
                reporter(phases[0].stage, 0, 0)
            return State.DONE, kind.run(folder, params, reporter)
    except Stopped:
        return State.PAUSED, ""
    except FdError as error:
        return State.FAILED, str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of the process: every failure is recorded
        traceback.print_exc()
        name = type(error).__name__
        return State.FAILED, f"A fault in the program ({name}); details are in the log of job {job['id']}."


def _announced(kind: Kind, folder: Path, params: Params) -> Sequence[Phase]:
    """The phases of a job; none where the case cannot say them, which the work itself will complain about."""
    try:
        return kind.phases(folder, params)
    except FdError:
        return ()


@contextmanager
def _turn(root: Path, lane: Lane, row: OwnRow, termination: Termination) -> Iterator[None]:
    """Hold one of the lane's slots, waiting for it in order of arrival; the slot is freed when this process ends.

    Raises:
        Stopped: the job was paused or cancelled while it waited.
    """
    with ExitStack() as stack:
        paths = [slot_path(root, lane, number) for number in range(SLOTS[lane])]
        with disk_errors(paths[0]):
            slots = [stack.enter_context(path.open("a")) for path in paths]
        while not (row.is_first() and any(_try_lock(slot.fileno()) for slot in slots)):
            if termination.asked or row.state() is not State.QUEUED:
                raise Stopped
            time.sleep(_POLL_S)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _heart(row: OwnRow, reporter: Reporter, log: Path) -> Iterator[None]:
    """Write heartbeats while the block runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_EVERY_S):
            try:
                row.beat()
                reporter.flush()
                trim(log)
            except (FdError, OSError) as error:
                print(f"no heartbeat could be written: {error}", flush=True)

    thread = threading.Thread(target=beat, name="heart", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def trim(log: Path) -> None:
    """Keep only the end of a log that has grown too long; its writers only append."""
    if not log.exists() or log.stat().st_size <= _MAX_LOG:
        return
    with log.open("rb+") as file:
        file.seek(-_KEPT_LOG, os.SEEK_END)
        end = file.read()
        file.truncate(0)
        file.seek(0)
        file.write(b"(the beginning was cut)\n" + end)
