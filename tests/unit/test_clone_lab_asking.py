"""What clones ask the suspect and what they are tested on: folders, budgets, evaluation sets, answers that are lost."""

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pytest
import tiny_world
from case_factory import FOUND, RANDOM
from lab_world import CLASS_FOLDERS, Stop, draw_folder, lab_of, requested, stop_when, train
from raising import raises

from fdcore.case.case import Case
from fdcore.case.clones import (
    answers_to_npz,
    left_out,
    read_answered_set,
    read_answers,
    read_comparison,
    read_evaluation_sets,
    read_runs,
    trained_on,
)
from fdcore.case.spending import budget_left, n_sent
from fdcore.cloning.run import CARD
from fdcore.cloning.settings import Source, SourceKind
from fdcore.errors import CaseError, SettingsError, SuspectError
from fdcore.work import clones
from fdcore.work.clones import Lab
from fdcore.work.clones.pictures import folder_pool
from fdcore.work.conclude import analyse


@pytest.mark.slow
def test_a_folder_is_asked_about_once_and_never_tested_on(case, tmp_path) -> None:
    """Pictures that are in the test set are not trained on; those that the case knows are not asked about again."""
    own = draw_folder(tmp_path / "own")
    test = draw_folder(tmp_path / "test", seed=10)
    for number, leaf in enumerate(tiny_world.LEAVES):  # pictures that the case was asked about already
        picture = case_factory.world().corpora / "tiny" / leaf / "0.png"
        shutil.copy(picture, own / "red" / f"known{number}.png")
    for name in CLASS_FOLDERS:  # and some that are tested on
        shutil.copy(test / name / "0.png", own / name / "tested.png")
    before = n_sent(case)
    source = Source(SourceKind.FOLDER, str(own), "similar")
    run = train(case, requested(source, evaluation=str(test)))[0]
    assert run.drawn.n_rows == 24 + 8
    assert n_sent(case) == before + 24 + 24  # of its own 24 pictures, and of the test's 24
    assert (run.n_sent, run.n_answers) == (24, 32)
    again = n_sent(case)
    train(case, requested(source, evaluation=str(test), epochs=1))
    assert n_sent(case) == again


def test_accuracy_is_measured_where_folders_are_the_classes(case, tmp_path) -> None:
    """Folders that are called as the classes are claimed give accuracy, the suspect's own beside it."""
    from fdcore.case.claims import write_claims
    from fdcore.words.claims import claims_from_list

    write_claims(case.folder, claims_from_list(["red", "green", "blue", "grey"], source="a test"))
    test = draw_folder(tmp_path / "test")
    train(case, requested(FOUND, evaluation=str(test)))
    facts = read_evaluation_sets(case)[0]
    assert (facts.labelled, facts.how, facts.n_images) == (True, "names", 24)
    evaluation = read_comparison(case, facts.key).columns[0].evaluation
    assert evaluation.suspect_accuracy_per_class()[0].value == 1
    assert evaluation.suspect_accuracy_per_class()[3].value == 0  # it never answers that class
    assert evaluation.suspect_accuracy.value == 0.75


def test_clones_are_tested_on_another_set_later(cloned, tmp_path) -> None:
    """A second evaluation set stands beside the first, over all finished clones."""
    with lab_of(cloned) as lab:
        key = clones.evaluate_clones(lab, str(draw_folder(tmp_path / "test")))
    assert len(read_evaluation_sets(cloned)) == 2
    assert len(read_comparison(cloned, key).columns) == 2
    card = cloned.path(f"cloning/runs/{read_runs(cloned)[0].id}/{CARD}").read_text()
    assert "test" in card


@pytest.mark.slow
def test_what_a_clone_was_trained_on_never_counts_in_its_test(case, tmp_path) -> None:
    """A test set that holds training pictures, found later or named as such, loses them, and it is said how many."""
    corpus = str(case_factory.world().corpora / "tiny")
    runs = train(case, requested(evaluation=corpus))
    key = read_evaluation_sets(case)[0].key
    comparison = read_comparison(case, key)
    trained = set().union(*(trained_on(case, run.id).tolist() for run in runs))
    assert comparison.n_images == 80 - len(trained)
    assert left_out(case, key) == len(trained)
    assert f"{len(trained)} pictures of the set are left out" in case.path("report.html").read_text()
    own = draw_folder(tmp_path / "own")
    source = Source(SourceKind.FOLDER, str(own))
    train(case, requested(source, evaluation=corpus))
    with lab_of(case) as lab:
        key = clones.evaluate_clones(lab, str(own))
    assert (read_comparison(case, key).n_images, left_out(case, key)) == (0, 24)


