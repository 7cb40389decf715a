"""Every cache of the dashboard, each bounded and keyed by a digest of the files it was read from. Nothing here is
changed by its users."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from fdcore.case.case import Case
from fdcore.case.casebook import Casebook, CaseCard, clone_records
from fdcore.case.claims import FILE as CLAIMS_FILE
from fdcore.case.conclusions import judge, load_scored, pixels_of, read_choices
from fdcore.case.intake import Surveyed, read_survey, read_test_query
from fdcore.case.layout import KEPT_FILE, WORDS_FILE
from fdcore.case.places import folder_choices, table_choices
from fdcore.case.plan import open_hierarchy
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError
from fdcore.method.findings import ClassFinding, Findings, Scored, weigh, weigh_class
from fdcore.method.neighbourhood import Neighbourhood, all_candidates, neighbourhood
from fdcore.method.selection import SelectionSettings, candidate_leaves
from fdcore.method.stability import StabilityMap, map_stability
from fdcore.report.audit import read_trail
from fdcore.report.sections import Record
from fdcore.suspect.formats import identify
from fdcore.verdict import Verdict
from fdcore.words.claims import Claims
from fdcore.words.comparison import Comparison, compare
from fdcore.words.vectors import WordVectors
from fdcore.work.compare_words import case_vectors
from fdcore.work.conclude import WRITTEN, agrees_with_files, draw_report

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from fdcore.case.clones import EvaluationSetFacts
    from fdcore.cloning.comparison import Comparison as CloneComparison
    from fdcore.cloning.run import CloneRun
    from fdcore.cloning.settings import CloneRequest
    from fdcore.work.clones import CloneCost
    from ui.survey_tables import Sample

SCORED = ("ledger/ledger.json", ".asking.lock", "corpus.parquet", "hierarchy.parquet")
CHOICES = ("choices.json",)
LOGGED = (
    "case.json",
    "audit.jsonl",
    "test_query.json",
    CLAIMS_FILE,
    WORDS_FILE,
    KEPT_FILE,
)  # what a report tells beside the findings
SURVEY = ("survey/survey.json", "survey/nodes.parquet", "survey/hierarchy.parquet")
LISTED_S = 20.0  # for how long a list of files is taken to be right
CARD = (*SCORED, "case.json", "selection.json", "verdict.json", WORDS_FILE, "survey/survey.json")


def scored(case: Case) -> Scored:
    """What the case's conclusions rest on."""
    return _scored(case.revision(*SCORED), case.folder)


def findings(case: Case, settings: SelectionSettings) -> Findings:
    """The case's findings with these settings and the analyst's choices."""
    return _findings(f"{case.revision(*SCORED, *CHOICES)} {settings!r}", case.folder, settings)


def class_finding(case: Case, settings: SelectionSettings, target_class: int) -> ClassFinding:
    """What `findings` says of one class, at the price of one class."""
    revision = case.revision(*SCORED, *CHOICES)
    return _class_finding(f"{revision} {settings!r} {target_class}", case.folder, settings, target_class)


def verdict(case: Case, settings: SelectionSettings) -> Verdict:
    """What all classes together say, with the built-in word vectors for known label sets."""
    key = f"{case.revision(*SCORED, *CHOICES, 'case.json')} {settings!r}"
    return _verdict(key, case.folder, settings)


def word_vectors(case: Case, source: Path | None, cache: Path) -> WordVectors:
    """Word vectors, opened: only for a file that was converted before, else it takes minutes; see `is_converted`."""
    revision = Case(source.parent).revision(source.name) if source else ""
    return _word_vectors(f"{revision} {source} {cache}", case.folder, source, cache)


def comparison(case: Case, settings: SelectionSettings, claims: Claims, vectors: WordVectors) -> Comparison:
    """Claims and known label sets against the findings."""
    told = sha256(repr((sorted(claims.names.items()), vectors.sha256, len(vectors))).encode()).hexdigest()
    key = f"{case.revision(*SCORED, *CHOICES, KEPT_FILE)} {settings!r} {told}"
    return _comparison(key, case.folder, settings, claims, vectors)


