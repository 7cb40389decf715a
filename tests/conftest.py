"""What all tests share: where real data lies, when it is there, and word maps that are drawn at once."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
os.environ["FDCORE_DEMO"] = "off"  # a page without a case starts no work of its own in tests
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: more threads would wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real suspects and corpora; the test skips where there is none."""
    folder = Path(os.environ.get("FDCORE_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "suspects").is_dir():
        pytest.skip(f"no real data: {folder} has no suspects (set FDCORE_REAL_DATA)")
    return folder


@pytest.fixture
def quick_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Principal axes instead of UMAP, which compiles itself for long in every process; for what only shows maps."""
    from fdcore.verification import maps

    monkeypatch.setattr(maps, "_umap", lambda unit, _seed: maps._principal_axes(unit))
