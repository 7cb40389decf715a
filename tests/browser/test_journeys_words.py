"""Do the words agree: from a known label set, or a table, to claims, and from these to maps and files to take away."""

import io
import re

import numpy as np
import pandas as pd
from browser.driver import download, idle, key, open_page, plotly, table, upload
from browser.journey import WORK_S, button, tab, wait_for_work
from browser.server import Server
from playwright.sync_api import Page, expect

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.claims import read_claims, write_claims
from fdcore.jobs import State
from fdcore.words.claims import Claims
from fdcore.words.label_sets import label_set


def kept(server: Server, case_id: str) -> Claims:
    return read_claims(Case.open(server.cases / case_id))


def test_from_a_known_label_set_to_the_maps(server: Server, page: Page, case_id: str):
    """Its names become claims, these are kept and compared, a job draws the maps, and the table can be taken away."""
    open_page(page, server, "Verification", case=case_id)
    expect(key(page, "label_sets").get_by_text("No known label set agrees")).to_be_visible()
    key(page, "use_set").get_by_role("button").click()
    idle(page)
    assert not kept(server, case_id).names
    tab(page, "Claims")
    button(page, "Save claims")
    names = list(kept(server, case_id).names.values())
    assert names == [label[0] for label in label_set("beans").names]
    expect(key(page, "word_metrics").get_by_text("of 4").first).to_be_visible()
    tab(page, "Map of the words")
    page.get_by_role("button", name="Compare and draw the maps").click()
    wait_for_work(server, case_id, State.DONE, timeout_s=2 * WORK_S)
    expect(page.get_by_text("Comparing the words:", exact=False).first).to_be_visible()
    idle(page)
    written = Case.open(server.cases / case_id).read_json(layout.WORDS)
    for method in ("t-SNE", "UMAP"):
        key(page, "map_method").get_by_text(method).click()
        idle(page)
        require_map(page, written, "tsne" if method == "t-SNE" else "umap")
    expect(key(page, "word_map_panel").get_by_text("The maps show")).to_have_count(0)
    tab(page, "Claims")
    rows = exported(page, "Claims and findings")
    assert rows["claim"].tolist() == names
    assert rows["target_class"].tolist() == sorted(kept(server, case_id).names)
    shown = table(page, "similarity")
    assert shown["Claimed"].tolist() == names
    assert len(exported(page, "Known label sets")) == 4


def require_map(page: Page, written: dict, method: str) -> None:
    """The figure has every word of the file, each where the file says."""
    drawn = np.vstack([
        np.column_stack([np.asarray(trace["x"], float), np.asarray(trace["y"], float)])
        for trace in plotly(page, "word_map")["data"]
        if trace.get("mode") == "markers" and trace["x"][0] is not None
    ])  # fmt: skip
    expected = np.array(written["map"]["maps"][method]["coordinates"])
    assert len(drawn) == len(expected) > 4
    assert np.allclose(np.sort(drawn, axis=0), np.sort(expected, axis=0), atol=1e-3)


def exported(page: Page, title: str) -> pd.DataFrame:
    """A table from the Export menu."""
    page.get_by_role("button", name="Export").click()
    body = page.get_by_test_id("stPopoverBody")
    content = download(page, body.get_by_role("button", name=f"{title} (CSV)"))
    page.keyboard.press("Escape")
    idle(page)
    return pd.read_csv(io.BytesIO(content), keep_default_na=False)


def test_a_table_of_hostile_names_is_read_and_shown_as_text(server: Server, page: Page, tmp_path, case_id: str):
    """Uploaded, kept, compared; nothing in it is run or loaded, and a bad table changes nothing."""
    hostile = "<img src=http://evil.example/x onerror=alert(1)> ![x](http://evil.example/y.png) " + "w" * 80
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f'class,name\n0,"{hostile}"\n1,cat\n')
    bad.write_text("class,name\n99,cat\n")
    open_page(page, server, "Verification", case=case_id)
    tab(page, "Claims")
    key(page, "claims_way").get_by_text("CSV file").click()
    idle(page)
    upload(page, f"claims_csv_{case_id}", bad)
    expect(key(page, "claims").get_by_text("The table names class 99")).to_be_visible()
    assert not kept(server, case_id).names
    upload(page, f"claims_csv_{case_id}", good)
    key(page, "fill_csv").get_by_role("button").click()
    idle(page)
    button(page, "Save claims")
    assert kept(server, case_id) == Claims({0: hostile, 1: "cat"}, "the table good.csv")
    shown = table(page, "similarity")
    assert shown["Claimed"].tolist() == [hostile, "cat"]
    expect(page.locator("img[src*=evil]")).to_have_count(0)


def test_a_claim_is_typed_in(server: Server, page: Page, case_id: str):
    """A double click on a cell, a word, Enter: then it can be kept, and no sooner."""
    open_page(page, server, "Verification", case=case_id)
    tab(page, "Claims")
    expect(key(page, "claims_keep").get_by_role("button")).to_be_disabled()
    grid = key(page, "claims").get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + box["width"] - 60, box["y"] + 31 * 2.5)
    editor = page.locator("#portal textarea, #portal input").first
    editor.wait_for()
    editor.fill("house cat")
    editor.press("Enter")
    expect(key(page, "claims_keep").get_by_role("button")).to_be_enabled()
    idle(page)
    button(page, "Save claims")
    assert kept(server, case_id) == Claims({1: "house cat"}, "entered by hand")


def test_a_file_of_word_vectors_is_prepared_and_used(server: Server, page: Page, case_id: str):
    """Chosen, prepared by a job, then used: the numbers change to the file's."""
    folder = server.cases / case_id
    write_claims(folder, Claims({0: "airplane"}, "the README"))
    open_page(page, server, "Verification", case=case_id)
    tab(page, "Word vectors")
    expect(key(page, "vectors").get_by_text("Not independent of the hierarchy")).to_be_visible()
    key(page, "vectors").evaluate("panel => panel.scrollIntoView({block: 'center'})")  # its list needs room below
    field = key(page, "vectors_choice").locator("input").first
    field.click()
    field.fill("six")
    page.get_by_role("option").first.wait_for()
    field.press("Enter")
    expect(key(page, "prepare_row")).to_be_visible()
    key(page, "prepare_vectors").get_by_role("button").click()
    wait_for_work(server, case_id, State.DONE)
    facts = key(page, "vectors_facts")
    expect(facts.get_by_text("6 words")).to_be_visible()
    expect(facts.get_by_text(re.compile("Independent of the hierarchy"))).to_be_visible()
    expect(key(page, "word_metrics").get_by_text("0.80")).to_be_visible()
