"""The Selection page: the answer of a class, how firm it is, settings in the URL, decisions by hand, saving."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import case_factory
import pytest
import streamlit as st
from opening import open_app, open_case
from reading import as_markdown, component, components, said, wall
from streamlit.testing.v1 import AppTest

from fdcore.case.case import Case
from fdcore.case.conclusions import lock_class, read_choices, selection_settings, weigh_case
from fdcore.case.tables import hierarchy_from_parquet
from fdcore.method.removal import Rest
from fdcore.method.selection import Choice, SelectionSettings
from fdcore.work.conclude import analyse

PAGE = "5_Selection"
NOW = "2026-01-02T03:04:05+00:00"
HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) **bold**"


@pytest.fixture
def cases(cases: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of cases, with the decoded pictures of the tiny world in the cache."""
    monkeypatch.setenv("FDCORE_CACHE", str(case_factory.world().cache))
    return cases


def called(case: Path, label: str, *nodes: str) -> None:
    """Give some leaves one name."""
    case_factory.change_hierarchy(
        case, lambda node, parents, names: (node, parents, (label,) if node in nodes else names)
    )


def test_the_answer_of_a_class_is_named_with_its_leaves(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "1"})
    assert at.header[0].value == "domestic cat"
    assert any("tabby" in text.value and "Persian cat" in text.value for text in at.text)
    assert "**L 1.00** (" in said(at)
    assert "S 0.50 · objective 0.850" in said(at)


def test_the_grade_and_the_two_scores_of_a_leaf_are_explained(finished: Case) -> None:
    """What the grade rests on stands below it, and that L comes from other images than the bars below the bars."""
    found = weigh_case(finished).classes[1]
    at = open_case(PAGE, finished, **{"class": "1"})
    assert found.grade.rests_on(weigh_case(finished).scored.label) in said(at)
    assert "comes from the half of the images that did not choose these leaves" in said(at)
    assert "did not choose these leaves" not in said(open_case(PAGE, finished, **{"class": "1", "held_out": "False"}))
    shown = next(row for row in wall(open_app(case=finished.folder.name)) if row["number"] == 1)
    assert shown["why"] == found.grade.rests_on(weigh_case(finished).scored.label)


def test_without_a_class_in_the_link_the_first_found_one_is_shown(finished: Case) -> None:
    """And it is in the link from then on, so that no slider changes it."""
    lock_class(finished.folder, Choice(0, (), "Copies.", "", NOW))
    at = open_case(PAGE, finished)
    assert at.header[0].value == "domestic cat"
    assert at.query_params["class"] == "1"


def test_not_found_is_an_answer(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "3"})
    assert at.header[0].value == "Not found"
    assert "puts no picture of the corpus in this class" in said(at)


def cluster_sizes(at: AppTest) -> list[int]:
    """How many leaves each cluster has, by the bars of the Clusters tab."""
    return [int(row["name"].rpartition("(")[2].rstrip(")")) for row in component(at, "cluster_bars")["rows"]]


def test_the_settings_come_from_the_link(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "1"}, eta="0", alpha="1", k="2", tab="Clusters")
    assert at.number_input(key="k").value == 2
    assert cluster_sizes(at) == [1, 1]


@pytest.mark.parametrize("value", ["-3", "nan", "1e99", "x" * 400, "![x](http://evil.example)"])
def test_settings_out_of_range_are_told_and_ignored(finished: Case, value: str) -> None:
    at = open_case(PAGE, finished, eta=value)
    assert "ignored" in at.warning[0].value
    assert "![x]" not in at.warning[0].value


def test_a_class_out_of_range_is_told(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "77"})
    assert "Class 0 is shown instead" in said(at)


