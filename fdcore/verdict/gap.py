"""Was the suspect trained on these very pictures? A network is right more often about pictures that it was trained on.

The paper argues so for its first field model (section 5.5): 99.5 % on ImageNet's training split, 69.5 % on its test
split. Two splits of one data set are compared folder by folder. A folder's class is the answer that its pictures
get most often, both splits together; so no claim and no order of classes is assumed, and neither split is favoured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from fdcore.method.scores import wilson_interval

N_PERMUTATIONS = 9_999
MAX_P = 0.001  # of a gap that is called one
Answers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Split:
    """One split's pictures.

    Attributes:
        name: of its folder.
        n_images: how many were sent.
        n_right: how many of them the suspect puts in their folder's class.
    """

    name: str
    n_images: Annotated[int, msgspec.Meta(ge=1)]
    n_right: int

    @property
    def right(self) -> float:
        """The share of right answers."""
        return self.n_right / self.n_images

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval (Wilson)."""
        low, high = wilson_interval(self.n_right, self.n_images)
        return float(low), float(high)


@dataclass(frozen=True)
class Gap:
    """Two splits compared.

    Attributes:
        n_folders: folders that both have; pictures of others are left out.
        n_shared: pictures that both splits hold, and that are therefore left out.
        p_value: how often splits drawn at random, folder by folder, would differ as much or more in this direction;
            at least 1 / (N_PERMUTATIONS + 1).
        by, time: who compared them, and when (ISO 8601).
    """

    train: Split
    test: Split
    n_folders: int
    n_shared: int
    p_value: float
    by: str = ""
    time: str = ""

    @property
    def points(self) -> float:
        """By how much the share of right answers is higher on the training split, in percentage points."""
        return 100 * (self.train.right - self.test.right)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `points` (Newcombe's hybrid of the two Wilson intervals)."""
        a, b = self.train.right, self.test.right
        (a_low, a_high), (b_low, b_high) = self.train.interval, self.test.interval
        half_down, half_up = np.hypot(a - a_low, b_high - b), np.hypot(a_high - a, b - b_low)
        return self.points - 100 * float(half_down), self.points + 100 * float(half_up)

    @property
    def outcome(self) -> Literal["seen", "undecided", "no sign"]:
        """Whether the suspect knows the training split better than chance explains."""
        if self.p_value <= MAX_P:
            return "seen"
        return "no sign" if self.p_value > 0.05 else "undecided"

    @property
    def headline(self) -> str:
        """The outcome as a sentence."""
        return {
            "seen": f"The answers are consistent with training on the pictures of {self.train.name}.",
            "undecided": "The difference is too small to tell from chance. Use more pictures.",
            "no sign": f"Nothing shows that the suspect was trained on the pictures of {self.train.name}.",
        }[self.outcome]

    @property
    def in_words(self) -> str:
        """The outcome with its figures; where the test split is clearly ahead, what that suggests."""
        low, high = self.interval
        folders = f"{self.n_folders:,} {'folder' if self.n_folders == 1 else 'folders'}"
        turned = " The suspect is right more often about the test split: check that the two folders are not swapped."
        return (
            f"{self.headline} The suspect is right about {self.train.n_right:,} of {self.train.n_images:,} training "
            f"pictures ({100 * self.train.right:.1f} %) and {self.test.n_right:,} of {self.test.n_images:,} test "
            f"pictures ({100 * self.test.right:.1f} %) in {folders}: a gap of {self.points:+.1f} "
            f"points ({low:+.1f} to {high:+.1f}), p = {self.p_value:.4f}.{turned if high < 0 else ''}"
        )


def compare_splits(
    names: tuple[str, str],
    answers: tuple[Answers, Answers],
    folders: tuple[Answers, Answers],
    *,
    n_shared: int = 0,
    seed: int = 0,
) -> Gap:
    """Compare the suspect's answers to two splits of one data set.

    Splitting a folder's pictures at random makes the number of right ones in the training part hypergeometric. The
    folder's class stays what it is, as it depends on both parts together. So the test is exact, up to the number of
    permutations.

    Args:
        names: of the training split and the test split.
        answers: (n,) int32 for each split, the suspect's labels.
        folders: (n,) int32 for each split, the pictures' folders, numbered alike in both.
        n_shared: for the record.
        seed: of the permutations.
    """
    numbers = np.unique(np.concatenate(folders))
    right = [np.zeros(len(numbers), dtype=np.int64) for _ in names]
    total = [np.zeros(len(numbers), dtype=np.int64) for _ in names]
    for place, number in enumerate(numbers):
        own = [
            split_answers[split_folders == number]
            for split_answers, split_folders in zip(answers, folders, strict=True)
        ]
        values, counts = np.unique(np.concatenate(own), return_counts=True)
        target = values[np.argmax(counts)]
        for split, labels in enumerate(own):
            right[split][place], total[split][place] = (labels == target).sum(), len(labels)
    n_right = right[0] + right[1]
    drawn = np.random.default_rng(seed).hypergeometric(
        n_right, total[0] + total[1] - n_right, total[0], size=(N_PERMUTATIONS, len(numbers))
    )
    as_good = int((drawn.sum(axis=1) >= right[0].sum()).sum())
    train, test = (Split(name, int(total[split].sum()), int(right[split].sum())) for split, name in enumerate(names))
    return Gap(train, test, len(numbers), n_shared, (1 + as_good) / (1 + N_PERMUTATIONS))


def strongest_first(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Those in which the training split was seen, and within both groups the last comparison first."""
    return tuple(sorted(gaps, key=lambda gap: (gap.outcome == "seen", gap.time), reverse=True))
