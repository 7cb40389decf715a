"""`python -m fdcore`."""

import sys

from fdcore.cli import main

sys.exit(main())
