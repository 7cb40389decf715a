"""The commands of the clone lab: `fdcore clone`, `fdcore compare` and `fdcore gap`."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.cli import arguments, printing
from fdcore.corpus.layouts import is_corpus
from fdcore.errors import CaseError, SettingsError

if TYPE_CHECKING:  # NumPy and the engine are imported when a command runs
    from fdcore.case.case import Case
    from fdcore.cloning.comparison import Comparison, Lead, OneClass
    from fdcore.cloning.evaluation import Measure, Rate
    from fdcore.cloning.settings import CloneRequest, Source

AddCommand = Callable[[Any, str, Any, str], argparse.ArgumentParser]
_ROLES = ("same", "similar", "distant")


def add_commands(commands: Any, add: AddCommand) -> None:
    """Add the commands by way of `add`, which gives them the options that all commands share."""
    _add_clone(add(commands, "clone", _clone, "train clones of a suspect from what was found, and test them"))
    command = add(commands, "compare", _compare, "compare a case's clones class by class (the paper's Table 5)")
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--on", metavar="SET", help="evaluation set (default: the labelled one, or the largest)")
    command.add_argument(
        "--measure", choices=("agreement", "accuracy"), help="default: accuracy where labels are known"
    )
    command.add_argument("--csv", type=Path, metavar="FILE", help="also write the table, with intervals, as CSV")
    command = add(commands, "gap", _gap, "compare the suspect's answers to a data set's training and test split")
    command.add_argument("case", type=Path, help="the case's folder")
    for split in ("train", "test"):
        command.add_argument(f"--{split}", metavar="DIR", required=True, help=f"the {split} split, a folder per class")
    command.add_argument("--pictures", type=int, default=2_000, metavar="N",
                         help="about how many of each split are sent (default 2000; 0: all)")  # fmt: skip


def _add_clone(command: argparse.ArgumentParser) -> None:
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--sources", default="found,random", metavar="LIST",
                         help="comma-separated: found, one-term, random, balanced, consistent, all-answers, or a "
                         "folder as DIR, same=DIR, similar=DIR or distant=DIR (default found,random)")  # fmt: skip
    command.add_argument("--evaluate", metavar="DIR", help="a folder of pictures to test on, one sub-folder for each "
                         "class (default: images held back from the corpus)")  # fmt: skip
    command.add_argument("--total", default="5000", metavar="N", help="images in a transfer set, including views "
                         "(default 5000); several, comma-separated, show what more queries would give")  # fmt: skip
    command.add_argument("--not-found", choices=("leave out", "random"), default="leave out",
                         help="how to treat classes that were not found (default leave out)")  # fmt: skip
    command.add_argument("--uncertain", choices=("take", "set aside"), default="take",
                         help="how to treat answers whose interval reaches below tau or the evidence limit "
                         "(default take)")  # fmt: skip
    command.add_argument(
        "--found-only", action="store_true", help="take no images of other leaves where a class has too few found ones"
    )
    group = command.add_argument_group("how clones are trained")
    group.add_argument("--arch", metavar="NAME", help="architecture, such as resnet20, googlenet-32 or "
                       "torchvision/mobilenet_v3_small (default: one that suits the input)")  # fmt: skip
    group.add_argument("--epochs", type=int, default=50, help="default 50")
    group.add_argument("--batch-size", type=int, default=64, help="default 64")
    group.add_argument("--optimiser", choices=("sgd", "adam"), default="sgd")
    group.add_argument("--learning-rate", type=float, default=0.0, help="default: the optimiser's usual one")
    group.add_argument("--patience", type=int, default=0, metavar="EPOCHS",
                       help="stop when agreement on held-out images no longer grows (default: never)")  # fmt: skip
    group.add_argument("--jacobian-rounds", type=int, default=0, metavar="N",
                       help="rounds of Jacobian-based augmentation, each of which queries the suspect")  # fmt: skip
    group.add_argument("--no-augmentation", action="store_true", help="do not shift or mirror the images")
    group.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (default auto)")
    group.add_argument("--seed", type=int, default=0)


def _clone(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.work.clones import Lab, clone

    case, progress = Case.open(options.case), printing.ProgressBar()
    for request in _requests(options):
        with Lab(case, arguments.cache(options), progress=progress) as lab:
            clone(lab, request)
    return _show(case, options, key=None, measure=None)


def _gap(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.records import to_plain
    from fdcore.work.clones import Lab
    from fdcore.work.gap import measure_gap

    case, most = Case.open(options.case), options.pictures or None
    with Lab(case, arguments.cache(options), progress=printing.ProgressBar()) as lab:
        found = measure_gap(lab, options.train, options.test, most=most)
    if not options.json:
        print(found.in_words)
    return {"case": str(options.case), "outcome": found.outcome, **to_plain(found)}


def _requests(options: argparse.Namespace) -> list["CloneRequest"]:
    from fdcore.cloning.settings import CloneRequest, TrainingSettings, TransferSettings

    same = ("epochs", "batch_size", "optimiser", "learning_rate", "patience", "jacobian_rounds", "precision", "device",
            "seed")  # fmt: skip
    training = TrainingSettings(
        arch=options.arch or _suitable_architecture(options), augment=not options.no_augmentation,
        **{name: getattr(options, name) for name in same},
    )  # fmt: skip
    sources = tuple(_source(text) for text in options.sources.split(",") if text.strip())
    evaluation = str(Path(options.evaluate).absolute()) if options.evaluate else ""
    drawn = TransferSettings(seed=options.seed, not_found=options.not_found, uncertain=options.uncertain,
                             any_leaf=not options.found_only)  # fmt: skip
    return [
        CloneRequest(sources, replace(drawn, total=total), training, evaluation) for total in _totals(options.total)
    ]


def _totals(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise SettingsError(f"--total takes comma-separated whole numbers, not {text!r}.") from error


def _source(text: str) -> "Source":
    from fdcore.cloning.settings import Source, SourceKind

    text = text.strip()
    if text in set(SourceKind) - {SourceKind.FOLDER}:
        return Source(SourceKind(text))
    role, equals, folder = text.partition("=")
    if not equals or role not in _ROLES:
        role, folder = "", text
    if not is_corpus(folder):
        raise SettingsError(
            f"{folder!r} is not a source: give {', '.join(set(SourceKind) - {SourceKind.FOLDER})}, or a folder of "
            "images, optionally with same=, similar= or distant= before it."
        )
    return Source(SourceKind.FOLDER, str(Path(folder).absolute()), role)  # type: ignore[arg-type]  # one of _ROLES, or ""


def _suitable_architecture(options: argparse.Namespace) -> str:
    import torch

    from fdcore.case.case import Case
    from fdcore.cloning.architectures import default_arch
    from fdcore.work.clones import Lab

    gpu = options.device.startswith("cuda") or (options.device == "auto" and torch.cuda.is_available())
    return default_arch(Lab(Case.open(options.case), arguments.cache(options)).spec, gpu)


def _compare(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case

    case = Case.open(options.case)
    result = _show(case, options, key=options.on, measure=options.measure)
    if options.csv:
        from fdcore.case.clones import read_comparison
        from fdcore.cloning.comparison import comparison_to_csv
        from fdcore.storage import write_atomically

        write_atomically(options.csv, comparison_to_csv(read_comparison(case, result["set"]["key"])))
    return result


def _show(case: "Case", options: argparse.Namespace, *, key: str | None, measure: "Measure | None") -> dict[str, Any]:
    """Print how a case's clones compare on one set, and return the same, JSON-ready."""
    from fdcore.case.clones import read_comparison, read_evaluation_sets

    sets = read_evaluation_sets(case)
    chosen = next((one for one in sets if key in (None, one.key, one.name)), None)
    if chosen is None:
        known = ", ".join(f"{one.key} ({one.name})" for one in sets) or "none; `fdcore clone` trains and tests clones"
        raise CaseError(f"The clones of this case have not been tested on {key or 'anything'} yet. Sets: {known}.")
    comparison = read_comparison(case, chosen.key)
    measure = measure or ("accuracy" if comparison.labelled else "agreement")
    if measure == "accuracy" and not comparison.labelled:
        raise SettingsError(f"The pictures of {chosen.name} have no labels, so their accuracy is unknown.")
    if not options.json:
        print(_in_words(comparison, measure, chosen.note))
    return {
        "case": str(options.case),
        "set": chosen._asdict(),
        "measure": measure,
        "clones": [
            {
                "id": column.run.id,
                "source": column.run.source.name,
                "n_rows": column.run.drawn.n_rows,
                "n_answers": column.run.n_answers,
            }
            | {name: _rate(getattr(column.evaluation, name)) for name in ("agreement", "accuracy", "suspect_accuracy")}
            for column in comparison.columns
        ],
    }


