"""What journeys share: servers of the tiny world, further analysts, walking from step to step, waiting for work."""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import case_factory
from browser.driver import TIMEOUT_MS, Watch, first_tab, fresh_context, idle, key
from browser.server import Server
from playwright.sync_api import Browser, Locator, Page, expect

from fdcore.answers.ledger import Ledger
from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored, read_choices, selection_settings
from fdcore.demo import trial_pictures
from fdcore.jobs import Job, JobQueue, State
from fdcore.method.findings import Findings, weigh
from fdcore.work.intake import check_suspect, survey_corpora
from fdcore.work.investigate import run_plan

STEPS = {
    "Suspect": "Suspect", "Corpus": "Corpus", "Leaf_scores": "Leaf scores", "Distances": "Distances",
    "Selection": "Selection", "Verification": "Verification", "Clone": "Clone", "Report": "Report",
}  # fmt: skip  # a page's path and its name
PAGES = ["", *STEPS]
PLACES = ("Cases", "Jobs", "Compare", "Glossary")  # the pages beside the steps
WORK_S = 180.0
GRACE_S = 15.0  # within which a job that ended may have been resumed by a button just pressed


@contextmanager
def tiny_server(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A running server with the tiny world's corpora and evidence and with folders of its own; it draws no demo.

    UMAP would compile itself for most of a minute; the few words here are laid out sooner without.
    """
    world, settings = case_factory.world(), {"FDCORE_DEMO": "off", "NUMBA_DISABLE_JIT": "1"} | dict(settings or {})
    made = Server(folder, corpora=(world.corpora,), evidence=(world.evidence,), settings=settings)
    if world.cache.exists():
        shutil.copytree(world.cache, made.cache, dirs_exist_ok=True)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def analyst(browser: Browser) -> Iterator[Page]:
    """A browser of its own, as a further person has; watched like the first."""
    with fresh_context(browser) as context, contextlib.closing(Watch(context)) as watch:
        yield first_tab(context)
        exceptions = [
            text for tab in context.pages for text in tab.locator("[data-testid=stException]").all_inner_texts()
        ]
        assert (exceptions, watch.errors, watch.outside()) == ([], [], [])


# Cases


def ready(folder: Path, **settings: Any) -> Path:
    """A case of the tiny world whose suspect was checked and whose corpus was read; nothing is scored yet."""
    case_factory.planned(folder, title="Ready")
    case = Case.open(folder)
    plan = case.plan()
    case.record(plan=replace(plan, settings=replace(plan.settings, **settings)))
    check_suspect(folder, None, trial_pictures())
    survey_corpora(folder)
    return folder


def complete(folder: Path) -> Path:
    """A case that went through every step: checked, read, scored, concluded."""
    ready(folder)
    Case.open(folder).record(title="Complete")
    run_plan(folder, cache=case_factory.world().cache)
    return folder


def conclusions(server: Server, case_id: str, **changed: Any) -> Findings:
    """What the engine itself finds in a case of the server's, with the case's settings or changed ones."""
    case = Case.open(server.cases / case_id)
    return weigh(load_scored(case), replace(selection_settings(case), **changed), read_choices(case))


# Work


def newest(server: Server, case_id: str) -> Job:
    """The case's newest job; waits for the first one to be begun."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while (job := JobQueue(server.cases).latest(case_id)) is None:
        assert time.monotonic() < end, "there was never a job"
        time.sleep(0.1)
    return job


def wait_for_work(server: Server, case_id: str, *states: State, done: int = 0, timeout_s: float = WORK_S) -> Job:
    """Wait until the case's newest job is in one of these states and has done so much, and return it."""
    end, alive = time.monotonic() + timeout_s, time.monotonic()
    while True:
        job = newest(server, case_id)
        if job.state in states and job.done >= done:
            return job
        alive = time.monotonic() if job.active else alive
        ended = time.monotonic() - alive > GRACE_S
        assert not ended, f"the job is {job.state}: {job.message}"
        assert time.monotonic() < end, f"the job is still {job.state}, {job.done} of {job.total}"
        time.sleep(0.1)


def n_sent_and_answered(server: Server, case_id: str) -> tuple[int, int]:
    """Queries that scoring ever sent, and questions of the plan that are answered."""
    ledger = Ledger.open(server.cases / case_id / "ledger")
    return ledger.n_sent, ledger.n_answered


# Doing


def tab(page: Page, name: str) -> None:
    """Open a tab of the page."""
    page.get_by_role("tab", name=name, exact=True).click()
    idle(page)


def button(page: Page, name: str) -> None:
    """Press the button that bears this name, and wait until the page rests."""
    page.get_by_role("button", name=name).first.click()
    idle(page)


def next_step(page: Page, name: str) -> None:
    """Press "Next", which names the step, and wait for its page.

    The page that is left must rest: the server forgets its pictures, and those still on the way would be missing.
    """
    idle(page)
    page.get_by_role("button", name=f"Next: {name}").click()
    on_page(page, name)


def walk_to(page: Page, name: str) -> None:
    """Follow the sidebar's link to a step, once the page that is left rests (see `next_step`)."""
    idle(page)
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    on_page(page, name)


def on_page(page: Page, name: str) -> None:
    """Wait until the page of that name is drawn and rests."""
    expect(page.locator("h1").filter(has_text=name)).to_be_visible(timeout=TIMEOUT_MS)
    idle(page)


def choose(page: Page, name: str, words: str) -> None:
    """Type into the searchable list with this key, take the first that fits, and wait until the page rests."""
    field = key(page, name).locator("input").first
    field.fill(words)
    page.get_by_role("option").first.wait_for()
    field.press("Enter")
    idle(page)


def type_in(page: Page, name: str, text: str) -> None:
    """Type into the field with this key, end with Enter, and wait until the page rests."""
    field = key(page, name).locator("input, textarea").first
    field.fill(text)
    field.press("Enter")
    idle(page)


# On the workbench


def class_row(page: Page, number: int) -> Locator:
    """A class in the list at the left."""
    return key(page, "class_list").locator(f"#class-{number}")


def open_tab(page: Page, name: str) -> None:
    """Open a tab in the middle, and wait until the page rests."""
    key(page, "tabs_box").get_by_role("radio", name=name).click()
    idle(page)


def decide(page: Page) -> None:
    """Open what decides the class by hand."""
    key(page, "lock").get_by_role("button").first.click()
    page.get_by_test_id("stPopoverBody").wait_for()
