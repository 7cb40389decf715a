"""What the tests of all pages start from: a folder of cases, a finished case, clones, workers that do nothing."""

import functools
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import case_factory
import pytest
from case_factory import FOUND, RANDOM, SIMILAR
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from fdcore.case.case import Case
from fdcore.jobs.process import ProcessId


@pytest.fixture(scope="session", autouse=True)
def _packages_searched_once() -> Iterator[None]:
    """Streamlit reads the metadata of every installed package whenever a test opens the app; once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        search = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", search)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_run_ends_in_an_exception() -> Iterator[None]:
    """Whatever a test opens or clicks, the page is drawn to its end."""
    run = AppTest._run

    def checked(at: AppTest, *args: object, **options: object) -> AppTest:
        run(at, *args, **options)
        assert not at.exception, at.exception
        return at

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AppTest, "_run", checked)
        yield


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of cases and an empty cache; the corpora folder is the tiny world's."""
    folder = tmp_path / "cases"
    folder.mkdir()
    monkeypatch.setenv("FDCORE_CASES", str(folder))
    monkeypatch.setenv("FDCORE_CORPORA", str(case_factory.world().corpora))
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def finished(cases: Path) -> Case:
    """The finished case "colours"."""
    return Case.open(case_factory.finished(cases / "colours"))


@pytest.fixture
def cloned(finished: Case) -> Case:
    """Three finished clones, tested on a labelled set and on the corpus' held-back images."""
    case_factory.add_labelled_set(finished.folder, "held")
    for minute, (source, agreement) in enumerate([(RANDOM, 0.45), (SIMILAR, 0.35), (FOUND, 0.72)]):
        case_factory.add_clone(
            finished.folder, source, run_id=f"{source.kind}-1", agreement=agreement, minute=minute,
            sets=(case_factory.HELD_BACK, "held"),
        )  # fmt: skip
    return finished


@pytest.fixture
def idle_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers that only sleep."""
    started: list[subprocess.Popen[bytes]] = []

    def sleep(_command: Sequence[str], _log: Path) -> ProcessId:
        started.append(subprocess.Popen(["sleep", "60"]))
        return ProcessId.of(started[-1].pid)

    monkeypatch.setattr("fdcore.jobs.queue.start_process", sleep)
    yield
    for process in started:
        process.kill()
