"""A real server and a real browser for each test; what goes wrong in either is a failure."""

import os
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import case_factory
import pytest
from browser.driver import TIMEOUT_MS, VIEWPORT, Watch, find_chromium, launch
from browser.server import Server
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs a browser, and is slow."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the server's log with a test that failed."""
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and server is not None:
        report.sections.append(("server log", server.log_text()))
    return report


@dataclass(frozen=True)
class DemoCases:
    """Small cases, made once; `server.add_case(demo_cases.finished)` gives a server one of them."""

    planned: Path
    finished: Path
    half_finished: Path
    out_of_budget: Path
    damaged: Path


@pytest.fixture(scope="session")
def demo_cases(tmp_path_factory: pytest.TempPathFactory) -> DemoCases:
    """A case in each state, of the tiny world: 8 leaves, 4 classes, its suspect an ONNX file."""
    folder = tmp_path_factory.mktemp("demo_cases")
    return DemoCases(
        planned=case_factory.planned(folder / "planned"),
        finished=case_factory.finished(folder / "finished"),
        half_finished=case_factory.half_finished(folder / "half_finished"),
        out_of_budget=case_factory.out_of_budget(folder / "out_of_budget"),
        damaged=case_factory.damaged(folder / "damaged"),
    )


@pytest.fixture
def stopped_server(tmp_path: Path) -> Iterator[Server]:
    """A server with folders of its own (and the tiny world's corpora and evidence), to be started by the test."""
    world = case_factory.world()
    made = Server(tmp_path / "server", corpora=(world.corpora,), evidence=(world.evidence,))
    if world.cache.exists():
        shutil.copytree(world.cache, made.cache, dirs_exist_ok=True)
    yield made
    made.stop()


@pytest.fixture
def server(stopped_server: Server) -> Server:
    """The dashboard, running."""
    stopped_server.start()
    return stopped_server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; without one they skip, and fail where continuous integration runs."""
    chromium = find_chromium()
    if chromium is None:
        sentence = "There is no chromium: install it (Debian: apt install chromium) or name one in FDCORE_CHROMIUM."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        started = launch(playwright, chromium)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """An analyst's browser: `context.new_page()` is another tab in it."""
    made = browser.new_context(viewport=VIEWPORT, accept_downloads=True)
    made.set_default_timeout(TIMEOUT_MS)
    yield made
    made.close()


@pytest.fixture
def watch(context: BrowserContext) -> Iterator[Watch]:
    """What the browser did; at the end no console may hold an error and no request may have left the machine."""
    watching = Watch(context)
    yield watching
    assert watching.errors == []
    assert watching.outside() == []


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Iterator[Page]:
    """An empty tab, watched; at the end it may show no exception."""
    tab = context.new_page()
    yield tab
    exceptions = tab.locator("[data-testid=stException]").all_inner_texts() if not tab.is_closed() else []
    assert exceptions == []
