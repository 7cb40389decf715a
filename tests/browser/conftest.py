"""One real server and browser for all journeys of a process; what goes wrong in either is a failure."""

import os
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from browser.driver import TIMEOUT_MS, Watch, find_chromium, first_tab, fresh_context, launch
from browser.journey import complete, tiny_server
from browser.server import Server
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

HERE = Path(__file__).resolve().parent
LONGEST = ("test_journeys_hostile", "test_journeys_jobs", "test_journeys_clone", "test_journeys_analyst",
           "test_journeys_layout", "test_journeys_words")  # fmt: skip
VECTORS = "airplane 1 0 0\nairliner 0.8 0.6 0\nwarplane 0.6 0.8 0\ncat 0 0 2\nautomobile 0 3 1\nconvertible 2 1 0\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs a browser, and is slow; the modules with the longest ones come first: none ends alone."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            item.add_marker("slow")
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the server's log with a test that failed."""
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and server is not None:
        report.sections.append(("server log", server.log_text()))
    return report


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of the tiny world that went through every step, to be copied."""
    return complete(tmp_path_factory.mktemp("scored") / "complete")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, scored: Path) -> Iterator[Server]:
    """The running dashboard, with one small file of word vectors and the pictures of the scored case."""
    folder = tmp_path_factory.mktemp("dashboard") / "server"
    with tiny_server(folder) as running:
        (folder / "vectors").mkdir()
        (folder / "vectors" / "six.txt").write_text(VECTORS)
        yield running


@pytest.fixture
def case_id(server: Server, scored: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The id of a scored case for this test alone; what the test leaves at work is ended."""
    yield server.add_case(scored, re.sub(r"[^a-z0-9]+", "-", request.node.name)[:60])
    server.end_work()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; without one they skip, and fail where continuous integration runs."""
    chromium = find_chromium()
    if chromium is None:
        sentence = "Chromium was not found: install chromium-headless-shell, or name its path in FDCORE_CHROMIUM."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        started = launch(playwright, chromium)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """An analyst's browser: `context.new_page()` is another tab in it."""
    with fresh_context(browser) as made:
        yield made


@pytest.fixture
def watch(context: BrowserContext) -> Iterator[Watch]:
    """What the browser did; at the end no console may hold an error and no request may have left the machine."""
    with closing(Watch(context)) as watching:
        yield watching
    assert watching.errors == []
    assert watching.outside() == []


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Iterator[Page]:
    """An empty tab, watched; at the end it may show no exception."""
    tab = first_tab(context)
    yield tab
    exceptions = tab.locator("[data-testid=stException]").all_inner_texts() if not tab.is_closed() else []
    assert exceptions == []
