"""Clones side by side: Table 5, the densities of Figure 4, and the cost of an agreement (paper section 5.4)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.cloning.evaluation import Evaluation, Measure, Rate, lead
from fdcore.cloning.naming import Called, clone_titles, origin_of, own_name, source_names
from fdcore.cloning.run import CloneRun
from fdcore.cloning.settings import Source, SourceKind
from fdcore.errors import CaseError
from fdcore.tables import to_csv

Values = npt.NDArray[np.float64]

MEAN = "Mean over classes"  # the last row of the table, called "Average" in Table 5
ALL = "All pictures"  # the row before it: every picture weighs the same, as in a lead
CLAIMED_NAMES = "Class names are claimed where there is a claim, otherwise found; a clone does not test them."
SAME_SIZE = 0.9  # two transfer sets count as equally large if the smaller has at least this share of the larger
NEARLY_ALL = 0.9  # from this share of the pictures in one class, a clone hardly tells classes apart
_ORDER = ("same", "similar", "distant", "", SourceKind.ALL_ANSWERS, SourceKind.RANDOM, SourceKind.BALANCED,
          SourceKind.CONSISTENT, SourceKind.ONE_TERM, SourceKind.FOUND)  # fmt: skip
_STEPS = (
    ("balance", SourceKind.BALANCED, SourceKind.RANDOM),
    ("consistent images", SourceKind.CONSISTENT, SourceKind.BALANCED),
    ("the found leaves", SourceKind.FOUND, SourceKind.CONSISTENT),
)
_MIN_BANDWIDTH = 0.01  # of a density: classes that are all equally good stay one narrow peak


@dataclass(frozen=True)
class Column:
    """One tested clone and how well it did."""

    run: CloneRun
    evaluation: Evaluation


@dataclass(frozen=True)
class Comparison:
    """Clones that were tested on the same pictures.

    Attributes:
        labelled: whether any picture has a true class.
        names: (n_classes,) display names of the suspect's classes; they come from outside.
        columns: the clones, sorted into the order of Table 5: same, similar and distant images, other folders, all
            answers, random, balanced random, consistent, one term, two terms; within a source the smaller transfer set
            and the older clone first.
        claimed: whether any of the names is only claimed.
    """

    set_name: str
    n_images: int
    labelled: bool
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    claimed: bool = False

    def __post_init__(self) -> None:
        for column in self.columns:
            found = (column.evaluation.n_classes, len(column.evaluation.suspect))
            if found != (len(self.names), self.n_images):
                raise CaseError(
                    f"The clone {column.run.id} was tested on {found[1]} pictures and {found[0]} classes, not on the "
                    f"{self.n_images} and {len(self.names)} of this comparison. Test it again.",
                    key="tested on others",
                )
        object.__setattr__(self, "columns", tuple(sorted(self.columns, key=_place)))

    def baseline(self, of: Column | None = None) -> Column | None:
        """The clone from random images that others are compared with; None if there is none.

        Args:
            of: the clone to compare; among the random clones trained in the same way as `of`, the one from the most
                similar number of images is chosen.
        """
        columns = [column for column in self.columns if column.run.source.kind is SourceKind.RANDOM]
        alike = [column for column in columns if of and trained_alike(column.run, of.run)]
        if of and alike:
            n_rows = of.run.drawn.n_rows
            return min(reversed(alike), key=lambda column: abs(column.run.drawn.n_rows - n_rows))
        return columns[-1] if columns else None

    def largest(self) -> "Comparison":
        """Only the clone of each source with the most images, of several the newest."""
        best: dict[str, Column] = {}
        for column in self.columns:
            known = best.get(column.run.source.name)
            if known is None or column.run.transfer.total >= known.run.transfer.total:
                best[column.run.source.name] = column
        return replace(self, columns=tuple(best.values()))

    def titles(self) -> tuple[str, ...]:
        """The unique title of each column; see `naming.clone_titles`."""
        called = clone_titles([column.run for column in self.columns])
        return tuple(called[column.run.id] for column in self.columns)

    @property
    def about_names(self) -> str:
        """The caveat about the class names, as a sentence; empty if no name is only claimed."""
        return CLAIMED_NAMES if self.claimed else ""


class TableRow(NamedTuple):
    """One row of Table 5."""

    number: int | None  # of the class; None in the last two rows
    name: str  # of the class, or `ALL` and `MEAN`
    suspect: Rate | None  # its own accuracy; None without labels
    clones: tuple[Rate | None, ...]  # one for each column; None where nothing was measured

    @property
    def title(self) -> str:
        """The class's number and name, or `ALL` and `MEAN`."""
        bare = self.number is None or self.name == f"Class {self.number}"
        return self.name if bare else f"{self.number} {self.name}"


