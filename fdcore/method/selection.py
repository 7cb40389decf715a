"""Selection: from scores and distances to one meaningful set of leaves per class (paper section 4.2, steps 2 and 3).

Per class: leaves that score at least tau, and not much less than the best, are candidates; K-medoids groups them by
their distance in the hierarchy; clusters are merged while all their medoids lie closer than eta; the cluster with the
highest `alpha * functional + (1 - alpha) * semantic` is the finding if it is evidence enough (see `evidence`); where it
is not, but the cluster of the best leaf is and scores twice as high, that one is.
Otherwise the best leaf is the finding if hardly any answer of the class lies elsewhere; otherwise the class is "not
found", which is a valid answer. One half of each leaf's images chooses, the other states L and its interval. Nothing
here queries the suspect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError
from fdcore.method.closeness import closeness
from fdcore.method.clustering import Indices, KnownDistances, Matrix, Medoids, medoids_of, merge_groups
from fdcore.method.evidence import (
    LEAST_HITS,
    TIMES_CHANCE,
    Lacking,
    Limits,
    automatic_evidence,
    exclusivity,
    lacking,
    support,
)
from fdcore.method.scores import Scores, Split, wilson_interval

Shares = npt.NDArray[np.float64]

MAX_NOTE = 2_000  # characters of a choice's note
MAX_BY = 200  # characters of a choice's author
MAX_CALLED = 120  # characters of a choice's name
MAX_CHOSEN = 1_000  # leaves of a choice
WINNER_TIMES = 1.5  # a winner scores at least `relative` times this part of the class's best leaf
OUTSCORES = 2.0  # how many times the L of a winner that is not evidence the cluster of the best leaf must reach
WITHOUT_LIMITS: dict[str, float | bool] = {
    "relative": 0.0, "evidence": 0.0, "share": 0.0, "exclusive": 1.0, "held_out": False,
}  # fmt: skip


@dataclass(frozen=True)
class SelectionSettings:
    """The analyst's settings; docs/decisions/0004 explains how the defaults were measured.

    Attributes:
        alpha: weight of the functional score in the objective, in (0, 1].
        eta: clusters are merged while all their medoids lie closer than this many steps; larger is more general.
        tau: the lowest functional score of a candidate, in (0, 1].
        k: number of medoids; None starts with every candidate as its own medoid and lets eta generalise, "silhouette"
            takes the number whose clusters are separated best.
        k_max: the most candidates a class may have, best first.
        relative: a candidate scores at least this part of the class's best leaf, 0..1; 0 for no such limit. A winning
            cluster scores at least `WINNER_TIMES` this part, so that closeness does not outweigh consistency.
        evidence: the lowest L of an answer, 0..1; None for a limit relative to how clearly the suspect answers.
        share: the lowest product of L's lower bound and the part of the class's answers in the selection, 0..1.
        exclusive: where nothing is found so, the best leaf is found, however low its score, if at least this part of
            the class's answers (lower bound, 0..1) falls in it; 1 for never. A suspect of many classes, or one that is
            shown pictures unlike its own, puts few pictures of the right leaf in the class, but hardly any others.
        held_out: whether half of each leaf's images choose and the others state L; otherwise all do both, and L and its
            interval are too high.
    """

    alpha: float = 0.7
    eta: float = 6.5
    tau: float = 0.2
    k: Medoids = None
    k_max: int = 50
    relative: float = 0.4
    evidence: float | None = None
    share: float = 0.01
    exclusive: float = 0.35
    held_out: bool = True

    def by_paper_rule(self) -> "SelectionSettings":
        """The paper's rule (section 4.2) and nothing else: K-medoids, merging, and the highest objective is found."""
        k: Medoids = "silhouette" if self.k is None else self.k
        return replace(self, k=k, relative=0.0, evidence=0.0, share=0.0, exclusive=1.0, held_out=False)

    def by_evidence(self) -> "SelectionSettings":
        """The default limits, with these alpha, eta and tau."""
        return SelectionSettings(self.alpha, self.eta, self.tau, k_max=self.k_max)

    @property
    def without_limits(self) -> bool:
        """Whether the highest objective is found, whatever its evidence."""
        return not (self.relative or self.share) and self.evidence == 0 and self.exclusive == 1

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("alpha", 0 < self.alpha <= 1, "above 0 and at most 1"),
            ("tau", 0 < self.tau <= 1, "above 0 and at most 1"),
            ("eta", 0 <= self.eta <= 1e6, "between 0 and 1,000,000 steps"),
            ("k", self.k is None or self.k == "silhouette" or self.k >= 1, "at least 1, automatic or silhouette"),
            ("k_max", self.k_max >= 1, "at least 1"),
            ("relative", 0 <= self.relative <= 1, "between 0 and 1"),
            ("evidence", self.evidence is None or 0 <= self.evidence <= 1, "between 0 and 1, or left out"),
            ("share", 0 <= self.share <= 1, "between 0 and 1"),
            ("exclusive", 0 < self.exclusive <= 1, "above 0 and at most 1"),
        ):
            if not good:
                raise SettingsError(f"{name} must be {wanted}, not {getattr(self, name)}.", key=f"{name} range")


