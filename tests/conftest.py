"""What all tests share: where real data lies, when it is there."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
os.environ["FDCORE_DEMO"] = "off"  # a page without a case starts no work of its own in tests


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real suspects and corpora; the test skips where there is none."""
    folder = Path(os.environ.get("FDCORE_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "suspects").is_dir():
        pytest.skip(f"no real data: {folder} has no suspects (set FDCORE_REAL_DATA)")
    return folder
