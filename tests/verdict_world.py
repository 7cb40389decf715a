"""Two kingdoms of three families of four leaves, scores over them, and the verdict: what the verdict's tests share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fdcore.answers.ledger import LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.closeness import distances
from fdcore.method.filtering import FilteredClass
from fdcore.method.findings import ClassFinding, Findings, ImageTable, Scored, weigh
from fdcore.method.naming import name_selection
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings, select
from fdcore.method.weaknesses import weaknesses
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.verdict import Verdict, reach_verdict

SETTINGS = SelectionSettings()
NOTHING = np.empty(0, np.intp)

# Two kingdoms of three families of four leaves each.
FAMILIES = {f"{kingdom}{family}": kingdom for kingdom in ("animal", "plant") for family in "abc"}
LEAVES = tuple(f"{family}{leaf}" for family in FAMILIES for leaf in range(4))
WORLD = Hierarchy.from_rows(
    [("thing", (), ("thing",)), ("animal", ("thing",), ("animal",)), ("plant", ("thing",), ("plant",))]
    + [(family, (kingdom,), (family,)) for family, kingdom in FAMILIES.items()]
    + [(leaf, (leaf[:-1],), (leaf,)) for leaf in LEAVES]
)


def make_scores(shares: np.ndarray, *, asked: int = 100, nodes: Sequence[str] = LEAVES) -> Scores:
    """Scores with these shares (n_classes, n_leaves)."""
    hits = np.round(shares * asked).astype(np.int32)
    full = np.full(shares.shape[1], asked)
    return Scores(tuple(nodes), hits, full, full, design_effect=1.0)


def find(scores: Scores, hierarchy: Hierarchy = WORLD, settings: SelectionSettings = SETTINGS) -> list[ClassFinding]:
    """What the method finds in these scores."""
    leaves = np.arange(len(scores.nodes))
    selections = select(scores, leaves, distances(hierarchy, scores.nodes), settings)
    return [finding(selection, scores, hierarchy, settings) for selection in selections]


def finding(
    selection: ClassSelection, scores: Scores, hierarchy: Hierarchy, settings: SelectionSettings = SETTINGS
) -> ClassFinding:
    winner = selection.winner
    chosen = [scores.nodes[leaf] for leaf in winner.members] if winner else []
    name = name_selection(hierarchy, chosen, scores.nodes) if chosen else None
    images = FilteredClass(selection.target_class, NOTHING, np.empty(0), NOTHING, NOTHING)
    return ClassFinding(selection, images, name, weaknesses(selection, scores, settings))


def matrix(scores: Scores, hierarchy: Hierarchy = WORLD):
    return lambda leaves: distances(hierarchy, [scores.nodes[leaf] for leaf in leaves])


def verdict_on(
    scores: Scores, hierarchy: Hierarchy = WORLD, settings: SelectionSettings = SETTINGS, **options: object
) -> Verdict:
    return reach_verdict(find(scores, hierarchy, settings), scores, hierarchy, **options)


def scored_as(
    scores: Scores,
    hierarchy: Hierarchy = WORLD,
    *,
    answers: np.ndarray | None = None,
    leaf_of: np.ndarray | None = None,
) -> Scored:
    """These scores as a case has them; by default with one image of each leaf."""
    given = np.zeros((len(scores.nodes), 2), np.int32) if answers is None else answers.astype(np.int32)
    places = np.arange(len(given), dtype=np.int32) if leaf_of is None else leaf_of.astype(np.int32)
    names = tuple(map(str, range(len(given))))
    header = LedgerHeader("suspect", scores.n_classes, PreprocessSpec(8, 8), "corpus", 0, ViewSpec(), *given.shape)
    return Scored(scores, ImageTable(scores.nodes, places, names, names), given, np.arange(len(given), dtype=np.uint64),
                  hierarchy, header, int((given >= 0).sum()))  # fmt: skip


def findings_on(
    scores: Scores, hierarchy: Hierarchy = WORLD, settings: SelectionSettings = SETTINGS, **options: Any
) -> Findings:
    """All that `weigh` finds in these scores."""
    return weigh(scored_as(scores, hierarchy, **options), settings)


def by_family(loyal: float = 0.9) -> np.ndarray:
    """Class i answers the leaves of family i; the rest goes evenly to all."""
    shares = np.full((6, 24), (1 - loyal) / 6)
    for i in range(6):
        shares[i, 4 * i : 4 * i + 4] += loyal
    return shares


def points_of(verdict: Verdict) -> Mapping[str, tuple[int, ...]]:
    """The classes of each weak point, by its key."""
    return {point.key: point.classes for point in verdict.weak_points}
