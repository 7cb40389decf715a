"""The report as PDF, typeset from the same page as the HTML, so that both say the same. No browser is needed.

The same page gives the same bytes: the file bears no date and no random id.
"""

import base64
import io
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from html.parser import HTMLParser
from itertools import groupby
from typing import Any

from reportlab.graphics.shapes import Drawing, Line, Rect
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table

INK, SOFT, WEAK, OPEN, LINE, ACCENT = "#14171c", "#4a5560", "#6b4500", "#8a1c22", "#c4ccd4", "#1d4e89"
MARGIN = 15 * mm
WIDTH = A4[0] - 2 * MARGIN
STRIP_PT, BAR_PT, SCORE_PT = 17, 90, 132  # height of a row of pictures, width of a bar and of its column
ROOM = 90  # points left on a page for a heading and what follows it; a table that follows may then go on overleaf
VOID = ("br", "img", "meta", "rect", "line")
DINGBATS = "✓✕"  # in ZapfDingbats, which every reader has
COLOURS = {  # by the class of an element
    "none": SOFT, "sure": SOFT, "seal": SOFT, "lead": SOFT, "plain": SOFT, "weak": WEAK, "chip": WEAK, "open": OPEN,
}  # fmt: skip
CELL, GAP = 8, 8  # size of a table's text, room between columns
MAX_WORD, MAX_WANTED = 110, 400  # of a column: its longest word in points, characters that may widen it
TABLE = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LINE)),
    ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), GAP),
    ("TOPPADDING", (0, 0), (-1, -1), 2.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]  # fmt: skip
MAX_CELL = 6_000  # characters of a cell; a row must fit on a page


class Element:
    """An element of the page: its tag, its attributes, its children and texts in order."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element | str] = []

    @property
    def classes(self) -> list[str]:
        """Its CSS classes."""
        return self.attributes.get("class", "").split()

    def walk(self) -> "Iterator[Element]":
        """Itself and everything below it, in order."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    @property
    def text(self) -> str:
        """All its text, with single spaces."""
        return " ".join("".join(c if isinstance(c, str) else f"{c.text} " for c in self.children).split())


def to_pdf(page: str) -> bytes:
    """Typeset the report.

    Args:
        page: the HTML of `render_report`; its headings, paragraphs, tables, pictures and bars are all it may hold.
    """
    _register_fonts()
    tree = _parse(page)
    title = next((one.text for one in tree.walk() if one.tag == "title"), "")
    body = next(one for one in tree.walk() if one.tag == "body")
    buffer = io.BytesIO()
    document = SimpleDocTemplate(buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN,
                                 bottomMargin=MARGIN, title=title, creator="fdcore", invariant=True)  # fmt: skip
    document.build(list(_blocks(body)), canvasmaker=lambda *args, **given: _Numbered(title, *args, **given))
    return buffer.getvalue()


def _parse(page: str) -> Element:
    root = Element("", {})
    within = [root]

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            made = Element(tag, {name: value or "" for name, value in attrs})
            within[-1].children.append(made)
            if tag not in VOID:
                within.append(made)

        def handle_endtag(self, tag: str) -> None:
            if tag not in VOID:
                within.pop()

        def handle_data(self, data: str) -> None:
            within[-1].children.append(data)

    Parser(convert_charrefs=True).feed(page)
    return root


# Blocks


def _blocks(parent: Element) -> Iterator[Flowable]:
    for one in parent.children:
        if isinstance(one, str):
            continue
        if one.tag in ("header", "div", "section"):
            yield from _blocks(one)
        elif one.tag == "table":
            yield from _table(one)
        elif one.tag in ("h1", "h2", "h3"):
            yield CondPageBreak(ROOM)
            yield Paragraph(_inline(one), _style(one.tag))
        elif one.tag in ("p", "footer") and one.text:
            yield Paragraph(_inline(one), _style("small" if one.tag == "footer" else "p"))
        elif one.tag == "pre":
            yield Paragraph(_inline(one), _style("pre"))


