"""One clone as it stands in a case: what it is made from, how far its training is, and what came of it.

cloning/runs/<id>/run.json           this record
cloning/runs/<id>/transfer.parquet   every row of its transfer set: image, view, label
cloning/runs/<id>/checkpoint.pt      where its training goes on; removed when it is done
cloning/runs/<id>/clone.safetensors  its best weights
cloning/runs/<id>/clone.onnx         the same as a network that takes pictures in 0..1
cloning/runs/<id>/MODEL_CARD.md      from what, how, how good
cloning/runs/<id>/answers/<set>.npz  what it answers for the pictures of an evaluation set
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from fdcore.cloning.settings import Source, TrainingSettings, TransferSettings

Stage = Literal["drawn", "training", "trained", "done"]

MAX_SECONDS = 10**9  # of an epoch, some thirty years
MAX_LOSS = sys.float_info.max  # a loss that is no number ends the training, so none is recorded
Count = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]  # of rows and queries; more than that is damage
Agreement = Annotated[float, msgspec.Meta(ge=-1, le=1)]
TRANSFER, CHECKPOINT = "transfer.parquet", "checkpoint.pt"
WEIGHTS, NETWORK, CARD = "clone.safetensors", "clone.onnx", "MODEL_CARD.md"


@dataclass(frozen=True)
class EpochResult:
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

    epoch: Annotated[int, msgspec.Meta(ge=1)]
    loss: Annotated[float, msgspec.Meta(ge=-MAX_LOSS, le=MAX_LOSS)]
    trained_agreement: Agreement
    held_out_agreement: Agreement
    learning_rate: Annotated[float, msgspec.Meta(ge=0, le=100)]
    seconds: Annotated[float, msgspec.Meta(ge=0, le=MAX_SECONDS)]
    n_images: Annotated[int, msgspec.Meta(ge=1, lt=10**15)]


@dataclass(frozen=True)
class ClassTransfer:
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
    wanted: Count
    n_images: Count
    n_views: Count
    n_filled: Count

    @property
    def n_rows(self) -> int:
        """All rows of the class."""
        return self.n_images + self.n_views + self.n_filled


@dataclass(frozen=True)
class TransferFacts:
    """What a drawn transfer set is made of.

    Attributes:
        classes: one for each of the suspect's classes, in order.
        n_answers: answers of the suspect that it rests on, asked for earlier ones included: its cost in queries.
        n_sent: queries that had to be sent for it.
        notes: what is short or left out, each as a sentence.
    """

    classes: tuple[ClassTransfer, ...]
    n_answers: Count
    n_sent: Count
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
    best_epoch: Count = 0
    stopped_early: str = ""
    n_sent: Count = 0
    n_answers: Count = 0
    circumstances: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_order(self.history)
        planned = self.training.epochs * (self.training.jacobian_rounds + 1)
        if not self.best_epoch <= len(self.history) <= planned:
            raise ValueError(f"{len(self.history)} of {planned} epochs, the best being number {self.best_epoch}")
        if [one.target_class for one in self.drawn.classes] != list(range(len(self.drawn.classes))):
            raise ValueError("the classes of the transfer set do not stand in their order")

    @property
    def best_agreement(self) -> float | None:
        """Held-out agreement of the kept weights; None before the first epoch or where nothing is held out."""
        kept = [one.held_out_agreement for one in self.history if one.epoch == self.best_epoch]
        return kept[0] if kept and kept[0] >= 0 else None

    @property
    def trained(self) -> bool:
        """Whether its best weights are there, so that the pictures it was trained on are not needed any more."""
        return self.stage in ("trained", "done")

    @property
    def finished(self) -> bool:
        """Whether it can be tested and taken away."""
        return self.stage == "done"


def require_order(history: Sequence[EpochResult]) -> None:
    """Whether the epochs follow each other.

    Raises:
        ValueError: one is missing; what holds them is damaged.
    """
    if [one.epoch for one in history] != list(range(1, len(history) + 1)):
        raise ValueError("an epoch is missing")
