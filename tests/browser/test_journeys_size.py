"""A thousand classes and a thousand leaves: no message over 5 MB, and every page comes to rest."""

import case_factory
import pytest
from browser.driver import idle, key, open_page, press_slider
from browser.journey import class_row
from browser.server import Server
from playwright.sync_api import Page, WebSocket, expect

pytestmark = pytest.mark.nightly  # a thousand classes take half a minute to prepare

MOST_BYTES = 5_000_000
N = 1000


@pytest.fixture(scope="module")
def big(server: Server) -> str:
    case_factory.big(server.cases / "big", N, N)
    return "big"


class Frames:
    """The sizes of what the server sends, in bytes."""

    def __init__(self, page: Page) -> None:
        self.sizes: list[int] = [0]
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda content: self.sizes.append(len(content)))


def test_a_big_case_is_sent_in_small_messages(server: Server, page: Page, big: str):
    """No message to the browser is over 5 MB on any page, nor for the distances of all classes; benchmarks time it."""
    frames = Frames(page)
    for name, scope in (("Leaf_scores", None), ("Distances", None), ("Distances", "all"), ("Report", None)):
        open_page(page, server, name, case=big, class_=517, scope=scope)
        expect(page.locator("h1").first).to_be_visible()
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
        assert max(frames.sizes) < MOST_BYTES, name


def test_a_class_among_a_thousand_is_found_and_its_slider_answered(server: Server, page: Page, big: str):
    """The list of classes searches; moving eta redraws one class at once, and the list once the slider rests."""
    frames = Frames(page)
    open_page(page, server, "Selection", case=big)
    key(page, "class_list").locator("input").fill("517")
    key(page, "class_list").locator("input").press("Enter")
    page.wait_for_function("new URLSearchParams(location.search).get('class') === '517'")
    idle(page)
    press_slider(page, "eta", "Home")
    page.wait_for_function("new URLSearchParams(location.search).get('eta') === '0'")
    idle(page)
    expect(class_row(page, 517)).to_have_attribute("aria-selected", "true")
    assert max(frames.sizes) < MOST_BYTES
