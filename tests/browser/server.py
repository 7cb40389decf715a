"""The real dashboard on a free port, with folders of its own, to be killed and started again."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
_NOT_OURS = ("STREAMLIT_", "FDCORE_", "PYTEST_")


class Server:
    """`streamlit run app.py` as an analyst starts it; `start` it, and `stop` it in the end.

    Attributes:
        folder: where everything of this server lies: cases, evidence, corpora, cache, its log.
        port: on 127.0.0.1, the same after a restart.
        process: the running server.
    """

    streamlit: Sequence[str] = ("-m", "streamlit")  # what python runs; a benchmark puts its own around it

    def __init__(
        self,
        folder: Path,
        *,
        corpora: tuple[Path, ...] = (),
        evidence: tuple[Path, ...] = (),
        cache: Path | None = None,
        script: str = "app.py",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the folders.

        Args:
            folder: an empty folder for this server alone.
            corpora, evidence: folders that the server may read beside its own.
            cache: of decoded images; None for one of its own.
            script: what streamlit runs, relative to the repository.
            settings: further environment variables, such as FDCORE_DEMO.
        """
        self.folder, self.script, self._settings = folder, script, dict(settings or {})
        self.cases, self.cache, self.log = folder / "cases", cache or folder / "cache", folder / "server.log"
        self.corpora, self.evidence = folder / "corpora", folder / "evidence"
        for path in (self.cases, self.cache, self.corpora, self.evidence, folder / "home"):
            path.mkdir(parents=True, exist_ok=True)
        self._more_corpora, self._more_evidence = corpora, evidence
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the first page is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The running server's process id."""
        assert self.process is not None, "the server was not started"
        return self.process.pid

    def start(self) -> float:
        """Start it and wait until it answers; the seconds that took."""
        begun = time.monotonic()
        arguments = ["--server.port", str(self.port), "--server.headless", "true", "--server.fileWatcherType", "none"]
        command = [sys.executable, *self.streamlit, "run", self.script, *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=REPOSITORY, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() - begun > START_TIMEOUT_S:
                raise AssertionError(f"The server does not start:\n{self.log_text()}")
            time.sleep(0.05)
        return time.monotonic() - begun

    def kill(self) -> None:
        """End the server as a power cut would (SIGKILL); its workers live on."""
        assert self.process is not None, "the server was not started"
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Kill it and start it again on the same port."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """End the server and every worker that it started."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.kill()
        self.end_work()

    def end_work(self) -> None:
        """End every worker that it started."""
        for pid in self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Processes beside the server that have its cases folder in their environment: the jobs it started."""
        mark = f"FDCORE_CASES={self.cases}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return [pid for pid in found if self.process is None or pid != self.process.pid]

    def add_case(self, source: Path, case_id: str | None = None) -> str:
        """Copy a case into the server's folder; its id there."""
        case_id = case_id or source.name
        shutil.copytree(source, self.cases / case_id)
        return case_id

    def log_text(self) -> str:
        """What the server wrote to its terminal."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def maps(self, part: str) -> bool:
        """Whether the server has a file whose name holds `part` mapped into its memory (Linux)."""
        return part in Path(f"/proc/{self.pid}/maps").read_text()

    def environment(self) -> dict[str, str]:
        """What the server sees: its own folders, no proxy, no settings of the person who runs the tests."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(_NOT_OURS) and not key.lower().endswith("_proxy")
        }
        return kept | {
            "HOME": str(self.folder / "home"),
            "FDCORE_CASES": str(self.cases),
            "FDCORE_EVIDENCE": os.pathsep.join(map(str, (self.evidence, *self._more_evidence))),
            "FDCORE_CORPORA": os.pathsep.join(map(str, (self.corpora, *self._more_corpora))),
            "FDCORE_VECTORS": str(self.folder / "vectors"),
            "FDCORE_CACHE": str(self.cache),
            **self._settings,
        }

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/_stcore/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
