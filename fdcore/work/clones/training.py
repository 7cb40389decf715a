"""Training the clones of a case, and resuming it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fdcore.answers.views import make_views
from fdcore.case import layout
from fdcore.case.clones import run_folder, write_run
from fdcore.case.spending import ledger_of_pictures
from fdcore.cloning.run import CHECKPOINT, NETWORK, WEIGHTS, CloneRun, EpochResult
from fdcore.suspect.suspect import Pictures
from fdcore.work.clones.drawing import Prepared, Rows
from fdcore.work.clones.lab import Lab

if TYPE_CHECKING:
    from fdcore.cloning.checkpoints import State


def train_all(lab: Lab, prepared: Sequence[Prepared]) -> list[CloneRun]:
    """Train what is not trained yet: one after the other, or in parallel on several GPUs."""
    free: SimpleQueue[str] = SimpleQueue()
    devices = _devices(prepared[0].run.training.device)
    for device in devices:
        free.put(device)

    def train_one(number: int) -> CloneRun:
        run, rows = prepared[number]
        if rows is None:
            _clear(lab, run)
            return run
        device, title = free.get(), f"Training {run.source.name} ({number + 1} of {len(prepared)})"
        try:
            return _train(lab, run, rows, device, title)
        finally:
            free.put(device)

    with lab.case.changing(layout.ASKED, *(run_folder(one.run.id) for one in prepared)):
        if len(devices) == 1:
            return [train_one(number) for number in range(len(prepared))]
        with ThreadPoolExecutor(len(devices)) as pool:
            return list(pool.map(train_one, range(len(prepared))))


def _devices(wanted: str) -> tuple[str, ...]:
    """The devices for training: with "auto", every GPU if there are several."""
    import torch  # here, because reading a case must not load it

    n_gpus = torch.cuda.device_count() if wanted == "auto" else 0
    return tuple(f"cuda:{i}" for i in range(n_gpus)) if n_gpus > 1 else (wanted,)


def _train(lab: Lab, run: CloneRun, rows: Rows, device: str, title: str) -> CloneRun:
    """Train one clone, or resume its training, and keep its best weights."""
    from fdcore.cloning.training import TrainingData, train

    def keep(history: Sequence[EpochResult], best_epoch: int) -> None:
        nonlocal run
        run = replace(run, stage="training", history=tuple(history), best_epoch=best_epoch)
        write_run(lab.case, run)

    def ask(pictures: Pictures, round_number: int) -> npt.NDArray[np.int32]:
        nonlocal run
        ledger = ledger_of_pictures(lab.case, lab.header, pictures)
        stage = f"Querying round {round_number} of {run.source.name}"
        labels = lab.ask(ledger, np.arange(len(pictures)), pictures, stage=stage)
        asked = run.circumstances.get("asked", {}) | {ledger.folder.parent.name: ledger.n_sent}
        run = replace(
            run, n_sent=run.drawn.n_sent + sum(asked.values()), circumstances=run.circumstances | {"asked": asked}
        )
        write_run(lab.case, run)
        return labels

    trained = train(
        TrainingData(_pictures(lab, rows), rows.labels, rows.images.astype(np.int64)),
        n_classes=len(run.drawn.classes),
        spec=lab.spec,
        settings=replace(run.training, device=device),
        folder=lab.case.path(run_folder(run.id)),
        progress=lab.progress_as(title),
        on_epoch=keep,
        ask=ask,
    )
    run = replace(
        run,
        history=trained.history,
        best_epoch=trained.best_epoch,
        stopped_early=trained.stopped_early,
        n_answers=run.drawn.n_answers + trained.n_sent,
        circumstances=run.circumstances | trained.circumstances,
    )
    return _end(lab, run, trained.best)


def _pictures(lab: Lab, rows: Rows) -> Pictures:
    """The pictures of a transfer set's rows (n, H, W, C), with their views."""
    pool, views = rows.pool, lab.header.views
    pictures = np.empty((len(rows.images), *pool.pixels.shape[1:]), dtype=np.uint8)
    for view in np.unique(rows.views).tolist():
        own = np.flatnonzero(rows.views == view)
        images = rows.images[own]
        plain = np.ascontiguousarray(pool.pixels[images])
        pictures[own] = make_views(plain, pool.image_ids[images], view=view, seed=lab.header.seed, spec=views)
    return pictures


def keep_best(lab: Lab, run: CloneRun) -> CloneRun:
    """End a stopped training: its best weights so far become the clone's.

    Raises:
        CaseError: there is no checkpoint, or it is damaged.
    """
    from fdcore.cloning.checkpoints import read_best
    from fdcore.cloning.schedule import best_epoch

    best, history = read_best(lab.case.path(run_folder(run.id)))
    reason = f"ended manually after {len(history)} of {run.training.epochs} epochs"
    return _end(lab, replace(run, history=history, best_epoch=best_epoch(history), stopped_early=reason), best)


def _end(lab: Lab, run: CloneRun, best: "State") -> CloneRun:
    """Write a trained clone's weights and record; an export of earlier weights is removed."""
    from fdcore.cloning.exports import save_weights
    from fdcore.cloning.networks import restored

    network = restored(run.training.arch, len(run.drawn.classes), lab.spec, best)
    lab.case.path(f"{run_folder(run.id)}/{NETWORK}").unlink(missing_ok=True)
    lab.case.write(f"{run_folder(run.id)}/{WEIGHTS}", save_weights(network, lab.spec))
    run = replace(run, stage="trained")
    write_run(lab.case, run)
    _clear(lab, run)
    return run


def _clear(lab: Lab, run: CloneRun) -> None:
    """Remove what only a continued training would need."""
    from fdcore.cloning.jacobian import remove_rounds

    place = lab.case.path(run_folder(run.id))
    (place / CHECKPOINT).unlink(missing_ok=True)
    remove_rounds(place)
