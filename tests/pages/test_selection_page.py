"""The Selection page: the answer of a class, how firm it is, settings in the URL, decisions by hand, saving."""

import json
from pathlib import Path

import case_factory
import pytest
from opening import open_page
from streamlit.testing.v1 import AppTest

from fdcore.analysis import lock_class, read_choices, selection_settings
from fdcore.case import Case
from fdcore.selection import Choice, SelectionSettings

PAGE = "5_Selection"
NOW = "2026-01-02T03:04:05+00:00"
HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) **bold**"


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cases"
    folder.mkdir()
    monkeypatch.setenv("FDCORE_CASES", str(folder))
    monkeypatch.setenv("FDCORE_CACHE", str(case_factory.world().cache))
    return folder


@pytest.fixture
def finished(cases: Path) -> Path:
    return case_factory.finished(cases / "colours")


def open_selection(case: Path, **parameters: str) -> AppTest:
    return open_page(PAGE, case=case.name, **parameters)


def texts(at: AppTest) -> str:
    """Everything that the page says."""
    parts = [*at.text, *at.caption, *at.markdown, *at.header, *at.warning, *at.error, *at.info]
    return "\n".join(str(part.value) for part in parts)


def test_the_answer_of_a_class_is_named_with_its_leaves(finished: Path) -> None:
    at = open_selection(finished, **{"class": "1"})
    assert not at.exception
    assert at.header[0].value == "domestic cat"
    assert any("tabby" in text.value and "Persian cat" in text.value for text in at.text)
    assert [metric.label for metric in at.metric][:4] == ["L", "S", "Objective", "Covers"]


def test_not_found_is_an_answer(finished: Path) -> None:
    at = open_selection(finished, **{"class": "3"})
    assert not at.exception
    assert at.header[0].value == "Not found"
    assert "That is an answer" in texts(at)


def test_the_settings_come_from_the_link(finished: Path) -> None:
    at = open_selection(finished, **{"class": "1"}, eta="0", alpha="1", k="2")
    assert not at.exception
    assert at.number_input(key="k").value == 2
    clusters = at.dataframe[0].value
    assert list(clusters["n"]) == [1, 1]
    assert "A single leaf" in texts(at)


@pytest.mark.parametrize("value", ["-3", "nan", "1e99", "x" * 400, "![x](http://evil.example)"])
def test_settings_out_of_range_are_told_and_ignored(finished: Path, value: str) -> None:
    at = open_selection(finished, eta=value)
    assert not at.exception
    assert "makes no sense and is ignored" in at.warning[0].value
    assert "![x]" not in at.warning[0].value


def test_a_class_out_of_range_is_told(finished: Path) -> None:
    at = open_selection(finished, **{"class": "77"})
    assert not at.exception
    assert "Class 0 is shown instead" in texts(at)


def test_all_classes_are_in_the_table_and_can_be_filtered(finished: Path) -> None:
    at = open_selection(finished)
    assert list(at.dataframe[-1].value["Class"]) == [0, 1, 2, 3]
    at.button_group(key="classes_shown").set_value("Not found").run()
    assert list(at.dataframe[-1].value["Class"]) == [3]
    assert list(at.dataframe[-1].value["Found"]) == ["(not found)"]


def test_k_is_written_to_the_link_and_taken_back(finished: Path) -> None:
    at = open_selection(finished, **{"class": "1"}, eta="0")
    assert at.button(key="undo").disabled
    at.number_input(key="k").set_value(1).run()
    assert at.query_params["k"] == "1"
    assert list(at.dataframe[0].value["n"]) == [2]
    at.button(key="undo").click().run()
    assert at.query_params["k"] == "auto"
    assert at.number_input(key="k").value is None
    assert list(at.dataframe[0].value["n"]) == [1, 1]


def test_the_settings_go_back_to_the_case_and_to_the_defaults(finished: Path) -> None:
    at = open_selection(finished, eta="3", tau="0.9")
    at.button(key="to_case").click().run()
    assert not {"eta", "tau", "alpha", "k"} & set(at.query_params)
    assert at.button(key="to_case").disabled
    at = open_selection(finished, eta="3")
    at.button(key="to_default").click().run()
    assert at.query_params["eta"] == "7.5"


def test_other_settings_are_saved_as_the_conclusions(finished: Path) -> None:
    at = open_selection(finished, eta="3", alpha="0.4")
    at.button(key="save").click().run()
    assert not at.exception
    assert selection_settings(Case(finished)) == SelectionSettings(eta=3.0, alpha=0.4)
    assert json.loads((finished / "selection.json").read_text())["settings"]["eta"] == 3.0
    assert not [button for button in at.button if button.key == "save"]


def test_a_class_is_locked_with_a_note_and_unlocked(finished: Path) -> None:
    at = open_selection(finished, **{"class": "1"})
    assert at.button(key="lock_class").disabled
    at.selectbox(key="lock_answer_1").set_value("Not found").run()
    at.text_area(key="lock_note_1").set_value("The pictures are copies.").run()
    at.button(key="lock_class").click().run()
    assert not at.exception
    choice = read_choices(Case(finished))[1]
    assert (choice.nodes, choice.note) == ((), "The pictures are copies.")
    assert at.header[0].value == "Not found"
    assert "The pictures are copies." in texts(at)
    assert list(at.dataframe[-1].value["Locked"]) == ["", "locked", "", ""]
    at.button(key="unlock").click().run()
    assert read_choices(Case(finished)) == {}
    assert at.header[0].value == "domestic cat"


def test_leaves_are_locked_one_by_one(finished: Path) -> None:
    at = open_selection(finished, **{"class": "3"})
    at.selectbox(key="lock_answer_3").set_value("Other leaves").run()
    assert at.button(key="lock_class").disabled
    at.multiselect(key="lock_leaves_3").set_value([0, 2]).run()
    at.text_area(key="lock_note_3").set_value("Seen elsewhere.").run()
    at.button(key="lock_class").click().run()
    assert len(read_choices(Case(finished))[3].nodes) == 2


def test_a_hostile_note_is_shown_inert(finished: Path) -> None:
    lock_class(finished, Choice(1, (), HOSTILE, "", NOW))
    at = open_selection(finished, **{"class": "1"})
    assert not at.exception
    assert any(HOSTILE in text.value for text in at.text)
    assert not [part for part in [*at.markdown, *at.caption, *at.warning] if "evil.example" in str(part.value)]


def test_a_half_finished_case_shows_what_there_is(cases: Path) -> None:
    at = open_selection(case_factory.half_finished(cases / "half"))
    assert not at.exception
    assert at.header
    assert at.button(key="save")


def test_a_damaged_case_is_a_sentence(cases: Path) -> None:
    at = open_selection(case_factory.damaged(cases / "broken"))
    assert not at.exception
    assert at.error


def test_without_its_cache_a_case_shows_counts_only(finished: Path, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "nothing"))
    at = open_selection(finished, **{"class": "1"})
    assert not at.exception
    assert "no longer in this server's cache" in texts(at)
