"""The Clone page's results: how well clones copy, where they go astray, what can be taken away, and in which words."""

import io
import json
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pandas as pd
import pytest
from case_factory import FOUND, HELD_BACK, ONE_TERM, RANDOM, SIMILAR
from opening import open_case
from raising import raises
from reading import as_markdown, figures_by_key, metric, said, table

from fdcore.case.case import Case
from fdcore.case.claims import write_claims
from fdcore.case.clones import made_from_another_finding, read_runs
from fdcore.case.conclusions import read_choices, selection_settings
from fdcore.cloning.comparison import ALL, CLAIMED_NAMES, MEAN, Column, Comparison
from fdcore.cloning.evaluation import Evaluation
from fdcore.cloning.run import ClassTransfer, TransferFacts
from fdcore.cloning.settings import Source, SourceKind
from fdcore.errors import CaseError
from fdcore.jobs import JobQueue
from fdcore.report.figures.confusion import MAX_MATRIX
from fdcore.words.claims import claims_from_list
from ui.clone.one import reading
from ui.clone.results import judgement
from ui.clone.tables import (
    differences,
    plausible_seconds,
    rate_cell,
    run_titles,
    seconds_left,
    sentence,
    transfer_sets_to_csv,
    uneven,
    worst_pairs,
)

PAGE = "7_Clone"
HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) :material/home: $x$ **bold** " + "w" * 80


# Results


