"""The command `fdcore verify`: claims, where they come from, and the word vectors that compare them with findings."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.case import layout
from fdcore.cli import arguments, printing
from fdcore.cli.clone import AddCommand
from fdcore.errors import SettingsError

if TYPE_CHECKING:
    from fdcore.words.claims import Claims


def add_verify(commands: Any, add: AddCommand) -> None:
    """Add the command by way of `add`, which gives it the options that all commands share."""
    command = add(commands, "verify", _verify, "compare what the classes are claimed to be with what was found")
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
    rows = check_words(options.case, vectors, cache=arguments.cache(options), progress=progress).rows
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

    return download_vectors(options.vectors, arguments.cache(options) / "downloads", progress)
