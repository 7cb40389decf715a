"""The record of one clone in a case: what it is made from, the state of its training, and the result.

cloning/runs/<id>/run.json           this record
cloning/runs/<id>/transfer.parquet   every row of its transfer set: image, view, label
cloning/runs/<id>/checkpoint.safetensors  where its training resumes; removed when it is done
cloning/runs/<id>/clone.safetensors  its best weights
cloning/runs/<id>/clone.onnx         the same as a network that takes pictures in 0..1
cloning/runs/<id>/MODEL_CARD.md      what it was made from, how, and how good it is
cloning/runs/<id>/answers/<set>.npz  its answers to the pictures of an evaluation set
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from fdcore.cloning.settings import Source, TrainingSettings, TransferSettings

Stage = Literal["drawn", "training", "trained", "done"]

MAX_SECONDS = 10**9  # of an epoch, about thirty years
MAX_LOSS = sys.float_info.max  # NaN or infinity ends the training and is never recorded
Count = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]  # of rows and queries; anything larger is damage
Agreement = Annotated[float, msgspec.Meta(ge=-1, le=1)]
TRANSFER, CHECKPOINT = "transfer.parquet", "checkpoint.safetensors"
WEIGHTS, NETWORK, CARD = "clone.safetensors", "clone.onnx", "MODEL_CARD.md"


@dataclass(frozen=True)
class EpochResult:
    """The result of one epoch.

    Attributes:
        epoch: its number, from 1.
        loss: mean cross-entropy over the training images, in nats.
        trained_agreement: share of the training images, as augmented, that the clone put where the suspect does.
        held_out_agreement: the same for the held-out images, without augmentation; -1 if nothing is held out.
        learning_rate: of its last step.
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
    """One class's part of a drawn transfer set."""

    target_class: int
    label: str  # what was found; empty for "not found", and for sources without a finding
    wanted: Count  # rows of an evenly shared set
    n_images: Count  # different images
    n_views: Count  # rows that are further views of them
    n_filled: Count  # different images of the whole corpus beside what was found

    @property
    def n_rows(self) -> int:
        """All rows of the class."""
        return self.n_images + self.n_views + self.n_filled


@dataclass(frozen=True)
class TransferFacts:
    """The composition of a drawn transfer set."""

    classes: tuple[ClassTransfer, ...]  # one for each of the suspect's classes, in order
    n_answers: Count  # answers of the suspect that it rests on, earlier ones included: its cost in queries
    n_sent: Count  # queries that had to be sent for it
    notes: tuple[str, ...]  # what is missing or left out, a sentence each

    @property
    def n_rows(self) -> int:
        """Rows of the whole set."""
        return sum(one.n_rows for one in self.classes)


@dataclass(frozen=True)
class CloneRun:
    """One clone.

    Attributes:
        id: its folder's name.
        created: when it was requested, ISO 8601.
        selection: alpha, eta, tau, k and k_max of the finding that it was drawn from, and "locked": the answers that
            were chosen manually there, by class. Empty for sources without a finding.
        stage: "drawn" (not trained yet), "training", "trained" (best weights are kept), "done" (exported as well).
        best_epoch: the epoch whose weights are kept; 0 before the first.
        stopped_early: why training ended before its last epoch; "" if it did not.
        n_sent: all queries sent for this clone: for its transfer set and its rounds of augmentation.
        n_answers: all answers that it rests on, earlier ones included.
        circumstances: device, precision, threads and versions that it was trained with.
        files: hex SHA-256 of the exported files, by file name.
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
            raise ValueError("the classes of the transfer set are out of order")

    @property
    def best_agreement(self) -> float | None:
        """Held-out agreement of the kept weights; None before the first epoch or if nothing is held out."""
        kept = [one.held_out_agreement for one in self.history if one.epoch == self.best_epoch]
        return kept[0] if kept and kept[0] >= 0 else None

    @property
    def diagnosis(self) -> str:
        """How different and how even its rows are, and how much better it does on them than on held-out ones."""
        rows = [one.n_rows for one in self.drawn.classes]
        distinct = sum(one.n_images + one.n_filled for one in self.drawn.classes) / max(sum(rows), 1)
        words = f"{distinct:.0%} of its rows are different images; a class has {min(rows):,} to {max(rows):,} rows"
        kept = [one for one in self.history if one.epoch == self.best_epoch and one.held_out_agreement >= 0]
        if not kept:
            return f"{words}."
        trained, held_out = kept[0].trained_agreement, kept[0].held_out_agreement
        return f"{words}; it agrees with the suspect on {trained:.0%} of them and on {held_out:.0%} of held-out ones."

    @property
    def trained(self) -> bool:
        """Whether its best weights are kept, so that its training pictures are no longer needed."""
        return self.stage in ("trained", "done")

    @property
    def finished(self) -> bool:
        """Whether it can be tested and downloaded."""
        return self.stage == "done"


def require_order(history: Sequence[EpochResult]) -> None:
    """Check that no epoch is missing.

    Raises:
        ValueError: one is missing; the record is damaged.
    """
    if [one.epoch for one in history] != list(range(1, len(history) + 1)):
        raise ValueError("an epoch is missing")
