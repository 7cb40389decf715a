"""What a test does with a page: open it, wait until it rests, find things by key, read tables and figures."""

import base64
import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import pandas as pd
from browser.server import Server
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    Request,
    ViewportSize,
    WebError,
    WebSocket,
)

VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
CONTEXT: dict[str, Any] = {"viewport": VIEWPORT, "accept_downloads": True, "reduced_motion": "reduce"}
TIMEOUT_MS = 60_000
REST_MS = 120  # how long nothing may happen before a page counts as idle
GRID_MS = 300  # a grid writes its cells down 200 ms after it was scrolled

# Streamlit asks for these below the page's own address when a deep link is opened, and goes on one level up.
_DEEP_LINK_404 = re.compile(r"/[^/]+/_stcore/(health|host-config)$")

_IS_IDLE = """
() => {
  const app = document.querySelector('[data-testid=stApp]');
  return Boolean(app) && app.dataset.testScriptState === 'notRunning'
    && app.dataset.testConnectionState === 'CONNECTED'
    && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
    && [...document.images].every(image => image.complete);
}
"""

_VISIBLE_CELLS = """
table => [...table.querySelectorAll('[role=row]')].flatMap(row =>
  [...row.querySelectorAll('[role=gridcell],[role=columnheader]')].map(cell =>
    [Number(row.getAttribute('aria-rowindex')), Number(cell.getAttribute('aria-colindex')), cell.textContent]))
"""

_SCROLL_ON = """
scroller => {
  const right = scroller.scrollLeft + scroller.clientWidth < scroller.scrollWidth - 1;
  if (right) { scroller.scrollLeft += scroller.clientWidth * 0.8; return true; }
  const down = scroller.scrollTop + scroller.clientHeight < scroller.scrollHeight - 1;
  scroller.scrollLeft = 0;
  if (down) scroller.scrollTop += scroller.clientHeight * 0.8;
  return down;
}
"""


def find_chromium() -> Path | None:
    """The browser that FDCORE_CHROMIUM names, or the system's: the shell without windows first, which draws faster."""
    named = os.environ.get("FDCORE_CHROMIUM")
    found = named or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    return Path(found) if found and Path(found).is_file() else None


def require_chromium() -> Path:
    """The same for a script, which ends with a message where there is none."""
    if chromium := find_chromium():
        return chromium
    raise SystemExit("Chromium was not found: install it, or name its path in FDCORE_CHROMIUM.")


def launch(playwright: Playwright, chromium: Path) -> Browser:
    """A headless browser; without the sandbox, which needs rights that containers lack."""
    return playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])


_warm: list[BrowserContext] = []  # contexts of this process's browser that nobody uses now


@contextlib.contextmanager
def fresh_context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser without cookies or storage; `first_tab` is its tab, empty but with scripts in its memory.

    Streamlit's scripts take half of a page's first seconds to load and compile. The person has asked for reduced
    motion: drawing Streamlit's animations without a graphics card takes half of the processor's time.
    """
    context = _warm.pop() if _warm else browser.new_context(**CONTEXT)
    context.set_default_timeout(TIMEOUT_MS)
    try:
        yield context
    finally:
        for number, page in enumerate(context.pages):
            if page.url.startswith("http"):
                page.evaluate("localStorage.clear(), sessionStorage.clear()")
            if number:
                page.close()
            else:
                page.goto("about:blank")
                page.set_viewport_size(VIEWPORT)
                page.emulate_media(color_scheme="light")
        context.clear_cookies()
        _warm.append(context)


def first_tab(context: BrowserContext) -> Page:
    """The empty tab of a context; `context.new_page()` is another."""
    return context.pages[0] if context.pages else context.new_page()


class Watch:
    """What a browser context did: every request, every error in a console, every exception in a page."""

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._context = context
        self._handlers = {"request": self._request, "page": self._watch, "weberror": self._fail, "console": self._note}
        for event, handler in self._handlers.items():
            context.on(event, handler)
        for page in context.pages:
            self._watch(page)

    def close(self) -> None:
        """Stop watching: the context may serve another test."""
        for event, handler in self._handlers.items():
            self._context.remove_listener(event, handler)
        for page in self._context.pages:
            page.remove_listener("websocket", self._connect)

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _watch(self, page: Page) -> None:
        page.on("websocket", self._connect)

    def _connect(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)

    def _fail(self, failure: WebError) -> None:
        self.errors.append(str(failure.error))

    def _note(self, message: Any) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not (_DEEP_LINK_404.search(urlsplit(url).path) and "404" in message.text):
            self.errors.append(f"{message.text} ({url})")

    def outside(self) -> list[str]:
        """Requests that left this machine."""
        local = {"", "127.0.0.1"}
        return [url for url in self.requests if (urlsplit(url).hostname or "") not in local]

    @contextlib.contextmanager
    def allowing(self, pattern: str) -> Iterator[None]:
        """Forget the console's errors that match `pattern` and came within: of a server that a test kills, say."""
        before = len(self.errors)
        yield
        self.errors[before:] = [text for text in self.errors[before:] if not re.search(pattern, text)]


