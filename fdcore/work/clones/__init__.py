"""The clone lab in a case (paper section 5.4); see `verbs`."""

from fdcore.work.clones.lab import Lab
from fdcore.work.clones.verbs import (
    CloneCost,
    clone,
    clone_cost,
    evaluate_clones,
    finish_clone,
    remove_clone,
    resume_clones,
)

__all__ = [
    "CloneCost",
    "Lab",
    "clone",
    "clone_cost",
    "evaluate_clones",
    "finish_clone",
    "remove_clone",
    "resume_clones",
]
