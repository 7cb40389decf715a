"""Clones as tables and sentences for people; nothing here draws. The texts are not inert."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from fdcore.cloning.comparison import (
    ALL,
    MEAN,
    SAME_SIZE,
    Column,
    Comparison,
    learned_from,
    made_alike,
    one_class_clones,
    table,
    trained_alike,
)
from fdcore.cloning.evaluation import Measure, Rate, lead
from fdcore.cloning.naming import clone_titles
from fdcore.cloning.run import MAX_SECONDS, ClassTransfer, CloneRun, TransferFacts
from fdcore.cloning.schedule import planned_epochs, planned_images
from fdcore.cloning.settings import Source, SourceKind
from fdcore.tables import to_csv
from ui.text import counted, shortened

SUSPECT = "The suspect's accuracy"  # a column
MIN_DENSITY = 20  # classes from which a density says more than a list
_NAMES = {
    SourceKind.FOUND: "Found, two terms",
    SourceKind.ONE_TERM: "Found, one term",
    SourceKind.RANDOM: "Random images",
    SourceKind.BALANCED: "Balanced random images",
    SourceKind.CONSISTENT: "Consistent images, any leaf",
    SourceKind.ALL_ANSWERS: "All answers",
}
_FROM = {
    SourceKind.FOUND: "the found images",
    SourceKind.ONE_TERM: "the images found with one term",
    SourceKind.RANDOM: "random images",
}
_STATES = {"drawn": "waiting", "training": "training", "trained": "trained", "done": "finished"}
_STOPPED = {"drawn": "not begun", "training": "stopped", "trained": "not tested yet", "done": "finished"}


class Pair(NamedTuple):
    """A class of the suspect and the one that the clone puts its pictures in instead."""

    suspect: int
    clone: int
    n: int  # pictures
    share: float  # of all pictures that the suspect puts in its class


def source_title(source: Source, name: str = "", length: int = 40) -> str:
    """The display name of a source, such as "Found, two terms", "similar: caltech101" or "folder: holiday".

    Args:
        source: the source.
        name: of a folder whose own name is ambiguous; see `source_names`.
        length: characters, at most.
    """
    own = name or source.name
    return _NAMES.get(source.kind) or shortened(own if source.role else f"folder: {own}", length)


def run_titles(runs: Sequence[CloneRun]) -> dict[str, str]:
    """The unique title of each clone, by its id; see `clone_titles`."""
    return clone_titles(runs, source_title)


def state_of(run: CloneRun, *, active: bool) -> str:
    """The state of a clone in a word or two; `active` says whether its case has a running clone job."""
    return (_STATES if active else _STOPPED)[run.stage]


# Transfer sets


def transfer_table(rows: Mapping[str, TransferFacts], names: Sequence[str]) -> pd.DataFrame:
    """The rows of each source's transfer set for each class; `rows` by the source's title, `names` of the classes."""
    columns: dict[str, list[object]] = {"Class": [class_cell(i, name) for i, name in enumerate(names)]}
    for title, facts in rows.items():
        by_class = {one.target_class: one for one in facts.classes}
        columns[title] = [by_class[i].n_rows if i in by_class else 0 for i in range(len(names))]
        columns[f"{title}: made of"] = [_made_of(by_class[i]) if i in by_class else "" for i in range(len(names))]
    return pd.DataFrame(columns)


def _made_of(one: ClassTransfer) -> str:
    parts = [
        counted(one.n_images, "image") if one.n_images else "",
        counted(one.n_views, "view") if one.n_views else "",
        f"{one.n_filled:,} of other leaves" if one.n_filled else "",
    ]
    return ", ".join(part for part in parts if part) or "none"


def uneven(rows: Mapping[str, TransferFacts]) -> str:
    """A caveat if the numbers of images differ too much for a fair comparison; otherwise empty."""
    numbers = [facts.n_rows for facts in rows.values()]
    if not numbers or min(numbers) >= SAME_SIZE * max(numbers):
        return ""
    return (
        f"These sources give from {min(numbers):,} to {max(numbers):,} images. A comparison is fair only if the "
        f"numbers differ by at most a tenth: request {min(numbers):,} images per clone, at least for random images."
    )


def transfer_sets_to_csv(runs: Sequence[CloneRun], titles: Mapping[str, str]) -> bytes:
    """The transfer set of every clone: a row for each clone and class."""
    rows = (
        {"clone": run.id, "title": titles[run.id], **asdict(one), "n_rows": one.n_rows}
        for run in runs
        for one in run.drawn.classes
    )
    return to_csv(["clone", "title", *(field.name for field in fields(ClassTransfer)), "n_rows"], rows)


# Results


def sentence(comparison: Comparison, measure: Measure) -> str:
    """How well the clone from the found images copies the suspect, and how much better than one from random images."""
    column = best_found(comparison)
    if column is None:
        return "No clone from the found images is finished yet."
    rate = rate_of(column, measure)
    if rate is None:
        return "The clone from the found images could not be measured on these pictures."
    verb = "agrees with the suspect on" if measure == "agreement" else "is right about"
    result = (
        f"The clone from {_FROM[column.run.source.kind]} {verb} {percent(rate.value)} of "
        f"{counted(rate.n, 'picture')} ({span(rate)})"
    )
    base = comparison.baseline(column)
    if base is None:
        return f"{result}. Train one from random images too: without a baseline, the number says little."
    return f"{result}, {_lead_text(lead(column.evaluation, base.evaluation, measure))}"


def best_found(comparison: Comparison) -> Column | None:
    """The clone of the headline: from both terms if possible, and comparable with a random one if possible."""
    for kind in (SourceKind.FOUND, SourceKind.ONE_TERM):
        columns = [one for one in comparison.columns if one.run.source.kind is kind]
        for column in reversed(columns):
            if (base := comparison.baseline(column)) and made_alike(column.run, base.run):
                return column
        if columns:
            return columns[-1]
    return None


def differences(comparison: Comparison) -> str:
    """How the headline's two clones were made differently, as a caveat; empty if they were made alike."""
    column = best_found(comparison)
    base = comparison.baseline(column) if column else None
    if column is None or base is None or made_alike(column.run, base.run):
        return ""
    learned = f"The one from {_FROM[column.run.source.kind]} {learned_from(column.run, base.run)}"
    if not trained_alike(column.run, base.run):
        return (
            f"{learned}, and they were trained with different settings, which explains part of the difference. For a "
            "fair comparison, train both with the same settings."
        )
    return (
        f"{learned}, which explains part of the difference. For a fair comparison, train one from random images with "
        f"{column.run.drawn.n_rows:,} images per clone."
    )


