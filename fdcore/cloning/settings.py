"""The analyst's settings: what a clone is made from and how it is trained."""

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
    RANDOM = "random"  # random images of the corpus
    BALANCED = "balanced"  # random images of the corpus, as many of each class as the suspect's answers allow
    CONSISTENT = "consistent"  # balanced, the images first whose views the suspect puts in one class most consistently
    ALL_ANSWERS = "all-answers"  # every recorded answer, each view under its own label: the ceiling
    FOLDER = "folder"  # a set of images that the analyst names


_NAMES = {
    SourceKind.FOUND: "two terms", SourceKind.ONE_TERM: "one term", SourceKind.RANDOM: "random",
    SourceKind.BALANCED: "balanced random", SourceKind.CONSISTENT: "consistent, any leaf",
    SourceKind.ALL_ANSWERS: "all answers",
}  # fmt: skip
OF_FINDING = frozenset((SourceKind.FOUND, SourceKind.ONE_TERM))  # sources that depend on what was found


@dataclass(frozen=True)
class Source:
    """One source of a transfer set."""

    kind: SourceKind
    folder: str = ""  # only with `FOLDER`: the folder of images, one sub-folder for each of its own classes
    role: Role = ""  # only with `FOLDER`: its relation to the suspect according to the analyst; a column of Table 5

    def __post_init__(self) -> None:
        _check_fields(self)
        if (self.kind is SourceKind.FOLDER) != bool(self.folder):
            raise SettingsError("A source is either the finding, the corpus, or a named folder.", key="folder unclear")
        if self.role and not self.folder:
            raise SettingsError(
                f"Only a folder can be the same, similar or distant, not {self.kind} images.", key="role without folder"
            )

    @property
    def name(self) -> str:
        """The display name: "two terms", "random", "all answers" and so on, or the folder's own name.

        No folder has the name of another kind of source, but two folders may share a name; see `naming.source_names`.
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
        total: images, views included; the paper uses 5,000. "All answers" ignores it.
        fill_views: whether a class that still has too few images is filled up with views of them.
        not_found: whether a class that was not found is left out, or filled with images of the whole corpus that the
            suspect puts in it.
        reserved: share of the corpus' images that no transfer set may use, so that clones can be tested on them.
        uncertain: whether the images of an uncertain answer (its score's interval reaches below tau or the evidence
            limit) are used, or the class counts as not found.
        any_leaf: whether a class with too few found images is filled up with images of any leaf that the suspect puts
            in the class, the most consistent first, before views are used.
    """

    total: Annotated[int, msgspec.Meta(ge=2, le=10_000_000)] = 5_000
    seed: Seed = 0
    fill_views: bool = True
    not_found: NotFound = "leave out"
    reserved: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.1
    uncertain: Uncertain = "take"
    any_leaf: bool = True

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True)
class TrainingSettings:
    """How a clone is trained.

    Attributes:
        arch: a registered architecture; see `fdcore.suspect.architectures.registry`.
        optimiser: "sgd" with momentum 0.9 and a cosine schedule, or "adam" with the same schedule.
        learning_rate: at its peak; 0 for the optimiser's usual one (0.1 and 0.001).
        augment: whether pictures are shifted and mirrored differently in every epoch.
        held_out: share of the transfer set that is not trained on; agreement on it decides the best epoch.
        patience: epochs without a better agreement after which training stops; 0 for never.
        jacobian_rounds: rounds of Jacobian-based augmentation (Papernot et al. 2017); each queries the suspect.
        jacobian_step: how far a picture moves in a round, as a share of the full range of a channel.
        precision: "auto" chooses bfloat16 if the hardware computes with it.
        device: "cpu", "cuda", "cuda:1" ...; "auto" chooses a GPU if there is one.
        seed: of the initial weights, the order of the images and their augmentation.
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
        """The highest learning rate, by default the optimiser's usual one."""
        return self.learning_rate or {"sgd": 0.1, "adam": 0.001}[self.optimiser]


@dataclass(frozen=True)
class CloneRequest:
    """A request for clones."""

    sources: tuple[Source, ...]  # one clone for each, in this order
    transfer: TransferSettings = field(default_factory=TransferSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    evaluation: str = ""  # a folder of pictures to test on, given like a corpus; "" for the corpus' reserved images

    def __post_init__(self) -> None:
        if not self.sources:
            raise SettingsError("Choose at least one source of images to train a clone from.", key="no source")
        if len(set(self.sources)) != len(self.sources):
            raise SettingsError("A source is named twice. Name each only once.", key="source named twice")
        if not self.evaluation and not self.transfer.reserved:
            raise SettingsError(
                "Clones are tested on a folder or on a reserved share of the corpus. Give one of them.",
                key="nothing to test on",
            )


def _check_fields(settings: object) -> None:
    """Check that every field has its declared type and range.

    Raises:
        SettingsError: one does not.
    """
    for name, declared in get_type_hints(type(settings), include_extras=True).items():
        value = getattr(settings, name)
        try:
            checked = msgspec.convert(value, declared)
        except msgspec.ValidationError as error:
            raise SettingsError(
                f"{name} cannot be {str(value)[:80]!r}: {error}.", key="setting out of range"
            ) from error
        object.__setattr__(settings, name, checked)  # an int becomes a float where one is declared
