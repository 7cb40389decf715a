"""The README of a bundle, for the other side's expert: what each file is, how to check and replay, what is missing."""

from collections import Counter
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fdcore.case import layout, verify
from fdcore.case.case import Case
from fdcore.case.verify import CASE, Checked
from fdcore.disclosure.statement import LeftOut

PICTURES = "pictures/"
_MADE = {
    "README.md": "this file",
    "report.html": "the report, with the test query and the log, as a page",
    "report.pdf": "the same report for printing",
    "settings.json": "what was investigated, with every setting, seed and plan; folders by their names alone",
    "pictures.csv": "every picture that was queried: leaf, name, SHA-256, number of answered views",
    "requirements.lock": "the versions of Python and of all packages, as `pip install -r` reads them",
    "case-uco.jsonld": "the suspect's file, the corpus and every logged action in CASE/UCO 1.5",
    verify.SCRIPT: "the program that checks this bundle; read it before you run it",
    verify.MANIFEST: "an in-toto statement: the SHA-256 of every file here, and what was left out",
    verify.ENVELOPE: "the signature of manifest.json, in a DSSE envelope",
    f"{verify.KEYS}/": "a public key; its name is its fingerprint",
}
OWN = {  # of the case; names that end in / are folders
    layout.AUDIT: "the log: a line for each thing that was done, chained and signed",
    layout.CORPUS: "the corpus' pictures in the order of the answers: leaf, name, SHA-256",
    layout.HIERARCHY: "the hierarchy: id, parents, names of each node",
    layout.PROBLEMS: "files of the corpus that were left out or converted, and why",
    layout.NAMES: "what leaves were called and placed below by hand",
    layout.GENERATED: "which pictures were generated: of what node, by which prompt, seed and command",
    layout.NEAR_TAU: "leaves that adaptive asking found too near tau to tell",
    layout.TENSORS: "tensors of weights that no known network fits",
    layout.BESIDE: "class names in a file beside the suspect's",
    layout.TEST_QUERY: "the test query and its answers",
    f"{layout.LEDGER}/": "the suspect's answers",
    f"{layout.ASKED}/": "its answers to pictures outside the corpus, such as test queries",
    f"{layout.READING_LEDGERS}/": "its answers, or the results, of comparing readings of its file",
    f"{layout.TIMESTAMPS}/": "the reply of a time-stamping authority (RFC 3161) about an entry of the log",
    layout.CHOICES: "answers that the analyst locked by hand",
    layout.CLAIMS: "what the classes are claimed to be",
    layout.NOTES: "the analysts' tags and comments",
    layout.SCORES_CSV: "functional scores of classes and leaves, with 95 % intervals",
    layout.SCORES_JSON: "the same with the settings",
    layout.SCORES_PARQUET: "the same, every row",
    layout.SELECTION_CSV: "what was found for each class",
    layout.SELECTION: "the same with every cluster that was weighed",
    layout.IMAGES_CSV: "the selection's pictures, kept or dropped",
    layout.VERDICT: "what all classes together mean",
    layout.REPORT: "the report as the case holds it",
    layout.WORDS: "claims against findings",
    layout.WORD_VECTORS: "the word vectors that were used for it, of the words that occur",
    layout.SIMILARITY_CSV: "claims against findings, as a table",
    layout.LABEL_SETS_CSV: "known label sets against findings",
    layout.VIEWS: "settings that an analyst saved under a name",
    layout.GAPS: "training splits compared with test splits",
    layout.VALIDATION: "how the installation did with reference suspects",
    layout.VERSIONS: "the software that the suspect was queried with, and that weighed its answers",
    f"{layout.EVIDENCE}/": "the suspect's file as it came",
    "test_query/": "a picture that the suspect was tested with",
}
_LEDGER = {
    "answers": "an array (pictures, views) of class numbers, -1 where not asked",
    "image_ids": "the first eight bytes of each picture's SHA-256, as numbers",
    "sent": "the number of queries ever sent",
    "ledger.json": "which suspect, pictures, seed and views they belong to",
    "lock": "empty",
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
        files=[(name, what(name)) for name in names if not name.startswith(PICTURES)], left_out=left_out,
        checked=checked, reasons=Counter(one.reason for one in left_out), with_folders=with_folders,
        keys=[name for name in names if name.startswith(f"{verify.KEYS}/")], signed=verify.ENVELOPE in names,
        n_pictures=sum(name.startswith(PICTURES) for name in names), corpus=facts.corpus,
    )  # fmt: skip


def what(name: str) -> str:
    """What a file of a bundle is."""
    own = name.removeprefix(f"{CASE}/")
    known = _MADE if own == name else OWN
    found = known.get(own) or next(text for place, text in known.items() if place[-1] == "/" and own.startswith(place))
    own = own.rpartition("ledger/")[2]
    return f"{found}: {part}" if (part := next((_LEDGER[one] for one in _LEDGER if own.startswith(one)), "")) else found


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("fdcore.disclosure"), undefined=StrictUndefined, trim_blocks=True,
                              autoescape=False)  # noqa: S701  # Markdown, which is read as text  # fmt: skip
    return environment.get_template("readme.txt")
