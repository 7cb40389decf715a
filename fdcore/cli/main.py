"""The command line: `python -m fdcore`, or `fdcore`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.case import layout
from fdcore.cli import printing
from fdcore.cli.clone import add_commands
from fdcore.cli.custody import add_custody
from fdcore.errors import CaseError, FdError, SettingsError
from fdcore.records import to_plain
from fdcore.suspect.runtimes import TITLES
from fdcore.version import __version__

if TYPE_CHECKING:  # torch and pandas are imported only by the commands that need them
    from fdcore.case.plan import Plan, Settings, SuspectOptions
    from fdcore.corpus.hierarchy import Hierarchy
    from fdcore.corpus.leaf_names import NamedLeaf
    from fdcore.method.selection import SelectionSettings
    from fdcore.words.claims import Claims

_PATHS = ("case", "suspect", "corpus", "folders", "out", "claims", "vectors", "evaluate", "csv", "hierarchy",
          "names", "cache", "token", "tsa_ca", "key")  # the options that take a path  # fmt: skip
AUTOMATIC = "auto"
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

    plan = _plan(options)
    out = _case_folder(options)
    progress = printing.ProgressBar()
    with investigate.no_empty_case(out):
        if options.identify:
            plan = _identified(options, out, plan)
        investigate.investigate(
            out, options.suspect, options.corpus, hierarchy=open_planned_hierarchy(plan),
            open_suspect=investigate.open_planned_suspect(plan, progress), cache=_cache(options),
            settings=plan.settings, plan=plan, progress=progress,
        )  # fmt: skip
    return _present(out, options)


def _identify(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.case.plan import Plan, Settings
    from fdcore.records import to_plain
    from fdcore.work.investigate import no_empty_case
    from fdcore.work.readings import compare_readings

    settings = Settings(seed=options.seed, budget=options.budget)
    plan = Plan(
        _suspect_options(options), _corpora(options), _hierarchy_file(options), settings, _named_leaves(options)
    )
    out = _case_folder(options)
    with no_empty_case(out):
        Case.open_or_create(out).record(plan=plan)
        found = compare_readings(out, options.suspect, cache=_cache(options), progress=printing.ProgressBar())
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
    found = compare_readings(out, options.suspect, cache=_cache(options), progress=printing.ProgressBar())
    if not options.json:
        print(printing.readings(found), end="\n\n")
    if found.ahead:
        take_reading(case, found.readings[0].name)
    return case.plan()


def _demo(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.demo.case import run_demo

    run_demo(options.out, corpus=options.corpus, cache=_cache(options), progress=printing.ProgressBar())
    return _present(options.out, options)


def _select(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case import conclusions
    from fdcore.case.case import Case
    from fdcore.work import conclude

    settings = _selection_settings(options, conclusions.selection_settings(Case.open(options.case)))
    conclude.analyse(options.case, settings, cache=_cache(options), progress=printing.ProgressBar())
    return _present(options.case, options)


def _show(options: argparse.Namespace) -> dict[str, Any]:
    return _present(options.case, options)


def _report(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.storage import write_atomically
    from fdcore.work.conclude import full_report

    out: Path = options.out
    if out.suffix not in (".pdf", ".html"):
        raise SettingsError(f"{out} must end in .pdf or .html, which says what is written.", key="report ending")
    page = full_report(options.case, cache=_cache(options))
    if out.suffix == ".pdf":
        from fdcore.report.pdf import to_pdf

        content = to_pdf(page)
    else:
        content = page.encode()
    write_atomically(out, content)
    if not options.json:
        print(f"Written: {out}")
    return {"case": str(options.case), "written": str(out)}


def _verify(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.case.claims import write_claims
    from fdcore.words.conclusion import claims_in_words, why_little
    from fdcore.work.compare_words import check_words

    progress = printing.ProgressBar()
    claims = _claims(options)
    if claims is not None:
        write_claims(options.case, claims)
    vectors = _vectors_file(options, progress)
    rows = check_words(options.case, vectors, cache=_cache(options), progress=progress).rows
    case = Case.open(options.case)
    found, outcome = case.read_json(layout.WORDS), str(case.read_json(layout.VERDICT)["outcome"])
    doubts = why_little(rows, independent=found["vectors"]["independent"], outcome=outcome)
    conclusion = " ".join([claims_in_words(rows), *doubts])
    if not options.json:
        print(printing.words(found, case.read_json(layout.SELECTION)["classes"], conclusion))
        print(f"\nTables, maps and the word vectors used: {case.path('verification')}")
    return {"case": str(options.case), "conclusion": conclusion, **found}


def _claims(options: argparse.Namespace) -> "Claims | None":
    """The claims given on the command line; None to keep those of the case."""
    from fdcore.case.case import Case
    from fdcore.words import claims

    facts = Case.open(options.case).facts()
    n_classes = facts.n_classes
    if options.claims:
        try:
            content = options.claims.read_bytes()
        except OSError as error:
            raise SettingsError(f"The claims {options.claims} cannot be read: {error.strerror}.") from error
        return claims.claims_from_csv(content, n_classes, source=options.claims.name)
    if options.claim:
        pairs = dict(_claim(text) for text in options.claim)
        return claims.Claims(pairs, "given on the command line")
    if options.label_set:
        return _label_set_claims(options, n_classes)
    if options.from_suspect:
        if not facts.suspect or not facts.suspect.class_names:
            raise SettingsError("The suspect's file does not name its classes. Give --claims, --claim or --label-set.")
        return claims.claims_from_list(facts.suspect.class_names, source=claims.FROM_SUSPECT)
    return None


def _label_set_claims(options: argparse.Namespace, n_classes: int) -> "Claims":
    """A known label set as claims, at the offset where it agrees best with what was found."""
    from fdcore.case.case import Case
    from fdcore.case.conclusions import weigh_case
    from fdcore.words import claims
    from fdcore.words.agreement import rank_label_sets
    from fdcore.words.label_sets import label_set
    from fdcore.words.vectors import builtin_vectors

    chosen = label_set(options.label_set)
    if n_classes - len(chosen) not in (0, 1):
        raise SettingsError(f"{chosen.name} has {len(chosen):,} classes, but the suspect has {n_classes:,}.")
    found = weigh_case(Case.open(options.case))
    scored, spec = found.scored, found.scored.header.spec
    best = rank_label_sets(
        found.classes, scored.scores, scored.hierarchy, builtin_vectors(),
        height=spec.height, width=spec.width, channels=spec.channels, sets=[chosen],
    )[0]  # fmt: skip
    return claims.claims_from_label_set(chosen, n_classes, best.offset)


def _claim(text: str) -> tuple[int, str]:
    from fdcore.words.claims import class_number, cleaned

    number, _, name = text.partition("=")
    if not cleaned(name):
        raise SettingsError(f"--claim takes a class and its name, such as 0=airplane, not {text[:60]!r}.")
    return class_number(number), cleaned(name)


def _vectors_file(options: argparse.Namespace, progress: printing.ProgressBar) -> Path | None:
    """The file of word vectors, downloaded where it is a name in gensim's collection; None for the built-in ones.

    Without --vectors, those chosen for the case, as in the dashboard.
    """
    if options.vectors is None:
        from fdcore.case.case import Case
        from fdcore.work.compare_words import chosen_vectors

        return chosen_vectors(Case.open(options.case))
    if options.vectors == "builtin":
        return None
    path = Path(options.vectors)
    if path.exists() or path.suffix or path.name != options.vectors:
        return path
    from fdcore.words.vector_download import download_vectors

    return download_vectors(options.vectors, _cache(options) / "downloads", progress)


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
    from fdcore.case.spending import n_sent

    case = Case.open(folder)
    found, facts = case.read_json(layout.SELECTION) | {"n_sent": n_sent(case)}, case.facts()
    reached = case.read_json(layout.VERDICT) if case.has(layout.VERDICT) else {}
    checked = check_case(case)
    beside = Casebook(case.folder.resolve().parent).cards() if facts.suspect and facts.suspect.weights else []
    same = same_weights(beside, case.folder.resolve().name)
    if not options.json:
        try:
            print(printing.verdict(facts, found, reached))
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
        "same_weights": same,
        "custody": {"intact": checked.intact, "in_words": checked.short},
        "report": str(case.path(layout.REPORT)),
    }


def _corpus(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.corpus.corpus import survey

    found = survey(options.folders, hierarchy=_hierarchy(options), quick=options.quick, progress=printing.ProgressBar())
    if not options.json:
        print(printing.survey(found))
    return printing.survey_as_dict(found)


def _tree(options: argparse.Namespace) -> dict[str, Any]:
    hierarchy = _hierarchy(options)
    nodes = hierarchy.search(" ".join(options.words), limit=options.limit)
    entries = [printing.node_as_dict(hierarchy, node) for node in nodes]
    if not options.json:
        print(printing.nodes(entries) or f"There is no node called {' '.join(options.words)!r}.")
    return {"nodes": entries}


# From options to settings


def _plan(options: argparse.Namespace) -> "Plan":
    from fdcore.case.plan import Plan

    corpora, hierarchy = _corpora(options), _hierarchy_file(options)
    return Plan(_suspect_options(options), corpora, hierarchy, _settings(options), _named_leaves(options))


def _suspect_options(options: argparse.Namespace) -> "SuspectOptions":
    from fdcore.case.plan import SuspectOptions

    return SuspectOptions(
        options.arch, options.preprocess, _spec_overrides(options), options.n_classes, options.device,
        options.allow_unscanned, options.allow_network, options.output,
        runtime=options.runtime,
    )  # fmt: skip


def _corpora(options: argparse.Namespace) -> tuple[str, ...]:
    return tuple(str(Path(folder).absolute()) for folder in options.corpus)


def _named_leaves(options: argparse.Namespace) -> "tuple[NamedLeaf, ...]":
    """The names of leaves in the given table, else those that the case has."""
    from fdcore.case.case import Case
    from fdcore.corpus.leaf_names import read_names

    if options.names:
        return read_names(options.names)
    folder = _case_folder(options)
    return Case.open(folder).plan().leaves if (folder / layout.FACTS).is_file() else ()


def _case_folder(options: argparse.Namespace) -> Path:
    out: Path | None = options.out
    return out or Path("cases") / options.suspect.stem


def _hierarchy_file(options: argparse.Namespace) -> str | None:
    return str(options.hierarchy.absolute()) if options.hierarchy else None


def _settings(options: argparse.Namespace) -> "Settings":
    from fdcore.answers.views import ViewSpec
    from fdcore.case.plan import Settings
    from fdcore.method.adaptive import Adaptive
    from fdcore.method.selection import SelectionSettings

    selection = _selection_settings(options, SelectionSettings())
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


def _selection_settings(options: argparse.Namespace, before: "SelectionSettings") -> "SelectionSettings":
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


def _spec_overrides(options: argparse.Namespace) -> dict[str, Any]:
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


def _hierarchy(options: argparse.Namespace) -> "Hierarchy":
    from fdcore.case.plan import open_hierarchy

    return open_hierarchy(options.hierarchy)


def _cache(options: argparse.Namespace) -> Path:
    if options.cache:
        return Path(options.cache)
    from fdcore.case.places import Places

    return Places.from_environment().cache


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
    _add_investigate(commands)
    command = _add(
        commands, "identify", _identify, "compare what a suspect's file may mean: normalisation, channels, size"
    )
    _add_suspect(command)
    command = _add(
        commands, "tensors", _tensors, "list the tensors of a file of weights, such as one that nothing fits"
    )
    command.add_argument("suspect", type=Path, help="the file, or a model's folder")
    command.add_argument("--allow-unscanned", action="store_true",
                         help="read a file although the scanners reached no conclusion")  # fmt: skip
    command = _add(commands, "select", _select, "weigh a case's answers again with other settings, without queries")
    command.add_argument("case", type=Path, help="the case's folder")
    _add_selection(command)
    command = _add(commands, "corpus", _corpus, "list what image folders contain, and their problems")
    command.add_argument("folders", nargs="+", metavar="DIR[@NODE]", help="image folders")
    command.add_argument("--quick", action="store_true", help="count files without decoding them")
    command = _add(commands, "tree", _tree, "find nodes of the hierarchy by word, with their ancestors and children")
    command.add_argument("words", nargs="+", metavar="WORD")
    command.add_argument("--limit", type=int, default=20, help="the most nodes to show (default 20)")
    command = _add(commands, "show", _show, "show a case's verdict")
    command.add_argument("case", type=Path, help="the case's folder")
    command = _add(commands, "report", _report, "write a case's whole report as PDF or HTML")
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends in .pdf or .html")
    command = _add(commands, "verdict", _verdict, "show what all classes together mean, and the weak points")
    command.add_argument("case", type=Path, help="the case's folder")
    _add_verify(commands)
    add_commands(commands, _add)
    add_custody(commands, _add)
    command = _add(commands, "demo", _demo, "build the demo case and investigate its suspect")
    command.add_argument("--out", type=Path, default=Path("cases/demo"), help="the case's folder (default cases/demo)")
    command.add_argument("--corpus", type=Path, default=Path("corpora/demo"),
                         help="where its pictures are drawn (default corpora/demo)")  # fmt: skip
    return parser


def _add_verify(commands: Any) -> None:
    command = _add(commands, "verify", _verify, "compare what the classes are claimed to be with what was found")
    command.add_argument("case", type=Path, help="the case's folder")
    group = command.add_mutually_exclusive_group()
    group.add_argument("--claims", type=Path, metavar="FILE", help="CSV file with class,name, or names in class order")
    group.add_argument(
        "--claim", action="append", metavar="CLASS=NAME", help="the claim for one class; may be repeated"
    )
    group.add_argument("--label-set", metavar="KEY", help="a known label set, such as cifar10, as claims")
    group.add_argument("--from-suspect", action="store_true", help="the class names in the suspect's own file")
    command.add_argument("--vectors", metavar="FILE|NAME", help="a file of word2vec, GloVe or fastText vectors, a name "
                         "in gensim's collection, or builtin (default: the case's choice, else builtin)")  # fmt: skip


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


def _add_investigate(commands: Any) -> None:
    command = _add(commands, "investigate", _investigate, "find what each class of a suspect stands for")
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
    _add_selection(command)
    _add_suspect(command)


def _add_suspect(command: argparse.ArgumentParser) -> None:
    command.add_argument("suspect", type=Path, help="the suspect's file, or a case whose recorded answers to replay")
    command.add_argument("--corpus", action="append", required=True, metavar="DIR[@NODE]",
                         help="image folder, below NODE if it has no hierarchy; may be repeated")  # fmt: skip
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


def _add_selection(command: argparse.ArgumentParser) -> None:
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
