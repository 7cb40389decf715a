"""What the analyst wants done, kept in the case."""

import json

import pytest
from raising import raises

from fdcore.answers.views import ViewSpec
from fdcore.case.case import Case
from fdcore.case.plan import Plan, Settings, SuspectOptions
from fdcore.errors import CaseError, SettingsError
from fdcore.method.selection import SelectionSettings
from fdcore.records import from_plain, to_plain


def test_a_plan_survives_its_way_through_json():
    """Nothing is lost between the page and the worker."""
    plan = Plan(
        suspect=SuspectOptions(arch="resnet20", preset="unit", spec_overrides={"height": 64}, allow_unscanned=True),
        corpora=("/data/a", "/data/b@plant"),
        settings=Settings(n_views=4, budget=100, views=ViewSpec(noise=0.0), selection=SelectionSettings(k=3)),
    )
    assert from_plain(Plan, json.loads(json.dumps(to_plain(plan))), what="the plan") == plan


@pytest.mark.parametrize(("name", "value"), [("n_views", 0), ("images_per_leaf", 0), ("seed", -1), ("budget", 0)])
def test_settings_out_of_range_are_a_sentence(name, value):
    """Each number is checked when it is set."""
    with pytest.raises(SettingsError):
        Settings(**{name: value})


@pytest.mark.parametrize(
    "values", [{"settings": {"n_views": 0}}, {"settings": {"views": {"noise": "x"}}}, {"corpora": 5}]
)
def test_a_damaged_plan_is_a_sentence(tmp_path, values):
    """The case may come from anywhere; a new one has no plan yet."""
    case = Case.create(tmp_path / "case")
    assert case.plan() == Plan()
    case.write_json("case.json", {"format": 1, "plan": values})
    with raises(CaseError, "record damaged", "case.json"):
        case.plan()


def test_a_change_keeps_what_a_colleague_changed_meanwhile(tmp_path):
    """Each names the parts it changes; the others stay as they are on the disk, and the log tells who did what."""
    case = Case.create(tmp_path / "case")
    case.change_plan(corpora=("/data/a",), by="A")
    case.change_plan(settings=Settings(n_views=3), by="B")
    case.change_plan(settings=Settings(n_views=3), by="nobody")  # changes nothing
    assert case.plan() == Plan(corpora=("/data/a",), settings=Settings(n_views=3))
    changes = [entry["details"] for entry in case.audit() if entry["event"] == "plan changed"]
    changed = [(change["by"], sorted(change.keys() - {"by"})) for change in changes]
    assert changed == [("A", ["corpora"]), ("B", ["settings"])]


def test_a_plan_is_not_changed_under_a_run(tmp_path):
    """The work that is under way keeps the plan it began with."""
    case = Case.create(tmp_path / "case")
    with case.exclusively(), raises(CaseError, "in use", case.folder):
        case.change_plan(corpora=("/data/a",))
