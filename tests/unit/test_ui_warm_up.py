"""What the server imports as it starts."""

import subprocess
import sys
from pathlib import Path

from streamlit.web.server.app_discovery import discover_asgi_app

REPOSITORY = Path(__file__).resolve().parents[2]

_START = """
import asyncio, sys, threading
import app
from ui.warm_up import warm_up

async def live():
    async with warm_up(app.app):
        for thread in threading.enumerate():
            if thread.name == "warm-up":
                thread.join()

asyncio.run(live())
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_the_server_starts_with_the_first_page_at_hand_and_nothing_heavy():
    """After the start the first page's modules are there; torch, pandas and scipy are not."""
    asked = ["ui.frame", "ui.case.overview", "torch", "pandas", "scipy", "umap", "gensim"]
    ran = subprocess.run(
        [sys.executable, "-c", _START, *asked], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=120
    )
    assert ran.stdout.split() == ["ui.frame", "ui.case.overview"]


def test_streamlit_finds_the_application_in_app_py():
    """`streamlit run app.py` starts the application with its warm-up, not the bare script."""
    found = discover_asgi_app(REPOSITORY / "app.py")
    assert (found.is_asgi_app, found.import_string) == (True, "app:app")
