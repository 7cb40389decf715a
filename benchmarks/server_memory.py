"""Memory of the dashboard's server while three browsers use it: does it grow without end?

    python benchmarks/server_memory.py [--minutes 60]

Three browsers take turns in three cases (10 classes x 200 leaves, and two small ones with pictures): every page,
another class, another eta, and now and then a new tab. Each minute the server's resident memory is noted. Results:
server_memory.csv; the slope is that of the second half, when every cache has been filled once.
"""

import argparse
import itertools
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dashboard  # puts the tests on the path
import numpy as np
from browser.driver import fresh_context, idle, key, launch, open_page, require_chromium
from browser.journey import PAGES, PLACES, complete, tiny_server
from browser.server import Server
from playwright.sync_api import BrowserContext, Page, sync_playwright
from record import save

N_BROWSERS = 3
MIB = 2**20


def main() -> None:
    """Use the dashboard, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder, tiny_server(Path(folder) / "server") as server:
        cases = [server.add_case(complete(Path(folder) / name)) for name in ("one", "two")]
        dashboard.case_factory.big(server.cases / "big", 10, 200)
        with sync_playwright() as playwright, ExitStack() as stack:
            browser = launch(playwright, require_chromium())
            contexts = [stack.enter_context(fresh_context(browser)) for _ in range(N_BROWSERS)]
            rows = use(server, contexts, ["big", *cases], minutes)
    save(__file__, rows)
    later = rows[len(rows) // 2 :]
    slope = np.polyfit([row["minute"] for row in later], [row["resident_mb"] for row in later], 1)[0]
    print(f"second half: {60 * slope:+.1f} MB an hour")


def use(server: Server, contexts: list[BrowserContext], cases: list[str], minutes: float) -> list[dict[str, Any]]:
    """Take turns until the time is over; a row a minute."""
    begun, rows, n_actions = time.monotonic(), [], 0
    pages = [context.new_page() for context in contexts]
    for turn in itertools.count():
        who = turn % len(pages)
        n_actions += act(server, pages[who], cases[turn // len(pages) % len(cases)], turn // len(pages))
        if turn % 30 == 29:
            pages[who].close()
            pages[who] = contexts[who].new_page()
        minute = (time.monotonic() - begun) / 60
        if minute >= len(rows):
            rows.append(
                {"minute": round(minute, 1), "actions": n_actions, "resident_mb": round(resident_mb(server), 1)}
            )
        if minute >= minutes:
            return rows


def act(server: Server, page: Page, case_id: str, turn: int) -> int:
    """Open a page with a class and an eta, and move a slider where there is one; the number of things done."""
    name = [*PAGES, *PLACES][turn % len([*PAGES, *PLACES])]
    open_page(page, server, name, case=case_id, class_=turn % 4, eta=turn % 41 / 2)
    slider = key(page, "eta").locator("input[type=range]").first
    if not slider.count():
        return 1
    for press in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        slider.press(press)
        idle(page)
    return 4


def resident_mb(server: Server) -> float:
    """The server's resident memory."""
    n_pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return n_pages * 4096 / MIB


if __name__ == "__main__":
    main()
