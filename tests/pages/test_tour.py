"""The tour of the demo case: five stops, each on its page, and an end on any of them."""

import case_factory
import pytest
from opening import open_app, open_page
from reading import said

from fdcore.case.case import Case


@pytest.fixture
def demo(cases) -> str:
    """A finished case that is marked as the demo."""
    Case(case_factory.finished(cases / "demo")).record(demo=True)
    return "demo"


def test_the_tour_leads_from_stop_to_stop(demo):
    """The overview is the first stop; the next one opens its page with the case."""
    at = open_app(case=demo)
    assert "1 of 5" in said(at)
    at.button(key="tour_next").click().run()
    assert at.title[0].value == "3 · Leaf scores"
    assert "2 of 5" in said(at)


def test_the_tour_ends_where_the_analyst_ends_it(demo):
    """It comes back on no other page of the visit."""
    at = open_app(case=demo)
    at.button(key="tour_end").click().run()
    assert "1 of 5" not in said(at)
    at.switch_page("pages/8_Report.py").run()
    assert "5 of 5" not in said(at)


def test_only_the_demo_has_a_tour(cases):
    """An analyst's own case has none, and neither have pages without a stop."""
    case_factory.finished(cases / "one")
    assert "1 of 5" not in said(open_app(case="one"))
    assert not [b for b in open_page("4_Distances", case="one").button if b.key == "tour_next"]
