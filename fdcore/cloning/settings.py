"""What a clone is made from and how it is trained, as the analyst chooses it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, get_type_hints

import msgspec

from fdcore.errors import SettingsError

NotFound = Literal["leave out", "random"]
Uncertain = Literal["take", "set aside"]
Optimiser = Literal["sgd", "adam"]
Precision = Literal["auto", "float32", "bfloat16"]
Role = Literal["", "same", "similar", "distant"]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class SourceKind(StrEnum):
    """Where a transfer set comes from (paper section 5.4)."""

    FOUND = "found"  # the finding, with both terms of the objective
    ONE_TERM = "one-term"  # the finding at alpha = 1: the functional term alone
    RANDOM = "random"  # images of the corpus, whatever they show
    FOLDER = "folder"  # a set of images that the analyst names


_NAMES = {SourceKind.FOUND: "two terms", SourceKind.ONE_TERM: "one term", SourceKind.RANDOM: "random"}


@dataclass(frozen=True)
class Source:
    """One source of a transfer set.

    Attributes:
        kind: where its images come from.
        folder: only with `FOLDER`: the folder of images, one sub-folder for each of its own classes.
        role: only with `FOLDER`: what the analyst says that it is to the suspect; a column of Table 5.
    """

    kind: SourceKind
    folder: str = ""
    role: Role = ""

    def __post_init__(self) -> None:
        _check_fields(self)
        if (self.kind is SourceKind.FOLDER) != bool(self.folder):
            raise SettingsError("A source is either the finding, the corpus, or a folder that is named.")
        if self.role and not self.folder:
            raise SettingsError(f"Only a folder is the same, similar or distant; {self.kind} images are not.")

    @property
    def name(self) -> str:
        """For people: "two terms", "one term", "random", or the folder's own name.

        No folder is called as a source of the case is, but two folders may be called the same; see
        `naming.source_names`.
        """
        if self.kind in _NAMES:
            return _NAMES[self.kind]
        own = self.folder.rstrip("/").rpartition("/")[2]
        if self.role:
            return f"{self.role}: {own}"
        return f"folder {own}" if own in _NAMES.values() else own


@dataclass(frozen=True)
class TransferSettings:
    """How a transfer set is drawn.

    Attributes:
        total: images, views included; the paper takes 5,000.
        seed: which ones.
        fill_views: whether views of its images fill up a class that has too few.
        not_found: what becomes of a class that was not found: it is left out, or filled with images of the whole corpus
            that the suspect puts in it.
        reserved: share of the corpus' images that no transfer set may take, so that clones can be tested on them.
        uncertain: whether images are taken for an answer that may be none, its score's interval reaching below tau, or
            the class counts as not found.
    """

    total: Annotated[int, msgspec.Meta(ge=2, le=10_000_000)] = 5_000
    seed: Seed = 0
    fill_views: bool = True
    not_found: NotFound = "leave out"
    reserved: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.1
    uncertain: Uncertain = "take"

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True)
class TrainingSettings:
    """How a clone is trained.

    Attributes:
        arch: a registered architecture; see `fdcore.suspect.architectures.registry`.
        epochs: passes over the transfer set.
        batch_size: images of one step.
        optimiser: "sgd" with momentum 0.9 and a cosine schedule, or "adam" with the same schedule.
        learning_rate: at its highest; 0 for the optimiser's usual one (0.1 and 0.001).
        weight_decay: pull of the weights towards 0.
        augment: whether pictures are shifted and mirrored anew in every epoch.
        held_out: share of the transfer set that is not trained on; agreement on it says which epoch was best.
        patience: epochs without a better agreement after which training stops; 0 for never.
        jacobian_rounds: rounds of Jacobian-based augmentation (Papernot et al. 2017), each of which asks the suspect.
        jacobian_step: how far a picture moves in a round, as a share of the full range of a channel.
        precision: of the arithmetic; "auto" takes bfloat16 where the hardware computes with it.
        device: "cpu", "cuda", "cuda:1" ...; "auto" takes a GPU where there is one.
        seed: of the first weights, the order of the images and their augmentation.
    """

    arch: str = "resnet20"
    epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 64
    optimiser: Optimiser = "sgd"
    learning_rate: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    weight_decay: Annotated[float, msgspec.Meta(ge=0, le=1)] = 5e-4
    augment: bool = True
    held_out: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.1
    patience: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    jacobian_rounds: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    jacobian_step: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    precision: Precision = "auto"
    device: str = "auto"
    seed: Seed = 0

    def __post_init__(self) -> None:
        _check_fields(self)

    @property
    def peak_rate(self) -> float:
        """The learning rate at its highest, the optimiser's usual one filled in."""
        return self.learning_rate or {"sgd": 0.1, "adam": 0.001}[self.optimiser]


@dataclass(frozen=True)
class CloneRequest:
    """What is to be cloned.

    Attributes:
        sources: one clone for each, in this order.
        transfer: how their transfer sets are drawn.
        training: how they are trained.
        evaluation: a folder of pictures to test them on, as a corpus is given; "" for the reserved images of the
            corpus.
    """

    sources: tuple[Source, ...]
    transfer: TransferSettings = field(default_factory=TransferSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    evaluation: str = ""

    def __post_init__(self) -> None:
        if not self.sources:
            raise SettingsError("Choose at least one source of images to train a clone from.")
        if len(set(self.sources)) != len(self.sources):
            raise SettingsError("A source is named twice. Name each once.")
        if not self.evaluation and not self.transfer.reserved:
            raise SettingsError(
                "Clones are tested on a folder, or on a reserved share of the corpus: give one of them."
            )


def _check_fields(settings: object) -> None:
    """Whether every field holds what it is declared as, in its range.

    Raises:
        SettingsError: one does not.
    """
    for name, declared in get_type_hints(type(settings), include_extras=True).items():
        value = getattr(settings, name)
        try:
            checked = msgspec.convert(value, declared)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{name} cannot be {str(value)[:80]!r}: {error}.") from error
        object.__setattr__(settings, name, checked)  # a whole number where a fraction is declared becomes one
