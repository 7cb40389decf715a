"""What a clone is made from and how it is trained, as the analyst chooses it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, TypeVar, get_args

from fdcore.errors import SettingsError

NotFound = Literal["leave out", "random"]
Uncertain = Literal["take", "set aside"]
Optimiser = Literal["sgd", "adam"]
Precision = Literal["auto", "float32", "bfloat16"]
Role = Literal["", "same", "similar", "distant"]


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
        _require_types(self)
        if (self.kind is SourceKind.FOLDER) != bool(self.folder):
            raise SettingsError("A source is either the finding, the corpus, or a folder that is named.")
        if self.role not in get_args(Role) or (self.role and not self.folder):
            raise SettingsError(f"A folder is the same, similar or distant, not {self.role!r}.")

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

    total: int = 5_000
    seed: int = 0
    fill_views: bool = True
    not_found: NotFound = "leave out"
    reserved: float = 0.1
    uncertain: Uncertain = "take"

    def __post_init__(self) -> None:
        _require_types(self)
        _require(2 <= self.total <= 10_000_000, "A transfer set has 2 to 10,000,000 images", self.total)
        _require(0 <= self.seed < 2**63, "The seed lies between 0 and 2^63 - 1", self.seed)
        _require(self.not_found in get_args(NotFound), "A class not found is 'leave out' or 'random'", self.not_found)
        _require(self.uncertain in get_args(Uncertain), "Uncertain is 'take' or 'set aside'", self.uncertain)
        _require(0 <= self.reserved <= 0.5, "The reserved share lies between 0 and 0.5", self.reserved)


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
    epochs: int = 50
    batch_size: int = 64
    optimiser: Optimiser = "sgd"
    learning_rate: float = 0.0
    weight_decay: float = 5e-4
    augment: bool = True
    held_out: float = 0.1
    patience: int = 0
    jacobian_rounds: int = 0
    jacobian_step: float = 0.1
    precision: Precision = "auto"
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _require_types(self)
        _require(1 <= self.epochs <= 10_000, "A clone is trained for 1 to 10,000 epochs", self.epochs)
        _require(1 <= self.batch_size <= 65_536, "A step takes 1 to 65,536 images", self.batch_size)
        _require(self.optimiser in get_args(Optimiser), "The optimiser is 'sgd' or 'adam'", self.optimiser)
        _require(0 <= self.learning_rate <= 100, "The learning rate lies between 0 and 100", self.learning_rate)
        _require(0 <= self.weight_decay <= 1, "The weight decay lies between 0 and 1", self.weight_decay)
        _require(0 <= self.held_out <= 0.5, "The held-out share lies between 0 and 0.5", self.held_out)
        _require(0 <= self.patience <= 10_000, "The patience lies between 0 and 10,000 epochs", self.patience)
        _require(0 <= self.jacobian_rounds <= 10, "There are 0 to 10 rounds of augmentation", self.jacobian_rounds)
        _require(0 < self.jacobian_step <= 1, "A step lies above 0 and at most at 1", self.jacobian_step)
        _require(self.precision in get_args(Precision), "Precision is auto, float32 or bfloat16", self.precision)
        _require(0 <= self.seed < 2**63, "The seed lies between 0 and 2^63 - 1", self.seed)

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

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CloneRequest":
        """The inverse of `as_dict`.

        Raises:
            SettingsError: it is something else.
        """
        try:
            return cls(
                tuple(source_from_dict(source) for source in values["sources"]),
                transfer_from_dict(values["transfer"]),
                training_from_dict(values["training"]),
                str(values["evaluation"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SettingsError(f"The request for clones is incomplete ({error!r}).") from error


def source_from_dict(values: Mapping[str, Any]) -> Source:
    """The inverse of `dataclasses.asdict`.

    Raises:
        SettingsError: it is something else; a case may come from anywhere.
    """
    if not isinstance(values, Mapping):
        raise SettingsError(f"A source is a table of its fields, not {str(values)[:80]!r}.")
    return _from_dict(Source, dict(values) | {"kind": _kind(values.get("kind"))})


def transfer_from_dict(values: Mapping[str, Any]) -> TransferSettings:
    """The inverse of `dataclasses.asdict`.

    Raises:
        SettingsError: it is something else.
    """
    return _from_dict(TransferSettings, values)


def training_from_dict(values: Mapping[str, Any]) -> TrainingSettings:
    """The inverse of `dataclasses.asdict`.

    Raises:
        SettingsError: it is something else.
    """
    return _from_dict(TrainingSettings, values)


def _kind(value: object) -> SourceKind:
    try:
        return SourceKind(str(value))
    except ValueError as error:
        raise SettingsError(f"There is no source called {value!r}.") from error


_Settings = TypeVar("_Settings", Source, TransferSettings, TrainingSettings)


def _from_dict(kind: type[_Settings], values: Mapping[str, Any]) -> _Settings:
    if not isinstance(values, Mapping):
        raise SettingsError(f"{kind.__name__} is a table of its fields, not {str(values)[:80]!r}.")
    if unknown := sorted(set(values) - {field.name for field in fields(kind)}):
        raise SettingsError(f"{kind.__name__} has no {', '.join(map(str, unknown))}.")
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingsError(f"{kind.__name__} is incomplete or holds something else ({error}).") from error


def _require(holds: bool, expected: str, value: object) -> None:
    if not holds:
        raise SettingsError(f"{expected}, not {value!r}.")


def _require_types(settings: Source | TransferSettings | TrainingSettings) -> None:
    """Whether every field holds what it is declared as; `_require` then says whether it lies in its range."""
    for one in fields(settings):
        value, declared = getattr(settings, one.name), one.type if isinstance(one.type, type) else str  # a Literal
        kinds = (float, int) if declared is float else (declared,)
        if type(value) not in kinds:
            names = " or ".join(kind.__name__ for kind in kinds)
            raise SettingsError(f"{one.name} of {type(settings).__name__} is {names}, not {str(value)[:80]!r}.")
