"""The clone lab: transfer sets, training, evaluation and comparison (paper section 5.4).

Nothing here knows a case; `fdcore.clone_lab` joins it with one. Only `networks`, `training`, `jacobian` and `exports`
import torch: what a finished clone is like is read without it.
"""