def test_all_classes_are_in_the_list(finished: Case) -> None:
    """Each with its name, its grade and the words by which it is searched."""
    lock_class(finished.folder, Choice(2, ("n01494475",), "Seen.", "", NOW))
    rows = component(open_case(PAGE, finished), "class_list")["rows"]
    assert [row["name"] for row in rows] == ["heavier-than-air craft", "domestic cat", "hammerhead", "not found"]
    assert [row["kind"] for row in rows] == ["likely", "certain", "graded", "missing"]
    assert "locked by hand" in rows[2]["words"]
    assert rows[1]["sought"] == "tabby, Persian cat"


def test_k_is_written_to_the_link_and_taken_back(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "1"}, eta="0", tab="Clusters")
    assert at.button(key="undo").disabled
    at.number_input(key="k").set_value(1).run()
    assert at.query_params["k"] == "1"
    assert cluster_sizes(at) == [2]
    at.button(key="undo").click().run()
    assert at.query_params["k"] == "auto"
    assert at.number_input(key="k").value is None
    assert cluster_sizes(at) == [1, 1]


def test_the_rule_of_the_paper_is_a_switch(finished: Case) -> None:
    """It has no limits and chooses k by silhouette; switching back restores the automatic limits."""
    at = open_case(PAGE, finished, **{"class": "1"}, eta="3")
    at.segmented_control(key="rule").set_value("Paper").run()
    said_in_link = {name: at.query_params[name] for name in ("eta", "k", "relative", "evidence", "share")}
    assert said_in_link == {"eta": "3", "k": "silhouette", "relative": "0", "evidence": "0", "share": "0"}
    assert at.number_input(key="k").placeholder == "silhouette"
    at.segmented_control(key="rule").set_value("Evidence").run()
    assert {name: at.query_params[name] for name in ("eta", "k", "evidence")} == {
        "eta": "3", "k": "auto", "evidence": "auto",
    }  # fmt: skip


def test_a_class_that_misses_a_limit_names_what_is_nearest(finished: Case) -> None:
    """Not found, with the leaves that come nearest, what they lack, and their pictures."""
    at = open_case(PAGE, finished, **{"class": "1"}, share="1")
    assert at.header[0].value == "Not found"
    assert "Nearest: **domestic cat**" in said(at)
    assert "1 is needed" in said(at)
    assert "Not an answer" in said(at)


def test_the_settings_go_back_to_the_case_and_to_the_defaults(finished: Case) -> None:
    at = open_case(PAGE, finished, eta="3", tau="0.9")
    at.button(key="to_case").click().run()
    assert not {"eta", "tau", "alpha", "k"} & set(at.query_params)
    assert at.button(key="to_case").disabled
    at = open_case(PAGE, finished, eta="3")
    at.button(key="to_default").click().run()
    assert at.query_params["eta"] == "6.5"


def test_other_settings_are_saved_as_the_conclusions(finished: Case) -> None:
    at = open_case(PAGE, finished, eta="3", alpha="0.4")
    at.button(key="save").click().run()
    assert selection_settings(finished) == SelectionSettings(eta=3.0, alpha=0.4)
    assert json.loads((finished.folder / "selection.json").read_text())["settings"]["eta"] == 3.0
    assert not [button for button in at.button if button.key == "save"]


def test_a_class_is_locked_with_a_note_and_unlocked(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "1"})
    assert at.button(key="lock_class").disabled
    at.selectbox(key="lock_answer_colours_1").set_value("Not found").run()
    at.text_area(key="lock_note_colours_1").set_value("The pictures are copies.").run()
    at.button(key="lock_class").click().run()
    choice = read_choices(finished)[1]
    assert (choice.nodes, choice.note) == ((), "The pictures are copies.")
    assert at.header[0].value == "Not found"
    assert "The pictures are copies." in said(at)
    assert "locked by hand" in component(at, "class_list")["rows"][1]["words"]
    at.button(key="unlock").click().run()
    assert read_choices(finished) == {}
    assert at.header[0].value == "domestic cat"


