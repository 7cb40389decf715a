"""The clone lab in a case: drawn, asked, trained, tested, kept; stopped and gone on with; refused in a sentence."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pytest
import tiny_world
from PIL import Image

from fdcore import clone_lab
from fdcore.case import Case
from fdcore.clone_lab.drawing import SAME_FINDING, run_id
from fdcore.clone_runs import (
    answers_to_npz,
    damaged_runs,
    last_request,
    left_out,
    read_answered_set,
    read_answers,
    read_comparison,
    read_evaluation_sets,
    read_run,
    read_runs,
    trained_on,
)
from fdcore.cloning.run import CARD, CHECKPOINT, NETWORK, WEIGHTS
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.errors import CaseError, EvidenceError, SettingsError, StorageError, SuspectError
from fdcore.plan import change_plan, plan_of
from fdcore.progress import Progress, silent
from fdcore.results import analyse
from fdcore.spending import budget_left, n_sent
from fdcore.suspect.open import open_suspect

FOUND, ONE_TERM, RANDOM = (Source(kind) for kind in (SourceKind.FOUND, SourceKind.ONE_TERM, SourceKind.RANDOM))
TRAINING = TrainingSettings(arch="resnet20", epochs=3, batch_size=16, learning_rate=0.02)
CLASS_FOLDERS = {"red": (200, 40, 40), "green": (40, 190, 60), "blue": (50, 50, 200), "grey": (90, 90, 90)}


class Stop(BaseException):
    """What stands for a pause."""


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.open(case_factory.finished(tmp_path / "case"))


@pytest.fixture
def cache() -> Path:
    return case_factory.world().cache


def _request(*sources: Source, evaluation: str = "", total: int = 60, **training: object) -> CloneRequest:
    settings = replace(TRAINING, **training)  # type: ignore[arg-type]  # given by name
    return CloneRequest(sources or (FOUND, RANDOM), TransferSettings(total=total, reserved=0.2), settings, evaluation)


def _draw_folder(folder: Path, *, per_class: int = 6, seed: int = 9) -> Path:
    """Labelled pictures of the tiny suspect's own domain; "grey" is none of its classes."""
    rng = np.random.default_rng(seed)
    for name, colour in CLASS_FOLDERS.items():
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            noise = rng.normal(0, 20, (tiny_world.SIZE, tiny_world.SIZE, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def _hash(case: Case, run: str) -> str:
    return hashlib.sha256(case.path(f"cloning/runs/{run}/{WEIGHTS}").read_bytes()).hexdigest()


def _stop_when(condition: Callable[[str, int], bool]) -> Progress:
    def progress(stage: str, done: int, _total: int) -> None:
        if condition(stage, done):
            raise Stop

    return progress


def test_clones_of_the_corpus_cost_no_query_and_are_compared_on_images_that_were_held_back(case, cache) -> None:
    """Found and random images were asked about before, and what is tested on was never trained on."""
    before = n_sent(case)
    runs = clone_lab.clone(case.folder, _request(), cache=cache)
    assert n_sent(case) == before
    assert [run.stage for run in runs] == ["done", "done"]
    facts = read_evaluation_sets(case)[0]
    comparison = read_comparison(case, facts.key)
    assert [column.run.source.name for column in comparison.columns] == ["random", "two terms"]
    assert 0 < comparison.n_images < 80
    import pandas as pd

    held_back = {f"{image:016x}" for image in _ids(case, runs[0].id, facts.key)}
    for run in runs:
        taken = pd.read_parquet(case.path(f"cloning/runs/{run.id}/transfer.parquet"))
        assert len(taken) == run.drawn.n_rows
        assert not held_back & set(taken["image"])


def _ids(case: Case, run: str, key: str) -> list[int]:
    ids: list[int] = read_answers(case, run, key)[0].tolist()
    return ids


def test_what_is_finished_is_not_trained_again(case, cache) -> None:
    """The same request finds its clones, and the audit log says once that each was finished."""
    clone_lab.clone(case.folder, _request(), cache=cache)
    stamps = {run.id: case.path(f"cloning/runs/{run.id}/{WEIGHTS}").stat().st_mtime_ns for run in read_runs(case)}
    clone_lab.clone(case.folder, _request(), cache=cache)
    assert {run: case.path(f"cloning/runs/{run}/{WEIGHTS}").stat().st_mtime_ns for run in stamps} == stamps
    assert sum(entry["event"] == "clone finished" for entry in case.audit()) == 2


def test_a_clone_can_be_taken_away_and_answers_as_it_did(case, cache) -> None:
    """The exported network, opened like any suspect, gives the answers that it was tested with; hashes are logged."""
    run = clone_lab.clone(case.folder, _request(FOUND), cache=cache)[0]
    place = case.path(f"cloning/runs/{run.id}")
    for name in (WEIGHTS, NETWORK, CARD):
        assert run.files[name] == hashlib.sha256((place / name).read_bytes()).hexdigest()
    assert next(e for e in case.audit() if e["event"] == "clone finished")["details"]["files"] == run.files
    facts = read_evaluation_sets(case)[0]
    evaluation = read_comparison(case, facts.key).columns[0].evaluation
    exported = open_suspect(place / NETWORK, preset="unit", spec_overrides={"height": 12, "width": 12})
    from fdcore.clone_lab.asking import corpus_pixels

    answered = read_answered_set(case, facts.key)
    order = np.argsort(answered.image_ids)
    pictures = np.ascontiguousarray(corpus_pixels(case, cache)[answered.images[order]])
    np.testing.assert_array_equal(exported.labels(pictures), evaluation.clone)


def test_a_stopped_training_goes_on_to_the_same_weights(case, cache, tmp_path) -> None:
    """Stopped in the second epoch and gone on with, it ends where an uninterrupted one does; its curve has no gap."""
    other = Case.open(shutil.copytree(case.folder, tmp_path / "other"))
    request = _request(FOUND)
    with pytest.raises(Stop):
        clone_lab.clone(case.folder, request, cache=cache, progress=_stop_in_epoch(case, 2))
    stopped = read_runs(case)[0]
    assert (stopped.stage, len(stopped.history)) == ("training", 1)
    run = clone_lab.clone(case.folder, request, cache=cache)[0]
    straight = clone_lab.clone(other.folder, request, cache=cache)[0]
    assert [one.epoch for one in run.history] == [1, 2, 3]
    assert [one[:4] for one in run.history] == [one[:4] for one in straight.history]
    assert _hash(case, run.id) == _hash(other, straight.id)
    assert not case.has(f"cloning/runs/{run.id}/{CHECKPOINT}")


def _stop_in_epoch(case: Case, epoch: int) -> Progress:
    """A pause as soon as the record says that the epoch before is over."""
    return _stop_when(
        lambda stage, _done: (
            stage.startswith("Training") and any(len(run.history) >= epoch - 1 for run in read_runs(case))
        )
    )


def test_the_best_so_far_can_be_kept(case, cache) -> None:
    """A stopped clone is ended by hand: tested, exported, and said to be."""
    with pytest.raises(Stop):
        clone_lab.clone(case.folder, _request(FOUND, epochs=9), cache=cache, progress=_stop_in_epoch(case, 3))
    run = clone_lab.finish_clone(case.folder, read_runs(case)[0].id, cache=cache)
    assert run.finished
    assert "by hand after 2 of 9 epochs" in run.stopped_early
    assert read_comparison(case, read_evaluation_sets(case)[0].key).columns[0].run.id == run.id


def test_a_clone_that_was_never_trained_has_no_best(case, cache) -> None:
    """Stopped before its first epoch ended, it can be gone on with, and not be kept."""
    with pytest.raises(Stop):
        clone_lab.clone(case.folder, _request(FOUND), cache=cache, progress=_stop_when(lambda s, _: "Training" in s))
    with pytest.raises(CaseError, match="not trained for a single epoch"):
        clone_lab.finish_clone(case.folder, read_runs(case)[0].id, cache=cache)


def test_a_folder_is_asked_about_once_and_never_tested_on(case, cache, tmp_path) -> None:
    """Pictures that are in the test set are not trained on; those that the case knows are not asked about again."""
    own = _draw_folder(tmp_path / "own")
    test = _draw_folder(tmp_path / "test", seed=10)
    for number, leaf in enumerate(tiny_world.LEAVES):  # pictures that the case was asked about already
        picture = case_factory.world().corpora / "tiny" / leaf / "0.png"
        shutil.copy(picture, own / "red" / f"known{number}.png")
    for name in CLASS_FOLDERS:  # and some that are tested on
        shutil.copy(test / name / "0.png", own / name / "tested.png")
    before = n_sent(case)
    source = Source(SourceKind.FOLDER, str(own), "similar")
    run = clone_lab.clone(case.folder, _request(source, evaluation=str(test)), cache=cache)[0]
    assert run.drawn.n_rows == 24 + 8
    assert n_sent(case) == before + 24 + 24  # of its own 24 pictures, and of the test's 24
    assert (run.n_sent, run.n_answers) == (24, 32)
    again = n_sent(case)
    clone_lab.clone(case.folder, _request(source, evaluation=str(test), epochs=2), cache=cache)
    assert n_sent(case) == again


def test_accuracy_is_measured_where_folders_are_the_classes(case, cache, tmp_path) -> None:
    """Folders that are called as the classes are claimed give accuracy, the suspect's own beside it."""
    from fdcore.claims import claims_from_list, write_claims

    write_claims(case.folder, claims_from_list(["red", "green", "blue", "grey"], source="a test"))
    test = _draw_folder(tmp_path / "test")
    clone_lab.clone(case.folder, _request(FOUND, evaluation=str(test)), cache=cache)
    facts = read_evaluation_sets(case)[0]
    assert (facts.labelled, facts.how, facts.n_images) == (True, "names", 24)
    evaluation = read_comparison(case, facts.key).columns[0].evaluation
    assert evaluation.suspect_accuracy_per_class()[0].value == 1
    assert evaluation.suspect_accuracy_per_class()[3].value == 0  # it never answers that class
    assert evaluation.suspect_accuracy.value == 0.75


def test_clones_are_tested_on_another_set_later(case, cache, tmp_path) -> None:
    """A second evaluation set stands beside the first, over all finished clones."""
    clone_lab.clone(case.folder, _request(), cache=cache)
    key = clone_lab.evaluate_clones(case.folder, str(_draw_folder(tmp_path / "test")), cache=cache)
    assert len(read_evaluation_sets(case)) == 2
    assert len(read_comparison(case, key).columns) == 2
    card = case.path(f"cloning/runs/{read_runs(case)[0].id}/{CARD}").read_text()
    assert "test" in card


def test_what_a_clone_was_trained_on_never_counts_in_its_test(case, cache, tmp_path) -> None:
    """A test set that holds training pictures, found later or named as such, loses them, and it is said how many."""
    corpus = str(case_factory.world().corpora / "tiny")
    runs = clone_lab.clone(case.folder, _request(evaluation=corpus), cache=cache)
    key = read_evaluation_sets(case)[0].key
    comparison = read_comparison(case, key)
    trained = set().union(*(trained_on(case, run.id).tolist() for run in runs))
    assert comparison.n_images == 80 - len(trained)
    assert left_out(case, key) == len(trained)
    assert f"{len(trained)} pictures of the set are left out" in case.path("report.html").read_text()
    own = _draw_folder(tmp_path / "own")
    source = Source(SourceKind.FOLDER, str(own))
    clone_lab.clone(case.folder, _request(source, evaluation=corpus), cache=cache)
    key = clone_lab.evaluate_clones(case.folder, str(own), cache=cache)
    assert (read_comparison(case, key).n_images, left_out(case, key)) == (0, 24)


def test_damaged_answers_of_one_clone_spoil_no_other(case, cache) -> None:
    """Cut, empty, of another kind, huge, with a class that there is not: left out, and testing again mends it."""
    runs = clone_lab.clone(case.folder, _request(), cache=cache)
    key = read_evaluation_sets(case)[0].key
    path = case.path(f"cloning/runs/{runs[0].id}/answers/{key}.npz")
    whole, (ids, labels) = path.read_bytes(), read_answers(case, runs[0].id, key)
    bad = [whole[:200], b"PK", b"", _npy_with_shape(2**60), answers_to_npz(ids[:0], labels[:0]),
           answers_to_npz(ids, labels + 90)]  # fmt: skip
    for content in bad:
        path.write_bytes(content)
        assert [column.run.id for column in read_comparison(case, key).columns] == [runs[1].id]
        analyse(case.folder)
    clone_lab.clone(case.folder, _request(), cache=cache)
    assert len(read_comparison(case, key).columns) == 1  # answers that can be read are not asked for again
    path.unlink()
    clone_lab.clone(case.folder, _request(), cache=cache)
    np.testing.assert_array_equal(read_answers(case, runs[0].id, key)[1], labels)


def _npy_with_shape(n: int) -> bytes:
    """An archive whose arrays say that they are huge."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, dtype in (("image_ids", "<u8"), ("labels", "<i4")):
            array = io.BytesIO()
            np.lib.format.write_array_header_1_0(array, {"descr": dtype, "fortran_order": False, "shape": (n,)})
            archive.writestr(f"{name}.npy", array.getvalue())
    return buffer.getvalue()


def test_a_changed_export_is_not_taken_for_the_clone(case, cache) -> None:
    """Weights or network that somebody changed are refused, and their recorded hashes stay."""
    run = clone_lab.clone(case.folder, _request(FOUND), cache=cache)[0]
    for name in (NETWORK, WEIGHTS):
        path = case.path(f"cloning/runs/{run.id}/{name}")
        whole = path.read_bytes()
        path.write_bytes(b"evil")
        with pytest.raises(EvidenceError, match="changed since"):
            clone_lab.clone(case.folder, _request(FOUND), cache=cache)
        path.write_bytes(whole)
    assert read_run(case, run.id).files == run.files
    assert clone_lab.clone(case.folder, _request(FOUND), cache=cache)[0].files == run.files


def test_a_stopped_clone_goes_on_although_the_settings_changed(case, cache) -> None:
    """Whether by the same request or by its id, and on whatever device is there now."""
    request = _request(FOUND)
    with pytest.raises(Stop):
        clone_lab.clone(case.folder, request, cache=cache, progress=_stop_in_epoch(case, 2))
    stopped = read_runs(case)[0]
    case.record(selection=case.facts()["selection"] | {"alpha": 0.2})
    again = clone_lab.clone(case.folder, request, cache=cache)[0]
    assert (again.id, len(again.history), len(read_runs(case))) == (stopped.id, 3, 1)
    with pytest.raises(Stop):
        clone_lab.clone(case.folder, _request(RANDOM), cache=cache, progress=_stop_when(lambda s, _: "Training" in s))
    other = next(run for run in read_runs(case) if run.id != stopped.id)
    assert clone_lab.go_on(case.folder, [other.id], cache=cache)[0].finished


def test_a_device_that_is_not_there_does_not_stick(case, cache) -> None:
    """Refused before anything is written; the next request takes another one."""
    with pytest.raises(SettingsError, match="no device"):
        clone_lab.clone(case.folder, _request(FOUND, device="cuda:5"), cache=cache)
    assert read_runs(case) == ()
    assert clone_lab.clone(case.folder, _request(FOUND, device="cpu"), cache=cache)[0].finished


def test_faults_that_can_be_known_cost_no_query(case, cache, tmp_path) -> None:
    """An architecture that does not exist, a source that gives nothing, a budget that is too small altogether."""
    test = str(_draw_folder(tmp_path / "test"))
    before = n_sent(case)
    with pytest.raises(SuspectError, match="No architecture"):
        clone_lab.clone(case.folder, _request(FOUND, evaluation=test, arch="nonsense"), cache=cache)
    own = Source(SourceKind.FOLDER, str(_draw_folder(tmp_path / "own", seed=4)))
    plan = plan_of(case)
    change_plan(case, settings=replace(plan.settings, budget=before + 30))
    with pytest.raises(SettingsError, match="needs 48 queries"):
        clone_lab.clone(case.folder, _request(own, evaluation=test), cache=cache)
    assert n_sent(case) == before


def test_scoring_keeps_within_what_clones_left_of_the_budget(tmp_path, cache) -> None:
    """Queries for clones count when the investigation asks more."""
    from fdcore.pipeline import run_plan

    case = Case.open(case_factory.out_of_budget(tmp_path / "case"))
    budget = n_sent(case) + 40
    change_plan(case, settings=replace(plan_of(case).settings, budget=budget))
    source = Source(SourceKind.FOLDER, str(_draw_folder(tmp_path / "own")))
    clone_lab.clone(case.folder, _request(source), cache=cache)
    run_plan(case.folder, cache=cache)
    assert n_sent(case) == budget


def test_folders_named_by_node_ids_are_classes_in_the_order_of_the_ids(case, cache, tmp_path) -> None:
    """As training code numbers them, whatever their words are."""
    folder = tmp_path / "nodes"
    ids = ["n02123045", "n02690373", "n03100240", "n04285008"]
    for node in ids:
        shutil.copytree(case_factory.world().corpora / "tiny" / node, folder / node)
    clone_lab.clone(case.folder, _request(FOUND, evaluation=str(folder)), cache=cache)
    facts = next(one for one in read_evaluation_sets(case) if one.name == "nodes")
    answered = read_answered_set(case, facts.key)
    names = [Path(name).parent.name for name in _names(case, folder, cache)]
    assert facts.how == "order"
    assert answered.truth.tolist() == [ids.index(name) for name in names]


def _names(case: Case, folder: Path, cache: Path) -> tuple[str, ...]:
    from fdcore.clone_lab.asking import open_folder

    return open_folder(case, str(folder), most=10_000, seed=0, cache=cache, progress=silent).store.names


def test_the_budget_of_the_case_holds_for_clones_too(case, cache, tmp_path) -> None:
    """What would go beyond it is refused before anything is sent."""
    plan = plan_of(case)
    change_plan(case, settings=replace(plan.settings, budget=n_sent(case) + 10))
    source = Source(SourceKind.FOLDER, str(_draw_folder(tmp_path / "own")))
    with pytest.raises(SettingsError, match="needs 24 queries, and the case's budget leaves 10"):
        clone_lab.clone(case.folder, _request(source), cache=cache)
    assert budget_left(case) == 10
    assert read_runs(case) == ()


def test_jacobian_rounds_are_counted_once(case, cache) -> None:
    """Each round asks about made pictures; a run that is stopped after one and gone on with asks nothing twice."""
    before = n_sent(case)
    request = _request(FOUND, jacobian_rounds=1)
    asked = _stop_when(lambda stage, done: "Asking about round" in stage and done > 0)
    with pytest.raises(Stop):
        clone_lab.clone(case.folder, request, cache=cache, progress=asked)
    sent = n_sent(case) - before
    assert sent > 0
    run = clone_lab.clone(case.folder, request, cache=cache)[0]
    assert n_sent(case) - before == sent
    assert run.n_answers > run.drawn.n_answers


def test_one_term_is_the_finding_at_alpha_one(case, cache) -> None:
    """Its record says so, and the case's own settings stay."""
    run = clone_lab.clone(case.folder, _request(ONE_TERM), cache=cache)[0]
    assert run.selection["alpha"] == 1.0
    assert case.facts()["selection"]["alpha"] != 1.0
    assert SAME_FINDING not in run.drawn.notes  # alone, the functional term takes the false friend in
    case.record(selection=case.facts()["selection"] | {"alpha": 1.0})
    cost = clone_lab.clone_cost(case, _request(ONE_TERM), cache=cache)
    assert SAME_FINDING in cost.drawn["one term"].notes


def test_the_cost_is_told_beforehand_and_nothing_is_written(case, cache, tmp_path) -> None:
    """Sources of the corpus cost nothing, a folder at most its total, a test set at most what is tested on."""
    source = Source(SourceKind.FOLDER, str(_draw_folder(tmp_path / "own")))
    cost = clone_lab.clone_cost(case, _request(FOUND, source, total=50), cache=cache)
    assert cost.n_queries == 50
    assert cost.budget_left is None
    assert cost.drawn["two terms"].n_rows == 50
    assert not case.has("cloning")


def test_a_case_that_replays_answers_clones_from_its_corpus_only(case, cache, tmp_path) -> None:
    """Without the suspect's file nothing new is asked; what was answered can still be trained on."""
    shutil.rmtree(case.path("evidence"))
    facts = case.facts()
    facts.pop("evidence")
    case.write_json("case.json", facts)
    assert clone_lab.clone(case.folder, _request(FOUND), cache=cache)[0].finished
    source = Source(SourceKind.FOLDER, str(_draw_folder(tmp_path / "own")))
    with pytest.raises(CaseError, match="holds no suspect's file"):
        clone_lab.clone(case.folder, _request(source), cache=cache)


def test_images_that_the_cache_lost_are_decoded_again(case, tmp_path) -> None:
    """With the corpus at hand nothing is missing; with other images in its place it is said."""
    assert clone_lab.clone(case.folder, _request(FOUND), cache=tmp_path / "empty")[0].finished
    other = tmp_path / "tiny"
    shutil.copytree(case_factory.world().corpora / "tiny", other)
    (other / "n02690373" / "0.png").unlink()
    change_plan(case, corpora=(str(other),))
    with pytest.raises(CaseError, match="other images than those that were asked about"):
        clone_lab.clone(case.folder, _request(FOUND, epochs=2), cache=tmp_path / "third")


def test_a_full_disk_ends_in_a_sentence_and_a_state_to_go_on_from(case, cache, monkeypatch) -> None:
    """Weights that cannot be written leave the checkpoint, and the next call trains nothing anew."""
    write = Case.write

    def full(self: Case, name: str, content: bytes) -> None:
        if name.endswith(WEIGHTS):
            raise StorageError(f"The disk is full: {name} could not be written.")
        write(self, name, content)

    monkeypatch.setattr(Case, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        clone_lab.clone(case.folder, _request(FOUND), cache=cache)
    monkeypatch.undo()
    history = read_runs(case)[0].history
    assert len(history) == 3
    assert clone_lab.clone(case.folder, _request(FOUND), cache=cache)[0].history == history


def test_only_one_trains_clones_of_a_case(case, cache) -> None:
    """A second call is refused while the first runs, and everything else in the case goes on."""
    refused = []

    def progress(stage: str, _done: int, _total: int) -> None:
        if stage.startswith("Training") and not refused:
            with pytest.raises(CaseError, match="being trained already"):
                clone_lab.clone(case.folder, _request(RANDOM), cache=cache)
            refused.append(stage)
            with case.exclusively():
                case.log("noted", {})

    clone_lab.clone(case.folder, _request(FOUND), cache=cache, progress=progress)
    assert refused


def test_a_finished_clone_needs_its_folder_no_more(case, cache, tmp_path) -> None:
    """With the folder gone, another source can still be added to the same request."""
    own = _draw_folder(tmp_path / "own")
    source = Source(SourceKind.FOLDER, str(own))
    first = clone_lab.clone(case.folder, _request(source), cache=cache)[0]
    shutil.rmtree(own)
    runs = clone_lab.clone(case.folder, _request(source, RANDOM), cache=cache)
    assert [run.finished for run in runs] == [True, True]
    assert runs[0].files == first.files


def test_a_removed_clone_leaves_its_answers(case, cache, tmp_path) -> None:
    """What was asked stays counted; only a clone that is there can be removed."""
    source = Source(SourceKind.FOLDER, str(_draw_folder(tmp_path / "own")))
    run = clone_lab.clone(case.folder, _request(source), cache=cache)[0]
    sent = n_sent(case)
    clone_lab.remove_clone(case.folder, run.id, by="somebody")
    assert read_runs(case) == ()
    assert n_sent(case) == sent
    for name in (run.id, "..", "../../ledger", ""):
        with pytest.raises(CaseError, match="no clone called"):
            clone_lab.remove_clone(case.folder, name)


def test_a_damaged_record_spoils_no_other(case, cache) -> None:
    """It is named with a sentence, and the others are read and compared."""
    runs = clone_lab.clone(case.folder, _request(), cache=cache)
    path = case.path(f"cloning/runs/{runs[0].id}/run.json")
    path.write_bytes(path.read_bytes()[:100])
    assert [run.id for run in read_runs(case)] == [runs[1].id]
    assert "damaged" in damaged_runs(case)[runs[0].id]
    assert len(read_comparison(case, read_evaluation_sets(case)[0].key).columns) == 1


def test_a_request_is_kept_to_begin_the_next_with(case, cache) -> None:
    """And one that came with an imported case and is none counts as none."""
    request = _request(FOUND)
    clone_lab.clone(case.folder, request, cache=cache)
    assert last_request(case) == request
    case.record(cloning={"sources": "x"})
    assert last_request(case) is None


def test_a_clone_is_named_by_what_it_is_made_from(case) -> None:
    """Another seed, another alpha or a locked class gives another clone; another device does not."""
    transfer = TransferSettings()
    name = run_id(case, FOUND, transfer, TRAINING)
    assert run_id(case, FOUND, transfer, replace(TRAINING, device="cuda:3")) == name
    assert run_id(case, FOUND, transfer, replace(TRAINING, seed=1)) != name
    random = run_id(case, RANDOM, transfer, TRAINING)
    case.record(selection=case.facts()["selection"] | {"eta": 3.0})
    assert run_id(case, FOUND, transfer, TRAINING) != name
    assert run_id(case, RANDOM, transfer, TRAINING) == random


def test_requests_that_make_no_sense_are_refused() -> None:
    """No source, a source twice, and nothing to test on."""
    with pytest.raises(SettingsError, match="at least one source"):
        CloneRequest(())
    with pytest.raises(SettingsError, match="named twice"):
        CloneRequest((FOUND, FOUND))
    with pytest.raises(SettingsError, match="tested on"):
        CloneRequest((FOUND,), TransferSettings(reserved=0.0))


def test_several_devices_train_side_by_side_to_the_same_weights(case, cache, tmp_path, monkeypatch) -> None:
    """Two clones on two devices at once are those that one device trains one after the other."""
    from fdcore.clone_lab import training

    other = Case.open(shutil.copytree(case.folder, tmp_path / "other"))
    straight = clone_lab.clone(case.folder, _request(), cache=cache, progress=silent)
    monkeypatch.setattr(training, "_devices", lambda wanted: ("cpu", "cpu"))
    beside = clone_lab.clone(other.folder, _request(), cache=cache, progress=silent)
    assert [run.id for run in beside] == [run.id for run in straight]
    assert [read_run(other, run.id).stage for run in straight] == ["done", "done"]
    assert [_hash(other, run.id) for run in straight] == [_hash(case, run.id) for run in straight]
