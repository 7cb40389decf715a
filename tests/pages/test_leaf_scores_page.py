"""The page that asks the suspect and shows how consistently it puts each leaf in each class."""

import shutil
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pytest
from opening import open_case, open_page
from reading import as_markdown, component, components, metric, said

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.case.cost import Supply, estimate
from fdcore.case.plan import Settings
from fdcore.demo import trial_pictures
from fdcore.jobs import JobQueue
from fdcore.jobs.database import writing
from fdcore.jobs.process import ProcessId
from fdcore.method.adaptive import Adaptive
from fdcore.suspect.preprocess import Origins
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


def test_a_cluster_that_the_server_names_is_shown(ready, monkeypatch):
    """Where the suspect's file goes should surprise nobody; without a cluster nothing is said."""
    assert "cluster" not in said(open_page(PAGE, case="ready"))
    monkeypatch.setenv("FDCORE_RAY", "10.0.0.1:6379")
    assert "The queries are sent from the cluster at 10.0.0.1:6379." in said(open_page(PAGE, case="ready"))


def test_guesses_are_shown_before_the_first_query(ready):
    """With the way to settle them; once they are settled nothing is said."""
    at = open_page(PAGE, case="ready")
    assert "Settle these guesses first" in said(at)
    assert "channel order guessed" in said(at)
    at.button(key="settle_guesses").click().run()
    assert at.title[0].value == "1 · Suspect"
    case = Case.open(ready)
    suspect = case.facts().suspect
    case.record(suspect=replace(suspect, origins=Origins(*["options"] * 11)))
    assert "Settle these guesses" not in said(open_page(PAGE, case="ready"))


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


def test_queries_are_saved_where_the_analyst_says_so(ready, submitted):
    """The plan says how; the cost becomes an upper bound, and switching it off sends everything again."""
    at = open_page(PAGE, case="ready")
    at.toggle(key="adaptive").set_value(True).run()
    assert metric(at, "Queries to send") == "at most 320"
    at.button(key="start").click().run()
    case = Case.open(ready)
    assert case.plan().settings.adaptive == Adaptive()
    at = open_page(PAGE, case="ready")
    assert at.toggle(key="adaptive").value
    at.toggle(key="adaptive").set_value(False).run()
    at.button(key="start").click().run()
    assert case.plan().settings.adaptive is None
    assert len(submitted) == 2


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


def test_a_finished_case_shows_its_ranking(finished):
    """With the numbers of the answers in one line."""
    at = open_case(PAGE, finished)
    line = said(at)
    for part in ("**All queried**", "320 queries sent", "320 of 320 answers", "3 of 4 classes with a candidate"):
        assert part in line
    rows = component(at, "ranking_bars")["rows"]
    shares = [row["parts"][0] for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert {row["name"] for row in rows if row["strong"]} == {"airliner", "warplane"}


def test_all_classes_are_a_map_by_their_best_leaves(finished):
    """A row for each class, bright where its leaves are."""
    drawn = component(open_case(PAGE, finished, tab="Classes"), "overview_cells")
    assert [row.partition(":")[0] for row in drawn["rows"]] == ["Class 0", "Class 1", "Class 2", "Class 3"]
    assert drawn["values"][1][drawn["columns"].index("tabby")] == 1.0


def test_the_table_holds_every_leaf(finished):
    """Also those that the class never got."""
    table = open_case(PAGE, finished, tab="Table").dataframe[0].value
    assert len(table) == len(load_scored(finished).scores.nodes)
    assert list(table["rank"]) == list(range(1, len(table) + 1))


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


def test_pictures_that_are_gone_leave_the_numbers_and_a_way_back(finished, monkeypatch, tmp_path, submitted):
    """The cache may be emptied at any time."""
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "empty"))
    at = open_case(PAGE, finished, tab="Pictures")
    assert "all_pictures" not in components(at)
    at.button(key="bring_back").click().run()
    assert [call[0] for call in submitted] == ["investigate"]


