"""What the tests of the clone lab share."""

from pathlib import Path

import case_factory
import pytest

from fdcore.case.case import Case


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.open(case_factory.finished(tmp_path / "case"))


@pytest.fixture
def cloned(tmp_path: Path) -> Case:
    """A case whose found and random images a clone was trained from."""
    import lab_world  # here, because it imports torch

    return Case.open(lab_world.cloned(tmp_path / "cloned"))


@pytest.fixture
def cache() -> Path:
    return case_factory.world().cache
