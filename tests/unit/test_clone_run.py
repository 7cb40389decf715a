"""What is chosen for a clone, and its record: there and back, and what is no such thing."""

import json
from dataclasses import FrozenInstanceError, asdict, replace

import numpy as np
import pytest

from fdcore.cloning.run import ClassTransfer, CloneRun, EpochResult, TransferFacts
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.errors import CaseError, SettingsError
from fdcore.records import from_plain, to_plain

RUN = CloneRun(
    id="two-terms-1",
    created="2026-01-02T03:04:05+00:00",
    source=Source(SourceKind.FOLDER, "/data/caltech101", "similar"),
    transfer=TransferSettings(total=50, seed=3, fill_views=False, not_found="random", reserved=0.2),
    training=TrainingSettings(epochs=2, optimiser="adam", learning_rate=0.01, precision="float32"),
    selection={"alpha": 0.7, "k": None},
    stage="training",
    drawn=TransferFacts(
        (ClassTransfer(0, "dog", 25, 20, 5, 0), ClassTransfer(1, "", 25, 0, 0, 10)), 40, 30, ("Class 1 was not found.",)
    ),
    history=(EpochResult(1, 2.1, 0.3, 0.4, 0.01, 1.5, 35), EpochResult(2, 1.1, 0.6, -1, 0.0, 1.4, 35)),
    best_epoch=1,
    n_sent=30,
    n_answers=40,
    circumstances={"device": "cpu", "threads": 2},
    files={"clone.onnx": "ab" * 32},
)


def changed(**values) -> dict:
    return json.loads(json.dumps(to_plain(RUN))) | values


def read(record: object) -> CloneRun:
    return from_plain(CloneRun, record, what="the record of a clone")


def test_a_record_comes_back_as_it_was():
    """Through JSON, with every field; what a later version might add is passed over."""
    assert read(changed(surprise=1)) == RUN
    assert RUN.drawn.n_rows == 35
    assert RUN.best_agreement == 0.4
    assert replace(RUN, best_epoch=2).best_agreement is None  # nothing was held out
    assert replace(RUN, best_epoch=0).best_agreement is None
    assert not RUN.finished
    assert replace(RUN, stage="done").finished


def test_the_diagnosis_tells_how_different_the_rows_are_and_how_well_it_generalises():
    """30 of 35 rows are different images; the kept epoch's agreement on rows and on held-out images."""
    assert RUN.diagnosis == (
        "86% of its rows are different images; a class has 10 to 25 rows; it agrees with the suspect on 30% of them "
        "and on 40% of held-out ones."
    )
    assert replace(RUN, history=(), best_epoch=0).diagnosis.endswith("10 to 25 rows.")


def test_a_record_is_written_as_it_always_was():
    """Cases of earlier versions hold tables of named entries, not lists."""
    record = changed()
    assert record["source"] == {"kind": "folder", "folder": "/data/caltech101", "role": "similar"}
    assert record["history"][0] == {
        "epoch": 1, "loss": 2.1, "trained_agreement": 0.3, "held_out_agreement": 0.4, "learning_rate": 0.01,
        "seconds": 1.5, "n_images": 35,
    }  # fmt: skip
    assert record["drawn"]["classes"][1] == {
        "target_class": 1, "label": "", "wanted": 25, "n_images": 0, "n_views": 0, "n_filled": 10,
    }  # fmt: skip


EPOCH, SHARE = asdict(RUN.history[0]), asdict(RUN.drawn.classes[0])
HUGE = 10**400  # JSON knows no bounds for whole numbers
DAMAGED = [
    {"stage": "half"},
    {"source": {"kind": "folder", "folder": ""}},
    {"transfer": {"total": 1}},
    {"best_epoch": 3},
    {"n_answers": HUGE},
    {"history": [EPOCH | {"epoch": 2}]},
    {"history": [EPOCH | {"loss": float("inf")}]},
    {"history": [EPOCH | {"epoch": i} for i in (1, 2, 3)]},  # two were planned
    {"drawn": asdict(RUN.drawn) | {"classes": [SHARE | {"target_class": 1}]}},
    {"drawn": asdict(RUN.drawn) | {"classes": [SHARE | {"n_images": -1}]}},
]


@pytest.mark.parametrize("values", DAMAGED, ids=[str(values)[:50] for values in DAMAGED])
def test_a_damaged_or_hostile_record_ends_in_a_sentence(values):
    """Whatever an entry holds instead: a case may come from anywhere."""
    with pytest.raises(CaseError, match="record of a clone is damaged"):
        read(changed(**values))


def test_what_is_no_record_is_damaged():
    """Nothing is made up for what is gone, and JSON may hold anything."""
    record = changed()
    del record["drawn"]
    for content in (record, None, [["id", "x"]]):
        with pytest.raises(CaseError, match="record of a clone is damaged"):
            read(content)


def test_an_epoch_at_the_ends_of_its_ranges_is_none_the_less_one():
    """Nothing held out, nothing agreed, no time measured, whole numbers for shares: all of it can happen."""
    for epoch in (EpochResult(1, 0, 0, -1, 0, 0, 1), EpochResult(1, 1e300, 1, 1, 100.0, 1e9, 10**14)):
        assert read(changed(history=[asdict(epoch)], best_epoch=1)).history == (epoch,)


