"""What cells are forked from in tests: as always, but with networks' libraries, which each would import for seconds."""

import timm  # noqa: F401
import torchvision.models  # noqa: F401

from fdcore.suspect.reading.inside import main

__all__ = ["main"]
