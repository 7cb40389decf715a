"""The clone lab: transfer sets, training, evaluation and comparison (paper section 5.4).

Nothing here knows a case; `fdcore.work.clones` joins it with one. Only what trains or runs a network imports torch
(`networks`, `devices`, `learner`, `training`, `checkpoints`, `jacobian`, `exports`): what a finished clone is like is
read without it.
"""