def word_check(case: Case) -> "dict[str, Any] | None":
    """What the last comparison of words left in the case, maps included; None where there was none. Not to be changed.

    Raises:
        CaseError: it is damaged.
    """
    return _word_check(case.revision(WORDS_FILE), case.folder)


def stability(case: Case, settings: SelectionSettings, target_class: int) -> StabilityMap:
    """How one class's answer changes along eta and alpha; those of the settings do not matter."""
    anywhere = replace(settings, eta=0.0, alpha=1.0)
    return _stability(f"{case.revision(*SCORED)} {anywhere!r} {target_class}", case.folder, anywhere, target_class)


def thumbnails(case: Case, cache: Path | None, images: Sequence[int], size: int = 96) -> list[bytes]:
    """Some of the case's pictures as small JPEG files, in this order; none where the cache has lost them."""
    wanted = tuple(int(image) for image in images)
    return _thumbnails(f"{case.revision(*SCORED)} {cache} {wanted} {size}", case.folder, cache, wanted, size)


def corpus_leaves(case: Case) -> "pd.DataFrame":
    """The leaves that the case's corpora hold; see `survey_tables.leaf_table`. Only after a survey."""
    return _corpus_leaves(case.revision(*SURVEY), case.folder)


def corpus_problems(case: Case) -> "pd.DataFrame":
    """What is odd about the corpora's files; see `survey_tables.problem_table`. Only after a survey."""
    return _corpus_problems(case.revision(*SURVEY, "survey/problems.csv"), case.folder)


def corpus_samples(case: Case, roots: tuple[Path, ...], node: str | None) -> "list[Sample]":
    """A few pictures at or below a node; see `survey_tables.read_samples`. Only after a survey."""
    return _corpus_samples(f"{case.revision(*SURVEY)} {roots} {node!r}", case.folder, roots, node)


def corpus_map(case: Case, node: str | None, draw: "Callable[[Surveyed, str], go.Figure]") -> "go.Figure":
    """A figure of the corpora's images at or below a node; `draw` takes the survey and a revision. After a survey."""
    revision = f"{case.revision(*SURVEY)} {node!r}"
    return _figure(f"map {revision}", lambda: draw(_surveyed(case.folder), revision))


def file_format(case: Case) -> str:
    """What kind of file the case's evidence is, in a sentence.

    Raises:
        SuspectError: it cannot be read.
    """
    name = Path(evidence.file if (evidence := case.facts().evidence) else "").name
    return _file_format(case.revision(f"evidence/{name}"), case.folder / "evidence" / name)


def survey(case: Case) -> Surveyed | None:
    """What the case's corpora hold, as they were read last; None before that."""
    return _survey(case.revision(*SURVEY), case.folder)


def pictures(case: Case, what: str, draw: "Callable[[], list[bytes]]") -> list[bytes]:
    """PNG files made of the case's answers; `what` says everything else that they depend on."""
    return _pictures(f"{case.revision(*SCORED)} {what}", draw)


def candidates_of(case: Case, settings: SelectionSettings, target_class: int, *, by_cluster: bool) -> Neighbourhood:
    """How one class's candidates lie to each other."""
    key = f"{case.revision(*SCORED, *CHOICES)} {settings!r} {target_class} {by_cluster}"
    return _candidates_of(key, case.folder, settings, target_class, by_cluster)


def candidates_of_all(case: Case, settings: SelectionSettings, limit: int) -> tuple[Neighbourhood, int]:
    """How the candidates of all classes lie to each other, at most `limit` of them, and how many there are."""
    key = f"{case.revision(*SCORED, *CHOICES)} {settings!r} {limit}"
    return _candidates_of_all(key, case.folder, settings, limit)


def report(case: Case, settings: SelectionSettings, cache: Path | None, *, pictures: bool = True) -> bytes:
    """The report on the case's findings, with its test query and audit log."""
    key = f"{case.revision(*SCORED, *CHOICES, *LOGGED)} {settings!r} {cache} {pictures}"
    return _report(key, case.folder, settings, cache if pictures else None)


