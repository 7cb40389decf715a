"""A worker with kinds of its own, for the tests of jobs: `python tests/job_kinds.py ROOT JOB_ID`."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from fdcore.errors import CorpusError
from fdcore.jobs.kinds import KINDS, Kind
from fdcore.jobs.worker import main
from fdcore.progress import Progress
from fdcore.storage import write_atomically

COMMAND = (sys.executable, str(Path(__file__).resolve()))


def count(folder: Path, params: dict[str, Any], progress: Progress) -> str:
    """Count up to `total`, each step `seconds` long, and go on where the last process was."""
    folder.mkdir(exist_ok=True)
    at = folder / "at"
    done = int(at.read_text()) if at.exists() else 0
    with (folder / "starts").open("a") as starts:
        print(done, os.getpid(), time.time(), file=starts)
    try:
        while done < params["total"]:
            progress("Counting", done, params["total"])
            time.sleep(params["seconds"])
            done += 1
            write_atomically(at, str(done).encode())
        progress("Counting", done, params["total"])
    finally:
        (folder / "cleaned up").touch()
        with (folder / "ends").open("a") as ends:
            print(time.time(), file=ends)
    return f"counted to {done}"


def swallow(folder: Path, params: dict[str, Any], progress: Progress) -> str:
    """Work that catches every exception, as other people's code does."""
    while True:
        with suppress(Exception):
            progress("Swallowing", 1, 2)
        time.sleep(0.02)


def fail(folder: Path, params: dict[str, Any], progress: Progress) -> str:
    """Fail in the way that is asked for."""
    progress("Failing", 1, 2)
    if params["how"] == "sentence":
        raise CorpusError("The folder \udcff holds no image. Give another.")
    if params["how"] == "exit":
        sys.exit(3)
    if params["how"] == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    raise ZeroDivisionError("secret/path")


def deaf(folder: Path, params: dict[str, Any], progress: Progress) -> str:
    """Work that never says how far it is, and has a child."""
    child = subprocess.Popen(["sleep", "60"])
    folder.mkdir(exist_ok=True)
    (folder / "child").write_text(str(child.pid))
    progress("Deaf", 0, 1)
    time.sleep(60)
    return ""


def noisy(folder: Path, params: dict[str, Any], progress: Progress) -> str:
    """Write much to both outputs."""
    for number in range(20_000):
        print(f"{number:06d}" + "x" * 60, file=sys.stderr)
    time.sleep(1.5)
    print("the last line")
    return "said it all"


def surroundings(folder: Path, params: dict[str, Any], progress: Progress) -> str:
    """What the process got from the one that started it."""
    stdin = os.readlink("/proc/self/fd/0")
    own_session = os.getsid(0) == os.getpid()
    return f"{os.getcwd()} {os.environ.get('FDCORE_TEST')} {stdin} {own_session} {os.nice(0)}"


def tiny(folder: Path, params: dict[str, Any], progress: Progress) -> str:
    """The real pipeline on the tiny world; each batch takes `seconds`."""
    import tiny_world

    from fdcore.case.plan import Settings
    from fdcore.suspect.preprocess import PreprocessSpec
    from fdcore.suspect.suspect import CallableSuspect
    from fdcore.work.investigate import investigate

    answer = tiny_world.counted(Path(params["log"]), "")
    spec = PreprocessSpec(height=tiny_world.SIZE, width=tiny_world.SIZE)
    suspect = CallableSuspect(
        answer, n_classes=tiny_world.N_CLASSES, spec=spec, fingerprint="c" * 64, batch_size=tiny_world.BATCH
    )

    def slowly(stage: str, done: int, total: int) -> None:
        progress(stage, done, total)
        if stage == "Querying the suspect":
            time.sleep(params["seconds"])

    findings = investigate(
        folder, suspect, [params["corpus"]], hierarchy=tiny_world.hierarchy(), open_suspect=tiny_world.open_nothing,
        cache=Path(params["cache"]), settings=Settings(n_views=4), progress=slowly,
    )  # fmt: skip
    return f"found {findings.overall.n_found}"


def own_kinds() -> dict[str, Kind]:
    """The program's kinds and those of the tests."""
    runs = (count, swallow, fail, deaf, noisy, surroundings, tiny)
    kinds = {run.__name__: Kind(f"Test: {run.__name__}", "heavy", run) for run in runs}
    return KINDS | kinds | {"light": Kind("Test: light", "light", count)}


if __name__ == "__main__":
    sys.exit(main(kinds=own_kinds()))
