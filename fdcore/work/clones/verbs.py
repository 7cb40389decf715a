"""All operations on a case's clones. START HERE.

`clone` performs them for several sources and resumes where it was stopped: a clone's folder is named by everything that
it is made from. `fdcore.case.clones` reads the results.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fdcore.case.case import Case
from fdcore.case.clones import FOLDER, read_run, read_runs, run_folder
from fdcore.case.conclusions import load_scored, pixels_of, selection_settings
from fdcore.case.spending import budget_left, require_budget
from fdcore.cloning.run import CloneRun, TransferFacts
from fdcore.cloning.settings import CloneRequest, SourceKind
from fdcore.errors import CaseError, SettingsError
from fdcore.records import from_plain, to_plain
from fdcore.work.clones.drawing import Prepared, chosen, draw_from_corpus, found_again, pool_for, prepare
from fdcore.work.clones.lab import Lab
from fdcore.work.clones.testing import MAX_TESTED, EvaluationPictures, ask_about, ask_clone, export, open_set
from fdcore.work.clones.training import keep_best, train_all
from fdcore.work.conclude import conclude

_BEGUN = f"{FOLDER}/begun.json"


class CloneCost(NamedTuple):
    """The cost of a request."""

    n_queries: int  # at most, before any round of augmentation
    budget_left: int | None  # queries that the case's budget allows; None for no limit
    drawn: Mapping[str, TransferFacts]  # the transfer set of each source of the corpus, by the source's name


def clone(lab: Lab, request: CloneRequest) -> tuple[CloneRun, ...]:
    """Draw, query, train, test and export a clone for each source; finished clones are left as they are.

    Raises:
        FdError: anything for the user to resolve; finished work is kept, and the same call resumes.
    """
    if begun := _begun(lab.case, request):
        return _resume(lab, begun, request.evaluation, request.training.device)
    _require_possible(lab, request)
    lab.case.record(cloning=to_plain(request))
    test = open_set(lab, request.evaluation, request.transfer.reserved)
    pools = [pool_for(lab, request, source) for source in request.sources]
    needed = sum(pool.n_to_ask(chosen(pool, request.transfer, test.image_ids)) for pool in pools if pool)
    needed += test.pool.n_to_ask(test.images)
    require_budget(lab.case, needed, "Training and testing these clones")
    ask_about(lab, test)
    prepared = [
        prepare(lab, request, source, pool, test.image_ids)
        for source, pool in zip(request.sources, pools, strict=True)
    ]  # fmt: skip
    lab.case.write_json(_BEGUN, to_plain(_Begun(request, tuple(one.run.id for one in prepared))))
    return _finish(lab, prepared, test)


def resume_clones(lab: Lab, run_ids: Sequence[str], *, evaluation: str = "") -> tuple[CloneRun, ...]:
    """Resume stopped clones, regardless of the case's present settings.

    Raises:
        FdError: as for `clone`.
    """
    return _resume(lab, [read_run(lab.case, name) for name in run_ids], evaluation, "auto")


def finish_clone(lab: Lab, run_id: str, *, evaluation: str = "") -> CloneRun:
    """End a clone's training now, with the best weights so far, then test and export it.

    Raises:
        CaseError: it has no weights yet.
    """
    run = read_run(lab.case, run_id)
    if run.stage == "training":
        run = keep_best(lab, run)
    if run.stage == "drawn":
        raise CaseError(
            "This clone has not been trained for a single epoch yet. Resume its training, or remove it.",
            key="not trained yet",
        )
    test = open_set(lab, evaluation, run.transfer.reserved)
    ask_about(lab, test)
    return _test(lab, [run], test, "auto")[0]


def evaluate_clones(lab: Lab, evaluation: str) -> str:
    """Test every finished clone of a case on another folder of pictures; returns the key of the set.

    Raises:
        CaseError: there is no finished clone.
        FdError: the folder cannot be used, or the budget does not allow it.
    """
    runs = [run for run in read_runs(lab.case) if run.finished]
    if not runs:
        raise CaseError("There is no finished clone in this case yet. Train one first.", key="no finished clone")
    test = open_set(lab, evaluation, max(run.transfer.reserved for run in runs))
    ask_about(lab, test)
    _test(lab, runs, test, "auto")
    return test.key


def remove_clone(lab: Lab, run_id: str) -> None:
    """Remove a clone and all its files; the answers that were queried for it stay.

    Raises:
        CaseError: there is none.
    """
    place = lab.case.path(run_folder(run_id))
    if not place.is_dir():
        raise CaseError(f"There is no clone called {run_id!r} in this case.", key="no such clone")
    going = place.with_name(f".{place.name}.removed")  # for readers at once, then file by file
    with lab.case.changing(run_folder(run_id)):
        os.replace(place, going)
        shutil.rmtree(going)
    lab.log("clone removed", clone=run_id)
    _draw_report(lab)


def clone_cost(case: Case, request: CloneRequest) -> CloneCost:
    """The cost of a request before anything is sent. Folders are not decoded: theirs is an upper bound.

    Raises:
        FdError: a source gives nothing to train from.
    """
    scored = load_scored(case)
    drawn = {}
    n_queries = MAX_TESTED if request.evaluation else 0
    for source in request.sources:
        if source.kind is SourceKind.FOLDER:
            n_queries += request.transfer.total
        else:
            rows = draw_from_corpus(case, scored, source, request.transfer)
            drawn[source.name] = TransferFacts(rows.classes, len(rows.images), 0, rows.notes)
    return CloneCost(n_queries, budget_left(case), drawn)


# Parts


@dataclass(frozen=True)
class _Begun:
    """The content of begun.json: the last request that was begun, and the ids of its clones."""

    request: CloneRequest
    runs: tuple[str, ...]


def _resume(lab: Lab, runs: Sequence[CloneRun], evaluation: str, device: str) -> tuple[CloneRun, ...]:
    test = open_set(lab, evaluation, runs[0].transfer.reserved)
    prepared = [found_again(lab, run, device) for run in runs]
    ask_about(lab, test)
    return _finish(lab, prepared, test)


def _finish(lab: Lab, prepared: Sequence[Prepared], test: EvaluationPictures) -> tuple[CloneRun, ...]:
    """Train, test and export drawn clones."""
    return _test(lab, train_all(lab, prepared), test, prepared[0].run.training.device)


def _test(lab: Lab, runs: Sequence[CloneRun], test: EvaluationPictures, device: str) -> tuple[CloneRun, ...]:
    """Test trained clones, export each with a model card, and draw the case's report again."""
    for run in runs:
        ask_clone(lab, run, test, device)
    done = tuple(export(lab, read_run(lab.case, run.id)) for run in runs)
    _draw_report(lab)
    return done


