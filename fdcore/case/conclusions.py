"""The second half of an investigation: from the answers in a case to its findings, without querying the suspect.

`load_scored` reads a case, `weigh` draws the conclusions in memory, `judge` says what all of them mean;
`fdcore.work.conclude` writes them to the case.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fdcore import verdict
from fdcore.answers.ledger import Ledger
from fdcore.case import layout, tables
from fdcore.case.case import Case
from fdcore.case.records import CaseFacts, Compared
from fdcore.case.spending import n_sent
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.store import find_pixels
from fdcore.errors import CaseError
from fdcore.method.choices import Choice
from fdcore.method.findings import Findings, ImageTable, Scored, score, weigh
from fdcore.method.selection import SelectionSettings
from fdcore.records import from_plain, to_plain
from fdcore.suspect.suspect import Pictures
from fdcore.verdict import Chance, Overview, Verdict, overview_of
from fdcore.words.vectors import WordVectors


@dataclass(frozen=True)
class _Choices:
    """The content of choices.json."""

    choices: tuple[Choice, ...]

    def __post_init__(self) -> None:
        if len({choice.target_class for choice in self.choices}) < len(self.choices):
            raise ValueError("a class is locked twice")


def load_scored(case: Case) -> Scored:
    """Read the answers that a case's conclusions rest on.

    Raises:
        CaseError: there are no answers yet, or parts of the case do not belong together.
    """
    ledger = Ledger.open(case.path(layout.LEDGER))
    if not ledger.n_answered:
        raise CaseError(
            f"The case {case.folder} holds no answers yet: run the investigation again to continue it.",
            key="no answers yet",
        )
    images, hierarchy = _read_corpus(case)
    facts = case.facts()
    if facts.suspect is None or facts.suspect.fingerprint != ledger.header.suspect:
        raise CaseError(
            f"The answers in the case {case.folder} are not those of the suspect that it names.",
            key="answers of another suspect",
        )
    same = facts.corpus is not None and facts.corpus.fingerprint == ledger.header.corpus
    if not same or len(images.names) != ledger.header.n_images:
        raise CaseError(
            f"The case {case.folder} was stopped between two corpora: run the investigation again to finish it.",
            key="corpus half changed",
        )
    decided = facts.asking.decided if facts.asking else None
    saved = decided is not None and decided.finished
    return replace(score(ledger, images, hierarchy), n_sent=n_sent(case), saved=saved)


def judge(findings: Findings, facts: CaseFacts, vectors: WordVectors | None = None) -> Verdict:
    """What all classes together say about the suspect.

    Args:
        findings: the findings.
        facts: the content of case.json.
        vectors: for known label sets whose names are not in the hierarchy; None for the built-in ones.
    """
    return verdict.judge(
        findings,
        preprocessing_assumed=preprocessing_assumed(facts),
        open_reading=facts.open_reading,
        chance=kept_chance(findings.scored, facts),
        vectors=vectors,
    )


def overview(findings: Findings, verdict_on: Verdict, facts: CaseFacts) -> Overview:
    """The verdict in one picture, with every guess about the suspect that is not settled."""
    return overview_of(findings, verdict_on, facts.open_guesses)


def preprocessing_assumed(facts: CaseFacts) -> bool:
    """Whether the suspect's normalisation was guessed, or may have been."""
    return facts.suspect is None or not facts.suspect.reading_is_sure


def weigh_case(case: Case) -> Findings:
    """A case's answers weighed with its own settings and locked answers; nothing is written.

    Raises:
        CaseError: there are no answers yet, or the case is damaged.
    """
    return weigh(load_scored(case), selection_settings(case), read_choices(case))


def kept_chance(scored: Scored, facts: CaseFacts) -> Chance | None:
    """The comparison with untrained networks that a case keeps of these answers, if any."""
    return facts.chance if facts.chance and facts.chance.of == compared_answers(scored) else None


def compared_answers(scored: Scored) -> Compared:
    """What a comparison with untrained networks is about: the answers to the unchanged pictures."""
    header, n_answered = scored.header, int((scored.answers[:, 0] >= 0).sum())
    return Compared(header.suspect, header.corpus, n_answered)


# What the analyst decided


def selection_settings(case: Case) -> SelectionSettings:
    """The settings of the case's last analysis.

    Raises:
        CaseError: the case does not hold settings of this version.
    """
    return case.facts().selection or SelectionSettings()


def read_choices(case: Case) -> dict[int, Choice]:
    """The answers that the analyst locked by hand, by class.

    Raises:
        CaseError: they are damaged.
    """
    if not case.has(layout.CHOICES):
        return {}
    kept = from_plain(_Choices, case.read_json(layout.CHOICES), what=f"{case.path(layout.CHOICES)}")
    return {choice.target_class: choice for choice in kept.choices}


def lock_class(folder: Path, choice: Choice) -> None:
    """Lock one class's answer; the next analysis uses it.

    Raises:
        CaseError: the case is in use, or the choice names leaves or a class that it does not have.
    """
    case = Case.open(folder)
    with case.exclusively():
        choices = read_choices(case) | {choice.target_class: choice}
        weigh(load_scored(case), selection_settings(case), choices)
        _write_choices(case, choices)
        case.log("class locked", asdict(choice))


def unlock_class(folder: Path, target_class: int, *, by: str = "") -> None:
    """Let the method decide about a class again.

    Raises:
        CaseError: the case is in use.
    """
    case = Case.open(folder)
    with case.exclusively():
        choices = read_choices(case)
        if choices.pop(target_class, None):
            _write_choices(case, choices)
            case.log("class unlocked", {"target_class": target_class, "by": by})


def _write_choices(case: Case, choices: Mapping[int, Choice]) -> None:
    case.write_json(layout.CHOICES, to_plain(_Choices(tuple(choices[target] for target in sorted(choices)))))


# Files


def pixels_of(case: Case, cache: Path | None) -> Pictures | None:
    """The case's decoded images (n_images, height, width, channels); None where the cache no longer has them."""
    corpus = case.facts().corpus
    return find_pixels(cache, corpus.store, corpus.n_images) if cache and corpus else None


def _read_corpus(case: Case) -> tuple[ImageTable, Hierarchy]:
    try:
        images = tables.image_table_from_parquet(case.path(layout.CORPUS).read_bytes())
        return images, tables.hierarchy_from_parquet(case.path(layout.HIERARCHY).read_bytes())
    except FileNotFoundError as error:
        raise CaseError(
            f"The case {case.folder} has no corpus yet: run the investigation first.", key="no corpus yet"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CaseError(
            f"The corpus tables of the case {case.folder} are damaged ({error}). Run the investigation again.",
            key="corpus tables damaged",
        ) from error
