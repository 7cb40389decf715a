"""Training the clones of a case, and going on with it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import Ledger
from fdcore.answers.views import make_views
from fdcore.case.case import Case
from fdcore.case.clones import run_folder, write_run
from fdcore.cloning.run import CHECKPOINT, NETWORK, WEIGHTS, CloneRun, EpochResult
from fdcore.progress import Progress
from fdcore.suspect.suspect import Pictures
from fdcore.work.clones.asking import Asker, input_of, picture_ledger
from fdcore.work.clones.drawing import Pool, Prepared, Rows

if TYPE_CHECKING:
    from fdcore.cloning.checkpoints import State


def train_all(case: Case, prepared: Sequence[Prepared], asker: Asker, progress: Progress) -> list[CloneRun]:
    """Train what is not trained yet: one after the other, or side by side where there are several GPUs."""
    free: SimpleQueue[str] = SimpleQueue()
    devices = _devices(prepared[0].run.training.device)
    for device in devices:
        free.put(device)

    def train_one(number: int) -> CloneRun:
        device, one = free.get(), prepared[number]
        try:
            title = f"Training {one.run.source.name} ({number + 1} of {len(prepared)})"
            return _train(case, one, device, asker, title, progress)
        finally:
            free.put(device)

    if len(devices) == 1:
        return [train_one(number) for number in range(len(prepared))]
    with ThreadPoolExecutor(len(devices)) as pool:
        return list(pool.map(train_one, range(len(prepared))))


def _devices(wanted: str) -> tuple[str, ...]:
    """Where clones are trained: every GPU where the choice is left open and there are several."""
    import torch  # here, because a case that is only looked at does without

    n_gpus = torch.cuda.device_count() if wanted == "auto" else 0
    return tuple(f"cuda:{i}" for i in range(n_gpus)) if n_gpus > 1 else (wanted,)


def _train(case: Case, prepared: Prepared, device: str, asker: Asker, title: str, progress: Progress) -> CloneRun:
    """Train one clone, or go on with it, and keep its best weights."""
    from fdcore.cloning.training import TrainingData, train

    run, pool, rows = prepared
    if pool is None or rows is None:
        _clear(case, run)
        return run

    def keep(history: Sequence[EpochResult], best_epoch: int) -> None:
        nonlocal run
        run = replace(run, stage="training", history=tuple(history), best_epoch=best_epoch)
        write_run(case, run)

    def ask(pictures: Pictures, round_number: int) -> npt.NDArray[np.int32]:
        nonlocal run
        ledger = picture_ledger(case, pictures)
        where = f"Asking about round {round_number} of {run.source.name}"
        labels = asker.ask(ledger, np.arange(len(pictures)), pictures, stage=where, progress=progress)
        asked = run.circumstances.get("asked", {}) | {ledger.folder.parent.name: ledger.n_sent}
        sent = run.drawn.n_sent + sum(asked.values())
        run = replace(run, n_sent=sent, circumstances=run.circumstances | {"asked": asked})
        write_run(case, run)
        return labels

    def told(stage: str, done: int, total: int) -> None:
        progress(title, done, total)

    trained = train(
        TrainingData(_pictures(case, pool, rows), rows.labels, rows.images.astype(np.int64)),
        n_classes=len(run.drawn.classes),
        spec=input_of(case),
        settings=replace(run.training, device=device),
        folder=case.path(run_folder(run.id)),
        progress=told,
        on_epoch=keep,
        ask=ask,
    )
    _save(case, run, trained.best)
    run = replace(
        run,
        stage="trained",
        history=trained.history,
        best_epoch=trained.best_epoch,
        stopped_early=trained.stopped_early,
        n_answers=run.drawn.n_answers + trained.n_sent,
        circumstances=run.circumstances | trained.circumstances,
    )
    write_run(case, run)
    _clear(case, run)
    return run


def _pictures(case: Case, pool: Pool, rows: Rows) -> Pictures:
    """The pictures of a transfer set's rows (n, H, W, C), views drawn anew."""
    header = Ledger.open(case.path("ledger")).header
    views = header.views
    pictures = np.empty((len(rows.images), *pool.pixels.shape[1:]), dtype=np.uint8)
    for view in np.unique(rows.views).tolist():
        own = np.flatnonzero(rows.views == view)
        images = rows.images[own]
        pictures[own] = make_views(
            np.ascontiguousarray(pool.pixels[images]), pool.image_ids[images], view=view, seed=header.seed, spec=views
        )
    return pictures


def keep_best(case: Case, run: CloneRun) -> CloneRun:
    """End a training that was stopped: its best weights so far become the clone's.

    Raises:
        CaseError: there is no checkpoint, or it is damaged.
    """
    from fdcore.cloning.checkpoints import read_best
    from fdcore.cloning.schedule import best_epoch

    best, history = read_best(case.path(run_folder(run.id)))
    _save(case, run, best)
    reason = f"ended by hand after {len(history)} of {run.training.epochs} epochs"
    run = replace(run, stage="trained", history=history, best_epoch=best_epoch(history), stopped_early=reason)
    write_run(case, run)
    _clear(case, run)
    return run


def _save(case: Case, run: CloneRun, best: "State") -> None:
    """Write a clone's weights; an export of earlier ones goes."""
    from fdcore.cloning.exports import save_weights
    from fdcore.cloning.networks import restored

    spec = input_of(case)
    network = restored(run.training.arch, len(run.drawn.classes), spec, best)
    case.path(f"{run_folder(run.id)}/{NETWORK}").unlink(missing_ok=True)
    case.write(f"{run_folder(run.id)}/{WEIGHTS}", save_weights(network, spec))


def _clear(case: Case, run: CloneRun) -> None:
    """Remove what only a training that goes on would need."""
    from fdcore.cloning.jacobian import remove_rounds

    place = case.path(run_folder(run.id))
    (place / CHECKPOINT).unlink(missing_ok=True)
    remove_rounds(place)
