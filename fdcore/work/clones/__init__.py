"""The clone lab in a case (paper section 5.4); see `lab`."""

from fdcore.work.clones.lab import CloneCost, clone, clone_cost, evaluate_clones, finish_clone, go_on, remove_clone

__all__ = ["CloneCost", "clone", "clone_cost", "evaluate_clones", "finish_clone", "go_on", "remove_clone"]