def one_class_notes(comparison: Comparison, titles: Mapping[str, str]) -> list[str]:
    """A sentence for each clone that puts nearly every picture in one class."""
    return [f"{titles[one.run_id]}: this clone {one.in_words()}." for one in one_class_clones(comparison)]


def comparison_table(comparison: Comparison, titles: Mapping[str, str], measure: Measure) -> pd.DataFrame:
    """Table 5 for people: a row for each class, then `ALL` and `MEAN`; a column for each clone."""
    rows = table(comparison, measure)
    cells = [class_cell(i, name) for i, name in enumerate(comparison.names)]
    columns: dict[str, list[str]] = {"Class": [*cells, ALL, MEAN] if rows else []}
    if comparison.labelled:
        columns[SUSPECT] = [rate_cell(row.suspect) for row in rows]
    for place, column in enumerate(comparison.columns):
        columns[titles[column.run.id]] = [rate_cell(row.clones[place]) for row in rows]
    return pd.DataFrame(columns)


def worst_pairs(counts: npt.NDArray[np.int64], limit: int = 200) -> tuple[list[Pair], int]:
    """The pairs of different classes, the most frequent first, and the number of all pairs."""
    rows = counts.sum(axis=1)
    confused = counts.copy()
    np.fill_diagonal(confused, 0)
    suspect, clone = np.nonzero(confused)
    n = confused[suspect, clone]
    order = np.argsort(-n, kind="stable")[:limit]
    pairs = [Pair(int(suspect[i]), int(clone[i]), int(n[i]), float(n[i] / rows[suspect[i]])) for i in order.tolist()]
    return pairs, len(n)


def pairs_table(pairs: Sequence[Pair], names: Sequence[str]) -> pd.DataFrame:
    """`worst_pairs` as a table."""
    return pd.DataFrame(
        {
            "The suspect says": [class_cell(pair.suspect, names[pair.suspect]) for pair in pairs],
            "The clone says": [class_cell(pair.clone, names[pair.clone]) for pair in pairs],
            "Pictures": [pair.n for pair in pairs],
            "Share": [100 * pair.share for pair in pairs],
        }
    )


