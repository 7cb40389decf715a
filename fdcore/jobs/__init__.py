"""Long work in its own process: started, watched, paused, cancelled and resumed from any session.

`JobQueue` is all that a page needs; `python -m fdcore.jobs ROOT JOB_ID` is the process that it starts. Importing this
loads nothing of the engine, so that a page may poll it.
"""

from fdcore.jobs.job import Job, State
from fdcore.jobs.queue import JobQueue

__all__ = ["Job", "JobQueue", "State"]