def test_what_was_rejected_is_not_offered_first(finished: Case) -> None:
    """Where nothing was found, "not found" is preset; beside an answer it comes next, before the weaker groups."""
    for share, place in (("0.99", 0), ("0.02", 1)):
        at = open_case(PAGE, finished, **{"class": "1"}, share=share)
        assert (at.header[0].value == "Not found") is (place == 0)
        box = at.selectbox(key="lock_answer_colours_1")
        assert box.options[place] == "Not found: none of these"
        assert (box.value == "Not found") is (place == 0)


def test_an_answer_is_called_what_the_analyst_calls_it(finished: Case) -> None:
    """The name is shown for the leaves' own in the findings, in the files and in the report, with its reason."""
    at = open_case(PAGE, finished, **{"class": "1"})
    assert at.text_input(key="lock_called_colours_1").placeholder == "domestic cat"
    at.text_input(key="lock_called_colours_1").set_value(" lap   cat ").run()
    at.text_area(key="lock_note_colours_1").set_value("Seen.").run()
    at.button(key="lock_class").click().run()
    assert read_choices(finished)[1].name == "lap cat"
    assert at.header[0].value == "lap cat"
    assert "Called: lap cat" in said(at)
    analyse(finished.folder)
    assert "lap cat: " in (finished.folder / "report.html").read_text()
    assert json.loads((finished.folder / "selection.json").read_text())["classes"][1]["locked"]["name"] == "lap cat"


def test_leaves_are_locked_one_by_one(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "3"})
    at.selectbox(key="lock_answer_colours_3").set_value("Other leaves").run()
    assert at.button(key="lock_class").disabled
    at.multiselect(key="lock_leaves_colours_3").set_value(["n01494475", "n02690373"]).run()
    at.text_area(key="lock_note_colours_3").set_value("Seen elsewhere.").run()
    at.button(key="lock_class").click().run()
    assert set(read_choices(finished)[3].nodes) == {"n01494475", "n02690373"}


def test_a_hostile_note_is_shown_inert(finished: Case) -> None:
    lock_class(finished.folder, Choice(1, (), HOSTILE, "", NOW))
    at = open_case(PAGE, finished, **{"class": "1"})
    assert any(HOSTILE in text.value for text in at.text)
    assert not [part for part in [*at.markdown, *at.caption, *at.warning] if "evil.example" in str(part.value)]


def test_a_half_finished_case_shows_what_there_is(cases: Path) -> None:
    at = open_case(PAGE, Case.open(case_factory.half_finished(cases / "half")))
    assert at.header
    assert at.button(key="save")


def test_without_its_cache_a_case_shows_counts_only(finished: Case, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "nothing"))
    at = open_case(PAGE, finished, **{"class": "1"})
    assert "not in this server's cache" in said(at)
    assert component(at, "leaf_bars")["rows"]


def test_of_two_clusters_with_one_name_the_chosen_one_is_locked(finished: Case) -> None:
    """ImageNet has two cranes: what the browser sends back must say which."""
    called(finished.folder, "crane", "n01494475", "n04592741")
    for node in ("n01494475", "n04592741"):
        at = open_case(PAGE, finished, **{"class": "0"}, eta="0")
        box = at.selectbox(key="lock_answer_colours_0")
        assert len(set(box.options)) == len(box.options)
        box.select(next(option for option in box.options if node in option)).run()
        at.text_area(key="lock_note_colours_0").set_value("Seen.").run()
        at.button(key="lock_class").click().run()
        assert read_choices(finished)[0].nodes == (node,)
        at.button(key="unlock").click().run()


def test_of_two_leaves_with_one_name_the_chosen_one_is_locked(finished: Case) -> None:
    called(finished.folder, "crane", "n01494475", "n04592741")
    for node in ("n01494475", "n04592741"):
        at = open_case(PAGE, finished, **{"class": "0"})
        at.selectbox(key="lock_answer_colours_0").set_value("Other leaves").run()
        leaves = at.multiselect(key="lock_leaves_colours_0")
        leaves.select(next(option for option in leaves.options if node in option)).run()
        at.text_area(key="lock_note_colours_0").set_value("Seen.").run()
        at.button(key="lock_class").click().run()
        assert read_choices(finished)[0].nodes == (node,)
        at.button(key="unlock").click().run()