class CostPoint(NamedTuple):
    """The cost and the agreement of one clone."""

    run_id: str
    source: str  # the source's name, unique among the sources
    n_answers: int  # answers of the suspect that the clone rests on
    agreement: Rate


def table(comparison: Comparison, measure: Measure) -> tuple[TableRow, ...]:
    """Table 5: a row for each class in order, then all pictures and the classes' mean; empty if no clone was tested.

    Agreement is counted by the suspect's class, accuracy by the true one.
    """
    if not comparison.columns:
        return ()
    evaluations = [column.evaluation for column in comparison.columns]
    first = evaluations[0]
    suspect = [*first.suspect_accuracy_per_class(), first.suspect_accuracy, first.suspect_mean_accuracy]
    clones = zip(*(_rates(evaluation, measure) for evaluation in evaluations), strict=True)
    numbers = [*range(len(comparison.names)), None, None]
    return tuple(TableRow(*row) for row in zip(numbers, (*comparison.names, ALL, MEAN), suspect, clones, strict=True))


class Lead(NamedTuple):
    """By how much a clone is better than the one from random images."""

    run_id: str
    title: str
    rate: Rate  # the paired difference over the same pictures, with its 95 % interval
    measure: Measure = "agreement"
    learned: str = ""  # how many images each of the two learned from; empty if the numbers are equal

    def in_words(self) -> str:
        """The lead and its interval as the end of a sentence about the clone; holds no text from outside."""
        points, low, high = (100 * value for value in (self.rate.value, self.rate.low, self.rate.high))
        verb = "agrees with the suspect on" if self.measure == "agreement" else "is right about"
        than = "more" if points >= 0 else "fewer"
        chance = "; that may be chance" if low <= 0 <= high else ""
        return (
            f"{verb} {abs(points):.1f} percentage points {than} of all pictures than the one from random images "
            f"(95 % interval {low:+.1f} to {high:+.1f}){chance}{f'; it {self.learned}' if self.learned else ''}"
        )


class OneClass(NamedTuple):
    """A clone that puts nearly every picture in one class, while the suspect does not."""

    run_id: str
    title: str
    target_class: int
    share: float  # of the pictures, those that the clone puts in the class
    suspect: float  # of the pictures, those that the suspect puts there

    def in_words(self) -> str:
        """The end of a sentence about the clone; holds no text from outside."""
        return (
            f"puts {100 * self.share:.0f} % of the pictures in class {self.target_class}, where the suspect puts "
            f"{100 * self.suspect:.0f} %: it hardly tells classes apart"
        )


def one_class_clones(comparison: Comparison) -> tuple[OneClass, ...]:
    """The clones that put nearly every picture in one class, in the order of the columns."""
    found = []
    for title, column in zip(comparison.titles(), comparison.columns, strict=True):
        suspect, clone = column.evaluation.suspect, column.evaluation.clone
        both = (suspect >= 0) & (clone >= 0)
        if not both.any():
            continue
        target = int(np.bincount(clone[both]).argmax())
        share, own = (float((labels[both] == target).mean()) for labels in (clone, suspect))
        if own < NEARLY_ALL <= share:
            found.append(OneClass(column.run.id, title, target, share, own))
    return tuple(found)


def trained_alike(one: CloneRun, other: CloneRun) -> bool:
    """Whether two clones were trained with the same settings, apart from seed and device; the sizes may differ."""
    return one.training == replace(other.training, seed=one.training.seed, device=one.training.device)


def made_alike(one: CloneRun, other: CloneRun) -> bool:
    """Whether two clones may be compared: trained alike, on numbers of images that differ by at most a tenth."""
    fewer, more = sorted((one.drawn.n_rows, other.drawn.n_rows))
    return trained_alike(one, other) and fewer >= SAME_SIZE * more


