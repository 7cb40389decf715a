"""Training a clone: epochs that resume exactly, the best weights kept, and rounds of Jacobian-based augmentation.

Every epoch is a pure function of the weights, the optimiser's state and (seed, epoch). A training that was killed
therefore resumes from its last checkpoint and ends with the same weights bit for bit, on a CPU with the same number of
threads; a GPU adds in an order of its own, so this does not hold there.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from fdcore.cloning.checkpoints import Checkpoint, State, read_checkpoint, save_checkpoint
from fdcore.cloning.devices import choose_arithmetic, memory_errors, seeded
from fdcore.cloning.jacobian import Round, choose_rows, moved, read_round, save_round
from fdcore.cloning.learner import Learner, Rows, answers, make_optimiser, on_cpu, restore_moments
from fdcore.cloning.networks import CloneNetwork, build_clone
from fdcore.cloning.run import EpochResult
from fdcore.cloning.schedule import best_epoch, learning_rate, n_steps, planned_images, why_over
from fdcore.cloning.settings import TrainingSettings
from fdcore.errors import SettingsError
from fdcore.progress import Progress, silent
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import batch_size_for, filled

Pictures = npt.NDArray[np.uint8]
ClassLabels = npt.NDArray[np.int32]
Ask = Callable[[Pictures, int], ClassLabels]  # (pictures of a round, the round's number) -> the suspect's labels
OnEpoch = Callable[[Sequence[EpochResult], int], None]  # (all epochs so far, the best one's number)


class TrainingData(NamedTuple):
    """A transfer set in memory.

    Attributes:
        pictures: uint8 (n, H, W, C), at the suspect's input size.
        labels: int32 (n,), the suspect's.
        groups: int64 (n,); rows of one group (the views of one image) are held out together.
    """

    pictures: Pictures
    labels: ClassLabels
    groups: npt.NDArray[np.int64]


class Trained(NamedTuple):
    """A trained clone.

    Attributes:
        best: state dict of its best weights for `build_clone`'s network, on the CPU.
        history: all epochs in order.
        best_epoch: the one whose weights are `best`.
        stopped_early: why the last round ended before its last epoch; "" if it did not.
        circumstances: device, precision, threads and versions.
        n_sent: pictures of all rounds of augmentation together.
    """

    best: State
    history: tuple[EpochResult, ...]
    best_epoch: int
    stopped_early: str
    circumstances: dict[str, Any]
    n_sent: int


def train(
    data: TrainingData,
    *,
    n_classes: int,
    spec: PreprocessSpec,
    settings: TrainingSettings,
    folder: Path,
    progress: Progress = silent,
    on_epoch: OnEpoch = lambda history, best: None,
    ask: Ask | None = None,
) -> Trained:
    """Train a clone, starting from the folder's checkpoint if this training has left one.

    Args:
        data: the transfer set.
        n_classes: the suspect's classes.
        spec: the suspect's input.
        settings: how to train.
        folder: where checkpoints and rounds are kept.
        progress: called after every step with the images done, of all; an exception that it raises stops the training,
            which resumes from the last finished epoch when called again.
        on_epoch: called after every epoch, once its checkpoint is written, and once for the epochs done before.
        ask: queries the suspect; needed only for rounds of augmentation.

    Raises:
        SettingsError: the data or the settings do not fit, the loss is not finite, or there is not enough memory.
        StorageError: a checkpoint cannot be written.
    """
    _check(data, n_classes, spec, settings, ask)
    with memory_errors(settings.batch_size):
        training = _Training(data, n_classes, spec, settings, folder, progress, on_epoch)
        training.resume()
        while True:
            training.finish_round()
            if ask is None or training.round == settings.jacobian_rounds:
                return training.result()
            training.begin_round(training.round + 1, ask)


def predict(
    network: CloneNetwork,
    pictures: Pictures,
    images: npt.NDArray[np.intp] | None = None,
    *,
    device: str = "auto",
    batch_size: int = 256,
    progress: Progress = silent,
) -> ClassLabels:
    """The clone's labels of pictures, int32 (n,); they do not depend on the batches.

    Args:
        network: the clone.
        pictures: uint8 (n_pictures, H, W, C) in memory or memory-mapped; one batch is copied at a time.
        images: (n,) which of them, in this order, possibly repeated; None for all.
        device: where to compute.
        batch_size: pictures at once, at most.
        progress: called for every batch.

    Raises:
        SettingsError: there is no such device, or not enough memory.
    """
    arithmetic = choose_arithmetic(device, "float32")
    _, height, width, channels = pictures.shape
    n = len(pictures) if images is None else len(images)
    batch_size = min(
        batch_size, batch_size_for(PreprocessSpec(height, width, channels, mean=(0,) * channels, std=(1,) * channels))
    )
    network = network.eval().to(arithmetic.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks this form
    labels = np.empty(n, dtype=np.int32)
    with memory_errors(batch_size):
        for start in range(0, n, batch_size):
            progress("Querying the clone", start, n)
            rows = slice(start, start + batch_size)
            part = np.array(pictures[rows if images is None else images[rows]])
            answered = answers(network, torch.from_numpy(filled(part, batch_size)), arithmetic)
            labels[start : start + len(part)] = answered[: len(part)].cpu().numpy()
    progress("Querying the clone", n, n)
    return labels


def split_rows(
    groups: npt.NDArray[np.int64], share: float, seed: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows to train on and rows to hold out: whole groups, about that share of them, but never all."""
    each, group_of = np.unique(groups, return_inverse=True)
    n_held = min(round(share * len(each)), len(each) - 1)
    held = np.zeros(len(each), dtype=bool)
    held[np.random.default_rng(seed).permutation(len(each))[:n_held]] = True
    return np.flatnonzero(~held[group_of]), np.flatnonzero(held[group_of])


