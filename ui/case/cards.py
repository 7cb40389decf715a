"""A case at a glance, in words: its state, what was found, and where work on it continues."""

from fdcore.case.casebook import CaseCard
from fdcore.jobs import Job, State
from fdcore.jobs.kinds import KINDS
from fdcore.verdict.reach import CONSISTENT
from ui.steps import STEPS
from ui.text import listed, shortened

N_NAMES = 3
LONGEST = 120  # characters of what was found
_CONTINUES = {"new": "Suspect", "suspect": "Corpus", "corpus": "Leaf scores", "scoring": "Leaf scores"}
_STATES = {
    "new": "No suspect yet",
    "suspect": "Suspect checked",
    "corpus": "Ready to query",
    "scoring": "Queried, no tables yet",
    "found": "Concluded",
    "damaged": "Damaged",
}
_BEGINNINGS = (
    "The suspect answers like a model of ", CONSISTENT,
    "The suspect appears to have been trained to recognise ",  # cases of earlier versions
)  # fmt: skip
_OUTCOMES = {"undecided": ", undecided", "meaningless": ", meaningless"}


def continues_at(card: CaseCard) -> str:
    """The step at which work on a case continues: the first that is not done; the report once all are."""
    left = (step.name for step in STEPS if not step.done(card))
    return _CONTINUES.get(card.stage) or next(left, STEPS[-1].name)


def continue_in_words(card: CaseCard) -> str:
    """The label of the button that leads there."""
    target = continues_at(card)
    return "Open the report" if target == STEPS[-1].name else f"Continue at {target}"


def state_in_words(card: CaseCard, job: Job | None = None) -> str:
    """How far a case has come, or the work that is under way in it. Not inert."""
    if job and job.active:
        what = KINDS[job.kind].title if job.kind in KINDS else job.kind
        return f"{what}: waiting" if job.state is State.QUEUED else f"{what}…"
    if card.refused and not card.suspect:
        words = "Refused: not opened"
    elif card.evidence and card.stage == "new":
        words = "Suspect not opened yet"
    elif card.stage == "scoring" and card.n_answered < card.n_queries:
        words = f"{card.n_answered / card.n_queries:.0%} queried"
    else:
        words = _STATES[card.stage] + _OUTCOMES.get(card.outcome, "")
    return f"Archived: {words[0].lower()}{words[1:]}" if card.archived else words


def found_in_words(card: CaseCard) -> str:
    """What was found, in short; empty before conclusions were drawn. Not inert."""
    if card.n_found is None:
        return ""
    if card.head:
        return shortened(card.head, LONGEST)
    # A case of an earlier version has no head; other sentences of its verdict are cautions.
    sentences = card.verdict.rstrip(".").split(". ")
    said = next((one for one in sentences if one.startswith("The suspect")), sentences[0])
    for beginning in _BEGINNINGS:
        said = said.removeprefix(beginning)
    names = listed(card.domain, N_NAMES) or "Nothing in the corpus fits any class"
    return shortened(f"{said[:1].upper()}{said[1:].partition(':')[0]}" or names, LONGEST)
