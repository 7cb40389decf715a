"""What the analyst wants done, kept in the case."""

import json

import pytest

from fdcore.errors import CaseError
from fdcore.plan import Plan, Settings, SuspectOptions
from fdcore.selection import SelectionSettings
from fdcore.views import ViewSpec


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
