"""Scoring in the background: it outlives the tab and the server, obeys any session, and never asks twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.driver import Watch, idle, key, open_page
from browser.journey import (
    analyst,
    n_sent_and_answered,
    newest,
    ready,
    wait_for_work,
    walk_to,
)
from browser.server import Server
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fdcore.jobs import State

N_VIEWS = 1_000  # 80 images in so many views keep the suspect busy for a while
LOST = (
    "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket|disconnected from server|reaching server endpoint|"
    "server is not responding"
)
BATCHES = 800  # answers after which a run is well under way


@pytest.fixture
def case_id(server: Server, tmp_path: Path) -> Iterator[str]:
    """A case that is ready to be scored for long."""
    yield server.add_case(ready(tmp_path / f"long-{tmp_path.name}", n_views=N_VIEWS))
    server.end_work()


def begin(page: Page, server: Server, case_id: str) -> None:
    """Start scoring by its button, and wait until answers come in."""
    open_page(page, server, "Leaf_scores", case=case_id)
    page.get_by_role("button", name="Start scoring").click()
    wait_for_work(server, case_id, State.RUNNING, done=BATCHES)


def shows_work(page: Page) -> None:
    """The page has a bar that fills."""
    expect(page.get_by_test_id("stMain").get_by_role("progressbar").first).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def control(page: Page, name: str) -> None:
    """Press one of the buttons of the work."""
    page.get_by_test_id("stMain").get_by_role("button", name=name, exact=False).first.click()


def test_scoring_survives_a_closed_tab_and_a_killed_server(
    server: Server, context: BrowserContext, page: Page, watch: Watch, case_id: str
):
    """Whatever becomes of the page and of the server, the work goes on, is shown again, and asks nothing twice."""
    begin(page, server, case_id)
    page.close()
    tab = context.new_page()
    open_page(tab, server, "Leaf_scores", case=case_id)
    shows_work(tab)
    worker = newest(server, case_id).id
    with watch.allowing(LOST):
        server.kill()
        tab.wait_for_selector("[data-testid=stApp]:not([data-test-connection-state=CONNECTED])")
        server.start()
        idle(tab)
    job = newest(server, case_id)
    assert job.id == worker
    assert job.state in (State.RUNNING, State.DONE)
    wait_for_work(server, case_id, State.DONE)
    expect(tab.get_by_text("Scoring the leaves:").first).to_be_visible()
    expect(key(tab, "scoring_metrics")).to_contain_text("All queried")
    assert n_sent_and_answered(server, case_id) == (80 * N_VIEWS, 80 * N_VIEWS)
    tab.get_by_role("button", name="Dismiss").click()
    idle(tab)
    expect(tab.get_by_role("button", name="Dismiss")).to_have_count(0)


def test_any_session_pauses_cancels_and_resumes(
    server: Server, page: Page, browser: Browser, case_id: str, scored: Path
):
    """What one analyst starts, another sees, may stop and go on with; pages of other cases show nothing of it."""
    other = server.add_case(scored, f"{case_id}-other")
    with analyst(browser) as colleague:
        open_page(colleague, server, "Leaf_scores", case=case_id)
        begin(page, server, case_id)
        shows_work(colleague)
        expect(colleague.get_by_role("button", name="Start scoring")).to_have_count(0)
        control(colleague, "Pause")
        wait_for_work(server, case_id, State.PAUSED)
        expect(key(page, "stopped")).to_contain_text("was paused")
        n_sent, n_answered = n_sent_and_answered(server, case_id)
        assert 0 < n_sent == n_answered < 80 * N_VIEWS
        control(page, "Resume")
        wait_for_work(server, case_id, State.RUNNING, done=n_answered + BATCHES)
        shows_work(page)
        control(colleague, "Cancel")
        wait_for_work(server, case_id, State.CANCELLED)
        expect(key(colleague, "stopped")).to_contain_text("was cancelled")
        expect(page.get_by_test_id("stMain").get_by_text("Scoring the leaves:").first).to_be_visible()
        page.get_by_test_id("stMain").get_by_role("button", name="Resume").first.click()
        wait_for_work(server, case_id, State.RUNNING, State.DONE)
        open_page(colleague, server, "Leaf_scores", case=other)
        expect(colleague.get_by_role("progressbar")).to_have_count(0)
        open_page(colleague, server, "Leaf_scores", case=case_id)
        walk_to(page, "Corpus")
        wait_for_work(server, case_id, State.DONE)
        colleague.reload()
        for one in (page, colleague):
            expect(one.get_by_text("3 of 4 classes found").first).to_be_visible()
    assert n_sent_and_answered(server, case_id) == (80 * N_VIEWS, 80 * N_VIEWS)