def _draw_report(lab: Lab) -> None:
    case = lab.case
    with case.exclusively(wait=True):
        conclude(case, selection_settings(case), pixels_of(case, lab.cache), by=lab.by, progress=lab.progress)


def _begun(case: Case, request: CloneRequest) -> list[CloneRun]:
    """The clones of this request if it was begun and is not finished; the settings may have changed since."""
    try:
        begun = from_plain(_Begun, case.read_json(_BEGUN), what=_BEGUN)
        runs = [read_run(case, name) for name in begun.runs] if begun.request == request else []
    except CaseError:  # nothing was begun, a clone was removed, or the file is damaged: begin again
        return []
    of_this = tuple(run.source for run in runs) == request.sources  # an imported case may say something else
    return runs if of_this and not all(run.finished for run in runs) else []


def _require_possible(lab: Lab, request: CloneRequest) -> None:
    """Check that the clones can be trained before anything is sent to the suspect.

    Raises:
        SettingsError, SuspectError: the architecture does not fit, the device is missing, or a source gives nothing.
    """
    from fdcore.cloning.devices import choose_arithmetic
    from fdcore.cloning.networks import build_clone

    if lab.spec.kind == "text" and request.training.jacobian_rounds:
        raise SettingsError(
            "Rounds of augmentation move the pixels of pictures; a text has none. Choose 0 rounds.",
            key="rounds of texts",
        )
    choose_arithmetic(request.training.device, request.training.precision)
    scored = load_scored(lab.case)
    if scored.scores.n_classes < 2:
        raise SettingsError("The suspect has only one class, so a clone could not learn anything.", key="single class")
    build_clone(request.training.arch, scored.scores.n_classes, lab.spec, seed=request.training.seed)
    for source in request.sources:
        if source.kind is not SourceKind.FOLDER:
            draw_from_corpus(lab.case, scored, source, request.transfer)
