"""How fast the dashboard responds: its first page after the server starts, and a move of eta or alpha.

    python benchmarks/dashboard.py

Goals: first page within 3 s; a move redrawn within a median of 400 ms in the browser and 150 ms in the server at 1,000
leaves x 10 classes, within 1.5 s at 1,000 classes; no message to the browser above 5 MB. Results: dashboard.csv.

A real server, a real chromium, invented cases (`tests/case_factory.py`). The right arrow key moves each slider up from
its lower end, so that no value occurs twice and no cache can answer. All times except `server` are by the browser's
clock:

    first page       from the command that starts the server to a page that is drawn and at rest, in a fresh browser
    ..., server up   the same from when the server listens
    browser   from the key press to the frame that shows the last change on the page, canvases included; the text inside
              a canvas for screen readers is excluded (a table provides it 200 ms later)
    server    the script runs that the press starts, by the server's clock
    wire      from the browser's message to the server's report that the script has ended
    bare ...  the same for a page with nothing but such a slider: what Streamlit and this machine cost
    held key  from the last of 15 presses, 33 ms apart, to the last change on the page
    largest message, all messages: sent by the server for one press
"""

import base64
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from record import save
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
import case_factory
from browser.driver import VIEWPORT, idle, key, launch, open_page, require_chromium
from browser.server import Server

SCRIPT, PAGE, BARE = "app.py", "Selection", "benchmarks/bare_slider.py"
CONTROLS = ("eta", "alpha")  # keys of the sliders
SIZES = ((10, 1000), (1000, 1000))  # classes, leaves
N_PRESSES, N_WARM_UP, N_STARTS = 18, 2, 4
N_HELD, HELD_S = 15, 0.033
TIMES = ("browser", "server", "wire")
GOALS = {  # the largest median, in ms or kB, by measure and number of classes; of messages the largest one
    ("first page", 0): 3000,
    ("first page, server up", 0): 3000,
    ("browser", 10): 400,
    ("server", 10): 150,
    ("browser", 1000): 1500,
    ("largest message", 10): 5000,
    ("largest message", 1000): 5000,
}
QUIET_MS = 450  # a press counts as answered after this long without a change; the table of a big case waits 200 ms
TIMEOUT_MS = 60_000

# Notes when a key went down, when the script's end arrived, and when the frame after the last change was shown.
_WATCH = """
() => {
  const app = document.querySelector('[data-testid=stApp]');
  const main = document.querySelector('[data-testid=stMain]');
  const watch = window.fdcoreWatch = {pressed: 0, changed: 0, shown: 0, ended: 0};
  document.addEventListener('keydown', event => { watch.pressed = event.timeStamp; }, true);
  const onShown = new MessageChannel();
  onShown.port1.onmessage = () => { watch.shown = performance.now(); };
  const note = () => {
    watch.changed = performance.now();
    requestAnimationFrame(() => onShown.port2.postMessage(0));
  };
  for (const name of ['fillText', 'fillRect', 'fill', 'stroke', 'drawImage', 'putImageData']) {
    const draw = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...given) { note(); return draw.apply(this, given); };
  }
  const changes = new MutationObserver(records => {
    if (records.some(record => !record.target.parentElement?.closest('canvas'))) note();
  });
  const hosts = [...main.querySelectorAll('*')].filter(one => one.shadowRoot);
  for (const root of [main, ...hosts.map(host => host.shadowRoot)])
    changes.observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
  new MutationObserver(() => {
    if (app.dataset.testScriptState === 'notRunning') watch.ended = performance.now();
  }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}
"""
_ANSWERED = f"""
() => {{
  const {{pressed, changed, shown, ended}} = window.fdcoreWatch;
  const last = Math.max(changed, shown, ended);
  return shown > pressed && shown >= changed && performance.now() - last > {QUIET_MS}
    && document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning';
}}
"""
_AT_REST = """
() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
"""
_TOOK = "() => fdcoreWatch.shown - fdcoreWatch.pressed"


