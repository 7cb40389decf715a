"""The page that asks the suspect and shows how consistently it puts each leaf in each class."""

import shutil
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pytest
from opening import open_case, open_page
from reading import as_markdown, figures, metric, said

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.case.cost import Supply, estimate
from fdcore.case.plan import Settings
from fdcore.demo import trial_pictures
from fdcore.jobs import JobQueue
from fdcore.jobs.database import writing
from fdcore.jobs.process import ProcessId
from fdcore.work.intake import check_suspect, survey_corpora
from ui.leaf_scores import tables as leaf_tables

PAGE = "3_Leaf_scores"
HOSTILE = "![x](http://evil/x.png) **b** <script>alert(1)</script>"


@pytest.fixture
def cases(cases: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of cases, with the decoded pictures of the tiny world in the cache."""
    monkeypatch.setenv("FDCORE_CACHE", str(case_factory.world().cache))
    return cases


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with a suspect and a corpus, and nothing asked; to be copied."""
    folder = case_factory.planned(tmp_path_factory.mktemp("surveyed") / "ready")
    check_suspect(folder, None, trial_pictures())
    survey_corpora(folder)
    return folder


@pytest.fixture
def ready(cases: Path, surveyed: Path) -> Path:
    """A copy of that case."""
    return Path(shutil.copytree(surveyed, cases / "ready"))


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What was handed to the list of jobs; nothing is started."""
    calls: list[tuple] = []
    monkeypatch.setattr(JobQueue, "submit", lambda self, *args, **named: calls.append((*args, named)))
    return calls


# Before scoring


def test_the_cost_is_told_beforehand_and_follows_the_fields(ready):
    """8 leaves of 10 images in 4 views; half the images cost half."""
    at = open_page(PAGE, case="ready")
    assert metric(at, "Queries to send") == "320"
    assert metric(at, "Time").startswith("about")
    at.number_input(key="images_per_leaf").set_value(5).run()
    assert metric(at, "Queries to send") == "160"
    at.number_input(key="budget").set_value(100).run()
    assert metric(at, "Queries to send") == "74"  # the test query has sent 26 of them
    assert "The budget ends before all 160 queries" in said(at)


def test_starting_writes_the_plan_and_hands_the_work_over(ready, submitted):
    """The plan, the audit log and the job agree."""
    at = open_page(PAGE, case="ready")
    at.number_input(key="n_views").set_value(3).run()
    at.button(key="start").click().run()
    case = Case.open(ready)
    assert case.plan().settings.n_views == 3
    assert any(entry["event"] == "plan changed" for entry in case.audit())
    [(kind, case_id, params, named)] = submitted
    assert (kind, case_id, named) == ("investigate", "ready", {"by": ""})
    assert params == {"cache": str(case_factory.world().cache)}


def test_a_plan_that_leaves_the_servers_folders_is_not_started(ready, submitted, monkeypatch, tmp_path):
    """An imported plan may name anything."""
    monkeypatch.setenv("FDCORE_CORPORA", str(tmp_path))
    at = open_page(PAGE, case="ready")
    at.button(key="start").click().run()
    assert at.error
    assert not submitted


@pytest.mark.parametrize(("field", "value"), [("budget", 3), ("seed", "none"), ("seed", str(2**63))])
def test_what_makes_no_sense_is_a_sentence_and_cannot_be_started(ready, field, value):
    """The button waits until it is mended."""
    at = open_page(PAGE, case="ready")
    (at.text_input if field == "seed" else at.number_input)(key=field).set_value(value).run()
    assert at.error
    assert at.button(key="start").disabled


def test_views_can_be_previewed(ready):
    """Eight pictures, drawn from one of the test query."""
    at = open_page(PAGE, case="ready")
    at.button(key="preview_views").click().run()
    assert len(at.get("image")[0].proto.imgs) == 8


# The cost


def test_no_leaf_counts_for_more_than_it_has():
    """Leaves without a usable image cost nothing."""
    cost = estimate(Supply({"a": 3, "b": 100, "c": 0}, exact=True), Settings(n_views=2, images_per_leaf=10), per_s=13.0)
    assert (cost.n_leaves, cost.n_images, cost.n_left, cost.capped, cost.seconds) == (2, 13, 26, False, 2.0)


def test_what_was_answered_is_not_counted_again_and_the_budget_caps_the_rest():
    """A budget counts what was sent before."""
    settings = Settings(n_views=2, images_per_leaf=None, budget=150)
    cost = estimate(Supply({"a": 100}, exact=True), settings, n_answered=90, n_sent=100)
    assert (cost.n_planned, cost.n_left, cost.capped, cost.seconds) == (200, 50, True, None)


# Results


def test_a_finished_case_shows_ranking_images_and_overview(finished):
    """Without importing torch, which is slow."""
    at = open_case(PAGE, finished)
    assert metric(at, "Queries sent") == "320"
    assert metric(at, "Classes with a candidate") == "3 of 4"
    assert metric(at, "Ended") == "All queried"
    assert len(figures(at)) == 2
    assert len(at.get("image")[0].proto.imgs) == 10


def test_another_class_is_chosen_by_its_pill_and_by_the_link(finished):
    """Both lead to the same page, and the URL names the class."""
    at = open_case(PAGE, finished)
    at.get("button_group")[0].set_value(1).run()
    assert at.query_params["class"] in ("1", ["1"])
    linked = open_case(PAGE, finished, **{"class": "1"})
    assert figures(linked)[0] == figures(at)[0]


@pytest.mark.parametrize("number", ["99", "-1", "x", "1e3", HOSTILE])
def test_a_link_to_no_class_shows_class_0_and_says_so(finished, number):
    """Nothing in the link is formatted."""
    at = open_case(PAGE, finished, **{"class": number})
    assert "Class 0 is shown instead" in said(at)
    assert "![x](http" not in as_markdown(at)


def test_a_class_without_a_hit_says_so(finished):
    """Class 3 is never answered."""
    at = open_case(PAGE, finished, **{"class": "3"})
    assert "no view of any leaf" in said(at)


def test_a_leaf_can_be_linked_and_a_wrong_one_is_told(finished):
    """The best leaf stands in for it."""
    nodes = load_scored(finished).scores.nodes
    at = open_case(PAGE, finished, leaf=nodes[-1])
    assert at.selectbox(key="leaf_picker").value == len(nodes) - 1
    wrong = open_case(PAGE, finished, leaf=HOSTILE)
    assert "The best one is shown instead" in said(wrong)
    assert "![x](http" not in as_markdown(wrong)


def test_the_views_of_an_image_are_those_that_were_sent(finished):
    """As many as the ledger has, each with its answer."""
    at = open_case(PAGE, finished)
    next(box for box in at.selectbox if box.label == "Views of an image").set_value(0).run()
    shown = at.get("image")[1].proto.imgs
    assert [image.caption.partition("\\")[0] for image in shown] == ["The image", "View 1", "View 2", "View 3"]


def test_pictures_that_are_gone_leave_the_numbers_and_a_way_back(finished, monkeypatch, tmp_path, submitted):
    """The cache may be emptied at any time."""
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "empty"))
    at = open_case(PAGE, finished)
    assert not at.get("image")
    at.button(key="bring_back").click().run()
    assert [call[0] for call in submitted] == ["investigate"]


def test_fewer_views_than_before_cannot_be_asked_for(finished):
    """Answers would be thrown away."""
    at = open_case(PAGE, finished)
    assert at.number_input(key="n_views").min == case_factory.N_VIEWS
    assert at.text_input(key="seed").disabled
    assert at.button(key="start").disabled
    at.number_input(key="n_views").set_value(6).run()
    assert metric(at, "Queries to send") == "at most 160"
    assert not at.button(key="start").disabled


def test_asking_more_keeps_the_settings_of_the_last_analysis(finished, submitted):
    """The plan's own are older."""
    finished.record(selection=replace(finished.facts().selection, eta=3.0))
    at = open_case(PAGE, finished)
    at.number_input(key="n_views").set_value(6).run()
    at.button(key="start").click().run()
    assert finished.plan().settings.selection.eta == 3.0


def test_half_a_case_can_be_read_and_gone_on_with(cases):
    """Half the answers are there."""
    case_factory.half_finished(cases / "half")
    at = open_page(PAGE, case="half")
    assert metric(at, "Answers") == "160 of 320"
    assert metric(at, "Ended") == "Stopped early"
    assert not at.button(key="start").disabled


def test_a_budget_that_ended_is_told(cases):
    """More needs a larger one."""
    case_factory.out_of_budget(cases / "poor")
    at = open_page(PAGE, case="poor")
    assert metric(at, "Ended") == "Budget ended"
    assert at.error[0].value.startswith("The budget of 160")


def test_hostile_labels_and_file_names_are_only_text(finished):
    """In captions, in the choice of a class, in Plotly."""
    case_factory.call_everything(finished.folder, HOSTILE)
    at = open_case(PAGE, finished)
    assert "![x](http" not in as_markdown(at)
    options = [option.content for group in at.get("button_group") for option in group.proto.options]
    assert not any("![x](http" in option for option in options)
    assert not any("![x](http" in image.caption for group in at.get("image") for image in group.proto.imgs)
    assert not any("<script>" in chart for chart in figures(at))


# While it runs, and after it stopped


def job_in(state: str, cases: Path, folder: str) -> None:
    """A job of that state on the case, without a process."""
    with writing(cases) as connection:
        connection.execute(
            'INSERT INTO jobs ("case", kind, params, "by", state, created, changed, stage, done, total) '
            "VALUES (?, 'investigate', '{}', '', ?, 0, 0, 'Querying the suspect', 160, 320)",
            (folder, state),
        )


def test_a_paused_run_offers_to_resume_first(cases):
    """And what there is can be looked at."""
    case_factory.half_finished(cases / "half")
    job_in("paused", cases, "half")
    at = open_page(PAGE, case="half")
    assert at.button(key="job_resume").label == "Resume"
    assert "it was paused" in said(at)


def test_a_run_that_failed_before_the_first_answer_can_be_changed(ready, cases):
    """A budget may have been too small, so that resuming alone would fail again."""
    job_in("failed", cases, "ready")
    at = open_page(PAGE, case="ready")
    assert at.button(key="job_resume")
    assert not at.button(key="start").disabled


def test_a_running_job_shows_its_progress_and_the_ranking_so_far(cases, monkeypatch):
    """Marked as what it is."""
    monkeypatch.setattr(ProcessId, "alive", lambda self, heartbeat: True)
    case_factory.half_finished(cases / "half")
    job_in("running", cases, "half")
    at = open_page(PAGE, case="half")
    assert at.button(key="job_pause")
    assert "160 of 320" in said(at)
    assert len(figures(at)) == 1
    assert not [button for button in at.button if button.key == "start"]


# The numbers


def test_images_are_ordered_by_their_share_and_say_what_they_are_answered_instead(finished):
    """Unanswered ones come last."""
    scored = load_scored(finished)
    answers = scored.answers.copy()
    images = np.flatnonzero(scored.images.node_index == 0)[:4]
    answers[images] = [[1, 1, 0, 0], [0, 0, 0, 0], [2, 2, 2, 0], [-1, -1, -1, -1]]
    of_leaf = (~np.isin(np.arange(len(answers)), images)).astype(np.int32)  # no other image is of leaf 0
    changed = replace(scored, answers=answers, images=replace(scored.images, node_index=of_leaf))
    found = leaf_tables.images_of_leaf(changed, 0, 0)
    assert [(one.n_hits, one.n_views, one.other) for one in found] == [
        (4, 4, None), (2, 4, 1), (1, 4, 2), (0, 0, None),
    ]  # fmt: skip


def test_the_ranking_as_csv_holds_every_leaf_best_first(finished):
    """With a header that says what is what."""
    scored = load_scored(finished)
    lines = leaf_tables.ranking_csv(scored, 0, (0,)).decode().splitlines()
    assert lines[0] == "rank,leaf,selected,L,low,high,queries,images,id"
    assert len(lines) == 1 + len(scored.scores.nodes)
    shares = [float(line.split(",")[3]) for line in lines[1:]]
    assert shares == sorted(shares, reverse=True)


def test_without_a_suspect_nothing_more_can_be_asked(finished):
    """A case of recorded answers says so."""
    finished.record(evidence=None)
    shutil.rmtree(finished.folder / "evidence")
    at = open_case(PAGE, finished)
    assert "no suspect to query" in said(at)
