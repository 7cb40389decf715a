"""The commands that make findings again."""

import shlex
from dataclasses import replace
from pathlib import Path

import case_factory
import pytest

from fdcore.case.case import Case
from fdcore.case.plan import Plan, Settings, SuspectOptions
from fdcore.case.records import AskingFacts
from fdcore.cli import arguments, main
from fdcore.method.selection import SelectionSettings
from fdcore.report.rerun import rerun_commands
from fdcore.suspect.preprocess import PreprocessSpec

WEIGHED = SelectionSettings(alpha=0.55, eta=4.5, k=3)


def parsed(command: str):
    words = shlex.split(command)
    assert words[0] == "fdcore"
    return main._parser().parse_args(words[1:])


@pytest.fixture(scope="module")
def facts(tmp_path_factory) -> dict:
    return Case.open(case_factory.finished(tmp_path_factory.mktemp("cases") / "one")).facts()


def test_the_commands_parse_to_the_settings_of_the_case(facts):
    """What the command line makes of them is what the case was asked and weighed with."""
    investigate, select = map(parsed, rerun_commands(facts, WEIGHED))
    settings = arguments.settings(investigate)
    planned = facts.plan.settings
    assert settings == Settings(n_views=planned.n_views, selection=WEIGHED)
    assert investigate.suspect == Path("colours.onnx")
    assert investigate.corpus == ["tiny"]
    assert arguments.selection_settings(select, SelectionSettings()) == WEIGHED


def test_preprocessing_is_spelled_out(facts):
    """No preset has to be known to get the same numbers."""
    overrides = arguments.spec_overrides(parsed(rerun_commands(facts, WEIGHED)[0]))
    assert overrides == {name: getattr(facts.suspect.preprocessing, name) for name in overrides}
    assert {"height", "width", "mean", "std"} <= overrides.keys()


def test_negative_ranges_and_automatic_k_survive(facts):
    """A value that begins with a minus is no option, and no k is k = 0."""
    facts = replace(
        facts,
        asking=AskingFacts(n_views=8, seed=1, budget=100),
        plan=None,
        corpus=replace(facts.corpus, folders=("a", "b")),
        suspect=replace(facts.suspect, preprocessing=PreprocessSpec(value_range=(-1.0, 1.0))),
    )
    investigate = parsed(rerun_commands(facts, SelectionSettings())[0])
    assert arguments.spec_overrides(investigate)["value_range"] == (-1.0, 1.0)
    assert arguments.settings(investigate).selection == SelectionSettings()
    assert (investigate.budget, investigate.images_per_leaf, investigate.corpus) == (100, 0, ["a", "b"])


def test_without_a_file_only_weighing_is_offered(facts):
    """A suspect that was a function or a ledger cannot be asked again."""
    commands = rerun_commands(replace(facts, evidence=None), WEIGHED)
    assert [shlex.split(command)[1] for command in commands] == ["select"]


@pytest.mark.parametrize("name", ["a b.pt", "$(reboot).pt", "--arch", "'; rm -rf x #", "/etc/passwd"])
def test_hostile_names_are_one_word(facts, name):
    """Pasted into a shell, a file's name stays a file's name."""
    command = rerun_commands(replace(facts, evidence=replace(facts.evidence, name=name)), WEIGHED)[0]
    assert parsed(command).suspect.name == Path(name).name


def test_the_folders_are_those_that_were_asked_and_not_those_planned_since(facts):
    """A plan that was changed after the run is not what made these findings."""
    changed = Plan(corpora=("/new/other",), hierarchy="/new/tree.csv", suspect=SuspectOptions(arch="resnet20"))
    command = parsed(rerun_commands(replace(facts, plan=changed), WEIGHED)[0])
    assert (command.corpus, command.hierarchy, command.arch) == (["tiny"], None, None)


def test_a_case_of_an_earlier_version_is_asked_as_planned(facts):
    """It did not keep what was asked."""
    asking = replace(facts.asking, corpora=(), hierarchy=None, arch=None, n_classes=None)
    planned = Plan(corpora=("/new/other@n1",), hierarchy="/new/tree.csv", suspect=SuspectOptions(arch="x"))
    command = parsed(rerun_commands(replace(facts, plan=planned, asking=asking), WEIGHED)[0])
    assert (command.corpus, command.hierarchy, command.arch) == (["other@n1"], Path("tree.csv"), "x")


def test_the_number_of_classes_is_spelled_out(facts):
    """A file that does not say needs it again."""
    asked = replace(facts, asking=replace(facts.asking, n_classes=4))
    assert arguments.plan(parsed(rerun_commands(asked, WEIGHED)[0])).suspect.n_classes == 4
    assert arguments.plan(parsed(rerun_commands(facts, WEIGHED)[0])).suspect.n_classes is None


def test_a_named_output_is_named_again(facts):
    """Otherwise another output might answer."""
    named = replace(facts, asking=replace(facts.asking, output="-logits"))
    assert arguments.plan(parsed(rerun_commands(named, WEIGHED)[0])).suspect.output == "-logits"
    assert arguments.plan(parsed(rerun_commands(facts, WEIGHED)[0])).suspect.output is None
