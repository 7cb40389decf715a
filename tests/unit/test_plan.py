"""What the analyst wants done, kept in the case."""

import json

import pytest

from fdcore.answers.views import ViewSpec
from fdcore.case.case import Case
from fdcore.case.plan import Plan, Settings, SuspectOptions, change_plan, plan_of
from fdcore.errors import CaseError
from fdcore.method.selection import SelectionSettings


def test_a_plan_survives_its_way_through_json():
    """Nothing is lost between the page and the worker."""
    plan = Plan(
        suspect=SuspectOptions(arch="resnet20", preset="unit", spec_overrides={"height": 64}, allow_unscanned=True),
        corpora=("/data/a", "/data/b@plant"),
        settings=Settings(n_views=4, budget=100, views=ViewSpec(noise=0.0), selection=SelectionSettings(k=3)),
    )
    assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan


def test_an_empty_plan_is_the_defaults():
    """A new case has no plan yet."""
    assert Plan.from_dict({}) == Plan()


@pytest.mark.parametrize(
    "values",
    [
        {"suspect": {"code": "x"}},
        {"suspect": {"spec_overrides": [1]}},
        {"settings": {"n_views": 0}},
        {"settings": {"selection": {"alpha": 7}}},
        {"settings": {"views": {"noise": "x"}}},
        {"settings": 3},
        {"corpora": 5},
    ],
)
def test_a_damaged_plan_is_a_sentence(values):
    """The case may come from anywhere."""
    with pytest.raises(CaseError, match=r"plan in case\.json is damaged"):
        Plan.from_dict(values)


def test_a_change_keeps_what_a_colleague_changed_meanwhile(tmp_path):
    """Each names the parts it changes; the others stay as they are on the disk, and the log tells who did what."""
    case = Case.create(tmp_path / "case")
    change_plan(case, corpora=("/data/a",), by="A")
    change_plan(case, settings=Settings(n_views=3), by="B")
    change_plan(case, settings=Settings(n_views=3), by="nobody")  # changes nothing
    assert plan_of(case) == Plan(corpora=("/data/a",), settings=Settings(n_views=3))
    changes = [entry["details"] for entry in case.audit() if entry["event"] == "plan changed"]
    assert [(change["by"], sorted(change.keys() - {"by"})) for change in changes] == [
        ("A", ["corpora"]),
        ("B", ["settings"]),
    ]


def test_a_plan_is_not_changed_under_a_run(tmp_path):
    """The work that is under way keeps the plan it began with."""
    case = Case.create(tmp_path / "case")
    with case.exclusively(), pytest.raises(CaseError, match="working on the case"):
        change_plan(case, corpora=("/data/a",))
