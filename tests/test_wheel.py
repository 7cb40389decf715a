"""What is built and installed runs by itself: the wheel holds the data that its code needs."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from conftest import REPOSITORY

import fdcore

SMALL_DEMO = """
import sys
from functools import partial
import fdcore
from fdcore import demo
from fdcore.case.plan import Plan, Settings
from fdcore.cli.main import main
from fdcore.demo import case

demo.build_demo_corpus = partial(demo.build_demo_corpus, images_per_leaf=1)
demo.build_demo_stickers = partial(demo.build_demo_stickers, per_class=1)
case.Plan = partial(Plan, settings=Settings(n_views=1))
print(fdcore.__file__)
sys.exit(main(["demo"]))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel and the packages that it needs; the repository cannot be imported in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(REPOSITORY / "fdcore", source / "fdcore", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(REPOSITORY / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(source)], check=True
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python, wheel = folder / "venv" / "bin" / "python", next(folder.glob("*.whl"))
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
    # A path in a .pth file is searched after the environment's own packages, and .pth files in it are not read.
    (packages / "packages.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FDCORE", "XDG"))}
    environment["XDG_CACHE_HOME"] = str(folder / "cache")
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_the_wheel_alone_runs_the_demo_from_an_empty_folder(python, tmp_path):
    """From the suspect's weights to the report, with one picture of each leaf; and the wheel brings its command."""
    done = run(tmp_path, str(python), "-c", SMALL_DEMO)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(python.parents[1])
    assert "Intact: " in done.stdout
    assert "<html" in (tmp_path / "cases" / "demo" / "report.html").read_text()
    for command in ([str(python.with_name("fdcore"))], [str(python), "-m", "fdcore"]):
        assert run(tmp_path, *command, "--version").stdout == f"fdcore {fdcore.__version__}\n"
