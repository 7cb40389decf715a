"""The server as it starts: where it listens, how soon it is usable, what it loads and whom it talks to."""

import os
import socket
import time
from pathlib import Path

import pytest
from browser.driver import idle, open_page, params
from browser.server import REPOSITORY, Server
from playwright.sync_api import Page, expect

PAGES = ["", *sorted(path.stem.partition("_")[2] for path in (REPOSITORY / "pages").glob("*.py"))]
LINUX = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc, which this system lacks")


def listening_addresses(pid: int) -> set[str]:
    """The addresses on which a process accepts connections, as /proc writes them (hexadecimal)."""
    links = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists() or link.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in links:
                found.add(fields[1].partition(":")[0])
    return found


@LINUX
def test_only_this_machine_is_listened_to(server: Server):
    """The server binds to 127.0.0.1 and to nothing else."""
    assert listening_addresses(server.pid) == {"0100007F"}
    with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
        socket.create_connection(("127.0.0.2", server.port), timeout=2)


def test_the_first_page_is_soon_usable(stopped_server: Server, page: Page):
    """From nothing to a drawn first page; the goal of 3 s is measured in benchmarks/dashboard.py."""
    begun = time.monotonic()
    stopped_server.start()
    open_page(page, stopped_server)
    expect(page.locator("h1").first).to_be_visible()
    assert time.monotonic() - begun < 15


@LINUX
def test_a_finished_case_is_shown_without_torch(server: Server, page: Page, demo_cases):
    """Nobody waits for a neural network library to look at results."""
    case = server.add_case(demo_cases.finished)
    open_page(page, server, case=case)
    assert not server.maps("libtorch")


def test_a_restarted_server_has_its_page_back(server: Server, page: Page, watch, demo_cases):
    """A page that was open when the server died comes back by itself when the server does."""
    server.add_case(demo_cases.finished)
    open_page(page, server)
    lost = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket|Client Error in reaching server endpoint"
    with watch.allowing(lost):
        server.kill()
        page.wait_for_timeout(500)
        server.start()
        idle(page)
    expect(page.locator("h1").first).to_be_visible()


@pytest.mark.parametrize("name", PAGES)
def test_a_deep_link_opens_on_a_fresh_server(server: Server, page: Page, demo_cases, name):
    """A colleague's link works on any page, also where nobody opened the first page before."""
    case = server.add_case(demo_cases.finished)
    open_page(page, server, name, case=case)
    expect(page.locator("h1").first).to_be_visible()
    assert params(page)["case"] == case
    expect(page.get_by_text("Colours", exact=False).first).to_be_visible()
