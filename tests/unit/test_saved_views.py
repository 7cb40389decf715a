"""Views that an analyst saved, the history of the conclusions, and who may replace them."""

from dataclasses import replace
from pathlib import Path

import case_factory
import pytest
from raising import raises

from fdcore.case.case import Case
from fdcore.case.conclusions import selection_settings
from fdcore.case.saved_views import MAX_VIEWS, read_history, read_views, remove_view, save_view
from fdcore.errors import CaseError
from fdcore.method.selection import SelectionSettings
from fdcore.work.conclude import analyse


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.open(case_factory.finished(tmp_path / "one"))


def test_a_view_keeps_its_settings_and_is_logged(case):
    """In the order of the names; the same name again replaces; removing is logged too, and once only."""
    wide, narrow = SelectionSettings(eta=12.0), SelectionSettings(eta=1.0, k=3)
    save_view(case, "  wide \n", narrow, by="Ana")
    save_view(case, "narrow", narrow)
    save_view(case, "wide", wide, by="Ben")
    assert [(view.name, view.settings, view.by) for view in read_views(case)] == [
        ("narrow", narrow, ""), ("wide", wide, "Ben")
    ]  # fmt: skip
    for _ in range(2):
        remove_view(case, "wide", by="Ana")
    assert [view.name for view in read_views(case)] == ["narrow"]
    events = [entry["event"] for entry in case.audit()]
    assert events[-4:] == ["view saved"] * 3 + ["view removed"]


def test_a_view_needs_a_name_and_a_case_holds_so_many(case):
    """An empty name and one view too many are refused; what was there stays."""
    with raises(CaseError, "view without name"):
        save_view(case, " \t", SelectionSettings())
    for number in range(MAX_VIEWS):
        save_view(case, f"view {number:03d}", SelectionSettings())
    with raises(CaseError, "too many views"):
        save_view(case, "one more", SelectionSettings())
    assert len(read_views(case)) == MAX_VIEWS


def test_damaged_views_are_a_sentence(case):
    """They name the file."""
    case.path("views.json").write_text('{"views": [{"name": 3}]}')
    with raises(CaseError, "record damaged", "views.json"):
        read_views(case)


def test_the_history_lists_every_saving(case):
    """The latest first: who, with which settings, what was found."""
    first = selection_settings(case)
    for eta, by in ((2.0, "Ana"), (9.0, "Ben")):
        analyse(case.folder, replace(first, eta=eta), by=by)
    history = read_history(case)
    assert [(entry.by, entry.settings.eta) for entry in history[:2]] == [("Ben", 9.0), ("Ana", 2.0)]
    assert history[-1].settings == first
    assert history[0].n_found == case.read_json("selection.json")["overall"]["n_found"]


def test_settings_of_an_unknown_version_stay_in_the_history(case):
    """They are listed, and cannot be restored."""
    case.log("analysed", {"settings": {"alpha": 99}, "n_found": 2})
    assert (read_history(case)[0].settings, read_history(case)[0].n_found) == (None, 2)


def test_only_the_conclusions_that_were_seen_are_replaced(case):
    """Whoever saves upon others than those they saw is refused, and nothing is written."""
    seen = selection_settings(case)
    theirs = replace(seen, eta=2.0)
    analyse(case.folder, theirs, by="Ana", replacing=seen)
    with raises(CaseError, "conclusions changed"):
        analyse(case.folder, replace(seen, eta=9.0), by="Ben", replacing=seen)
    assert selection_settings(case) == theirs
    analyse(case.folder, replace(seen, eta=9.0), by="Ben", replacing=theirs)
    assert selection_settings(case).eta == 9.0