def _table(table: Element) -> Iterator[Flowable]:
    """A table whose first row is repeated on each page; a wide one becomes several with the same first column."""
    rows = [one for one in table.walk() if one.tag == "tr"]
    cells = [[one for one in row.children if isinstance(one, Element)] for row in rows]
    n_columns = max(map(len, cells), default=0)
    sizes = [_size([own[column] for own in cells if column < len(own)]) for column in range(n_columns)]
    headed = bool(rows) and all(one.tag == "th" for one in cells[0])
    for columns in _that_fit([least for least, _ in sizes]):
        content = [
            [_cell(own[column], "missing" in row.classes) if column < len(own) else "" for column in columns]
            for row, own in zip(rows, cells, strict=True)
        ]
        widths = _widths([sizes[column] for column in columns])
        tall = any(_is_tall(own[column], width) for own in cells
                   for column, width in zip(columns, widths, strict=True) if column < len(own))  # fmt: skip
        yield Table(content, widths, repeatRows=int(headed), splitInRow=int(tall), style=TABLE, hAlign="LEFT")
        yield Spacer(0, 6)


def _is_tall(cell: Element, width: float) -> bool:
    """Whether a cell may not fit on a page, so that its row must be split; no other row should be."""
    n_lines = stringWidth(cell.text[:MAX_CELL], "Vera", CELL) / (width - GAP)
    return bool(n_lines * 1.35 * CELL > A4[1] / 2)


def _size(cells: Sequence[Element]) -> tuple[float, float]:
    """The least and the wanted width of a column: its longest word, and its longest text on one line."""
    kinds = {part.tag for cell in cells for part in cell.walk()} & {"img", "svg"}
    if kinds:
        return (fixed := GAP + 6 * STRIP_PT if "img" in kinds else SCORE_PT), fixed
    words = [stringWidth(word, "VeraBd", CELL) for cell in cells for word in cell.text[:MAX_WANTED].split()]
    lines = [stringWidth(cell.text[:MAX_WANTED], "VeraBd", CELL) for cell in cells]
    return GAP + min(max(words, default=0), MAX_WORD), GAP + max(lines, default=0)


def _that_fit(least: Sequence[float]) -> Iterator[list[int]]:
    """The columns in groups that fit beside each other, each with the first column."""
    group: list[int] = [0] if least else []
    for column in range(1, len(least)):
        if sum(least[one] for one in group) + least[column] > WIDTH and len(group) > 1:
            yield group
            group = [0]
        group.append(column)
    if group:
        yield group


def _widths(sizes: Sequence[tuple[float, float]]) -> list[float]:
    """Each column gets its least width, and its part of the room that is left by what it wants beyond that."""
    spare = WIDTH - sum(least for least, _ in sizes)
    more = [max(0.0, wanted - least) for least, wanted in sizes]
    part = min(1.0, max(spare, 0.0) / (sum(more) or 1))
    return [least + part * extra for (least, _), extra in zip(sizes, more, strict=True)]


def _cell(cell: Element, missing: bool) -> list[Flowable]:
    name = ("number " if "n" in cell.classes else "") + ("head" if cell.tag == "th" else "cell")
    text = Element("td", cell.attributes)
    found: list[Flowable] = []
    for child in cell.children:
        if isinstance(child, Element) and child.tag == "img":
            picture = io.BytesIO(base64.b64decode(child.attributes["src"].partition(",")[2]))
            found.append(Image(picture, 6 * STRIP_PT, STRIP_PT, kind="proportional", hAlign="LEFT"))
        elif isinstance(child, Element) and child.tag == "svg":
            found.append(_bar(child))
        else:
            text.children.append(child)
    if text.text:
        markup = _inline(text, limit=MAX_CELL)
        found.append(Paragraph(f'<font color="{SOFT}">{markup}</font>' if missing else markup, _style(name)))
    return found


def _bar(svg: Element) -> Drawing:
    wide, high = (float(one) for one in svg.attributes["viewbox"].split()[2:])
    scale = BAR_PT / wide
    drawing = Drawing(BAR_PT, high * scale)
    whole, part, *lines = (one for one in svg.children if isinstance(one, Element))
    filled = WEAK if "weak" in svg.classes else SOFT if "not-found" in svg.classes else ACCENT
    for one, colour in ((whole, LINE), (part, filled)):
        y, width, height = (float(one.attributes[name]) * scale for name in ("y", "width", "height"))
        drawing.add(Rect(0, y, width, height, fillColor=HexColor(colour), strokeColor=None))
    for one in lines:
        ends = [float(one.attributes[name]) * scale for name in ("x1", "y1", "x2", "y2")]
        drawing.add(Line(*ends, strokeColor=HexColor(INK), strokeWidth=0.6))
    return drawing


