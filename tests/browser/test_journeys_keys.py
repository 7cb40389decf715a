"""The keys of the whole page: the class, the search, the glossary; never while somebody types."""

from browser.driver import idle, key, open_page, params
from browser.journey import on_page
from browser.server import Server
from playwright.sync_api import Page, expect


def press(page: Page, letter: str, expected_class: str) -> None:
    """Press a key and wait until the URL names that class."""
    page.keyboard.press(letter)
    page.wait_for_function(f"new URLSearchParams(location.search).get('class') === '{expected_class}'")
    idle(page)


def test_n_and_p_change_the_class_and_question_mark_explains(server: Server, page: Page, case_id: str):
    """After the last class comes the first; in a field the letters are letters; a page without a class stays."""
    open_page(page, server, "Leaf_scores", case=case_id, class_=2)
    press(page, "n", "3")
    press(page, "n", "0")
    press(page, "p", "3")
    page.keyboard.press("/")
    field = page.locator("input:focus")
    expect(field).to_have_count(1)
    field.press_sequentially("np?")
    idle(page)
    assert params(page)["class"] == "3"
    expect(page.locator("h1").filter(has_text="Leaf scores")).to_be_visible()
    page.keyboard.press("Escape")
    open_page(page, server, "Report", case=case_id, class_=2)
    page.keyboard.press("n")
    page.keyboard.press("?")
    on_page(page, "Glossary")
    assert params(page) == {"case": case_id, "class": "2"}
    drawings = key(page, "glossary").locator("svg[role=img]")
    expect(drawings).to_have_count(12)
    page.keyboard.press("/")
    expect(key(page, "glossary_search").locator("input")).to_be_focused()
