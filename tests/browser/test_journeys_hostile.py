"""What comes from a suspect, a corpus or a title is text: nothing in it runs, loads, links or computes."""

import csv
import io
from pathlib import Path

import case_factory
import numpy as np
import pytest
import tiny_world
import torch
from browser.driver import download, idle, key, open_page, upload
from browser.journey import PAGES, PLACES, STEPS, analyst, tab, wait_for_work, walk_to
from browser.server import Server
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from fdcore.case.case import Case
from fdcore.case.plan import Plan, Settings
from fdcore.demo import trial_pictures
from fdcore.jobs import State
from fdcore.work.intake import check_suspect, survey_corpora
from fdcore.work.investigate import run_plan

SCRIPT = "<img src=x onerror=window.pwned=1>"
PICTURE = "![x](http://evil.example/x.png)"
LINK = "[click](javascript:window.pwned=2)"
FORMULA = "=cmd()"
FORMULA_CELLS = ("=", "+", "-", "@", "\t", "\r")
RTL = "safe\u202egnp.exe"
LONG = "l" + "o" * 298 + "ng"
NODES = {
    "h0": (SCRIPT, "red"), "h1": (PICTURE, "red"), "h2": (LINK, "red"), "h3": (FORMULA, "green"), "h4": (LONG, "green"),
    "h5": (RTL, "blue"), "h6": ("<b>bold</b><a href='http://evil.example'>x</a>", "blue"),
    "h7": ("{{7*7}} $E=mc^2$ :material/home: :red[x]", "blue"),
}  # fmt: skip
COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (50, 60, 200)}
EXPORTING = ("Corpus", "Leaf_scores", "Distances", "Selection", "Clone", "Report")
TITLE = f"{SCRIPT} {PICTURE} {LINK}"


def draw_corpus(folder: Path) -> None:
    """A folder of pictures for each node, a folder named like a script, and odd file names."""
    rng = np.random.default_rng(3)
    named = {node: colour for node, (_, colour) in NODES.items()} | {SCRIPT: "red", FORMULA: "green", RTL: "blue"}
    for node, colour in named.items():
        (folder / node).mkdir(parents=True)
        for number in range(4):
            noise = rng.normal(0, 30, (tiny_world.SIZE, tiny_world.SIZE, 3))
            pixels = np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / node / f"{number}{SCRIPT}{FORMULA}.png")
    (folder / "h0" / f"{SCRIPT}.png").write_bytes(b"no picture")


