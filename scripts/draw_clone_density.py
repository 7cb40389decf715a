"""Draw how well a case's clones copy each class, as a density over the classes (the paper's Figure 4).

    python scripts/draw_clone_density.py CASE PICTURE.png

The case's clones must have been tested on labelled pictures (`fdcore clone --evaluate`). Chromium draws the figure.
"""

import argparse
from pathlib import Path

import numpy as np
from figure_picture import save_picture

from fdcore.case.case import Case
from fdcore.case.clones import read_comparison, read_evaluation_sets
from fdcore.cloning.comparison import density
from fdcore.report.figures.clones import ClassRates, rate_density

GRID = np.linspace(0, 1, 201)


def main() -> None:
    """Read the comparison, draw, and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    case = Case.open(options.case)
    comparison = read_comparison(case, read_evaluation_sets(case)[0].key)
    columns = comparison.columns
    accuracies = [("The suspect itself", None, columns[0].evaluation.suspect_accuracy_per_class())]
    accuracies += [
        (title, column.run.source, column.evaluation.accuracy_per_class())
        for title, column in zip(comparison.titles(), columns, strict=True)
    ]
    rows = []
    for title, source, rates in accuracies:
        values = np.array([rate.value for rate in rates if rate])
        rows.append(ClassRates(title, source, values, density(values, GRID)))
    figure = rate_density(rows, GRID, "accuracy", n_classes=len(comparison.names))
    title = "Accuracy of the clones, class by class"
    save_picture(figure, options.picture, title=title, width=900, height=480)


if __name__ == "__main__":
    main()
