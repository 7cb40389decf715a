"""Everything that is done with a case's clones. START HERE.

`clone` does all of it for several sources, one after the other, and goes on where it was stopped: a clone's folder is
named by everything that it is made from. What is kept is read by `fdcore.clone_runs`.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fdcore.analysis import load_scored, pixels_of, selection_settings
from fdcore.case import Case
from fdcore.clone_lab.asking import Asker, budget_left
from fdcore.clone_lab.drawing import draw_from_corpus, prepare
from fdcore.clone_lab.testing import MAX_TESTED, ask_clone, export, prepare_test
from fdcore.clone_lab.training import keep_best, train_all
from fdcore.clone_runs import FOLDER, read_run, read_runs, run_folder
from fdcore.cloning.run import CloneRun, TransferFacts
from fdcore.cloning.settings import CloneRequest, SourceKind, TransferSettings
from fdcore.errors import CaseError
from fdcore.progress import Progress, silent
from fdcore.results import conclude
from fdcore.storage import only_one


class CloneCost(NamedTuple):
    """What a request would cost.

    Attributes:
        n_queries: the most queries that it sends before any round of augmentation.
        budget_left: what the case's budget allows; None for no limit.
        drawn: for each source of the corpus, by name, what its transfer set is made of.
    """

    n_queries: int
    budget_left: int | None
    drawn: Mapping[str, TransferFacts]


# What it does


def clone(
    folder: Path, request: CloneRequest, *, cache: Path, by: str = "", progress: Progress = silent
) -> tuple[CloneRun, ...]:
    """Draw, ask, train, test and export a clone for each source; what is finished already is left as it is.

    Args:
        folder: the case's folder.
        request: what is wanted.
        cache: where decoded images are kept.
        by: who asks for it, for the audit log.
        progress: told how far it is; training stops where it raises, and the same call goes on.

    Raises:
        FdError: whatever the user has to mend; what was finished is kept, and the same call goes on.
    """
    case = Case.open(folder)
    with _lab(case):
        case.record(cloning=request.as_dict())
        asker = Asker(case)
        test = prepare_test(case, request.evaluation, request.transfer, asker, cache, progress)
        prepared = [
            prepare(case, request, source, test.image_ids, asker, cache, by, progress) for source in request.sources
        ]
        runs = tuple(train_all(case, prepared, asker, progress))
        for run in runs:
            ask_clone(case, run, test, progress)
        return _conclude(case, [run.id for run in runs], cache, by, progress)


def clone_cost(case: Case, request: CloneRequest, *, cache: Path, progress: Progress = silent) -> CloneCost:
    """What a request would send to the suspect, told beforehand. Folders are not decoded: theirs is an upper bound.

    Raises:
        FdError: a source gives nothing to train from.
    """
    scored = load_scored(case)
    drawn = {}
    n_queries = 0
    for source in request.sources:
        if source.kind is SourceKind.FOLDER:
            n_queries += request.transfer.total
        else:
            rows = draw_from_corpus(case, scored, source, request.transfer)
            drawn[source.name] = TransferFacts(rows.classes, len(rows.images), 0, rows.notes)
    n_queries += MAX_TESTED if request.evaluation else 0
    return CloneCost(n_queries, budget_left(case), drawn)


def evaluate_clones(folder: Path, evaluation: str, *, cache: Path, by: str = "", progress: Progress = silent) -> str:
    """Test every finished clone of a case on another folder of pictures.

    Returns:
        The key of the set.

    Raises:
        CaseError: there is no finished clone.
        FdError: the folder cannot be used, or the budget does not allow it.
    """
    case = Case.open(folder)
    with _lab(case):
        runs = [run for run in read_runs(case) if run.finished]
        if not runs:
            raise CaseError("There is no finished clone in this case yet. Train one first.")
        test = prepare_test(case, evaluation, TransferSettings(), Asker(case), cache, progress)
        for run in runs:
            ask_clone(case, run, test, progress)
        _conclude(case, [run.id for run in runs], cache, by, progress)
    return test.key


def finish_clone(
    folder: Path, run_id: str, *, evaluation: str = "", cache: Path, by: str = "", progress: Progress = silent
) -> CloneRun:
    """End a clone's training where it is, with the best weights so far, then test and export it.

    Raises:
        CaseError: it has no weights yet.
    """
    case = Case.open(folder)
    with _lab(case):
        run = read_run(case, run_id)
        if run.stage == "training":
            run = keep_best(case, run)
        if run.stage == "drawn":
            raise CaseError("This clone was not trained for a single epoch yet. Go on with its training, or remove it.")
        test = prepare_test(case, evaluation, run.transfer, Asker(case), cache, progress)
        ask_clone(case, run, test, progress)
        return _conclude(case, [run_id], cache, by, progress)[0]


def remove_clone(folder: Path, run_id: str, *, by: str = "") -> None:
    """Remove a clone and everything that is kept of it; the answers that it cost stay.

    Raises:
        CaseError: there is none, or clones are being trained.
    """
    case = Case.open(folder)
    with _lab(case):
        place = case.path(run_folder(run_id))
        if not place.is_dir():
            raise CaseError(f"There is no clone called {run_id!r} in this case.")
        shutil.rmtree(place)
        case.log("clone removed", {"clone": run_id} | ({"by": by} if by else {}))


@contextmanager
def _lab(case: Case) -> Iterator[None]:
    """One at a time works on a case's clones; everything else in the case goes on meanwhile."""
    busy = "Clones of this case are being trained already. Wait for them, or pause that work first."
    with only_one(case.path(FOLDER) / ".lock", busy):
        yield


def _conclude(case: Case, run_ids: Sequence[str], cache: Path, by: str, progress: Progress) -> tuple[CloneRun, ...]:
    """Export clones that were tested, with a model card each, and draw the case's report anew."""
    done = tuple(export(case, read_run(case, name), by) for name in run_ids)
    with case.exclusively():
        conclude(case, selection_settings(case), pixels_of(case, cache), by=by, progress=progress)
    return done
