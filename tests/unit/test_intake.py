"""Before scoring: the suspect is looked at, the corpus is surveyed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raising import raises

from fdcore import demo
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.intake import read_survey, read_test_query
from fdcore.case.spending import budget_left, n_sent
from fdcore.demo import trial_pictures
from fdcore.demo.case import demo_plan
from fdcore.errors import CaseError, CorpusError, SettingsError, SuspectError
from fdcore.storage import only_one
from fdcore.work import intake
from fdcore.work.investigate import run_plan


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A new case with the demo's plan and a corpus of two leaves."""
    corpus = tmp_path / "corpora" / "two"
    for leaf in demo.LEAVES[:2]:
        (corpus / leaf.wnid).mkdir(parents=True)
        for number in range(14):
            Image.fromarray(demo.draw_picture(leaf, number=number)).save(corpus / leaf.wnid / f"{number}.png")
    (corpus / demo.LEAVES[0].wnid / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    case = Case.create(tmp_path / "case")
    case.record(plan=demo_plan(corpus))
    return case


def test_a_suspect_is_taken_in_and_asked_about_drawings(case):
    """Without sample files it is shown some of the built-in drawings; answers, pictures and queries are kept."""
    stages: list[str] = []
    result = intake.check_suspect(
        case.folder, demo.SUSPECT_PATH, trial_pictures(), progress=lambda stage, *_: stages.append(stage)
    )
    assert case.facts().suspect.n_classes == len(demo.TRUTH)
    assert case.evidence().sha256 == case.facts().evidence.sha256
    assert read_test_query(case) == result
    assert result.n_sent == len(result.labels) == 26
    assert all(picture is not None for picture in intake.sample_pictures(case, range(26)))
    assert intake.sample_pictures(case, [26]) == [None]
    assert result.labels[result.names.index("airliner")] == 2
    assert result.pictures_per_s > 0
    assert [entry["details"]["n_sent"] for entry in case.audit() if entry["event"] == "test query"] == [26]
    assert len(set(stages)) == 3


def drawings(n: int) -> list[tuple[str, np.ndarray]]:
    return [(f"{number}.png", demo.draw_picture(demo.LEAVES[0], number=number)) for number in range(n)]


def test_test_queries_are_counted_and_never_sent_twice(case):
    """They keep within the case's budget: what would go beyond it is refused before anything is sent."""
    settings = case.plan().settings
    case.change_plan(settings=replace(settings, budget=1))
    with raises(SettingsError, "budget exceeded", "54 queries", "leaves 1."):
        intake.check_suspect(case.folder, demo.SUSPECT_PATH, drawings(54))
    assert n_sent(case) == 0
    case.change_plan(settings=replace(settings, budget=60))
    first = intake.check_suspect(case.folder, None, drawings(54))
    case.change_plan(settings=replace(settings, budget=60, seed=5))
    again = intake.check_suspect(case.folder, None, drawings(54))
    assert (first.n_sent, again.n_sent) == (54, 0)
    assert (first.labels, first.pictures_per_s) == (again.labels, again.pictures_per_s)
    case.change_plan(suspect=replace(case.plan().suspect, preset="unit"))  # another preprocessing: other answers
    assert intake.check_suspect(case.folder, None, drawings(3)).n_sent == 3
    assert (n_sent(case), budget_left(case)) == (57, 3)


def test_a_test_query_waits_its_turn(case):
    """While other work asks the suspect, the two together could go beyond the budget."""
    with only_one(case.folder / layout.ASKING_LOCK), raises(CaseError, "in use"):
        intake.check_suspect(case.folder, demo.SUSPECT_PATH, drawings(3))
    assert n_sent(case) == 0


def test_scoring_keeps_within_what_test_queries_left_of_the_budget(case, tmp_path):
    """A run sends the rest of the budget, says how much was sent in all, and says what is too little for one."""
    intake.check_suspect(case.folder, demo.SUSPECT_PATH, drawings(10))
    case.change_plan(settings=replace(case.plan().settings, budget=11))
    with raises(SettingsError, "budget too small", "at least 12"):
        run_plan(case.folder, cache=tmp_path / "cache")
    case.change_plan(settings=replace(case.plan().settings, budget=16))
    assert run_plan(case.folder, cache=tmp_path / "cache").scored.n_sent == n_sent(case) == 16


def test_files_of_ones_own_are_asked_about(case, tmp_path):
    """What is no picture among them is left out."""
    good = tmp_path / "corpora" / "two" / demo.LEAVES[0].wnid / "0.png"
    bad = tmp_path / "notes.txt"
    bad.write_text("no picture")
    result = intake.check_suspect(case.folder, demo.SUSPECT_PATH, [good, bad])
    assert (result.names, result.labels) == (("0.png",), (2,))
    with raises(CorpusError, "no readable image", 1):
        intake.check_suspect(case.folder, None, [bad])


def test_a_file_that_is_no_model_stays_as_evidence(case, tmp_path):
    """It is recorded although it cannot be opened."""
    file = tmp_path / "suspect.bin"
    file.write_bytes(b"nothing that anybody knows")
    with pytest.raises(SuspectError):
        intake.check_suspect(case.folder, file, trial_pictures())
    assert case.facts().evidence.name == "suspect.bin"
    assert read_test_query(case) is None


def test_a_survey_counts_files_and_keeps_samples(case):
    """Usable files, problems and samples of each leaf are read back as they were found."""
    found = intake.survey_corpora(case.folder)
    wnid = demo.LEAVES[0].wnid
    assert found.n_files == {demo.LEAVES[1].wnid: 14, wnid: 15}
    assert found.n_usable == {demo.LEAVES[1].wnid: 14, wnid: 14}
    assert len(found.samples[wnid]) == 12
    assert found.sources[0]["n_files"] == 29
    read = read_survey(case)
    assert (read.n_files, read.n_usable, read.samples) == (found.n_files, found.n_usable, found.samples)
    assert read.hierarchy.ids == found.hierarchy.ids
    assert "broken.png" in case.path("survey/problems.csv").read_text()


def test_a_large_corpus_is_counted_and_not_decoded(case, monkeypatch):
    """Then nobody knows yet how many files are usable."""
    monkeypatch.setattr(intake, "MAX_SURVEYED", 10)
    intake.survey_corpora(case.folder)
    read = read_survey(case)
    assert read.n_usable is None


def test_a_damaged_survey_is_a_sentence(case):
    """Reading the corpus again mends it."""
    intake.survey_corpora(case.folder)
    case.path("survey/nodes.parquet").write_bytes(b"rubbish")
    with raises(CaseError, "survey damaged", case.folder):
        read_survey(case)
