"""Figures: what all of them share."""

import json
import re
import subprocess
import sys

import numpy as np
import plotly.graph_objects as go
import pytest

from fdcore.report.figures.scores import answer_bars
from fdcore.report.figures.style import (
    config,
    full_name,
    inert,
    new_figure,
    nothing_to_draw,
    on_white,
    shortened,
    standalone_html,
    tell_apart,
)

IMAGE, LINK = "<img src=x onerror=alert(1)>", '<a href="http://x">y</a>'


def test_markup_in_a_label_is_shown_as_text() -> None:
    """Plotly reads tags and entities in labels; none survives."""
    assert inert(IMAGE) == "&lt;img src=x onerror=alert(1)&gt;"
    assert inert("&lt;b&gt;") == "&amp;lt;b&amp;gt;"


def test_control_characters_and_direction_overrides_are_replaced() -> None:
    """A label cannot break a line, end a string or turn the reading direction."""
    assert inert("a\nb\x00c\u202ed") == "a b\ufffdc\ufffdd"


def test_a_long_label_is_cut_before_it_is_escaped() -> None:
    """An ellipsis never stands in the middle of an entity."""
    assert shortened("<" * 40, 10) == "&lt;" * 9 + "…"
    assert shortened("short") == "short"


def test_a_whole_name_has_its_id_below_and_breaks_into_lines() -> None:
    """A hover text names everything and stays narrow."""
    assert full_name("crane", "n02012849") == "<b>crane</b><br>n02012849"
    assert full_name("crane", "crane") == "<b>crane</b>"
    assert full_name("word " * 40).count("<br>") == 3
    assert full_name(" ") == "<b>(no name)</b>"


def test_equal_names_are_told_apart() -> None:
    """Two classes with one name stay two rows."""
    assert tell_apart(["a", "b", "a", "a"]) == ["a", "b", "a [2]", "a [3]"]


def test_the_toolbar_offers_a_sharp_png_and_never_an_upload() -> None:
    """Plotly's default toolbar has a button that sends the figure to a server."""
    tools = config("case-1 / Klasse ü")
    assert tools["toImageButtonOptions"] == {"format": "png", "scale": 3, "filename": "case-1___Klasse__"}
    assert tools["showSendToCloud"] is False
    assert tools["plotlyServerURL"] == ""
    assert tools["displaylogo"] is False
    assert tools["displayModeBar"] is True
    assert config()["toImageButtonOptions"]["filename"] == "figure"


def test_the_zoom_survives_until_the_revision_changes() -> None:
    """A slider's move redraws the figure with the same uirevision."""
    assert new_figure("map", height=200, revision="3").layout.uirevision == "map:3"


def test_figures_leave_background_and_text_colour_to_the_theme() -> None:
    """What is named here could not hold on both a light and a dark page."""
    layout = new_figure("map", height=200).layout
    assert layout.paper_bgcolor is layout.plot_bgcolor is layout.font.color is None


def test_an_empty_figure_says_why() -> None:
    """Nothing to draw is an answer."""
    figure = nothing_to_draw("map", "Nothing <b>here</b>.")
    assert figure.layout.annotations[0].text == "Nothing &lt;b&gt;here&lt;/b&gt;."


def test_a_figure_of_its_own_is_dark_on_white_and_the_original_stays() -> None:
    """An exported page does not depend on the dashboard's theme."""
    figure = go.Figure()
    assert on_white(figure).layout.paper_bgcolor == "white"
    assert figure.layout.paper_bgcolor is None


@pytest.fixture(scope="module")
def page() -> str:
    return standalone_html(answer_bars([IMAGE, "</script>"], counts=np.array([3, 2])), LINK).decode()


def test_a_standalone_page_needs_no_network(page: str) -> None:
    """Plotly is inside, the content security policy forbids every request, and nothing is loaded."""
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|img|iframe)[^>]*\b(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert 4e6 < len(page) < 6e6


def test_a_standalone_page_shows_hostile_names_as_text(page: str) -> None:
    """Neither title nor labels can end the script or open a tag."""
    assert "<title>&lt;a href=&quot;http://x&quot;&gt;y&lt;/a&gt;</title>" in page
    assert IMAGE not in page
    assert page.index("</script>", page.rindex("Plotly.newPlot")) > page.rindex("toImageButtonOptions")


def test_the_same_figure_gives_the_same_bytes() -> None:
    """Exports can be compared."""
    figure = answer_bars(["a"], counts=np.array([1]))
    assert standalone_html(figure, "t") == standalone_html(figure, "t")


def test_figures_do_not_load_streamlit_torch_or_a_case() -> None:
    """Figures are for pages, report and benchmarks alike."""
    code = "import sys, json, fdcore.report.figures; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))
    assert not loaded & {"streamlit", "torch", "fdcore.case.case", "fdcore.work.investigate"}