def saved_as_found(case: Case, settings: SelectionSettings) -> bool:
    """Whether the conclusions that the case's files hold are those that its answers and choices give."""
    key = f"{case.revision(*SCORED, *CHOICES, *WRITTEN, 'case.json')} {settings!r}"
    return _saved_as_found(key, case.folder, settings)


def figure(case: Case, what: str, make: "Callable[[], go.Figure]") -> "go.Figure":
    """A figure of the case's answers; `what` says everything else that it depends on."""
    return _figure(f"{case.revision(*SCORED)} {what}", make)


def drawing(case: Case, what: str, make: "Callable[[], dict[str, Any]]") -> "dict[str, Any]":
    """A drawing of the case's answers for a component of ours; `what` says everything else that it depends on."""
    return _drawing(f"{case.revision(*SCORED)} {what}", make)


def card(book: Casebook, case_id: str) -> CaseCard:
    """One case at a glance. One with a problem is read anew each time: what was wrong may be gone by then."""
    case = Case(book.root / case_id)
    revision = case.revision(*CARD, *clone_records(case))
    found = _card(revision, book.root, case_id)
    if found.problem:
        _card.clear(revision, book.root, case_id)
    return found


def cards(book: Casebook) -> list[CaseCard]:
    """Every case at a glance, the last changed first."""
    return sorted((card(book, case_id) for case_id in book.ids()), key=lambda card: -card.changed)


def hierarchy(path: str | None) -> Hierarchy:
    """The hierarchy of a plan: WordNet, or a file."""
    file = Path(path) if path else None
    return _hierarchy(Case(file.parent).revision(file.name) if file else "", path)


@st.cache_resource(max_entries=2, show_spinner=False)
def _hierarchy(revision: str, path: str | None) -> Hierarchy:
    return open_hierarchy(path)


@st.cache_resource(max_entries=6, show_spinner="Reading the case's answers")
def _scored(revision: str, _folder: Path) -> Scored:
    return load_scored(Case(_folder))


@st.cache_resource(max_entries=48, show_spinner=False)
def _findings(revision: str, _folder: Path, _settings: SelectionSettings) -> Findings:
    case = Case(_folder)
    return weigh(scored(case), _settings, read_choices(case))


@st.cache_resource(max_entries=512, show_spinner=False)
def _class_finding(revision: str, _folder: Path, _settings: SelectionSettings, _target_class: int) -> ClassFinding:
    case = Case(_folder)
    return weigh_class(scored(case), _settings, _target_class, read_choices(case))


@st.cache_resource(max_entries=48, show_spinner=False)
def _verdict(revision: str, _folder: Path, _settings: SelectionSettings) -> Verdict:
    case = Case(_folder)
    return judge(findings(case, _settings), case.facts())


@st.cache_resource(max_entries=6, show_spinner="Opening the word vectors")
def _word_vectors(what: str, _folder: Path, _source: Path | None, _cache: Path) -> WordVectors:
    return case_vectors(Case(_folder), _source, _cache)


@st.cache_resource(max_entries=32, show_spinner="Comparing words")
def _comparison(
    what: str, _folder: Path, _settings: SelectionSettings, _claims: Claims, _vectors: WordVectors
) -> Comparison:
    return compare(findings(Case(_folder), _settings), _claims, _vectors)


@st.cache_resource(max_entries=8, show_spinner=False)
def _word_check(revision: str, _folder: Path) -> "dict[str, Any] | None":
    case = Case(_folder)
    return case.read_json(WORDS_FILE) if case.has(WORDS_FILE) else None


@st.cache_resource(max_entries=256, show_spinner=False)
def _stability(revision: str, _folder: Path, _settings: SelectionSettings, _target_class: int) -> StabilityMap:
    known = scored(Case(_folder))
    leaves = candidate_leaves(known.scores, _settings, (_target_class,))
    return map_stability(known.scores, leaves, known.distances(leaves), _settings, _target_class)