def test_all_pictures_are_those_with_a_view_in_the_class(finished):
    """Across all leaves, the most consistent first; filtered by the leaf's name and by what was found."""
    scored = load_scored(finished)
    n_hits = (scored.answers == 0).sum(axis=1)
    at = open_case(PAGE, finished, tab="Pictures")
    drawn = component(at, "all_pictures")
    assert drawn["total"] == (n_hits > 0).sum()
    shares = [int(item["caption"].partition("/")[0]) for item in drawn["items"]]
    assert shares == sorted(shares, reverse=True)
    at.text_input(key="pictures_leaf").set_value("airl").run()
    assert {item["words"].partition(":")[0] for item in component(at, "all_pictures")["items"]} == {"airliner"}
    at.text_input(key="pictures_leaf").set_value("").run()
    at.segmented_control(key="pictures_where").set_value("Other leaves").run()
    others = {item["words"].partition(":")[0] for item in component(at, "all_pictures")["items"]}
    assert others
    assert not others & {"airliner", "warplane"}


def test_fewer_views_than_before_cannot_be_asked_for(finished):
    """Answers would be thrown away."""
    at = open_case(PAGE, finished, tab="Query more")
    assert at.number_input(key="n_views").min == case_factory.N_VIEWS
    assert at.text_input(key="seed").disabled
    assert at.button(key="start").disabled
    at.number_input(key="n_views").set_value(6).run()
    assert metric(at, "Queries to send") == "at most 160"
    assert not at.button(key="start").disabled


def test_asking_more_keeps_the_settings_of_the_last_analysis(finished, submitted):
    """The plan's own are older."""
    finished.record(selection=replace(finished.facts().selection, eta=3.0))
    at = open_case(PAGE, finished, tab="Query more")
    at.number_input(key="n_views").set_value(6).run()
    at.button(key="start").click().run()
    assert finished.plan().settings.selection.eta == 3.0


def test_half_a_case_can_be_read_and_gone_on_with(cases):
    """Half the answers are there."""
    case_factory.half_finished(cases / "half")
    at = open_page(PAGE, case="half", tab="Query more")
    assert "**Stopped early**" in said(at)
    assert "160 of 320 answers" in said(at)
    assert not at.button(key="start").disabled


def test_a_budget_that_ended_is_told(cases):
    """More needs a larger one."""
    case_factory.out_of_budget(cases / "poor")
    at = open_page(PAGE, case="poor", tab="Query more")
    assert "**Budget ended**" in said(at)
    assert at.error[0].value.startswith("The budget of 160")


@pytest.mark.parametrize("tab", ["Leaves", "All pictures", "All classes", "Table"])
def test_hostile_labels_and_file_names_are_only_text(finished, tab):
    """Custom components set every text as text; what Streamlit reads as Markdown is inert."""
    case_factory.call_everything(finished.folder, HOSTILE)
    image = load_scored(finished).images.sha256[0][:16]
    assert "![x](http" not in as_markdown(open_case(PAGE, finished, tab=tab, image=image))


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
    assert component(at, "ranking_bars")["rows"]
    assert not [button for button in at.button if button.key == "start"]


# The numbers


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
    at = open_case(PAGE, finished, tab="Query more")
    assert "no suspect to query" in said(at)


def test_one_set_is_not_compared(finished):
    """The tab says what would make it useful."""
    assert "one set" in said(open_case(PAGE, finished, tab="Sets"))


def test_sets_are_compared_by_their_best_leaf(finished, monkeypatch):
    """A bar for each, the best first; a set's name stays text."""
    monkeypatch.setattr(
        "fdcore.method.sets.sets_of",
        lambda nodes: np.array([HOSTILE if node.startswith("n02123") else "other" for node in nodes]),
    )
    at = open_case(PAGE, finished, **{"class": "1"}, tab="Sets")
    rows = component(at, "set_bars")["rows"]
    assert [row["end"] for row in rows] == ["1.00", "0.00"]
    assert "![x](http" not in as_markdown(at)
