"""A view is its link: every page opens from one, takes the settings in it over, and says what makes no sense."""

from browser.driver import idle, key, open_page, params, press_slider
from browser.journey import analyst, class_row, conclusions, next_step, walk_to
from browser.server import Server
from playwright.sync_api import Browser, Page, expect

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings

LINKED = {"class_": 1, "alpha": 0.35, "eta": 3.5, "tau": 0.12, "k": 2}


def sliders(page: Page) -> dict[str, float]:
    """Where the Selection page's sliders stand."""
    return {name: float(slider(page, name).input_value()) for name in ("alpha", "eta", "tau")}


def slider(page: Page, name: str):
    return key(page, name).locator("input[type=range]").first


def require_linked(page: Page, case_id: str) -> None:
    """The URL still says what `LINKED` says."""
    said = {name.rstrip("_"): str(value) for name, value in LINKED.items()} | {"case": case_id}
    assert said.items() <= params(page).items(), page.url


def test_a_link_brings_class_and_settings_to_the_next_page(server: Server, page: Page, case_id: str):
    """What a link says stands in the URL of the page that it opens and of the next, and is what that page shows."""
    open_page(page, server, "Corpus", case=case_id, **LINKED)
    require_linked(page, case_id)
    walk_to(page, "Selection")
    require_linked(page, case_id)
    assert sliders(page) == {"alpha": 0.35, "eta": 3.5, "tau": 0.12}
    key(page, "more_settings").get_by_role("button").first.click()
    expect(key(page, "k").locator("input")).to_have_value("2")
    page.keyboard.press("Escape")
    found = conclusions(server, case_id, alpha=0.35, eta=3.5, tau=0.12, k=2).classes[1].name
    assert found is not None
    expect(key(page, "winner").get_by_role("heading", name=found.label)).to_be_visible()


def test_eta_by_keyboard_changes_the_clusters_and_the_link(server: Server, page: Page, case_id: str):
    """At eta 0 every leaf stands alone, at the other end all are one; answer, URL and the list of classes follow."""
    open_page(page, server, "Selection", case=case_id, class_=0, tab="Clusters")
    rows = {}
    for end, eta in (("Home", 0.0), ("End", 20.0)):
        press_slider(page, "eta", end)
        page.wait_for_function(f"new URLSearchParams(location.search).get('eta') === '{eta:g}'")
        idle(page)
        found = conclusions(server, case_id, eta=eta).classes[0]
        assert found.name is not None
        expect(key(page, "winner").get_by_role("heading", name=found.name.label)).to_be_visible()
        rows[eta] = len(found.selection.clusters)
        expect(key(page, "cluster_bars").locator("button")).to_have_count(rows[eta])
    assert rows[0.0] > rows[20.0]
    page.reload()
    idle(page)
    expect(class_row(page, 0)).to_contain_text(found.name.label)
    press_slider(page, "eta", "ArrowLeft", 3)
    page.wait_for_function("new URLSearchParams(location.search).get('eta') === '18.5'")
    key(page, "to_case").get_by_role("button").click()
    page.wait_for_function("!new URLSearchParams(location.search).has('eta')")
    name = conclusions(server, case_id).classes[0].name
    assert name is not None
    assert name.label != found.name.label
    expect(class_row(page, 0)).to_contain_text(name.label)


def test_alpha_is_live_while_it_is_dragged(server: Server, page: Page, case_id: str):
    """The link and the numbers follow the hand before the mouse is let go."""
    open_page(page, server, "Selection", case=case_id, class_=0)
    box = slider(page, "alpha").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    here = (sliders(page)["alpha"] - 0.05) / 0.95
    page.mouse.move(box["x"] + 8 + here * (box["width"] - 16), y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=5)
    page.mouse.move(box["x"] + box["width"] * 0.25, y, steps=5)
    page.wait_for_function(  # it passes through what lay between
        "new URLSearchParams(location.search).get('alpha') < 0.6 && new URLSearchParams(location.search).has('alpha')"
    )
    assert 0.15 < float(params(page)["alpha"]) < 0.6
    page.mouse.up()
    idle(page)
    alpha = sliders(page)["alpha"]
    page.wait_for_function(f"new URLSearchParams(location.search).get('alpha') === '{alpha:g}'")
    winner = conclusions(server, case_id, alpha=alpha).classes[0].selection.winner
    assert winner is not None
    expect(key(page, "winner")).to_contain_text(f"{winner.objective:.3f}")


def test_reload_and_the_back_button_keep_the_view(server: Server, page: Page, case_id: str):
    """What was set stays set after a reload, and after a look at the next page."""
    open_page(page, server, "Selection", case=case_id, class_=2)
    press_slider(page, "eta", "Home")
    page.wait_for_function("new URLSearchParams(location.search).get('eta') === '0'")
    page.reload()
    idle(page)
    assert sliders(page)["eta"] == 0
    assert params(page)["class"] == "2"
    next_step(page, "Verification")
    page.go_back()
    page.wait_for_url("**/Selection?**")
    idle(page)
    expect(key(page, "winner")).to_be_visible()
    assert sliders(page)["eta"] == 0
    assert params(page)["eta"] == "0"


def test_a_change_is_taken_back_and_saved(server: Server, page: Page, case_id: str):
    """Undo leads back to what was; saving makes what is shown the case's conclusions, and the report agrees."""
    case = Case.open(server.cases / case_id)
    saved = selection_settings(case)
    open_page(page, server, "Selection", case=case_id)
    expect(page.get_by_text("Conclusions saved")).to_be_visible()
    press_slider(page, "eta", "Home")
    expect(page.get_by_text("Not saved")).to_be_visible()
    page.wait_for_timeout(1600)  # longer than what counts as one move
    press_slider(page, "eta", "End")
    key(page, "undo").get_by_role("button").click()
    page.wait_for_function("new URLSearchParams(location.search).get('eta') === '0'")
    idle(page)
    assert sliders(page)["eta"] == 0
    assert selection_settings(case) == saved
    key(page, "save").get_by_role("button").click()
    expect(page.get_by_text("Conclusions saved")).to_be_visible()
    idle(page)
    assert selection_settings(case).eta == 0
    walk_to(page, "Report")
    expect(key(page, "unsaved")).to_have_count(0)


def test_a_moved_slider_goes_to_the_next_page_and_to_a_colleague(
    server: Server, page: Page, browser: Browser, case_id: str
):
    """The sidebar's links and the link that the page offers lead to what was just set."""
    open_page(page, server, "Selection", case=case_id, class_=2)
    press_slider(page, "tau", "End")
    page.wait_for_function("new URLSearchParams(location.search).get('tau') === '0.95'")
    walk_to(page, "Distances")
    assert params(page).get("tau") == "0.95"
    walk_to(page, "Selection")
    press_slider(page, "eta", "End")
    page.wait_for_function("new URLSearchParams(location.search).get('eta') === '20'")
    page.get_by_role("button", name="Link").first.click()
    code = page.get_by_test_id("stPopoverBody").locator("code")
    expect(code).to_contain_text("eta=20")
    with analyst(browser) as colleague:
        colleague.goto(code.inner_text().strip())
        idle(colleague)
        assert params(colleague)["class"] == "2"
        assert sliders(colleague)["eta"] == 20
