"""The figures of the Clone page."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.cloning.comparison import Column, Comparison, cost_points, density
from fdcore.cloning.evaluation import Measure, Rate
from fdcore.cloning.run import CloneRun
from fdcore.report.figures.clones import (
    ClassRates,
    CloneCurve,
    ClonePrice,
    CloneRate,
    agreement_by_cost,
    agreement_curves,
    clone_rates,
    loss_curves,
    rate_density,
)
from fdcore.report.figures.confusion import confusion_matrix
from ui.clone.tables import class_cell, rate_of, run_titles, source_title

MAX_CURVES = 12  # the newest clones
_GRID = np.linspace(0, 1, 201)

Titles = Mapping[str, str]


def draw_loss(runs: Sequence[CloneRun], titles: Titles, revision: str) -> go.Figure:
    """The loss of the newest clones by epoch."""
    return loss_curves(_curves(runs, titles), revision=revision)


def draw_held_out(runs: Sequence[CloneRun], titles: Titles, revision: str) -> go.Figure:
    """The agreement of the newest clones by epoch."""
    return agreement_curves(_curves(runs, titles), revision=revision)


def draw_rates(comparison: Comparison, titles: Titles, measure: Measure, revision: str) -> go.Figure:
    """The rate of every clone with its interval; where clones have different sizes, of the largest."""
    most = max(one.run.transfer.total for one in comparison.columns)
    largest = [one for one in comparison.columns if one.run.transfer.total == most]
    named = titles if len(largest) == len(comparison.columns) else run_titles([one.run for one in largest])
    rows = [CloneRate(named[one.run.id], one.run.source, rate_of(one, measure)) for one in largest]
    suspect = comparison.columns[0].evaluation.suspect_accuracy if measure == "accuracy" else None
    return clone_rates(rows, measure, suspect=suspect, revision=revision)


def draw_confusion(comparison: Comparison, column: Column, revision: str) -> go.Figure:
    """The classes that one clone confuses."""
    names = [class_cell(i, name) for i, name in enumerate(comparison.names)]
    return confusion_matrix(column.evaluation.confusion(), names, revision=revision)


def draw_density(comparison: Comparison, titles: Titles, measure: Measure, revision: str) -> go.Figure:
    """Figure 4: how well the classes are copied."""
    rows = [_class_rates(titles[one.run.id], one, measure) for one in comparison.columns]
    if measure == "accuracy":
        own = _known(comparison.columns[0].evaluation.suspect_accuracy_per_class())
        rows.insert(0, ClassRates("The suspect itself", None, own, density(own, _GRID)))
    return rate_density(rows, _GRID, measure, n_classes=len(comparison.names), revision=revision)


def draw_cost(comparison: Comparison, titles: Titles, revision: str) -> go.Figure:
    """Agreement by the number of answers."""
    sources = {column.run.id: column.run.source for column in comparison.columns}
    points = [
        ClonePrice(titles[one.run_id], sources[one.run_id], one.n_answers, one.agreement)
        for one in cost_points(comparison)
    ]
    return agreement_by_cost(points, called=source_title, revision=revision)


def _curves(runs: Sequence[CloneRun], titles: Titles) -> list[CloneCurve]:
    begun = [run for run in runs if run.history][-MAX_CURVES:]
    return [CloneCurve(titles[run.id], run.source, run.history, run.best_epoch) for run in begun]


def _class_rates(title: str, column: Column, measure: Measure) -> ClassRates:
    evaluation = column.evaluation
    rates = evaluation.agreement_per_class() if measure == "agreement" else evaluation.accuracy_per_class()
    values = _known(rates)
    return ClassRates(title, column.run.source, values, density(values, _GRID))


def _known(rates: Sequence[Rate | None]) -> npt.NDArray[np.float64]:
    return np.array([rate.value for rate in rates if rate is not None])
