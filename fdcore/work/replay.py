"""Does a case give the same results once more? Its tables from its answers, and its answers from its suspect."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fdcore.answers.ledger import NOT_ASKED, Ledger
from fdcore.answers.views import make_views
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored, pixels_of, read_choices, selection_settings
from fdcore.case.custody import require_unchanged
from fdcore.case.spending import asking, require_budget
from fdcore.errors import CaseError
from fdcore.method.findings import weigh
from fdcore.progress import Progress, silent
from fdcore.work.conclude import contents
from fdcore.work.investigate import open_planned_suspect


@dataclass(frozen=True)
class Replayed:
    """What came out.

    Attributes:
        same: the files whose content was made again, byte for byte.
        differ: the others.
        n_asked: queries that were sent again.
        n_same: of these, how many got the recorded answer.
    """

    same: tuple[str, ...]
    differ: tuple[str, ...]
    n_asked: int = 0
    n_same: int = 0

    @property
    def agrees(self) -> bool:
        """Whether everything came out as it was."""
        return not self.differ and self.n_same == self.n_asked


def replay(
    folder: Path, *, cache: Path | None = None, n_queries: int = 0, seed: int = 0, progress: Progress = silent
) -> Replayed:
    """Make a case's tables and report again from its recorded answers, and compare them with those in the case.

    Args:
        folder: the case's folder. Its tables and report are not written.
        cache: where decoded images are kept; without them, the report cannot be compared, nor queries sent.
        n_queries: recorded queries, drawn at random, that are sent to the suspect again. They count as sent.
        seed: of the drawing.
        progress: a listener.

    Raises:
        CaseError: the case's answers were changed, or it has no conclusions yet, or no suspect's file.
        SettingsError: the budget does not allow the queries.
        SuspectError: the suspect cannot be opened or fails.
    """
    case = Case.open(folder)
    if not case.has(layout.SELECTION):
        raise CaseError(f"The case {folder} has no conclusions yet: there is nothing to replay.", key="no conclusions")
    require_unchanged(case, layout.LEDGER, layout.CORPUS, layout.HIERARCHY, layout.CHOICES)
    pixels = pixels_of(case, cache)
    scored = load_scored(case)
    then = case.read_json(layout.SELECTION).get("n_sent", scored.n_sent)  # more may have been sent since, beside it
    findings = weigh(replace(scored, n_sent=then), selection_settings(case), read_choices(case))
    made = contents(case, findings, pixels)
    if pixels is None:
        made.pop(layout.REPORT)
    names = [name for name in made if case.has(name)]
    same = tuple(name for name in names if case.path(name).read_bytes() == made[name]())
    replayed = Replayed(same, tuple(name for name in names if name not in same))
    if not n_queries:
        return replayed
    if pixels is None:
        raise CaseError(
            "The decoded images of this case are not in the cache, so no query can be sent again. Run the "
            "investigation again with the same --cache first.",
            key="no pixels",
        )
    n_same = _ask_again(case, pixels, n_queries, seed, progress)
    return Replayed(replayed.same, replayed.differ, n_queries, n_same)


def _ask_again(case: Case, pixels: np.ndarray, n_queries: int, seed: int, progress: Progress) -> int:  # type: ignore[type-arg]
    suspect = open_planned_suspect(case.plan(), progress)(case.evidence().path)
    ledger = Ledger.open(case.path(layout.LEDGER))
    images, views = np.nonzero(np.asarray(ledger.answers) != NOT_ASKED)
    if suspect.fingerprint != ledger.header.suspect or n_queries > len(images):
        raise CaseError(
            f"The case's suspect and plan do not give its recorded answers, of which there are {len(images):,}. "
            "Ask for fewer, or restore the plan.",
            key="cannot ask again",
        )
    drawn = np.sort(np.random.default_rng(seed).choice(len(images), n_queries, replace=False))
    n_same, header = 0, ledger.header
    with asking(case, ledger):
        require_budget(case, n_queries, "Sending these queries again")
        for view in np.unique(views[drawn]).tolist():
            own = images[drawn][views[drawn] == view]
            for start in range(0, len(own), suspect.batch_size):
                batch = own[start : start + suspect.batch_size]
                pictures = make_views(
                    np.ascontiguousarray(pixels[batch]), ledger.image_ids[batch], view=view, seed=header.seed,
                    spec=header.views,
                )  # fmt: skip
                n_same += int((ledger.ask_again(suspect, pictures) == ledger.answers[batch, view]).sum())
                progress("Sending queries again", start, len(own))
    case.log("queries sent again", {"n_asked": n_queries, "n_same": n_same, "seed": seed})
    return n_same
