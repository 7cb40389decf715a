"""Clones from the browser: trained, stopped and kept, compared, taken away and removed."""

import io
import time
from pathlib import Path

import case_factory
import pandas as pd
from browser.driver import click, download, idle, key, open_page, plotly, table
from browser.journey import WORK_S, button, newest, tab, type_in, wait_for_work
from browser.server import Server
from playwright.sync_api import Page, expect

from fdcore.case.case import Case
from fdcore.case.clones import read_comparison, read_evaluation_sets, read_runs
from fdcore.cloning.settings import Source, SourceKind
from fdcore.jobs import State

FOUND, ONE_TERM, RANDOM = (Source(kind) for kind in (SourceKind.FOUND, SourceKind.ONE_TERM, SourceKind.RANDOM))
HOSTILE = "<img src=http://evil.example/x onerror=alert(1)> ![x](http://evil.example/y.png) " + "w" * 80


def add_clones(folder: Path) -> None:
    """Four finished clones with hostile names, tested on a labelled set."""
    case_factory.add_labelled_set(folder, "held", name=HOSTILE)
    hostile = Source(SourceKind.FOLDER, f"/x/{HOSTILE.replace('/', '')}", "distant")
    for minute, (source, agreement) in enumerate([(FOUND, 0.8), (ONE_TERM, 0.7), (RANDOM, 0.4), (hostile, 0.3)]):
        case_factory.add_clone(folder, source, run_id=f"r-{minute}", agreement=agreement, minute=minute, label=HOSTILE,
                               sets=("held",))  # fmt: skip


def open_settings(page: Page, **values: object) -> None:
    """Open the settings and type these numbers into them."""
    key(page, "clone_settings").locator("summary").click()
    for name, value in values.items():
        type_in(page, f"clone_{name}", str(value))


def test_from_the_form_to_a_clone_in_the_hand(server: Server, page: Page, case_id: str):
    """Two clones are trained and tested; what the page says of them is what the case holds, and they can be taken."""
    open_page(page, server, "Clone", case=case_id)
    open_settings(page, epochs=2, total=60)
    click(page, "clone_start")
    expect(key(page, "clone_running")).to_be_visible()
    wait_for_work(server, case_id, State.DONE, timeout_s=2 * WORK_S)
    expect(key(page, "clone_results")).to_be_visible()
    idle(page)
    case = Case.open(server.cases / case_id)
    runs = read_runs(case)
    assert [(run.source, run.finished, len(run.history)) for run in runs] == [(FOUND, True, 2), (RANDOM, True, 2)]
    comparison = read_comparison(case, read_evaluation_sets(case)[0].key)
    rate = next(one for one in comparison.columns if one.run.source == FOUND).evaluation.agreement
    assert rate is not None
    expect(key(page, "clone_results").get_by_text(f"{rate.value * 100:.0f} % of {rate.n}").first).to_be_visible()
    tab(page, "Results")
    drawn = [float(point["x"][0]) for point in plotly(page, "clone_rates")["data"]]
    assert min(abs(value - rate.value) for value in drawn) < 1e-9
    tab(page, "Each clone")
    weights = download(page, key(page, "clone_file_clone_safetensors").locator("button").first)
    chosen = next(run for run in runs if run.source == FOUND)
    assert weights == case.path(f"cloning/runs/{chosen.id}/clone.safetensors").read_bytes()
    assert [entry["event"] for entry in case.audit()].count("clone finished") == 2


def test_a_clone_that_was_stopped_is_kept_as_it_is(server: Server, page: Page, case_id: str):
    """Paused, gone on with by its id, paused again: it is the same clone, and its best weights finish it."""
    open_page(page, server, "Clone", case=case_id)
    key(page, "clone_from_random").locator("label").first.click()
    idle(page)
    open_settings(page, epochs=2_000, total=60)
    click(page, "clone_start")
    expect(key(page, "clone_loss_curves").locator(".js-plotly-plot").first).to_be_visible(timeout=WORK_S * 1000)
    page.get_by_role("button", name="Pause").first.click()
    wait_for_work(server, case_id, State.PAUSED)
    expect(key(page, "clone_stopped")).to_be_visible()
    idle(page)
    (stopped,) = read_runs(Case.open(server.cases / case_id))
    tab(page, "Each clone")
    click(page, "clone_go_on")
    end = time.monotonic() + WORK_S
    while len(read_runs(Case.open(server.cases / case_id))[0].history) <= len(stopped.history):
        assert time.monotonic() < end, "the training does not go on"
        time.sleep(0.2)
    assert (newest(server, case_id).kind, newest(server, case_id).params["runs"]) == ("clone-go-on", [stopped.id])
    page.get_by_role("button", name="Pause").first.click()
    wait_for_work(server, case_id, State.PAUSED)
    idle(page)
    tab(page, "Each clone")
    click(page, "clone_keep_best")
    wait_for_work(server, case_id, State.DONE, timeout_s=2 * WORK_S)
    assert newest(server, case_id).kind == "clone-finish"
    (run,) = read_runs(Case.open(server.cases / case_id))
    assert run.finished
    assert run.id == stopped.id
    assert run.history[: len(stopped.history)] == stopped.history
    assert 0 < run.best_epoch <= len(run.history) < 2_000
    idle(page)
    tab(page, "Each clone")
    expect(page.get_by_text("finished · ").first).to_be_visible()


def test_clones_are_compared_taken_away_and_removed(server: Server, page: Page, case_id: str):
    """Every source has its column, on the page and in the file; hostile names stay texts; one goes after a question."""
    add_clones(server.cases / case_id)
    open_page(page, server, "Clone", case=case_id)
    expect(page.get_by_text("more than one from random images").first).to_be_visible()
    key(page, "clone_measure").get_by_text("Accuracy").click()
    idle(page)
    expect(page.get_by_text("is right about").first).to_be_visible()
    page.get_by_role("button", name="Export").click()
    offers = page.get_by_test_id("stPopoverBody")
    content = download(page, offers.get_by_role("button", name="Comparison of the clones (CSV)"))
    rows = pd.read_csv(io.BytesIO(content))
    assert rows["name"].tolist()[-2:] == ["All pictures", "Mean over classes"]
    assert len(rows) == 4 + 2
    assert {"two terms: agreement", "one term: agreement", "random: agreement low"} <= set(rows.columns)
    page.keyboard.press("Escape")
    idle(page)
    expect(page.locator("img[src*=evil]")).to_have_count(0)
    tab(page, "Each clone")
    before = table(page, "clones")
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_text("Remove Found, two terms?")).to_be_visible()
    button(page, "Remove clone")
    assert {run.id for run in read_runs(Case.open(server.cases / case_id))} == {"r-1", "r-2", "r-3"}
    grid = key(page, "clones").locator("[role=grid]").first
    expect(grid).to_have_attribute("aria-rowcount", str(len(before)))  # one fewer, and the header