@st.cache_resource(max_entries=64, show_spinner=False)
def _thumbnails(revision: str, _folder: Path, _cache: Path | None, _images: tuple[int, ...], _size: int) -> list[bytes]:
    from PIL import Image

    pixels = pixels_of(Case(_folder), _cache)
    if pixels is None:
        return []
    files = []
    for number in _images:
        picture = Image.fromarray(pixels[number].squeeze()).convert("RGB")
        picture.thumbnail((_size, _size))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    return files


@st.cache_resource(max_entries=4, show_spinner=False)
def _survey(revision: str, _folder: Path) -> Surveyed | None:
    return read_survey(Case(_folder))


def _surveyed(folder: Path) -> Surveyed:
    known = survey(Case(folder))
    if known is None:
        raise CaseError("The corpus of this case was not read yet.")
    return known


@st.cache_resource(max_entries=4, show_spinner=False)
def _corpus_leaves(revision: str, _folder: Path) -> "pd.DataFrame":
    from ui.survey_tables import leaf_table

    return leaf_table(_surveyed(_folder))


@st.cache_resource(max_entries=4, show_spinner=False)
def _corpus_problems(revision: str, _folder: Path) -> "pd.DataFrame":
    from ui.survey_tables import problem_table

    return problem_table(Case(_folder))


@st.cache_resource(max_entries=64, ttl=300, show_spinner="Reading sample pictures")
def _corpus_samples(revision: str, _folder: Path, _roots: tuple[Path, ...], _node: str | None) -> "list[Sample]":
    from ui.survey_tables import read_samples

    return read_samples(_surveyed(_folder), _roots, _node)


@st.cache_resource(max_entries=8, ttl=LISTED_S, show_spinner=False)
def folders(roots: tuple[Path, ...]) -> list[str]:
    """Folders that may be chosen as corpora."""
    return folder_choices(roots)


@st.cache_resource(max_entries=8, ttl=LISTED_S, show_spinner=False)
def tables(roots: tuple[Path, ...]) -> list[str]:
    """Files that may be chosen as hierarchies."""
    return table_choices(roots)


@st.cache_resource(max_entries=32, show_spinner=False)
def _pictures(what: str, _draw: "Callable[[], list[bytes]]") -> list[bytes]:
    return _draw()


@st.cache_resource(max_entries=64, show_spinner=False)
def _candidates_of(
    revision: str, _folder: Path, _settings: SelectionSettings, _target_class: int, _by_cluster: bool
) -> Neighbourhood:
    known = scored(Case(_folder))
    found = class_finding(Case(_folder), _settings, _target_class)
    return neighbourhood(found.selection, known.scores, known.hierarchy, known.distances, by_cluster=_by_cluster)


@st.cache_resource(max_entries=8, show_spinner="Comparing the candidates of all classes")
def _candidates_of_all(
    revision: str, _folder: Path, _settings: SelectionSettings, _limit: int
) -> tuple[Neighbourhood, int]:
    found = findings(Case(_folder), _settings)
    selections, known = [one.selection for one in found.classes], found.scored
    return all_candidates(selections, known.scores, known.hierarchy, known.distances, limit=_limit)


@st.cache_resource(max_entries=6, show_spinner="Drawing the report")
def _report(revision: str, _folder: Path, _settings: SelectionSettings, _cache: Path | None) -> bytes:
    case = Case(_folder)
    tested = read_test_query(case)
    record = Record(
        title=case.facts().title,
        tested=tuple(zip(tested.names, tested.labels, strict=False)) if tested else (),
        trail=read_trail(case.audit()),
    )
    return draw_report(case, findings(case, _settings), pixels_of(case, _cache), record).encode()


@st.cache_resource(max_entries=64, show_spinner=False)
def _saved_as_found(revision: str, _folder: Path, _settings: SelectionSettings) -> bool:
    return agrees_with_files(Case(_folder), findings(Case(_folder), _settings))


@st.cache_resource(max_entries=128, show_spinner=False)
def _figure(what: str, _make: "Callable[[], go.Figure]") -> "go.Figure":
    return _make()


