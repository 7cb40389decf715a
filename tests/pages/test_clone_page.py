"""The Clone page: what would be trained and what it costs, clones while they train, and how well they copy."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from opening import open_page
from streamlit.testing.v1 import AppTest

from fdcore.analysis import read_choices, selection_settings
from fdcore.case import Case
from fdcore.clone_runs import made_from_another_finding, read_runs
from fdcore.cloning.comparison import Column, Comparison
from fdcore.cloning.evaluation import Evaluation
from fdcore.cloning.settings import CloneRequest, Source, SourceKind
from fdcore.errors import CaseError
from fdcore.figures.confusion import MAX_MATRIX
from fdcore.jobs import JobQueue
from ui.clone.one import reading
from ui.clone.results import judgement
from ui.clone.sources import Folder
from ui.clone.tables import (
    differences,
    headline,
    rate_cell,
    run_titles,
    seconds_left,
    told_seconds,
    transfer_sets_to_csv,
    worst_pairs,
)

PAGE = "7_Clone"
FOUND, ONE_TERM, RANDOM = (Source(kind) for kind in (SourceKind.FOUND, SourceKind.ONE_TERM, SourceKind.RANDOM))
SIMILAR = Source(SourceKind.FOLDER, "/x/caltech101", "similar")
CORPUS = "corpus-0.1"
HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) :material/home: $x$ **bold** " + "w" * 80


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cases"
    folder.mkdir()
    monkeypatch.setenv("FDCORE_CASES", str(folder))
    monkeypatch.setenv("FDCORE_CORPORA", str(case_factory.world().corpora))
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def finished(cases: Path) -> Case:
    return Case.open(case_factory.finished(cases / "colours"))


@pytest.fixture
def cloned(finished: Case) -> Case:
    """Three finished clones, tested on a labelled set and on the corpus' held-back images."""
    case_factory.add_labelled_set(finished.folder, "held")
    for minute, (source, agreement) in enumerate([(RANDOM, 0.45), (SIMILAR, 0.35), (FOUND, 0.72)]):
        case_factory.add_clone(
            finished.folder, source, run_id=f"{source.kind}-1", agreement=agreement, minute=minute,
            sets=(CORPUS, "held"),
        )  # fmt: skip
    return finished


