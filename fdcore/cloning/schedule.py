"""The schedule of a training: the learning rate, the best epoch, and the end of a round."""

import math
from collections.abc import Sequence

from fdcore.cloning.run import EpochResult
from fdcore.cloning.settings import TrainingSettings

WARM_UP = 20  # a twentieth of the steps


def learning_rate(step: int, n_steps: int, peak: float) -> float:
    """Linear up to the peak over the first twentieth of a round's steps, then half a cosine down to nearly 0.

    Args:
        step: its number, from 0.
        n_steps: of the whole round.
        peak: the highest rate.
    """
    warm = max(1, n_steps // WARM_UP)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, n_steps - warm)))


def planned_epochs(settings: TrainingSettings) -> int:
    """Epochs of all rounds together if none stops early: each round trains for as many again."""
    return settings.epochs * (1 + settings.jacobian_rounds)


def planned_images(settings: TrainingSettings, n_training: int) -> int:
    """Images of all those epochs; each round enlarges the set by its initial size."""
    return settings.epochs * n_training * sum(range(1, settings.jacobian_rounds + 2))


def jacobian_queries(settings: TrainingSettings, n_training: int) -> int:
    """How many queries the rounds of augmentation send at most."""
    return settings.jacobian_rounds * n_training


def best_epoch(history: Sequence[EpochResult]) -> int:
    """The epoch with the highest held-out agreement; 0 before the first, and the last if nothing is held out.

    Of equal epochs, the latest has seen more images and was trained at a lower rate.
    """
    return max(history, key=lambda one: (one.held_out_agreement, one.epoch)).epoch if history else 0


def why_over(history: Sequence[EpochResult], started: int, settings: TrainingSettings) -> str | None:
    """Why a round ends here: "" after its last epoch, a sentence if it stops early, None if it continues.

    Args:
        history: all epochs so far.
        started: epochs before this round.
        settings: of the training.
    """
    done = len(history) - started
    if done >= settings.epochs:
        return ""
    if not settings.patience or done == 0 or history[-1].held_out_agreement < 0:
        return None
    highest = max(one.held_out_agreement for one in history)
    better = next(one.epoch for one in history if one.held_out_agreement == highest)  # an equal one is not better
    if len(history) - max(better, started) < settings.patience:
        return None
    return f"The held-out agreement did not improve in {settings.patience} epochs."


def n_steps(n: int, batch_size: int) -> int:
    """Steps of an epoch over n images; all have nearly the same size, and at least two images if n allows."""
    return max(1, min(math.ceil(n / batch_size), n // 2))