@dataclass(frozen=True)
class Cluster:
    """A group of leaves and its scores.

    Attributes:
        medoid: the member nearest to all others, an index of a leaf.
        members: indices of leaves, best score first.
        functional: L, the share of the members' views put in the class, of images that had no part in the choice.
        low, high: the 95 % interval of L.
        apparent: the same share of the images by which the leaves were chosen, so it is too high.
        semantic: S, the mean closeness over pairs of images in different leaves; 0 for a single leaf.
        objective: alpha * apparent + (1 - alpha) * S.
    """

    medoid: int
    members: tuple[int, ...]
    functional: float
    low: float
    high: float
    apparent: float
    semantic: float
    objective: float


@dataclass(frozen=True)
class Choice:
    """One class's answer, locked by hand.

    Attributes:
        nodes: ids of the leaves that are the answer; none for "not found".
        note: the reason, at most `MAX_NOTE` characters; required, because a reader must be able to check the choice.
        by: who chose; empty where nobody is signed in.
        time: in ISO 8601 and UTC.
        name: what the answer is called, at most `MAX_CALLED` characters; empty for the name that its leaves give it.

    Raises:
        SettingsError: one of these is missing, too long or not printable text.
    """

    target_class: int
    nodes: tuple[str, ...]
    note: str
    by: str
    time: str
    name: str = ""

    def __post_init__(self) -> None:
        n_note, n_by, n_nodes, n_name = len(self.note), len(self.by), len(self.nodes), len(self.name)
        text = self.by + self.name + self.note.replace("\n", "").replace("\t", "")
        repeats = len(set(self.nodes)) < n_nodes
        for wrong, message, key in (
            (self.target_class < 0, f"A class number must be at least 0, not {self.target_class}.", "class range"),
            (not self.note.strip(), "A choice by hand needs a note that gives the reason.", "note missing"),
            (n_note > MAX_NOTE, f"The note has {n_note:,} characters; shorten it to {MAX_NOTE:,}.", "note length"),
            (n_by > MAX_BY, f"The author's name has {n_by:,} characters; shorten it to {MAX_BY}.", "author length"),
            (
                not text.isprintable(),
                "Note, name or author contain control characters; retype them.",
                "control characters",
            ),
            (n_name > MAX_CALLED, f"The name has {n_name:,} characters; shorten it to {MAX_CALLED}.", "name length"),
            (
                bool(self.name) and not n_nodes,
                "What is not found has no name; write it in the note.",
                "name of nothing",
            ),
            (repeats, "The same leaf was chosen twice; choose each leaf once.", "leaf repeated"),
            (n_nodes > MAX_CHOSEN, f"{n_nodes:,} leaves are too many; choose at most {MAX_CHOSEN:,}.", "leaf count"),
            (not _is_utc(self.time), f"The time must be in ISO 8601 and UTC, not {self.time[:40]!r}.", "time not utc"),
        ):
            if wrong:
                raise SettingsError(message, key=key)


