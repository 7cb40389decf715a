"""The clone lab in a case: drawn, trained, kept; stopped and gone on with; damaged and refused."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pytest
from case_factory import FOUND, ONE_TERM, RANDOM
from lab_world import Stop, lab_of, requested, stop_when, train
from raising import raises

from fdcore.case.case import Case
from fdcore.case.clones import (
    damaged_runs,
    last_request,
    read_answered_set,
    read_answers,
    read_comparison,
    read_evaluation_sets,
    read_run,
    read_runs,
)
from fdcore.case.spending import n_sent
from fdcore.case.verify import check
from fdcore.cloning.run import CARD, CHECKPOINT, NETWORK, WEIGHTS
from fdcore.cloning.settings import CloneRequest, TransferSettings
from fdcore.errors import CaseError, EvidenceError, SettingsError, StorageError
from fdcore.progress import Progress
from fdcore.suspect.open import open_suspect
from fdcore.work import clones
from fdcore.work.clones.drawing import SAME_FINDING, run_id
from fdcore.work.clones.pictures import corpus_pool


def _hash(case: Case, run: str) -> str:
    return hashlib.sha256(case.path(f"cloning/runs/{run}/{WEIGHTS}").read_bytes()).hexdigest()


def test_clones_of_the_corpus_cost_no_query_and_are_compared_on_images_that_were_held_back(case) -> None:
    """Found and random images were asked about before, and what is tested on was never trained on."""
    before = n_sent(case)
    runs = train(case, requested())
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


def test_every_file_of_a_clone_is_bound_by_the_log(cloned) -> None:
    """Its transfer set, weights, answers and card; a clone that is removed leaves nothing that is missing."""
    assert {file.state for file in check(cloned.folder).files} == {"intact"}
    assert any(file.name.endswith("transfer.parquet") for file in check(cloned.folder).files)
    with lab_of(cloned) as lab:
        clones.remove_clone(lab, read_runs(cloned)[0].id)
    assert {file.state for file in check(cloned.folder).files} == {"intact"}


def test_what_is_finished_is_not_trained_again(cloned) -> None:
    """The same request finds its clones, and the audit log says once that each was finished."""
    stamps = {run.id: cloned.path(f"cloning/runs/{run.id}/{WEIGHTS}").stat().st_mtime_ns for run in read_runs(cloned)}
    train(cloned, requested())
    assert {run: cloned.path(f"cloning/runs/{run}/{WEIGHTS}").stat().st_mtime_ns for run in stamps} == stamps
    assert sum(entry["event"] == "clone finished" for entry in cloned.audit()) == 2


def test_a_clone_can_be_taken_away_and_answers_as_it_did(cloned) -> None:
    """The exported network, opened like any suspect, gives the answers that it was tested with; hashes are logged."""
    run = train(cloned, requested(FOUND))[0]
    place = cloned.path(f"cloning/runs/{run.id}")
    for name in (WEIGHTS, NETWORK, CARD):
        assert run.files[name] == hashlib.sha256((place / name).read_bytes()).hexdigest()
    assert next(e for e in cloned.audit() if e["event"] == "clone finished")["details"]["files"] == run.files
    facts = read_evaluation_sets(cloned)[0]
    evaluation = next(one for one in read_comparison(cloned, facts.key).columns if one.run.id == run.id).evaluation
    exported = open_suspect(place / NETWORK, preset="unit", spec_overrides={"height": 12, "width": 12})
    answered = read_answered_set(cloned, facts.key)
    order = np.argsort(answered.image_ids)
    pictures = np.ascontiguousarray(corpus_pool(lab_of(cloned)).pixels[answered.images[order]])
    assert len(set(evaluation.clone.tolist())) > 1
    np.testing.assert_array_equal(exported.labels(pictures), evaluation.clone)


def test_a_stopped_training_goes_on_to_the_same_weights(case, tmp_path) -> None:
    """Stopped in the second epoch and gone on with, it ends where an uninterrupted one does; its curve has no gap."""
    other = Case.open(shutil.copytree(case.folder, tmp_path / "other"))
    request = requested(FOUND, epochs=3)
    with pytest.raises(Stop):
        train(case, request, _stop_in_epoch(case, 2))
    stopped = read_runs(case)[0]
    assert (stopped.stage, len(stopped.history)) == ("training", 1)
    run = train(case, request)[0]
    straight = train(other, request)[0]
    assert [one.epoch for one in run.history] == [1, 2, 3]
    assert [replace(one, seconds=0) for one in run.history] == [replace(one, seconds=0) for one in straight.history]
    assert _hash(case, run.id) == _hash(other, straight.id)
    assert not case.has(f"cloning/runs/{run.id}/{CHECKPOINT}")


def _stop_in_epoch(case: Case, epoch: int) -> Progress:
    """A pause as soon as the record says that the epoch before is over."""
    return stop_when(
        lambda stage, _done: (
            stage.startswith("Training") and any(len(run.history) >= epoch - 1 for run in read_runs(case))
        )
    )


def test_the_best_so_far_can_be_kept(case) -> None:
    """A stopped clone is ended by hand: tested, exported, and said to be."""
    with pytest.raises(Stop):
        train(case, requested(FOUND, epochs=9), _stop_in_epoch(case, 3))
    with lab_of(case) as lab:
        run = clones.finish_clone(lab, read_runs(case)[0].id)
    assert run.finished
    assert "2 of 9 epochs" in run.stopped_early
    assert read_comparison(case, read_evaluation_sets(case)[0].key).columns[0].run.id == run.id


def test_a_clone_that_was_never_trained_has_no_best(case) -> None:
    """Stopped before its first epoch ended, it can be gone on with, and not be kept."""
    with pytest.raises(Stop):
        train(case, requested(FOUND), stop_when(lambda s, _: "Training" in s))
    with lab_of(case) as lab, raises(CaseError, "not trained yet"):
        clones.finish_clone(lab, read_runs(case)[0].id)


def test_a_changed_export_is_not_taken_for_the_clone(cloned) -> None:
    """Weights or network that somebody changed are refused, and their recorded hashes stay."""
    run = train(cloned, requested(FOUND))[0]
    for name in (NETWORK, WEIGHTS):
        path = cloned.path(f"cloning/runs/{run.id}/{name}")
        whole = path.read_bytes()
        path.write_bytes(b"evil")
        with raises(EvidenceError, "clone changed", run.id):
            train(cloned, requested(FOUND))
        path.write_bytes(whole)
    assert read_run(cloned, run.id).files == run.files
    assert train(cloned, requested(FOUND))[0].files == run.files


def test_a_stopped_clone_goes_on_although_the_settings_changed(case) -> None:
    """Whether by the same request or by its id, and on whatever device is there now."""
    request = requested(FOUND, epochs=3)
    with pytest.raises(Stop):
        train(case, request, _stop_in_epoch(case, 2))
    stopped = read_runs(case)[0]
    case.record(selection=replace(case.facts().selection, alpha=0.2))
    again = train(case, request)[0]
    assert (again.id, len(again.history), len(read_runs(case))) == (stopped.id, 3, 1)
    with pytest.raises(Stop):
        train(case, requested(RANDOM), stop_when(lambda s, _: "Training" in s))
    other = next(run for run in read_runs(case) if run.id != stopped.id)
    with lab_of(case) as lab:
        assert clones.resume_clones(lab, [other.id])[0].finished


def test_a_device_that_is_not_there_does_not_stick(case) -> None:
    """Refused before anything is written; the next request takes another one."""
    with raises(SettingsError, "no device", "cuda:5"):
        train(case, requested(FOUND, device="cuda:5"))
    assert read_runs(case) == ()
    assert train(case, requested(FOUND, device="cpu"))[0].finished


def test_one_term_is_the_finding_at_alpha_one(case) -> None:
    """Its record says so, and the case's own settings stay."""
    run = train(case, requested(ONE_TERM))[0]
    assert run.selection["alpha"] == 1.0
    assert case.facts().selection.alpha != 1.0
    assert SAME_FINDING not in run.drawn.notes  # alone, the functional term takes the false friend in
    case.record(selection=replace(case.facts().selection, alpha=1.0))
    cost = clones.clone_cost(case, requested(ONE_TERM))
    assert SAME_FINDING in cost.drawn["one term"].notes


