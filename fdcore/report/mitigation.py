"""Sources of error in a case, and what was done about each: the weak points of its verdict, and what is always there.

The kinds are those that digital forensics distinguishes (ASTM E3016): what is reported may not exist, belong to
something else, be incomplete, altered, misread or misunderstood.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fdcore.case.records import CaseFacts
from fdcore.method.grades import SCALE
from fdcore.method.known_rates import LEAVES
from fdcore.verdict import Verdict
from fdcore.verdict.reach import MAX_LISTED, NOT_COMPARED, counted, quoted
from fdcore.verdict.reasons import ErrorKind
from fdcore.verdict.weak_points import ASSUMED

KINDS: dict[ErrorKind, str] = {
    "alteration": "The evidence was altered",
    "misreading": "The evidence was misread",
    "existence": "An answer that should not be there",
    "association": "An answer that names the wrong thing",
    "incompleteness": "Something is missing",
    "misinterpretation": "The result is misunderstood",
}


class Mitigation(NamedTuple):
    """One source of error. Untrusted text: `shows` holds labels.

    Attributes:
        kind: of the error that it leads to.
        source: what may go wrong.
        shows: how it shows in this case, with its figures.
        done: what the program did about it.
        to_do: what the examiner must do.
    """

    kind: ErrorKind
    source: str
    shows: str
    done: str
    to_do: str

    @property
    def error(self) -> str:
        """The kind in words."""
        return KINDS[self.kind]


def mitigations(facts: CaseFacts, verdict: Verdict) -> tuple[Mitigation, ...]:
    """All sources of error in a case, by kind; the weak points of its verdict are among them."""
    rows = [*_always(facts, verdict), *_weak_points(facts, verdict)]
    return tuple(sorted(rows, key=lambda row: list(KINDS).index(row.kind)))


def limits(facts: CaseFacts) -> tuple[str, ...]:
    """What no result of this case can show, a sentence or two each."""
    n_leaves = facts.corpus.n_leaves if facts.corpus else 0
    fewer = (
        f" This corpus has {n_leaves:,}: over so few, the support is too high and the scale promises too much."
        if n_leaves < LEAVES[0]
        else ""
    )
    return (
        "The findings say what the suspect's answers are consistent with. They do not show on which pictures it was "
        "trained, where these came from, who trained it or for which purpose.",
        "Only what the corpus shows can be found. “Not found” does not show that a class stands for nothing, and what "
        "the corpus lacks may be answered by something that merely looks alike.",
        f"The verbal scale states shares that were measured with suspects of known truth, over corpora of {LEAVES[0]} "
        f"to {LEAVES[1]} leaves.{fewer}",
        "Only the suspect's answers to these pictures were observed. A planted trigger, or what it does with other "
        "pictures, stays unseen.",
    )


def _weak_points(facts: CaseFacts, verdict: Verdict) -> Iterator[Mitigation]:
    for point in verdict.weak_points:
        n_more = len(point.classes) - MAX_LISTED
        classes = ", ".join(map(str, point.classes[:MAX_LISTED])) + (f" and {n_more:,} more" if n_more > 0 else "")
        leaves = f" Strongest leaves: {', '.join(map(quoted, point.leaves))}." if point.leaves else ""
        noun = "Class" if len(point.classes) == 1 else "Classes"
        groups = "".join(f" {each}" for each in point.groups_in_words(quoted))
        shows = f"{point.what}{f' {noun} {classes}.' if classes else ''}{groups}{leaves}"
        shows += f" {_open(facts)}" if point.key == ASSUMED else ""
        yield Mitigation(point.error, point.why, shows, point.done, point.remedy)


def _open(facts: CaseFacts) -> str:
    return f"Open: {', '.join(map(quoted, facts.open_guesses))}."


def _always(facts: CaseFacts, verdict: Verdict) -> Iterator[Mitigation]:
    if facts.evidence:
        yield Mitigation(
            "alteration",
            "Another file than the exhibit is examined, or the file changes meanwhile.",
            f"SHA-256 {facts.evidence.sha256[:16]}…, {facts.evidence.size:,} bytes, taken on intake.",
            "The hash is taken on intake and compared before each run and each conclusion; only a copy is opened"
            f"{', in a closed process' if facts.suspect and facts.suspect.cell else ''}.",
            "Compare the whole hash with the exhibit's record. Run fdcore check.",
        )
    if facts.open_guesses and all(point.key != ASSUMED for point in verdict.weak_points):
        yield Mitigation(
            "misreading",
            "What the file does not say is read otherwise than its makers meant.",
            _open(facts),
            "Every guess stands at the head of the report; fdcore identify compares readings of the file.",
            "Settle each guess by what came with the file, or compare the findings under the other readings.",
        )
    if facts.runtime and facts.runtime.tried:
        yield Mitigation(
            "misreading",
            "A faster way to compute the suspect could give other labels.",
            f"{facts.runtime.sentence}.",
            "Its labels were compared with PyTorch's before it was used.",
            "Send recorded queries again: fdcore replay --ask 500.",
        )
    yield Mitigation(
        "existence",
        "A class gets an answer although the corpus does not hold what it was trained on, or chance decides.",
        verdict.support_in_words or "No answer in this case is graded.",
        "Answers must pass limits that depend on this suspect; half of the images choose, the other half states L. "
        f"{'The answers as a whole were compared with untrained networks.' if verdict.chance else NOT_COMPARED}",
        f"Look at the pictures of each answer. Treat {SCALE['weak']} as a lead only, and look for what else points to "
        "the same.",
    )
    if facts.corpus:
        n, n_images = facts.corpus.n_problems, facts.corpus.n_images
        yield Mitigation(
            "association",
            "Pictures of the corpus are mislabelled, damaged or there twice.",
            f"{counted(n, 'file was', 'files were')} left out or converted (corpus_problems.csv); "
            f"{counted(n_images, 'image was', 'images were')} used.",
            "Every file was decoded and hashed; copies of a picture count once.",
            "Look at the kept images of each answer, and at corpus_problems.csv.",
        )
