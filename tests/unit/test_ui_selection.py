"""What the Selection page says in tables and sentences."""

import csv
import html
import io
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pandas as pd
import pytest

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.method.choices import Choice
from fdcore.method.findings import Scored, weigh, weigh_class
from fdcore.method.selection import SelectionSettings, candidate_leaves
from fdcore.method.stability import StabilityMap, find_flips, map_stability
from ui.panels import table_csv
from ui.selection import figures, tables, tabs
from ui.text import plain
from ui.workbench import clusters

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


def test_leaves_that_an_option_has_no_room_for_are_counted(scored):
    """Six leaves in a choice."""
    found = weigh(scored, SelectionSettings(tau=0.01, k=1, eta=50))
    wide = next(one for one in found.classes if one.selection.winner and len(one.selection.winner.members) > 8)
    n = len(wide.selection.winner.members)
    assert f" and {n - 6} more" in clusters.cluster_choice(scored, wide.selection.winner)


def test_the_chosen_leaves_are_shown_however_low_they_score(scored):
    """Beside the best ones, each once and by score."""
    shares = scored.scores.functional[0]
    worst = int(np.argmin(shares))
    shown = tabs.leaves_shown(scored, 0, (worst,))
    assert shown[-1] == worst
    assert len(shown) == tabs.N_LEAVES + 1
    assert shares[shown].tolist() == sorted(shares[shown].tolist(), reverse=True)


def test_the_map_as_csv_has_a_row_for_each_point(scored):
    """Each names the answer there."""
    stability = stability_of_class(scored, SelectionSettings(tau=0.05), 0)
    rows = list(csv.DictReader(io.StringIO(tables.map_csv(scored, stability).decode())))
    assert len(rows) == stability.winner.size
    here = stability.at(7.5, 0.7)
    row = next(row for row in rows if row["eta"] == "7.5" and row["alpha"] == "0.7")
    assert row["answer"] == clusters.cluster_name(scored, here.members)


def test_no_cell_of_a_csv_is_a_formula():
    """A label may begin with anything; a number below zero stays one."""
    content = table_csv(pd.DataFrame({"label": ["=1+1", "+1", "-1", "@a", "a=b"], "n": [1, 2, 3, 4, -5]}))
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
    assert "No eta and no alpha" in tables.map_in_words(scored, nothing, stability_of_class(scored, none, 0), none)


def test_under_a_lock_the_map_is_said_to_be_about_the_methods_own_answer(scored):
    """What is firm is what the method finds, and it is named: the answer of the analyst is not supported by it."""
    settings = SelectionSettings(tau=0.05)
    found, stability = weigh_class(scored, settings, 0), stability_of_class(scored, settings, 0)
    chosen = Choice(0, (scored.scores.nodes[0],), "seen", "", NOW)
    locked = replace(found, selection=replace(found.selection, choice=chosen))
    text = tables.map_in_words(scored, locked, stability, settings)
    name = clusters.cluster_name(scored, stability.at(settings.eta, settings.alpha).members)
    assert f"give the method's own answer ({name}), and" in text.replace("\\", "")
    assert "this answer" not in text
    assert "give this answer, and" in tables.map_in_words(scored, found, stability, settings)


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
    assert "have no effect here" in text


# What the canvases are given


def test_the_live_map_says_what_the_figure_to_take_away_says(scored, monkeypatch):
    """Who wins where, colours, legend and axes are those of the Plotly map."""
    monkeypatch.setattr(figures.cached, "made", lambda case, what, make: make())
    settings = SelectionSettings(tau=0.05, eta=3.0, alpha=0.4)
    stability = stability_of_class(scored, settings, 0)
    live = figures.map_to_follow(Case(Path("any")), scored, stability, settings)
    drawn = figures.draw_map(scored, stability, settings)
    heatmap, legend = drawn.data[0], drawn.data[1:-1]
    scale = {round(at * len(legend)): color for at, color in heatmap.colorscale[::2]}
    colors = [live["nobody"] if w < 0 else live["colors"][w] for w in live["winner"]]
    assert [scale[code] for code in np.array(heatmap.z).T.ravel().tolist()] == colors
    assert [(html.unescape(entry.name), entry.marker.color) for entry in legend] == live["legend"]
    assert (drawn.layout.xaxis.title.text, drawn.layout.yaxis.title.text) == (live["across"], live["up"])
    assert (live["eta"], live["alpha"]) == (3.0, 0.4)
    here = stability.at(3.0, 0.4)
    assert live["alt"].endswith(f"eta 3.0 steps, alpha 0.40: {clusters.cluster_name(scored, here.members)}")


def test_what_a_canvas_draws_holds_no_character_that_is_not_seen():
    """No line break, no control character, nothing that turns the text around; markup stays as it is."""
    assert plain(" a\nb\t<b>&amp;\u202ex\x00 ") == "a b <b>&amp;\N{REPLACEMENT CHARACTER}x\N{REPLACEMENT CHARACTER}"
