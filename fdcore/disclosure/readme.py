"""The README of a bundle, for the other side's expert: what each file is, how to check and replay, what is missing."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fdcore.case import layout, verify
from fdcore.case.case import Case
from fdcore.case.verify import CASE, Checked
from fdcore.disclosure.statement import LeftOut
from fdcore.verdict.reach import counted

PICTURES = "pictures/"
_MADE = {
    "README.md": "this file",
    "report.html": "the report for a browser: findings, sources of error, test query, audit log",
    "report.pdf": "the report for printing",
    "settings.json": "the case's settings: suspect, corpus, options and seeds; folders are given by name only",
    "pictures.csv": "one row for each picture that was queried: leaf, file name, SHA-256, number of answered views",
    "requirements.lock": "the Python packages and their versions; `pip install -r` installs them",
    "case-uco.jsonld": "the suspect's file, the corpus and every log entry in the exchange format CASE/UCO 1.5",
    verify.SCRIPT: "the program that checks this bundle; read it before you run it",
    verify.MANIFEST: "the SHA-256 of every file in this bundle and of every file left out (an in-toto statement)",
    verify.ENVELOPE: "the signature of manifest.json (a DSSE envelope)",
    f"{verify.KEYS}/": "a public key; the name of the file is the key's fingerprint",
}
OWN = {  # of the case; names that end in / are folders
    layout.AUDIT: "the audit log: one line for each action, with the hash of the line before and of each file written",
    layout.CORPUS: "one row for each picture of the corpus, in the order of `case/ledger/`: leaf, file name, SHA-256",
    layout.HIERARCHY: "the hierarchy: one row for each node, with its id, parents and names",
    layout.PROBLEMS: "files of the corpus that were left out or converted, with the reason",
    layout.NAMES: "names and places that the analyst gave to leaves",
    layout.GENERATED: "which pictures were generated: of which node, with which prompt, seed and command",
    layout.NEAR_TAU: "leaves whose score could not be told to be above or below tau when queries were saved",
    layout.TENSORS: "the tensors of the suspect's file, listed because no known network fits them",
    layout.BESIDE: "class names from a file that came with the suspect's",
    layout.TEST_QUERY: "the test query before scoring: its pictures and the class answered for each",
    f"{layout.LEDGER}/": "answers to the pictures of the corpus",
    f"{layout.ASKED}/": "answers to pictures outside the corpus, such as those of the test query",
    f"{layout.READING_LEDGERS}/": "comparison of possible readings of the suspect's file, such as normalisations",
    f"{layout.TIMESTAMPS}/": "the reply of a time-stamping authority (RFC 3161) about one entry of the log",
    layout.CHOICES: "answers that the analyst chose by hand, with the reason",
    layout.CLAIMS: "what the classes are claimed to be",
    layout.NOTES: "the analysts' tags and comments",
    layout.SCORES_CSV: "the score of each leaf for each class, with its 95 % interval; may leave out scores of 0",
    layout.SCORES_JSON: "scores.csv with the settings, as JSON",
    layout.SCORES_PARQUET: "the score of every leaf for every class",
    layout.SELECTION_CSV: "the finding: one row for each class",
    layout.SELECTION: "the finding with every group of leaves that was weighed, as JSON",
    layout.IMAGES_CSV: "one row for each picture of a finding, kept or dropped",
    layout.VERDICT: "what all classes together mean, with the weak points, as JSON",
    layout.REPORT: "the report as the case holds it, without the log",
    layout.WORDS: "claims compared with the finding, as JSON",
    layout.WORD_VECTORS: "the word vectors that claims were compared by, of the words that occur",
    layout.SIMILARITY_CSV: "claims compared with the finding: one row for each class",
    layout.LABEL_SETS_CSV: "known label sets compared with the finding: one row for each set",
    layout.VIEWS: "settings that an analyst saved under a name",
    layout.GAPS: "training splits of data sets compared with their test splits",
    layout.VALIDATION: "how this installation did with reference suspects",
    layout.VERSIONS: "software versions, once when the suspect was queried and once when its answers were weighed",
    f"{layout.EVIDENCE}/": "the suspect's file as it was received",
    "test_query/": "a picture of the test query",
}
_LEDGERS = {  # rows of the table of files
    f"{layout.LEDGER}/": "the answers to the pictures of the corpus",
    f"{layout.ASKED}/*/ledger/": "answers to other pictures: the test query, splits of a data set, clones",
    f"{layout.READING_LEDGERS}/*/ledger/": "the answers under each reading of the suspect's file that was compared",
}


def text(
    case: Case, names: Sequence[str], left_out: Sequence[LeftOut], checked: Checked, with_folders: Sequence[int]
) -> str:
    """The README.

    Args:
        case: the case.
        names: of every file of the bundle.
        left_out: what the bundle does not hold.
        checked: what the check of the case found.
        with_folders: numbers of log entries that name folders of the machine where the case was made.
    """
    facts = case.facts()
    return _template().render(
        title=facts.title or case.folder.resolve().name, evidence=facts.evidence, description=facts.description,
        made=[(name, what(name)) for name in names if not name.startswith((PICTURES, f"{CASE}/"))],
        own=[(row, what(row)) for row in dict.fromkeys(map(_row, names)) if row.startswith(f"{CASE}/")],
        left_out=left_out,
        checked=checked, reasons=Counter(one.reason for one in left_out), with_folders=with_folders,
        keys=[name for name in names if name.startswith(f"{verify.KEYS}/")], signed=verify.ENVELOPE in names,
        n_pictures=sum(name.startswith(PICTURES) for name in names), corpus=facts.corpus,
    )  # fmt: skip


def what(row: str) -> str:
    """What a file of a bundle is, or a row that stands for the files of several ledgers."""
    own = row.removeprefix(f"{CASE}/")
    known = _MADE if own == row else OWN | _LEDGERS
    return known.get(own) or next(text for place, text in known.items() if place[-1] == "/" and own.startswith(place))


def _row(name: str) -> str:
    """The row of a file: its own, or one for all ledgers of a kind."""
    place, ledger, _ = name.partition("ledger/")
    return f"{re.sub('/[^/]+/$', '/*/', place)}{ledger}" if ledger else name


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("fdcore.disclosure"), undefined=StrictUndefined, trim_blocks=True,
                              autoescape=False)  # noqa: S701  # Markdown, which is read as text  # fmt: skip
    environment.globals["counted"] = counted
    return environment.get_template("readme.txt")
