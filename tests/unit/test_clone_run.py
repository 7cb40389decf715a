"""What is chosen for a clone, and its record: there and back, and what is no such thing."""

import json
from dataclasses import FrozenInstanceError, asdict, replace

import numpy as np
import pytest

from fdcore.cloning.run import (
    ClassTransfer,
    CloneRun,
    EpochResult,
    TransferFacts,
    run_from_dict,
    run_to_dict,
)
from fdcore.cloning.settings import (
    Source,
    SourceKind,
    TrainingSettings,
    TransferSettings,
    source_from_dict,
    training_from_dict,
    transfer_from_dict,
)
from fdcore.errors import CaseError, SettingsError

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
    return json.loads(json.dumps(run_to_dict(RUN))) | values


def test_a_record_comes_back_as_it_was():
    """Through JSON, with every field."""
    assert run_from_dict(changed()) == RUN
    assert RUN.drawn.n_rows == 35
    assert RUN.best_agreement == 0.4
    assert replace(RUN, best_epoch=2).best_agreement is None  # nothing was held out
    assert replace(RUN, best_epoch=0).best_agreement is None
    assert not RUN.finished
    assert replace(RUN, stage="done").finished


HUGE = 10**400  # JSON knows no bounds for whole numbers
DAMAGED = [
    {"stage": "half"},
    {"stage": []},
    {"id": 5},
    {"created": None},
    {"source": None},
    {"source": {"kind": "gift"}},
    {"source": {"kind": "folder", "folder": ""}},
    {"source": {"kind": "folder", "folder": 7}},
    {"source": {"kind": "found", "shell": "rm"}},
    {"transfer": {"total": 1}},
    {"transfer": {"total": "many"}},
    {"transfer": 5},
    {"training": {"epochs": 0}},
    {"training": [1]},
    {"selection": []},
    {"circumstances": None},
    {"files": ["clone.onnx"]},
    {"files": {"clone.onnx": 5}},
    {"best_epoch": 3},
    {"best_epoch": -1},
    {"best_epoch": 1.0},
    {"n_sent": -1},
    {"n_sent": True},
    {"n_answers": HUGE},
    {"history": 5},
    {"history": [{"epoch": 1}]},
    {"history": [RUN.history[1]._asdict()]},
    {"history": [RUN.history[0]._asdict() | {"loss": float("nan")}]},
    {"history": [RUN.history[0]._asdict() | {"loss": HUGE}]},
    {"history": [RUN.history[0]._asdict() | {"loss": "low"}]},
    *(
        {"history": [RUN.history[0]._asdict() | {field: value}]}
        for field, values in {
            "epoch": (0, 2, True, 1.0),
            "loss": (float("inf"), None, True),
            "trained_agreement": (-1.1, 1.1, float("nan"), "0.5"),
            "held_out_agreement": (-1.1, 2, None),
            "learning_rate": (-0.1, float("inf"), []),
            "seconds": (-0.1, 1.1e9, float("inf"), HUGE, {}),
            "n_images": (0, -5, 1.5, True, HUGE),
        }.items()
        for value in values
    ),
    {"history": [RUN.history[0]._asdict() | {"epoch": i} for i in (1, 2, 3)]},  # two were planned
    {"drawn": None},
    {"drawn": {"classes": [], "n_answers": 0, "n_sent": 0}},
    {"drawn": {"classes": [], "n_answers": 0.5, "n_sent": 0, "notes": []}},
    {"drawn": {"classes": [], "n_answers": 0, "n_sent": 0, "notes": 7}},
    {"drawn": {"classes": [RUN.drawn.classes[1]._asdict()], "n_answers": 0, "n_sent": 0, "notes": []}},
    {"surprise": 1},
]


@pytest.mark.parametrize("values", DAMAGED, ids=[str(values)[:50] for values in DAMAGED])
def test_a_damaged_or_hostile_record_ends_in_a_sentence(values):
    """Whatever an entry holds instead: a case may come from anywhere."""
    with pytest.raises(CaseError, match="record of a clone is damaged"):
        run_from_dict(changed(**values))


@pytest.mark.parametrize(
    ("field", "value"),
    [("label", 5), ("label", None), ("label", ["dog"]), ("n_images", -1), ("n_images", 1.5), ("wanted", HUGE)],
)
def test_what_a_class_got_is_a_text_and_whole_numbers(field, value):
    """A label that is no text would spoil every page that shows it, a count below 0 every sum."""
    record = changed()
    record["drawn"]["classes"][0][field] = value
    with pytest.raises(CaseError, match="record of a clone is damaged"):
        run_from_dict(record)