@st.cache_resource(max_entries=128, show_spinner=False)
def _drawing(what: str, _make: "Callable[[], dict[str, Any]]") -> "dict[str, Any]":
    return _make()


@st.cache_resource(max_entries=20_000, show_spinner=False)  # more than a folder may hold, else each look reads all
def _card(revision: str, _root: Path, case_id: str) -> CaseCard:
    return Casebook(_root).card(case_id)


@st.cache_resource(max_entries=100, show_spinner=False)
def _file_format(revision: str, _path: Path) -> str:
    return identify(_path).value


def clone_runs(case: Case) -> "tuple[tuple[CloneRun, ...], dict[str, str]]":
    """The case's clones, the oldest first, and why the record of others cannot be read, by their ids."""
    return _clone_runs(case.revision(*clone_records(case)), case.folder)


def clone_sets(case: Case) -> "tuple[EvaluationSetFacts, ...]":
    """The sets of pictures that clones of the case were tested on, the best first."""
    return _clone_sets(_tested(case), case.folder)


def clone_comparison(case: Case, key: str) -> "CloneComparison":
    """How the clones did that were tested on a set.

    Raises:
        CaseError: the set is unknown or damaged.
    """
    return _clone_comparison(f"{_tested(case)} {key!r}", case.folder, key)


def clone_left_out(case: Case, key: str) -> int:
    """How many pictures of a set are not compared on, because a clone was trained on them.

    Raises:
        CaseError: the set is unknown or damaged.
    """
    return _clone_left_out(f"{_tested(case)} {key!r}", case.folder, key)


def clone_cost(case: Case, request: "CloneRequest", cache: Path) -> "CloneCost":
    """What clones would be made of, and what that would send to the suspect.

    Raises:
        FdError: a source gives nothing to train from.
    """
    revision = case.revision(*SCORED, *CHOICES, "case.json", *_files(case, "cloning/asked/*/ledger/ledger.json"))
    return _clone_cost(f"{revision} {request!r}", case.folder, request, cache)


def _tested(case: Case) -> str:
    """A digest of everything that says how clones did."""
    answers = _files(case, "cloning/runs/*/answers/*", "cloning/runs/*/transfer.parquet")
    sets = _files(case, "cloning/asked/*/*", "cloning/asked/*/ledger/*")
    return case.revision(*SCORED, "case.json", CLAIMS_FILE, "selection.json", *clone_records(case), *answers, *sets)


def _files(case: Case, *patterns: str) -> list[str]:
    found = (path for pattern in patterns for path in case.folder.glob(pattern))
    return sorted(path.relative_to(case.folder).as_posix() for path in found)


@st.cache_resource(max_entries=16, show_spinner=False)
def _clone_runs(revision: str, _folder: Path) -> "tuple[tuple[CloneRun, ...], dict[str, str]]":
    from fdcore.case.clones import damaged_runs, read_runs

    case = Case(_folder)
    return read_runs(case), damaged_runs(case)


@st.cache_resource(max_entries=16, show_spinner=False)
def _clone_sets(revision: str, _folder: Path) -> "tuple[EvaluationSetFacts, ...]":
    from fdcore.case.clones import read_evaluation_sets

    return read_evaluation_sets(Case(_folder))


@st.cache_resource(max_entries=16, show_spinner="Comparing the clones")
def _clone_comparison(revision: str, _folder: Path, _key: str) -> "CloneComparison":
    from fdcore.case.clones import read_comparison

    return read_comparison(Case(_folder), _key)


@st.cache_resource(max_entries=16, show_spinner=False)
def _clone_left_out(revision: str, _folder: Path, _key: str) -> int:
    from fdcore.case.clones import left_out

    return left_out(Case(_folder), _key)


@st.cache_resource(max_entries=64, show_spinner="Drawing the transfer sets")
def _clone_cost(what: str, _folder: Path, _request: "CloneRequest", _cache: Path) -> "CloneCost":
    from fdcore.work.clones import clone_cost as cost_of

    return cost_of(Case(_folder), _request, cache=_cache)