def measured(case: Case, run_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Suspect, clone and truth on the labelled set, read with NumPy alone."""
    suspect = np.load(case.path("cloning/asked/held/ledger/answers.npy"))[:, 0]
    with np.load(case.path(f"cloning/runs/{run_id}/answers/held.npz")) as content:
        clone = content["labels"]
    return suspect, clone, np.load(case.path("cloning/asked/held/truth.npy"))


def test_the_headline_says_how_well_and_how_much_better(cloned: Case) -> None:
    """Its numbers are those of the answers on disk, counted by NumPy."""
    at = open_case(PAGE, cloned)
    suspect, found, _ = measured(cloned, "found-1")
    random = measured(cloned, "random-1")[1]
    share, ahead = (suspect == found).mean(), (suspect == found).mean() - (suspect == random).mean()
    text = next(one.value for one in at.subheader).replace("\\", "")
    assert f"agrees with the suspect on {share * 100:.0f} % of 400 pictures" in text
    assert f"{round(100 * ahead)} percentage points more than one from random images" in text
    assert "The found images made a better clone than random ones" in said(at)


def test_table_5_has_a_column_for_each_source_and_switches_to_accuracy(cloned: Case) -> None:
    """In the paper's order, every cell as NumPy counts it, the suspect's own accuracy beside."""
    at = open_case(PAGE, cloned)
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


def test_the_table_ends_with_all_pictures_and_the_mean_and_says_whose_names_it_has(cloned: Case) -> None:
    """All pictures is the sentence's number; names are said to be claimed only where they are."""
    at = open_case(PAGE, cloned)
    rows = table(at, "The suspect's accuracy")
    assert rows["Class"].tolist()[-2:] == [ALL, MEAN]
    suspect, clone, _ = measured(cloned, "found-1")
    assert rows["Found, two terms"][4].strip().startswith(f"{(clone == suspect).mean() * 100:.1f} %")
    assert CLAIMED_NAMES not in said(at)
    write_claims(cloned.folder, claims_from_list(["umbrella"], source="a test"))
    at = open_case(PAGE, cloned)
    assert table(at, "The suspect's accuracy")["Class"][0] == "0 umbrella"
    assert said(at).count(CLAIMED_NAMES) == 2, "under the table, and above the matrix"


def test_a_clone_that_answers_with_one_class_is_warned_of(cloned: Case) -> None:
    """Beside the sentence, with what the suspect puts there."""
    assert "hardly tells classes apart" not in said(open_case(PAGE, cloned))
    path = cloned.path("cloning/runs/random-1/answers/held.npz")
    with np.load(path) as content:
        ids, labels = content["image_ids"], content["labels"]
    np.savez_compressed(path, image_ids=ids, labels=np.full_like(labels, 2))
    share = (measured(cloned, "random-1")[0] == 2).mean()
    assert (
        f"Random images: this clone puts 100 % of the pictures in class 2, where the suspect puts {100 * share:.0f} %"
    ) in said(open_case(PAGE, cloned))


def test_the_other_evaluation_set_can_be_looked_at(cloned: Case) -> None:
    """The held-back images of the corpus have no labels, so only agreement is offered, with a word of care."""
    at = open_case(PAGE, cloned)
    assert at.selectbox(key="clone_set").value == "held"
    at.selectbox(key="clone_set").set_value(HELD_BACK).run()
    assert "which favours clones from random images" in said(at)
    assert "Images of the corpus cannot decide this" in said(at)
    assert "made a better clone" not in said(at)
    assert not at.segmented_control


def test_pictures_that_a_clone_was_trained_on_are_left_out_and_said_to_be(finished: Case) -> None:
    """Of no clone here: then the number that is compared is the whole set's."""
    case_factory.add_labelled_set(finished.folder, "held")
    case_factory.add_clone(finished.folder, FOUND, run_id="found-1", sets=("held",))
    words = said(open_case(PAGE, finished))
    assert "400 pictures that all clones" in words
    assert "more pictures of the set" not in words
    own = range(10**6, 10**6 + 30)  # of the set's pictures
    case_factory.add_clone(finished.folder, SIMILAR, run_id="folder-1", minute=1, sets=("held",), image_ids=own)
    words = said(open_case(PAGE, finished))
    assert "370 pictures that all clones" in words
    assert "30 more pictures of the set are left out" in words


def test_a_clone_of_an_earlier_finding_is_said_to_be(cloned: Case) -> None:
    """Settings that were saved since change the finding; random images know none."""
    earlier = "made from an earlier finding"
    assert earlier not in said(open_case(PAGE, cloned))
    cloned.record(selection=replace(cloned.facts().selection, alpha=0.9))
    assert f"Found, two terms was {earlier}" in said(open_case(PAGE, cloned))


def test_a_corpus_that_grew_makes_another_finding(cloned: Case) -> None:
    """Of the three clones only the one of the finding is of an earlier one then."""
    settings, choices = selection_settings(cloned), read_choices(cloned)
    earlier = [run for run in read_runs(cloned) if made_from_another_finding(run, settings, choices, "grown")]
    assert [run.source.kind for run in earlier] == [SourceKind.FOUND]


def test_too_many_classes_for_a_matrix_are_a_sentence(cloned: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the page stays, the form with it."""
    monkeypatch.setattr("ui.clone.one.MAX_CONFUSION", 3)
    monkeypatch.setattr("ui.clone.page.MAX_CONFUSION", 3)
    at = open_case(PAGE, cloned)
    assert "4 classes; confused classes are shown for at most 3" in said(at)
    assert "clone_confusion" not in figures_by_key(at)
    assert at.button(key="clone_start")
    assert "Confusion matrix (HTML)" not in {one.proto.label for one in at.get("download_button")}


def test_where_a_clone_goes_astray_is_a_matrix_and_a_list(cloned: Case) -> None:
    """The most frequent confusion stands first, counted by brute force."""
    at = open_case(PAGE, cloned)
    suspect, clone, _ = measured(cloned, "found-1")
    counts = {(i, j): int(((suspect == i) & (clone == j)).sum()) for i in range(4) for j in range(4) if i != j}
    pairs = table(at, "The clone says")
    assert pairs["Pictures"].tolist() == sorted((n for n in counts.values() if n), reverse=True)
    assert "clone_confusion" in figures_by_key(at)
    assert "clone_density" not in figures_by_key(at)


def test_many_classes_are_a_density_and_a_list(cases: Path) -> None:
    """Figure 4 instead of a matrix that nobody could read."""
    case = Case.open(
        case_factory.big(cases / "many", MAX_MATRIX + 1, 150, images_per_leaf=4, n_views=1, analysed=False)
    )
    case_factory.add_labelled_set(case.folder, "held", n_images=1_000)
    for minute, (source, agreement) in enumerate([(RANDOM, 0.4), (FOUND, 0.7)]):
        case_factory.add_clone(case.folder, source, run_id=f"{source.kind}-1", agreement=agreement, total=505,
                               minute=minute, sets=("held",))  # fmt: skip
    drawn = figures_by_key(open_case(PAGE, case))
    assert "clone_confusion" not in drawn
    assert [line["name"].split(" (")[0] for line in drawn["clone_density"]["data"]] == [
        "Random images", "Found, two terms",
    ]  # fmt: skip


def test_clones_of_different_cost_are_drawn_by_it(cloned: Case) -> None:
    """Only then: with as many answers each, there is nothing to compare."""
    assert "clone_cost_chart" not in figures_by_key(open_case(PAGE, cloned))
    case_factory.add_clone(cloned.folder, FOUND, run_id="found-2", agreement=0.5, total=20, minute=9, sets=("held",))
    at = open_case(PAGE, cloned)
    assert "clone_cost_chart" in figures_by_key(at)
    assert "that of the clone from random images, takes" in said(at)
    assert {"Found, two terms, 40 images", "Found, two terms, 20 images"} <= set(table(at, "State")["Clone"])


def test_weights_network_and_card_can_be_taken_away(cloned: Case) -> None:
    """Of the clone that is looked at."""
    offered = {one.proto.label for one in open_case(PAGE, cloned).get("download_button")}
    assert {"Weights (safetensors)", "Network (ONNX)", "Model card (Markdown)"} <= offered


def test_a_file_that_is_gone_is_not_offered_and_one_that_goes_is_a_sentence(cloned: Case) -> None:
    """It is read when it is asked for, not before."""
    path = cloned.path("cloning/runs/found-1/clone.onnx")
    read = reading(path)
    content = path.read_bytes()
    assert read() == content
    path.unlink()
    with raises(CaseError, "file unreadable", path.name):
        read()
    offered = {one.proto.label for one in open_case(PAGE, cloned).get("download_button")}
    assert "Network (ONNX)" not in offered
    assert "Weights (safetensors)" in offered


def test_what_the_clones_are_made_of_can_be_taken_away(cloned: Case) -> None:
    """A row for each clone and class, as its record says."""
    runs = read_runs(cloned)
    rows = pd.read_csv(io.BytesIO(transfer_sets_to_csv(runs, run_titles(runs))))
    assert rows.groupby("clone")["n_rows"].sum().to_dict() == {run.id: run.drawn.n_rows for run in runs}
    assert (rows["n_rows"] == rows["n_images"] + rows["n_views"] + rows["n_filled"]).all()
    assert rows["target_class"].tolist() == [0, 1, 2, 3] * 3
    offered = {one.proto.label for one in open_case(PAGE, cloned).get("download_button")}
    assert "What the clones are made of (CSV)" in offered
    assert "Classes (CSV)" not in offered


def test_the_time_is_told_from_earlier_clones(cloned: Case) -> None:
    """As long as the same network with the same batches took for each image."""
    assert metric(open_case(PAGE, cloned), "Time").startswith("about ")


@pytest.mark.parametrize("more", [{"n_images": 0}, {"seconds": 1e308}, {"seconds": 0.0}])
def test_a_record_with_impossible_epochs_takes_nothing_with_it(cloned: Case, more: dict[str, float]) -> None:
    """Whether it is refused or read: the form is drawn, and tells no time that is none."""
    for path in cloned.path("cloning/runs").glob("*/run.json"):
        record = json.loads(path.read_text())
        record["history"] = [entry | more for entry in record["history"]]
        path.write_text(json.dumps(record))
    at = open_case(PAGE, cloned)
    assert metric(at, "Time") == "not known yet"
    assert at.button(key="clone_start")


@pytest.mark.usefixtures("idle_workers")
def test_clones_are_tested_on_another_folder(cloned: Case) -> None:
    """Its absolute path goes to a job; nothing can be started before one is chosen."""
    at = open_case(PAGE, cloned)
    assert at.button(key="clone_test").disabled
    at.selectbox(key="clone_more_set").set_value("tiny").run()
    at.button(key="clone_test").click().run()
    job = JobQueue(cloned.folder.parent).latest("colours")
    assert (job.kind, job.params["evaluation"]) == ("clone-test", str(case_factory.world().corpora / "tiny"))


def test_hostile_names_are_texts(finished: Case) -> None:
    """A folder, a label and a set whose names are markup change nothing on the page."""
    case_factory.add_labelled_set(finished.folder, "held", name=HOSTILE)
    hostile = Source(SourceKind.FOLDER, f"/x/{HOSTILE.replace('/', '')}")
    for minute, source in enumerate((hostile, FOUND, RANDOM)):
        case_factory.add_clone(finished.folder, source, run_id=f"r-{minute}", label=HOSTILE, minute=minute,
                               sets=("held",))  # fmt: skip
    at = open_case(PAGE, finished)
    shown = as_markdown(at)
    assert "<script>" not in shown
    assert "![x]" not in shown
    assert "<script" not in json.dumps(figures_by_key(at))


def test_a_finished_clone_puts_the_step_behind(cloned: Case, cases: Path) -> None:
    """The sidebar's mark follows the records; a damaged one counts for nothing."""
    from fdcore.case.casebook import Casebook

    book = Casebook(cases)
    case_factory.finished(cases / "none")
    Case.open(cases / "none").write("cloning/runs/broken-1/run.json", b"[")
    case_factory.add_clone(cases / "none", FOUND, run_id="found-1", stage="training")
    assert book.card("colours").cloned
    assert not book.card("none").cloned
    assert not book.card("none").problem


# Words


def compared(cases: Path, *clones: tuple[Source, float, dict]) -> Comparison:
    """Clones that agree with the first part of 200 pictures."""
    case = case_factory.finished(cases / f"words {len(list(cases.iterdir()))}")
    suspect = np.arange(200, dtype=np.int32) % 4
    columns = []
    for minute, (source, agreement, more) in enumerate(clones):
        run = case_factory.add_clone(case, source, run_id=f"r-{minute}", stage="training", minute=minute, **more)
        clone = np.where(np.arange(200) < 200 * agreement, suspect, (suspect + 1) % 4).astype(np.int32)
        columns.append(Column(run, Evaluation(4, suspect, clone, None)))
    return Comparison("set", 200, False, ("a", "b", "c", "d"), tuple(columns))


def test_the_headline_says_when_it_may_be_chance_and_when_random_is_better_or_missing(cases: Path) -> None:
    """An interval around 0 is no lead, a clone that is worse is called worse, and nobody is told more."""
    even = sentence(compared(cases, (FOUND, 0.5, {}), (RANDOM, 0.5, {})), "agreement")
    assert even.endswith("may be chance.")
    worse = sentence(compared(cases, (FOUND, 0.3, {}), (RANDOM, 0.6, {})), "agreement")
    assert "30 percentage points less than one from random images" in worse
    alone = sentence(compared(cases, (FOUND, 0.3, {})), "agreement")
    assert "Train one from random images too" in alone


def test_clones_that_were_made_differently_are_not_held_to_each_other_in_silence(cases: Path) -> None:
    """More images or epochs explain a part of a lead; a baseline made alike is preferred."""
    uneven = compared(cases, (FOUND, 0.7, {"total": 80}), (RANDOM, 0.5, {}))
    assert differences(uneven).startswith(
        "The one from the found images learned from 80 images of 4 classes, the one from random images from 40 of 4, "
    )
    judged = judgement(uneven, "agreement", of_corpus=False)
    assert judged
    assert judged.text == "Not a fair comparison yet"
    found, random = uneven.columns[1], uneven.columns[0]
    other = replace(found.run, training=replace(found.run.training, arch="lenet"))
    unlike = replace(uneven, columns=(random, replace(found, run=other)))
    assert "trained with different settings" in differences(unlike)


def test_what_was_drawn_decides_what_is_fair_and_not_what_was_wanted(cases: Path) -> None:
    """As many were asked for, but the found images were fewer; up to a tenth nothing is said."""
    even = compared(cases, (FOUND, 0.8, {}), (RANDOM, 0.5, {}))
    random, found = even.columns
    assert differences(even) == ""
    for n_rows, fair in ((36, True), (35, False)):
        drawn = TransferFacts((ClassTransfer(0, "boat", 10, n_rows, 0, 0),), n_rows, 0, ())
        fewer = replace(even, columns=(random, replace(found, run=replace(found.run, drawn=drawn))))
        judged = judgement(fewer, "agreement", of_corpus=False)
        assert judged
        assert (judged.text != "Not a fair comparison yet") == fair
        assert ("35 images of 1 class, the one from random images from 40 of 4" in differences(fewer)) != fair
        told = uneven({"found": drawn, "random": random.run.drawn})
        assert ("from 35 to 40 images" in told) != fair
    assert uneven({}) == ""


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
    folders = [Source(SourceKind.FOLDER, folder) for folder in ("/x/Class", "/x/one/pets", "/x/two/pets")]
    made = [
        case_factory.add_clone(finished.folder, source, run_id=run_id, total=80 if run_id == "b" else 40)
        for run_id, source in zip("abcdefgh", (FOUND, FOUND, RANDOM, SIMILAR, SIMILAR, *folders), strict=True)
    ]
    assert list(run_titles(made).values()) == [
        "Found, two terms, 40 images", "Found, two terms, 80 images", "Random images", "similar: caltech101, d",
        "similar: caltech101, e", "folder: Class", "folder: one/pets", "folder: two/pets",
    ]  # fmt: skip


def test_the_worst_pairs_are_the_largest_counts_off_the_diagonal() -> None:
    """Brute force; agreeing is no pair, and a limit keeps the largest."""
    counts = np.random.default_rng(0).integers(0, 50, (30, 30))
    pairs, n_pairs = worst_pairs(counts, limit=100)
    assert n_pairs == (counts - np.diag(np.diag(counts)) > 0).sum() > len(pairs) == 100
    expected = sorted((int(counts[i, j]) for i in range(30) for j in range(30) if i != j), reverse=True)[:100]
    assert [pair.n for pair in pairs] == expected
    assert all(pair.n == counts[pair.suspect, pair.clone] and pair.suspect != pair.clone for pair in pairs)
    assert pairs[0].share == pytest.approx(pairs[0].n / counts[pairs[0].suspect].sum())
    assert worst_pairs(np.eye(3, dtype=np.int64)) == ([], 0)


def test_the_time_left_is_that_of_all_unfinished_clones(finished: Case) -> None:
    """At the pace of each, or of the last that has one; nobody knows it before the first epoch."""
    folder = finished.folder
    begun = case_factory.add_clone(folder, FOUND, run_id="a", stage="training", n_epochs=2, planned=6)
    waiting = case_factory.add_clone(folder, RANDOM, run_id="b", stage="drawn", n_epochs=0, planned=6, held_out=0.0)
    done = case_factory.add_clone(folder, ONE_TERM, run_id="c")
    assert seconds_left([waiting]) is None
    assert seconds_left([done]) is None
    assert seconds_left([begun, done]) == pytest.approx(4 * 1.5)
    assert seconds_left([begun, waiting]) == pytest.approx(4 * 1.5 + 6 * 1.5)
    assert [plausible_seconds(one) for one in (0.0, 5.0, -1.0, 1e308, np.inf, np.nan)] == [0.0, 5.0, *[None] * 4]


def test_cells_sort_as_texts_in_the_order_of_their_rates() -> None:
    """A browser sorts them as texts."""
    from fdcore.cloning.evaluation import Rate

    rates = [Rate(value, 0.0, 1.0, 9) for value in (0.0, 0.05, 0.3, 0.999, 1.0)]
    cells = [rate_cell(rate) for rate in rates]
    assert sorted(cells) == cells
    assert rate_cell(None) == ""
