"""The bell and the Jobs page: all work of all cases, its place in the queue, what it waits for, how it ended."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import case_factory
import pytest
from opening import open_app, open_case, open_page
from reading import as_markdown, said, table
from streamlit.testing.v1 import AppTest

from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.jobs import JobQueue, State
from fdcore.jobs.database import database_path
from fdcore.jobs.estimate import Estimate, Phase
from fdcore.jobs.process import ProcessId
from fdcore.jobs.reporting import OwnRow, Reporter, Termination

PAGE = "Jobs"


def links(at: AppTest) -> list[str]:
    """The labels of the links in the sidebar."""
    return [one.proto.label for one in at.get("page_link")]


def running(queue: JobQueue, job_id: int) -> OwnRow:
    """Let this process do the job."""
    row = OwnRow(queue.root, job_id, ProcessId.of(os.getpid()))
    assert row.claim(lambda _: "heavy") is not None
    assert row.begin()
    return row


@pytest.fixture
def three(cases: Path, idle_workers: None) -> JobQueue:
    """Three cases whose scoring was asked for; the first is being scored, and says how far it is."""
    book, queue = Casebook(cases), JobQueue(cases)
    jobs = [queue.submit("investigate", book.create(title), {}, by="Ana") for title in ("One", "Two *b*", "Three")]
    estimate = Estimate((Phase("Querying the suspect", 100, 1.0), Phase("Comparing with untrained networks", 2, 50.0)))
    Reporter(running(queue, jobs[0].id), Termination(), estimate)("Querying the suspect", 50, 100)
    return queue


def test_the_bell_says_on_every_page_what_is_under_way(three):
    """How many run, how long the longest still takes, how many wait; nothing where nothing is under way."""
    for at in (open_app(), open_page("3_Leaf_scores", case="two-b"), open_page(PAGE)):
        assert "Jobs: 1 running · 2 min, 2 waiting" in links(at)
    for job in three.active():
        three.cancel(job.id)
    assert not [label for label in links(open_app()) if "waiting" in label]


def test_waiting_work_says_its_place_and_what_it_waits_for(three):
    """And the running one its phases, those to come included, with one time left for all."""
    at = open_page(PAGE)
    text = said(at)
    assert "Number 1 in the queue. It waits for: Scoring the leaves in One. It begins in about 2 min." in text
    assert "Number 2 in the queue, after 1 other job that waits" in text
    assert "2 min 30 s left" in text
    assert "Comparing with untrained networks (50% of the time)" in text
    assert "*b*" not in as_markdown(at)


def test_run_next_pause_and_cancel(three):
    """Each button acts on its own job."""
    first, second, third = (job.id for job in three.active())
    at = open_page(PAGE)
    assert [button.key for button in at.button if button.label == "Run next"] == [f"next_{third}"]
    at.button(key=f"next_{third}").click().run()
    assert [job.id for job in three.active() if job.state is State.QUEUED] == [third, second]
    at.button(key=f"pause_{third}").click().run()
    assert three.get(third).state is State.PAUSED
    at.button(key=f"resume_{third}").click().run()
    assert three.get(third).state is State.QUEUED
    at.button(key=f"cancel_{second}").click().run()
    assert three.get(second).state is State.CANCELLED
    at.button(key=f"cancel_{first}").click().run()
    assert three.get(first).state is State.CANCELLING


def test_what_ended_stands_below_with_its_result(cases, idle_workers):
    """The latest first; a selected row shows its message; its log is there."""
    Casebook(cases).create("One")
    queue = JobQueue(cases)
    for message in ("Found 3 of 4 classes.", "Found 4 of 4 classes."):
        job = queue.submit("analyse", "one", {})
        running(queue, job.id).end(State.DONE, message)
    at = open_page(PAGE)
    rows = table(at, "Result")
    assert rows["Result"].tolist() == ["Found 4 of 4 classes.", "Found 3 of 4 classes."]
    assert rows["Case"].tolist() == ["One", "One"]
    at.session_state["job_picked"] = job.id
    at.run()
    assert at.button(key=f"log_{job.id}")
    queue.log(job.id).write_text("\n".join(f"line {n}" for n in range(500)))
    from ui.jobs.page import LOG_LINES, log_end

    assert log_end(queue, job).splitlines() == [f"line {n}" for n in range(500 - LOG_LINES, 500)]


def test_a_result_is_over_on_the_next_page_and_a_failure_is_not(cases, idle_workers):
    """Found is shown once; what failed stays until it is dismissed."""
    case_factory.finished(cases / "one")
    queue, case = JobQueue(cases), Case.open(cases / "one")
    done = queue.submit("analyse", "one", {})
    running(queue, done.id).end(State.DONE, "Found 3 of 4 classes.")
    at = open_case("5_Selection", case)
    assert "Found 3 of 4 classes" in said(at)
    assert "Found 3 of 4 classes" in said(at.run())
    at.switch_page("pages/4_Distances.py").run()
    assert "Found 3 of 4 classes" not in said(at)
    assert queue.unseen("one") == []
    failed = queue.submit("analyse", "one", {})
    running(queue, failed.id).end(State.FAILED, "The disk is full.")
    at = open_case("5_Selection", case)
    for page in ("4_Distances", "5_Selection"):
        assert "The disk is full" in said(at.switch_page(f"pages/{page}.py").run())
    at.button(key=f"dismiss_{failed.id}").click().run()
    assert "The disk is full" not in said(at)


def test_a_result_is_over_once_the_case_changed(cases, idle_workers):
    """What was saved since says something else."""
    case_factory.finished(cases / "one")
    queue = JobQueue(cases)
    done = queue.submit("analyse", "one", {})
    running(queue, done.id).end(State.DONE, "Found 3 of 4 classes.")
    with closing(sqlite3.connect(database_path(cases))) as connection, connection:
        connection.execute("UPDATE jobs SET ended = ended - 60")
    Case.open(cases / "one").record(title="Changed")
    assert "Found 3 of 4 classes" not in said(open_case("5_Selection", Case.open(cases / "one")))
