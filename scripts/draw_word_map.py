"""Draw the word map of a case as a picture (the paper's Figure 3).

    python scripts/draw_word_map.py CASE PICTURE.png [--method tsne|umap]

The case was compared with claims (`fdcore verify`); a chromium draws what page 6 shows.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from fdcore.case import Case
from fdcore.comparison import WORDS_FILE
from fdcore.figures import standalone_html, word_map
from fdcore.verification.points import MapPoint

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from browser.driver import find_chromium, launch


def main() -> None:
    """Read the stored coordinates, draw, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--method", choices=("tsne", "umap"), default="tsne")
    options = parser.parse_args()
    drawn = Case.open(options.case).read_json(WORDS_FILE)["map"]
    points = [MapPoint(p["text"], p["kind"], p["target_class"], p["node"]) for p in drawn["points"]]
    figure = word_map(points, np.array(drawn["maps"][options.method]["coordinates"]))
    chromium = find_chromium()
    if chromium is None:
        sys.exit("There is no chromium: install it, or name one in FDCORE_CHROMIUM.")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder) / "map.html"
        page_file.write_bytes(standalone_html(figure, "Words claimed and found"))
        browser = launch(playwright, chromium)
        page = browser.new_page(viewport={"width": 1100, "height": 640})
        page.goto(page_file.as_uri())
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        page.locator(".js-plotly-plot").screenshot(path=options.picture)
        browser.close()


if __name__ == "__main__":
    main()