def test_damaged_answers_of_one_clone_spoil_no_other(cloned) -> None:
    """Cut, empty, of another kind, huge, with a class that there is not: left out, and testing again mends it."""
    runs = read_runs(cloned)
    key = read_evaluation_sets(cloned)[0].key
    path = cloned.path(f"cloning/runs/{runs[0].id}/answers/{key}.npz")
    whole, (ids, labels) = path.read_bytes(), read_answers(cloned, runs[0].id, key)
    bad = [whole[:200], b"PK", b"", _npy_with_shape(2**60), answers_to_npz(ids[:0], labels[:0]),
           answers_to_npz(ids, labels + 90)]  # fmt: skip
    for content in bad:
        path.write_bytes(content)
        assert [column.run.id for column in read_comparison(cloned, key).columns] == [runs[1].id]
        analyse(cloned.folder)
    train(cloned, requested())
    assert len(read_comparison(cloned, key).columns) == 1  # answers that can be read are not asked for again
    path.unlink()
    train(cloned, requested())
    np.testing.assert_array_equal(read_answers(cloned, runs[0].id, key)[1], labels)


def _npy_with_shape(n: int) -> bytes:
    """An archive whose arrays say that they are huge."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, dtype in (("image_ids", "<u8"), ("labels", "<i4")):
            array = io.BytesIO()
            np.lib.format.write_array_header_1_0(array, {"descr": dtype, "fortran_order": False, "shape": (n,)})
            archive.writestr(f"{name}.npy", array.getvalue())
    return buffer.getvalue()


def test_faults_that_can_be_known_cost_no_query(case, tmp_path) -> None:
    """An architecture that does not exist, a source that gives nothing, a budget that is too small altogether."""
    test = str(draw_folder(tmp_path / "test"))
    before = n_sent(case)
    with pytest.raises(SuspectError, match="No architecture"):
        train(case, requested(FOUND, evaluation=test, arch="nonsense"))
    own = Source(SourceKind.FOLDER, str(draw_folder(tmp_path / "own", seed=4)))
    plan = case.plan()
    case.change_plan(settings=replace(plan.settings, budget=before + 30))
    with raises(SettingsError, "budget exceeded", 48):
        train(case, requested(own, evaluation=test))
    assert n_sent(case) == before


@pytest.mark.slow
def test_scoring_keeps_within_what_clones_left_of_the_budget(tmp_path, cache) -> None:
    """Queries for clones count when the investigation asks more."""
    from fdcore.work.investigate import run_plan

    case = Case.open(case_factory.out_of_budget(tmp_path / "case"))
    budget = n_sent(case) + 40
    case.change_plan(settings=replace(case.plan().settings, budget=budget))
    source = Source(SourceKind.FOLDER, str(draw_folder(tmp_path / "own")))
    train(case, requested(source))
    run_plan(case.folder, cache=cache)
    assert n_sent(case) == budget


def test_folders_named_by_node_ids_are_classes_in_the_order_of_the_ids(case, tmp_path) -> None:
    """As training code numbers them, whatever their words are."""
    folder = tmp_path / "nodes"
    ids = ["n02123045", "n02690373", "n03100240", "n04285008"]
    for node in ids:
        shutil.copytree(case_factory.world().corpora / "tiny" / node, folder / node)
    train(case, requested(FOUND, evaluation=str(folder)))
    facts = next(one for one in read_evaluation_sets(case) if one.name == "nodes")
    answered = read_answered_set(case, facts.key)
    pool, _ = folder_pool(lab_of(case), str(folder), most=10_000, seed=0)
    names = [Path(name).parent.name for name in pool.names]
    assert facts.how == "order"
    assert answered.truth.tolist() == [ids.index(name) for name in names]


def test_the_budget_of_the_case_holds_for_clones_too(case, tmp_path) -> None:
    """What would go beyond it is refused before anything is sent."""
    plan = case.plan()
    case.change_plan(settings=replace(plan.settings, budget=n_sent(case) + 10))
    source = Source(SourceKind.FOLDER, str(draw_folder(tmp_path / "own")))
    with raises(SettingsError, "budget exceeded", "24 queries", "leaves 10"):
        train(case, requested(source))
    assert budget_left(case) == 10
    assert read_runs(case) == ()


def test_jacobian_rounds_are_counted_once(case) -> None:
    """Each round asks about made pictures; a run that is stopped after one and gone on with asks nothing twice."""
    before = n_sent(case)
    request = requested(FOUND, jacobian_rounds=1)
    asked = stop_when(lambda stage, done: "round" in stage and done > 0)
    with pytest.raises(Stop):
        train(case, request, asked)
    sent = n_sent(case) - before
    assert sent > 0
    run = train(case, request)[0]
    assert n_sent(case) - before == sent
    assert run.n_answers > run.drawn.n_answers


def test_the_cost_is_told_beforehand_and_nothing_is_written(case, tmp_path) -> None:
    """Sources of the corpus cost nothing, a folder at most its total, a test set at most what is tested on."""
    source = Source(SourceKind.FOLDER, str(draw_folder(tmp_path / "own")))
    cost = clones.clone_cost(case, requested(FOUND, source, total=50))
    assert cost.n_queries == 50
    assert cost.budget_left is None
    assert cost.drawn["two terms"].n_rows == 50
    assert not case.has("cloning")


def test_a_case_that_replays_answers_clones_from_its_corpus_only(case, tmp_path) -> None:
    """Without the suspect's file nothing new is asked; what was answered can still be trained on."""
    shutil.rmtree(case.path("evidence"))
    facts = case.read_json("case.json")
    facts.pop("evidence")
    case.write_json("case.json", facts)
    assert train(case, requested(FOUND))[0].finished
    source = Source(SourceKind.FOLDER, str(draw_folder(tmp_path / "own")))
    with raises(CaseError, "no suspect file"):
        train(case, requested(source))