def test_a_full_disk_ends_in_a_sentence_and_a_state_to_go_on_from(case, monkeypatch) -> None:
    """Weights that cannot be written leave the checkpoint, and the next call trains nothing anew."""
    write = Case.write

    def full(self: Case, name: str, content: bytes) -> None:
        if name.endswith(WEIGHTS):
            raise StorageError(f"The disk is full: {name} could not be written.")
        write(self, name, content)

    monkeypatch.setattr(Case, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        train(case, requested(FOUND))
    monkeypatch.undo()
    history = read_runs(case)[0].history
    assert len(history) == 2
    assert train(case, requested(FOUND))[0].history == history


def test_only_one_trains_clones_of_a_case(case) -> None:
    """A second call is refused while the first runs, and everything else in the case goes on."""
    refused = []

    def progress(stage: str, _done: int, _total: int) -> None:
        if stage.startswith("Training") and not refused:
            with pytest.raises(CaseError, match="Other work with this case's clones"):
                train(case, requested(RANDOM))
            refused.append(stage)
            with case.exclusively():
                case.log("noted", {})

    train(case, requested(FOUND), progress)
    assert refused


def test_a_damaged_record_spoils_no_other(cloned) -> None:
    """It is named with a sentence, and the others are read and compared."""
    runs = read_runs(cloned)
    path = cloned.path(f"cloning/runs/{runs[0].id}/run.json")
    path.write_bytes(path.read_bytes()[:100])
    assert [run.id for run in read_runs(cloned)] == [runs[1].id]
    assert "damaged" in damaged_runs(cloned)[runs[0].id]
    assert len(read_comparison(cloned, read_evaluation_sets(cloned)[0].key).columns) == 1


def test_a_request_is_kept_to_begin_the_next_with(cloned) -> None:
    """And one that came with an imported case and is none counts as none."""
    assert last_request(cloned) == requested()
    cloned.record(cloning={"sources": "x"})
    assert last_request(cloned) is None


def test_a_clone_is_named_by_what_it_is_made_from(case) -> None:
    """Another seed, another alpha or a locked class gives another clone; another device does not."""
    name = run_id(case, requested(), FOUND)
    assert run_id(case, requested(device="cuda:3"), FOUND) == name
    assert run_id(case, requested(seed=1), FOUND) != name
    random = run_id(case, requested(), RANDOM)
    case.record(selection=replace(case.facts().selection, eta=3.0))
    assert run_id(case, requested(), FOUND) != name
    assert run_id(case, requested(), RANDOM) == random


def test_requests_that_make_no_sense_are_refused() -> None:
    """No source, a source twice, and nothing to test on."""
    with raises(SettingsError, "no source"):
        CloneRequest(())
    with raises(SettingsError, "source named twice"):
        CloneRequest((FOUND, FOUND))
    with raises(SettingsError, "nothing to test on"):
        CloneRequest((FOUND,), TransferSettings(reserved=0.0))


def test_several_devices_train_side_by_side_to_the_same_weights(case, tmp_path, monkeypatch) -> None:
    """Two clones on two devices at once are those that one device trains one after the other with as many threads."""
    from fdcore.work.clones import training

    other = Case.open(shutil.copytree(case.folder, tmp_path / "other"))
    straight = train(case, requested())
    monkeypatch.setattr(training, "_devices", lambda wanted: ("cpu", "cpu"))
    beside = train(other, requested())
    assert {run.id for run in beside} == {run.id for run in straight}
    assert [run.stage for run in beside] == ["done", "done"]
    assert [run.circumstances["threads"] for run in beside] == [run.circumstances["threads"] for run in straight]
    assert [_hash(other, run.id) for run in straight] == [_hash(case, run.id) for run in straight]
