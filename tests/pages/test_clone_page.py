"""The Clone page: what would be trained and what it costs, clones while they train, stopped and removed ones."""

import json
from pathlib import Path

import case_factory
import numpy as np
import pytest
from case_factory import FOUND, ONE_TERM, RANDOM
from opening import open_case
from reading import figures_by_key, metric, said, table

from fdcore.case.case import Case
from fdcore.cloning.settings import CloneRequest, Source, SourceKind
from fdcore.jobs import Job, JobQueue
from fdcore.records import from_plain, to_plain
from ui.clone.sources import Folder

PAGE = "7_Clone"


def newest(case: Case) -> Job | None:
    """The job that was asked for last."""
    return JobQueue(case.folder.parent).latest(case.folder.name)


# Before there is a clone


def test_two_terms_and_random_are_ready_to_be_trained(finished: Case) -> None:
    """What each gives stands in the table and adds up; nothing has to be sent; one click starts."""
    at = open_case(PAGE, finished)
    assert (at.checkbox(key="clone_from_found").value, at.checkbox(key="clone_from_random").value) == (True, True)
    assert not at.checkbox(key="clone_from_one-term").value
    rows = table(at, "Found, two terms")
    total = int(rows["Found, two terms"].sum() + rows["Random images"].sum())
    assert metric(at, "Images in total") == f"{total:,}"
    assert metric(at, "Queries to send") == "0"
    n_answers = int((np.load(finished.path("ledger/answers.npy")) >= 0).sum())
    assert f"{n_answers:,} answers of the suspect" in said(at)
    assert metric(at, "Time") == "not known yet"
    assert rows["Found, two terms"].tolist()[3] == 0
    assert "Not found and left out: class 3" in said(at)
    start = at.button(key="clone_start")
    assert (start.label, start.disabled) == ("Train 2 clones", False)


@pytest.mark.usefixtures("idle_workers")
def test_one_click_hands_the_choice_to_a_job(finished: Case) -> None:
    """Sources and settings as they stand in the form; then the work is shown, and no second can be started."""
    at = open_case(PAGE, finished)
    at.checkbox(key="clone_from_one-term").check().run()
    at.number_input(key="clone_epochs").set_value(7)
    at.number_input(key="clone_total").set_value(60)
    at.text_input(key="clone_seed").set_value("3")
    at.selectbox(key="clone_not_found").set_value("random")
    at.selectbox(key="clone_uncertain").set_value("set aside").run()
    at.button(key="clone_start").click().run()
    job = newest(finished)
    request = from_plain(CloneRequest, job.params["request"], what="a request")
    assert job.kind == "clone"
    assert request.sources == (FOUND, ONE_TERM, RANDOM)
    assert (request.training.epochs, request.training.seed) == (7, 3)
    transfer = request.transfer
    assert (transfer.total, transfer.seed, transfer.not_found, transfer.uncertain) == (60, 3, "random", "set aside")
    at = open_case(PAGE, finished)
    assert at.button(key="job_pause")
    assert at.button(key="job_cancel")
    assert at.button(key="clone_start").disabled


@pytest.mark.usefixtures("idle_workers")
def test_a_folder_is_a_source_with_its_role(finished: Case) -> None:
    """It costs queries, told beforehand; a path outside the corpora folders is refused with a sentence."""
    at = open_case(PAGE, finished)
    at.selectbox(key="clone_folder_name").set_value("tiny")
    at.selectbox(key="clone_folder_role").set_value("similar").run()
    at.button(key="clone_folder_add").click().run()
    assert metric(at, "Clones") == "3"
    assert metric(at, "Queries to send") == "up to 5,000"
    at.button(key="clone_start").click().run()
    folder = from_plain(CloneRequest, newest(finished).params["request"], what="a request").sources[-1]
    assert folder == Source(SourceKind.FOLDER, str(case_factory.world().corpora / "tiny"), "similar")


