"""Every cache of the dashboard, each bounded and keyed by a digest of the files it depends on. Users do not change
what they get."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import streamlit as st

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.casebook import Casebook, CaseCard
from fdcore.case.clones import damaged_runs, left_out, read_comparison, read_evaluation_sets, read_runs
from fdcore.case.conclusions import judge, kept_chance, load_scored, pixels_of, read_choices
from fdcore.case.conclusions import overview as draw_overview
from fdcore.case.custody import check_case
from fdcore.case.intake import Surveyed, read_survey
from fdcore.case.places import folder_choices, table_choices
from fdcore.case.plan import open_hierarchy
from fdcore.case.verify import Checked
from fdcore.errors import CaseError
from fdcore.method.findings import ClassFinding, Findings, weigh, weigh_class
from fdcore.method.neighbourhood import Neighbourhood, all_candidates, neighbourhood
from fdcore.method.removal import Rest
from fdcore.method.selection import SelectionSettings, candidate_leaves
from fdcore.method.sets import SetScores, compare_sets
from fdcore.method.stability import StabilityMap, map_stability
from fdcore.verdict import Overview, Verdict, second_look
from fdcore.words.claims import Claims
from fdcore.words.comparison import Comparison, compare
from fdcore.words.vectors import WordVectors
from fdcore.work import clones
from fdcore.work.compare_words import case_vectors
from fdcore.work.conclude import WRITTEN, agrees_with_files, draw_report
from fdcore.work.sections import record_for_report

if TYPE_CHECKING:
    import pandas as pd

    from ui.survey_tables import Sample

P = ParamSpec("P")
T = TypeVar("T")

SCORED = (layout.LEDGER_HEADER, layout.ASKING_LOCK, layout.CORPUS, layout.HIERARCHY)
WEIGHED = (*SCORED, layout.CHOICES)
LOGGED = (  # what a report holds besides the findings
    layout.FACTS, layout.AUDIT, layout.TEST_QUERY, layout.CLAIMS, layout.WORDS, layout.WORD_VECTORS, layout.NOTES,
    layout.READINGS,
)  # fmt: skip
SURVEY = (layout.SURVEY, layout.SURVEY_NODES, layout.SURVEY_HIERARCHY)
CLONES = "cloning/runs/*/run.json"
CARD = (*SCORED, layout.FACTS, layout.SELECTION, layout.VERDICT, layout.WORDS, layout.SURVEY, CLONES)
TESTED = (
    *SCORED, layout.FACTS, layout.CLAIMS, layout.SELECTION, CLONES, "cloning/runs/*/answers/*",
    "cloning/runs/*/transfer.parquet", "cloning/asked/*/*", "cloning/asked/*/ledger/*",
)  # fmt: skip
LISTED_S = 20.0  # how long a list of files is kept


class Cached(Generic[P, T]):
    """A function whose results are kept as long as its arguments and the files it reads stay the same."""

    def __init__(
        self, function: Callable[P, T], files: Sequence[str], entries: int, spinner: str | bool, ttl: float | None
    ) -> None:
        def compute(key: str, _call: Callable[[], T]) -> T:
            return _call()

        # Streamlit tells caches apart by the names of their functions, and by their source, which all of these share.
        compute.__module__, compute.__qualname__ = function.__module__, function.__qualname__
        self._function, self._files = function, files
        self._kept: Any = st.cache_resource(max_entries=entries, show_spinner=spinner, ttl=ttl)(compute)
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self._kept(self._key(*args, **kwargs), lambda: self._function(*args, **kwargs))
        return result

    def forget(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Drop the one result of these arguments."""
        self._kept.clear(self._key(*args, **kwargs))

    def _key(self, *args: object, **kwargs: object) -> str:
        return repr(([self._digest(value) for value in args], {k: self._digest(v) for k, v in kwargs.items()}))

    def _digest(self, value: object) -> str:
        """What a result depends on in an argument; nothing for a callable, which only makes the result."""
        if isinstance(value, Case):
            return value.revision(*(name for pattern in self._files for name in _named(value, pattern)))
        if isinstance(value, Path) and value.is_file():
            return Case(value.parent).revision(value.name)
        if isinstance(value, WordVectors):
            return f"{value.sha256} {len(value)}"
        return "" if callable(value) else repr(value)


def cached(
    *files: str, entries: int, spinner: str | bool = False, ttl: float | None = None
) -> Callable[[Callable[P, T]], Cached[P, T]]:
    """Keep a function's results, at most `entries` of them.

    Args:
        files: names or patterns of the files that the function reads below each given case's folder.
        spinner: shown while a result is made.
        ttl: seconds after which a result is made again even if the files did not change.
    """
    return lambda function: Cached(function, files, entries, spinner, ttl)