class Frame(NamedTuple):
    """One websocket message."""

    at_s: float
    sent: bool
    content: bytes


class TimedServer(Server):
    """A server that records how long each script run took."""

    streamlit = (str(Path(__file__).with_name("timed_streamlit.py")),)

    def __init__(self, folder: Path, script: str = SCRIPT) -> None:
        self.times = folder / "times.txt"
        super().__init__(folder, script=script, settings={"FDCORE_TIMES": str(self.times)})

    def spent_ms(self) -> float:
        """Total duration of the runs since the last call."""
        spent = sum(map(float, self.times.read_text().split()))
        self.times.write_text("")
        return spent


class Press(NamedTuple):
    """The cost of one key press."""

    browser_ms: float
    server_ms: float
    wire_ms: float
    largest_kb: float
    all_kb: float


class Wire:
    """The messages between page and server, with the browser's time stamps."""

    def __init__(self, page: Page) -> None:
        self.frames: list[Frame] = []
        session = page.context.new_cdp_session(page)
        session.on("Network.webSocketFrameSent", lambda event: self._note(event, sent=True))
        session.on("Network.webSocketFrameReceived", lambda event: self._note(event, sent=False))
        session.send("Network.enable")

    def _note(self, event: dict[str, Any], *, sent: bool) -> None:
        if event["response"]["opcode"] == 2:
            content = base64.b64decode(event["response"]["payloadData"])
            self.frames.append(Frame(event["timestamp"], sent, content))

    def wire_ms(self) -> float:
        """From the first rerun that the press started to the end of the last; periodic reruns do not count."""
        started = [f.at_s for f in self.frames if f.sent and _is_rerun(f)]
        ended = [f.at_s for f in self.frames if not f.sent and _kind(ForwardMsg(), f) == "script_finished"]
        return 1000 * (min(at for at in ended if at > max(started)) - min(started))

    def received_kb(self) -> list[float]:
        """Sizes of the messages from the server."""
        return [len(frame.content) / 1000 for frame in self.frames if not frame.sent]


def _is_rerun(frame: Frame) -> bool:
    message = BackMsg()
    return _kind(message, frame) == "rerun_script" and not message.rerun_script.is_auto_rerun


def _kind(message: Any, frame: Frame) -> str:
    message.ParseFromString(frame.content)
    return str(message.WhichOneof("type"))


def main() -> None:
    """Measure, print and save."""
    chromium = require_chromium()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright, chromium)
        table = []
        for measure, script in (("first page", SCRIPT), ("bare first page", BARE)):
            starts = [measure_start(browser, Path(folder) / f"{measure}-{n}", script) for n in range(N_STARTS)]
            for name, values in zip((measure, f"{measure}, server up"), zip(*starts, strict=True), strict=True):
                table.append(_row(name, "", 0, 0, "ms", values))
        table += measure_bare(browser, Path(folder) / "bare")
        for n_classes, n_leaves in SIZES:
            table += measure_size(browser, Path(folder) / f"{n_classes}-{n_leaves}", n_classes, n_leaves)
        browser.close()
    save(__file__, table)
    print_goals(table)


def print_goals(table: Sequence[dict[str, Any]]) -> None:
    """Each goal, what was measured, and whether it was met."""
    print(f"\n{'':<36}{'goal':>8}{'measured':>10}")
    for (measure, n_classes), goal in GOALS.items():
        for row in table:
            if (row["measure"], row["n_classes"]) == (measure, n_classes):
                what = " ".join(filter(None, (measure, row["control"], n_classes and f"{n_classes:,} classes")))
                value = row["worst" if row["unit"] == "kB" else "median"]
                met = "met" if value <= goal else "missed"
                print(f"{what:<36}{goal:>8,} {value:>9,.0f} {row['unit']}  {met}")


