"""The dashboard's entry: no case, a finished one, a damaged one."""

from pathlib import Path

import pytest
import tiny_world
from conftest import REPOSITORY
from streamlit.testing.v1 import AppTest


@pytest.fixture
def cases(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FDCORE_CASES", str(tmp_path / "cases"))
    return tmp_path


def open_app() -> AppTest:
    return AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=30).run()


def test_without_a_case_the_page_says_how_to_make_one(cases):
    """The empty state names the command."""
    app = open_app()
    assert not app.exception
    assert "make demo" in app.info[0].value


def test_a_finished_case_shows_its_verdict(cases):
    """Every class has its row, "not found" included."""
    tiny_world.run(tiny_world.build(cases / "corpus"), cases / "cases" / "one", cases / "cache", cases / "log")
    app = open_app()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["Found"].tolist() == ["heavier-than-air craft", "domestic cat", "car", "not found"]
    assert app.metric[0].value == "3 of 4"


def test_a_damaged_case_is_a_sentence(cases):
    """No traceback for a broken folder."""
    (cases / "cases" / "broken").mkdir(parents=True)
    (cases / "cases" / "broken" / "case.json").write_text("{")
    app = open_app()
    assert not app.exception
    assert "damaged" in app.text[0].value


def test_damaged_results_are_a_sentence(cases):
    """Results that lack a part say how to make them anew."""
    tiny_world.run(tiny_world.build(cases / "corpus"), cases / "cases" / "one", cases / "cache", cases / "log")
    (cases / "cases" / "one" / "selection.json").write_text("{}")
    app = open_app()
    assert not app.exception
    assert "fdcore select" in app.text[-1].value
