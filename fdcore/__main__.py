"""`python -m fdcore`."""

import sys

from fdcore.cli.main import main

sys.exit(main())
