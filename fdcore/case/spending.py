"""All queries of a case, within its budget; nothing is queried twice.

A case has several ledgers: the investigation's, and one for each set of pictures besides the corpus, such as those of
test queries, and those that clones are trained or tested on. Its budget covers all of them together.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED, Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.custody import require_unchanged
from fdcore.errors import CaseError, SettingsError
from fdcore.progress import Progress
from fdcore.storage import only_one, touch
from fdcore.suspect.suspect import Pictures, Suspect
from fdcore.verdict.reach import counted

_KEY_LENGTH = 16
_TESTS, _AGAIN, _SPLITS = "test queries", "sent again for replay", "comparing splits"
_SENT = {  # by event of the log: what for, and which of its details says how many
    "test query": (_TESTS, "n_sent"), "queries sent again": (_AGAIN, "n_asked"), "splits compared": (_SPLITS, "n_sent"),
}  # fmt: skip


def ledgers(case: Case) -> Iterator[Ledger]:
    """Every ledger of a case, the investigation's first.

    Raises:
        CaseError: one is damaged.
    """
    others = (path for place in (layout.ASKED, layout.READING_LEDGERS) for path in case.path(place).glob("*/ledger"))
    for folder in (case.path(layout.LEDGER), *sorted(others)):
        if (folder / "ledger.json").is_file():
            yield Ledger.open(folder)


def n_sent(case: Case) -> int:
    """Queries ever sent to the suspect in this case, for any purpose."""
    return sum(ledger.n_sent for ledger in ledgers(case))


def spent(case: Case) -> dict[str, int]:
    """The queries of `n_sent` by purpose, the largest purposes of a case first; those without a query are left out.

    Scoring and the comparison of readings have ledgers of their own; the log says what the others were sent for.
    """
    logged: Counter[str] = Counter()
    with suppress(CaseError):  # a broken log is reported where the case is checked
        for entry in case.audit():
            what, detail = _SENT.get(str(entry.get("event")), ("", ""))
            details = entry.get("details")
            n = details.get(detail) if isinstance(details, dict) else None
            logged[what] += n if isinstance(n, int) else 0
    n_scoring, n_readings, n_beside = 0, 0, 0
    for ledger in ledgers(case):
        place = _place(case, ledger)
        n_scoring += ledger.n_sent if place == layout.LEDGER else 0
        n_readings += ledger.n_sent if place.startswith(f"{layout.READING_LEDGERS}/") else 0
        n_beside += ledger.n_sent if place.startswith(f"{layout.ASKED}/") else 0
    parts = {
        "scoring": n_scoring - logged[_AGAIN], "comparing readings": n_readings, _TESTS: logged[_TESTS],
        _AGAIN: logged[_AGAIN], _SPLITS: logged[_SPLITS], "clones": n_beside - logged[_TESTS] - logged[_SPLITS],
    }  # fmt: skip
    return {what: n for what, n in parts.items() if n}


def spent_in_words(parts: Mapping[str, int]) -> str:
    """ "1,240 queries sent: 1,000 scoring + 240 comparing readings"."""
    total = f"{counted(sum(parts.values()), 'query', 'queries')} sent"
    return f"{total}: {' + '.join(f'{n:,} {what}' for what, n in parts.items())}" if parts else total


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


def n_sent_beside(case: Case) -> int:
    """Queries sent besides the investigation, for test queries and clones."""
    return sum(ledger.n_sent for ledger in ledgers(case) if ledger.folder != case.path(layout.LEDGER))


def budget_for_scoring(case: Case, budget: int | None) -> int | None:
    """The most that the investigation's own ledger may send, so that all ledgers together stay within a budget."""
    return None if budget is None else budget - n_sent_beside(case)


def require_budget(case: Case, n_queries: int, what: str) -> None:
    """Check that the budget allows so many further queries.

    Raises:
        SettingsError: it does not.
    """
    left = budget_left(case)
    if left is not None and n_queries > left:
        raise SettingsError(
            f"{what} needs {n_queries:,} queries, but the case's budget leaves {left:,}. "
            "Raise the budget, or use fewer images.",
            key="budget exceeded",
        )


