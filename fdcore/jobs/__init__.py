"""Long-running work in its own process: started, watched, paused, cancelled and resumed from any session.

`JobQueue` is all that a page needs; it starts `python -m fdcore.jobs ROOT JOB_ID`. Importing this package does not load
the engine, so that a page may poll it.
"""

from fdcore.jobs.job import Job, State
from fdcore.jobs.queue import JobQueue, Wait, wait_of

__all__ = ["Job", "JobQueue", "State", "Wait", "wait_of"]