def idle(page: Page, *, timeout_ms: float = TIMEOUT_MS) -> None:
    """Wait until the script rests, the page is connected, nothing is stale, every picture is there, for `REST_MS`."""
    end = time.monotonic() + timeout_ms / 1000
    while True:
        page.wait_for_function(_IS_IDLE, timeout=max(1.0, 1000 * (end - time.monotonic())))
        page.wait_for_timeout(REST_MS)
        if page.evaluate(_IS_IDLE):
            return


def open_page(page: Page, server: Server, name: str = "", *, case: str | None = None, **params: object) -> None:
    """Go to a page by its address, as a deep link does, and wait until it rests.

    Args:
        name: the page's path, such as "Selection"; empty for the first page.
        case: the case's id.
        params: further URL parameters: alpha, eta, ...; `class_` stands for "class".
    """
    values = {key.rstrip("_"): value for key, value in ({"case": case} | params).items() if value is not None}
    page.goto(f"{server.url}/{name}?{urlencode(values)}" if values else f"{server.url}/{name}")
    idle(page)


def params(page: Page) -> dict[str, str]:
    """The page's URL parameters."""
    found: dict[str, str] = page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")
    return found


def key(page: Page, name: str) -> Locator:
    """The element or container that has this key in the script."""
    return page.locator(f".st-key-{name}")


def click(page: Page, name: str) -> None:
    """Press the button with this key and wait until the page rests."""
    key(page, name).locator("button, a").first.click()
    idle(page)


def press_slider(page: Page, name: str, press: str, n: int = 1) -> None:
    """Press a key (`ArrowRight`, `Home`, ...) `n` times on the first handle of a slider; wait until the page rests."""
    handle = key(page, name).locator("input[type=range], [role=slider]").first
    for _ in range(n):
        handle.press(press)
        idle(page)


def upload(page: Page, name: str, *files: Path) -> None:
    """Give files to the uploader with this key and wait until the page rests."""
    key(page, name).locator("input[type=file]").set_input_files(list(files))
    idle(page)


def download(page: Page, locator: Locator) -> bytes:
    """Click what starts a download, and read what came."""
    with page.expect_download(timeout=TIMEOUT_MS) as expected:
        locator.click()
    return Path(expected.value.path()).read_bytes()


def download_name(page: Page, locator: Locator) -> str:
    """Click what starts a download, and read the name that the file is given."""
    with page.expect_download(timeout=TIMEOUT_MS) as expected:
        locator.click()
    return str(expected.value.suggested_filename)


def table(page: Page, name: str) -> pd.DataFrame:
    """What a dataframe shows, as text, all of it: the grid is scrolled through.

    Args:
        name: key of a container around the dataframe; a dataframe without selection bears no key in the page.
    """
    grid = key(page, name).locator("[data-testid=stDataFrame]").first
    grid.locator("[role=grid]").wait_for(state="attached", timeout=TIMEOUT_MS)
    scroller = grid.locator(".dvn-scroller").first
    scroller.evaluate("element => element.scrollTo(0, 0)")
    cells: dict[tuple[int, int], str] = {}
    more = True
    while more:
        page.wait_for_timeout(GRID_MS)
        cells |= {(row, column): text for row, column, text in grid.locator("[role=grid]").evaluate(_VISIBLE_CELLS)}
        more = scroller.evaluate(_SCROLL_ON)
    rows, columns = sorted({row for row, _ in cells}), sorted({column for _, column in cells})
    content = [[cells.get((row, column), "") for column in columns] for row in rows]
    return pd.DataFrame(content[1:], columns=content[0])


def plotly(page: Page, name: str) -> dict[str, Any]:
    """The figure with this key as `{"data": [...], "layout": {...}}`; encoded arrays become numpy arrays."""
    chart = key(page, name).locator(".js-plotly-plot").first
    chart.wait_for(timeout=TIMEOUT_MS)
    figure = chart.evaluate("chart => JSON.parse(JSON.stringify({data: chart.data, layout: chart.layout}))")
    decoded: dict[str, Any] = _decode(figure)
    return decoded


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "bdata" in value and "dtype" in value:
        array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=np.dtype(value["dtype"]).newbyteorder("<"))
        shape = str(value.get("shape", array.size)).replace(" ", "").split(",")
        return array.reshape([int(length) for length in shape])
    return {name: _decode(item) for name, item in value.items()}


def full_height(page: Page, *, at_most_px: int = 6000) -> int:
    """Make the window as high as its content, which scrolls inside `stMain`; the height in pixels."""
    size = page.viewport_size or VIEWPORT
    height = size["height"]
    for _ in range(3):  # what is drawn into the new room may be higher than before
        needed = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        if needed <= height:
            break
        height = min(int(needed), at_most_px)
        page.set_viewport_size({"width": size["width"], "height": height})
        idle(page)
    return height
