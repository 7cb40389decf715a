"""Adaptive asking in a case, through Python and on the command line."""

from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pytest
import tiny_world

import fdcore
from fdcore.case.case import Case
from fdcore.cli import arguments, main
from fdcore.method.adaptive import Adaptive
from fdcore.method.selection import SelectionSettings
from fdcore.report.rerun import rerun_commands


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case made by the command line."""
    world, folder = case_factory.world(), tmp_path_factory.mktemp("cases") / "saved"
    given = ["investigate", str(world.evidence / "colours.onnx"), "--corpus", str(world.corpora / "tiny"),
             "--input-size", str(tiny_world.SIZE), "--cache", str(world.cache), "--out", str(folder)]  # fmt: skip
    assert main.main([*given, "--views", "4", "--adaptive"]) == 0
    return folder


def test_the_plan_and_the_log_say_how_queries_were_saved_and_what_was_decided(case):
    """With the error level, the counts, and whether it ended by itself."""
    facts = Case.open(case).facts()
    assert facts.plan.settings.adaptive == facts.asking.adaptive == Adaptive()
    assert facts.asking.decided.finished
    entries = {entry["event"]: entry["details"] for entry in Case.open(case).audit()}
    assert entries["asking started"]["adaptive"]["error"] == entries["asking decided"]["error"] == 0.05
    assert entries["asking ended"]["n_answered"] == entries["asking decided"]["n_planned"] < 320
    header = (case / "near_tau.csv").read_text().splitlines()[0]
    assert header == "class,node,label"


def test_what_was_saved_is_not_called_missing(case, capsys):
    """The rest was left out on purpose: neither the verdict nor the report says that answers are missing."""
    assert main.main(["show", str(case)]) == 0
    printed = capsys.readouterr().out
    assert "Asking adaptively ended by itself" in printed
    assert "error level 5%" in printed
    assert "Not every planned view" not in printed + (case / "report.html").read_text()
    assert "3 of 4 classes found" in printed


def test_the_command_that_repeats_it_asks_the_same(case):
    """Also after the sliders moved: what was asked depended on the settings of the run."""
    facts = Case.open(case).facts()
    command, again = rerun_commands(facts, SelectionSettings(eta=2.5))
    parsed = main._parser().parse_args(command.split()[1:])
    assert arguments.settings(parsed).adaptive == Adaptive()
    assert "--eta=2.5" in again


def test_a_budget_that_ends_it_is_not_called_its_own_end(tmp_path):
    """40 queries are too few; a higher budget continues the same case and asks nothing twice."""
    suspect = fdcore.Suspect.from_callable(tiny_world.classify, input_size=tiny_world.SIZE, n_classes=4)
    given = {"corpus": case_factory.world().corpora / "tiny", "cache": tmp_path / "cache", "case": tmp_path / "case"}
    settings = fdcore.Settings(n_views=4, budget=40)
    short = fdcore.investigate(suspect, settings=settings, adaptive=True, **given)
    assert short.scored.n_sent <= 40
    assert not short.scored.complete
    whole = fdcore.investigate(suspect, settings=replace(settings, budget=None), adaptive=True, **given)
    assert whole.scored.complete
    assert whole.scored.n_sent == (whole.scored.answers >= 0).sum() < 320
    assert (whole.scored.answers[short.scored.answers >= 0] >= 0).all()


def test_python_saves_the_same_queries_in_memory(case):
    """The same suspect by its function: the same queries and the same findings."""
    suspect = fdcore.Suspect.from_callable(tiny_world.classify, input_size=tiny_world.SIZE, n_classes=4)
    found = fdcore.investigate(suspect, case_factory.world().corpora / "tiny", adaptive=True,
                               settings=fdcore.Settings(n_views=4), cache=case_factory.world().cache)  # fmt: skip
    kept = fdcore.Findings.of(fdcore.Case.open(str(case)))
    assert found.scored.complete
    assert np.array_equal(found.scored.answers >= 0, kept.scored.answers >= 0)
    assert [one.leaves for one in found] == [one.leaves for one in kept]
