"""Several analysts on one server: on one case they see the same, on two cases never each other's."""

from pathlib import Path

from browser.driver import idle, key, open_page, params, press_slider, table
from browser.journey import analyst, button, decide, type_in, walk_to
from browser.server import Server
from playwright.sync_api import Browser, Page, expect

from fdcore.case.case import Case
from fdcore.case.conclusions import read_choices, selection_settings


def test_what_one_decides_is_seen_by_the_other(server: Server, page: Page, browser: Browser, case_id: str):
    """A class locked by hand, with its note as text, unlocked again, and saved settings: both see the same."""
    note = "Seen on the drive: **aircraft** <b>only</b>"
    with analyst(browser) as colleague:
        for one in (page, colleague):
            open_page(one, server, "Selection", case=case_id, class_=0)
        decide(page)
        type_note(page, note)
        key(page, "lock_class").get_by_role("button").click()
        expect(key(page, "winner")).to_contain_text("Locked by hand")
        assert 0 in read_choices(Case.open(server.cases / case_id))
        colleague.reload()
        idle(colleague)
        expect(key(colleague, "winner")).to_contain_text("Locked by hand")
        expect(key(colleague, "winner")).to_contain_text(note)
        decide(colleague)
        key(colleague, "unlock").get_by_role("button").click()
        expect(key(colleague, "winner")).not_to_contain_text("Locked by hand")
        page.reload()
        idle(page)
        expect(key(page, "winner")).not_to_contain_text("Locked by hand")
        assert read_choices(Case.open(server.cases / case_id)) == {}
        press_slider(page, "eta", "Home")
        key(page, "save").get_by_role("button").click()
        expect(page.get_by_text("Conclusions saved")).to_be_visible()
        assert selection_settings(Case.open(server.cases / case_id)).eta == 0
        open_page(colleague, server, "Report", case=case_id)
        expect(key(colleague, "unsaved")).to_have_count(0)
        walk_to(colleague, "Selection")
        assert float(key(colleague, "eta").locator("input").first.input_value()) == 0


def type_note(page: Page, note: str) -> None:
    """Say why, and leave the field."""
    field = page.locator("[class*=st-key-lock_note_] textarea")
    field.fill(note)
    field.press("Control+Enter")
    idle(page)


def test_two_cases_never_mix(server: Server, page: Page, browser: Browser, case_id: str, scored: Path):
    """Settings, class, notes and search of one analyst leave the other's page as it was."""
    theirs = server.add_case(scored, f"{case_id}-theirs")
    with analyst(browser) as colleague:
        open_page(page, server, "Selection", case=case_id, class_=0)
        open_page(colleague, server, "Selection", case=theirs, class_=2)
        before = key(colleague, "winner").inner_text()
        press_slider(page, "eta", "End")
        press_slider(page, "alpha", "Home")
        decide(page)
        type_note(page, "mine alone")
        idle(colleague)
        assert key(colleague, "winner").inner_text() == before
        assert params(colleague) == {"case": theirs, "class": "2"}
        colleague.reload()
        idle(colleague)
        assert key(colleague, "winner").inner_text() == before
        assert "mine alone" not in colleague.locator("body").inner_text()


def test_switching_the_case_begins_with_its_own_settings(server: Server, page: Page, case_id: str, scored: Path):
    """The case switcher leaves the settings of the last case behind."""
    server.add_case(scored, f"{case_id}-other")
    open_page(page, server, "Selection", case=case_id, class_=2)
    press_slider(page, "eta", "End")
    field = key(page, "case_switch").locator("input").first
    field.press("ArrowDown")
    options = page.get_by_role("option")
    options.first.wait_for()
    options.filter(has_text=f"({case_id}-other)").click()
    page.wait_for_url(f"**case={case_id}-other*")
    idle(page)
    assert not {"alpha", "eta", "tau", "k", "leaf", "node"} & set(params(page))


def test_a_case_made_by_one_is_there_for_the_other(server: Server, page: Page, browser: Browser):
    """The table of cases lists what anybody made, also twice the same title, told apart."""
    with analyst(browser) as colleague:
        ids = set()
        for one in (page, colleague):
            open_page(one, server)
            button(one, "New case")
            type_in(one, "new_title", "Twins")
            one.wait_for_function("new URLSearchParams(location.search).has('case')")
            ids.add(params(one)["case"])
        assert len(ids) == 2
        open_page(page, server, "Cases")
        assert {f"Twins ({case_id})" for case_id in ids} <= set(table(page, "cases")["Case"])
