"""The time that a job still takes: announced phases, measured speeds, what a case says beforehand."""

import case_factory
import pytest

from fdcore.case.case import Case
from fdcore.jobs.estimate import Estimate, Phase
from fdcore.jobs.kinds import KINDS
from fdcore.work.intake import survey_corpora

PHASES = (Phase("Opening", 1, 5.0), Phase("Querying", 1_000, 0.02), Phase("Comparing", 2, 30.0))


def test_all_phases_count_before_the_first_begins():
    """5 s, 20 s and 60 s; each has its share of the whole from the start."""
    estimate = Estimate(PHASES)
    assert estimate.seconds_left(0.0) == 85
    assert [round(part.share, 3) for part in estimate.parts()] == [0.059, 0.235, 0.706]
    assert [part.done for part in estimate.parts()] == [0, 0, 0]


def test_the_speed_of_this_run_takes_the_place_of_the_guess():
    """Ten units a second where fifty were assumed: the rest of the phase takes as long as it takes."""
    estimate = Estimate(PHASES)
    estimate.report("Opening", 0, 1, 0.0)
    for second in range(21):
        estimate.report("Querying", 10 * second, 1_000, 2.0 + second)
    assert estimate.seconds_left(22.0) == pytest.approx(80 + 60)
    opening, querying, comparing = estimate.parts()
    assert (opening.done, querying.done, comparing.done) == (1, 0.2, 0)
    assert querying.share > comparing.share


def test_the_time_left_passes_while_nothing_is_reported():
    """A phase that is silent for long counts down, and never below what comes after it."""
    estimate = Estimate(PHASES)
    estimate.report("Opening", 0, 1, 0.0)
    assert estimate.seconds_left(3.0) == 82
    assert estimate.seconds_left(500.0) == 80


def test_what_was_measured_on_this_suspect_counts_most():
    """Then the test query's speed, then what other cases measured, then the guess."""
    phases = (Phase("A", 10, 1.0), Phase("B", 10, 1.0, own=True), Phase("C", 10, 1.0), Phase("D", 10, 1.0))
    own, others = {"A": 2.0}, {"A": 9.0, "B": 9.0, "C": 3.0}
    assert Estimate(phases, own, others).seconds_left(0.0) == 20 + 10 + 30 + 10


def test_the_speeds_of_phases_that_took_a_while_are_kept():
    """What was resumed in the middle counts from there; a phase of a blink is not measured."""
    estimate = Estimate((*PHASES, Phase("Blink", 1, 1.0)))
    estimate.report("Opening", 0, 1, 0.0)
    estimate.report("Querying", 500, 1_000, 4.0)
    estimate.report("Querying", 1_000, 1_000, 14.0)
    estimate.report("Comparing", 0, 2, 14.0)
    estimate.report("Comparing", 2, 2, 24.0)
    estimate.report("Blink", 0, 1, 24.0)
    estimate.end(24.1)
    assert estimate.speeds() == {"Opening": 4.0, "Querying": 0.02, "Comparing": 5.0}


def test_a_phase_that_reports_late_and_a_stage_of_no_phase_change_nothing():
    """Two devices at once report in turns; opening a file has steps of its own."""
    estimate = Estimate(PHASES)
    estimate.report("Comparing", 1, 2, 0.0)
    before = estimate.parts()
    estimate.report("Querying", 3, 1_000, 1.0)
    estimate.report("comparing architectures", 1, 7, 2.0)
    assert estimate.parts() == before


def test_without_phases_only_the_present_stage_is_known():
    """Its own rate says how long it takes."""
    estimate = Estimate(())
    for second in range(11):
        estimate.report("Converting", 10 * second, 200, float(second))
    assert estimate.seconds_left(10.0) == pytest.approx(10)
    assert estimate.parts() == ()


def test_an_investigation_announces_the_queries_that_are_missing(tmp_path):
    """80 images in 4 views, half of which are answered; 8 leaves are too few to compare with untrained networks."""
    folder = case_factory.planned(tmp_path / "new")
    survey_corpora(folder)
    params = {"cache": str(tmp_path / "cache")}
    announced = {phase.stage: phase for phase in KINDS["investigate"].phases(folder, params)}
    assert announced["Querying the suspect"].units == 320
    assert announced["Decoding images"].units == 80
    assert "Querying untrained networks" not in announced
    half = case_factory.half_finished(tmp_path / "half")
    survey_corpora(half)
    again = {phase.stage: phase for phase in KINDS["investigate"].phases(half, params)}
    assert again["Querying the suspect"].units == 160
    plan = Case.open(half).plan()
    Case.open(half).change_plan(settings=case_factory.Settings(n_views=plan.settings.n_views, budget=200))
    capped = {phase.stage: phase for phase in KINDS["investigate"].phases(half, params)}
    assert capped["Querying the suspect"].units == 40


def test_the_comparison_with_untrained_networks_is_announced_with_its_share(tmp_path):
    """The demo says from the start that it comes, and how much of the time it takes."""
    folder = Case.create(tmp_path / "demo").folder
    stages = {part.stage: part.share for part in Estimate(KINDS["demo"].phases(folder, {})).parts()}
    assert stages["Querying untrained networks"] > 0.05
    assert stages["Comparing with untrained networks"] > 0.05