@contextmanager
def asking(case: Case, ledger: Ledger) -> Iterator[None]:
    """Hold the case's lock on its suspect, and the ledger's: two processes that query it at once could together exceed
    the budget.

    Raises:
        CaseError: another process is querying it, or the ledger's files are not what the audit log says.
    """
    busy = "Other work is querying the suspect of this case. Wait for it, or pause it, and run this again."
    place = _place(case, ledger)
    with only_one(case.folder / layout.ASKING_LOCK, busy), ledger.exclusively():
        require_unchanged(case, place)
        try:
            with case.changing(place):
                yield
                ledger.flush()
        finally:
            touch(case.folder / layout.ASKING_LOCK)


def _place(case: Case, ledger: Ledger) -> str:
    return ledger.folder.relative_to(case.folder).as_posix()


# Pictures besides the corpus


def ledger_of_files(case: Case, asked: LedgerHeader, digest: str, image_ids: npt.NDArray[np.uint64]) -> Ledger:
    """The ledger of pictures besides the corpus, filled with what the case's other ledgers know of them.

    Args:
        case: the case.
        asked: how the suspect is queried; its shape and corpus are ignored.
        digest: hex, of all pictures together.
        image_ids: (n,) uint64.
    """
    own = replace(asked, corpus=digest, n_images=len(image_ids), n_views=1)
    place = f"{layout.ASKED}/{digest[:_KEY_LENGTH]}/ledger"
    with case.changing(place):
        return _filled(case, Ledger.open_or_create(case.path(place), own, image_ids))


def _filled(case: Case, ledger: Ledger) -> Ledger:
    """The ledger with the answers that the case's other ledgers hold."""
    for other in ledgers(case):
        if other.folder == ledger.folder or other.header.suspect != ledger.header.suspect:
            continue  # a suspect's answer to view 0, the picture itself, does not depend on the other views
        _, mine, theirs = np.intersect1d(ledger.image_ids, other.image_ids, return_indices=True)
        known = np.asarray(other.answers[theirs, 0])
        fill = (known != NOT_ASKED) & (ledger.answers[mine, 0] == NOT_ASKED)
        if fill.any():  # the lock is taken only to write, so that a ledger in use can be read
            with ledger.exclusively():
                ledger.answers[mine[fill], 0] = known[fill]
                ledger.flush()
    return ledger


def ledger_of_pictures(case: Case, asked: LedgerHeader, pictures: Pictures) -> Ledger:
    """The same for pictures (n, H, W, C) without a file in the corpus, identified by their content."""
    digests = [hashlib.sha256(np.ascontiguousarray(picture).data).digest() for picture in pictures]
    whole = hashlib.sha256(asked.suspect.encode() + b"".join(digests)).hexdigest()
    image_ids = np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)
    unviewed = replace(asked, seed=0, views=ViewSpec())  # no views are drawn of these pictures
    return ledger_of_files(case, unviewed, whole, image_ids)


def ask_about(
    case: Case,
    suspect: Suspect,
    ledger: Ledger,
    images: npt.NDArray[np.intp],
    pictures: Pictures,
    *,
    stage: str,
    progress: Progress,
) -> int:
    """Query the images of a one-view ledger whose answers are not known yet, and return how many were sent.

    Args:
        case: the case, whose budget applies.
        suspect: its suspect.
        ledger: where the answers are kept.
        images: (n,) places in it.
        pictures: (n_images, H, W, C) uint8, all of the ledger's.
        stage: the purpose, shown while it runs.
        progress: a listener.

    Raises:
        SettingsError: the budget does not allow it; nothing was sent.
        CaseError: other work is querying the suspect.
        SuspectError: the suspect fails.
    """
    if not len(ledger.missing(images)):
        return 0
    with asking(case, ledger):
        missing = ledger.missing(images)
        require_budget(case, len(missing), stage)
        try:
            for start in range(0, len(missing), suspect.batch_size):
                batch = missing[start : start + suspect.batch_size]
                progress(stage, start, len(missing))
                ledger.ask(suspect, batch, 0, np.ascontiguousarray(pictures[batch]))
        finally:
            ledger.flush()
    progress(stage, len(missing), len(missing))
    return len(missing)