def learned_from(one: CloneRun, random: CloneRun) -> str:
    """How many images a clone and one from random images learned from, as the end of a sentence about the first."""
    n, n_classes = random.drawn.n_rows, _n_classes(random)
    images = "1 image" if one.drawn.n_rows == 1 else f"{one.drawn.n_rows:,} images"
    classes = "1 class" if _n_classes(one) == 1 else f"{_n_classes(one):,} classes"
    return f"learned from {images} of {classes}, the one from random images from {n:,} of {n_classes:,}"


def leads(comparison: Comparison, measure: Measure) -> tuple[Lead, ...]:
    """Every clone compared with one from random images that was trained alike; clones without one are left out."""
    if not comparison.n_images:
        return ()
    found = []
    for title, column in zip(comparison.titles(), comparison.columns, strict=True):
        run, baseline = column.run, comparison.baseline(column)
        if run.source.kind is SourceKind.RANDOM or not baseline or not trained_alike(run, baseline.run):
            continue
        ahead = lead(column.evaluation, baseline.evaluation, measure)
        learned = "" if made_alike(run, baseline.run) else learned_from(run, baseline.run)
        found.append(Lead(run.id, title, ahead, measure, learned))
    return tuple(found)


class Step(NamedTuple):
    """What one property of a transfer set is worth: a clone with it beside one without."""

    what: str
    rate: Rate  # the paired difference over the same pictures, with its 95 % interval

    def in_words(self) -> str:
        """Such as "balance: +6.1 points (+4.0 to +8.2)"; holds no text from outside."""
        points, low, high = (100 * value for value in self.rate[:3])
        chance = ", which may be chance" if low <= 0 <= high else ""
        return f"{self.what}: {points:+.1f} points ({low:+.1f} to {high:+.1f}){chance}"


def what_carried(comparison: Comparison, measure: Measure) -> tuple[Step, ...]:
    """What balance, consistency and the found leaves are worth, each on top of the one before.

    Of several pairs of clones that were made alike, the one from most images counts, then the newest. A step without
    such a pair is left out.
    """
    steps = []
    for what, kind, without in _STEPS:
        pairs = [
            (one, other)
            for one in comparison.columns
            for other in comparison.columns
            if (one.run.source.kind, other.run.source.kind) == (kind, without) and made_alike(one.run, other.run)
        ]
        if pairs and comparison.n_images:
            one, other = max(pairs, key=lambda pair: [(each.run.drawn.n_rows, each.run.created) for each in pair])
            steps.append(Step(what, lead(one.evaluation, other.evaluation, measure)))
    return tuple(steps)


def carried_in_words(comparison: Comparison, measure: Measure) -> str:
    """`what_carried` as a sentence; empty where no step can be told."""
    steps = what_carried(comparison, measure)
    return f"What carried: {'; '.join(step.in_words() for step in steps)}." if steps else ""


def comparison_to_csv(comparison: Comparison) -> bytes:
    """The comparison as a table: class, suspect accuracy, then agreement and accuracy of each clone with intervals.

    Cells are empty where nothing was measured. The last two rows are `ALL` and `MEAN`.
    """
    agreement, accuracy = table(comparison, "agreement"), table(comparison, "accuracy")
    titles = comparison.titles()
    rows = []
    for agreeing, right in zip(agreement, accuracy, strict=True):
        row: dict[str, Any] = {"class": "" if agreeing.number is None else agreeing.number, "name": agreeing.name}
        row |= _cells("suspect accuracy", right.suspect)
        for title, one, other in zip(titles, agreeing.clones, right.clones, strict=True):
            row |= _cells(f"{title}: agreement", one) | _cells(f"{title}: accuracy", other)
        rows.append(row)
    headings = [f"{title}: {measure}" for title in titles for measure in ("agreement", "accuracy")]
    cells = [name for heading in ("suspect accuracy", *headings) for name in _cells(heading, None)]
    return to_csv(["class", "name", *cells], rows)