@pytest.mark.parametrize("inside", [True, False])
def test_the_test_set_is_the_last_one_where_it_may_be_read(finished: Case, inside: bool) -> None:
    """As the demo case suggests its own; one outside the corpora folders is not taken over."""
    folder = case_factory.world().corpora / "tiny" if inside else Path("/x/elsewhere")
    request = CloneRequest((FOUND, RANDOM), evaluation=str(folder))
    finished.record(cloning=to_plain(request))
    at = open_case(PAGE, finished)
    assert at.selectbox(key="clone_test_set").value == ("tiny" if inside else "Held-back images of the corpus")


@pytest.mark.parametrize("path", ["../x", "/etc", "nothing"])
def test_a_folder_outside_is_refused(finished: Case, path: str) -> None:
    """Nothing is added, and the rest goes on; the same for one that was there when it was added."""
    at = open_case(PAGE, finished)
    at.session_state["clone_folders"] = ("colours", [Folder(path, "similar")])
    at.run()
    assert at.error
    assert at.button(key="clone_start").label == "Train 2 clones"


def test_a_folder_called_random_is_not_the_random_source(
    finished: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of one is not said of the other."""
    (tmp_path / "corpora" / "random").mkdir(parents=True)
    monkeypatch.setenv("FDCORE_CORPORA", str(tmp_path / "corpora"))
    at = open_case(PAGE, finished)
    before = table(at, "Found, two terms")
    at.session_state["clone_folders"] = ("colours", [Folder("random", "")])
    at.run()
    n_images = int(before["Found, two terms"].sum() + before["Random images"].sum())
    wanted = at.number_input(key="clone_total").value
    assert metric(at, "Clones") == "3"
    assert metric(at, "Images in total") == f"{n_images + wanted:,}"


def test_nothing_found_leads_to_tau(cases: Path) -> None:
    """An empty finding is an empty state with one action."""
    case_factory.out_of_budget(cases / "one")
    choices = [
        {"target_class": i, "nodes": [], "note": "no", "by": "", "time": "2026-01-01T00:00:00+00:00"} for i in range(4)
    ]
    (cases / "one" / "choices.json").write_text(json.dumps({"choices": choices}))
    at = open_case(PAGE, Case.open(cases / "one"))
    assert at.button(key="empty_action").label == "Change the settings in Selection"


def test_a_used_up_budget_stops_folders_and_nothing_else(cases: Path) -> None:
    """Images of the corpus were answered before; a folder would have to be asked about."""
    case = Case.open(case_factory.out_of_budget(cases / "one"))
    at = open_case(PAGE, case)
    assert metric(at, "Budget left") == "0"
    assert not at.button(key="clone_start").disabled
    at.selectbox(key="clone_folder_name").set_value("tiny").run()
    at.button(key="clone_folder_add").click().run()
    assert at.button(key="clone_start").disabled
    assert "The budget is used up" in said(at)


def test_a_suspect_with_one_class_cannot_be_copied(cases: Path) -> None:
    """Every network agrees with it: a sentence instead of a form."""
    case = Case.open(case_factory.big(cases / "one", 1, 20, images_per_leaf=3, n_views=1))
    at = open_case(PAGE, case)
    assert "only one class" in at.info[0].value
    assert "clone_start" not in {button.key for button in at.button}


def test_a_half_finished_case(cases: Path) -> None:
    """What is there can be trained from, and is called preliminary."""
    half = Case.open(case_factory.half_finished(cases / "half"))
    at = open_case(PAGE, half)
    assert "Preliminary" in at.warning[0].value
    assert at.button(key="clone_start")


def test_unsaved_settings_of_a_link_are_told(finished: Case) -> None:
    """Clones are drawn from what is saved, not from what a link shows."""
    assert "saved conclusions" in open_case(PAGE, finished, tau="0.9").warning[0].value


# Training, stopped


@pytest.mark.usefixtures("idle_workers")
def test_while_clones_train_their_curves_are_drawn(finished: Case) -> None:
    """A line for each that has begun, and every clone in the table with where it stands."""
    case_factory.add_clone(finished.folder, FOUND, run_id="found-1", stage="training", n_epochs=3, planned=9)
    case_factory.add_clone(finished.folder, RANDOM, run_id="random-1", stage="drawn", n_epochs=0, minute=1)
    JobQueue(finished.folder.parent).submit("clone", "colours", {})
    at = open_case(PAGE, finished)
    drawn = figures_by_key(at)
    assert [line["name"] for line in drawn["clone_loss_curves"]["data"] if "lines" in line["mode"]] == [
        "Found, two terms"
    ]
    assert len(drawn["clone_agreement_curves"]["data"][0]["x"]) == 3
    rows = table(at, "State")
    assert rows["State"].tolist() == ["training", "waiting"]
    assert rows["Epochs"].tolist() == ["3 of 9", "0 of 5"]
    assert "left for all clones" in said(at)


@pytest.mark.usefixtures("idle_workers")
def test_a_stopped_clone_can_go_on_or_be_kept_as_it_is(finished: Case) -> None:
    """Either hands over its id: with the settings changed since, its request would make another clone."""
    case_factory.add_clone(finished.folder, FOUND, run_id="found-1", stage="training", n_epochs=3, planned=9)
    at = open_case(PAGE, finished)
    at.button(key="clone_keep_best").click().run()
    job = newest(finished)
    assert (job.kind, job.params["run"]) == ("clone-finish", "found-1")
    JobQueue(finished.folder.parent).cancel(job.id)
    case = Case.open(case_factory.finished(finished.folder.parent / "other"))
    case_factory.add_clone(case.folder, FOUND, run_id="found-1", stage="training", n_epochs=3, planned=9)
    open_case(PAGE, case).button(key="clone_go_on").click().run()
    job = newest(case)
    assert (job.kind, job.params["runs"], job.params["evaluation"]) == ("clone-go-on", ["found-1"], "")


@pytest.mark.usefixtures("idle_workers")
def test_a_trained_clone_that_was_not_tested_is_finished_by_its_id(finished: Case) -> None:
    """There is nothing to train and nothing to keep any more."""
    case_factory.add_clone(finished.folder, FOUND, run_id="found-1", stage="trained")
    at = open_case(PAGE, finished)
    assert at.button(key="clone_go_on").label == "Test and export"
    assert "clone_keep_best" not in {button.key for button in at.button}
    at.button(key="clone_go_on").click().run()
    assert newest(finished).params["runs"] == ["found-1"]
    at = open_case(PAGE, finished)
    assert at.button(key="job_pause")


def test_a_clone_is_removed_after_a_question(cloned: Case) -> None:
    """Its folder goes, the others stay, and the audit log says so."""
    at = open_case(PAGE, cloned)
    assert at.selectbox(key="clone_chosen").value == "found-1"
    at.button(key="clone_remove_yes_found-1").click().run()
    assert not cloned.has("cloning/runs/found-1")
    assert cloned.has("cloning/runs/random-1/run.json")
    removed = [entry["details"]["clone"] for entry in cloned.audit() if entry["event"] == "clone removed"]
    assert removed == ["found-1"]
    assert "No clone from the found images is finished yet" in said(at)


def test_a_damaged_record_is_a_sentence_and_the_others_stay(cloned: Case) -> None:
    """It can be removed, whatever is in it."""
    cloned.write("cloning/runs/broken-1/run.json", b'{"id": ')
    at = open_case(PAGE, cloned)
    assert any("broken-1" in one.value.replace("\\", "") for one in at.warning)
    assert "agrees with the suspect on 7" in said(at)
    at.button(key="clone_remove_yes_broken-1").click().run()
    assert not at.warning
    assert not cloned.has("cloning/runs/broken-1")


def test_a_folder_that_no_clone_can_have_is_to_be_removed_by_hand(cloned: Case) -> None:
    """Nothing here removes what is not a clone's; the clones stay usable, and so do two names that differ little."""
    for name in ("a b", "odd-1", "odd_1"):
        cloned.write(f"cloning/runs/{name}/run.json", b"{}")
    at = open_case(PAGE, cloned)
    assert any("a b" in one.value for one in at.warning)
    removes = {button.key for button in at.button if button.key and button.key.startswith("clone_remove_yes_")}
    assert removes == {f"clone_remove_yes_{run_id}" for run_id in ("found-1", "odd-1", "odd_1")}
    assert "agrees with the suspect on 7" in said(at)