def _named(case: Case, pattern: str) -> Sequence[str]:
    if "*" not in pattern:
        return (pattern,)
    return sorted(path.relative_to(case.folder).as_posix() for path in case.folder.glob(pattern))


# The engine's own functions, kept

scored = cached(*SCORED, entries=6, spinner="Reading the case's answers")(load_scored)
survey = cached(*SURVEY, entries=4)(read_survey)
hierarchy = cached(entries=2)(open_hierarchy)
folders = cached(entries=8, ttl=LISTED_S)(folder_choices)
tables = cached(entries=8, ttl=LISTED_S)(table_choices)
clone_runs = cached(CLONES, entries=16)(read_runs)
damaged_clones = cached(CLONES, entries=16)(damaged_runs)
clone_sets = cached(*TESTED, entries=16)(read_evaluation_sets)
clone_comparison = cached(*TESTED, entries=16, spinner="Comparing the clones")(read_comparison)
clone_left_out = cached(*TESTED, entries=16)(left_out)
clone_cost = cached(*WEIGHED, "case.json", entries=64, spinner="Drawing the transfer sets")(clones.clone_cost)

# Answers and findings


@cached(*SCORED, entries=6)
def sets(case: Case) -> tuple[SetScores, ...]:
    """How the suspect answers each set of the corpus."""
    return compare_sets(scored(case))


@cached(*WEIGHED, entries=48)
def findings(case: Case, settings: SelectionSettings) -> Findings:
    """The case's findings with these settings and the analyst's choices."""
    return weigh(scored(case), settings, read_choices(case))


@cached(*WEIGHED, entries=512)
def class_finding(case: Case, settings: SelectionSettings, target_class: int) -> ClassFinding:
    """The finding of one class, without weighing the others."""
    return weigh_class(scored(case), settings, target_class, read_choices(case))


@cached(*WEIGHED, layout.FACTS, entries=48)
def verdict(case: Case, settings: SelectionSettings) -> Verdict:
    """The overall verdict, with the built-in word vectors for known label sets."""
    return judge(findings(case, settings), case.facts())


@cached(*WEIGHED, layout.FACTS, entries=48)
def groups_left(case: Case, settings: SelectionSettings) -> dict[int, Rest]:
    """What classes answer in a second domain, by class; empty where there is none, or no answer has a meaning."""
    if verdict(case, settings).outcome == "meaningless":
        return {}
    chance = kept_chance(scored(case), case.facts())
    return second_look.groups_left(findings(case, settings), chance.rest if chance else None)


@cached(*WEIGHED, layout.FACTS, entries=48)
def overview(case: Case, settings: SelectionSettings) -> Overview:
    """The verdict in one picture."""
    return draw_overview(findings(case, settings), verdict(case, settings), case.facts())


@cached(*WEIGHED, *WRITTEN, layout.FACTS, entries=64)
def saved_as_found(case: Case, settings: SelectionSettings) -> bool:
    """Whether the conclusions in the case's files match its answers and choices."""
    return agrees_with_files(case, findings(case, settings))


def stability(case: Case, settings: SelectionSettings, target_class: int) -> StabilityMap:
    """How one class's answer changes with eta and alpha; the settings' own eta and alpha do not matter."""
    return _stability(case, replace(settings, eta=0.0, alpha=1.0), target_class)


@cached(*SCORED, entries=256)
def _stability(case: Case, settings: SelectionSettings, target_class: int) -> StabilityMap:
    known = scored(case)
    leaves = candidate_leaves(known.scores, settings, (target_class,))
    return map_stability(known.scores, leaves, known.distances(leaves), settings, target_class)


@cached(*WEIGHED, entries=64)
def candidates_of(case: Case, settings: SelectionSettings, target_class: int, *, by_cluster: bool) -> Neighbourhood:
    """The distances among one class's candidates."""
    known, found = scored(case), class_finding(case, settings, target_class)
    return neighbourhood(found.selection, known.scores, known.hierarchy, known.distances, by_cluster=by_cluster)


@cached(*WEIGHED, entries=8, spinner="Comparing the candidates of all classes")
def candidates_of_all(case: Case, settings: SelectionSettings, limit: int) -> tuple[Neighbourhood, int]:
    """The distances among the candidates of all classes, at most `limit` of them, and how many there are."""
    known, selections = scored(case), [one.selection for one in findings(case, settings).classes]
    return all_candidates(selections, known.scores, known.hierarchy, known.distances, limit=limit)


@cached("**/*", entries=16, spinner="Checking every file of the case")
def checked(case: Case) -> Checked:
    """The check of the whole case: log, signatures, files."""
    return check_case(case)


