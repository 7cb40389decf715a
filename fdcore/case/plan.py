"""What the analyst wants done in a case: the suspect, the corpora, the queries, and how answers are weighed.

A plan is kept in case.json, so that long work can be started from anywhere and resumed after any interruption.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fdcore.answers.views import ViewSpec
from fdcore.case.places import Places, require_inside
from fdcore.corpus.corpus import folder_of
from fdcore.corpus.hierarchy import Hierarchy, read_hierarchy
from fdcore.corpus.leaf_names import NamedLeaf, with_named
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import SettingsError
from fdcore.method.adaptive import Adaptive
from fdcore.method.selection import SelectionSettings
from fdcore.suspect.preprocess import Origin
from fdcore.suspect.runtimes import RuntimeChoice


@dataclass(frozen=True)
class Settings:
    """What an investigation queries, and how the answers are weighed.

    Attributes:
        n_views: views of each image, including the image itself, from 1 to 1000.
        images_per_leaf: the most images sampled from each leaf; None for all.
        seed: of the views and of the sampling of images.
        budget: the most queries ever sent to the suspect in this case; None for no limit.
        views: how far views depart from the image.
        selection: alpha, eta, tau, k, k_max.
        adaptive: how queries are saved; None to send all of them.
    """

    n_views: int = 2
    images_per_leaf: int | None = 200
    seed: int = 0
    budget: int | None = None
    views: ViewSpec = field(default_factory=ViewSpec)
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    adaptive: Adaptive | None = None

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
    """The options for opening a suspect's file; see `fdcore.suspect.open.open_suspect`.

    Attributes:
        origins: how options are known that the analyst did not set, such as {"mean": "bench"}.
    """

    arch: str | None = None
    preset: str | None = None
    spec_overrides: dict[str, Any] = field(default_factory=dict)
    n_classes: int | None = None
    device: str = "cpu"
    allow_unscanned: bool = False
    allow_network: str = ""
    output: str | None = None
    origins: dict[str, Origin] = field(default_factory=dict)
    runtime: RuntimeChoice = "auto"


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs besides the evidence.

    Attributes:
        corpora: image folders, each "DIR" or "DIR@NODE".
        hierarchy: a CSV or JSON file of nodes; None for WordNet.
        leaves: names and places of leaves whose folders say too little.
    """

    suspect: SuspectOptions = field(default_factory=SuspectOptions)
    corpora: tuple[str, ...] = ()
    hierarchy: str | None = None
    settings: Settings = field(default_factory=Settings)
    leaves: tuple[NamedLeaf, ...] = ()


def require_allowed(places: Places, plan: Plan, case: Path) -> None:
    """Check that a plan, which may have come with an imported case, names only folders that this server may read.

    Args:
        places: the server's folders.
        plan: the plan.
        case: the folder of its case.

    Raises:
        SettingsError: it names another one.
    """
    for corpus in plan.corpora:
        require_inside(places.corpora_of(case), folder_of(corpus))
    if plan.hierarchy is not None:
        require_inside(places.corpora, Path(plan.hierarchy))


def open_hierarchy(path: str | Path | None) -> Hierarchy:
    """The hierarchy that a plan names: a file, or WordNet.

    Raises:
        CorpusError: the file cannot be read or is not a hierarchy.
    """
    return load_wordnet() if path is None else read_hierarchy(Path(path))


def open_planned_hierarchy(plan: Plan) -> Hierarchy:
    """The hierarchy that a plan names, with the leaves that it names and places.

    Raises:
        CorpusError: the file cannot be read or is not a hierarchy, or a leaf is below an unknown node.
    """
    return with_named(open_hierarchy(plan.hierarchy), plan.leaves)