@dataclass(frozen=True)
class ClassSelection:
    """What was found for one class.

    Attributes:
        candidates: leaves at or above tau, best first, at most k_max.
        clusters: the groups, best objective first, those that score too little to win last; empty when nothing was
            found. Where the analyst chose leaves, their
            group comes first regardless of its objective; where the analyst chose "not found", none of them wins.
        choice: the analyst's own answer; None where the method's answer stands.
        lacking: why the best cluster is not found: it lacks "evidence" or its "share" of the class's answers is small.
        exclusive: the lower bound of the answer's part of the class's answers, where it was found by that although its
            score is too low; None elsewhere.
    """

    target_class: int
    candidates: tuple[int, ...]
    clusters: tuple[Cluster, ...]
    choice: Choice | None = None
    lacking: Lacking = ""
    exclusive: float | None = None

    @property
    def winner(self) -> Cluster | None:
        """The selected cluster, or None for "not found", by the method or by hand."""
        refused = bool(self.lacking) if self.choice is None else not self.choice.nodes
        return self.clusters[0] if self.clusters and not refused else None

    @property
    def nearest(self) -> Cluster | None:
        """Where the method found nothing, the cluster that comes nearest; None where there is none, or an answer."""
        return self.clusters[0] if self.clusters and self.lacking and self.choice is None else None

    @property
    def found(self) -> bool:
        """Whether the class has an answer in the corpus."""
        return self.winner is not None


@dataclass(frozen=True)
class Overall:
    """The whole model's scores (paper section 4.1.3): sums over the classes."""

    functional: float
    semantic: float
    n_found: int
    n_classes: int


def select(
    scores: Scores,
    leaves: Indices,
    distances: Matrix,
    settings: SelectionSettings,
    classes: Sequence[int] | None = None,
) -> tuple[ClassSelection, ...]:
    """Select leaves for every class, or for some.

    Args:
        scores: functional scores of every class and leaf.
        leaves: (n,) increasing indices of the leaves whose distances are known: at least `candidate_leaves`.
        distances: (n, n) steps in the hierarchy among them; inf where unrelated.
        settings: alpha, eta, tau, k, k_max.
        classes: numbers of classes; None for all. A class's answer is the same whichever others are selected.

    Raises:
        SettingsError: the distances do not match `leaves`, or a candidate is missing from them.
    """
    known, limits = KnownDistances(scores.nodes, leaves, distances), limits_of(scores, settings)
    return tuple(_select_class(scores, known, settings, limits, i) for i in _numbers(scores, classes))


def limits_of(scores: Scores, settings: SelectionSettings) -> Limits:
    """What an answer of this suspect must reach with these settings."""
    evidence = automatic_evidence(scores.split(settings.held_out)) if settings.evidence is None else settings.evidence
    return Limits(evidence, settings.share)


def candidates(functional: npt.NDArray[np.float32], settings: SelectionSettings) -> Indices:
    """The leaves of one class that may be in its answer, highest first, at most k_max; ties in the leaves' order.

    They score at least tau, and at least `relative` times as much as the class's best leaf.
    """
    least = max(settings.tau, settings.relative * float(functional.max(initial=0)))
    above = np.flatnonzero(functional >= np.float32(least))
    best_first: Indices = above[np.argsort(-functional[above], kind="stable")]
    return best_first[: settings.k_max]


def least_to_win(functional: npt.NDArray[np.float32], settings: SelectionSettings) -> float:
    """The lowest apparent score of a cluster that may win, by the scores of one class's leaves."""
    return min(WINNER_TIMES * settings.relative, 1.0) * float(functional.max(initial=0))


