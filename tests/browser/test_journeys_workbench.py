"""The workbench: every mark leads to the pictures behind it, and what is said about them stays with the case."""

import re

from browser.driver import idle, key, open_page, params
from browser.journey import conclusions, open_tab
from browser.server import Server
from playwright.sync_api import Page, expect

from fdcore.case.case import Case
from fdcore.case.notes import read_notes

INSPECTOR = "bench_inspector"


def picked(page: Page, name: str, locator) -> str:
    """Click a mark; what the link then says under this name, once the inspector shows it."""
    before = params(page).get(name)
    locator.click()
    page.wait_for_function(
        "([name, before]) => ![null, before].includes(new URLSearchParams(location.search).get(name))",
        arg=[name, before],
    )
    idle(page)
    return params(page)[name]


def test_from_a_bar_to_a_picture_its_views_and_a_tag_that_stays(server: Server, page: Page, case_id: str):
    """A bar opens its leaf, a thumbnail its picture with every view; a tag and a comment outlive a reload."""
    open_page(page, server, "Selection", case=case_id, class_=1)
    inspector = key(page, INSPECTOR)
    bar = key(page, "leaf_bars").locator("button").first
    leaf = picked(page, "leaf", bar)
    expect(inspector).to_contain_text("10 images: 40 answers")
    expect(bar).to_have_attribute("aria-pressed", "true")
    image = picked(page, "image", key(page, "inspector_leaf_grid").locator("button").nth(1))
    assert "leaf" not in params(page)
    views = key(page, "inspector_view_grid").locator("button")
    expect(views).to_have_count(4)
    expect(inspector).to_contain_text(re.compile(r"\d of 4 views answered 1"))
    assert picked(page, "view", views.nth(2)) == "2"
    tags = inspector.locator("[class*=st-key-tags_] input").first
    tags.fill("looks staged")
    tags.press("Enter")
    idle(page)
    comment = inspector.locator("[class*=st-key-comment_] input").first
    comment.fill("Compare with **exhibit 3**")
    comment.press("Enter")
    idle(page)
    page.reload()
    idle(page)
    assert params(page)["image"] == image
    expect(inspector).to_contain_text("looks staged")
    expect(inspector).to_contain_text("Compare with **exhibit 3**")
    assert [note.tag or note.comment for note in read_notes(Case.open(server.cases / case_id))] == [
        "looks staged", "Compare with **exhibit 3**",
    ]  # fmt: skip
    inspector.get_by_role("button", name="Remove", exact=True).click()
    expect(inspector).not_to_contain_text("exhibit 3")
    key(page, "back_1").get_by_role("button").click()
    page.wait_for_function(f"new URLSearchParams(location.search).get('leaf') === '{leaf}'")


def test_clusters_cells_and_pairs_open_what_is_behind_them(server: Server, page: Page, case_id: str):
    """A cluster its leaves, a cell of the map its class and leaf, a cell of the distances both leaves."""
    findings = conclusions(server, case_id)
    open_page(page, server, "Selection", case=case_id, class_=1, tab="Clusters")
    medoid = findings.classes[1].selection.winner.medoid
    found = picked(page, "cluster", key(page, "cluster_bars").locator("button").first)
    assert found == findings.scored.scores.nodes[medoid]
    expect(key(page, "inspector_members").locator("button")).to_have_count(2)
    open_page(page, server, "Leaf_scores", case=case_id, class_=0, tab="Classes")
    canvas = key(page, "overview_cells").locator("canvas")
    canvas.focus()
    for press in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(press)
    page.wait_for_function("new URLSearchParams(location.search).get('class') === '2'")
    idle(page)
    assert "leaf" in params(page)
    open_page(page, server, "Distances", case=case_id, class_=1)
    canvas = key(page, "distances_cells").locator("canvas")
    canvas.focus()
    for press in ("ArrowDown", "Enter"):  # the second row, first column
        page.keyboard.press(press)
    page.wait_for_function("new URLSearchParams(location.search).has('other')")
    expect(key(page, INSPECTOR)).to_contain_text("steps apart")


def test_all_pictures_of_a_class_are_filtered_and_opened(server: Server, page: Page, case_id: str):
    """Across the whole corpus; a picture opens beside the grid."""
    open_page(page, server, "Leaf_scores", case=case_id, class_=0)
    open_tab(page, "Pictures")
    grid = key(page, "all_pictures").locator("button.cell")
    expect(grid.first).to_be_visible()  # a component draws after the script has ended
    n_all = grid.count()
    field = key(page, "pictures_leaf").locator("input")
    field.fill("airl")
    field.press("Enter")
    expect(grid).not_to_have_count(n_all)
    assert 0 < grid.count() < n_all
    picked(page, "image", grid.first)
    expect(key(page, INSPECTOR)).to_contain_text("airliner")


def test_in_a_narrow_window_a_click_is_answered_in_sight(server: Server, page: Page, case_id: str):
    """What was clicked comes up as a panel at the lower edge, from which the way back closes it."""
    page.set_viewport_size({"width": 768, "height": 700})
    open_page(page, server, "Selection", case=case_id, class_=1)
    expect(key(page, "inspector_class")).not_to_be_in_viewport()
    picked(page, "leaf", key(page, "leaf_bars").get_by_role("button").first)
    expect(key(page, "inspector_back")).to_be_in_viewport()
    expect(key(page, "leaf_bars").get_by_role("button").first).to_be_in_viewport()
    key(page, "back_0").get_by_role("button").click()
    idle(page)
    expect(key(page, "inspector_picked")).to_have_count(0)
    expect(key(page, "inspector_class")).not_to_be_in_viewport()
