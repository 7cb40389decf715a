"""Narrow windows and the keyboard alone: nothing is cut off, everything can be reached and has a name."""

from browser.driver import idle, key, open_page
from browser.journey import PAGES, PLACES, on_page, tab
from browser.server import Server
from browser.test_journeys_clone import HOSTILE, add_clones
from browser.test_journeys_links import LINKED, require_linked
from playwright.sync_api import Page, expect

from fdcore.case.claims import write_claims
from fdcore.words.claims import Claims

CLONE_PARTS = {  # what is folded in each tab
    "Results": ["clone_test_more"], "Each clone": ["clone_curves_box"],
    "Train clones": ["clone_settings", "clone_adding", "kept"],
}  # fmt: skip

CUT_OFF = """
() => {
  const wide = innerWidth, cut = [];
  for (const element of document.querySelectorAll(
      '[data-testid=stMain] button, [data-testid=stMain] input, [data-testid=stMain] textarea,' +
      '[data-testid=stMain] [role=slider], [data-testid=stMain] [data-testid=stMetric], [data-testid=stMain] h1')) {
    if (element.closest('.js-plotly-plot, [data-testid=stDataFrame], [role=tablist]')) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || !element.checkVisibility({visibilityProperty: true})) continue;
    if (box.right > wide + 1 || box.left < -1)
      cut.push(`${element.tagName} ${(element.innerText || element.ariaLabel || '').slice(0, 40)} ${box.right}`);
  }
  return cut;
}
"""

SCROLLS_SIDEWAYS = """
() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
  .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => `${one.scrollWidth} > ${one.clientWidth}`)
"""

NAMELESS = """
() => {
  const wanted = 'button, a[href], input:not([type=hidden]), textarea, [role=button], [role=slider], [role=tab]';
  const nameless = [];
  const roots = [document, ...[...document.querySelectorAll('*')].map(one => one.shadowRoot).filter(Boolean)];
  for (const root of roots) for (const element of root.querySelectorAll(wanted)) {
    if (element.closest('.modebar, [data-testid=stDataFrame], [data-testid=stElementToolbar]')) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || element.closest('[aria-hidden=true]')) continue;
    if (!element.checkVisibility({visibilityProperty: true})) continue;
    const by = (element.getAttribute('aria-labelledby') || '').split(' ')
      .map(id => root.getElementById(id)?.textContent || '').join('');
    const name = element.getAttribute('aria-label') || by || element.textContent.trim() || element.title
      || [...(element.labels || [])].map(one => one.textContent).join('') || element.querySelector('img')?.alt;
    if (!name) nameless.push(element.outerHTML.slice(0, 160));
  }
  return nameless;
}
"""


def test_nothing_is_cut_off_or_nameless_in_a_narrow_window(server: Server, page: Page, case_id: str):
    """On every page that a link with settings opens; hostile names; all unfolded; the sidebar; Tab to Export."""
    add_clones(server.cases / case_id)
    write_claims(server.cases / case_id, Claims({0: HOSTILE, 1: "cat"}, HOSTILE))
    page.set_viewport_size({"width": 768, "height": 1000})
    wrong = {}
    for name in PAGES:
        open_page(page, server, name, case=case_id, **LINKED)
        require_linked(page, case_id)
        close_sidebar_over_the_page(page)
        for title, parts in CLONE_PARTS.items() if name == "Clone" else ():
            tab(page, title)
            for part in parts:
                key(page, part).locator("summary").first.click()
                idle(page)
            if found := faults(page):
                wrong[f"{name}, {title}"] = found
        if found := faults(page):
            wrong[name or "Overview"] = found
        if name == "Selection":
            sidebar_opens_and_closes(page)
        tab_to(page, "export")
        assert page.evaluate("document.activeElement.matches(':focus-visible')"), name
    for name in PLACES:
        open_page(page, server, name, case=case_id)
        close_sidebar_over_the_page(page)
        if found := faults(page):
            wrong[name] = found
    assert wrong == {}


def faults(page: Page) -> list[str]:
    """What is cut off, nameless, or scrolls sideways."""
    found: list[str] = page.evaluate(SCROLLS_SIDEWAYS) + page.evaluate(CUT_OFF) + page.evaluate(NAMELESS)
    return found


def close_sidebar_over_the_page(page: Page) -> None:
    """In a narrow window an open sidebar covers the page."""
    if not is_collapsed(page):
        toggle_sidebar(page)


def is_collapsed(page: Page) -> bool:
    """Whether the sidebar is out of the way."""
    return page.get_by_test_id("stSidebar").get_attribute("data-collapsed") == "true"


def toggle_sidebar(page: Page) -> None:
    """Open or close the sidebar as a person does."""
    if not is_collapsed(page):
        page.get_by_test_id("stSidebar").hover()
        page.get_by_test_id("stSidebarCollapseButton").locator("button").click(force=True)
    else:
        page.get_by_test_id("stExpandSidebarButton").click()
    idle(page)


def sidebar_opens_and_closes(page: Page) -> None:
    """The steps are one click away, and out of the way again."""
    report = page.get_by_test_id("stSidebar").get_by_role("link", name="Report")
    for _ in range(2):
        expect(report).not_to_be_in_viewport()
        toggle_sidebar(page)
        expect(report).to_be_in_viewport()
        toggle_sidebar(page)


def tab_to(page: Page, name: str, at_most: int = 120) -> None:
    """Press Tab until the focus stands inside the element with this key."""
    for _ in range(at_most):
        page.keyboard.press("Tab")
        if page.evaluate(f"Boolean(document.activeElement.closest('.st-key-{name}'))"):
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_from_the_case_page_to_an_answer_by_keyboard_alone(server: Server, page: Page, case_id: str):
    """Tab, Enter and the arrows lead from a found class to another one, another eta and a file taken away."""
    open_page(page, server, case=case_id)
    tab_to(page, "wall")
    page.keyboard.press("Enter")
    on_page(page, "Selection")
    page.wait_for_url("**/Selection?**")
    tab_to(page, "class_list")
    for press in ("ArrowDown", "ArrowDown", "Enter"):  # from the search into the list, and down in it
        page.keyboard.press(press)
    page.wait_for_function("new URLSearchParams(location.search).get('class') === '1'")
    idle(page)
    for name in ("eta", "alpha", "tau"):
        tab_to(page, name)
        before = page.locator(f".st-key-{name} input").first.input_value()
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"new URLSearchParams(location.search).has('{name}')")
        idle(page)
        assert page.locator(f".st-key-{name} input").first.input_value() != before
        assert page.evaluate(f"Boolean(document.activeElement.closest('.st-key-{name}'))")
    tab_to(page, "undo")
    page.keyboard.press("Enter")
    idle(page)
    page.keyboard.press("Home")
    key(page, "export").get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    offer = page.get_by_test_id("stPopoverBody").get_by_test_id("stDownloadButton").first
    offer.wait_for()
    with page.expect_download() as expected:
        tab_to(page, "csv_clusters_of_this_class")
        page.keyboard.press("Enter")
    assert expected.value.suggested_filename.endswith(".csv")