def test_rounds_of_augmentation_have_epochs_of_their_own():
    """A record may hold as many epochs as all rounds together."""
    training = asdict(replace(RUN.training, jacobian_rounds=1))
    history = [EPOCH | {"epoch": i} for i in range(1, 5)]
    assert len(read(changed(training=training, history=history)).history) == 4


# Settings


def test_a_request_comes_back_as_it_was():
    """Through JSON; and nothing changes it in between."""
    request = CloneRequest((RUN.source, Source(SourceKind.RANDOM)), RUN.transfer, RUN.training, "/data/test")
    assert from_plain(CloneRequest, json.loads(json.dumps(to_plain(request))), what="a request") == request
    with pytest.raises(FrozenInstanceError):
        request.training.seed = 5


OUT_OF_RANGE = [
    *((TransferSettings, "total", value) for value in (1, 10_000_001, 50.5, "50", None, True, np.int64(50))),
    *((TransferSettings, "seed", value) for value in (-1, 2**63)),
    *((TransferSettings, "fill_views", value) for value in (1, None)),
    *((TransferSettings, "not_found", value) for value in ("drop", [])),
    *((TransferSettings, "reserved", value) for value in (-0.1, 0.51, float("nan"), "0.1", False)),
    *((TrainingSettings, "arch", value) for value in (None, 5)),
    *((TrainingSettings, "epochs", value) for value in (0, 10_001, 1.5)),
    *((TrainingSettings, "batch_size", value) for value in (0, 65_537)),
    *((TrainingSettings, "optimiser", value) for value in ("SGD", None)),
    *((TrainingSettings, "learning_rate", value) for value in (-1e-9, 101, float("inf"), float("nan"))),
    *((TrainingSettings, "weight_decay", value) for value in (-1, 1.1, float("nan"))),
    *((TrainingSettings, "held_out", value) for value in (-0.1, 0.6)),
    *((TrainingSettings, "patience", value) for value in (-1, 10_001)),
    *((TrainingSettings, "jacobian_rounds", value) for value in (-1, 11)),
    *((TrainingSettings, "jacobian_step", value) for value in (0, 1.1, float("nan"))),
    *((TrainingSettings, "precision", value) for value in ("half", {})),
    *((TrainingSettings, "device", value) for value in (0, None)),
    *((TrainingSettings, "seed", value) for value in (-1, 2**63)),
]


@pytest.mark.parametrize(("kind", "name", "value"), OUT_OF_RANGE)
def test_settings_outside_their_range_are_refused(kind, name, value):
    """Just outside, far outside, no number, and another kind of thing: each with a sentence that tells the value."""
    with pytest.raises(SettingsError) as caught:
        kind(**{name: value})
    assert str(value) in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (TransferSettings, {"total": 2, "reserved": 0}),
        (TransferSettings, {"total": 10_000_000, "reserved": 0.5, "seed": 2**63 - 1}),
        (TrainingSettings, {"epochs": 1, "batch_size": 1, "held_out": 0, "learning_rate": 100, "jacobian_step": 1}),
        (TrainingSettings, {"epochs": 10_000, "patience": 10_000, "jacobian_rounds": 10, "weight_decay": 1}),
    ],
)
def test_settings_at_the_ends_of_their_range_are_allowed(kind, values):
    """The ends belong to the range, and a whole number is a number."""
    assert asdict(kind(**values)).items() >= values.items()


def test_the_learning_rate_is_the_optimisers_usual_one_unless_given():
    """0 stands for it."""
    assert TrainingSettings(optimiser="sgd").peak_rate == 0.1
    assert TrainingSettings(optimiser="adam").peak_rate == 0.001
    assert TrainingSettings(learning_rate=0.5).peak_rate == 0.5


@pytest.mark.parametrize(
    "values",
    [
        {"kind": SourceKind.FOLDER},
        {"kind": SourceKind.FOUND, "folder": "/data/x"},
        {"kind": SourceKind.RANDOM, "role": "same"},
        {"kind": SourceKind.FOLDER, "folder": "/data/x", "role": "near"},
        {"kind": "gift"},
    ],
)
def test_sources_that_contradict_themselves_are_refused(values):
    """A folder has a name, nothing else does, and roles are the paper's."""
    with pytest.raises(SettingsError):
        Source(**values)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Source(SourceKind.ONE_TERM), "one term"),
        (Source(SourceKind.FOLDER, "/data/caltech101/"), "caltech101"),
        (Source(SourceKind.FOLDER, "/data/cifar10", "same"), "same: cifar10"),
        (Source(SourceKind.FOLDER, "/data/random"), "folder random"),
        (Source(SourceKind.FOLDER, "/data/random", "distant"), "distant: random"),
    ],
)
def test_sources_have_the_papers_names(source, name):
    """And folders their own, with what they are to the suspect; none is called as a source of the case is."""
    assert source.name == name
