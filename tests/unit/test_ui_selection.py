"""What the Selection page says in tables and sentences."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pandas as pd
import pytest

from fdcore.analysis import Scored, load_scored, weigh, weigh_class
from fdcore.case import Case
from fdcore.choices import Choice
from fdcore.selection import SelectionSettings, candidate_leaves
from fdcore.stability import StabilityMap, find_flips, map_stability
from fdcore.verdict import reason_for
from ui.selection import parts, tables

NOW = "2026-01-02T03:04:05+00:00"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """Forty leaves, six classes."""
    folder: Path = case_factory.big(
        tmp_path_factory.mktemp("cases") / "big", 6, 40, images_per_leaf=4, n_views=4, analysed=False
    )
    return load_scored(Case(folder))


def stability_of_class(scored: Scored, settings: SelectionSettings, target_class: int) -> StabilityMap:
    leaves = candidate_leaves(scored.scores, settings, (target_class,))
    return map_stability(scored.scores, leaves, scored.distances(leaves), settings, target_class)


@pytest.mark.parametrize("settings", [SelectionSettings(), SelectionSettings(alpha=0.3, eta=4, tau=0.1, k=3)])
def test_one_class_is_weighed_as_among_all(scored, settings):
    """The short way gives the same answer to the last bit, choices included."""
    choices = {2: Choice(2, scored.scores.nodes[3:5], "why", "", NOW), 4: Choice(4, (), "why", "", NOW)}
    every = weigh(scored, settings, choices)
    for target_class, expected in enumerate(every.classes):
        found = weigh_class(scored, settings, target_class, choices)
        assert (found.selection, found.name, found.weaknesses) == (
            expected.selection, expected.name, expected.weaknesses,
        )  # fmt: skip
        assert np.array_equal(found.filtered.kept, expected.filtered.kept)
        assert np.array_equal(found.filtered.dropped, expected.filtered.dropped)


def test_the_table_of_clusters_marks_the_answer(scored):
    """Exactly one row is the answer, and none when the analyst said "not found"."""
    settings = SelectionSettings(tau=0.05)
    found = weigh_class(scored, settings, 0)
    rows = tables.cluster_rows(scored, found.selection)
    assert rows["Answer"].tolist() == ["● answer", *[""] * (len(found.selection.clusters) - 1)]
    nothing = weigh_class(scored, settings, 0, {0: Choice(0, (), "why", "", NOW)})
    assert not any(tables.cluster_rows(scored, nothing.selection)["Answer"])


def test_the_filters_of_the_table_of_classes(scored):
    """Locked and not found classes are found by their filters."""
    findings = weigh(scored, SelectionSettings(), {4: Choice(4, (), "why", "", NOW)})
    rows = tables.class_rows(findings)
    assert rows["Class"].tolist() == list(range(6))
    assert rows[tables.SHOWN["Locked"](rows)]["Class"].tolist() == [4]
    assert 4 in rows[tables.SHOWN["Not found"](rows)]["Class"].tolist()
    assert len(rows[tables.SHOWN["All"](rows)]) == 6


def test_the_map_as_csv_has_a_row_for_each_point(scored):
    """Each names the answer there."""
    stability = stability_of_class(scored, SelectionSettings(tau=0.05), 0)
    rows = list(csv.DictReader(io.StringIO(tables.map_csv(scored, stability).decode())))
    assert len(rows) == stability.winner.size
    here = stability.at(7.5, 0.7)
    row = next(row for row in rows if row["eta"] == "7.5" and row["alpha"] == "0.7")
    assert here is not None
    assert row["answer"] == tables.cluster_name(scored, here.members)


def test_no_cell_of_a_csv_is_a_formula():
    """A label may begin with anything; a number below zero stays one."""
    content = tables._csv(pd.DataFrame({"label": ["=1+1", "+1", "-1", "@a", "a=b"], "n": [1, 2, 3, 4, -5]}))
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["label"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@a", "a=b"]
    assert [row["n"] for row in rows] == ["1", "2", "3", "4", "-5"]


def test_the_map_in_words(scored):
    """It says whether the answer stands, and where it changes first."""
    settings = SelectionSettings(tau=0.05)
    found = weigh_class(scored, settings, 0)
    text = tables.map_in_words(scored, found, stability_of_class(scored, settings, 0), settings)
    assert text.startswith(("Stable against", "On the edge:"))
    none = SelectionSettings(tau=1.0)
    nothing = weigh_class(scored, none, 0)
    assert "No leaf reaches tau" in tables.map_in_words(scored, nothing, stability_of_class(scored, none, 0), none)


def test_an_answer_between_the_points_of_the_map_is_not_said_to_become_itself(scored):
    """The words are about the answer that is shown, not about that of the map's nearest point."""
    settings = SelectionSettings(tau=0.05)
    stability = stability_of_class(scored, settings, 0)
    assert len(stability.winners) > 1
    near, other = stability.at(settings.eta, settings.alpha), None
    other = next(winner for winner in stability.winners if winner.members != near.members)
    flips = find_flips(stability, settings, other.members)
    assert flips
    assert all(flip.winner.members != other.members for flip in flips)
    assert min(flip.n_points for flip in flips) == 0  # the nearest point itself answers otherwise


def test_without_relations_eta_and_alpha_are_not_said_to_be_firm(scored):
    """Where no two candidates are related, they decide nothing."""
    settings = SelectionSettings(tau=0.05)
    found = weigh_class(scored, settings, 0)
    alone = replace(found, selection=replace(found.selection, candidates=found.selection.candidates[:1]))
    text = tables.map_in_words(scored, alone, stability_of_class(scored, settings, 0), settings)
    assert "decide nothing here" in text


def test_each_weakness_is_shown_with_the_reason_that_the_verdict_gives(scored):
    """One home for the reasons: the Selection page says what the verdict and the report say."""
    settings = SelectionSettings(tau=0.05)
    found = weigh_class(scored, settings, 0)
    doubtful = replace(found, weaknesses=("a single leaf", "wide interval"))
    text = parts._doubts(doubtful, settings, stability_of_class(scored, settings, 0))
    for weakness in doubtful.weaknesses:
        assert f"**{weakness.capitalize()}.** {reason_for(weakness).why}" in text