@pytest.fixture
def idle_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers that only sleep."""
    started: list[subprocess.Popen[bytes]] = []

    def sleep(_queue: JobQueue, _job: int) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(["sleep", "60"]))
        return started[-1]

    monkeypatch.setattr(JobQueue, "_spawn", sleep)
    yield
    for process in started:
        process.kill()


def open_case(case: Case, **parameters: str) -> AppTest:
    at = open_page(PAGE, case=case.folder.name, **parameters)
    assert not at.exception
    return at


def metric(at: AppTest, label: str) -> str:
    return next(m.value for m in at.metric if m.label == label)


def said(at: AppTest) -> str:
    """Everything that the page says."""
    parts = [*at.text, *at.caption, *at.markdown, *at.subheader, *at.warning, *at.error, *at.info]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")  # as it is read: Markdown's escapes go


def table(at: AppTest, column: str):
    """The first table that has this column."""
    return next(one.value for one in at.dataframe if column in one.value.columns)


def charts(at: AppTest) -> dict[str, dict]:
    """The figures by the end of their key."""
    return {one.proto.id.split("-")[-1]: json.loads(one.proto.spec) for one in at.get("plotly_chart")}


def newest(case: Case):
    return JobQueue(case.folder.parent).latest(case.folder.name)


# Before there is a clone


def test_no_case_leads_to_the_cases(cases: Path) -> None:
    """An empty state with one action."""
    at = open_page(PAGE)
    assert not at.exception
    assert at.button(key="empty_action").label == "Choose a case"


def test_two_terms_and_random_are_ready_to_be_trained(finished: Case) -> None:
    """What each gives stands in the table and adds up; nothing has to be sent; one click starts."""
    at = open_case(finished)
    assert (at.checkbox(key="clone_from_found").value, at.checkbox(key="clone_from_random").value) == (True, True)
    assert not at.checkbox(key="clone_from_one-term").value
    rows = table(at, "Found, two terms")
    total = int(rows["Found, two terms"].sum() + rows["Random images"].sum())
    assert metric(at, "Images in all") == f"{total:,}"
    assert metric(at, "Queries to send") == "0"
    n_answers = int((np.load(finished.path("ledger/answers.npy")) >= 0).sum())
    assert f"The finding itself cost {n_answers:,} answers of the suspect" in said(at)
    assert metric(at, "Time") == "not known yet"
    assert rows["Found, two terms"].tolist()[3] == 0
    assert "Not found and left out: class 3" in said(at)
    start = at.button(key="clone_start")
    assert (start.label, start.disabled) == ("Train 2 clones", False)


@pytest.mark.usefixtures("idle_workers")
def test_one_click_hands_the_choice_to_a_job(finished: Case) -> None:
    """Sources and settings as they stand in the form; then the work is shown, and no second can be started."""
    at = open_case(finished)
    at.checkbox(key="clone_from_one-term").check().run()
    at.number_input(key="clone_epochs").set_value(7)
    at.number_input(key="clone_total").set_value(60)
    at.text_input(key="clone_seed").set_value("3")
    at.selectbox(key="clone_not_found").set_value("random")
    at.selectbox(key="clone_uncertain").set_value("set aside").run()
    at.button(key="clone_start").click().run()
    assert not at.exception
    job = newest(finished)
    request = CloneRequest.from_dict(job.params["request"])
    assert job.kind == "clone"
    assert request.sources == (FOUND, ONE_TERM, RANDOM)
    assert (request.training.epochs, request.training.seed) == (7, 3)
    transfer = request.transfer
    assert (transfer.total, transfer.seed, transfer.not_found, transfer.uncertain) == (60, 3, "random", "set aside")
    at = open_case(finished)
    assert at.button(key="job_pause")
    assert at.button(key="job_cancel")
    assert at.button(key="clone_start").disabled


@pytest.mark.usefixtures("idle_workers")
def test_a_folder_is_a_source_with_its_role(finished: Case) -> None:
    """It costs queries, told beforehand; a path outside the corpora folders is refused with a sentence."""
    at = open_case(finished)
    at.selectbox(key="clone_folder_name").set_value("tiny")
    at.selectbox(key="clone_folder_role").set_value("similar").run()
    at.button(key="clone_folder_add").click().run()
    assert not at.exception
    assert metric(at, "Clones") == "3"
    assert metric(at, "Queries to send") == "up to 5,000"
    at.button(key="clone_start").click().run()
    folder = CloneRequest.from_dict(newest(finished).params["request"]).sources[-1]
    assert folder == Source(SourceKind.FOLDER, str(case_factory.world().corpora / "tiny"), "similar")


@pytest.mark.parametrize("path", ["../x", "/etc", "nothing"])
def test_a_folder_outside_is_refused(finished: Case, path: str) -> None:
    """Nothing is added, and the rest goes on; the same for one that was there when it was added."""
    at = open_case(finished)
    at.session_state["clone_folders"] = ("colours", [Folder(path, "similar")])
    at.run()
    assert not at.exception
    assert at.error
    assert at.button(key="clone_start").label == "Train 2 clones"


def test_nothing_found_leads_to_tau(cases: Path) -> None:
    """An empty finding is an empty state with one action."""
    case_factory.out_of_budget(cases / "one")
    choices = [
        {"target_class": i, "nodes": [], "note": "no", "by": "", "time": "2026-01-01T00:00:00+00:00"} for i in range(4)
    ]
    (cases / "one" / "choices.json").write_text(json.dumps({"choices": choices}))
    at = open_case(Case.open(cases / "one"))
    assert at.button(key="empty_action").label == "Change tau in Selection"


def test_a_used_up_budget_stops_folders_and_nothing_else(cases: Path) -> None:
    """Images of the corpus were answered before; a folder would have to be asked about."""
    case = Case.open(case_factory.out_of_budget(cases / "one"))
    at = open_case(case)
    assert metric(at, "Budget left") == "0"
    assert not at.button(key="clone_start").disabled
    at.selectbox(key="clone_folder_name").set_value("tiny").run()
    at.button(key="clone_folder_add").click().run()
    assert at.button(key="clone_start").disabled
    assert "The budget is used up" in said(at)


def test_a_suspect_with_one_class_cannot_be_copied(cases: Path) -> None:
    """Every network agrees with it: a sentence instead of a form."""
    case = Case.open(case_factory.big(cases / "one", 1, 20, images_per_leaf=3, n_views=1))
    at = open_case(case)
    assert "a single class" in at.info[0].value
    assert "clone_start" not in {button.key for button in at.button}


def test_half_finished_and_damaged_cases(cases: Path) -> None:
    """What is there can be trained from, and is called preliminary; what is broken is a sentence."""
    half = Case.open(case_factory.half_finished(cases / "half"))
    at = open_case(half)
    assert "Preliminary" in at.warning[0].value
    assert at.button(key="clone_start")
    case_factory.damaged(cases / "broken", "corpus.parquet")
    at = open_page(PAGE, case="broken")
    assert not at.exception
    assert "damaged" in at.error[0].value


def test_unsaved_settings_of_a_link_are_told(finished: Case) -> None:
    """Clones are drawn from what is saved, not from what a link shows."""
    assert "saved conclusions" in open_case(finished, tau="0.9").warning[0].value


# Training, stopped


@pytest.mark.usefixtures("idle_workers")
def test_while_clones_train_their_curves_are_drawn(finished: Case) -> None:
    """A line for each that has begun, and every clone in the table with where it stands."""
    case_factory.add_clone(finished.folder, FOUND, run_id="found-1", stage="training", n_epochs=3, planned=9)
    case_factory.add_clone(finished.folder, RANDOM, run_id="random-1", stage="drawn", n_epochs=0, minute=1)
    JobQueue(finished.folder.parent).submit("clone", "colours", {})
    at = open_case(finished)
    drawn = charts(at)
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
    at = open_case(finished)
    at.button(key="clone_keep_best").click().run()
    job = newest(finished)
    assert (job.kind, job.params["run"]) == ("clone-finish", "found-1")
    JobQueue(finished.folder.parent).cancel(job.id)
    case = Case.open(case_factory.finished(finished.folder.parent / "other"))
    case_factory.add_clone(case.folder, FOUND, run_id="found-1", stage="training", n_epochs=3, planned=9)
    open_case(case).button(key="clone_go_on").click().run()
    job = newest(case)
    assert (job.kind, job.params["runs"], job.params["evaluation"]) == ("clone-go-on", ["found-1"], "")


@pytest.mark.usefixtures("idle_workers")
def test_a_trained_clone_that_was_not_tested_is_finished_by_its_id(finished: Case) -> None:
    """There is nothing to train and nothing to keep any more."""
    case_factory.add_clone(finished.folder, FOUND, run_id="found-1", stage="trained")
    at = open_case(finished)
    assert at.button(key="clone_go_on").label == "Test and export it"
    assert "clone_keep_best" not in {button.key for button in at.button}
    at.button(key="clone_go_on").click().run()
    assert newest(finished).params["runs"] == ["found-1"]
    at = open_case(finished)
    assert at.button(key="job_pause")


def test_a_clone_is_removed_after_a_question(cloned: Case) -> None:
    """Its folder goes, the others stay, and the audit log says so."""
    at = open_case(cloned)
    assert at.selectbox(key="clone_chosen").value == "found-1"
    at.button(key="clone_remove_yes_found-1").click().run()
    assert not at.exception
    assert not cloned.has("cloning/runs/found-1")
    assert cloned.has("cloning/runs/random-1/run.json")
    removed = [entry["details"]["clone"] for entry in cloned.audit() if entry["event"] == "clone removed"]
    assert removed == ["found-1"]
    assert "No clone from the found images is finished yet" in said(at)


def test_a_damaged_record_is_a_sentence_and_the_others_stay(cloned: Case) -> None:
    """It can be removed, whatever is in it."""
    cloned.write("cloning/runs/broken-1/run.json", b'{"id": ')
    at = open_case(cloned)
    assert any("broken-1" in one.value.replace("\\", "") for one in at.warning)
    assert "agrees with the suspect on 7" in said(at)
    at.button(key="clone_remove_yes_broken-1").click().run()
    assert not at.exception
    assert not at.warning
    assert not cloned.has("cloning/runs/broken-1")


def test_a_folder_that_no_clone_can_have_is_to_be_removed_by_hand(cloned: Case) -> None:
    """Nothing here removes what is not a clone's; the clones stay usable, and so do two names that differ little."""
    for name in ("a b", "odd-1", "odd_1"):
        cloned.write(f"cloning/runs/{name}/run.json", b"{}")
    at = open_case(cloned)
    warning = next(one.value for one in at.warning if "a b" in one.value)
    assert "Remove it by hand" in warning
    removes = {button.key for button in at.button if button.key and button.key.startswith("clone_remove_yes_")}
    assert removes == {f"clone_remove_yes_{run_id}" for run_id in ("found-1", "odd-1", "odd_1")}
    assert "agrees with the suspect on 7" in said(at)


