"""The command line: `python -m fdcore`, or `fdcore`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.case import layout
from fdcore.cli import arguments, printing
from fdcore.cli.clone import add_commands
from fdcore.cli.custody import add_custody
from fdcore.cli.grow import add_grow
from fdcore.cli.verify import add_verify
from fdcore.errors import CaseError, FdError, SettingsError
from fdcore.records import to_plain
from fdcore.version import __version__

if TYPE_CHECKING:  # torch and pandas are imported only by the commands that need them
    from fdcore.case.plan import Plan

_PATHS = ("case", "suspect", "corpus", "folders", "out", "claims", "vectors", "evaluate", "csv", "hierarchy",
          "names", "cache", "token", "tsa_ca", "key", "watch")  # the options that take a path  # fmt: skip
EXIT_CODES = """exit codes:
  0    success ("not found" is an answer, not an error)
  2    a setting out of range, or incorrect usage
  3    the suspect cannot be opened or gives no usable answer
  4    the suspect's file was refused as unsafe
  5    the corpus has no images, an unknown node or a broken hierarchy
  6    the case is damaged, in use, of another version, or about something else
  7    the evidence was changed after intake
  8    the disk is full or cannot be written
  9    a reference suspect of `fdcore validate` failed
  130  interrupted from the keyboard; the same command continues
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        _check_paths(options)
        result = options.run(options)
        if options.json:
            print(json.dumps(result, indent=2, ensure_ascii=False))
        code = int(result.get("exit_code", 0))
        sys.stdout.flush()  # here and not at the interpreter's exit, where a closed pipe is a traceback
    except FdError as error:
        return _fail(str(error), error.exit_code, options.json)
    except BrokenPipeError:  # the reader closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still in the buffer
        return 0
    except KeyboardInterrupt:
        print("fdcore: interrupted. Run the same command again to continue.", file=sys.stderr)
        return 130
    return code


def _check_paths(options: argparse.Namespace) -> None:
    """Refuse unreadable paths here, so that an OSError later is a bug and is not hidden."""
    for name in _PATHS:
        given = getattr(options, name, None)
        for path in given if isinstance(given, list) else [given] if given else []:
            try:
                os.stat(path)
            except (FileNotFoundError, NotADirectoryError):  # the command reports it, or creates it
                continue
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                raise SettingsError(f"{path} cannot be read: {reason}. Give a path that you may read.") from error


def _fail(sentence: str, exit_code: int, as_json: bool) -> int:
    print(json.dumps({"error": sentence}) if as_json else f"fdcore: {printing.plain(sentence)}", file=sys.stderr)
    return exit_code


# Commands: each prints text unless --json is given, and returns what --json prints


