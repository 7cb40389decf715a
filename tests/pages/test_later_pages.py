"""Clone: what can be had already, and honest words about what cannot."""

from pathlib import Path

import case_factory
import pytest
from opening import open_page

PAGES = ("7_Clone",)


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cases"
    folder.mkdir()
    monkeypatch.setenv("FDCORE_CASES", str(folder))
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "cache"))
    return folder


def metric(at, label: str) -> str:
    return next(m.value for m in at.metric if m.label == label)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_says_that_its_step_is_not_built(cases, page):
    """Nothing is faked."""
    case_factory.finished(cases / "one")
    at = open_page(page, case="one")
    assert not at.exception
    assert "not built yet" in at.markdown[-1].value + "".join(m.value for m in at.markdown)


def test_clone_shows_the_transfer_set(cases):
    """Kept images per class and what a fixed total takes; a class that was not found gives nothing."""
    case_factory.finished(cases / "one")
    at = open_page("7_Clone", case="one")
    assert metric(at, "Classes with images") == "3 of 4"
    table = at.dataframe[0].value
    assert table["found"].tolist()[3] == "not found"
    assert (table["taken"] == table["kept"]).all()
    assert len(at.get("plotly_chart")) == 1


@pytest.mark.parametrize("page", PAGES)
def test_nothing_found_leads_to_tau(cases, page):
    """An empty finding is an empty state with one action."""
    case_factory.out_of_budget(cases / "one")
    folder = cases / "one" / "choices.json"
    folder.write_text(
        '{"choices": ['
        + ",".join(
            f'{{"target_class": {i}, "nodes": [], "note": "no", "by": "", "time": "2026-01-01T00:00:00+00:00"}}'
            for i in range(4)
        )
        + "]}"
    )
    at = open_page(page, case="one")
    assert not at.exception
    assert at.button(key="empty_action").label == "Change tau in Selection"


@pytest.mark.parametrize("page", PAGES)
def test_half_finished_and_damaged_cases(cases, page):
    """What is there is shown; what is broken is a sentence."""
    case_factory.half_finished(cases / "half")
    case_factory.damaged(cases / "broken", "corpus.parquet")
    at = open_page(page, case="half")
    assert not at.exception
    assert at.metric
    at = open_page(page, case="broken")
    assert not at.exception
    assert "damaged" in at.error[0].value