def runs_table(runs: Sequence[CloneRun], titles: Mapping[str, str], *, active: bool) -> pd.DataFrame:
    """Every clone with its state."""
    return pd.DataFrame(
        {
            "Clone": [titles[run.id] for run in runs],
            "State": [state_of(run, active=active) for run in runs],
            "Epochs": [_epochs(run) for run in runs],
            "Held out": [None if run.best_agreement is None else 100 * run.best_agreement for run in runs],
            "Images": [run.drawn.n_rows for run in runs],
            "Answers": [run.n_answers for run in runs],
            "Sent": [run.n_sent for run in runs],
            "Architecture": [run.training.arch for run in runs],
        }
    )


def unfinished(runs: Sequence[CloneRun]) -> list[CloneRun]:
    """Clones whose training has not finished."""
    return [run for run in runs if run.stage in ("drawn", "training")]


def seconds_left(runs: Sequence[CloneRun]) -> float | None:
    """How long the training of all unfinished clones still takes at the pace so far; None if unknown."""
    waiting = unfinished(runs)
    paces = [pace for run in runs if (pace := _seconds_per_image(run)) is not None]
    if not waiting or not paces:
        return None
    return plausible_seconds(sum(_images_left(run) * (_seconds_per_image(run) or paces[-1]) for run in waiting))


def plausible_seconds(seconds: float) -> float | None:
    """The time, or None if the pace in a record gives an implausible one."""
    return seconds if 0 <= seconds <= MAX_SECONDS else None


def rate_of(column: Column, measure: Measure) -> Rate | None:
    """A clone's rate over all pictures."""
    evaluation = column.evaluation
    return evaluation.agreement if measure == "agreement" else evaluation.accuracy


def has_density(comparison: Comparison) -> bool:
    """Whether there are enough classes for a density."""
    return len(comparison.names) >= MIN_DENSITY


def has_costs(comparison: Comparison) -> bool:
    """Whether clones rest on different numbers of answers."""
    return len({column.run.n_answers for column in comparison.columns}) > 1


def cost_sentence(reached: Mapping[str, int | None], agreement: float) -> str:
    """The cost, from each source, of the agreement that random images reach; empty if unknown for all."""
    parts = [f"{counted(n, 'answer')} ({name})" for name, n in reached.items() if n is not None]
    if not parts:
        return ""
    return f"An agreement of {percent(agreement)}, that of the clone from random images, takes {', '.join(parts)}."


# Words and numbers


def class_cell(number: int, name: str) -> str:
    """The name of a class in a table."""
    return f"{number} {shortened(name, 80)}" if name != f"Class {number}" else name


def percent(share: float) -> str:
    """Such as "78 %"."""
    return f"{share * 100:.0f} %"


def span(rate: Rate) -> str:
    """A 95 % interval, such as "74-81 %"."""
    return f"{rate.low * 100:.0f}-{rate.high * 100:.0f} %"


def rate_cell(rate: Rate | None) -> str:
    """A rate with its interval; sorted as texts, these are in numerical order."""
    return "" if rate is None else f"{rate.value * 100:5.1f} %  ({rate.low * 100:.0f}-{rate.high * 100:.0f})"


def _lead_text(ahead: Rate) -> str:
    points, low, high = (round(100 * value) for value in (ahead.value, ahead.low, ahead.high))
    if ahead.low <= 0 <= ahead.high:
        difference = f"{points:+d} percentage {'point' if abs(points) == 1 else 'points'}".replace("+0", "0")
        return f"{difference} compared with one from random images ({low} to {high}): this may be chance."
    if ahead.high < 0:
        return f"{counted(-points, 'percentage point')} less than one from random images ({-high} to {-low})."
    return f"{counted(points, 'percentage point')} more than one from random images ({low} to {high})."


def _epochs(run: CloneRun) -> str:
    early = ", early stop" if run.stopped_early and run.stage != "training" else ""
    return f"{len(run.history):,} of {planned_epochs(run.training):,}{early}"


def _images_left(run: CloneRun) -> int:
    """Images of the remaining epochs."""
    first = run.history[0].n_images if run.history else round(run.drawn.n_rows * (1 - run.training.held_out))
    return max(planned_images(run.training, first) - sum(one.n_images for one in run.history), 0)


def _seconds_per_image(run: CloneRun) -> float | None:
    """The pace of the last few epochs; None before the first."""
    last = run.history[-5:]
    n_images = sum(one.n_images for one in last)
    return sum(one.seconds for one in last) / n_images if n_images else None
