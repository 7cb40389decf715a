"""Compare: two settings or two cases side by side, saved views, the history of the conclusions."""

from dataclasses import replace

import case_factory
import pytest
from opening import open_page
from reading import as_markdown, metric, said, table
from streamlit.testing.v1 import AppTest

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored, selection_settings
from fdcore.case.saved_views import read_views, save_view
from fdcore.method.findings import weigh
from fdcore.work.conclude import analyse
from ui.compare import sides

PAGE = "Compare"
HOSTILE = "[a](http://evil.example) **b** :material/bolt:"


@pytest.fixture
def general(finished: Case) -> Case:
    """The finished case, with a view in which everything is merged."""
    save_view(finished, "general", replace(selection_settings(finished), eta=20.0), by="Ana")
    return finished


def opened(case: Case, **parameters: str) -> AppTest:
    return open_page(PAGE, case=case.folder.name, **parameters)


def test_without_answers_there_is_nothing_to_compare(cases):
    """A sentence and a way on."""
    case_factory.planned(cases / "new")
    assert "nothing to compare" in open_page(PAGE, case="new").subheader[0].value


def test_one_case_is_not_compared_with_itself(finished, cases):
    """The other side is empty until something is chosen; a second case is its default."""
    at = opened(finished)
    assert (at.selectbox(key="baseline_case").value, at.selectbox(key="other_case").value) == ("colours", None)
    assert not at.metric
    assert "save one of them as a view" in said(at)
    case_factory.finished(cases / "two")
    assert opened(finished).selectbox(key="other_case").value == "two"


def test_two_settings_of_one_case_show_what_differs(general):
    """The conclusions against the view: names, grades, L and its change, as the method itself finds them."""
    at = opened(general)
    scored, saved = load_scored(general), selection_settings(general)
    one, two = weigh(scored, saved), weigh(scored, replace(saved, eta=20.0))
    wanted = {
        entry.selection.target_class: (entry.name.label, other.name.label)
        for entry, other in zip(one.classes, two.classes, strict=True)
        if entry.name and other.name and entry.name.label != other.name.label
    }
    shown = table(at, "Baseline").set_index("Class")
    assert wanted
    assert {number: tuple(shown.loc[number, ["Baseline", "Other"]]) for number in wanted} == wanted
    winner = {number: (one.classes[number].selection.winner, two.classes[number].selection.winner) for number in wanted}
    for number, (before, after) in winner.items():
        assert shown.loc[number, "Change of L"] == pytest.approx(after.functional - before.functional, abs=1e-6)
    assert metric(at, "Classes that differ") == f"{len(shown)} of 4"


def test_all_classes_are_shown_on_request(general):
    """Those that are equal too, and one that neither finds."""
    at = opened(general)
    at.segmented_control(key="compare_shown").set_value("All classes").run()
    assert sorted(table(at, "Baseline")["Class"]) == [0, 1, 2, 3]
    assert sides.NOT_FOUND in table(at, "Baseline")["Baseline"].tolist()


def test_the_same_on_both_sides_differs_in_nothing(general):
    """It says so instead of an empty table."""
    at = opened(general, baseline=f"colours {sides.SAVED}", other=f"colours {sides.SAVED}")
    assert "Nothing differs" in said(at)
    assert metric(at, "Same name") == "3 of 3"


def test_two_cases_are_compared_and_the_link_says_which(general, cases):
    """Their numbers of classes may differ; a link to a case that is not there falls back."""
    case_factory.finished(cases / "two")
    at = opened(general)
    at.selectbox(key="other_case").select(next(o for o in at.selectbox(key="other_case").options if "two" in o)).run()
    assert at.query_params["other"] in ("two Saved conclusions", ["two Saved conclusions"])
    assert "Nothing differs" in said(at)
    assert not opened(general, other="../etc x").error


def test_the_conclusions_before_are_the_first_choice(finished):
    """Once there are some with other settings, the newest of them stand beside the saved ones."""
    before = selection_settings(finished)
    analyse(finished.folder, replace(before, eta=20.0))
    at = opened(finished)
    assert at.selectbox(key="other_view").value == sides.BEFORE
    shown = weigh(load_scored(finished), before).classes
    names = {entry.selection.target_class: entry.name.label for entry in shown if entry.name}
    rows = table(at, "Baseline").set_index("Class")
    assert len(rows)
    assert all(row["Other"] == names[number] for number, row in rows.iterrows())


def test_suspects_of_different_size_share_the_first_classes_only(finished, cases):
    """The page says so; a class that one side lacks does not count as a difference."""
    case_factory.big(cases / "large", 6, 20, images_per_leaf=4, n_views=2)
    at = opened(finished, other=f"large {sides.SAVED}")
    assert "4 and 6 classes" in at.warning[0].value
    assert metric(at, "Classes that differ").endswith("of 4")


def test_a_class_is_opened_in_either_side(general):
    """The view's settings come along in the link; the conclusions need none."""
    at = opened(general)
    at.session_state["compared_class"] = 1
    at.run()
    at.button(key="open_other").click().run()
    assert at.title[0].value.endswith("Selection")
    asked = {name: "".join(at.query_params[name]) for name in ("case", "class", "eta")}
    assert asked == {"case": "colours", "class": "1", "eta": "20"}
    at = opened(general)
    at.session_state["compared_class"] = 1
    at.run()
    at.button(key="open_baseline").click().run()
    assert "eta" not in at.query_params


def test_views_are_saved_opened_and_removed(finished):
    """The link's settings get a name; opening puts them in the link again; a name is only text."""
    at = opened(finished, eta="4", alpha="0.5")
    at.text_input(key="view_name").input(HOSTILE)
    at.button(key="view_save").click().run()
    (view,) = read_views(finished)
    assert (view.settings.eta, view.settings.alpha) == (4.0, 0.5)
    shown = as_markdown(at)
    assert "](http" not in shown
    assert ":material/bolt" not in shown
    at = opened(finished)
    at.button(key="view_open_0").click().run()
    assert "".join(at.query_params["eta"]) == "4"
    at = opened(finished)
    at.button(key="view_remove_0").click().run()
    assert read_views(finished) == ()


def test_the_history_says_who_saved_what(finished):
    """The latest first, each with what changed against the one before."""
    saved = selection_settings(finished)
    analyse(finished.folder, replace(saved, eta=2.0), by="Ana")
    rows = table(opened(finished), "When")
    assert rows["By"].tolist()[0] == "Ana"
    assert rows["Settings"].tolist()[0] == f"eta {saved.eta:g} → 2"
    assert rows["Found"].tolist()[-1] == 3