def write_hierarchy(path: Path) -> None:
    """The nodes and one above them, as a table."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "parent", "label"])
        writer.writerow(["top", "", f"{SCRIPT}{PICTURE}"])
        writer.writerows([node, "top", label] for node, (label, _) in NODES.items())


def hostile_case(folder: Path, corpora: Path, cache: Path) -> Path:
    """A finished case in which every text is hostile."""
    corpus = corpora / SCRIPT
    draw_corpus(corpus)
    write_hierarchy(corpora / "own.csv")
    evidence = corpora.parent / "evidence" / f"{SCRIPT}.onnx"
    evidence.write_bytes((case_factory.world().evidence / "colours.onnx").read_bytes())
    case = Case.create(folder)
    plan = Plan(corpora=(str(corpus),), hierarchy=str(corpora / "own.csv"), settings=Settings(n_views=2))
    case.record(title=TITLE, plan=plan)
    check_suspect(folder, evidence, trial_pictures())
    survey_corpora(folder)
    run_plan(folder, cache=cache)
    return folder


@pytest.fixture(scope="module")
def hostile(server: Server) -> str:
    hostile_case(server.cases / "hostile", server.corpora, server.cache)
    return "hostile"


def assert_nothing_ran(page: Page, where: str) -> None:
    """No script ran, and nothing hostile became an element."""
    assert page.evaluate("typeof window.pwned") == "undefined", where
    found = page.evaluate(
        "[...document.querySelectorAll('[onerror], img[src*=evil], a[href*=evil], a[href^=javascript]')]"
        ".map(one => one.outerHTML.slice(0, 200))"
    )
    assert found == [], where


def test_hostile_texts_are_only_text(server: Server, browser: Browser, page: Page, tmp_path: Path, hostile: str):
    """Nothing runs, loads, links or is widened, on any page, in help and hover texts; what is exported is inert too."""
    saved: list[Path] = []
    open_page(page, server, case=hostile, class_=0)
    for name in PLACES:
        walk_to(page, name)
        assert_nothing_ran(page, name)
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth") <= 1
    open_page(page, server, case=hostile, class_=0)
    for name in PAGES:
        if name:
            walk_to(page, STEPS[name])
        for number in (1, 2, 3, 0) if name == "Selection" else (0,):
            if name == "Selection":
                page.keyboard.press("n")
                page.wait_for_function(f"new URLSearchParams(location.search).get('class') === '{number}'")
                idle(page)
            assert_nothing_ran(page, f"{name} {number}")
            assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth") <= 1
        for help_ in page.get_by_test_id("stTooltipHoverTarget").all()[:4]:
            if help_.is_visible():
                help_.hover(force=True)
        for chart in page.locator(".js-plotly-plot").all():
            hover_over(page, chart)
        assert_nothing_ran(page, f"{name}, help and figures")
        assert page.locator("body").inner_text().count("onerror") > 0
        if name in EXPORTING:
            saved += exported(page, tmp_path / name)
    tab(page, "Files")  # of the Report, the last page
    for name in ("scores.csv", "selection.csv", "images.csv", "corpus_problems.csv"):
        stem, _, ending = name.partition(".")
        content = download(page, key(page, f"download_{stem}_{ending}").locator("button")).decode()
        assert formulas(content) == [], name
    saved.append(save(tmp_path / "report.html", download(page, key(page, "download_report").locator("button"))))
    with analyst(browser) as reader:
        for path in saved:
            reader.goto(path.as_uri())  # its load event waits for pictures, those that its scripts add too
            assert_nothing_ran(reader, path.name)


def exported(page: Page, stem: Path) -> list[Path]:
    """The figures of a page's Export menu, saved; no cell of its tables begins a formula."""
    key(page, "export").last.get_by_role("button", name="Export").click()
    offers = page.get_by_test_id("stPopoverBody").get_by_test_id("stDownloadButton")
    offers.first.wait_for()
    idle(page)
    figures = []
    for number, offer in enumerate(offers.all()):
        content = download(page, offer.locator("button"))
        if "CSV" in offer.inner_text():
            assert formulas(content.decode()) == [], offer.inner_text()
        else:
            figures.append(save(stem.with_name(f"{stem.name}-{number}.html"), content))
    page.keyboard.press("Escape")
    return figures


def hover_over(page: Page, chart) -> None:
    """Lead the mouse over a figure, so that hover texts show."""
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    if box is None:
        return
    for share in (0.2, 0.4, 0.6, 0.8):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
        page.evaluate("new Promise(requestAnimationFrame)")


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def formulas(content: str) -> list[str]:
    """Cells that a spreadsheet would compute."""
    cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
    return [cell for cell in cells if cell.startswith(FORMULA_CELLS) and not is_number(cell)]


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


class Bomb:
    """An object that, once unpickled, writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return exec, (f"open({str(self.path)!r}, 'w').write('boom')",)


def test_a_suspect_that_would_run_code_is_refused(server: Server, page: Page, tmp_path: Path):
    """The refusal is a sentence, the file stays as evidence, nothing in it is executed, and no way leads around it."""
    mark = tmp_path / "executed"
    torch.save({"fc.weight": torch.ones(2, 4), "x": Bomb(mark)}, tmp_path / "bomb.pth")
    open_page(page, server)
    page.get_by_role("button", name="New case").first.click()
    page.get_by_label("Title", exact=True).fill("A trap")
    page.get_by_role("button", name="Create the case").click()
    page.wait_for_function("new URLSearchParams(location.search).get('case') === 'a-trap'")
    idle(page)
    page.get_by_text("Upload", exact=True).first.click()
    idle(page)
    upload(page, "source_upload", tmp_path / "bomb.pth")
    page.get_by_role("button", name="Check the suspect").click()
    wait_for_work(server, "a-trap", State.FAILED)
    expect(page.get_by_text("Refused: opening this file could run code").first).to_be_visible()
    expect(key(page, "check")).to_have_count(0)
    expect(key(page, "override")).to_have_count(0)
    assert page.locator("body").inner_text().count("Traceback") == 0
    assert not mark.exists()
    assert Case.open(server.cases / "a-trap").facts().evidence.name == "bomb.pth"
