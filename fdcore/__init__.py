"""fdcore: what was an undocumented image classifier trained to recognise?

Start reading at `fdcore.work.investigate`.
"""

__version__ = "0.1.0"