def measure_start(browser: Browser, folder: Path, script: str) -> tuple[float, float]:
    """Milliseconds until the first page can be used: from the command, and from when the server listens."""
    server = Server(folder, script=script)
    begun = time.monotonic()
    with _running(server), _page(browser) as page:
        listening = time.monotonic()
        page.goto(server.url)
        page.locator("h1").first.wait_for()
        page.wait_for_function(_AT_REST)
        now = time.monotonic()
        return 1000 * (now - begun), 1000 * (now - listening)


def measure_bare(browser: Browser, folder: Path) -> list[dict[str, object]]:
    """The cost of a press on a page with nothing but the slider."""
    with _running(server := TimedServer(folder, BARE)), _page(browser) as page:
        open_page(page, server)
        page.evaluate(_WATCH)
        presses = walk(page, Wire(page), server, "eta")
    return [
        _row(f"bare {what}", "eta", 0, 0, "ms", [getattr(press, f"{what}_ms") for press in presses]) for what in TIMES
    ]


def measure_size(browser: Browser, folder: Path, n_classes: int, n_leaves: int) -> list[dict[str, object]]:
    """All rows of one size."""
    server = TimedServer(folder)
    case_factory.big(server.cases / "big", n_classes, n_leaves)
    rows = []
    with _running(server):
        for control in CONTROLS:
            with _page(browser) as page:
                open_page(page, server, PAGE, case="big", tab="Stability")  # the figure that follows every move
                page.evaluate(_WATCH)
                presses = walk(page, Wire(page), server, control)
                held = hold(page, control)
            about = (control, n_classes, n_leaves)
            rows += [
                *(_row(what, *about, "ms", [getattr(press, f"{what}_ms") for press in presses]) for what in TIMES),
                _row("held key", *about, "ms", [held]),
                _row("largest message", *about, "kB", [press.largest_kb for press in presses]),
                _row("all messages", *about, "kB", [press.all_kb for press in presses]),
            ]
    return rows


def walk(page: Page, wire: Wire, server: TimedServer, control: str) -> list[Press]:
    """Press the right arrow key on a slider from its lower end; the first `N_WARM_UP` presses do not count."""
    handle = _to_lower_end(page, control)
    presses = []
    for _ in range(N_WARM_UP + N_PRESSES):
        if handle.evaluate("input => Number(input.value) >= Number(input.max)"):
            break
        wire.frames.clear()
        server.spent_ms()
        handle.press("ArrowRight")
        page.wait_for_function(_ANSWERED, timeout=TIMEOUT_MS)
        received = wire.received_kb()
        presses.append(Press(page.evaluate(_TOOK), server.spent_ms(), wire.wire_ms(), max(received), sum(received)))
    return presses[N_WARM_UP:]


def hold(page: Page, control: str) -> float:
    """Milliseconds that the page lags behind a held key."""
    handle = _to_lower_end(page, control)
    for _ in range(N_HELD):
        handle.press("ArrowRight")
        time.sleep(HELD_S)
    page.wait_for_function(_ANSWERED, timeout=TIMEOUT_MS)
    return float(page.evaluate(_TOOK))


def _to_lower_end(page: Page, control: str) -> Locator:
    handle = key(page, control).locator("input[type=range]").first
    handle.focus()
    handle.press("Home")
    idle(page, timeout_ms=TIMEOUT_MS)
    page.wait_for_timeout(2 * QUIET_MS)
    return handle


def _row(
    measure: str, control: str, n_classes: int, n_leaves: int, unit: str, values: Sequence[float]
) -> dict[str, object]:
    return {
        **{"measure": measure, "control": control, "n_classes": n_classes, "n_leaves": n_leaves, "unit": unit},
        "median": round(statistics.median(values), 1),
        "p95": round(float(np.percentile(values, 95)), 1),
        "worst": round(max(values), 1),
        "n": len(values),
    }


@contextmanager
def _running(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.stop()


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=VIEWPORT)
    try:
        yield context.new_page()
    finally:
        context.close()


if __name__ == "__main__":
    main()
