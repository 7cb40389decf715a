"""Which images make a clone good? Learning curves of clones from each source of a case, over seeds.

    python benchmarks/clone_sources.py --case CASE --evaluate DIR --name NAME [--same DIR] [--totals 500,1000,2000,5000]
        [--seeds 0,1,2] [--sources found,consistent,balanced,random] [--epochs 15]

The case holds the suspect's answers, best in several views of each image. All clones are kept in it, so a second run
trains only what is missing. Results: clone_sources.csv, a row for each clone; rows of other names stay.
"""

import argparse
from pathlib import Path

import pandas as pd
from record import machine

from fdcore.case.case import Case
from fdcore.case.clones import read_comparison, read_evaluation_sets
from fdcore.case.places import Places
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.work.clones import Lab, clone

RESULTS = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Train what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=Path, required=True)
    parser.add_argument("--evaluate", required=True, help="labelled pictures to test on")
    parser.add_argument("--name", required=True, help="of the suspect, in the table")
    parser.add_argument("--same", help="pictures like those that the suspect was trained on")
    parser.add_argument("--sources", default="found,consistent,balanced,random")
    parser.add_argument("--totals", default="500,1000,2000,5000")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rate", type=float, default=0.05)
    options = parser.parse_args()
    case = Case.open(options.case)
    sources = [Source(SourceKind(kind)) for kind in options.sources.split(",") if kind]
    sources += [Source(SourceKind.FOLDER, options.same, "same")] if options.same else []
    for total in map(int, options.totals.split(",")):
        for seed in map(int, options.seeds.split(",")):
            transfer = TransferSettings(total, seed=seed, not_found="random")
            training = TrainingSettings(epochs=options.epochs, learning_rate=options.rate, seed=seed)
            request = CloneRequest(tuple(sources), transfer, training, evaluation=options.evaluate)
            with Lab(case, Places.from_environment().cache) as lab:
                clone(lab, request)
            write(case, options.name, Path(options.evaluate).name)


def write(case: Case, name: str, tested_on: str) -> None:
    """The table, with this case's clones in the place of earlier rows of its name."""
    facts = next(one for one in read_evaluation_sets(case) if one.name == tested_on)
    rows = []
    for column in read_comparison(case, facts.key).columns:
        run, accuracy, agreement = column.run, column.evaluation.accuracy, column.evaluation.agreement
        distinct = sum(one.n_images + one.n_filled for one in run.drawn.classes)
        found = sum(one.n_images for one in run.drawn.classes)
        rows.append(
            {
                "suspect": name, "source": run.source.name, "total": run.transfer.total, "seed": run.training.seed,
                "rows": run.drawn.n_rows, "different_images": distinct, "of_found_leaves": found,
                "epochs": run.training.epochs, "arch": run.training.arch,
                **{f"{what} {field}": round(getattr(rate, field), 4) for what, rate in
                   (("accuracy", accuracy), ("agreement", agreement)) if rate for field in ("value", "low", "high")},
                "suspect_accuracy": round(suspect.value, 4) if (suspect := column.evaluation.suspect_accuracy) else "",
            }
            | machine()
        )  # fmt: skip
    table = pd.DataFrame(rows)
    if RESULTS.is_file():
        before = pd.read_csv(RESULTS)
        table = pd.concat([before[before["suspect"] != name], table], ignore_index=True)
    table.to_csv(RESULTS, index=False)
    print(
        table[table["suspect"] == name][["source", "total", "seed", "rows", "accuracy value"]].to_string(), flush=True
    )


if __name__ == "__main__":
    main()
