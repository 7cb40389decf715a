"""`python -m fdcore.jobs ROOT JOB_ID`: do one job."""

import sys

from fdcore.jobs.worker import main

sys.exit(main())
