"""Three cases that want to be scored at once: the bell, the queue, and who goes next."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.driver import idle, key, open_page
from browser.journey import on_page, ready, wait_for_work, walk_to
from browser.server import Server
from playwright.sync_api import Page, expect

from fdcore.case.case import Case
from fdcore.jobs import JobQueue, State

N_VIEWS = 1_000


@pytest.fixture
def three(server: Server, tmp_path: Path) -> Iterator[list[str]]:
    """Three cases that are ready to be scored, the first for long."""
    made = []
    for number, n_views in enumerate((N_VIEWS, 2, 2)):
        folder = ready(tmp_path / f"queued-{number}", n_views=n_views)
        Case.open(folder).record(title=f"Drive {number}")
        made.append(server.add_case(folder))
    yield made
    server.end_work()


def test_three_cases_wait_in_their_order_until_one_is_to_run_next(server: Server, page: Page, three: list[str]):
    """The bell counts them on every page; the last overtakes; each ends with its result, which goes by itself."""
    jobs = JobQueue(server.cases)
    for case_id in three:
        open_page(page, server, "Leaf_scores", case=case_id)
        page.get_by_role("button", name="Start scoring").click()
        idle(page)
    wait_for_work(server, three[0], State.RUNNING, done=100)
    bell = page.get_by_test_id("stSidebar").get_by_role("link", name="Jobs: 1 running")
    expect(bell).to_contain_text("2 waiting")
    bell.click()
    on_page(page, "Jobs")
    first, second, third = (jobs.latest(case_id).id for case_id in three)
    expect(key(page, f"job_{first}").first).to_contain_text("Querying the suspect")
    expect(key(page, f"job_{second}").first).to_contain_text("Number 1 in the queue")
    expect(key(page, f"job_{third}").first).to_contain_text("Number 2 in the queue")
    key(page, f"next_{third}").get_by_role("button").click()
    expect(key(page, f"job_{third}").first).to_contain_text("Number 1 in the queue")
    expect(key(page, f"job_{second}").first).to_contain_text("Number 2 in the queue")
    key(page, f"cancel_{first}").get_by_role("button").click()
    for case_id in three[1:]:
        wait_for_work(server, case_id, State.DONE)
    ended = {job.id: job.ended or 0.0 for job in jobs.recent()}
    assert ended[first] < ended[third] < ended[second]
    expect(page.get_by_text("Nothing is under way.")).to_be_visible()
    open_page(page, server, "Leaf_scores", case=three[1])
    found = page.get_by_test_id("stMain").get_by_text("Scoring the leaves:")
    expect(found.first).to_be_visible()
    walk_to(page, "Corpus")
    expect(found).to_have_count(0)
