"""What all tests share: where real data lies, when it is there, and word maps that are drawn at once."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
NURSERY = "import sys, timm, torchvision.models, fdcore.suspect.cell.nursery as it; it.main(sys.argv[1:])"
os.environ["FDCORE_DEMO"] = "off"  # a page without a case starts no work of its own in tests
os.environ["FDCORE_VALIDATION"] = str(REPOSITORY / ".no-validation")  # not the user's own
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would each compile the same modules
sys.dont_write_bytecode = False
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: more threads would wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that a test asks for wait without spinning


def pytest_collection_finish() -> None:
    """What was imported stays until the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real suspects and corpora; the test skips where there is none."""
    folder = Path(os.environ.get("FDCORE_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "suspects").is_dir():
        pytest.skip(f"no real data: {folder} has no suspects (set FDCORE_REAL_DATA)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _networks_at_hand() -> Iterator[None]:
    """Cells that read networks are forked from a process that has imported their libraries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fdcore.suspect.cell.cell.NURSERY", ("-c", NURSERY))
        yield


@contextmanager
def principal_axes_for_umap() -> Iterator[None]:
    """UMAP compiles itself for long in every process; what only shows or keeps maps does without."""
    from fdcore.words import maps

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "_umap", lambda unit, _seed: maps._principal_axes(unit))
        yield


@pytest.fixture
def quick_umap() -> Iterator[None]:
    """The same for one test."""
    with principal_axes_for_umap():
        yield