class _Training:
    """The state of one training, from which checkpoints are written."""

    def __init__(
        self,
        data: TrainingData,
        n_classes: int,
        spec: PreprocessSpec,
        settings: TrainingSettings,
        folder: Path,
        progress: Progress,
        on_epoch: OnEpoch,
    ) -> None:
        self.settings, self.folder, self.progress, self.on_epoch = settings, folder, progress, on_epoch
        self.n_classes, self.spec = n_classes, spec
        self.arithmetic = choose_arithmetic(settings.device, settings.precision)
        self.circumstances = self.arithmetic.describe()
        self.fingerprint = _fingerprint(data, n_classes, spec, settings)
        training, held_out = split_rows(data.groups, settings.held_out, settings.seed)
        self.rows, self.held_out = (_rows_of(data, rows, self.arithmetic.device) for rows in (training, held_out))
        self.n_first = len(self.rows)
        self.learner = Learner(build_clone(settings.arch, n_classes, spec, settings.seed), settings, self.arithmetic)
        self.history: tuple[EpochResult, ...] = ()
        self.best: State = {}
        self.round = self.started = 0

    def resume(self) -> None:
        """Resume from this training's checkpoint, if there is one, with the rounds that it rests on."""
        checkpoint = read_checkpoint(self.folder, self.fingerprint)
        if checkpoint is None or checkpoint.round > self.settings.jacobian_rounds:
            return
        rounds = [self._stored(number) for number in range(1, checkpoint.round + 1)]
        if any(found is None or found.labels is None for found in rounds) or not self._load(checkpoint):
            return
        for found in rounds:
            self.rows = self.rows.enlarged(found) if found else self.rows
        self.round, self.started, self.history = checkpoint.round, checkpoint.started, checkpoint.history
        self.best = checkpoint.best
        self._note_where(checkpoint.circumstances)
        self.on_epoch(self.history, best_epoch(self.history))

    def finish_round(self) -> None:
        """Train epoch by epoch until the round is over, each with its checkpoint."""
        while why_over(self.history, self.started, self.settings) is None:
            result = self._epoch(len(self.history) + 1)
            self.history = (*self.history, result)
            if best_epoch(self.history) == result.epoch:
                self.best = on_cpu(self.learner.network.state_dict())
            save_checkpoint(self.folder, self._checkpoint())
            self.on_epoch(self.history, best_epoch(self.history))

    def begin_round(self, number: int, ask: Ask) -> None:
        """Enlarge the set by the pictures that the clone moves and the suspect labels."""
        found = self._stored(number) or self._new_round(number)
        if found.labels is None:
            found = Round(found.pictures, self._checked(ask(found.pictures, number), len(found.pictures)))
            save_round(self.folder, number, self.fingerprint, found)
        self.rows = self.rows.enlarged(found)
        self.round, self.started = number, len(self.history)

    def result(self) -> Trained:
        """The finished training."""
        why = why_over(self.history, self.started, self.settings) or ""
        n_sent = len(self.rows) - self.n_first
        return Trained(self.best, self.history, best_epoch(self.history), why, self.circumstances, n_sent)

    def _epoch(self, number: int) -> EpochResult:
        begun = time.perf_counter()
        order_seed, layers_seed = _epoch_seeds(self.settings.seed, number)
        generator = torch.Generator().manual_seed(order_seed)
        n = len(self.rows)
        parts = torch.tensor_split(torch.randperm(n, generator=generator), n_steps(n, self.settings.batch_size))
        first = (number - 1 - self.started) * len(parts)
        sums, done, rate = torch.zeros(2, dtype=torch.float64, device=self.arithmetic.device), 0, 0.0
        with seeded(self.arithmetic.device, layers_seed):
            for step, part in enumerate(parts, start=first):
                rate = learning_rate(step, self.settings.epochs * len(parts), self.settings.peak_rate)
                rows = part if n > 1 else part.repeat(2)  # batch normalisation needs two
                sums += self.learner.step(*self.rows.take(rows), rate=rate, generator=generator) * (
                    len(part) / len(rows)
                )
                done += len(part)
                self._report(done)
        loss, agreed = (sums / n).tolist()
        self._require_number(loss, number)
        return EpochResult(number, loss, agreed, self._held_out_agreement(), rate, time.perf_counter() - begun, n)

    def _held_out_agreement(self) -> float:
        """Share of held-out rows that the clone puts where the suspect does; -1 if there are none."""
        n = len(self.held_out)
        if n == 0:
            return -1.0
        network, agreed = self.learner.network.eval(), 0
        size = batch_size_for(self.spec)
        for start in range(0, n, size):
            pictures, labels = self.held_out.take(torch.arange(start, min(start + size, n)))
            agreed += int((answers(network, pictures, self.arithmetic) == labels).sum())
        return agreed / n

    def _new_round(self, number: int) -> Round:
        """A round's pictures, stored before any query, so that a resumed training sends the same ones."""
        chosen = choose_rows(len(self.rows), self.n_first, seed=self.settings.seed, number=number)
        rows = torch.from_numpy(chosen).to(self.rows.pictures.device)
        pictures, labels = self.rows.pictures[rows].cpu().numpy(), self.rows.labels[rows].cpu().numpy()
        network, device = self.learner.network, self.arithmetic.device
        size = min(self.settings.batch_size, batch_size_for(self.spec))
        step = self.settings.jacobian_step
        new = moved(network, pictures, labels, step=step, device=device, batch_size=size, progress=self.progress)
        save_round(self.folder, number, self.fingerprint, Round(new, None))
        return Round(new, None)

    def _stored(self, number: int) -> Round | None:
        shape = (self.spec.height, self.spec.width, self.spec.channels)
        return read_round(self.folder, number, self.fingerprint, shape, self.n_classes)

    def _checked(self, labels: ClassLabels, n: int) -> ClassLabels:
        labels = np.asarray(labels)
        if labels.shape != (n,) or labels.min() < 0 or labels.max() >= self.n_classes:
            raise SettingsError(
                f"The suspect did not answer with {n} classes in 0..{self.n_classes - 1}.", key="answers out of range"
            )
        return labels.astype(np.int32)

    def _load(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint's weights fit the network; a damaged one leaves no trace."""
        before = on_cpu(self.learner.network.state_dict())
        try:
            self.learner.network.load_state_dict(checkpoint.best)
            self.learner.network.load_state_dict(checkpoint.network)
            restore_moments(self.learner.optimiser, checkpoint.optimiser)
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError):
            self.learner.network.load_state_dict(before)
            self.learner.optimiser = make_optimiser(self.learner.network, self.settings)
            return False
        return True

    def _checkpoint(self) -> Checkpoint:
        network, optimiser = self.learner.network.state_dict(), self.learner.optimiser.state_dict()["state"]
        return Checkpoint(
            self.fingerprint, self.round, self.started, network, optimiser, self.best, self.history, self.circumstances
        )

    def _note_where(self, before: dict[str, Any]) -> None:
        """Record that the training began on other hardware or with another number of threads."""
        begun = before.get("begun", before)
        if begun != self.circumstances:
            self.circumstances |= {"begun": begun, "repeatable": False}

    def _report(self, done: int) -> None:
        earlier = sum(one.n_images for one in self.history)
        self.progress("Training", earlier + done, planned_images(self.settings, self.n_first))

    def _require_number(self, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            raise SettingsError(
                f"The training diverged in epoch {epoch} (the loss is {loss}). Train again with a learning rate below "
                f"{self.settings.peak_rate:g}, or with Adam.",
                key="training diverged",
            )


def _rows_of(data: TrainingData, rows: npt.NDArray[np.intp], device: torch.device) -> Rows:
    labels = torch.from_numpy(data.labels[rows].astype(np.int64))
    return Rows(torch.from_numpy(np.ascontiguousarray(data.pictures[rows])), labels, device)


def _epoch_seeds(seed: int, epoch: int) -> tuple[int, int]:
    """Seeds of an epoch's order and augmentation, and of its random layers."""
    first, second = np.random.SeedSequence([seed, epoch]).generate_state(2, np.uint64)
    return int(first >> np.uint64(1)), int(second >> np.uint64(1))


def _fingerprint(data: TrainingData, n_classes: int, spec: PreprocessSpec, settings: TrainingSettings) -> str:
    """Hex SHA-256 over everything that determines the weights; a training may resume on another device."""
    shape = (n_classes, spec.height, spec.width, spec.channels, len(data.pictures))
    anywhere = asdict(replace(settings, device=""))
    digest = hashlib.sha256(json.dumps([anywhere, shape], sort_keys=True).encode())
    for part in (data.labels.astype(np.int32), data.groups.astype(np.int64), data.pictures):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _check(
    data: TrainingData, n_classes: int, spec: PreprocessSpec, settings: TrainingSettings, ask: Ask | None
) -> None:
    shape = (spec.height, spec.width, spec.channels)
    pictures, labels, groups = data
    if pictures.dtype != np.uint8 or pictures.shape[1:] != shape or len(pictures) == 0:
        raise SettingsError(
            f"A clone needs at least one uint8 picture of shape {shape}, but there are {len(pictures)} of "
            f"{pictures.dtype} and shape {pictures.shape[1:]}.",
            key="pictures unsuitable",
        )
    if labels.shape != (len(pictures),) or groups.shape != (len(pictures),):
        raise SettingsError(
            f"{len(pictures)} pictures need as many labels and groups, not {len(labels)} and {len(groups)}.",
            key="labels missing",
        )
    if labels.min() < 0 or labels.max() >= n_classes:
        raise SettingsError(
            f"Labels must lie in 0..{n_classes - 1}, but range from {labels.min()} to {labels.max()}.",
            key="labels out of range",
        )
    if settings.jacobian_rounds and ask is None:
        raise SettingsError(
            "Rounds of augmentation query the suspect, which is not available. Open it, or choose 0 rounds.",
            key="rounds without suspect",
        )
