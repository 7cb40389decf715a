"""What commands are given: the options that several share, and the settings that options mean."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.case import layout
from fdcore.errors import SettingsError
from fdcore.suspect.runtimes import TITLES

if TYPE_CHECKING:  # NumPy and the engine are imported when a command runs
    from fdcore.case.plan import Plan, Settings, SuspectOptions
    from fdcore.corpus.hierarchy import Hierarchy
    from fdcore.corpus.leaf_names import NamedLeaf
    from fdcore.method.selection import SelectionSettings
    from fdcore.work.cluster import Cluster

AUTOMATIC = "auto"


def add_scoring(command: argparse.ArgumentParser) -> None:
    """Views, pictures and what saves queries."""
    command.add_argument("--views", type=int, default=2, help="views of each image (default 2)")
    command.add_argument("--images-per-leaf", type=int, default=200,
                         help="images sampled per leaf (default 200; 0: all)")  # fmt: skip
    command.add_argument("--rotation", type=float, metavar="DEG", help="largest rotation of a view, in degrees")
    command.add_argument("--translation", type=float, help="largest shift of a view, as a share of the side")
    command.add_argument("--perspective", type=float, help="largest perspective term of a view")
    command.add_argument("--noise", type=float, help="largest change of a pixel in a view, as a share of its range")
    command.add_argument("--adaptive", action="store_true",
                         help="save queries: send pictures where they may still change an answer")  # fmt: skip
    command.add_argument("--identify", action="store_true",
                         help="first compare what the file may mean; take what is clearly ahead")  # fmt: skip


def add_suspect(command: argparse.ArgumentParser) -> None:
    """The suspect, the corpus, the case, and how the suspect is opened."""
    command.add_argument("suspect", type=Path, help="the suspect's file, a model's folder, hf:OWNER/NAME for "
                         "one of the Hugging Face hub, or a case whose recorded answers to replay")  # fmt: skip
    command.add_argument("--corpus", action="append", required=True, metavar="DIR[@NODE]",
                         help="image folder or s3:// address, below NODE without a hierarchy; repeatable")  # fmt: skip
    command.add_argument("--names", type=Path, metavar="FILE", help="CSV or JSON file: id, parent, label of leaves "
                         "whose folders say too little, such as shoes/7,n04133789,sandal")  # fmt: skip
    command.add_argument("--out", type=Path, metavar="CASE", help="the case's folder (default cases/<suspect>)")
    command.add_argument("--seed", type=int, default=0, help="of the views and the sampling (default 0)")
    command.add_argument("--budget", type=int, metavar="N", help="send at most N queries")
    group = command.add_argument_group("the suspect")
    group.add_argument("--arch", metavar="NAME", help="architecture of a state dict, such as resnet20 or timm/resnet50")
    group.add_argument(
        "--preprocess", metavar="PRESET", help="unit, signed, bytes, imagenet, cifar10, cifar100 or mnist"
    )
    group.add_argument("--n-classes", type=int, metavar="N", help="number of classes, where the file does not say")
    group.add_argument("--output", metavar="NAME", help="the output of an ONNX graph that answers, of several")
    group.add_argument("--input-size", metavar="HxW", help="such as 32 or 224x224")
    group.add_argument("--channels", type=int, choices=(1, 3))
    group.add_argument("--mean", help="per channel, comma-separated")
    group.add_argument("--std", help="per channel, comma-separated")
    group.add_argument("--value-range", metavar="LOW,HIGH", help="the values of black and white, such as 0,255")
    group.add_argument("--layout", choices=("NCHW", "NHWC"))
    group.add_argument("--channel-order", choices=("RGB", "BGR"))
    group.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    group.add_argument("--runtime", default="auto", metavar="NAME",
                       help=f"what computes a PyTorch network's answers: {', '.join(TITLES)}, or fastest (default: the "
                       "fastest with the same labels, where many queries are to come)")  # fmt: skip
    group.add_argument("--allow-unscanned", action="store_true",
                       help="open a file although the scanners reached no conclusion; logged")  # fmt: skip
    group.add_argument("--allow-network", metavar="REASON", default="",
                       help="open a file although this machine cannot keep it from the network; logged")  # fmt: skip


def add_engine(command: argparse.ArgumentParser) -> None:
    """Where the queries are sent from."""
    group = command.add_argument_group("where the suspect runs (docs/scale.md)")
    group.add_argument("--engine", choices=("local", "ray"), default="local",
                       help="a cell on this machine (default), or one on each core of a Ray cluster")  # fmt: skip
    group.add_argument("--address", metavar="HOST:PORT", help="of the cluster (default: one on this machine alone)")
    group.add_argument("--shards", metavar="FOLDER", help="where the cluster's machines keep finished shards: a folder "
                       "that all of them see, or s3://BUCKET/PATH (default: in the cache)")  # fmt: skip


def cluster(options: argparse.Namespace) -> "Cluster | None":
    """The cluster that sends the queries; None for this process."""
    if options.engine != "ray":
        if given := [f"--{name}" for name in ("address", "shards") if getattr(options, name)]:
            raise SettingsError(f"{' and '.join(given)} need --engine ray.", key="needs a cluster")
        return None
    from fdcore.work.cluster import Cluster

    return Cluster(**{name: value for name in ("address", "shards") if (value := getattr(options, name))})


def add_selection(command: argparse.ArgumentParser) -> None:
    """How answers are weighed."""
    group = command.add_argument_group("how answers are weighed")
    group.add_argument("--alpha", type=float, help="weight of the functional score, above 0 and at most 1")
    group.add_argument("--eta", type=float, help="merge clusters that are closer than this many steps")
    group.add_argument("--tau", type=float, help="lowest functional score of a candidate")
    group.add_argument("--k", type=_medoids, help='number of medoids, "auto" (every candidate) or "silhouette"')
    group.add_argument("--k-max", type=int, help="the most candidates of a class")
    group.add_argument("--relative", type=float, help="lowest score of a candidate, as a part of the class's best")
    group.add_argument("--evidence", type=_or_automatic, help='lowest L of an answer; "auto" depends on the suspect')
    group.add_argument("--share", type=float, help="lowest product of L's lower bound and the answer's share")
    group.add_argument("--exclusive", type=float, help="find the best leaf despite a low score, if at least this part "
                       "of the class's answers falls in it (lower bound; default 0.35; 1: never)")  # fmt: skip
    group.add_argument(
        "--held-out",
        action=argparse.BooleanOptionalAction,
        help="state L on images that had no part in the choice (default), or choose by all images",
    )
    group.add_argument("--evidence-rule", action="store_true", help="the default limits, after --paper-rule")
    group.add_argument("--paper-rule", action="store_true",
                       help="no limits: all images choose, and the highest objective is found")  # fmt: skip


def plan(options: argparse.Namespace, given: "Settings | None" = None) -> "Plan":
    """The plan of an investigation; `given` stands for the settings where the command has no options for them."""
    from fdcore.case.plan import Plan
    from fdcore.corpus.remote import is_address

    hierarchy = str(options.hierarchy.absolute()) if options.hierarchy else None
    corpora = tuple(folder if is_address(folder) else str(Path(folder).absolute()) for folder in options.corpus)
    return Plan(suspect_options(options), corpora, hierarchy, given or settings(options), named_leaves(options))


def suspect_options(options: argparse.Namespace) -> "SuspectOptions":
    """How the suspect is opened."""
    from fdcore.case.plan import SuspectOptions

    return SuspectOptions(
        options.arch, options.preprocess, spec_overrides(options), options.n_classes, options.device,
        options.allow_unscanned, options.allow_network, options.output,
        runtime=options.runtime,
    )  # fmt: skip


def named_leaves(options: argparse.Namespace) -> "tuple[NamedLeaf, ...]":
    """The names of leaves in the given table, else those that the case has."""
    from fdcore.case.case import Case
    from fdcore.corpus.leaf_names import read_names

    if options.names:
        return read_names(options.names)
    folder = case_folder(options)
    return Case.open(folder).plan().leaves if (folder / layout.FACTS).is_file() else ()


def bring_suspect(options: argparse.Namespace) -> None:
    """Download a suspect that is named by its id on a hub."""
    from fdcore.cli.printing import ProgressBar
    from fdcore.suspect.hub import bring

    options.out = case_folder(options)
    options.suspect = bring(options.suspect, cache(options), ProgressBar())


def case_folder(options: argparse.Namespace) -> Path:
    """The case's folder, by default named like the suspect's file."""
    out: Path | None = options.out
    return out or Path("cases") / options.suspect.stem


def settings(options: argparse.Namespace) -> "Settings":
    """What is queried and how the answers are weighed."""
    from fdcore.answers.views import ViewSpec
    from fdcore.case.plan import Settings
    from fdcore.method.adaptive import Adaptive
    from fdcore.method.selection import SelectionSettings

    selection = selection_settings(options, SelectionSettings())
    strengths = {"rotation_deg": options.rotation, "translation": options.translation,
                 "perspective": options.perspective, "noise": options.noise}  # fmt: skip
    return Settings(
        n_views=options.views,
        images_per_leaf=options.images_per_leaf or None,
        seed=options.seed,
        budget=options.budget,
        views=ViewSpec(**{name: value for name, value in strengths.items() if value is not None}),
        selection=selection,
        adaptive=Adaptive(selection=selection) if options.adaptive else None,
    )


def selection_settings(options: argparse.Namespace, before: "SelectionSettings") -> "SelectionSettings":
    """The earlier settings, changed by the options that were given."""
    from dataclasses import fields, replace

    if options.paper_rule or options.evidence_rule:
        before = before.by_paper_rule() if options.paper_rule else before.by_evidence()
    given = {field.name: getattr(options, field.name) for field in fields(before)}
    chosen: dict[str, Any] = {n: None if v == AUTOMATIC else v for n, v in given.items() if v is not None}
    return replace(before, **chosen)


def _or_automatic(text: str) -> float | str:
    return text if text == AUTOMATIC else float(text)


def _medoids(text: str) -> int | str:
    return text if text in (AUTOMATIC, "silhouette") else int(text) or AUTOMATIC


def spec_overrides(options: argparse.Namespace) -> dict[str, Any]:
    """What is said about the suspect's input."""
    overrides: dict[str, Any] = {"layout": options.layout, "order": options.channel_order, "channels": options.channels}
    if options.input_size:
        sides = _numbers(options.input_size.lower().replace("x", ","), "--input-size")
        if len(sides) > 2 or not all(side.is_integer() for side in sides):
            raise SettingsError(
                f"--input-size takes one or two whole numbers such as 32 or 224x224, not {options.input_size!r}."
            )
        overrides |= {"height": int(sides[0]), "width": int(sides[-1])}
    for name, text in (("mean", options.mean), ("std", options.std), ("value_range", options.value_range)):
        if text:
            overrides[name] = tuple(_numbers(text, f"--{name.replace('_', '-')}"))
    return {name: value for name, value in overrides.items() if value is not None}


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise SettingsError(f"{option} takes comma-separated numbers, not {text!r}.") from error


def hierarchy(options: argparse.Namespace) -> "Hierarchy":
    """The file's nodes, or WordNet's."""
    from fdcore.case.plan import open_hierarchy

    return open_hierarchy(options.hierarchy)


def cache(options: argparse.Namespace) -> Path:
    """Where decoded images are kept."""
    if options.cache:
        return Path(options.cache)
    from fdcore.case.places import Places

    return Places.from_environment().cache
