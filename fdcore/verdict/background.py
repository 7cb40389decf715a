"""A background class: one class that takes most of all answers, such as "none of these" of a detector.

It is set aside, with its answers, and the rest is judged. Untrained networks, too, put most pictures in one class, so
this alone must not make their rest look meaningful: the fixed limits are stricter then, and such a suspect stays
undecided until it is compared with untrained networks that use a class as often (docs/decisions/0007).
"""

from dataclasses import dataclass, replace

import numpy as np

from fdcore.method.scores import Scores

FEW_CLASSES = 3  # up to this many, an untrained network may look meaningful
MOST = 0.5  # a background class takes more than this share of all answers


@dataclass(frozen=True)
class Background:
    """A class that is set aside.

    Attributes:
        target_class: its number.
        share: its share of the answers, all leaves weighted equally; above `MOST`.
    """

    target_class: int
    share: float

    def in_words(self) -> str:
        """Without a full stop."""
        return f"class {self.target_class} takes {self.share:.0%} of all answers and is set aside as a background class"


def find_background(scores: Scores) -> Background | None:
    """The class that takes most of the answers; None without one, or with so few classes that no rest could be judged.

    Args:
        scores: functional scores of every class and leaf.
    """
    asked = scores.n_queries > 0
    if scores.n_classes <= FEW_CLASSES or not asked.any():
        return None
    shares = scores.functional[:, asked].mean(axis=1, dtype=np.float64)
    largest = int(shares.argmax())
    return Background(largest, float(shares[largest])) if shares[largest] > MOST else None


def set_aside(scores: Scores, background: Background) -> Scores:
    """The scores without the background class and its answers; the classes above it move down by one."""
    taken = background.target_class
    return replace(scores, hits=np.delete(scores.hits, taken, axis=0), n_queries=scores.n_queries - scores.hits[taken])
