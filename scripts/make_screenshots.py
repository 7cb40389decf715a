"""Take the screenshots of every page in docs/screenshots: light and dark at 1280 pixels, a few at 768.

    python scripts/make_screenshots.py [--case cases/demo] [--out docs/screenshots] [--only Selection]

The case is copied and stays unchanged. `make screenshots` builds the demo case first.
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from browser.driver import Watch, full_height, idle, launch, open_page, require_chromium
from browser.server import REPOSITORY, Server

from fdcore.case.places import Places

THEMES = ("light", "dark")
WIDE, NARROW = 1280, 768
HEIGHT_PX, MAX_HEIGHT_PX = 800, 4000
SETTLE_MS = 1500  # pictures and figures are drawn after the script has ended
MAX_BYTES = 250_000
PALETTES = (256, 128, 64, 32)  # numbers of colours, tried until the file is small enough


class Shot(NamedTuple):
    """One page to capture."""

    step: str  # the name of the file
    page: str  # path, empty for the first page
    narrow: bool = False  # also at 768 pixels


SHOTS = (
    Shot("case", "", narrow=True),
    Shot("suspect", "Suspect"),
    Shot("corpus", "Corpus"),
    Shot("leaf-scores", "Leaf_scores"),
    Shot("distances", "Distances"),
    Shot("selection", "Selection", narrow=True),
    Shot("verification", "Verification"),
    Shot("clone", "Clone"),
    Shot("report", "Report", narrow=True),
)


def main() -> None:
    """Start the server on a copy of the case, and take every screenshot."""
    options = _read_options()
    chromium = require_chromium()
    if not (options.case / "case.json").is_file():
        sys.exit(f"{options.case} is not a case. `make demo` makes one in cases/demo.")
    shots = [shot for shot in SHOTS if options.only in ("", shot.page, shot.step)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        places = Places.from_environment()
        server = Server(Path(folder), corpora=places.corpora, evidence=places.evidence, cache=places.cache)
        case = server.add_case(options.case, "demo")
        try:
            server.start()
            browser = launch(playwright, chromium)
            for shot in shots:
                _take(browser, server, shot, case, options.out)
        finally:
            server.stop()


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Take the screenshots of every page.")
    parser.add_argument("--case", type=Path, default=REPOSITORY / "cases" / "demo", help="default cases/demo")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "screenshots", help="folder for the PNGs")
    parser.add_argument("--only", default="", help="the name of one page or step")
    return parser.parse_args()


def _take(browser: Browser, server: Server, shot: Shot, case: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for theme in THEMES:
        _save(take_page(browser, server, shot, case, theme, WIDE), out / f"{shot.step}-{theme}.png")
    if shot.narrow:
        _save(take_page(browser, server, shot, case, "light", NARROW), out / f"{shot.step}-light-{NARROW}.png")


def take_page(browser: Browser, server: Server, shot: Shot, case: str, theme: str, width: int) -> bytes:
    """The whole page as a PNG; errors in its console go to the terminal."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT_PX},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    watch = Watch(context)
    page = context.new_page()
    open_page(page, server, shot.page, case=case)
    page.wait_for_timeout(SETTLE_MS)
    full_height(page, at_most_px=MAX_HEIGHT_PX)
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLE_MS)
    idle(page)
    content = page.screenshot(animations="disabled")
    context.close()
    for error in watch.errors:
        print(f"{shot.step} ({theme}, {width} px): {error}", file=sys.stderr)
    return content


def _save(content: bytes, path: Path) -> None:
    packed = quantise(content)
    path.write_bytes(packed)
    print(f"{path.name}: {len(packed) / 1000:.0f} kB")
    if len(packed) > MAX_BYTES:
        print(f"{path.name} is larger than {MAX_BYTES / 1000:.0f} kB.", file=sys.stderr)


def quantise(content: bytes) -> bytes:
    """The picture with as many colours as `MAX_BYTES` allows, at least the last of `PALETTES`."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    packed = b""
    for n_colours in PALETTES:
        target = io.BytesIO()
        few = picture.quantize(n_colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(target, "PNG", optimize=True)
        packed = target.getvalue()
        if len(packed) <= MAX_BYTES:
            break
    return packed


if __name__ == "__main__":
    main()
