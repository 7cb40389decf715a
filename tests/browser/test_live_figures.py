"""The map that follows a slider: its cross-hair moves with it, names stay text, a picture can be taken away."""

import io
import re

import case_factory
import pytest
from browser.driver import click, download, download_name, key, open_page, press_slider
from browser.server import Server
from PIL import Image
from playwright.sync_api import Locator, Page, expect

NAME = "<img src=x onerror='window.pwned=1'> & <b>cat</b>"
CAMERA = "Save as a picture (PNG)"

# Where the white of the cross-hair lies, part of it between two pixels, in CSS pixels: along the plot's lower edge, and
# along its left edge.
CROSS_HAIR = """
canvas => {
  const scale = canvas.width / canvas.clientWidth, pen = canvas.getContext("2d");
  const middle = (x, y, width, height) => {
    const {data} = pen.getImageData(x * scale, y * scale, Math.max(1, width * scale), Math.max(1, height * scale));
    const white = [...Array(data.length / 4).keys()].filter(n => Math.min(...data.slice(4 * n, 4 * n + 3)) > 100);
    return white.length ? (white[0] + white.at(-1)) / 2 / scale : null;
  };
  return {x: middle(54, 266, canvas.clientWidth - 66, 0), y: middle(54, 32, 0, 234)};
}
"""


def drawn(page: Page, name: str) -> Locator:
    """A live figure's canvas, once it says what it shows and is as wide as its place."""
    canvas = key(page, name).locator("canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("."))
    page.wait_for_function(
        """canvas => {
          const fits = Math.abs(canvas.width - canvas.clientWidth * devicePixelRatio) <= 1;
          const settled = fits && canvas.width === canvas.widthBefore;
          canvas.widthBefore = canvas.width;
          return settled;
        }""",
        arg=canvas.element_handle(), polling=300,
    )  # fmt: skip
    return canvas


def test_the_map_follows_sliders_shows_names_as_text_and_is_taken_away(server: Server, page: Page, case_id: str):
    """Eta moves the cross-hair to the right, alpha up, each by its step; whatever a name holds is shown as it is.

    The picture is three times as fine as the page, on white, in dark mode too, and a narrower window squeezes none.
    """
    case_factory.call_everything(server.cases / case_id, NAME)
    page.emulate_media(color_scheme="dark")
    open_page(page, server, "Selection", case=case_id, class_=1, eta=5, alpha=0.5, tab="Stability")
    canvas = drawn(page, "stability_map")
    first = canvas.evaluate(CROSS_HAIR)
    expect(canvas).to_have_attribute("aria-label", re.compile(r"eta 5\.0 steps, alpha 0\.50"))
    press_slider(page, "eta", "ArrowRight", 4)
    expect(canvas).to_have_attribute("aria-label", re.compile(r"eta 7\.0 steps, alpha 0\.50"))
    right = canvas.evaluate(CROSS_HAIR)
    assert (right["x"] - first["x"], right["y"]) == (pytest.approx(plot_width(canvas) * 4 / 41, abs=2), first["y"])
    press_slider(page, "alpha", "ArrowRight", 3)
    expect(canvas).to_have_attribute("aria-label", re.compile(r"eta 7\.0 steps, alpha 0\.65"))
    up = canvas.evaluate(CROSS_HAIR)
    assert (up["x"], first["y"] - up["y"]) == (right["x"], pytest.approx(240 * 3 / 20, abs=2))
    click(page, "undo")
    expect(canvas).not_to_have_attribute("aria-label", re.compile(r"alpha 0\.65"))
    words_are_text(page, canvas)
    picture_is_sharp(page)


def words_are_text(page: Page, canvas: Locator) -> None:
    """Under the pointer stand the name, eta and alpha, until it leaves."""
    canvas.hover(position={"x": 90, "y": 60})
    words = key(page, "stability_map").locator(".tip")
    expect(words).to_contain_text(NAME)
    assert words.evaluate("tip => tip.querySelectorAll(':not(div)').length") == 0
    expect(words).to_contain_text(re.compile(r"eta \d+\.\d steps, alpha 0\.\d\d"))
    page.mouse.move(0, 0)
    expect(words).to_be_hidden()
    assert page.evaluate("typeof window.pwned") == "undefined"


def picture_is_sharp(page: Page) -> None:
    """Of a map that fits a narrower window."""
    page.set_viewport_size({"width": 800, "height": 900})
    canvas = drawn(page, "stability_map")
    assert canvas.evaluate("canvas => canvas.getBoundingClientRect().right <= innerWidth")
    camera = key(page, "stability_map").get_by_role("button", name=CAMERA)
    assert download_name(page, camera) == "stability.png"
    with Image.open(io.BytesIO(download(page, camera))) as picture:
        assert picture.width == round(3 * canvas.evaluate("canvas => canvas.clientWidth"))
        pixels = picture.convert("RGB")
        assert pixels.getpixel((2, picture.height - 2)) == (255, 255, 255)
        assert len(pixels.getcolors(1 << 20) or []) > 3


def plot_width(canvas: Locator) -> float:
    """In CSS pixels, without the margins for the axis."""
    return float(canvas.evaluate("canvas => canvas.clientWidth")) - 62
