"""The clone lab: transfer sets, training, evaluation and comparison (paper section 5.4).

Nothing here knows a case; `fdcore.work.clones` connects the two. Only the modules that train or run a network import
torch (`networks`, `devices`, `learner`, `training`, `checkpoints`, `jacobian`, `exports`); finished clones are read
without it.
"""