def _investigate(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.plan import open_planned_hierarchy
    from fdcore.work import investigate

    arguments.bring_suspect(options)
    plan = arguments.plan(options)
    out = arguments.case_folder(options)
    progress = printing.ProgressBar()
    with investigate.no_empty_case(out):
        if options.identify:
            plan = _identified(options, out, plan)
        investigate.investigate(
            out, options.suspect, options.corpus, hierarchy=open_planned_hierarchy(plan),
            open_suspect=investigate.open_planned_suspect(plan, progress), cache=arguments.cache(options),
            settings=plan.settings, plan=plan, cluster=arguments.cluster(options), progress=progress,
        )  # fmt: skip
    return _present(out, options)


def _identify(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.case.plan import Settings
    from fdcore.work.investigate import no_empty_case
    from fdcore.work.readings import compare_readings

    arguments.bring_suspect(options)
    plan = arguments.plan(options, Settings(seed=options.seed, budget=options.budget))
    out = arguments.case_folder(options)
    with no_empty_case(out):
        Case.open_or_create(out).record(plan=plan)
        found = compare_readings(out, options.suspect, cache=arguments.cache(options), progress=printing.ProgressBar())
    if not options.json:
        print(printing.readings(found))
    return {"case": str(out), **to_plain(found)}


def _tensors(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.suspect.tensors import list_tensors

    found = list_tensors(options.suspect, allow_unscanned=options.allow_unscanned)
    if not options.json:
        print(printing.tensors(found))
    return {"suspect": str(options.suspect), **to_plain(found)}


def _identified(options: argparse.Namespace, out: Path, plan: "Plan") -> "Plan":
    """The plan with the reading that is clearly ahead; unchanged where it cannot be told."""
    from fdcore.case.case import Case
    from fdcore.case.readings import take_reading
    from fdcore.work.readings import compare_readings

    case = Case.open_or_create(out)
    case.record(plan=plan)
    found = compare_readings(out, options.suspect, cache=arguments.cache(options), progress=printing.ProgressBar())
    if found.ahead:
        found = take_reading(case, found.readings[0].name)
    if not options.json:
        print(printing.readings(found), end="\n\n")
    return case.plan()


def _demo(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.demo.case import run_demo

    run_demo(options.out, corpus=options.corpus, cache=arguments.cache(options), progress=printing.ProgressBar())
    return _present(options.out, options)


def _select(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case import conclusions
    from fdcore.case.case import Case
    from fdcore.work import conclude

    settings = arguments.selection_settings(options, conclusions.selection_settings(Case.open(options.case)))
    conclude.analyse(options.case, settings, cache=arguments.cache(options), progress=printing.ProgressBar())
    return _present(options.case, options)


def _show(options: argparse.Namespace) -> dict[str, Any]:
    return _present(options.case, options)


def _report(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.case.custody import require_unchanged
    from fdcore.storage import write_atomically
    from fdcore.work.conclude import full_report

    out: Path = options.out
    if out.suffix not in (".pdf", ".html"):
        raise SettingsError(f"{out} must end in .pdf or .html, which says what is written.", key="report ending")
    require_unchanged(Case.open(options.case))
    page = full_report(options.case, cache=arguments.cache(options))
    if out.suffix == ".pdf":
        from fdcore.report.pdf import to_pdf

        content = to_pdf(page)
    else:
        content = page.encode()
    write_atomically(out, content)
    if not options.json:
        print(f"Written: {out}")
    return {"case": str(options.case), "written": str(out)}


def _verdict(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case import conclusions
    from fdcore.case.case import Case
    from fdcore.verdict import verdict_as_dict, verdict_in_words

    case = Case.open(options.case)
    reached = conclusions.judge(conclusions.weigh_case(case), case.facts())
    if not options.json:
        print(verdict_in_words(reached), end="")
    return {"case": str(options.case), **verdict_as_dict(reached)}


def _present(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Print the verdict that a case holds."""
    from fdcore.case.case import Case
    from fdcore.case.casebook import Casebook, same_weights
    from fdcore.case.custody import check_case
    from fdcore.case.spending import n_sent, spent, spent_in_words

    case = Case.open(folder)
    found, facts = case.read_json(layout.SELECTION) | {"n_sent": n_sent(case)}, case.facts()
    reached = case.read_json(layout.VERDICT) if case.has(layout.VERDICT) else {}
    checked, sent = check_case(case), spent(case)
    beside = Casebook(case.folder.resolve().parent).cards() if facts.suspect and facts.suspect.weights else []
    same = same_weights(beside, case.folder.resolve().name)
    if not options.json:
        try:
            print(printing.verdict(facts, found, reached, spent_in_words(sent)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # damage of any kind
            raise CaseError(
                f"{case.path('selection.json')} is damaged ({error!r}). `fdcore select` writes it again.",
                key="file damaged",
            ) from error
        if same:
            print(f"\n{printing.plain(same)}")
        print(f"\n{checked.short}  Report: {case.path('report.html')}")
    return {
        "case": str(folder),
        **to_plain(facts),
        **found,
        "queries": sent,
        "same_weights": same,
        "custody": {"intact": checked.intact, "in_words": checked.short},
        "report": str(case.path(layout.REPORT)),
    }


def _sets(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case import tables
    from fdcore.case.case import Case
    from fdcore.case.conclusions import load_scored
    from fdcore.method.sets import compare_sets

    case = Case.open(options.case)
    scored, chance = load_scored(case), case.facts().chance
    found, compared = compare_sets(scored), chance.sets if chance else ()
    if not options.json:
        print(printing.sets(found, scored, compared))
    rows = tables.set_rows(found, scored, compared)
    return {"case": str(options.case), "sets": json.loads(rows.to_json(orient="records"))}


def _corpus(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.corpus.corpus import survey

    found = survey(
        options.folders, hierarchy=arguments.hierarchy(options), quick=options.quick, cache=arguments.cache(options),
        progress=printing.ProgressBar(),
    )  # fmt: skip
    if not options.json:
        print(printing.survey(found))
    return printing.survey_as_dict(found)


def _topics(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.corpus.topics import write_topics

    n_topics = write_topics(options.out)
    if not options.json:
        print(f"{n_topics} topics were written to {printing.plain(str(options.out))}; give that folder as --corpus.")
    return {"out": str(options.out), "n_topics": n_topics}


def _tree(options: argparse.Namespace) -> dict[str, Any]:
    hierarchy = arguments.hierarchy(options)
    nodes = hierarchy.search(" ".join(options.words), limit=options.limit)
    entries = [printing.node_as_dict(hierarchy, node) for node in nodes]
    if not options.json:
        print(printing.nodes(entries) or f"There is no node called {' '.join(options.words)!r}.")
    return {"nodes": entries}


# The command line


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fdcore",
        description="Find out what an undocumented image classifier was trained to recognise.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fdcore {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = _add(commands, "investigate", _investigate, "find what each class of a suspect stands for")
    arguments.add_scoring(command)
    arguments.add_selection(command)
    arguments.add_suspect(command)
    arguments.add_engine(command)
    command = _add(
        commands, "identify", _identify, "compare what a suspect's file may mean: normalisation, channels, size"
    )
    arguments.add_suspect(command)
    command = _add(
        commands, "tensors", _tensors, "list the tensors of a file of weights, such as one that nothing fits"
    )
    command.add_argument("suspect", type=Path, help="the file, or a model's folder")
    command.add_argument("--allow-unscanned", action="store_true",
                         help="read a file although the scanners reached no conclusion")  # fmt: skip
    command = _add(commands, "select", _select, "weigh a case's answers again with other settings, without queries")
    command.add_argument("case", type=Path, help="the case's folder")
    arguments.add_selection(command)
    command = _add(commands, "corpus", _corpus, "list what image folders contain, and their problems")
    command.add_argument("folders", nargs="+", metavar="DIR[@NODE]", help="image folders")
    command.add_argument("--quick", action="store_true", help="count files without decoding them")
    command = _add(commands, "topics", _topics, "write texts about WordNet's nodes, a corpus for suspects of texts")
    command.add_argument("out", type=Path, metavar="DIR", help="a new folder")
    command = _add(commands, "tree", _tree, "find nodes of the hierarchy by word, with their ancestors and children")
    command.add_argument("words", nargs="+", metavar="WORD")
    command.add_argument("--limit", type=int, default=20, help="the most nodes to show (default 20)")
    command = _add(commands, "show", _show, "show a case's verdict")
    command.add_argument("case", type=Path, help="the case's folder")
    command = _add(commands, "report", _report, "write a case's whole report as PDF or HTML")
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends in .pdf or .html")
    command = _add(commands, "sets", _sets, "compare the sets of a case's corpus by how clearly they are answered")
    command.add_argument("case", type=Path, help="the case's folder")
    command = _add(commands, "verdict", _verdict, "show what all classes together mean, and the weak points")
    command.add_argument("case", type=Path, help="the case's folder")
    add_verify(commands, _add)
    add_commands(commands, _add)
    add_custody(commands, _add)
    add_grow(commands, _add)
    command = _add(commands, "demo", _demo, "build the demo case and investigate its suspect")
    command.add_argument("--out", type=Path, default=Path("cases/demo"), help="the case's folder (default cases/demo)")
    command.add_argument("--corpus", type=Path, default=Path("corpora/demo"),
                         help="where its pictures are drawn (default corpora/demo)")  # fmt: skip
    return parser


def _add(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    command.set_defaults(run=run)
    command.add_argument("--json", action="store_true", help="print JSON instead of text")
    command.add_argument(
        "--hierarchy", type=Path, metavar="FILE", help="CSV or JSON file: id, parent, label (default: WordNet)"
    )
    command.add_argument("--cache", metavar="DIR", help="where decoded images are kept (default: the user's cache)")
    return command
