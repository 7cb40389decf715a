"""Two analysts at once, and two settings side by side."""

from browser.driver import idle, key, open_page, params, press_slider, table
from browser.journey import analyst, on_page, type_in
from browser.server import Server
from playwright.sync_api import Browser, Page, expect

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings


def save(page: Page) -> None:
    """Press the button that saves the conclusions."""
    key(page, "save").get_by_role("button").click()


def test_who_saves_second_is_told_whose_conclusions_would_go(
    server: Server, page: Page, browser: Browser, case_id: str
):
    """Theirs stay until it is confirmed; kept, they are shown; after that, one's own are replaced without a word."""
    case = Case.open(server.cases / case_id)
    with analyst(browser) as colleague:
        for one in (page, colleague):
            open_page(one, server, "Selection", case=case_id, class_=0)
        press_slider(page, "eta", "Home")
        press_slider(colleague, "eta", "End")
        save(page)
        expect(page.get_by_text("Conclusions saved")).to_be_visible()
        assert selection_settings(case).eta == 0
        save(colleague)
        dialog = colleague.get_by_role("dialog")
        expect(dialog).to_contain_text("saved other conclusions")
        expect(dialog).to_contain_text("eta 0,")
        assert selection_settings(case).eta == 0
        key(colleague, "keep_theirs").get_by_role("button").click()
        expect(dialog).to_have_count(0)
        idle(colleague)
        assert "eta" not in params(colleague)
        press_slider(colleague, "eta", "ArrowRight")
        save(colleague)
        expect(colleague.get_by_text("Conclusions saved")).to_be_visible()
        assert selection_settings(case).eta == 0.5
        idle(page)
        press_slider(page, "eta", "End")
        save(page)
        expect(page.get_by_role("dialog")).to_contain_text("eta 0.5,")
        key(page, "replace_theirs").get_by_role("button").click()
        expect(page.get_by_text("Conclusions saved")).to_be_visible()
        assert selection_settings(case).eta == 20


def test_a_view_is_saved_compared_and_a_class_opened_in_it(server: Server, page: Page, case_id: str):
    """From the slider to a name, from the name to the comparison, from its row to the class."""
    open_page(page, server, "Compare", case=case_id, eta=20)
    type_in(page, "view_name", "general")
    expect(key(page, "views")).to_contain_text("general")
    open_page(page, server, "Compare", case=case_id)
    rows = table(page, "compared_classes")
    assert len(rows) > 0
    grid = key(page, "compared_classes").locator(".dvn-scroller").first
    grid.click(position={"x": 120, "y": 50})  # the first row, below the heading
    number = rows["Class"].tolist()[0]
    button = key(page, "open_other").get_by_role("button")
    expect(button).to_contain_text(f"Class {number}")
    button.click()
    on_page(page, "Selection")
    assert {"class": str(number), "eta": "20"}.items() <= params(page).items()
