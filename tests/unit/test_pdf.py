"""The report as PDF: what the page says, whatever the labels hold, the same bytes each time."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from fdcore.report.pdf import to_pdf
from fdcore.report.strips import strip_of


def page(body: str, title: str = "Investigation of seized.pth") -> str:
    return f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title></head><body>{body}</body></html>'


def read(body: str) -> PdfReader:
    return PdfReader(io.BytesIO(to_pdf(page(body))))


def text(body: str) -> str:
    return " ".join(" ".join(one.extract_text() for one in read(body).pages).split())


def rows(n: int, width: int = 2) -> str:
    head = "".join(f"<th>Column {column}</th>" for column in range(width))
    body = "".join("<tr>" + "".join(f"<td>cell {row}.{column}</td>" for column in range(width)) + "</tr>"
                   for row in range(n))  # fmt: skip
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def test_headings_paragraphs_and_commands_are_read_in_order():
    """With the page's number and title below."""
    found = text("<h1>CIFAR-10</h1><p>9 of 10 <strong>classes</strong></p><pre>fdcore select CASE</pre>")
    assert "CIFAR-10 9 of 10 classes fdcore select CASE" in found
    assert "Investigation of seized.pth" in found
    assert "page 1 of 1" in found


def test_the_same_page_gives_the_same_bytes():
    """So a copy can be compared by its hash."""
    assert to_pdf(page(rows(5))) == to_pdf(page(rows(5)))


@pytest.mark.parametrize(
    "label", ["<b>&", "a & b", "</para>", '<img src="http://evil/x.png">', "<font color=eval('1')>"]
)
def test_a_label_is_text_whatever_it_looks_like(label: str):
    """Escaped in the page, and again for the typesetter."""
    escaped = label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert label in text(f"<p>{escaped}</p>")


def test_characters_without_a_glyph_are_named_by_their_code_points():
    """And ticks are drawn."""
    found = text("<p>\N{CHECK MARK} café, \u732b\u72ac, \u202eabc</p>")
    assert "\N{CHECK MARK} café, [U+732B U+72AC], [U+202E]abc" in found


def test_a_long_table_repeats_its_first_row_on_each_page():
    """No row is lost."""
    reader = read(rows(300))
    pages = [one.extract_text() for one in reader.pages]
    assert len(pages) > 3
    assert all("Column 1" in one for one in pages)
    assert all(f"cell {row}.1" in "".join(pages) for row in range(300))


def test_a_wide_table_goes_on_below_with_its_first_column():
    """All cells are there, and each part begins with the first column."""
    found = text(rows(3, width=24))
    assert all(f"cell {row}.{column}" in found for row in range(3) for column in range(24))
    assert found.count("cell 2.0") > 1


def test_a_cell_longer_than_a_page_ends_with_what_is_left_out():
    """A row must fit on a page."""
    assert "4,000 more characters" in text(f"<table><tr><td>{'long text ' * 1000}</td></tr></table>")


def test_pictures_and_bars_stand_in_their_row():
    """The pictures are those of the page, unchanged."""
    strip = strip_of([np.full((8, 8, 3), shade, np.uint8) for shade in (20, 200)])
    bar = ('<svg class="bar weak" viewBox="0 0 150 12"><rect class="all" y="2" width="150" height="8" rx="3"/>'
           '<rect class="part" y="2" width="75.0" height="8" rx="3"/>'
           '<line class="tau" x1="60" x2="90" y1="6" y2="6"/></svg>')  # fmt: skip
    reader = read(
        f'<table><tr><td class="n">0</td><td><img class="strip" src="{strip}"></td><td>{bar}0.50</td></tr></table>'
    )
    (picture,) = reader.pages[0].images
    original = Image.open(io.BytesIO(base64.b64decode(strip.partition(",")[2])))
    assert picture.image is not None
    assert np.array_equal(np.asarray(picture.image.convert("RGB")), np.asarray(original.convert("RGB")))
    assert "0.50" in reader.pages[0].extract_text()


def test_an_empty_table_is_left_out():
    """A section may have no rows."""
    assert "after" in text("<table></table><p>after</p>")