def test_images_that_the_cache_lost_are_decoded_again(case, tmp_path) -> None:
    """With the corpus at hand nothing is missing; with other images in its place it is said."""
    with Lab(case, tmp_path / "empty") as lab:
        assert clones.clone(lab, requested(FOUND))[0].finished
    other = tmp_path / "tiny"
    shutil.copytree(case_factory.world().corpora / "tiny", other)
    (other / "n02690373" / "0.png").unlink()
    case.change_plan(corpora=(str(other),))
    with Lab(case, tmp_path / "third") as lab, raises(CaseError, "corpus changed"):
        clones.clone(lab, requested(FOUND, epochs=1))


@pytest.mark.slow
def test_a_finished_clone_needs_its_folder_no_more(case, tmp_path) -> None:
    """With the folder gone, another source can still be added to the same request."""
    own = draw_folder(tmp_path / "own")
    source = Source(SourceKind.FOLDER, str(own))
    first = train(case, requested(source))[0]
    shutil.rmtree(own)
    runs = train(case, requested(source, RANDOM))
    assert [run.finished for run in runs] == [True, True]
    assert runs[0].files == first.files


def test_a_removed_clone_leaves_its_answers(case, tmp_path) -> None:
    """What was asked stays counted; only a clone that is there can be removed."""
    source = Source(SourceKind.FOLDER, str(draw_folder(tmp_path / "own")))
    run = train(case, requested(source))[0]
    sent = n_sent(case)
    with Lab(case, case_factory.world().cache, by="somebody") as lab:
        clones.remove_clone(lab, run.id)
    removed = [entry["details"] for entry in case.audit() if entry["event"] == "clone removed"]
    assert removed == [{"clone": run.id, "by": "somebody"}]
    assert read_runs(case) == ()
    assert n_sent(case) == sent
    for name in (run.id, "..", "../../ledger", ""):
        with lab_of(case) as lab, raises(CaseError, "no such clone", repr(name)):
            clones.remove_clone(lab, name)
