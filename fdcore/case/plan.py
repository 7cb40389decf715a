"""What the analyst wants done in a case: which suspect, which corpora, what to ask, how to weigh the answers.

A plan is kept in case.json, so that long work can be started from anywhere and goes on after any interruption.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from fdcore.answers.views import ViewSpec
from fdcore.case.case import Case
from fdcore.case.places import Places, require_inside
from fdcore.corpus.corpus import folder_of
from fdcore.corpus.hierarchy import Hierarchy, read_hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import CaseError, SettingsError
from fdcore.method.selection import SelectionSettings


@dataclass(frozen=True)
class Settings:
    """What an investigation asks, and how its answers are weighed.

    Attributes:
        n_views: views of each image, the image itself included.
        images_per_leaf: the most images asked about in each leaf; None for all.
        seed: of the views and of which images are taken.
        budget: the most queries that may ever be sent to the suspect in this case; None for no limit.
        views: how far views depart from the image.
        selection: alpha, eta, tau, k.
    """

    n_views: int = 8
    images_per_leaf: int | None = 50
    seed: int = 0
    budget: int | None = None
    views: ViewSpec = field(default_factory=ViewSpec)
    selection: SelectionSettings = field(default_factory=SelectionSettings)

    def __post_init__(self) -> None:
        if not 1 <= self.n_views <= 1000:
            raise SettingsError(f"The number of views must lie between 1 and 1000, not {self.n_views}.")
        if self.images_per_leaf is not None and self.images_per_leaf < 1:
            raise SettingsError(f"At least one image per leaf is needed, not {self.images_per_leaf}.")
        if not 0 <= self.seed < 2**63:
            raise SettingsError(f"The seed must lie between 0 and 2^63 - 1, not {self.seed}.")
        if self.budget is not None and self.budget < 1:
            raise SettingsError(f"A budget must allow at least one query, not {self.budget}.")


@dataclass(frozen=True)
class SuspectOptions:
    """What the analyst says about a suspect's file; see `fdcore.suspect.open.open_suspect`."""

    arch: str | None = None
    preset: str | None = None
    spec_overrides: dict[str, Any] = field(default_factory=dict)
    n_classes: int | None = None
    device: str = "cpu"
    allow_unscanned: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs beside the evidence.

    Attributes:
        suspect: how its file is opened.
        corpora: image folders, each "DIR" or "DIR@NODE".
        hierarchy: a CSV or JSON file of nodes; None for WordNet.
        settings: what is asked and how it is weighed.
    """

    suspect: SuspectOptions = field(default_factory=SuspectOptions)
    corpora: tuple[str, ...] = ()
    hierarchy: str | None = None
    settings: Settings = field(default_factory=Settings)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return asdict(self) | {"corpora": list(self.corpora)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Plan":
        """The inverse of `as_dict`.

        Raises:
            CaseError: it holds something else; a case may come from anywhere.
        """
        try:
            settings = dict(values.get("settings", {}))
            settings["views"] = ViewSpec(**settings.get("views", {}))
            settings["selection"] = SelectionSettings(**settings.get("selection", {}))
            hierarchy = values.get("hierarchy")
            return cls(
                suspect=_suspect_options(values.get("suspect", {})),
                corpora=tuple(str(folder) for folder in values.get("corpora", ())),
                hierarchy=None if hierarchy is None else str(hierarchy),
                settings=Settings(**settings),
            )
        except (TypeError, ValueError, AttributeError, SettingsError) as error:
            raise CaseError(f"The plan in case.json is damaged ({error}). Restore it from a copy.") from error


def plan_of(case: Case) -> Plan:
    """A case's plan, as far as it goes.

    Raises:
        CaseError: it is damaged.
    """
    return Plan.from_dict(case.facts().get("plan", {}))


def change_plan(case: Case, *, by: str = "", **parts: Any) -> Plan:
    """Put other parts in a case's plan; the rest stays as it is at that moment. What changed goes into the audit log.

    Args:
        case: the case.
        by: who changes it.
        parts: fields of `Plan`.

    Raises:
        CaseError: work is under way in the case.
    """
    with case.exclusively():
        now = plan_of(case)
        new = replace(now, **parts)
        if new != now:
            case.record(plan=new.as_dict())
            case.log("plan changed", {part: new.as_dict()[part] for part in parts} | ({"by": by} if by else {}))
    return new


def require_allowed(places: Places, plan: Plan) -> None:
    """Whether the plan names only folders that this server may read; it may have come with an imported case.

    Raises:
        SettingsError: it names another.
    """
    for corpus in plan.corpora:
        require_inside(places.corpora, folder_of(corpus))
    if plan.hierarchy is not None:
        require_inside(places.corpora, Path(plan.hierarchy))


def open_hierarchy(path: str | Path | None) -> Hierarchy:
    """The hierarchy that a plan names: a file, or WordNet.

    Raises:
        CorpusError: the file cannot be read or is no hierarchy.
    """
    return load_wordnet() if path is None else read_hierarchy(Path(path))


def _suspect_options(values: Mapping[str, Any]) -> SuspectOptions:
    known = {field.name for field in fields(SuspectOptions)}
    if unknown := sorted(set(values) - known):
        raise SettingsError(f"the suspect has no option {', '.join(unknown)}")
    options = SuspectOptions(**values)
    if not isinstance(options.spec_overrides, dict):
        raise SettingsError("the suspect's input is no table of settings")
    return options
