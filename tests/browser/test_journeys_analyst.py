"""From a suspect's file to the report without help: the demo that the first visit begins, and a case of one's own."""

import html
from pathlib import Path

import pytest
from browser.driver import download, idle, key, open_page, params
from browser.journey import (
    STEPS,
    WORK_S,
    button,
    choose,
    conclusions,
    n_sent_and_answered,
    next_step,
    on_page,
    tiny_server,
    wait_for_work,
    walk_to,
)  # fmt: skip
from browser.server import Server
from playwright.sync_api import Page, expect

from fdcore.jobs import State
from fdcore.method.findings import Findings


def report_text(page: Page) -> str:
    """The downloaded report, as a person reads it."""
    content = download(page, key(page, "download_report").locator("button")).decode()
    assert content.lstrip().lower().startswith("<!doctype html")
    assert "<script" not in content.lower()
    return html.unescape(content)


def found_names(findings: Findings) -> list[str]:
    """What the classes were found to be."""
    return [finding.name.label for finding in findings.classes if finding.name]


@pytest.mark.nightly
def test_the_first_visit_builds_the_demo_case_and_leads_to_its_report(tmp_path: Path, page: Page):
    """An empty server shows the demo case being built; when it is done, "Next" leads through every step."""
    with tiny_server(tmp_path / "server", {"FDCORE_DEMO": ""}) as server:
        follow_the_demo(server, page)


def follow_the_demo(server: Server, page: Page) -> None:
    """Wait for the demo case and walk through it."""
    open_page(page, server)
    case_id = params(page)["case"]
    expect(page.get_by_role("progressbar").first).to_be_visible()
    wait_for_work(server, case_id, State.RUNNING, State.DONE, done=1)
    expect(key(page, "overview")).not_to_be_empty()
    wait_for_work(server, case_id, State.DONE, timeout_s=2 * WORK_S)
    expect(page.get_by_text("Building the demo case: Found", exact=False).first).to_be_visible()
    expect(key(page, "head").first).to_be_visible()  # the page has just been told
    idle(page)
    expect(key(page, "head")).to_have_count(1)  # while it is redrawn, the old one stays beside the new
    names = found_names(conclusions(server, case_id))
    assert names
    walk_to(page, "Suspect")
    for name in list(STEPS.values())[1:]:
        next_step(page, name)
        assert params(page)["case"] == case_id
    text = report_text(page)
    assert [name for name in names if name not in text] == []


def make_case(page: Page, server: Server, title: str) -> str:
    """Make a case on the Case page; its id."""
    open_page(page, server)
    button(page, "New case")
    page.get_by_label("Title", exact=True).fill(title)
    button(page, "Create the case")
    on_page(page, "Suspect")
    return params(page)["case"]


def test_an_analyst_gets_from_the_file_to_the_report(server: Server, page: Page):
    """New case, suspect, corpus, scoring, selection, report: each step leads to the next."""
    case_id = make_case(page, server, "Seized drive 7")
    choose(page, "source_file", "colours")
    button(page, "Check the suspect")
    wait_for_work(server, case_id, State.DONE)
    expect(key(page, "what_it_is").get_by_text("4 classes, input 12 x 12 colour")).to_be_visible()
    next_step(page, "Corpus")
    choose(page, "add_folder", "tiny")
    button(page, "Add this folder")
    button(page, "Read the corpus")
    wait_for_work(server, case_id, State.DONE)
    expect(key(page, "corpus_metrics").get_by_text("80").first).to_be_visible()
    next_step(page, "Leaf scores")
    expect(key(page, "cost")).to_contain_text("Queries to send")
    told = key(page, "cost").inner_text()
    button(page, "Start scoring")
    wait_for_work(server, case_id, State.DONE)
    expect(key(page, "scoring_metrics")).to_be_visible()
    n_sent, n_answered = n_sent_and_answered(server, case_id)
    assert n_sent == n_answered
    assert f"{n_sent:,}" in told
    next_step(page, "Distances")
    next_step(page, "Selection")
    findings = conclusions(server, case_id)
    first = findings.classes[0].name
    assert first is not None
    expect(key(page, "winner").get_by_role("heading", name=first.label)).to_be_visible()
    for name in ("Verification", "Clone", "Report"):
        next_step(page, name)
    text = report_text(page)
    names = found_names(findings)
    assert len(names) == 3
    assert [name for name in names if name not in text] == []
    assert "Seized drive 7" in text or "colours.onnx" in text
