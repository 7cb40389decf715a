"""What a case has asked its suspect altogether, against its budget.

A case has several ledgers: the investigation's, and one for each set of pictures beside the corpus that clones are
trained from or tested on. Its budget holds for all of them together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fdcore.answers.ledger import Ledger
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.storage import only_one


def ledgers(case: Case) -> Iterator[Ledger]:
    """Every ledger of a case, the investigation's first.

    Raises:
        CaseError: one is damaged.
    """
    for folder in (case.path(layout.LEDGER), *sorted(case.path(layout.ASKED).glob("*/ledger"))):
        if (folder / "ledger.json").is_file():
            yield Ledger.open(folder)


def n_sent(case: Case) -> int:
    """Queries that were ever sent to the suspect in this case, whatever for."""
    return sum(ledger.n_sent for ledger in ledgers(case))


def budget_of(case: Case) -> int | None:
    """The most queries that may ever be sent in this case; None for no limit."""
    facts = case.facts()
    if facts.plan:
        return facts.plan.settings.budget
    return facts.asking.budget if facts.asking else None


def budget_left(case: Case) -> int | None:
    """How many more queries the case's budget allows; None for no limit."""
    budget = budget_of(case)
    return None if budget is None else max(budget - n_sent(case), 0)


def budget_within(case: Case, ledger: Ledger, budget: int | None) -> int | None:
    """What one ledger of a case may ever send, so that all of them together stay within a budget."""
    return None if budget is None else budget - (n_sent(case) - ledger.n_sent)


@contextmanager
def asking(case: Case) -> Iterator[None]:
    """Hold the case's lock on its suspect: two that ask at once could together go beyond the budget.

    Raises:
        CaseError: another process is asking.
    """
    busy = "The suspect of this case is being asked by other work. Wait for it, or pause it, and run this again."
    with only_one(case.folder / ".asking.lock", busy):
        yield