@cached(*WEIGHED, *LOGGED, entries=6, spinner="Drawing the report")
def report(case: Case, settings: SelectionSettings, cache: Path | None, *, pictures: bool = True) -> bytes:
    """The report on the case's findings, with its test query and audit log, as HTML."""
    pixels, found = pixels_of(case, cache) if pictures else None, findings(case, settings)
    return draw_report(case, found, pixels, record_for_report(case, found)).encode()


def made(case: Case, what: str, make: Callable[[], T]) -> T:
    """Figures or pictures of the case's answers, choices or words; `what` names everything else they depend on."""
    result: T = _made(case, what, make)
    return result


@cached(*WEIGHED, layout.WORDS, entries=256)
def _made(case: Case, what: str, make: Callable[[], Any]) -> Any:
    return make()


# Words


def word_vectors(case: Case, source: Path | None, cache: Path) -> WordVectors:
    """Open word vectors; only for a converted file, else it takes minutes (see `opens_at_once`)."""
    return _word_vectors(source, cache, lambda: case_vectors(case, source, cache))


@cached(entries=6, spinner="Opening the word vectors")
def _word_vectors(source: Path | None, cache: Path, read: Callable[[], WordVectors]) -> WordVectors:
    return read()


@cached(*WEIGHED, layout.WORD_VECTORS, entries=32, spinner="Comparing words")
def comparison(case: Case, settings: SelectionSettings, claims: Claims, vectors: WordVectors) -> Comparison:
    """Claims and known label sets against the findings."""
    return compare(findings(case, settings), claims, vectors)


@cached(layout.WORDS, entries=8)
def word_check(case: Case) -> dict[str, Any] | None:
    """The last comparison of words in the case, with its maps; None if there was none. A `CaseError` if damaged."""
    return case.read_json(layout.WORDS) if case.has(layout.WORDS) else None


# Cases, their corpora, their clones


def card(book: Casebook, case_id: str) -> CaseCard:
    """One case at a glance. One with a problem is read again every time: the problem may be gone."""
    case = Case(book.root / case_id)
    found = _card(case)
    if found.problem:
        _card.forget(case)
    return found


@cached(*CARD, entries=20_000)  # more than a folder may hold, else each visit reads all
def _card(case: Case) -> CaseCard:
    return Casebook(case.folder.parent).card(case.folder.name)


def cards(book: Casebook) -> list[CaseCard]:
    """Every case at a glance, the most recently changed first."""
    return sorted((card(book, case_id) for case_id in book.ids()), key=lambda card: -card.changed)


def case_strip(book: Casebook, card: CaseCard, cache: Path | None) -> str:
    """A case in a strip of pictures (see `ui.strip`); grey where the case cannot be read."""
    return _strip(Case(book.root / card.id), cache)


@cached(layout.FACTS, layout.IMAGES_CSV, layout.CORPUS, entries=2_000)
def _strip(case: Case, cache: Path | None) -> str:
    from ui.strip import draw_strip

    return draw_strip(case, cache)


@cached(*SURVEY, entries=4)
def corpus_leaves(case: Case) -> "pd.DataFrame":
    """The leaves of the case's corpora; see `survey_tables.leaf_table`. Only after a survey."""
    from ui.survey_tables import leaf_table

    return leaf_table(_surveyed(case))


@cached(*SURVEY, entries=8, spinner="Reading sample pictures", ttl=300)
def leaf_strips(case: Case, roots: tuple[Path, ...], leaves: tuple[str, ...]) -> dict[str, str]:
    """A few pictures of each of some leaves, side by side; see `survey_tables.leaf_strips`. Only after a survey."""
    from ui.survey_tables import leaf_strips as draw_strips

    return draw_strips(_surveyed(case), roots, leaves)


@cached(layout.SURVEY_PROBLEMS, entries=4)
def corpus_problems(case: Case) -> "pd.DataFrame":
    """Problems with the corpora's files; see `survey_tables.problem_table`. Only after a survey."""
    from ui.survey_tables import problem_table

    return problem_table(case)


@cached(*SURVEY, entries=64, spinner="Reading sample pictures", ttl=300)
def corpus_samples(case: Case, roots: tuple[Path, ...], node: str | None) -> "list[Sample]":
    """A few pictures at or below a node; see `survey_tables.read_samples`. Only after a survey."""
    from ui.survey_tables import read_samples

    return read_samples(_surveyed(case), roots, node)


def _surveyed(case: Case) -> Surveyed:
    if (known := survey(case)) is None:
        raise CaseError("This case's corpus has not been read yet.", key="corpus not read")
    return known
