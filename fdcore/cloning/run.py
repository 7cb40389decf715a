"""One clone as it stands in a case: what it is made from, how far its training is, and what came of it.

cloning/runs/<id>/run.json           this record
cloning/runs/<id>/transfer.parquet   every row of its transfer set: image, view, label
cloning/runs/<id>/checkpoint.pt      where its training goes on; removed when it is done
cloning/runs/<id>/clone.safetensors  its best weights
cloning/runs/<id>/clone.onnx         the same as a network that takes pictures in 0..1
cloning/runs/<id>/MODEL_CARD.md      from what, how, how good
cloning/runs/<id>/answers/<set>.npz  what it answers for the pictures of an evaluation set
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from fdcore.cloning.settings import (
    Source,
    TrainingSettings,
    TransferSettings,
    source_from_dict,
    training_from_dict,
    transfer_from_dict,
)
from fdcore.errors import CaseError, SettingsError

Stage = Literal["drawn", "training", "trained", "done"]

MAX_COUNT = 10**15  # of rows and queries; more than that is damage
MAX_SECONDS = 10**9  # of an epoch, some thirty years
TRANSFER, CHECKPOINT = "transfer.parquet", "checkpoint.pt"
WEIGHTS, NETWORK, CARD = "clone.safetensors", "clone.onnx", "MODEL_CARD.md"


class EpochResult(NamedTuple):
    """What one epoch gave.

    Attributes:
        epoch: its number, from 1.
        loss: mean cross-entropy over the images trained on, in nats.
        trained_agreement: share of the images trained on, as augmented, that the clone put where the suspect does.
        held_out_agreement: the same for the held-out images, as they are; -1 where nothing is held out.
        learning_rate: of its last step.
        seconds: how long it took.
        n_images: how many images it passed over.
    """

    epoch: int
    loss: float
    trained_agreement: float
    held_out_agreement: float
    learning_rate: float
    seconds: float
    n_images: int


class ClassTransfer(NamedTuple):
    """One class's part of a drawn transfer set.

    Attributes:
        target_class: the class's number.
        label: what was found; empty for "not found", and for sources that know no finding.
        wanted: rows of an evenly shared set.
        n_images: different images taken.
        n_views: rows that are further views of them.
        n_filled: rows taken from the whole corpus because the class was not found.
    """

    target_class: int
    label: str
    wanted: int
    n_images: int
    n_views: int
    n_filled: int

    @property
    def n_rows(self) -> int:
        """All rows of the class."""
        return self.n_images + self.n_views + self.n_filled


class TransferFacts(NamedTuple):
    """What a drawn transfer set is made of.

    Attributes:
        classes: one for each of the suspect's classes, in order.
        n_answers: answers of the suspect that it rests on, asked for earlier ones included: its cost in queries.
        n_sent: queries that had to be sent for it.
        notes: what is short or left out, each as a sentence.
    """

    classes: tuple[ClassTransfer, ...]
    n_answers: int
    n_sent: int
    notes: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """Rows of the whole set."""
        return sum(one.n_rows for one in self.classes)


@dataclass(frozen=True)
class CloneRun:
    """One clone.

    Attributes:
        id: its folder's name.
        created: when it was asked for, ISO 8601.
        source, transfer, training: what was asked for.
        selection: alpha, eta, tau, k and k_max of the finding that it was drawn with, and "locked": the answers that
            were chosen by hand there, by class. Empty for sources that know no finding.
        stage: "drawn" (not trained yet), "training", "trained" (best weights are there), "done" (exported as well).
        drawn: what its transfer set is made of.
        history: one entry for each epoch, in order.
        best_epoch: the epoch whose weights are kept; 0 before the first.
        stopped_early: whether training ended before its last epoch, and why; "" otherwise.
        n_sent: queries sent for this clone altogether: for its transfer set and its rounds of augmentation.
        n_answers: answers it rests on altogether, asked for earlier ones included.
        circumstances: device, precision, threads and versions that it was trained with.
        files: hex SHA-256 of what was exported, by file name.
    """

    id: str
    created: str
    source: Source
    transfer: TransferSettings
    training: TrainingSettings
    selection: dict[str, Any]
    stage: Stage
    drawn: TransferFacts
    history: tuple[EpochResult, ...] = ()
    best_epoch: int = 0
    stopped_early: str = ""
    n_sent: int = 0
    n_answers: int = 0
    circumstances: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def best_agreement(self) -> float | None:
        """Held-out agreement of the kept weights; None before the first epoch or where nothing is held out."""
        kept = [one.held_out_agreement for one in self.history if one.epoch == self.best_epoch]
        return kept[0] if kept and kept[0] >= 0 else None

    @property
    def finished(self) -> bool:
        """Whether it can be tested and taken away."""
        return self.stage == "done"


def run_to_dict(run: CloneRun) -> dict[str, Any]:
    """A JSON-ready copy; the inverse is `run_from_dict`."""
    drawn = run.drawn._asdict() | {"classes": [one._asdict() for one in run.drawn.classes]}
    return asdict(run) | {"drawn": drawn, "history": [one._asdict() for one in run.history]}


def run_from_dict(values: Mapping[str, Any]) -> CloneRun:
    """Read a run's record; it may come from anywhere.

    Raises:
        CaseError: it is no such record.
    """
    try:
        drawn = values["drawn"]
        classes = tuple(ClassTransfer(**one) for one in drawn["classes"])
        run = CloneRun(
            **{
                **values,
                "source": source_from_dict(values["source"]),
                "transfer": transfer_from_dict(values["transfer"]),
                "training": training_from_dict(values["training"]),
                "drawn": TransferFacts(classes, drawn["n_answers"], drawn["n_sent"], tuple(map(str, drawn["notes"]))),
                "history": tuple(checked_result(EpochResult(**one)) for one in values["history"]),
            }
        )
        _check(run)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, SettingsError) as error:
        raise CaseError(f"The record of a clone is damaged ({error}). Restore it from a copy of the case.") from error
    return run


def _check(run: CloneRun) -> None:
    shares = run.drawn.classes
    texts = (run.id, run.created, run.stopped_early, *run.files.values(), *(share.label for share in shares))
    counts = (run.best_epoch, run.n_sent, run.n_answers, run.drawn.n_answers, run.drawn.n_sent)
    rows = (number for _, _, *numbers in shares for number in numbers)
    right = (
        run.stage in get_args(Stage)
        and all(isinstance(text, str) for text in texts)
        and all(isinstance(table, dict) for table in (run.selection, run.circumstances, run.files))
        and all(type(number) is int and 0 <= number < MAX_COUNT for number in (*counts, *rows))
        and [one.epoch for one in run.history] == list(range(1, len(run.history) + 1))
        and run.best_epoch <= len(run.history) <= run.training.epochs * (run.training.jacobian_rounds + 1)
        and [share.target_class for share in shares] == list(range(len(shares)))
    )
    if not right:
        raise ValueError("an entry is of a wrong kind")


def checked_result(result: EpochResult) -> EpochResult:
    """The same, when each of it is a number that an epoch can give.

    Raises:
        ValueError: it is not; what holds it is damaged.
    """
    right = {
        "epoch": type(result.epoch) is int,
        "loss": _lies(result.loss, -math.inf, math.inf),
        "trained_agreement": _lies(result.trained_agreement, -1, 1),
        "held_out_agreement": _lies(result.held_out_agreement, -1, 1),
        "learning_rate": _lies(result.learning_rate, 0, math.inf),
        "seconds": _lies(result.seconds, 0, MAX_SECONDS),
        "n_images": type(result.n_images) is int and 1 <= result.n_images < MAX_COUNT,
    }
    if wrong := [name for name, is_right in right.items() if not is_right]:
        raise ValueError(f"{wrong[0]} of an epoch is {str(getattr(result, wrong[0]))[:40]}")
    return result


def _lies(value: float, low: float, high: float) -> bool:
    """Whether it is a finite number from low to high, and no truth value or text in its place."""
    return type(value) in (int, float) and math.isfinite(value) and low <= value <= high