# Results


def measured(case: Case, run_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Suspect, clone and truth on the labelled set, read with NumPy alone."""
    suspect = np.load(case.path("cloning/asked/held/ledger/answers.npy"))[:, 0]
    with np.load(case.path(f"cloning/runs/{run_id}/answers/held.npz")) as content:
        clone = content["labels"]
    return suspect, clone, np.load(case.path("cloning/asked/held/truth.npy"))


def test_the_headline_says_how_well_and_how_much_better(cloned: Case) -> None:
    """Its numbers are those of the answers on disk, counted by NumPy."""
    at = open_case(cloned)
    suspect, found, _ = measured(cloned, "found-1")
    random = measured(cloned, "random-1")[1]
    share, ahead = (suspect == found).mean(), (suspect == found).mean() - (suspect == random).mean()
    text = next(one.value for one in at.subheader).replace("\\", "")
    assert f"agrees with the suspect on {share * 100:.0f} % of 400 pictures" in text
    assert f"{round(100 * ahead)} points more than one from random images" in text
    assert "The found images made a better clone than random ones" in said(at)


def test_table_5_has_a_column_for_each_source_and_switches_to_accuracy(cloned: Case) -> None:
    """In the paper's order, every cell as NumPy counts it, the suspect's own accuracy beside."""
    at = open_case(cloned)
    rows = table(at, "The suspect's accuracy")
    assert rows.columns.tolist()[1:] == [
        "The suspect's accuracy", "similar: caltech101", "Random images", "Found, two terms",
    ]  # fmt: skip
    suspect, clone, truth = measured(cloned, "found-1")
    for i in range(4):
        assert rows["Found, two terms"][i].strip().startswith(f"{(clone == suspect)[suspect == i].mean() * 100:.1f} %")
    at.segmented_control(key="clone_measure").set_value("accuracy").run()
    rows = table(at, "The suspect's accuracy")
    for i in range(4):
        assert rows["Found, two terms"][i].strip().startswith(f"{(clone == truth)[truth == i].mean() * 100:.1f} %")
        assert (
            rows["The suspect's accuracy"][i].strip().startswith(f"{(suspect == truth)[truth == i].mean() * 100:.1f}")
        )
    assert "is right about" in said(at)


def test_the_other_evaluation_set_can_be_looked_at(cloned: Case) -> None:
    """The held-back images of the corpus have no labels, so only agreement is offered, with a word of care."""
    at = open_case(cloned)
    assert at.selectbox(key="clone_set").value == "held"
    at.selectbox(key="clone_set").set_value(CORPUS).run()
    assert not at.exception
    assert "which favours clones from random images" in said(at)
    assert "Images of the corpus cannot decide it" in said(at)
    assert "made a better clone" not in said(at)
    assert not at.segmented_control


def test_pictures_that_a_clone_was_trained_on_are_left_out_and_said_to_be(finished: Case) -> None:
    """Of no clone here: then the number that is compared is the whole set's."""
    case_factory.add_labelled_set(finished.folder, "held")
    case_factory.add_clone(finished.folder, FOUND, run_id="found-1", sets=("held",))
    words = said(open_case(finished))
    assert "400 pictures that every clone here answered" in words
    assert "more pictures of the set" not in words
    own = range(10**6, 10**6 + 30)  # of the set's pictures
    case_factory.add_clone(finished.folder, SIMILAR, run_id="folder-1", minute=1, sets=("held",), image_ids=own)
    words = said(open_case(finished))
    assert "370 pictures that every clone here answered" in words
    assert "30 more pictures of the set are left out: a clone was trained on them" in words


def test_a_folder_called_random_is_not_the_random_source(finished: Case) -> None:
    """What is known of one is not said of the other."""
    (case_factory.world().corpora / "random").mkdir(exist_ok=True)
    at = open_case(finished)
    before = table(at, "Found, two terms")
    at.session_state["clone_folders"] = ("colours", [Folder("random", "")])
    at.run()
    assert not at.exception
    n_images = int(before["Found, two terms"].sum() + before["Random images"].sum())
    wanted = at.number_input(key="clone_total").value
    assert metric(at, "Clones") == "3"
    assert metric(at, "Images in all") == f"{n_images + wanted:,}"


def test_a_clone_of_an_earlier_finding_is_said_to_be(cloned: Case) -> None:
    """Settings that were saved since change the finding; random images know none."""
    earlier = "made from an earlier finding"
    assert earlier not in said(open_case(cloned))
    cloned.record(selection=cloned.facts()["selection"] | {"alpha": 0.9})
    assert f"Found, two terms was {earlier}" in said(open_case(cloned))


def test_a_corpus_that_grew_makes_another_finding(cloned: Case) -> None:
    """Of the three clones only the one of the finding is of an earlier one then."""
    settings, choices = selection_settings(cloned), read_choices(cloned)
    earlier = {
        run.source.kind for run in read_runs(cloned) if made_from_another_finding(run, settings, choices, "grown")
    }
    assert earlier == {SourceKind.FOUND}


def test_too_many_classes_for_a_matrix_are_a_sentence(cloned: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the page stays, the form with it."""
    monkeypatch.setattr("ui.clone.one.MAX_CONFUSION", 3)
    monkeypatch.setattr("ui.clone.page.MAX_CONFUSION", 3)
    at = open_case(cloned)
    assert "The suspect has 4 classes; which of them the clone confuses is shown for at most 3." in said(at)
    assert "clone_confusion" not in charts(at)
    assert at.button(key="clone_start")
    assert "Confusion matrix (HTML)" not in {one.proto.label for one in at.get("download_button")}


def test_where_a_clone_goes_astray_is_a_matrix_and_a_list(cloned: Case) -> None:
    """The most frequent confusion stands first, counted by brute force."""
    at = open_case(cloned)
    suspect, clone, _ = measured(cloned, "found-1")
    counts = {(i, j): int(((suspect == i) & (clone == j)).sum()) for i in range(4) for j in range(4) if i != j}
    pairs = table(at, "The clone says")
    assert pairs["Pictures"].tolist() == sorted((n for n in counts.values() if n), reverse=True)
    assert "clone_confusion" in charts(at)
    assert "clone_density" not in charts(at)


def test_many_classes_are_a_density_and_a_list(cases: Path) -> None:
    """Figure 4 instead of a matrix that nobody could read."""
    case = Case.open(case_factory.big(cases / "many", MAX_MATRIX + 1, 150, images_per_leaf=4, n_views=1))
    case_factory.add_labelled_set(case.folder, "held", n_images=1_000)
    for minute, (source, agreement) in enumerate([(RANDOM, 0.4), (FOUND, 0.7)]):
        case_factory.add_clone(case.folder, source, run_id=f"{source.kind}-1", agreement=agreement, total=505,
                               minute=minute, sets=("held",))  # fmt: skip
    drawn = charts(open_case(case))
    assert "clone_confusion" not in drawn
    assert [line["name"].split(" (")[0] for line in drawn["clone_density"]["data"]] == [
        "Random images", "Found, two terms",
    ]  # fmt: skip


def test_clones_of_different_cost_are_drawn_by_it(cloned: Case) -> None:
    """Only then: with as many answers each, there is nothing to compare."""
    assert "clone_cost_chart" not in charts(open_case(cloned))
    case_factory.add_clone(cloned.folder, FOUND, run_id="found-2", agreement=0.5, total=20, minute=9, sets=("held",))
    at = open_case(cloned)
    assert "clone_cost_chart" in charts(at)
    assert "as the clone from random images does, takes" in said(at)
    assert {"Found, two terms, 40 images", "Found, two terms, 20 images"} <= set(table(at, "State")["Clone"])


def test_weights_network_and_card_can_be_taken_away(cloned: Case) -> None:
    """Of the clone that is looked at."""
    offered = {one.proto.label for one in open_case(cloned).get("download_button")}
    assert {"Weights (safetensors)", "Network (ONNX)", "Model card (Markdown)"} <= offered


def test_a_file_that_is_gone_is_not_offered_and_one_that_goes_is_a_sentence(cloned: Case) -> None:
    """It is read when it is asked for, not before."""
    path = cloned.path("cloning/runs/found-1/clone.onnx")
    read = reading(path)
    content = path.read_bytes()
    assert read() == content
    path.unlink()
    with pytest.raises(CaseError, match="Draw the page anew"):
        read()
    offered = {one.proto.label for one in open_case(cloned).get("download_button")}
    assert "Network (ONNX)" not in offered
    assert "Weights (safetensors)" in offered


def test_what_the_clones_are_made_of_can_be_taken_away(cloned: Case) -> None:
    """A row for each clone and class, as its record says."""
    runs = read_runs(cloned)
    rows = pd.read_csv(io.BytesIO(transfer_sets_to_csv(runs, run_titles(runs))))
    assert rows.groupby("clone")["n_rows"].sum().to_dict() == {run.id: run.drawn.n_rows for run in runs}
    assert (rows["n_rows"] == rows["n_images"] + rows["n_views"] + rows["n_filled"]).all()
    assert rows["target_class"].tolist() == [0, 1, 2, 3] * 3
    offered = {one.proto.label for one in open_case(cloned).get("download_button")}
    assert "What the clones are made of (CSV)" in offered
    assert "Classes (CSV)" not in offered


def test_the_time_is_told_from_earlier_clones(cloned: Case) -> None:
    """As long as the same network with the same batches took for each image."""
    assert metric(open_case(cloned), "Time").startswith("about ")


@pytest.mark.parametrize("more", [{"n_images": 0}, {"seconds": 1e308}, {"seconds": 0.0}])
def test_a_record_with_impossible_epochs_takes_nothing_with_it(cloned: Case, more: dict[str, float]) -> None:
    """Whether it is refused or read: the form is drawn, and tells no time that is none."""
    for path in cloned.path("cloning/runs").glob("*/run.json"):
        record = json.loads(path.read_text())
        record["history"] = [entry | more for entry in record["history"]]
        path.write_text(json.dumps(record))
    at = open_case(cloned)
    assert metric(at, "Time") == "not known yet"
    assert at.button(key="clone_start")


@pytest.mark.usefixtures("idle_workers")
def test_clones_are_tested_on_another_folder(cloned: Case) -> None:
    """Its absolute path goes to a job; nothing can be started before one is chosen."""
    at = open_case(cloned)
    assert at.button(key="clone_test").disabled
    at.selectbox(key="clone_more_set").set_value("tiny").run()
    at.button(key="clone_test").click().run()
    job = newest(cloned)
    assert (job.kind, job.params["evaluation"]) == ("clone-test", str(case_factory.world().corpora / "tiny"))


def test_hostile_names_are_texts(finished: Case) -> None:
    """A folder, a label and a set whose names are markup change nothing on the page."""
    case_factory.add_labelled_set(finished.folder, "held", name=HOSTILE)
    hostile = Source(SourceKind.FOLDER, f"/x/{HOSTILE.replace('/', '')}")
    for minute, source in enumerate((hostile, FOUND, RANDOM)):
        case_factory.add_clone(finished.folder, source, run_id=f"r-{minute}", label=HOSTILE, minute=minute,
                               sets=("held",))  # fmt: skip
    at = open_case(finished)
    read_as_markdown = [*at.caption, *at.markdown, *at.subheader, *at.warning]
    assert not [one.value for one in read_as_markdown if "<script>" in one.value or "![x]" in one.value]
    assert "<script" not in json.dumps(charts(at))


def test_a_finished_clone_puts_the_step_behind(cloned: Case, cases: Path) -> None:
    """The sidebar's mark follows the records; a damaged one counts for nothing."""
    from fdcore.casebook import Casebook

    book = Casebook(cases)
    case_factory.finished(cases / "none")
    Case.open(cases / "none").write("cloning/runs/broken-1/run.json", b"[")
    case_factory.add_clone(cases / "none", FOUND, run_id="found-1", stage="training")
    assert book.card("colours").cloned
    assert not book.card("none").cloned
    assert not book.card("none").problem


_DRAWN = """
import sys
sys.path[:0] = ["tests", "tests/pages"]
from opening import open_page
at = open_page("7_Clone", case="colours")
assert not at.exception and len(at.get("plotly_chart")) >= 2, at.exception
print(*sorted({"torch", "umap", "gensim", "numba"} & set(sys.modules)))
"""


def test_drawing_the_page_never_loads_torch(cloned: Case) -> None:
    """Only jobs run networks."""
    done = subprocess.run([sys.executable, "-c", _DRAWN], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


# Words


def compared(cases: Path, *clones: tuple[Source, float, dict]) -> Comparison:
    """Clones that agree with the first part of 200 pictures."""
    case = case_factory.finished(cases / "words")
    suspect = np.arange(200, dtype=np.int32) % 4
    columns = []
    for minute, (source, agreement, more) in enumerate(clones):
        run = case_factory.add_clone(case, source, run_id=f"r-{minute}", stage="training", minute=minute, **more)
        clone = np.where(np.arange(200) < 200 * agreement, suspect, (suspect + 1) % 4).astype(np.int32)
        columns.append(Column(run, Evaluation(4, suspect, clone, None)))
    return Comparison("set", 200, False, ("a", "b", "c", "d"), tuple(columns))


def test_the_headline_says_when_it_may_be_chance(cases: Path) -> None:
    """An interval around 0 is no lead, and a clone that is worse is called worse."""
    even = headline(compared(cases, (FOUND, 0.5, {}), (RANDOM, 0.5, {})), "agreement")
    assert even.endswith("that may be chance.")


def test_the_headline_says_when_random_is_better_or_missing(cases: Path, tmp_path: Path) -> None:
    """Nobody is told more than was measured."""
    (tmp_path / "other").mkdir()
    worse = headline(compared(cases, (FOUND, 0.3, {}), (RANDOM, 0.6, {})), "agreement")
    assert "30 points less than one from random images" in worse
    alone = headline(compared(tmp_path / "other", (FOUND, 0.3, {})), "agreement")
    assert "Train one from random images too" in alone


def test_clones_that_were_made_differently_are_not_held_to_each_other_in_silence(cases: Path) -> None:
    """More images or epochs explain a part of a lead; a baseline made alike is preferred."""
    uneven = compared(cases, (FOUND, 0.7, {"total": 80}), (RANDOM, 0.5, {}))
    assert "not made alike" in differences(uneven)
    judged = judgement(uneven, "agreement", of_corpus=False)
    assert judged
    assert judged.said == "Not a fair comparison yet"


@pytest.mark.parametrize(
    ("found", "random", "color"), [(0.8, 0.5, "green"), (0.5, 0.5, "orange"), (0.3, 0.6, "orange")]
)
def test_only_a_shown_lead_outside_the_corpus_is_green(cases: Path, found: float, random: float, color: str) -> None:
    """Whatever the lead, images of the corpus decide nothing; without random images nothing is judged."""
    held = compared(cases, (FOUND, found, {}), (RANDOM, random, {}))
    judged = judgement(held, "agreement", of_corpus=False)
    on_corpus = judgement(held, "agreement", of_corpus=True)
    assert judged
    assert on_corpus
    assert (judged.color, on_corpus.color) == (color, "gray")
    alone = replace(held, columns=held.columns[-1:])
    assert judgement(alone, "agreement", of_corpus=False) is None


def test_titles_tell_clones_apart_by_what_differs(finished: Case) -> None:
    """Only by that; and by their ids where nothing else does."""
    made = [
        case_factory.add_clone(finished.folder, FOUND, run_id="a", total=40),
        case_factory.add_clone(finished.folder, FOUND, run_id="b", total=80),
        case_factory.add_clone(finished.folder, RANDOM, run_id="c"),
        case_factory.add_clone(finished.folder, SIMILAR, run_id="d"),
        case_factory.add_clone(finished.folder, SIMILAR, run_id="e"),
        *(
            case_factory.add_clone(finished.folder, Source(SourceKind.FOLDER, folder), run_id=run_id)
            for run_id, folder in (("f", "/x/Class"), ("g", "/x/one/pets"), ("h", "/x/two/pets"))
        ),
    ]
    assert run_titles(made) == {
        "a": "Found, two terms, 40 images",
        "b": "Found, two terms, 80 images",
        "c": "Random images",
        "d": "similar: caltech101, d",
        "e": "similar: caltech101, e",
        "f": "folder: Class",
        "g": "folder: one/pets",
        "h": "folder: two/pets",
    }


def test_the_worst_pairs_are_the_largest_counts_off_the_diagonal() -> None:
    """Brute force; agreeing is no pair, and a limit keeps the largest."""
    counts = np.random.default_rng(0).integers(0, 50, (30, 30))
    pairs = worst_pairs(counts, limit=100)
    expected = sorted((int(counts[i, j]) for i in range(30) for j in range(30) if i != j), reverse=True)[:100]
    assert [pair.n for pair in pairs] == expected
    assert all(pair.n == counts[pair.suspect, pair.clone] and pair.suspect != pair.clone for pair in pairs)
    assert pairs[0].share == pytest.approx(pairs[0].n / counts[pairs[0].suspect].sum())
    assert worst_pairs(np.eye(3, dtype=np.int64)) == []


def test_the_time_left_is_that_of_all_unfinished_clones(finished: Case) -> None:
    """At the pace of each, or of the last that has one; nobody knows it before the first epoch."""
    begun = case_factory.add_clone(
        finished.folder, FOUND, run_id="a", stage="training", n_epochs=2, planned=6, total=40
    )
    waiting = case_factory.add_clone(
        finished.folder, RANDOM, run_id="b", stage="drawn", n_epochs=0, planned=6, total=40, held_out=0.0
    )
    done = case_factory.add_clone(finished.folder, ONE_TERM, run_id="c")
    assert seconds_left([waiting]) is None
    assert seconds_left([done]) is None
    assert seconds_left([begun, done]) == pytest.approx(4 * 1.5)
    assert seconds_left([begun, waiting]) == pytest.approx(4 * 1.5 + 6 * 1.5)
    assert [told_seconds(seconds) for seconds in (0.0, 5.0, -1.0, 1e308, np.inf, np.nan)] == [0.0, 5.0, *[None] * 4]


def test_cells_sort_as_texts_in_the_order_of_their_rates() -> None:
    """A browser sorts them as texts."""
    from fdcore.cloning.evaluation import Rate

    rates = [Rate(value, 0.0, 1.0, 9) for value in (0.0, 0.05, 0.3, 0.999, 1.0)]
    cells = [rate_cell(rate) for rate in rates]
    assert sorted(cells) == cells
    assert rate_cell(None) == ""