def test_a_picked_cluster_stays_picked_when_the_settings_give_others(finished: Case) -> None:
    """A pick is about its leaves, not about its place in the list."""
    at = open_case(PAGE, finished, **{"class": "0"}, eta="0", alpha="1")
    picked = at.selectbox(key="lock_answer_colours_0").options[3]
    at.selectbox(key="lock_answer_colours_0").select_index(3).run()
    at.query_params["eta"] = "20"
    at.run()
    assert picked.partition(":")[0] in at.selectbox(key="lock_answer_colours_0").options[-1]
    at.text_area(key="lock_note_colours_0").set_value("Seen.").run()
    at.button(key="lock_class").click().run()
    nodes = read_choices(finished)[0].nodes
    known = hierarchy_from_parquet((finished.folder / "hierarchy.parquet").read_bytes())
    assert [known.label(node) for node in nodes] == [picked.partition(":")[0]]


def test_without_a_pick_the_answer_to_lock_is_the_one_that_is_shown(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "1"}, eta="0", alpha="1")
    assert len(at.selectbox(key="lock_answer_colours_1").value) == 1
    at.query_params["eta"] = "20"
    at.run()
    assert set(at.selectbox(key="lock_answer_colours_1").value) == {"n02123045", "n02123394"}


def test_what_was_written_about_one_case_stays_with_it(finished: Case) -> None:
    """Neither note nor leaves of another case stand ready to be locked."""
    case_factory.finished(finished.folder.parent / "other")
    at = open_case(PAGE, finished, **{"class": "1"})
    at.selectbox(key="lock_answer_colours_1").set_value("Other leaves").run()
    at.multiselect(key="lock_leaves_colours_1").select("hammerhead (0.00)").run()
    at.text_area(key="lock_note_colours_1").set_value("About colours.").run()
    assert not at.button(key="lock_class").disabled
    at.query_params["case"] = "other"
    at.run()
    assert [area.value for area in at.text_area] == [""]
    assert at.button(key="lock_class").disabled
    assert not [box for box in at.multiselect if box.label == "Leaves"]


def test_settings_with_many_digits_come_back_as_they_are_saved(finished: Case) -> None:
    """A link holds the number itself, not what it looks like."""
    analyse(finished.folder, SelectionSettings(alpha=0.1234567))
    at = open_case(PAGE, finished)
    assert at.button(key="to_case").disabled
    at.button(key="to_default").click().run()
    assert at.query_params["eta"] == "6.5"
    assert not at.button(key="to_case").disabled
    at.button(key="undo").click().run()
    assert at.query_params["alpha"] == "0.1234567"
    assert at.button(key="to_case").disabled
    assert not [button for button in at.button if button.key == "save"]


def test_a_locked_answer_that_no_longer_fits_can_be_unlocked(finished: Case) -> None:
    """A leaf may have gone since: the page says what is wrong, and each locked class can be given back."""
    lock_class(finished.folder, Choice(1, (), HOSTILE, "", NOW))
    choices = json.loads((finished.folder / "choices.json").read_text())
    choices["choices"].append(choices["choices"][0] | {"target_class": 0, "nodes": ["n99999999"], "note": "Seen."})
    (finished.folder / "choices.json").write_text(json.dumps(choices))
    at = open_case(PAGE, finished)
    assert len(at.error) == 1
    assert "Unlock the class" in at.error[0].value
    assert any("Class 0: n99999999" in text.value and "Note: Seen." in text.value for text in at.text)
    assert any("Class 1: Not found" in text.value and HOSTILE in text.value for text in at.text)
    at.button(key="unlock_0").click().run()
    assert not at.error
    assert list(read_choices(finished)) == [1]
    assert ["locked by hand" in row["words"] for row in component(at, "class_list")["rows"]] == [
        False,
        True,
        False,
        False,
    ]


