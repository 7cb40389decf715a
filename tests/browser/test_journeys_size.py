"""A thousand classes and a thousand leaves: no message over 5 MB, and every page soon rests."""

import time

import case_factory
import pytest
from browser.driver import idle, key, open_page, press_slider
from browser.journey import tiny_server
from browser.server import Server
from playwright.sync_api import Page, WebSocket, expect

MOST_BYTES = 5_000_000
MOST_S = 15.0
N = 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("size")
    with tiny_server(folder / "server") as running:
        case_factory.big(running.cases / "big", N, N)
        yield running


class Frames:
    """The sizes of what the server sends, in bytes."""

    def __init__(self, page: Page) -> None:
        self.sizes: list[int] = [0]
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda content: self.sizes.append(len(content)))


@pytest.mark.parametrize("name", ["Leaf_scores", "Distances", "Selection", "Report"])
def test_a_big_case_is_sent_in_small_messages_and_soon(server: Server, page: Page, name: str):
    """The page rests within 15 s, and no message to the browser is over 5 MB."""
    frames, begun = Frames(page), time.monotonic()
    open_page(page, server, name, case="big", class_=517)
    seconds = time.monotonic() - begun
    expect(page.locator("h1").first).to_be_visible()
    assert page.get_by_test_id("stAlertContentError").count() == 0
    assert (max(frames.sizes) < MOST_BYTES, seconds < MOST_S) == (True, True), (max(frames.sizes), seconds)


def test_all_classes_together_stay_small(server: Server, page: Page):
    """The distances of all classes' candidates, and the table of all scores, are limited too."""
    frames = Frames(page)
    open_page(page, server, "Distances", case="big", scope="all")
    expect(page.get_by_text("Where they hang in the hierarchy")).to_be_visible()
    assert max(frames.sizes) < MOST_BYTES


def test_a_slider_of_a_big_case_is_answered(server: Server, page: Page):
    """Moving eta redraws one class at once, and everything else once the slider rests."""
    frames = Frames(page)
    open_page(page, server, "Selection", case="big", class_=3)
    begun = time.monotonic()
    press_slider(page, "eta", "Home")
    page.wait_for_function("new URLSearchParams(location.search).get('eta') === '0'")
    idle(page)
    expect(key(page, "all_classes")).to_be_visible()
    assert time.monotonic() - begun < MOST_S
    assert max(frames.sizes) < MOST_BYTES


def test_a_class_among_a_thousand_is_found_by_typing(server: Server, page: Page):
    """The class picker searches."""
    open_page(page, server, "Selection", case="big")
    field = key(page, "class_picker").locator("input").first
    field.fill("Class 517")
    page.get_by_role("option", name="Class 517").first.wait_for()
    field.press("Enter")
    page.wait_for_function("new URLSearchParams(location.search).get('class') === '517'")
