"""Save a Plotly figure as a picture, drawn by the Chromium of the browser tests."""

import sys
import tempfile
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

from fdcore.report.figures.style import standalone_html

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from browser.driver import launch, require_chromium


def save_picture(figure: go.Figure, picture: Path, *, title: str, width: int, height: int) -> None:
    """Draw the figure in a window of that size in pixels, and save it as a PNG file."""
    chromium = require_chromium()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder) / "figure.html"
        page_file.write_bytes(standalone_html(figure, title))
        browser = launch(playwright, chromium)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(page_file.as_uri())
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        page.locator(".js-plotly-plot").screenshot(path=picture)
        browser.close()