def test_the_map_is_given_what_the_url_says(finished: Case) -> None:
    """It stands at eta and alpha, its words name the place, and a class that is not found has no map."""
    at = open_case(PAGE, finished, **{"class": "1"}, eta="5", alpha="0.5", tab="Stability")
    drawn = component(at, "stability_map")
    assert (drawn["eta"], drawn["alpha"]) == (5, 0.5)
    assert drawn["current"] == "eta 5.0 steps, alpha 0.50: domestic cat"
    assert not at.get("plotly_chart")
    at.query_params["tau"] = "0.95"
    at.query_params["class"] = "3"
    at.run()
    assert at.header[0].value == "Not found"
    assert "stability_map" not in components(at)


def test_only_the_open_tab_is_drawn_and_it_is_in_the_link(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "1"})
    assert {"leaf_bars", "pictures_beside"} <= components(at).keys()
    at.segmented_control(key="selection_tab").set_value("Clusters").run()
    assert at.query_params["tab"] == "Clusters"
    assert "leaf_bars" not in components(at)
    assert component(at, "cluster_bars")["rows"][0]["strong"]


def test_the_leaves_of_the_answer_are_strong_and_the_line_is_tau(finished: Case) -> None:
    drawn = component(open_case(PAGE, finished, **{"class": "1"}, tau="0.3"), "leaf_bars")
    assert drawn["line"] == 0.3
    assert {row["name"] for row in drawn["rows"] if row["strong"]} == {"tabby", "Persian cat"}
    assert all(row["low"] <= row["parts"][0] <= row["high"] for row in drawn["rows"])


def test_kept_and_dropped_pictures_are_those_of_the_answer(finished: Case) -> None:
    found = weigh_case(finished).classes[1].filtered
    at = open_case(PAGE, finished, **{"class": "1"}, tab="Pictures")
    assert len(component(at, "pictures_kept")["items"]) == len(found.kept) == component(at, "pictures_kept")["total"]
    assert f"{len(found.kept)} of {len(found.kept) + len(found.dropped)} images" in said(at)


def test_without_the_answer_nothing_is_found(finished: Case) -> None:
    at = open_case(PAGE, finished, **{"class": "1"}, tab="Without it")
    assert "Without these leaves and their relatives, nothing is found" in said(at)


def test_a_class_that_answers_a_second_domain_shows_both_groups(finished: Case, monkeypatch) -> None:
    """Both are named with their L, as text; the leaves of the answer are strong among the bars."""
    first, other = weigh_case(finished).classes[1:3]
    second = Rest(2, other.selection.winner, replace(other.name, label="**other**"))
    monkeypatch.setattr("fdcore.verdict.second_look.groups_left", lambda findings, look: {1: second})
    at = open_case(PAGE, finished, **{"class": "1"}, tab="Without it")
    assert "The suspect may have been hardened. Class 1: “domestic cat” (L 1.00) and “**other**” (L " in said(at)
    assert r"\*\*other\*\*" in as_markdown(at)
    drawn = component(at, "groups_bars")["rows"]
    assert len(drawn) == len(first.selection.winner.members) + len(other.selection.winner.members)
    assert {row["name"] for row in drawn if row["strong"]} == {"tabby", "Persian cat"}
    without = open_case(PAGE, finished, **{"class": "2"}, tab="Without it")
    assert "hardened" not in said(without)
    st.cache_resource.clear()
    monkeypatch.setattr("ui.cached.judge", lambda findings, facts: SimpleNamespace(outcome="meaningless"))
    assert "hardened" not in said(open_case(PAGE, finished, **{"class": "1"}, tab="Without it"))
    st.cache_resource.clear()  # of what was not the method's