# Text


def _inline(element: Element, *, limit: int | None = None) -> str:
    """An element's text as reportlab's markup."""
    parts: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            parts.append(_written(child if element.tag == "pre" else " ".join(f"|{child}|".split())[1:-1], limit))
        elif child.tag == "br":
            parts.append("<br/>")
        elif child.tag in ("strong", "b"):
            parts.append(f"<b>{_inline(child, limit=limit)}</b>")
        else:
            inner = _inline(child, limit=limit)
            parts.append(f"[{inner}]" if "chip" in child.classes else inner)
            if colour := _colour(child):
                parts[-1] = f'<font color="{colour}">{parts[-1]}</font>'
    text = "".join(parts)
    colour = _colour(element) if element.tag in ("p", "td", "footer") else ""
    return f'<font color="{colour}">{text}</font>' if colour else text


def _colour(element: Element) -> str:
    return next((COLOURS[name] for name in reversed(element.classes) if name in COLOURS), "")


def _written(text: str, limit: int | None) -> str:
    """Escaped text; what the typeface lacks is named by its code point, so that nothing is left out unseen."""
    if limit and len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit:,} more characters)"
    parts = []
    for kind, run in groupby(text, _kind):
        characters = "".join(run)
        if kind == "known":
            parts.append(escape(characters, quote=False))
        elif kind == "dingbat":
            parts.append(f'<font name="ZapfDingbats">{characters}</font>')
        else:
            parts.append(f"[{' '.join(f'U+{ord(one):04X}' for one in characters)}]")
    return "".join(parts).replace("\n", "<br/>")


def _kind(character: str) -> str:
    if character in DINGBATS:
        return "dingbat"
    return "known" if character in "\n\t" or ord(character) in _glyphs() else "unknown"


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(TTFont("Vera", "Vera.ttf").face.charToGlyph)


@cache
def _register_fonts() -> None:
    for name in ("Vera", "VeraBd"):
        registerFont(TTFont(name, f"{name}.ttf"))
    registerFontFamily("Vera", normal="Vera", bold="VeraBd", italic="Vera", boldItalic="VeraBd")


@cache
def _style(name: str) -> ParagraphStyle:
    sizes = {"h1": 17, "h2": 11.5, "h3": 9.5, "p": 8.5, "cell": CELL, "head": 7.5, "pre": 7.5, "small": 7.5}
    kind = name.split()[-1]
    size, heading = sizes[kind], kind in ("h1", "h2", "h3")
    return ParagraphStyle(
        name, fontName="VeraBd" if heading or kind == "head" else "Vera", fontSize=size, leading=1.35 * size,
        spaceBefore={"h1": 1, "h2": 12, "h3": 8}.get(kind, 0), spaceAfter=0 if kind in ("cell", "head") else 4,
        textColor=HexColor(SOFT if kind in ("head", "small") else INK),
        alignment=TA_RIGHT if name.startswith("number") else TA_LEFT,
    )  # fmt: skip


class _Numbered(Canvas):  # type: ignore[misc]
    """Writes the title and "page n of m" below each page, once their number is known."""

    def __init__(self, title: str, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self._title, self._states = title, list[dict[str, Any]]()

    def showPage(self) -> None:
        self._states.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, state in enumerate(self._states, start=1):
            self.__dict__.update(state)
            self.setFont("Vera", 7)
            self.setFillColor(HexColor(SOFT))
            self.drawRightString(A4[0] - MARGIN, MARGIN / 2, f"page {number} of {len(self._states)}")
            self.drawString(MARGIN, MARGIN / 2, _plain(self._title))
            super().showPage()
        super().save()


def _plain(text: str, most: int = 90) -> str:
    return "".join(one if _kind(one) == "known" and one.isprintable() else "?" for one in text[:most])
