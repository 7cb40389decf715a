"""`fdcore grow`: pictures from a generator, from a general node to specific ones."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.cli import arguments, printing
from fdcore.cli.clone import AddCommand
from fdcore.records import to_plain

if TYPE_CHECKING:  # NumPy and the engine are imported when a command runs
    from fdcore.work.grow import Grown

ENVIRONMENT = "FDCORE_GENERATOR"


def add_grow(commands: Any, add: AddCommand) -> None:
    """Add the command by way of `add`, which gives it the options that all commands share."""
    command = add(commands, "grow", _grow, "generate pictures of a node, and of what lies below it where scores rise")
    command.add_argument("case", type=Path, help="the case's folder, with a suspect's file and a plan")
    command.add_argument("--below", required=True, metavar="NODE", help="the node of the first pictures: id or name")
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--command", metavar="TEMPLATE", default=os.environ.get(ENVIRONMENT, ""),
        help="the generator's command with {prompt} and {folder}, and perhaps {count} and {seed}; it is run without a "
        f"shell (default: {ENVIRONMENT})",
    )  # fmt: skip
    source.add_argument("--watch", type=Path, metavar="DIR",
                        help="a folder that something else fills, as prompt.txt in each folder in it asks")  # fmt: skip
    command.add_argument("--prompt", default="a photo of a {name}", metavar="TEMPLATE",
                         help="with {name} and {gloss} (default 'a photo of a {name}')")  # fmt: skip
    command.add_argument("--count", type=int, default=20, help="pictures of each node (default 20)")
    command.add_argument("--seed", type=int, default=0, help="of the generator (default 0)")
    command.add_argument(
        "--class", type=int, dest="target_class", metavar="N",
        help="the class whose score leads (default: the one that the first pictures are put in)",
    )  # fmt: skip
    command.add_argument("--rounds", type=int, default=4, help="the most rounds (default 4)")
    command.add_argument("--nodes", type=int, default=8, help="the most nodes of a round (default 8)")
    command.add_argument("--timeout", type=float, default=600, metavar="SECONDS",
                         help="for the pictures of one node (default 600)")  # fmt: skip


def _grow(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.corpus.generator import parse_command
    from fdcore.work.grow import GrowRequest, grow

    watched = str(options.watch.absolute()) if options.watch else ""
    command = parse_command(options.command) if options.command and not watched else ()
    request = GrowRequest(
        options.below, command, watched, options.prompt, options.count, options.seed, options.target_class,
        options.rounds, options.nodes, options.timeout,
    )  # fmt: skip
    grown = grow(options.case, request, cache=arguments.cache(options), progress=printing.ProgressBar())
    if not options.json:
        print(_in_words(grown))
    return {"case": str(options.case), **to_plain(grown), "in_words": grown.in_words}


def _in_words(grown: "Grown") -> str:
    rows = [("round", "node", "id", f"score in class {grown.target_class}")]
    for number, made in enumerate(grown.rounds, start=1):
        rows += [(str(number), printing.plain(grown.labels[one.node]), one.node, f"{one.score:.2f}") for one in made]
    table = printing.table(rows, flexible=(1,), right=(0, 3)) if grown.rounds else []
    total = f"The case holds {grown.n_pictures:,} generated pictures."
    return "\n".join([*table, *([""] if table else []), printing.plain(grown.in_words), total])