def candidate_leaves(scores: Scores, settings: SelectionSettings, classes: Sequence[int] | None = None) -> Indices:
    """The leaves that are candidates of any of the classes (None: all), in increasing order: their distances matter."""
    split = scores.split(settings.held_out)
    every = [
        leaves if len(leaves) or not (other := exclusive_leaf(scores, i, settings)) else np.array(other.candidates)
        for i in _numbers(scores, classes)
        for leaves in [candidates(split.choosing.functional[i], settings)]
    ]
    return np.unique(np.concatenate(every)) if every else np.empty(0, np.intp)


def overall(selections: tuple[ClassSelection, ...]) -> Overall:
    """Sum the found classes' L and S (paper section 4.1.3)."""
    winners = [s.winner for s in selections if s.winner]
    return Overall(
        functional=sum(w.functional for w in winners),
        semantic=sum(w.semantic for w in winners),
        n_found=len(winners),
        n_classes=len(selections),
    )


def _numbers(scores: Scores, classes: Sequence[int] | None) -> Sequence[int]:
    return range(scores.n_classes) if classes is None else classes


def _select_class(
    scores: Scores, known: KnownDistances, settings: SelectionSettings, limits: Limits, target_class: int
) -> ClassSelection:
    split = scores.split(settings.held_out)
    chosen = candidates(split.choosing.functional[target_class], settings)
    if not len(chosen):
        return exclusive_leaf(scores, target_class, settings) or ClassSelection(target_class, (), ())
    among = known.among(chosen)
    group = merge_groups(among, medoids_of(among, settings.k), settings.eta)
    least = least_to_win(split.choosing.functional[target_class], settings)
    clusters = weigh_groups(split, target_class, chosen, group, among, settings.alpha, least)
    lacks = lacking_of(split, target_class, clusters[0], limits)
    if lacks and (better := outscoring(split, target_class, clusters, limits, least)):
        clusters, lacks = (better, *(one for one in clusters if one is not better)), ""
    if lacks and (other := exclusive_leaf(scores, target_class, settings)):
        return other
    return ClassSelection(target_class, tuple(chosen.tolist()), clusters, lacking=lacks)


def exclusive_leaf(scores: Scores, target_class: int, settings: SelectionSettings) -> ClassSelection | None:
    """The class's best leaf as its answer, if hardly any answer of the class lies elsewhere.

    Only one leaf, because the others of so low a score are chance: of the sets that eta makes of them 10 of 28 were
    right, of single leaves 63 of 67 (docs/error-rates.md). All images say how much of the class it holds, because half
    of so few answers would say too little.
    """
    split = scores.split(settings.held_out)
    functional = split.choosing.functional[target_class]
    if settings.exclusive == 1 or not functional.any():
        return None
    best = np.argmax(functional, keepdims=True)
    hits = scores.hits[target_class]
    if hits[best[0]] < max(LEAST_HITS, settings.exclusive * hits.sum()):  # a share is above its lower bound
        return None
    chance = float(scores.n_queries[best[0]] / max(scores.n_queries.sum(), 1))
    part = exclusivity(scores, target_class, best)
    if part < max(settings.exclusive, TIMES_CHANCE * chance):
        return None
    clusters = weigh_groups(
        split, target_class, best, np.zeros(1, np.intp), np.zeros((1, 1), np.float32), settings.alpha
    )
    return ClassSelection(target_class, (int(best[0]),), clusters, exclusive=part)


def outscoring(
    split: Split, target_class: int, clusters: Sequence[Cluster], limits: Limits, least: float
) -> Cluster | None:
    """The cluster of the class's best leaf where the one with the highest objective is not evidence: closeness must not
    hide it (docs/decisions/0004). It is evidence itself, it may win, and its L is at least `OUTSCORES` times as high.
    """
    best = int(split.choosing.functional[target_class].argmax())
    own = next(one for one in clusters if best in one.members)
    outscores = own.apparent >= least and own.functional >= OUTSCORES * clusters[0].functional
    return own if outscores and not lacking_of(split, target_class, own, limits) else None