def test_an_epoch_at_the_ends_of_its_ranges_is_none_the_less_one():
    """Nothing held out, nothing agreed, no time measured, whole numbers for shares: all of it can happen."""
    epoch = EpochResult(1, 0, 0, -1, 0, 0, 1)
    assert run_from_dict(changed(history=[epoch._asdict()], best_epoch=1)).history == (epoch,)
    epoch = EpochResult(1, 1e300, 1, 1, 100.0, 1e9, 10**14)
    assert run_from_dict(changed(history=[epoch._asdict()], best_epoch=1)).history == (epoch,)


def test_rounds_of_augmentation_have_epochs_of_their_own():
    """A record may hold as many epochs as all rounds together."""
    training = asdict(replace(RUN.training, jacobian_rounds=1))
    history = [RUN.history[0]._asdict() | {"epoch": i} for i in range(1, 5)]
    assert len(run_from_dict(changed(training=training, history=history)).history) == 4


@pytest.mark.parametrize("missing", ["id", "source", "transfer", "training", "drawn", "history", "stage"])
def test_a_record_without_an_entry_is_damaged(missing):
    """Nothing is made up for what is gone."""
    record = changed()
    del record[missing]
    with pytest.raises(CaseError, match="record of a clone is damaged"):
        run_from_dict(record)


@pytest.mark.parametrize("record", [None, [], "run", 5, [["id", "x"]]])
def test_what_is_no_table_is_no_record(record):
    """JSON may hold anything."""
    with pytest.raises(CaseError, match="record of a clone is damaged"):
        run_from_dict(record)


# Settings


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        (RUN.source, source_from_dict),
        (Source(SourceKind.RANDOM), source_from_dict),
        (RUN.transfer, transfer_from_dict),
        (RUN.training, training_from_dict),
        (TrainingSettings(), training_from_dict),
    ],
)
def test_settings_come_back_as_they_were(settings, read):
    """Through JSON; and nothing changes them in between."""
    assert read(json.loads(json.dumps(asdict(settings)))) == settings
    with pytest.raises(FrozenInstanceError):
        settings.seed = 5


OUT_OF_RANGE = [
    *((TransferSettings, "total", value) for value in (1, 0, -5, 10_000_001, 50.5, "50", None, True, np.int64(50))),
    *((TransferSettings, "seed", value) for value in (-1, 2**63, 0.0)),
    *((TransferSettings, "fill_views", value) for value in (1, "yes", None)),
    *((TransferSettings, "not_found", value) for value in ("", "drop", [], None)),
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
        {"kind": SourceKind.FOLDER, "folder": "/data/x", "role": []},
        {"kind": SourceKind.FOLDER, "folder": 5},
        {"kind": "found"},
    ],
)
def test_sources_that_contradict_themselves_are_refused(values):
    """A folder has a name, nothing else does, and roles are the paper's."""
    with pytest.raises(SettingsError):
        Source(**values)


@pytest.mark.parametrize("read", [source_from_dict, transfer_from_dict, training_from_dict])
@pytest.mark.parametrize("values", [None, 5, "x", [], [["seed", 1]], {"kind": "found", "unknown": 1}, {5: 5}])
def test_what_is_no_table_of_settings_is_refused(read, values):
    """JSON may hold anything."""
    with pytest.raises(SettingsError):
        read(values)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Source(SourceKind.FOUND), "two terms"),
        (Source(SourceKind.ONE_TERM), "one term"),
        (Source(SourceKind.RANDOM), "random"),
        (Source(SourceKind.FOLDER, "/data/caltech101/"), "caltech101"),
        (Source(SourceKind.FOLDER, "/data/cifar10", "same"), "same: cifar10"),
        (Source(SourceKind.FOLDER, "/data/random"), "folder random"),
        (Source(SourceKind.FOLDER, "/data/two terms/"), "folder two terms"),
        (Source(SourceKind.FOLDER, "/data/one term"), "folder one term"),
        (Source(SourceKind.FOLDER, "/data/random", "distant"), "distant: random"),
    ],
)
def test_sources_have_the_papers_names(source, name):
    """And folders their own, with what they are to the suspect; none is called as a source of the case is."""
    assert source.name == name
