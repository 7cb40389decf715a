"""Everything that is done with a case's clones. START HERE.

`clone` does all of it for several sources, one after the other, and goes on where it was stopped: a clone's folder is
named by everything that it is made from. What is kept is read by `fdcore.case.clones`.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fdcore.case.case import Case
from fdcore.case.clones import FOLDER, read_run, read_runs, run_folder
from fdcore.case.conclusions import load_scored, pixels_of, selection_settings
from fdcore.case.spending import budget_left
from fdcore.cloning.run import CloneRun, TransferFacts
from fdcore.cloning.settings import CloneRequest, SourceKind
from fdcore.errors import CaseError, SettingsError
from fdcore.progress import Progress, silent
from fdcore.storage import only_one
from fdcore.work.clones.asking import Asker, input_of
from fdcore.work.clones.drawing import (
    Prepared,
    draw_from_corpus,
    go_on_with,
    is_trained,
    n_to_ask,
    open_pool,
    prepare,
)
from fdcore.work.clones.testing import MAX_TESTED, EvaluationPictures, ask_about, ask_clone, export, open_set
from fdcore.work.clones.training import keep_best, train_all
from fdcore.work.conclude import conclude

_BEGUN = f"{FOLDER}/begun.json"  # the last request that was begun, and its clones


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
    with _lab(case), _memory():
        if begun := _begun(case, request):
            return _go_on(case, begun, request.evaluation, request.training.device, cache, by, progress)
        _require_possible(case, request)
        case.record(cloning=request.as_dict())
        asker = Asker(case)
        test = open_set(case, request.evaluation, request.transfer.reserved, cache, progress)
        transfer = request.transfer
        pools = [
            None if is_trained(case, source, transfer, request.training)
            else open_pool(case, source, transfer.total, transfer.seed, cache, progress)
            for source in request.sources
        ]  # fmt: skip
        needed = test.n_to_ask + sum(n_to_ask(pool, transfer, test.image_ids) for pool in pools if pool)
        asker.require_budget(needed, "Training and testing these clones")
        ask_about(case, test, asker, progress)
        prepared = [
            prepare(case, request, source, pool, test.image_ids, asker, by, progress)
            for source, pool in zip(request.sources, pools, strict=True)
        ]
        case.write_json(_BEGUN, {"request": request.as_dict(), "runs": [one.run.id for one in prepared]})
        return _finish(case, prepared, test, asker, cache, by, progress)


def go_on(
    folder: Path,
    run_ids: Sequence[str],
    *,
    evaluation: str = "",
    device: str = "auto",
    cache: Path,
    by: str = "",
    progress: Progress = silent,
) -> tuple[CloneRun, ...]:
    """Go on with clones that were stopped, whatever the case's settings are by now.

    Raises:
        FdError: as for `clone`.
    """
    case = Case.open(folder)
    with _lab(case), _memory():
        return _go_on(case, [read_run(case, name) for name in run_ids], evaluation, device, cache, by, progress)


def _go_on(
    case: Case, runs: Sequence[CloneRun], evaluation: str, device: str, cache: Path, by: str, progress: Progress
) -> tuple[CloneRun, ...]:
    asker = Asker(case)
    test = open_set(case, evaluation, runs[0].transfer.reserved, cache, progress)
    prepared = [go_on_with(case, run, device, cache, progress) for run in runs]
    ask_about(case, test, asker, progress)
    return _finish(case, prepared, test, asker, cache, by, progress)


def _finish(
    case: Case,
    prepared: Sequence[Prepared],
    test: EvaluationPictures,
    asker: Asker,
    cache: Path,
    by: str,
    progress: Progress,
) -> tuple[CloneRun, ...]:
    """Train, test and export clones that are drawn."""
    device = prepared[0].run.training.device
    runs = train_all(case, prepared, asker, progress)
    for run in runs:
        ask_clone(case, run, test, device, progress)
    return _conclude(case, [run.id for run in runs], cache, by, progress)


def _begun(case: Case, request: CloneRequest) -> list[CloneRun]:
    """The clones of this request, when it was begun before and is not finished; the settings may have changed since."""
    if not case.has(_BEGUN):
        return []
    try:
        begun = case.read_json(_BEGUN)
        if begun.get("request") != json.loads(json.dumps(request.as_dict())):
            return []
        runs = [read_run(case, str(name)) for name in begun["runs"]]
    except (CaseError, KeyError, TypeError):  # a clone was removed, or the file is damaged: it is begun anew
        return []
    of_this = tuple(run.source for run in runs) == request.sources  # a case that was sent may say something else
    return runs if of_this and not all(run.finished for run in runs) else []


def _require_possible(case: Case, request: CloneRequest) -> None:
    """See that a clone can be trained at all before the suspect is asked anything.

    Raises:
        SettingsError, SuspectError: the architecture does not fit, the device is not there, or a source gives nothing.
    """
    from fdcore.cloning.devices import choose_arithmetic
    from fdcore.cloning.networks import build_clone

    choose_arithmetic(request.training.device, request.training.precision)
    scored = load_scored(case)
    if scored.scores.n_classes < 2:
        raise SettingsError("The suspect has a single class. There is nothing that a clone of it could learn.")
    build_clone(request.training.arch, scored.scores.n_classes, input_of(case), seed=request.training.seed)
    for source in request.sources:
        if source.kind is not SourceKind.FOLDER:
            draw_from_corpus(case, scored, source, request.transfer)


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
    with _lab(case), _memory():
        runs = [run for run in read_runs(case) if run.finished]
        if not runs:
            raise CaseError("There is no finished clone in this case yet. Train one first.")
        asker = Asker(case)
        test = open_set(case, evaluation, max(run.transfer.reserved for run in runs), cache, progress)
        ask_about(case, test, asker, progress)
        for run in runs:
            ask_clone(case, run, test, "auto", progress)
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
    with _lab(case), _memory():
        run = read_run(case, run_id)
        if run.stage == "training":
            run = keep_best(case, run)
        if run.stage == "drawn":
            raise CaseError("This clone was not trained for a single epoch yet. Go on with its training, or remove it.")
        test = open_set(case, evaluation, run.transfer.reserved, cache, progress)
        ask_about(case, test, Asker(case), progress)
        ask_clone(case, run, test, "auto", progress)
        return _conclude(case, [run_id], cache, by, progress)[0]


def remove_clone(folder: Path, run_id: str, *, cache: Path | None = None, by: str = "") -> None:
    """Remove a clone and everything that is kept of it; the answers that it cost stay.

    Raises:
        CaseError: there is none, or clones are being trained.
    """
    case = Case.open(folder)
    with _lab(case):
        place = case.path(run_folder(run_id))
        if not place.is_dir():
            raise CaseError(f"There is no clone called {run_id!r} in this case.")
        going = place.with_name(f".{place.name}.removed")  # at once for whoever reads, then file by file
        os.replace(place, going)
        shutil.rmtree(going)
        case.log("clone removed", {"clone": run_id} | ({"by": by} if by else {}))
        _draw_report(case, cache, by, silent)


@contextmanager
def _lab(case: Case) -> Iterator[None]:
    """One at a time works on a case's clones; everything else in the case goes on meanwhile."""
    busy = "Clones of this case are being trained already. Wait for them, or pause that work first."
    with only_one(case.path(FOLDER) / ".lock", busy):
        yield


def _conclude(case: Case, run_ids: Sequence[str], cache: Path, by: str, progress: Progress) -> tuple[CloneRun, ...]:
    """Export clones that were tested, with a model card each, and draw the case's report anew."""
    done = tuple(export(case, read_run(case, name), by) for name in run_ids)
    _draw_report(case, cache, by, progress)
    return done


def _draw_report(case: Case, cache: Path | None, by: str, progress: Progress) -> None:
    with case.exclusively(wait=True):
        conclude(case, selection_settings(case), pixels_of(case, cache), by=by, progress=progress)


@contextmanager
def _memory() -> Iterator[None]:
    """Turn exhausted memory into a sentence.

    Raises:
        SettingsError: it does not suffice.
    """
    try:
        yield
    except MemoryError as error:
        raise SettingsError(
            "The memory of this machine does not suffice. Take a smaller total; what was finished is kept."
        ) from error