def density(values: npt.ArrayLike, at: npt.ArrayLike) -> Values:
    """The density of shares in 0..1 (Figure 4): a Gaussian kernel density whose mass stays within 0..1.

    Mass that a kernel would spread below 0 or above 1 is reflected at that end, so that the area from 0 to 1 is 1. The
    bandwidth is Silverman's rule of thumb (1986, eq. 3.31), 0.9 min(sd, IQR / 1.34) n^(-1/5), at least 0.01.

    Args:
        values: (n,) accuracies of classes; NaN, where nothing was measured, is left out.
        at: (m,) places.

    Returns:
        (m,) float64; 0 outside 0..1, and everywhere without values.
    """
    shares, places = np.asarray(values, dtype=np.float64).ravel(), np.asarray(at, dtype=np.float64)
    shares = shares[np.isfinite(shares)]
    if len(shares) == 0:
        return np.zeros_like(places)
    width = _bandwidth(shares)
    centres = np.concatenate([turn + sign * shares for turn in (-2.0, 0.0, 2.0) for sign in (-1.0, 1.0)])
    kernels = [np.exp(-0.5 * ((place - centres) / width) ** 2).sum() for place in places]
    heights = np.array(kernels, dtype=np.float64) / (len(shares) * width * sqrt(2 * pi))
    return np.where((places >= 0) & (places <= 1), heights, 0.0)


def cost_points(comparison: Comparison, called: Called = own_name) -> tuple[CostPoint, ...]:
    """The cost and agreement of every clone, in the order of the columns; `called` names the sources."""
    first: dict[tuple[SourceKind, str], Source] = {}  # a folder may have been given two roles
    for column in comparison.columns:
        first.setdefault(origin_of(column.run.source), column.run.source)
    known = source_names(first.values())
    names = {origin: called(source, known[source]) for origin, source in first.items()}
    return tuple(
        CostPoint(run.id, names[origin_of(run.source)], run.n_answers, agreement)
        for run, agreement in ((column.run, column.evaluation.agreement) for column in comparison.columns)
        if agreement is not None
    )


def cost_to_reach(points: Sequence[CostPoint], agreement: float) -> dict[str, int | None]:
    """The fewest answers with which a source's clones agree this often, by source; None where none does.

    Between clones of one source that rest on different numbers of answers, the cost is interpolated linearly. If the
    cheapest of them is already good enough, its own cost is given: nothing is known about cheaper ones.
    """
    by_source: dict[str, list[CostPoint]] = defaultdict(list)
    for point in points:
        by_source[point.source].append(point)
    return {source: _cost_to_reach(alike, agreement) for source, alike in by_source.items()}


def _cost_to_reach(points: Sequence[CostPoint], agreement: float) -> int | None:
    best: CostPoint | None = None  # of the cheaper ones
    for point in sorted(points, key=lambda point: (point.n_answers, -point.agreement.value)):
        if point.agreement.value >= agreement:
            return _between(best, point, agreement)
        if best is None or point.agreement.value > best.agreement.value:
            best = point
    return None


def _between(below: CostPoint | None, above: CostPoint, agreement: float) -> int:
    if below is None:
        return above.n_answers
    part = (agreement - below.agreement.value) / (above.agreement.value - below.agreement.value)
    return ceil(below.n_answers + part * (above.n_answers - below.n_answers))


def _rates(evaluation: Evaluation, measure: Measure) -> tuple[Rate | None, ...]:
    """One clone's column of Table 5, `ALL` and `MEAN` last."""
    if measure == "agreement":
        return (*evaluation.agreement_per_class(), evaluation.agreement, evaluation.mean_agreement)
    return (*evaluation.accuracy_per_class(), evaluation.accuracy, evaluation.mean_accuracy)


def _n_classes(run: CloneRun) -> int:
    """The number of classes that a clone has images of."""
    return sum(one.n_rows > 0 for one in run.drawn.classes)


def _cells(heading: str, rate: Rate | None) -> dict[str, Any]:
    numbers = ["", "", ""] if rate is None else [round(number, 6) for number in rate[:3]]
    return dict(zip((heading, f"{heading} low", f"{heading} high"), numbers, strict=True))


def _bandwidth(shares: Values) -> float:
    quarter, three_quarters = np.percentile(shares, [25, 75])
    deviation = float(shares.std(ddof=1)) if len(shares) > 1 else 0.0
    middle = float(three_quarters - quarter) / 1.34
    spread = min(deviation, middle) or deviation  # most classes may be equal while others are far off
    return max(0.9 * spread / float(np.power(len(shares), 0.2)), _MIN_BANDWIDTH)


def _place(column: Column) -> tuple[int, str, int, str]:
    run, source = column.run, column.run.source
    kind = source.role if source.kind is SourceKind.FOLDER else source.kind
    return _ORDER.index(kind), source.name, run.transfer.total, run.created
