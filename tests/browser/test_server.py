"""The server as it starts: where it listens, how soon it is usable, what it loads and whom it talks to."""

import os
import socket
from pathlib import Path

import pytest
from browser.driver import open_page, params
from browser.journey import tiny_server
from playwright.sync_api import Page, expect

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
def test_a_deep_link_to_a_fresh_server_is_shown_to_this_machine_alone(tmp_path: Path, page: Page, scored: Path):
    """A colleague's link works where nobody opened the first page; no network library is loaded for it."""
    with tiny_server(tmp_path / "fresh") as server:
        case_id = server.add_case(scored)
        open_page(page, server, "Selection", case=case_id)
        expect(page.locator("h1").first).to_be_visible()
        assert params(page)["case"] == case_id
        expect(page.get_by_text("Complete").first).to_be_visible()
        assert not server.maps("libtorch")
        assert listening_addresses(server.pid) == {"0100007F"}
        with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
            socket.create_connection(("127.0.0.2", server.port), timeout=2)
        page.goto("about:blank")
