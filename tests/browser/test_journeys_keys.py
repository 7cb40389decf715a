"""The keys of the whole page: the class, the search, the glossary; never while somebody types."""

from browser.driver import idle, key, open_page, params
from browser.journey import class_row, on_page
from browser.server import Server
from playwright.sync_api import Page, expect

from ui.glossary.terms import TERMS


def press(page: Page, letter: str, expected_class: str) -> None:
    """Press a key and wait until the URL names that class."""
    page.keyboard.press(letter)
    page.wait_for_function(f"new URLSearchParams(location.search).get('class') === '{expected_class}'")
    idle(page)


def test_keys_change_the_class_search_and_explain(server: Server, page: Page, case_id: str):
    """n and p anywhere, j and k in the list, "/" searches by any word; in a field letters are only text."""
    open_page(page, server, "Leaf_scores", case=case_id, class_=2)
    press(page, "n", "3")
    press(page, "n", "0")
    press(page, "p", "3")
    for letter, number in (("k", 2), ("j", 3), ("k", 2)):
        press(page, letter, str(number))
        expect(class_row(page, number)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("/")
    expect(page.locator("input:focus")).to_have_count(1)
    page.keyboard.type("not found")
    expect(class_row(page, 1)).to_be_hidden()
    press(page, "Enter", "3")
    field = key(page, "bench_inspector").locator("[class*=st-key-comment_] input").first
    field.click()
    field.press_sequentially("jknp?/")
    assert field.input_value() == "jknp?/"
    assert params(page)["class"] == "3"
    expect(page.locator("h1").filter(has_text="Leaf scores")).to_be_visible()
    open_page(page, server, "Report", case=case_id, class_=2)
    page.keyboard.press("n")
    page.keyboard.press("?")
    on_page(page, "Glossary")
    assert params(page) == {"case": case_id, "class": "2"}
    drawings = key(page, "glossary").locator("svg[role=img]")
    expect(drawings).to_have_count(len(TERMS))
    page.keyboard.press("/")
    expect(key(page, "glossary_search").locator("input")).to_be_focused()