def lacking_of(split: Split, target_class: int, cluster: Cluster, limits: Limits) -> Lacking:
    """What a cluster lacks as an answer of its class."""
    return lacking(cluster.functional, support(split.stating, target_class, cluster.members, cluster.low), limits)


def weigh_groups(
    split: Split, target_class: int, chosen: Indices, group: Indices, among: Matrix, alpha: float, least: float = 0.0
) -> tuple[Cluster, ...]:
    """L, S and the objective of every group of leaves, best first; ties go to the higher score, then the smaller id.

    Groups whose apparent score is below `least` come last.

    Args:
        split: functional scores of every class and leaf.
        target_class: the class's number.
        chosen: (n,) indices of leaves, best score first.
        group: (n,) the group of each, 0 .. n_groups - 1.
        among: (n, n) distances among them.
        alpha: weight of L.
    """
    n_groups = int(group.max()) + 1
    (apparent, _, _), (functional, low, high) = (
        _shares(half, target_class, chosen, group, n_groups) for half in (split.choosing, split.stating)
    )
    # S counts pairs of images; where all images both choose and state, both halves are all of them.
    semantic = semantic_scores(among, split.choosing.n_images[chosen] + split.stating.n_images[chosen], group)
    weighed = objectives(apparent, semantic, alpha)
    together = group[:, None] == group[None, :]
    spread = np.where(together, among, 0).sum(axis=1).tolist()
    members: list[list[int]] = [[] for _ in range(n_groups)]
    for place, g in enumerate(group.tolist()):
        members[g].append(place)
    leaves, nodes = chosen.tolist(), split.choosing.nodes
    measures = np.stack([functional, low, high, apparent, semantic, weighed], axis=1).tolist()
    clusters = [
        Cluster(leaves[min(places, key=spread.__getitem__)], tuple(leaves[place] for place in places), *measured)
        for places, measured in zip(members, measures, strict=True)
    ]
    return tuple(sorted(clusters, key=lambda c: (c.apparent < least, -c.objective, -c.apparent, nodes[c.medoid])))


def _shares(
    scores: Scores, target_class: int, chosen: Indices, group: Indices, n_groups: int
) -> tuple[Shares, Shares, Shares]:
    """The share of each group's views that were put in the class, and its 95 % interval."""
    hits = np.bincount(group, scores.hits[target_class, chosen], n_groups)
    asked = np.bincount(group, scores.n_queries[chosen], n_groups)
    return hits / np.maximum(asked, 1), *wilson_interval(hits, asked, design_effect=scores.design_effect)


def objectives(functional: Shares, semantic: Shares, alpha: float | Shares) -> Shares:
    """alpha * L + (1 - alpha) * S (paper section 4.2, step 3), element by element."""
    weighed: Shares = alpha * functional + (1 - alpha) * semantic
    return weighed


def semantic_scores(distances: Matrix, n_images: npt.NDArray[np.int64], group: Indices) -> npt.NDArray[np.float64]:
    """S of each group: the mean closeness over pairs of images in different leaves (paper section 4.1.2).

    A group of a single leaf has no such pair and scores 0.

    Args:
        distances: (n, n) among the leaves.
        n_images: (n,) images of each.
        group: (n,) the group of each, 0 .. n_groups - 1.

    Returns:
        (n_groups,) float64 in 0..1.
    """
    together = group[:, None] == group[None, :]
    n = n_images.astype(np.float64)
    closeness_of_pairs = n * (np.where(together, closeness(distances), 0) @ n)  # ordered pairs; 0 within a leaf
    total = np.bincount(group, n)
    pairs = total**2 - np.bincount(group, n**2)
    mean: npt.NDArray[np.float64] = np.bincount(group, closeness_of_pairs) / np.maximum(pairs, 1)
    return mean


def _is_utc(time: str) -> bool:
    try:
        return datetime.fromisoformat(time).utcoffset() == timedelta(0)
    except ValueError:
        return False