def _rate(rate: "Rate | None") -> dict[str, Any] | None:
    return rate._asdict() if rate else None


def _in_words(comparison: "Comparison", measure: "Measure", note: str) -> str:
    from fdcore.cloning.comparison import carried_in_words, leads, one_class_clones, table

    own = ["suspect"] if comparison.labelled else []
    rows: list[Sequence[str]] = [["class", *own, *map(printing.plain, comparison.titles())]]
    for row in table(comparison, measure):
        first = [_percent(row.suspect)] if comparison.labelled else []
        rows.append([printing.plain(row.title), *first, *map(_percent, row.clones)])
    name = printing.plain(comparison.set_name)
    remarks: list[OneClass | Lead] = [*one_class_clones(comparison), *leads(comparison, measure)]
    lines = [
        f"{measure.capitalize()} on {comparison.n_images:,} pictures of {name}, in percent",
        *([printing.plain(note)] if note else []),
        "",
        *printing.table(rows, flexible=(0,), right=range(1, len(rows[0]))),
        *([comparison.about_names] if comparison.about_names else []),
        "",
        *(f'The clone "{printing.plain(one.title)}" {one.in_words()}.' for one in remarks),
        *filter(None, [carried_in_words(comparison, measure)]),
    ]
    return "\n".join(lines)


def _percent(rate: "Rate | None") -> str:
    return "" if rate is None else f"{100 * rate.value:.1f}"
